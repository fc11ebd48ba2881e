// fuzz_app_json - any bytes as a message: refused with a rule, or numbers that a series can hold.

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/app_json.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/model/label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_check(const struct app_message *m)
{
    const size_t color = strlen(m->color);

    assert(m->n <= APP_NUMBERS_MAX + 2);
    assert(m->kind != APP_MESSAGE_OTHER || (m->n == 0 && m->refused == 0));
    if (m->has_color)
        assert(color > 0 && color <= APP_COLOR_MAX && str_is_utf8(m->color, color));
    for (unsigned i = 0; i < m->n; i++) {
        const struct label label = { .name = LABEL_METRIC, .value = m->numbers[i].metric };
        struct label_set set;

        assert(isfinite(m->numbers[i].value));
        assert(strlen(m->numbers[i].metric) < APP_METRIC_SIZE);
        assert(label_set_init(&set, &label, 1) == 0);
        label_set_release(&set);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct app_message message;
    const char *why = NULL;
    const int rc = app_json_parse(&message, &why, data, size);

    assert(rc == 0 || rc == ERR_FORMAT || rc == ERR_LIMIT);
    if (rc == 0)
        s_check(&message);
    else
        assert(why != NULL);
    return 0;
}

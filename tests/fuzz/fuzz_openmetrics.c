// fuzz_openmetrics - any bytes as a file to be imported: refused with a rule, or samples that read
// the same when they are written again.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/ctl/import_number.h"
#include "collector/ctl/import_openmetrics.h"
#include "collector/ctl/import_series.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_check(const struct import_line *line)
{
    struct import_fault fault = { 0 };
    struct label_set set, again;
    struct buf text = { 0 };
    uint8_t decimals;
    double value;

    assert(line->time_ms >= 0 && line->time_ms <= IMPORT_TIME_MAX_MS);
    if (!sample_is_stale(line->value)) {
        buf_double(&text, line->value);
        assert(import_value(&value, &decimals, (char *) text.at, text.len) == 0);
        assert(sample_bits(value) == sample_bits(line->value));
    }
    buf_clear(&text);
    if (import_series_parse(&set, line->series, line->series_len, &fault) < 0) {
        assert(fault.rule != NULL && set.count == 0);
    } else {
        label_set_text(&text, &set);
        assert(import_series_parse(&again, (char *) text.at, text.len, &fault) == 0);
        assert(label_set_equal(&set, &again));
        label_set_release(&set);
        label_set_release(&again);
    }
    buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_openmetrics form = { 0 };
    struct import_fault fault = { 0 };
    struct import_line line;
    const uint8_t *end;
    int rc = 0;

    while (rc == 0 && size > 0 && (end = memchr(data, '\n', size)) != NULL) {
        const size_t n = (size_t) (end - data);

        rc = import_openmetrics_line(&form, (const char *) data, n, &line, &fault);
        assert(rc == 0 || (rc == ERR_FORMAT && fault.rule != NULL));
        if (rc == 0 && line.sample)
            s_check(&line);
        data = end + 1;
        size -= n + 1;
    }
    if (rc == 0 && import_openmetrics_end(&form, &fault) < 0)
        assert(fault.rule != NULL);
    import_openmetrics_release(&form);
    return 0;
}

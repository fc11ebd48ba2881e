// fuzz_matcher - any text as a selector: it is refused with a sentence, or can be matched.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct label labels[] = {
        { "__name__", "web_requests_total" },
        { "app", "shop" },
        { "path", "/basket/\xe2\x82\xac\n\"\\" },
        { "repeated", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
    };
    char *text = xstrndup((const char *) data, size);
    char error[MATCHERS_ERROR_SIZE] = "";
    struct label_set set;
    matchers_t *m = NULL;

    if (matchers_parse(&m, text, error) == 0) {
        const struct label_set none = { 0 };

        assert(label_set_init(&set, labels, sizeof labels / sizeof labels[0]) == 0);
        (void) matchers_match(m, &set);
        // The rule that keeps a selector from meaning everything.
        assert(!matchers_match(m, &none) || matchers_limited(m));
        (void) matchers_metric(m);
        label_set_release(&set);
        matchers_destroy(&m);
    } else {
        assert(m == NULL && strncmp(error, "column ", 7) == 0);
    }
    free(text);
    return 0;
}

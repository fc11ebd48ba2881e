// fuzz_openmetrics - any bytes as a file to be imported: refused with a rule, or samples that read
// the same when they are written again.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/ctl/import_openmetrics.h"
#include "shared/base/err.h"
#include "tests/fuzz/import_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
            import_check(&line);
        data = end + 1;
        size -= n + 1;
    }
    if (rc == 0 && import_openmetrics_end(&form, &fault) < 0)
        assert(fault.rule != NULL);
    import_openmetrics_release(&form);
    return 0;
}

// fuzz_pressure - any text as a file of /proc/pressure: refused, or totals that are no less than 0.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/pressure.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pressure p;
    const int rc = pressure_parse(&p, (const char *) data, size);

    assert(rc == ERR_FORMAT || rc > 0);
    assert(rc < 0 || p.some_us >= 0 || p.full_us >= 0);
    for (size_t file = 0; file < 4; file++)
        proc_tick_twice(&pressure_family, file, data, size);
    return 0;
}

// fuzz_loadavg - any text as /proc/loadavg: refused, or three loads; and the same text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/loadavg.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const uint8_t *data, size_t size)
{
    struct loadavg load;
    const int rc = loadavg_parse(&load, (const char *) data, size);

    assert(rc == ERR_FORMAT || rc == 0);
    for (size_t i = 0; rc == 0 && i < LOADAVG_TERMS; i++)
        assert(load.hundredths[i] >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    proc_tick_twice(&loadavg_family, 0, data, size);
    return 0;
}

// fuzz_cpustat - any text as /proc/stat: refused, or numbers that stand in it; and the same text as
// a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/cpustat.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const uint8_t *data, size_t size)
{
    struct cpustat stat = { 0 };
    const int rc = cpustat_parse(&stat, (const char *) data, size);

    assert(rc == ERR_FORMAT || rc > 0);
    for (uint32_t i = 0; rc > 0 && i < stat.n; i++) {
        assert(stat.cpus[i].id < CPUSTAT_CPUS_MAX);
        assert(i == 0 || stat.cpus[i].id > stat.cpus[i - 1].id);
        for (uint32_t mode = 0; mode < stat.cpus[i].modes; mode++)
            assert(stat.cpus[i].ticks[mode] >= 0);
    }
    cpustat_release(&stat);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    proc_tick_twice(&cpustat_family, 0, data, size);
    return 0;
}

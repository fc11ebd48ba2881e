// fuzz_softnet - any text as /proc/net/softnet_stat: refused, or processors in order; and the same
// text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/softnet.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct softnet softnet = { 0 };
    const int rc = softnet_parse(&softnet, (const char *) data, size);

    assert(rc == ERR_FORMAT || rc == (int) softnet.n);
    for (uint32_t i = 0; rc > 0 && i < softnet.n; i++) {
        assert(softnet.cpus[i].id < SOFTNET_CPUS_MAX);
        assert(i == 0 || softnet.cpus[i].id > softnet.cpus[i - 1].id);
    }
    softnet_release(&softnet);
    proc_tick_twice(&softnet_family, 0, data, size);
    return 0;
}

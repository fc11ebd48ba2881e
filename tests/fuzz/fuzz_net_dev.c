// fuzz_net_dev - any text as /proc/net/dev: refused, or interfaces that stand in it, the same ones
// by the headings kept as by those read anew; and the same text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/net_dev.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const char *text, size_t size)
{
    struct net_dev fresh = { 0 }, kept = { 0 };
    const int rc = net_dev_parse(&fresh, text, size);

    assert(rc == ERR_FORMAT || rc == (int) fresh.n);
    (void) net_dev_parse(&kept, text, size / 2);
    (void) net_dev_parse(&kept, text, size);
    assert(net_dev_parse(&kept, text, size) == rc);
    for (uint32_t i = 0; rc > 0 && i < fresh.n; i++) {
        const struct net_dev_interface *at = &fresh.interfaces[i];

        assert(at->name >= text && at->name + at->name_len < text + size);
        assert(at->name_len > 0 && at->name_len <= NET_DEV_NAME_MAX);
        assert(memcmp(at->counters, kept.interfaces[i].counters, sizeof at->counters) == 0);
    }
    net_dev_release(&fresh);
    net_dev_release(&kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse((const char *) data, size);
    proc_tick_twice(&net_dev_family, 0, data, size);
    return 0;
}

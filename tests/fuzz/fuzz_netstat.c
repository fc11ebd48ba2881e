// fuzz_netstat - any text as /proc/net/netstat and as snmp6: refused, or the same numbers whether
// the headings are read anew, are those of the tick before, or have moved; and the same as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/netstat.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int parse_fn(struct netstat *out, const char *text, size_t len);

static void
s_parse(parse_fn *parse, const char *text, size_t size)
{
    struct netstat fresh = { 0 }, kept = { 0 };
    const int rc = parse(&fresh, text, size);

    assert(rc == ERR_FORMAT || (rc == (int) fresh.n && rc <= NETSTAT_FIELDS_MAX));
    (void) parse(&kept, text, size / 2);
    for (int tick = 0; tick < 2; tick++) {
        assert(parse(&kept, text, size) == rc);
        for (int i = 0; i < rc; i++) {
            assert(strlen(fresh.fields[i].name) < NETSTAT_NAME_SIZE);
            assert(strcmp(kept.fields[i].name, fresh.fields[i].name) == 0);
            assert(kept.fields[i].value.magnitude == fresh.fields[i].value.magnitude);
            assert(kept.fields[i].value.negative == fresh.fields[i].value.negative);
        }
    }
    netstat_release(&fresh);
    netstat_release(&kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(netstat_parse, (const char *) data, size);
    s_parse(netstat_parse_names, (const char *) data, size);
    proc_tick_twice(&netstat_family, 1, data, size);
    proc_tick_twice(&netstat_family, 2, data, size);
    return 0;
}

// fuzz_sockstat - any text as /proc/net/sockstat: refused, or fields that stand in it; and the same
// text as a tick of either file.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/sockstat.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const char *text, size_t size)
{
    static struct sockstat_field fields[SOCKSTAT_FIELDS_MAX];
    const int rc = sockstat_parse(fields, text, size);

    assert(rc == ERR_FORMAT || (rc > 0 && rc <= SOCKSTAT_FIELDS_MAX));
    for (int i = 0; i < rc; i++) {
        assert(fields[i].protocol >= text);
        assert(fields[i].protocol + fields[i].protocol_len < text + size);
        assert(fields[i].protocol_len > 0 && fields[i].protocol_len <= SOCKSTAT_PROTOCOL_MAX);
        assert(fields[i].word < SOCKSTAT_WORDS);
        assert(!fields[i].value.negative || fields[i].value.magnitude <= UINT64_C(1) << 63);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse((const char *) data, size);
    proc_tick_twice(&sockstat_family, 0, data, size);
    proc_tick_twice(&sockstat_family, 1, data, size);
    return 0;
}

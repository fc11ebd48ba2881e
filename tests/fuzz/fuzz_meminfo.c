// fuzz_meminfo - any text as /proc/meminfo: refused, or keys that are in it; and the same text as a
// tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/meminfo.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const uint8_t *data, size_t size)
{
    static struct meminfo_line lines[MEMINFO_LINES_MAX];
    const int n = meminfo_parse(lines, (const char *) data, size);

    assert(n == ERR_FORMAT || (n > 0 && n <= MEMINFO_LINES_MAX));
    for (int i = 0; i < n; i++) {
        char name[MEMINFO_NAME_SIZE];

        assert(lines[i].value >= 0 && lines[i].key_len > 0);
        assert(lines[i].key >= (const char *) data);
        assert(lines[i].key + lines[i].key_len < (const char *) data + size);
        meminfo_name(name, &lines[i]);
        assert(strlen(name) < sizeof name);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    proc_tick_twice(&meminfo_family, 0, data, size);
    return 0;
}

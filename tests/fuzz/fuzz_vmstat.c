// fuzz_vmstat - any text as /proc/vmstat: refused, or names that are taken and numbers that stand.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/vmstat.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vmstat_line lines[VMSTAT_LINES_MAX];
    const int rc = vmstat_parse(lines, (const char *) data, size);

    assert(rc == ERR_FORMAT || (rc > 0 && rc <= VMSTAT_LINES_MAX));
    for (int i = 0; i < rc; i++) {
        assert(lines[i].value >= 0 && lines[i].name_len <= VMSTAT_NAME_MAX);
        assert(vmstat_takes(lines[i].name, lines[i].name_len));
    }
    proc_tick_twice(&vmstat_family, 0, data, size);
    return 0;
}

// fuzz_diskstats - any text as /proc/diskstats: refused, or disks whose names lie in the text; and
// the same text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/diskstats.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_parse(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data;
    struct diskstats stats = { 0 };
    const int rc = diskstats_parse(&stats, text, size);

    assert(rc == ERR_FORMAT || rc == (int) stats.n);
    for (uint32_t i = 0; rc > 0 && i < stats.n; i++) {
        const struct diskstats_disk *disk = &stats.disks[i];

        assert(disk->name >= text && disk->name + disk->name_len <= text + size);
        assert(disk->name_len > 0 && disk->name_len <= DISKSTATS_NAME_MAX);
        assert(disk->fields >= DISKSTATS_FIELDS_MIN && disk->fields <= DISKSTATS_FIELDS);
        for (uint32_t f = 0; f < disk->fields; f++)
            assert(disk->values[f] >= 0);
    }
    diskstats_release(&stats);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    proc_tick_twice(&diskstats_family, 0, data, size);
    return 0;
}

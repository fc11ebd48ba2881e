// fuzz_mount_table - any text as a table of mounts: refused, or mounts whose words are decoded and
// lie in the table's own memory; and the same text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/filesystem.h"
#include "agent/proc/mount_table.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
s_within(const struct mount_table *table, const char *word)
{
    const char *start = (const char *) table->text.at;

    assert(word >= start && word + strlen(word) < start + table->text.len);
    return strlen(word) + 1;
}

static void
s_parse(const uint8_t *data, size_t size)
{
    struct mount_table table = { 0 };
    const int rc = mount_table_parse(&table, (const char *) data, size);
    size_t words = 0;

    assert(rc == ERR_FORMAT || (rc > 0 && rc == (int) table.n));
    for (uint32_t i = 0; rc > 0 && i < table.n; i++) {
        words += s_within(&table, table.mounts[i].device);
        words += s_within(&table, table.mounts[i].point);
        words += s_within(&table, table.mounts[i].type);
        assert(table.mounts[i].point[0] == '/');
    }
    // Nothing was decoded twice, and nothing has grown.
    assert(rc < 0 || (words == table.text.len && words <= size));
    assert(rc < 0 || !table.mounts[table.n - 1].hidden);
    mount_table_release(&table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    proc_tick_twice(&filesystem_family, 0, data, size);
    return 0;
}

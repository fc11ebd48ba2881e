// fuzz_loadavg - any text as /proc/loadavg: refused, or three loads; and the same text as a tick.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/loadavg.h"
#include "shared/base/err.h"

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

// Twice, as what the first tick left must not trip the second.
static void
s_tick(const uint8_t *data, size_t size)
{
    void *family = loadavg_family.make(&(const struct proc_machine){ .user_hz = 100 });
    series_table_t *table = series_table_new();

    for (int i = 0; i < 2; i++) {
        series_table_begin(table);
        (void) loadavg_family.sample(family, table, (const char *) data,
                                     size / (1u + (unsigned) i));
        series_table_end(table);
    }
    loadavg_family.end(&family);
    series_table_destroy(&table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_parse(data, size);
    s_tick(data, size);
    return 0;
}

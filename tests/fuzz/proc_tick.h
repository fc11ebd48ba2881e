// proc_tick - a fuzzer's bytes as two ticks of a family's file, the second one cut short: what the
// first left behind must not trip the next.

#ifndef TESTS_FUZZ_PROC_TICK_H
#define TESTS_FUZZ_PROC_TICK_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"
#include "agent/series_table.h"

static inline void
proc_tick_twice(const struct proc_family *family, size_t file, const uint8_t *data, size_t size)
{
    void *state = family->make(&(const struct proc_setup){ .user_hz = 100, .page_bytes = 4096 });
    series_table_t *table = series_table_new();

    for (size_t i = 1; i <= 2; i++) {
        series_table_begin(table);
        (void) family->sample(state, table, file, (const char *) data, size / i);
        // Those that read a root of their own have none here.
        if (family->walk != NULL && family->files[0].path != NULL)
            family->walk(state, table);
        series_table_end(table);
    }
    family->end(&state);
    series_table_destroy(&table);
}

#endif

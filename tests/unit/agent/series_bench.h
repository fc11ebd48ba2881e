// series_bench - a family over a table of its own, one tick a call, and its series by their text.

#ifndef TESTS_UNIT_AGENT_SERIES_BENCH_H
#define TESTS_UNIT_AGENT_SERIES_BENCH_H

#include <string.h>

#include "agent/proc/proc_family.h"
#include "shared/model/sample.h"

struct series_bench {
    const struct proc_family *family;
    series_table_t *table;
    void *state; // of the family
};

static inline struct series_bench
series_bench(const struct proc_family *family, const struct proc_setup *setup)
{
    return (struct series_bench){ .family = family,
                                  .table = series_table_new(),
                                  .state = family->make(setup) };
}

static inline void
series_bench_end(struct series_bench *b)
{
    b->family->end(&b->state);
    series_table_destroy(&b->table);
}

// What the family says of its first n files, of which a NULL is missing: 0, or what the last one of
// those it refused brought.
static inline int
series_bench_files(struct series_bench *b, const char *const texts[], size_t n)
{
    int rc = 0;

    series_table_begin(b->table);
    for (size_t i = 0; i < n; i++) {
        const int one = texts[i] == NULL
                            ? 0
                            : b->family->sample(b->state, b->table, i, texts[i], strlen(texts[i]));

        rc = one < 0 ? one : rc;
    }
    series_table_end(b->table);
    return rc;
}

// What the family says of `text` as its first file.
static inline int
series_bench_tick(struct series_bench *b, const char *text)
{
    return series_bench_files(b, &text, 1);
}

static inline void
series_bench_walk(struct series_bench *b)
{
    series_table_begin(b->table);
    b->family->walk(b->state, b->table);
    series_table_end(b->table);
}

// The slot of the series whose text is `wanted`, or SERIES_NONE.
static inline uint32_t
series_bench_slot(const struct series_bench *b, const char *wanted)
{
    struct buf text = { 0 };
    uint32_t found = SERIES_NONE;

    for (uint32_t i = 0; i < series_table_count(b->table); i++) {
        buf_clear(&text);
        label_set_text(&text, &series_table_def(b->table, i)->labels);
        if (strcmp(buf_cstr(&text), wanted) == 0)
            found = i;
    }
    buf_release(&text);
    return found;
}

// Its cell; absent where there is no such series.
static inline struct cell
series_bench_cell(const struct series_bench *b, const char *wanted)
{
    const uint32_t slot = series_bench_slot(b, wanted);
    const struct cell absent = { .state = CELL_ABSENT };

    return slot == SERIES_NONE ? absent : series_table_cells(b->table)[slot];
}

// Its value, as a reader gets it; fails where it has none.
static inline double
series_bench_value(const struct series_bench *b, const char *wanted)
{
    const struct cell cell = series_bench_cell(b, wanted);

    if (cell.state == CELL_ABSENT)
        fail_msg("no value: %s", wanted);
    return cell.state == CELL_INTEGER
               ? metric_value(series_table_def(b->table, series_bench_slot(b, wanted))->form,
                              cell.m)
               : sample_from_bits(cell.bits);
}

#endif

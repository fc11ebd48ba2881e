// family_bench - one family over a table, tick by tick, and what it then tells as exposition text.

#ifndef TESTS_UNIT_AGENT_FAMILY_BENCH_H
#define TESTS_UNIT_AGENT_FAMILY_BENCH_H

#include <string.h>

#include "agent/once.h"
#include "agent/proc/proc_family.h"
#include "shared/model/sample.h"
#include "tests/unit/agent/fixture.h"

struct family_bench {
    const struct proc_family *family;
    series_table_t *table;
    void *state;
    struct buf text; // of the last tick
};

static inline struct family_bench
family_bench(const struct proc_family *family, const struct proc_setup *setup)
{
    return (struct family_bench){ .family = family,
                                  .table = series_table_new(),
                                  .state = family->make(setup) };
}

static inline void
family_bench_end(struct family_bench *b)
{
    b->family->end(&b->state);
    series_table_destroy(&b->table);
    buf_release(&b->text);
}

// One tick of the texts of the family's files, in their order; NULL: that file is not there. What
// the files' calls returned, the first that failed; and b->text.
static inline int
family_tick(struct family_bench *b, const char *const texts[], size_t n)
{
    int rc = 0;

    series_table_begin(b->table);
    for (size_t i = 0; i < n; i++) {
        char *copy = texts[i] != NULL ? exactly(texts[i], strlen(texts[i])) : NULL;
        int one = 0;

        if (copy != NULL)
            one = b->family->sample(b->state, b->table, i, copy, strlen(texts[i]));
        rc = rc == 0 ? one : rc;
        free(copy);
    }
    if (b->family->walk != NULL)
        b->family->walk(b->state, b->table);
    series_table_end(b->table);
    buf_clear(&b->text);
    once_text(&b->text, b->table);
    return rc;
}

#define FAMILY_TICK(b, ...)                                \
    family_tick((b), (const char *const[]){ __VA_ARGS__ }, \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

// Whether the tick told this line, "name{labels} value".
static inline bool
family_tells(struct family_bench *b, const char *line)
{
    const char *at = strstr(buf_cstr(&b->text), line);

    return at != NULL && (at == buf_cstr(&b->text) || at[-1] == '\n') && at[strlen(line)] == '\n';
}

// The slot of the series whose text is `wanted`, "name{labels}", or SERIES_NONE.
static inline uint32_t
family_slot(const struct family_bench *b, const char *wanted)
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
family_cell(const struct family_bench *b, const char *wanted)
{
    const uint32_t slot = family_slot(b, wanted);
    const struct cell absent = { .state = CELL_ABSENT };

    return slot == SERIES_NONE ? absent : series_table_cells(b->table)[slot];
}

static inline bool
family_is_stale(const struct family_bench *b, const char *wanted)
{
    const struct cell cell = family_cell(b, wanted);

    return cell.state == CELL_RAW && cell.bits == SAMPLE_STALE_BITS;
}

// Its value, as a reader gets it; fails where it has none.
static inline double
family_value(const struct family_bench *b, const char *wanted)
{
    const struct cell cell = family_cell(b, wanted);

    if (cell.state == CELL_ABSENT)
        fail_msg("no value: %s", wanted);
    return cell.state == CELL_INTEGER
               ? metric_value(series_table_def(b->table, family_slot(b, wanted))->form, cell.m)
               : sample_from_bits(cell.bits);
}

// Samples told in the last tick.
static inline unsigned
family_samples(struct family_bench *b)
{
    unsigned n = 0;

    for (const char *at = buf_cstr(&b->text); *at != '\0'; at = strchr(at, '\n') + 1)
        n += *at != '#';
    return n;
}

#endif

// family_bench - one family over a table, tick by tick, and what it then tells as exposition text.

#ifndef TESTS_UNIT_AGENT_FAMILY_BENCH_H
#define TESTS_UNIT_AGENT_FAMILY_BENCH_H

#include <string.h>

#include "agent/once.h"
#include "agent/proc/proc_family.h"
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

        if (copy != NULL && rc == 0)
            rc = b->family->sample(b->state, b->table, i, copy, strlen(texts[i]));
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

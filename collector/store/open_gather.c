// open_gather - see the header.

#include "collector/store/open_gather.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define NOBODY UINT32_MAX
// Where fewer than one slot of so many is wanted, the others are passed over; else it is quicker to
// read them all.
#define FEW 12u

// Samples of one series.
struct run {
    uint32_t n;
    uint32_t size; // allocated
    bool mixed;    // times do not rise
    struct sample *at;
};

struct open_gather {
    uint32_t n;
    struct run *runs; // beside the ids
};

static void s_read(open_gather_t *self, open_cursor_t *cursor,
                   const struct open_gather_options *options);

open_gather_t *
open_gather_new(open_tile_t *tile, const struct open_gather_options *options)
{
    open_gather_t *self = xcalloc(1, sizeof *self);
    open_cursor_t *cursor = open_cursor_new(tile);

    self->n = options->n;
    self->runs = xcalloc(options->n + 1, sizeof *self->runs);
    if (open_cursor_stat(cursor)->last_ms >= options->start_ms &&
        open_cursor_stat(cursor)->first_ms <= options->end_ms)
        s_read(self, cursor, options);
    open_cursor_destroy(&cursor);
    return self;
}

void
open_gather_destroy(open_gather_t **self_p)
{
    open_gather_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++)
        free(self->runs[i].at);
    free(self->runs);
    free(self);
    *self_p = NULL;
}

static int
s_by_id(const void *a, const void *b)
{
    const series_id x = *(const series_id *) a;
    const series_id y = *(const series_id *) b;

    return (x > y) - (x < y);
}

// Of each slot which run it belongs to. Two slots may be one series.
static uint32_t *
s_runs(const struct slot_map *map, const struct open_gather_options *options)
{
    uint32_t *runs = xmalloc((map->n + 1) * sizeof *runs);

    for (uint32_t slot = 0; slot < map->n; slot++) {
        const series_id *found = bsearch(&slot_map_at(map, slot)->id, options->ids, options->n,
                                         sizeof *options->ids, s_by_id);

        runs[slot] = found != NULL ? (uint32_t) (found - options->ids) : NOBODY;
    }
    return runs;
}

static void
s_choose(open_cursor_t *cursor, const uint32_t *runs)
{
    const uint32_t n = open_cursor_map(cursor)->n;
    uint32_t *slots = xmalloc((n + 1) * sizeof *slots);
    uint32_t n_wanted = 0;

    for (uint32_t slot = 0; slot < n; slot++)
        if (runs[slot] != NOBODY)
            slots[n_wanted++] = slot;
    if ((uint64_t) FEW * n_wanted <= n)
        open_cursor_choose(cursor, slots, n_wanted);
    free(slots);
}

static void
s_add(struct run *run, struct sample sample, bool newest_only)
{
    if (newest_only && run->n == 1) {
        if (run->at[0].time_ms < sample.time_ms)
            run->at[0] = sample;
        return;
    }
    if (run->n == run->size) {
        run->size = newest_only ? 1 : run->size == 0 ? 128 : 2 * run->size;
        run->at = xrealloc(run->at, run->size, sizeof *run->at);
    }
    run->mixed = run->mixed || (run->n > 0 && run->at[run->n - 1].time_ms >= sample.time_ms);
    run->at[run->n++] = sample;
}

// Equal times stay in the order in which they came: a merge sort, since most of it rises.
static void
s_sort(struct run *run)
{
    struct sample *other = xmalloc(run->n * sizeof *other);
    uint32_t n = 0;

    for (uint32_t width = 1; width < run->n; width *= 2) {
        struct sample *swap = run->at;

        for (uint32_t from = 0; from < run->n; from += 2 * width) {
            const uint32_t middle = from + width < run->n ? from + width : run->n;
            const uint32_t end = middle + width < run->n ? middle + width : run->n;
            uint32_t i = from, k = middle;

            for (uint32_t to = from; to < end; to++)
                other[to] = k == end || (i < middle && run->at[i].time_ms <= run->at[k].time_ms)
                                ? run->at[i++]
                                : run->at[k++];
        }
        run->at = other;
        other = swap;
    }
    for (uint32_t i = 0; i < run->n; i++)
        if (n == 0 || run->at[n - 1].time_ms < run->at[i].time_ms)
            run->at[n++] = run->at[i];
    run->n = n;
    run->size = run->n; // as far as is known of the one that stays
    free(other);
}

static void
s_read(open_gather_t *self, open_cursor_t *cursor, const struct open_gather_options *options)
{
    const struct slot_map *map = open_cursor_map(cursor);
    uint32_t *runs = s_runs(map, options);
    struct open_block block;

    s_choose(cursor, runs);
    while (open_cursor_next(cursor, &block) == 1) {
        if (block.time_ms < options->start_ms || block.time_ms > options->end_ms)
            continue;
        for (uint32_t i = 0; i < block.n; i++) {
            const uint32_t slot = block.slots[i];
            const struct slot_series *is;

            if (slot >= map->n || runs[slot] == NOBODY)
                continue;
            is = slot_map_find(map, slot, block.seq);
            if (is != NULL)
                s_add(&self->runs[runs[slot]],
                      (struct sample){ block.time_ms, block.cells[i].state == CELL_INTEGER
                                                          ? metric_value(is->form, block.cells[i].m)
                                                          : sample_from_bits(block.cells[i].bits) },
                      options->newest_only);
        }
    }
    free(runs);
    for (uint32_t i = 0; i < self->n; i++)
        if (self->runs[i].mixed)
            s_sort(&self->runs[i]);
}

const struct sample *
open_gather_samples(const open_gather_t *self, uint32_t i, uint32_t *n_ret)
{
    *n_ret = self->runs[i].n;
    return self->runs[i].at;
}

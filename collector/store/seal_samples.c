// seal_samples - samples with times of their own into tiles.
//
// An application says two or three numbers at once, at a time that no row of the host has. As rows
// among the others they would cost a bit in every column; each application's in a tile of its own,
// they cost their times once. So: by series and time, and then those series together that have the
// very same times.

#include "collector/store/sealer_inner.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

// Samples of one column in one partition.
struct run {
    uint32_t from; // in the sealer's samples
    uint32_t n;
    uint64_t hash; // of their times
    const struct seal_sample *at;
};

// Runs of at most TILE_ROWS_MAX samples.
static uint32_t
s_runs(const struct sealer *self, struct run *runs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < self->n_samples; i++) {
        const struct seal_sample *sample = &self->samples[i];
        struct run *run = n > 0 ? &runs[n - 1] : NULL;

        if (run == NULL || run->at->column != sample->column || run->n == TILE_ROWS_MAX ||
            partition_of(run->at->time_ms) != partition_of(sample->time_ms)) {
            run = &runs[n++];
            *run = (struct run){ .from = i, .at = sample, .hash = UINT64_C(0xcbf29ce484222325) };
        }
        run->n++;
        run->hash = (run->hash ^ (uint64_t) sample->time_ms) * UINT64_C(0x100000001b3);
        run->hash ^= run->hash >> 29;
    }
    return n;
}

// By their first times at first: so the tiles of a series rise in time, as their numbers do.
static int
s_compare_times(const struct run *x, const struct run *y)
{
    if (x->at->time_ms != y->at->time_ms)
        return x->at->time_ms < y->at->time_ms ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->at[i].time_ms != y->at[i].time_ms)
            return x->at[i].time_ms < y->at[i].time_ms ? -1 : 1;
    }
    return 0;
}

static int
s_by_times(const void *a, const void *b)
{
    const struct run *x = a;
    const struct run *y = b;
    const int order = s_compare_times(x, y);

    return order != 0 ? order : (x->from > y->from) - (x->from < y->from);
}

// Columns rise among the runs of one tile, since they rise among the samples.
static void
s_write(struct sealer *self, const struct run *runs, uint32_t n)
{
    int64_t times[TILE_ROWS_MAX];

    for (uint32_t i = 0; i < runs->n; i++)
        times[i] = runs->at[i].time_ms;
    self->given = 0;
    tile_writer_begin(self->writer, self->host, 0, times, runs->n);
    for (uint32_t k = 0; k < n; k++) {
        const struct seal_column *column = &self->columns[runs[k].at->column];
        uint64_t raw[COLUMN_WORDS(TILE_ROWS_MAX)] = { 0 };
        int64_t cells[TILE_ROWS_MAX];
        bool any = false;

        for (uint32_t i = 0; i < runs[k].n; i++) {
            const struct cell *cell = &runs[k].at[i].cell;

            cells[i] = cell->m;
            raw[i / 64] |= (uint64_t) (cell->state == CELL_RAW) << i % 64;
            any = any || cell->state == CELL_RAW;
        }
        self->given += tile_writer_add(self->writer,
                                       &(struct tile_cells){ .series = column->id,
                                                             .form = column->form,
                                                             .cells = cells,
                                                             .raw = any ? raw : NULL });
    }
    seal_give(self, times, runs->n, n);
}

void
seal_samples(struct sealer *self)
{
    struct run *runs;
    uint32_t n;

    if (self->n_samples == 0)
        return;
    runs = xcalloc(self->n_samples, sizeof *runs);
    n = s_runs(self, runs);
    qsort(runs, n, sizeof *runs, s_by_times);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1;
             to < n && to - from < TILE_COLUMNS_MAX && s_compare_times(&runs[from], &runs[to]) == 0;
             to++)
            ;
        s_write(self, &runs[from], to - from);
    }
    free(runs);
}

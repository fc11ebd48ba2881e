// tile_gather - see the header.

#include "collector/store/tile_gather.h"

#include <stdlib.h>
#include <string.h>

#include "collector/store/sample_merge.h"
#include "collector/store/tile.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// Samples of one series.
struct run {
    uint32_t n;
    uint32_t size; // allocated
    struct sample *at;
};

struct tile_gather {
    struct tile_gather_options is;
    struct run *runs;    // beside the ids
    uint64_t kept;       // samples of all
    struct sample *read; // of one tile
    uint32_t size;       // allocated, of the room
    struct sample *room; // for sample_merge
    int64_t times[TILE_ROWS_MAX];
};

tile_gather_t *
tile_gather_new(const struct tile_gather_options *options)
{
    tile_gather_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->runs = xcalloc(options->n + 1, sizeof *self->runs);
    self->read = xcalloc(TILE_ROWS_MAX, sizeof *self->read);
    return self;
}

void
tile_gather_destroy(tile_gather_t **self_p)
{
    tile_gather_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->is.n; i++)
        free(self->runs[i].at);
    free(self->runs);
    free(self->read);
    free(self->room);
    free(self);
    *self_p = NULL;
}

static void
s_grow(struct run *run, uint32_t n)
{
    if (n <= run->size)
        return;
    run->size += run->size / 2; // of many series that have little, nothing is for later
    if (run->size < n)
        run->size = n;
    run->at = xrealloc(run->at, run->size, sizeof *run->at);
}

static void
s_merge(tile_gather_t *self, struct run *run, uint32_t n)
{
    s_grow(run, run->n + n);
    if (run->n > self->size) {
        self->size = 2 * run->n;
        self->room = xrealloc(self->room, self->size, sizeof *self->room);
    }
    run->n = sample_merge(run->at, run->n, self->read, n, self->room);
}

static void
s_newest(tile_gather_t *self, struct run *run, uint32_t n)
{
    s_grow(run, 1);
    if (run->n == 0 || run->at[0].time_ms < self->read[n - 1].time_ms)
        run->at[0] = self->read[n - 1];
    run->n = 1;
}

int
tile_gather_tile(tile_gather_t *self, const uint8_t *at, size_t len)
{
    struct tile_cursor cursor;
    struct tile_column column;
    struct tile tile;
    uint32_t first, rows, i = 0;
    int rc = tile_open(&tile, at, len);

    rc = rc < 0 ? rc : tile_times(&tile, self->times);
    if (rc < 0)
        return rc;
    rows = tile_rows(self->times, tile.rows, self->is.start_ms, self->is.end_ms, &first);
    tile_cursor_init(&cursor, &tile);
    while (rows > 0 && i < self->is.n && (rc = tile_cursor_next(&cursor, &column)) == 1) {
        struct run *run;
        uint32_t before;
        int n;

        while (i < self->is.n && self->is.ids[i] < column.series)
            i++;
        if (i == self->is.n || self->is.ids[i] != column.series)
            continue;
        n = tile_samples(&tile, &column, self->times, first, rows, self->read);
        if (n < 0)
            return n;
        run = &self->runs[i];
        before = run->n;
        if (n > 0 && self->is.newest_only)
            s_newest(self, run, (uint32_t) n);
        else if (n > 0)
            s_merge(self, run, (uint32_t) n);
        self->kept += run->n - before;
        if (self->kept > self->is.most)
            return ERR_LIMIT;
    }
    return rc < 0 ? rc : 0;
}

const struct sample *
tile_gather_samples(const tile_gather_t *self, uint32_t i, uint32_t *n_ret)
{
    *n_ret = self->runs[i].n;
    return self->runs[i].at;
}

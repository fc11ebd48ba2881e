// local_view - see the header.

#include "collector/store/local_view.h"

#include <stdlib.h>
#include <string.h>

#include "collector/store/open_gather.h"
#include "collector/store/sample_merge.h"
#include "collector/store/tile.h"
#include "collector/store/tile_series.h"
#include "shared/base/xalloc.h"

// Samples that an open tile gives at once, at most: 16 MiB.
#define GATHER_MOST (UINT64_C(1) << 20)

#define FEW         64u // series of a tile: see s_has_none

// One tile as it is read.
struct part {
    open_gather_t *open;        // NULL: it is sealed
    struct sealed_tile *sealed; // held
    struct tile tile;
    struct tile_cursor cursor;
    struct tile_column column; // at hand
    bool begun;                // `cursor` is; tiles move until then
    bool has_column;
    uint32_t first; // rows in the window
    uint32_t n;
    int64_t *times; // of all rows
};

struct local_view {
    const struct store_select *what;
    sealer_t *sealer; // NULL: not needed yet
    const series_id *ids;
    uint32_t n_ids;
    uint32_t n_parts;
    uint32_t parts_size; // allocated
    struct part *parts;
    uint32_t n;    // of samples
    uint32_t size; // allocated, of all three
    struct sample *samples;
    struct sample *read; // from one tile
    struct sample *room; // for sample_merge
};

local_view_t *
local_view_new(const struct store_select *what)
{
    local_view_t *self = xcalloc(1, sizeof *self);

    self->what = what;
    return self;
}

static void
s_drop(local_view_t *self)
{
    for (uint32_t i = 0; i < self->n_parts; i++) {
        open_gather_destroy(&self->parts[i].open);
        sealed_tile_drop(self->parts[i].sealed);
        free(self->parts[i].times);
    }
    self->n_parts = 0;
}

void
local_view_destroy(local_view_t **self_p)
{
    local_view_t *self = *self_p;

    if (self == NULL)
        return;
    s_drop(self);
    sealer_destroy(&self->sealer);
    free(self->parts);
    free(self->samples);
    free(self->read);
    free(self->room);
    free(self);
    *self_p = NULL;
}

void
local_view_begin(local_view_t *self, const series_id *ids, uint32_t n)
{
    s_drop(self);
    self->ids = ids;
    self->n_ids = n;
}

static struct part *
s_add(local_view_t *self)
{
    if (self->n_parts == self->parts_size) {
        self->parts_size = self->parts_size == 0 ? 8 : 2 * self->parts_size;
        self->parts = xrealloc(self->parts, self->parts_size, sizeof *self->parts);
    }
    self->parts[self->n_parts] = (struct part){ 0 };
    return &self->parts[self->n_parts];
}

// Of a tile of few series it is looked up in its head: of one of many it would rarely be so, and to
// walk through these takes as long as to open it.
static bool
s_has_none(const local_view_t *self, const struct block_tile *tile)
{
    return tile->series <= FEW && !tile_series_has(tile->bytes, tile->len, self->ids, self->n_ids);
}

// What can not be read, is outside the window, or has none of the series, is no part.
void
local_view_sealed(local_view_t *self, struct sealed_tile *sealed)
{
    const struct store_select *what = self->what;
    struct part *part = s_add(self);

    if (sealed->is.last_ms < what->start_ms || sealed->is.first_ms > what->end_ms ||
        s_has_none(self, &sealed->is) ||
        tile_open(&part->tile, sealed->is.bytes, sealed->is.len) < 0) {
        sealed_tile_drop(sealed);
        return;
    }
    part->sealed = sealed;
    part->times = xmalloc(part->tile.rows * sizeof *part->times);
    self->n_parts++;
    if (tile_times(&part->tile, part->times) == 0)
        part->n = tile_rows(part->times, part->tile.rows, what->start_ms, what->end_ms,
                            &part->first);
}

static void
s_take(void *arg, struct sealed_tile *tile)
{
    local_view_sealed(arg, tile);
}

void
local_view_open(local_view_t *self, open_tile_t *tile)
{
    const uint64_t each = self->what->newest_only ? 1 : open_tile_stat(tile).records;

    if (each * self->n_ids <= GATHER_MOST) {
        s_add(self)->open = open_gather_new(
            tile, &(struct open_gather_options){ .n = self->n_ids,
                                                 .ids = self->ids,
                                                 .start_ms = self->what->start_ms,
                                                 .end_ms = self->what->end_ms,
                                                 .newest_only = self->what->newest_only });
        self->n_parts++;
    } else {
        if (self->sealer == NULL)
            self->sealer = sealer_new();
        (void) sealer_run(self->sealer, tile, s_take, self);
    }
    open_tile_drop(&tile);
}

static void
s_make_room(local_view_t *self, uint32_t n)
{
    if (n <= self->size)
        return;
    self->size = n < 2 * self->size ? 2 * self->size : n;
    self->samples = xrealloc(self->samples, self->size, sizeof *self->samples);
    self->read = xrealloc(self->read, self->size, sizeof *self->read);
    self->room = xrealloc(self->room, self->size, sizeof *self->room);
}

// Whether the tile has a column of the series; then it is at hand.
static bool
s_has(struct part *part, series_id id)
{
    if (!part->begun) {
        part->begun = true;
        tile_cursor_init(&part->cursor, &part->tile);
        part->has_column = part->n > 0 && tile_cursor_next(&part->cursor, &part->column) == 1;
    }
    while (part->has_column && part->column.series < id)
        part->has_column = tile_cursor_next(&part->cursor, &part->column) == 1;
    return part->has_column && part->column.series == id;
}

const struct sample *
local_view_read(local_view_t *self, uint32_t i, uint32_t *n_ret)
{
    self->n = 0;
    for (uint32_t p = 0; p < self->n_parts; p++) {
        struct part *part = &self->parts[p];
        const struct sample *run;
        uint32_t n;
        int rc;

        if (part->open != NULL) {
            run = open_gather_samples(part->open, i, &n);
            s_make_room(self, self->n + n);
        } else if (s_has(part, self->ids[i])) {
            s_make_room(self, self->n + part->n);
            run = self->read;
            rc = tile_samples(&part->tile, &part->column, part->times, part->first, part->n,
                              self->read);
            n = rc > 0 ? (uint32_t) rc : 0;
        } else {
            continue;
        }
        self->n = sample_merge(self->samples, self->n, run, n, self->room);
    }
    *n_ret = self->n;
    if (self->what->newest_only && self->n > 1) {
        *n_ret = 1;
        return self->samples + self->n - 1;
    }
    return self->samples;
}

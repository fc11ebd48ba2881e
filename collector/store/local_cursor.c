// local_cursor - a select over open and sealed tiles.
//
// Under the lock only pointers are taken. An open tile is sealed for the cursor alone: there is one
// way to read then, and what comes later is not in it. Series are given one after the other, ids
// rising for each host; the tiles of a host are gone through side by side, since their columns rise
// too. Of equal times the tile that was begun first has the word. Where the disk is needed as well,
// all of a host is gathered at once: local_far.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/local_far.h"
#include "collector/store/tile.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// One tile as it is read.
struct view {
    struct sealed_tile *sealed; // held
    struct tile tile;
    struct tile_cursor cursor;
    struct tile_column column; // at hand
    bool has_column;
    uint32_t first; // rows in the window
    uint32_t n;
    int64_t *times; // of all rows
};

struct wanted {
    uint64_t host;
    series_id id;
};

struct cursor {
    store_cursor_t base;
    struct store_select what;
    uint32_t n_wanted;
    uint32_t at; // next of them
    struct wanted *wanted;
    uint64_t host; // whose views these are; 0: none yet
    uint64_t upto; // rows of it, when its tiles were taken
    uint32_t n_views;
    uint32_t views_size; // allocated
    struct view *views;  // numbers rising
    sealer_t *sealer;
    bool far; // the disk is needed for the host; then these, instead of views:
    uint32_t n_tiles;
    uint32_t tiles_size;        // allocated
    struct sealed_tile **tiles; // held
    uint32_t n_known;
    struct local_tile *known; // as local_far has them: without holds, to tell them by
    tile_gather_t *gather;    // NULL: not read yet
    series_id *ids;           // that it gathers
    uint32_t gathered;        // next of these
    uint32_t damaged;         // tiles and files that could not be read
    char why[96];
    struct label_series series; // given last
    uint32_t n;                 // of samples
    uint32_t size;              // allocated, of all three
    struct sample *samples;
    struct sample *read;   // from one tile
    struct sample *merged; // while two runs become one
};

static struct local_store *
s_store(const struct cursor *c)
{
    return (struct local_store *) c->base.store;
}

static int
s_by_host(const void *a, const void *b)
{
    const struct wanted *x = a;
    const struct wanted *y = b;

    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

// What is wanted, host by host.
static void
s_choose(struct cursor *c)
{
    struct local_store *store = s_store(c);
    series_id *ids;

    c->n_wanted = label_index_select(store->index, c->what.host, c->what.matchers,
                                     c->what.n_matchers, &ids);
    c->wanted = xcalloc(c->n_wanted + 1, sizeof *c->wanted);
    for (uint32_t i = 0; i < c->n_wanted; i++)
        c->wanted[i] = (struct wanted){ .id = ids[i],
                                        .host = label_index_host(store->index, ids[i]) };
    free(ids);
    if (c->what.host == 0 && c->n_wanted > 0)
        qsort(c->wanted, c->n_wanted, sizeof *c->wanted, s_by_host);
}

static void
s_drop_views(struct cursor *c)
{
    for (uint32_t i = 0; i < c->n_tiles; i++)
        sealed_tile_drop(c->tiles[i]);
    c->n_tiles = 0;
    for (uint32_t i = 0; i < c->n_views; i++) {
        sealed_tile_drop(c->views[i].sealed);
        free(c->views[i].times);
    }
    c->n_views = 0;
}

// Takes the hold. What can not be read, or is outside the window, is no view.
static void
s_add_view(void *arg, struct sealed_tile *sealed)
{
    struct cursor *c = arg;
    struct view *view;

    if (c->n_views == c->views_size) {
        c->views_size = c->views_size == 0 ? 8 : 2 * c->views_size;
        c->views = xrealloc(c->views, c->views_size, sizeof *c->views);
    }
    view = &c->views[c->n_views];
    *view = (struct view){ .sealed = sealed };
    if (sealed->is.last_ms < c->what.start_ms || sealed->is.first_ms > c->what.end_ms ||
        tile_open(&view->tile, sealed->is.bytes, sealed->is.len) < 0) {
        sealed_tile_drop(sealed);
        return;
    }
    view->times = xmalloc(view->tile.rows * sizeof *view->times);
    c->n_views++;
    if (tile_times(&view->tile, view->times) == 0)
        view->n = tile_rows(view->times, view->tile.rows, c->what.start_ms, c->what.end_ms,
                            &view->first);
}

// For local_far. Takes the hold.
static void
s_add_tile(void *arg, struct sealed_tile *sealed)
{
    struct cursor *c = arg;

    if (sealed->is.last_ms < c->what.start_ms || sealed->is.first_ms > c->what.end_ms) {
        sealed_tile_drop(sealed);
        return;
    }
    if (c->n_tiles == c->tiles_size) {
        c->tiles_size = c->tiles_size == 0 ? 8 : 2 * c->tiles_size;
        c->tiles = xrealloc(c->tiles, c->tiles_size, sizeof(struct sealed_tile *));
    }
    c->tiles[c->n_tiles++] = sealed;
}

// Pointers to the tiles can move once vectors do: cursors are made when all stand.
static void
s_begin_columns(struct cursor *c)
{
    for (uint32_t i = 0; i < c->n_views; i++) {
        struct view *view = &c->views[i];

        tile_cursor_init(&view->cursor, &view->tile);
        view->has_column = view->n > 0 && tile_cursor_next(&view->cursor, &view->column) == 1;
    }
}

// What a host had in memory, and whether the disk may have more for the window.
struct taken {
    uint32_t n;
    struct local_tile *tiles;
    bool far;
};

static struct taken
s_take_tiles(struct cursor *c, uint64_t id)
{
    struct local_store *store = s_store(c);
    struct taken taken = { 0 };
    struct local_tile *tiles = NULL;
    struct local_host *host;
    uint32_t n = 0;

    pthread_mutex_lock(&store->lock);
    host = map_get_u64(store->hosts, id);
    c->upto = host != NULL ? host->rows : 0;
    taken.far = store->disk != NULL && !c->what.labels_only &&
                (c->what.start_ms <= store->before_ms ||
                 (host != NULL && c->what.start_ms <= host->lost_ms));
    if (host != NULL && host->n > 0 && !c->what.labels_only) {
        tiles = xmemdup(host->tiles, host->n * sizeof *tiles);
        for (n = 0; n < host->n; n++) {
            if (tiles[n].open != NULL)
                open_tile_hold(tiles[n].open);
            else if (tiles[n].sealed != NULL)
                sealed_tile_hold(tiles[n].sealed);
        }
    }
    pthread_mutex_unlock(&store->lock);
    taken.n = n;
    taken.tiles = tiles;
    return taken;
}

// Holds go to `out`, and from it.
static void
s_give_tiles(struct cursor *c, const struct taken *taken,
             void (*out)(void *arg, struct sealed_tile *tile))
{
    for (uint32_t i = 0; i < taken->n; i++) {
        open_tile_t *open = taken->tiles[i].open;

        if (taken->tiles[i].sealed != NULL) {
            out(c, taken->tiles[i].sealed);
            continue;
        }
        if (open == NULL) // given up
            continue;
        if (c->sealer == NULL)
            c->sealer = sealer_new();
        (void) sealer_run(c->sealer, open, out, c);
        open_tile_drop(&open);
    }
}

static void
s_take_host(struct cursor *c, uint64_t id)
{
    struct taken taken;

    s_drop_views(c);
    tile_gather_destroy(&c->gather);
    c->host = id;
    taken = s_take_tiles(c, id);
    c->far = taken.far;
    if (!c->far) {
        s_give_tiles(c, &taken, s_add_view);
        s_begin_columns(c);
        free(taken.tiles);
        return;
    }
    s_give_tiles(c, &taken, s_add_tile);
    free(c->known);
    c->known = taken.tiles;
    c->n_known = taken.n;
}

// Of the host whose tiles these are: all that is wanted, from disk and memory.
static int
s_gather(struct cursor *c)
{
    struct local_far far = { .store = s_store(c),
                             .what = &c->what,
                             .host = c->host,
                             .tiles = c->tiles,
                             .n_tiles = c->n_tiles,
                             .known = c->known,
                             .n_known = c->n_known };
    uint32_t n = 0;
    int rc;

    while (c->at + n < c->n_wanted && c->wanted[c->at + n].host == c->host)
        n++;
    free(c->ids);
    c->ids = xcalloc(n + 1, sizeof *c->ids);
    for (uint32_t i = 0; i < n; i++)
        c->ids[i] = c->wanted[c->at + i].id;
    c->gathered = 0;
    c->gather = tile_gather_new(&(struct tile_gather_options){ .n = n,
                                                               .ids = c->ids,
                                                               .start_ms = c->what.start_ms,
                                                               .end_ms = c->what.end_ms,
                                                               .newest_only = c->what.newest_only,
                                                               .most = LOCAL_FAR_SAMPLES });
    rc = local_far_read(&far, c->gather);
    c->damaged += far.damaged;
    s_drop_views(c);
    if (rc == ERR_LIMIT)
        snprintf(c->why, sizeof c->why, "more than %u samples of a host: ask for less time",
                 LOCAL_FAR_SAMPLES);
    return rc;
}

int
local_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret)
{
    struct cursor *c = xcalloc(1, sizeof *c);

    c->base.store = store;
    c->what = *what;
    atomic_fetch_add(&s_store(c)->cursors, 1);
    // All of one host as it is now, whenever it is read; and then its series, so that none of a row
    // that is promised is unknown.
    if (what->host != 0)
        s_take_host(c, what->host);
    s_choose(c);
    *ret = &c->base;
    return 0;
}

static void
s_make_room(struct cursor *c, uint32_t n)
{
    if (n <= c->size)
        return;
    c->size = n < 2 * c->size ? 2 * c->size : n;
    c->samples = xrealloc(c->samples, c->size, sizeof *c->samples);
    c->read = xrealloc(c->read, c->size, sizeof *c->read);
    c->merged = xrealloc(c->merged, c->size, sizeof *c->merged);
}

// The run that was read behind or between what is there; of equal times what is there stands.
static void
s_merge(struct cursor *c, uint32_t n)
{
    uint32_t out = 0;
    uint32_t i = 0;
    uint32_t k = 0;
    struct sample *swap;

    if (n == 0)
        return;
    if (c->n == 0 || c->samples[c->n - 1].time_ms < c->read[0].time_ms) {
        memcpy(c->samples + c->n, c->read, n * sizeof *c->read);
        c->n += n;
        return;
    }
    while (i < c->n || k < n) {
        const bool old = k == n || (i < c->n && c->samples[i].time_ms <= c->read[k].time_ms);

        if (old && k < n && c->samples[i].time_ms == c->read[k].time_ms)
            k++;
        c->merged[out++] = old ? c->samples[i++] : c->read[k++];
    }
    swap = c->samples;
    c->samples = c->merged;
    c->merged = swap;
    c->n = out;
}

// All samples of the series in the window.
static void
s_read(struct cursor *c, series_id id)
{
    c->n = 0;
    for (uint32_t i = 0; i < c->n_views; i++) {
        struct view *view = &c->views[i];
        int n;

        while (view->has_column && view->column.series < id)
            view->has_column = tile_cursor_next(&view->cursor, &view->column) == 1;
        if (!view->has_column || view->column.series != id)
            continue;
        s_make_room(c, c->n + view->n);
        n = tile_samples(&view->tile, &view->column, view->times, view->first, view->n, c->read);
        if (n > 0)
            s_merge(c, (uint32_t) n);
    }
}

// The samples of the series, and their number.
static int
s_samples(struct cursor *c, const struct wanted *w, struct store_series *ret)
{
    int rc;

    if (w->host != c->host)
        s_take_host(c, w->host);
    if (c->far) {
        if (c->gather == NULL) {
            c->at--; // it is one of those
            rc = s_gather(c);
            c->at++;
            if (rc < 0)
                return rc;
        }
        ret->samples = tile_gather_samples(c->gather, c->gathered++, &ret->n);
        return 0;
    }
    s_read(c, w->id);
    ret->samples = c->samples;
    ret->n = c->n;
    if (c->what.newest_only && c->n > 1) {
        ret->samples += c->n - 1;
        ret->n = 1;
    }
    return 0;
}

int
local_cursor_next(store_cursor_t *cursor, struct store_series *ret)
{
    struct cursor *c = (struct cursor *) cursor;

    while (c->at < c->n_wanted) {
        const struct wanted *w = &c->wanted[c->at++];

        *ret = (struct store_series){ .id = w->id, .host = w->host };
        if (!c->what.labels_only) {
            const int rc = s_samples(c, w, ret);

            if (rc < 0)
                return rc;
            if (ret->n == 0)
                continue;
        }
        label_set_release(&c->series.labels);
        if (label_index_get(s_store(c)->index, w->id, &c->series) < 0)
            continue;
        ret->kind = c->series.kind;
        ret->labels = &c->series.labels;
        return 1;
    }
    return 0;
}

const char *
local_cursor_why(const store_cursor_t *cursor)
{
    struct cursor *c = (struct cursor *) (uintptr_t) cursor;

    if (c->why[0] == '\0' && c->damaged > 0)
        snprintf(c->why, sizeof c->why, "%u damaged files or tiles of the store could not be read",
                 c->damaged);
    return c->why[0] != '\0' ? c->why : NULL;
}

uint64_t
local_cursor_upto(const store_cursor_t *cursor)
{
    return ((const struct cursor *) cursor)->upto;
}

void
local_cursor_close(store_cursor_t **cursor_p)
{
    struct cursor *c = (struct cursor *) *cursor_p;

    s_drop_views(c);
    atomic_fetch_sub(&s_store(c)->cursors, 1);
    sealer_destroy(&c->sealer);
    tile_gather_destroy(&c->gather);
    free(c->tiles);
    free(c->known);
    free(c->ids);
    label_set_release(&c->series.labels);
    free(c->wanted);
    free(c->views);
    free(c->samples);
    free(c->read);
    free(c->merged);
    free(c);
    *cursor_p = NULL;
}

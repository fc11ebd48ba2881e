// local_cursor - a select over open and sealed tiles, and the disk behind them.
//
// Under the lock only pointers are taken. Series are given one after the other, ids rising for each
// host. Of equal times the tile that was begun first has the word. Where memory is enough, a host
// is read by local_view; where the disk is needed as well, all of it is gathered by local_far.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/local_far.h"
#include "collector/store/local_view.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

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
    // Of the host at hand:
    uint64_t host; // 0: none yet
    uint64_t upto; // rows, when its tiles were taken
    bool far;      // the disk is needed
    bool begun;    // what follows is ready
    uint32_t n_tiles;
    struct local_tile *tiles; // numbers rising; held until it is begun
    series_id *ids;           // wanted
    uint32_t next;            // of these
    local_view_t *view;       // if it is not far; ours for all hosts
    tile_gather_t *gather;    // if it is
    uint32_t damaged;         // tiles and files that could not be read, of all hosts
    char why[96];
    struct label_series series; // given last
};

// Tiles of memory for local_far.
struct far_tiles {
    const struct store_select *what;
    uint32_t n;
    uint32_t size;           // allocated
    struct sealed_tile **at; // held
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
s_drop_host(struct cursor *c)
{
    for (uint32_t i = 0; i < c->n_tiles && !c->begun; i++) {
        open_tile_drop(&c->tiles[i].open);
        sealed_tile_drop(c->tiles[i].sealed);
    }
    free(c->tiles);
    free(c->ids);
    tile_gather_destroy(&c->gather);
    c->tiles = NULL;
    c->ids = NULL;
    c->n_tiles = 0;
    c->begun = false;
}

// What memory has of the host now, and whether the disk may have more for the window.
static void
s_take_host(struct cursor *c, uint64_t id)
{
    struct local_store *store = s_store(c);
    struct local_host *host;

    s_drop_host(c);
    c->host = id;
    pthread_mutex_lock(&store->lock);
    host = map_get_u64(store->hosts, id);
    c->upto = host != NULL ? host->rows : 0;
    c->far = store->disk != NULL && !c->what.labels_only &&
             (c->what.start_ms <= store->before_ms ||
              (host != NULL && c->what.start_ms <= host->lost_ms));
    if (host != NULL && host->n > 0 && !c->what.labels_only) {
        c->tiles = xmemdup(host->tiles, host->n * sizeof *host->tiles);
        for (; c->n_tiles < host->n; c->n_tiles++) {
            const struct local_tile *tile = &c->tiles[c->n_tiles];

            if (tile->open != NULL)
                open_tile_hold(tile->open);
            else if (tile->sealed != NULL)
                sealed_tile_hold(tile->sealed);
        }
    }
    pthread_mutex_unlock(&store->lock);
}

int
local_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret)
{
    struct cursor *c = xcalloc(1, sizeof *c);

    c->base.store = store;
    c->what = *what;
    c->view = local_view_new(&c->what);
    atomic_fetch_add(&s_store(c)->cursors, 1);
    // All of one host as it is now, whenever it is read; and then its series, so that none of a row
    // that is promised is unknown.
    if (what->host != 0)
        s_take_host(c, what->host);
    s_choose(c);
    *ret = &c->base;
    return 0;
}

// Takes the hold.
static void
s_add_tile(void *arg, struct sealed_tile *sealed)
{
    struct far_tiles *far = arg;

    if (sealed->is.last_ms < far->what->start_ms || sealed->is.first_ms > far->what->end_ms) {
        sealed_tile_drop(sealed);
        return;
    }
    if (far->n == far->size) {
        far->size = far->size == 0 ? 8 : 2 * far->size;
        far->at = xrealloc(far->at, far->size, sizeof(struct sealed_tile *));
    }
    far->at[far->n++] = sealed;
}

// All that is wanted of the host, from disk and memory.
static int
s_gather(struct cursor *c, uint32_t n)
{
    struct far_tiles tiles = { .what = &c->what };
    struct local_far far = { .store = s_store(c),
                             .what = &c->what,
                             .host = c->host,
                             .ids = c->ids,
                             .n_ids = n,
                             .known = c->tiles,
                             .n_known = c->n_tiles };
    sealer_t *sealer = sealer_new();
    int rc;

    for (uint32_t i = 0; i < c->n_tiles; i++) {
        open_tile_t *open = c->tiles[i].open;

        if (open != NULL) {
            (void) sealer_run_some(sealer, open, c->ids, n, s_add_tile, &tiles);
            open_tile_drop(&open); // what is known stays as it was, without a hold
        } else if (c->tiles[i].sealed != NULL) {
            s_add_tile(&tiles, c->tiles[i].sealed);
        }
    }
    sealer_destroy(&sealer);
    far.tiles = tiles.at;
    far.n_tiles = tiles.n;
    c->gather = tile_gather_new(&(struct tile_gather_options){ .n = n,
                                                               .ids = c->ids,
                                                               .start_ms = c->what.start_ms,
                                                               .end_ms = c->what.end_ms,
                                                               .newest_only = c->what.newest_only,
                                                               .most = LOCAL_FAR_SAMPLES });
    rc = local_far_read(&far, c->gather);
    c->damaged += far.damaged;
    for (uint32_t i = 0; i < tiles.n; i++)
        sealed_tile_drop(tiles.at[i]);
    free(tiles.at);
    if (rc == ERR_LIMIT)
        snprintf(c->why, sizeof c->why, "more than %u samples of a host: ask for less time",
                 LOCAL_FAR_SAMPLES);
    return rc;
}

static void
s_look(struct cursor *c, uint32_t n)
{
    local_view_begin(c->view, c->ids, n);
    for (uint32_t i = 0; i < c->n_tiles; i++) {
        if (c->tiles[i].open != NULL)
            local_view_open(c->view, c->tiles[i].open);
        else if (c->tiles[i].sealed != NULL)
            local_view_sealed(c->view, c->tiles[i].sealed);
    }
}

// The tiles of the host are read, or made ready to be; `first` is the first that is wanted of it.
static int
s_begin_host(struct cursor *c, uint32_t first)
{
    uint32_t n = 0;

    while (first + n < c->n_wanted && c->wanted[first + n].host == c->host)
        n++;
    c->ids = xcalloc(n + 1, sizeof *c->ids);
    for (uint32_t i = 0; i < n; i++)
        c->ids[i] = c->wanted[first + i].id;
    c->next = 0;
    c->begun = true; // the holds go with the tiles
    if (c->far)
        return s_gather(c, n);
    s_look(c, n);
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
            int rc = 0;

            if (w->host != c->host)
                s_take_host(c, w->host);
            if (!c->begun)
                rc = s_begin_host(c, c->at - 1);
            if (rc < 0)
                return rc;
            ret->samples = c->far ? tile_gather_samples(c->gather, c->next, &ret->n)
                                  : local_view_read(c->view, c->next, &ret->n);
            c->next++;
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

uint64_t
local_cursor_upto(const store_cursor_t *cursor)
{
    return ((const struct cursor *) cursor)->upto;
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

void
local_cursor_close(store_cursor_t **cursor_p)
{
    struct cursor *c = (struct cursor *) *cursor_p;

    s_drop_host(c);
    atomic_fetch_sub(&s_store(c)->cursors, 1);
    local_view_destroy(&c->view);
    label_set_release(&c->series.labels);
    free(c->wanted);
    free(c);
    *cursor_p = NULL;
}

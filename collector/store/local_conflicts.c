// local_conflicts - samples of what has just been sealed whose time has another value elsewhere.
//
// A sample is looked at once, when it is sealed: against what then stands for its series and time,
// in memory or on the disk, among what was sealed before. Tiles of one host share times hardly
// ever, so this is a look at their ends. Where a file is imported series after series they all do,
// and hardly any two have a series in common: so it is a look at their heads, and only what is left
// is read and compared. And a series that is new to the store has nothing in any of them: ids rise,
// so one number a host tells.

#include <stdlib.h>

#include "collector/store/local_far.h"
#include "collector/store/tile.h"
#include "collector/store/tile_compare.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// Pairs of tiles that share time and series, of one open tile, at most. A stranger's may become a
// tile for each sample, whose conflicts nobody waits for.
#define PAIRS_MOST (1u << 17)

// A sample that came with a time of years ago lies in the same open tile as those of today: what is
// in between is not read for it. Tiles of one window are less than a day apart.
#define WINDOWS_MOST 8u

struct window {
    int64_t start_ms, end_ms; // both inclusive
};

// A column of what was made.
struct made_column {
    series_id id;
    uint32_t tile; // its place
};

struct search {
    sealer_t *sealer;
    struct sealed_tile *const *made;
    uint32_t n_made;
    struct made_column *columns; // of all of them that may be elsewhere, ids rising
    size_t n_columns;
    series_id *ids; // of these, each once
    uint32_t n_ids;
    tile_compare_t **compares; // beside the tiles; NULL: not needed yet
    uint64_t *with;            // likewise: number of the tile that each was compared with last
    uint32_t pairs;            // so far
    int64_t found;             // conflicts
};

static void
s_differs(void *arg, const struct tile_differs *differs)
{
    struct search *search = arg;

    search->found += 1 + sealer_conflicts_with(search->sealer, (series_id) differs->series,
                                               differs->time_ms, differs->mine, differs->other);
}

// Of one open tile those stand that have the lower numbers.
static bool
s_is_before(const struct block_tile *other, const struct block_tile *mine)
{
    return other->number >> SEALER_NUMBERS_BITS != mine->number >> SEALER_NUMBERS_BITS ||
           other->number < mine->number;
}

static void
s_pair(struct search *search, uint32_t i, const struct block_tile *other)
{
    const struct block_tile *mine = &search->made[i]->is;

    if (other->first_ms > mine->last_ms || other->last_ms < mine->first_ms ||
        search->with[i] == other->number || !s_is_before(other, mine))
        return;
    search->with[i] = other->number;
    search->pairs++;
    if (search->compares[i] == NULL)
        search->compares[i] = tile_compare_new(mine);
    tile_compare_with(search->compares[i], other, s_differs, search);
}

// The first column of that series or a later one.
static size_t
s_find(const struct search *search, uint64_t series)
{
    size_t at = 0;

    for (size_t end = search->n_columns; at < end;) {
        const size_t middle = at + (end - at) / 2;

        if (search->columns[middle].id < series)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

static int
s_other(void *arg, const struct block_tile *other)
{
    struct search *search = arg;
    struct tile_cursor cursor;
    struct tile_column column;
    struct tile tile;
    int rc = tile_open_head(&tile, other->bytes, other->len);

    if (rc < 0)
        return rc;
    tile_cursor_init(&cursor, &tile);
    while ((rc = tile_cursor_next(&cursor, &column)) == 1) {
        for (size_t at = s_find(search, column.series);
             at < search->n_columns && search->columns[at].id == column.series; at++) {
            if (search->pairs >= PAIRS_MOST)
                return ERR_LIMIT;
            s_pair(search, search->columns[at].tile, other);
        }
    }
    return rc;
}

static void
s_add(struct local_far *far, uint32_t *size, struct sealed_tile *tile)
{
    if (far->n_tiles == *size) {
        *size = *size == 0 ? 8 : 2 * *size;
        far->tiles = xrealloc(far->tiles, *size, sizeof(struct sealed_tile *));
    }
    far->tiles[far->n_tiles++] = sealed_tile_hold(tile);
}

// What memory has of the host in that time, and whether the disk may have more.
static struct local_tile *
s_take(struct local_far *far, uint32_t *size)
{
    struct local_store *store = far->store;
    const struct local_host *host;
    struct local_tile *known = NULL;

    pthread_mutex_lock(&store->lock);
    host = local_host(store, far->host);
    far->memory_alone = store->disk == NULL || (far->what->start_ms > store->before_ms &&
                                                far->what->start_ms > host->lost_ms);
    for (uint32_t i = 0; i < host->n; i++) {
        struct sealed_tile *tile = host->tiles[i].sealed;

        if (tile != NULL && tile->is.first_ms <= far->what->end_ms &&
            tile->is.last_ms >= far->what->start_ms)
            s_add(far, size, tile);
    }
    if (!far->memory_alone && host->n > 0) {
        known = xmemdup(host->tiles, host->n * sizeof *known); // without holds: they are compared
        far->n_known = host->n;
    }
    pthread_mutex_unlock(&store->lock);
    far->known = known;
    return known;
}

static int
s_by_start(const void *a, const void *b)
{
    const struct window *x = a;
    const struct window *y = b;

    return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

// Times of the tiles as few windows, rising. Their number; the last one takes what would be more.
static uint32_t
s_windows(struct window ret[WINDOWS_MOST], struct sealed_tile *const *made, uint32_t n_made)
{
    struct window *all = xcalloc(n_made, sizeof *all);
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_made; i++)
        all[i] = (struct window){ made[i]->is.first_ms, made[i]->is.last_ms };
    qsort(all, n_made, sizeof *all, s_by_start);
    for (uint32_t i = 0; i < n_made; i++) {
        struct window *last = &ret[n > 0 ? n - 1 : 0];

        if (n == 0 || (n < WINDOWS_MOST && all[i].start_ms - last->end_ms > PARTITION_MS))
            ret[n++] = all[i];
        else if (all[i].end_ms > last->end_ms)
            last->end_ms = all[i].end_ms;
    }
    free(all);
    return n;
}

static int
s_by_id(const void *a, const void *b)
{
    const struct made_column *x = a;
    const struct made_column *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->tile > y->tile) - (x->tile < y->tile);
}

// What was sealed of the host before, or stands on the disk since before the start.
struct before {
    bool all;           // may have any series at any time
    series_id restored; // and these up to here
    series_id newest;   // and those below this one, which it has
    int64_t newest_ms;  // up to here
};

static bool
s_may_be_elsewhere(const struct before *before, series_id id, int64_t from_ms)
{
    return before->all || id <= before->restored || id < before->newest ||
           (id == before->newest && from_ms <= before->newest_ms);
}

static struct before
s_before(struct local_store *self, const struct search *search, const struct local_host *host)
{
    return (struct before){
        // Tiles of one open tile may be each other's, in the order of their numbers among the rest.
        .all = !atomic_load(&self->loaded) || sealer_went_on(search->sealer),
        .restored = label_index_stat(self->index).restored,
        .newest = host->newest,
        .newest_ms = host->newest_ms,
    };
}

static void
s_remember(struct local_host *host, series_id id, int64_t upto_ms)
{
    if (id < host->newest || (id == host->newest && upto_ms <= host->newest_ms))
        return;
    host->newest = id;
    host->newest_ms = upto_ms;
}

// The columns that may be elsewhere, and the tiles that have one into `ret`. Their number.
static uint32_t
s_columns(struct search *search, const struct before *before, struct local_host *host,
          struct sealed_tile **ret)
{
    uint32_t n_ret = 0;
    size_t n = 0;

    for (uint32_t i = 0; i < search->n_made; i++)
        n += search->made[i]->is.series;
    search->columns = xcalloc(n + 1, sizeof *search->columns);
    for (uint32_t i = 0; i < search->n_made; i++) {
        const struct block_tile *is = &search->made[i]->is;
        const size_t had = search->n_columns;
        struct tile_cursor cursor;
        struct tile_column column;
        struct tile tile;

        if (tile_open_head(&tile, is->bytes, is->len) < 0)
            continue; // never: it was made just now
        tile_cursor_init(&cursor, &tile);
        for (uint32_t k = 0; k < is->series && tile_cursor_next(&cursor, &column) == 1; k++) {
            const series_id id = (series_id) column.series;

            if (s_may_be_elsewhere(before, id, is->first_ms))
                search->columns[search->n_columns++] = (struct made_column){ .id = id, .tile = i };
            s_remember(host, id, is->last_ms);
        }
        if (search->n_columns > had)
            ret[n_ret++] = search->made[i];
    }
    return n_ret;
}

static void
s_ids(struct search *search)
{
    qsort(search->columns, search->n_columns, sizeof *search->columns, s_by_id);
    search->ids = xcalloc(search->n_columns, sizeof *search->ids);
    for (size_t i = 0; i < search->n_columns; i++)
        if (i == 0 || search->columns[i].id != search->columns[i - 1].id)
            search->ids[search->n_ids++] = search->columns[i].id;
}

static void
s_look(struct local_store *self, struct search *search, const struct window *window)
{
    const struct store_select what = { .start_ms = window->start_ms, .end_ms = window->end_ms };
    struct local_far far = { .store = self, .what = &what, .host = search->made[0]->is.host };
    uint32_t size = 0;
    struct local_tile *known = s_take(&far, &size);

    for (uint32_t i = 0; i < search->n_made && sealer_went_on(search->sealer); i++)
        if (search->made[i]->is.first_ms >= window->start_ms &&
            search->made[i]->is.last_ms <= window->end_ms)
            s_add(&far, &size, search->made[i]);
    if ((far.n_tiles > 0 || !far.memory_alone) && search->ids == NULL)
        s_ids(search);
    far.ids = search->ids;
    far.n_ids = search->n_ids;
    (void) local_far_tiles(&far, s_other, search); // what can not be read says nothing else
    for (uint32_t i = 0; i < far.n_tiles; i++)
        sealed_tile_drop(far.tiles[i]);
    free(far.tiles);
    free(known);
}

uint64_t
local_conflicts(struct local_store *self, sealer_t *sealer, struct sealed_tile *const *made,
                uint32_t n_made)
{
    struct search search = { .sealer = sealer, .made = made, .n_made = n_made };
    struct window windows[WINDOWS_MOST];
    struct sealed_tile **looked;
    struct local_host *host;
    struct before before;
    uint32_t n_looked;

    if (n_made == 0)
        return sealer_conflicts(sealer);
    pthread_mutex_lock(&self->lock);
    host = local_host(self, made[0]->is.host);
    pthread_mutex_unlock(&self->lock);
    before = s_before(self, &search, host);
    looked = xcalloc(n_made, sizeof(struct sealed_tile *));
    n_looked = s_columns(&search, &before, host, looked);
    if (n_looked > 0) {
        const uint32_t n = s_windows(windows, looked, n_looked);

        search.compares = xcalloc(n_made, sizeof(tile_compare_t *));
        search.with = xcalloc(n_made, sizeof *search.with);
        for (uint32_t i = 0; i < n; i++)
            s_look(self, &search, &windows[i]);
        for (uint32_t i = 0; i < n_made; i++)
            tile_compare_destroy(&search.compares[i]);
    }
    free(search.compares);
    free(search.with);
    free(search.columns);
    free(search.ids);
    free(looked);
    return (uint64_t) ((int64_t) sealer_conflicts(sealer) + search.found);
}

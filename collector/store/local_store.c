// local_store - see the header. Some lines past 500: all that a store is asked for stands here.

#include "collector/store/local_store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "collector/store/sealer.h"
#include "shared/base/clock.h"
#include "shared/base/cond.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

static int s_series(store_t *store, uint64_t host, const struct label_set *labels,
                    enum metric_kind kind, series_id *ret);
static series_id s_find(store_t *store, uint64_t host, const struct label_set *labels);
static uint64_t s_append(store_t *store, const struct store_row *row);
static uint64_t s_conflicts(store_t *store, uint64_t host);
static void s_turn(store_t *store);
static int64_t s_oldest(store_t *store);
static int64_t s_lost(store_t *store, uint64_t host);
static int s_count(store_t *store, enum store_count_of what, const char *label, store_count_fn *fn,
                   void *arg);
static bool s_far(store_t *store, uint64_t host, int64_t from_ms);
static void s_stat(store_t *store, struct store_stat *ret);
static void s_destroy(store_t **store_p);
static int s_open_disk(local_store_t *self, const struct local_store_config *config);

static const struct store_ops s_ops = {
    .series = s_series,
    .find = s_find,
    .append = s_append,
    .conflicts = s_conflicts,
    .turn = s_turn,
    .open = local_cursor_open,
    .next = local_cursor_next,
    .upto = local_cursor_upto,
    .close = local_cursor_close,
    .oldest = s_oldest,
    .lost = s_lost,
    .count = s_count,
    .far = s_far,
    .why = local_cursor_why,
    .stat = s_stat,
    .destroy = s_destroy,
};

int
local_store_new(local_store_t **ret, uint64_t most_bytes)
{
    return local_store_open(ret, &(struct local_store_config){ .most_bytes = most_bytes });
}

int
local_store_open(local_store_t **ret, const struct local_store_config *config)
{
    local_store_t *self;
    int rc = 0;

    if (config->most_bytes < LOCAL_STORE_LEAST || config->most_bytes > UINT64_C(1)
                                                                           << LOCAL_STORE_MOST_BITS)
        return ERR_RANGE;
    self = xcalloc(1, sizeof *self);
    self->face.ops = &s_ops;
    self->most_bytes = config->most_bytes;
    self->index = label_index_new(config->most_bytes / 4);
    self->pool = piece_pool_new();
    self->now_ms = clock_mono_ms;
    self->age_ms = LOCAL_STORE_AGE_MS;
    self->next_tile = 1;
    self->oldest_ms = INT64_MAX;
    self->lost_ms = self->before_ms = INT64_MIN;
    self->hosts = map_new();
    atomic_init(&self->cursors, 0);
    pthread_mutex_init(&self->appending, NULL);
    pthread_mutex_init(&self->lock, NULL);
    cond_init(&self->work);
    cond_init(&self->done);
    atomic_init(&self->loaded, config->dir == NULL);
    if (config->dir != NULL)
        rc = s_open_disk(self, config);
    if (rc == 0)
        rc = -pthread_create(&self->thread, NULL, local_seal_run, self);
    if (rc < 0) {
        self->stopping = true;
        local_store_destroy(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

// What is on the disk may be as new as samples are taken at all.
static int
s_open_disk(local_store_t *self, const struct local_store_config *config)
{
    int rc = local_disk_open(&self->disk,
                             &(struct local_disk_config){ .dir = config->dir,
                                                          .keep_ms = config->keep_ms,
                                                          .keep_bytes = config->keep_bytes,
                                                          .merge_ms = config->merge_ms });

    if (rc < 0)
        return rc;
    rc = local_events_open(self, config);
    if (rc < 0)
        return rc;
    self->next_tile = local_disk_next_tile(self->disk);
    if (local_disk_had_files(self->disk)) {
        self->lost_ms = self->before_ms = clock_real_ms() + LOCAL_STORE_AHEAD_MS;
        self->oldest_ms = local_disk_oldest_ms(self->disk);
    }
    return 0;
}

int
local_store_load(local_store_t *self, bool (*wanted)(void *arg, uint64_t stream), void *arg)
{
    const int rc = local_disk_load(self->disk, self->index, wanted, arg);

    // New series would get ids that are others', and rows be written twice: it is not loaded then.
    pthread_mutex_lock(&self->lock);
    if (rc < 0 || self->failed == -ENOSPC) // of a try before
        self->failed = rc;
    pthread_mutex_unlock(&self->lock);
    if (rc == 0)
        atomic_store(&self->loaded, true);
    return rc;
}

uint64_t
local_store_needs(local_store_t *self, uint64_t hold)
{
    uint64_t needs = UINT64_MAX;

    pthread_mutex_lock(&self->appending);
    for (store_lane_t *lane = self->lanes; lane != NULL; lane = store_lane_next(lane)) {
        if (store_lane_needs(lane) < hold)
            store_lane_end(lane, INT64_MAX);
        if (store_lane_needs(lane) < needs)
            needs = store_lane_needs(lane);
    }
    pthread_mutex_lock(&self->lock);
    for (const struct local_ended *e = self->first; e != NULL; e = e->next)
        if (e->needs != 0 && e->needs < needs)
            needs = e->needs;
    for (const struct local_event *e = self->events.first; e != NULL; e = e->next)
        if (e->segment != 0 && e->segment < needs)
            needs = e->segment;
    pthread_mutex_unlock(&self->lock);
    pthread_mutex_unlock(&self->appending);
    return needs;
}

static void
s_free_host(struct local_host *host)
{
    for (uint32_t i = 0; i < host->n; i++) {
        open_tile_drop(&host->tiles[i].open);
        sealed_tile_drop(host->tiles[i].sealed);
    }
    free(host->tiles);
    free(host);
}

void
local_store_destroy(local_store_t **self_p)
{
    local_store_t *self = *self_p;
    struct map_entry entry;

    if (self == NULL)
        return;
    assert(atomic_load(&self->cursors) == 0);
    for (size_t at = 0; map_next(self->hosts, &at, &entry);)
        own_rows_destroy(&((struct local_host *) entry.value)->own);
    assert(self->lanes == NULL);
    if (!self->stopping) {
        pthread_mutex_lock(&self->lock);
        self->stopping = true;
        pthread_cond_signal(&self->work);
        pthread_mutex_unlock(&self->lock);
        pthread_join(self->thread, NULL);
    }
    for (size_t at = 0; map_next(self->hosts, &at, &entry);)
        s_free_host(entry.value);
    while (self->sealed.n-- > 0)
        sealed_tile_drop(self->sealed.at[self->sealed.first++ % self->sealed.size]);
    free(self->sealed.at);
    map_destroy(&self->hosts);
    pthread_cond_destroy(&self->work);
    pthread_cond_destroy(&self->done);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->appending);
    local_events_close(self);
    local_disk_close(&self->disk);
    piece_pool_destroy(&self->pool);
    label_index_destroy(&self->index);
    free(self);
    *self_p = NULL;
}

store_t *
local_store_face(local_store_t *self)
{
    return &self->face;
}

void
local_store_set_clock(local_store_t *self, int64_t (*now_ms)(void))
{
    self->now_ms = now_ms;
}

static void
s_end_lanes(local_store_t *self, int64_t before_ms)
{
    pthread_mutex_lock(&self->appending);
    for (store_lane_t *lane = self->lanes; lane != NULL; lane = store_lane_next(lane))
        store_lane_end(lane, before_ms);
    pthread_mutex_unlock(&self->appending);
}

void
local_store_seal(local_store_t *self)
{
    s_end_lanes(self, INT64_MAX);
    pthread_mutex_lock(&self->lock);
    self->flush = true;
    pthread_cond_signal(&self->work);
    while (self->n_ended > 0 || ((self->first != NULL || local_events_wait(self)) &&
                                 self->failed == 0 && !self->no_room))
        pthread_cond_wait(&self->done, &self->lock);
    self->flush = false;
    pthread_mutex_unlock(&self->lock);
}

struct local_host *
local_host(struct local_store *self, uint64_t id)
{
    struct local_host *host = map_get_u64(self->hosts, id);

    if (host == NULL) {
        host = xcalloc(1, sizeof *host);
        host->host = id;
        host->lost_ms = INT64_MIN;
        map_put_u64(self->hosts, id, host);
    }
    return host;
}

void
local_list_open(struct local_store *self, open_tile_t *tile)
{
    const struct open_tile_origin *origin = open_tile_origin(tile);
    struct local_host *host;

    pthread_mutex_lock(&self->lock);
    host = local_host(self, origin->host);
    local_tile_insert(host, (struct local_tile){ .number = origin->number << SEALER_NUMBERS_BITS,
                                                 .open = open_tile_hold(tile) });
    pthread_mutex_unlock(&self->lock);
}

// Too many on their way: who appends waits, rather than memory running out.
void
local_end_tile(struct local_store *self, open_tile_t *tile, uint64_t needs, uint64_t total)
{
    const struct open_tile_origin *origin = open_tile_origin(tile);
    struct local_ended *ended = xmalloc(sizeof *ended);

    *ended = (struct local_ended){ .tile = open_tile_hold(tile),
                                   .stream = origin->stream,
                                   .next_seq = open_tile_stat(tile).next_seq,
                                   .total = total,
                                   .needs = needs,
                                   .number = origin->number,
                                   .bytes = open_tile_stat(tile).bytes };
    pthread_mutex_lock(&self->lock);
    while (self->n_ended >= LOCAL_ENDED_MOST ||
           (self->n_ended > 0 && self->ended_bytes > self->most_bytes / LOCAL_ENDED_SHARE))
        pthread_cond_wait(&self->done, &self->lock);
    if (self->first == NULL)
        self->first = ended;
    else
        self->last->next = ended;
    self->last = ended;
    if (self->to_seal == NULL)
        self->to_seal = ended;
    self->n_ended++;
    self->ended_bytes += ended->bytes;
    pthread_cond_signal(&self->work);
    pthread_mutex_unlock(&self->lock);
}

void
local_tile_insert(struct local_host *host, struct local_tile tile)
{
    uint32_t at = host->n;

    if (host->n == host->size) {
        host->size = host->size == 0 ? 8 : 2 * host->size;
        host->tiles = xrealloc(host->tiles, host->size, sizeof *host->tiles);
    }
    for (; at > 0 && host->tiles[at - 1].number > tile.number; at--)
        host->tiles[at] = host->tiles[at - 1];
    host->tiles[at] = tile;
    host->n++;
}

void
local_tile_remove(struct local_host *host, uint32_t at)
{
    open_tile_drop(&host->tiles[at].open);
    sealed_tile_drop(host->tiles[at].sealed);
    memmove(&host->tiles[at], &host->tiles[at + 1], (host->n - at - 1) * sizeof *host->tiles);
    host->n--;
}

void
local_tile_forget(struct local_host *host, const struct sealed_tile *tile)
{
    uint32_t at = 0;
    uint32_t kept = 0;

    for (uint32_t end = host->n; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (host->tiles[middle].number < tile->is.number)
            at = middle + 1;
        else
            end = middle;
    }
    while (host->tiles[at].sealed != tile)
        at++;
    sealed_tile_drop(host->tiles[at].sealed);
    host->tiles[at].sealed = NULL;
    if (2 * ++host->n_gone <= host->n)
        return;
    for (uint32_t i = 0; i < host->n; i++)
        if (host->tiles[i].open != NULL || host->tiles[i].sealed != NULL)
            host->tiles[kept++] = host->tiles[i];
    host->n = kept;
    host->n_gone = 0;
}

static int
s_series(store_t *store, uint64_t host, const struct label_set *labels, enum metric_kind kind,
         series_id *ret)
{
    struct local_store *self = (struct local_store *) store;
    int rc;

    if (!atomic_load(&self->loaded))
        return -EAGAIN; // ids of before are not known yet
    pthread_mutex_lock(&self->appending);
    rc = label_index_add(self->index, host, labels, kind, ret);
    pthread_mutex_unlock(&self->appending);
    return rc;
}

static series_id
s_find(store_t *store, uint64_t host, const struct label_set *labels)
{
    struct local_store *self = (struct local_store *) store;
    series_id id;

    pthread_mutex_lock(&self->appending);
    id = label_index_find(self->index, host, labels);
    pthread_mutex_unlock(&self->appending);
    return id;
}

static uint64_t
s_append(store_t *store, const struct store_row *row)
{
    struct local_store *self = (struct local_store *) store;
    struct local_host *host;
    uint64_t number;

    pthread_mutex_lock(&self->lock);
    host = local_host(self, row->host);
    pthread_mutex_unlock(&self->lock);
    pthread_mutex_lock(&self->appending);
    number = own_rows_append(self, host, row);
    pthread_mutex_unlock(&self->appending);
    return number;
}

static uint64_t
s_conflicts(store_t *store, uint64_t id)
{
    struct local_store *self = (struct local_store *) store;
    const struct local_host *host;
    uint64_t n;

    pthread_mutex_lock(&self->lock);
    host = map_get_u64(self->hosts, id);
    n = host != NULL ? host->conflicts : 0;
    pthread_mutex_unlock(&self->lock);
    return n;
}

static void
s_turn(store_t *store)
{
    struct local_store *self = (struct local_store *) store;

    label_index_note(self->index, self->now_ms());
    const bool tight = piece_pool_bytes(self->pool) > self->most_bytes / 2;
    int64_t age_ms;

    pthread_mutex_lock(&self->appending);
    age_ms = tight ? self->age_ms / 2 : self->age_ms + self->age_ms / 8;
    age_ms = age_ms < LOCAL_AGE_LEAST_MS ? LOCAL_AGE_LEAST_MS : age_ms;
    self->age_ms = age_ms > LOCAL_STORE_AGE_MS ? LOCAL_STORE_AGE_MS : age_ms;
    age_ms = self->age_ms;
    pthread_mutex_unlock(&self->appending);
    s_end_lanes(self, self->now_ms() - age_ms);
}

static int
s_count(store_t *store, enum store_count_of what, const char *label, store_count_fn *fn, void *arg)
{
    label_index_count(((struct local_store *) store)->index, what, label, fn, arg);
    return 0;
}

static int64_t
s_oldest(store_t *store)
{
    struct local_store *self = (struct local_store *) store;
    int64_t oldest_ms;

    pthread_mutex_lock(&self->lock);
    oldest_ms = self->oldest_ms;
    pthread_mutex_unlock(&self->lock);
    return oldest_ms;
}

static int64_t
s_lost(store_t *store, uint64_t id)
{
    struct local_store *self = (struct local_store *) store;
    const struct local_host *host;
    int64_t lost_ms;

    pthread_mutex_lock(&self->lock);
    lost_ms = self->before_ms;
    host = id != 0 ? map_get_u64(self->hosts, id) : NULL;
    if (id == 0)
        lost_ms = self->lost_ms;
    else if (host != NULL && host->lost_ms > lost_ms)
        lost_ms = host->lost_ms;
    pthread_mutex_unlock(&self->lock);
    return lost_ms;
}

static bool
s_far(store_t *store, uint64_t host, int64_t from_ms)
{
    return ((struct local_store *) store)->disk != NULL && from_ms <= s_lost(store, host);
}

static void
s_stat(store_t *store, struct store_stat *ret)
{
    struct local_store *self = (struct local_store *) store;
    const struct label_index_stat index = label_index_stat(self->index);
    const uint64_t open = piece_pool_bytes(self->pool);

    pthread_mutex_lock(&self->lock);
    *ret = self->stat;
    ret->unwritten = self->unwritten;
    ret->no_room = self->no_room;
    ret->bytes = self->sealed_bytes + open + index.bytes;
    pthread_mutex_unlock(&self->lock);
    ret->series = index.series;
    ret->series_made = index.series;
    ret->series_lately = index.series_made;
    ret->pairs = index.pairs;
    ret->pairs_lately = index.pairs_made;
    ret->index_bytes = index.bytes;
    ret->index_bytes_most = self->most_bytes / 4;
}

static void
s_destroy(store_t **store_p)
{
    local_store_t *self = (local_store_t *) *store_p;

    local_store_destroy(&self);
    *store_p = NULL;
}

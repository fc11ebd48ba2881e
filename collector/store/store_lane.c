// store_lane - see the header.

#include "collector/store/store_lane.h"

#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "shared/base/xalloc.h"

// A tile ends at a KEY once it has this many records and either holds this much of each series or
// would be too old at the next KEY; and anywhere at the harder bounds.
#define RECORDS_LEAST 100u
#define SERIES_BYTES  100u
#define RECORDS_MOST  1024u
#define BYTES_MOST    (4u * 1024u * 1024u)

struct store_lane {
    local_store_t *store;
    struct local_host *host;
    uint64_t stream;
    const struct stream_marks *marks; // of the disk; NULL: it has none of the stream
    open_tile_t *tile;                // held; NULL: none
    uint64_t total;                   // samples of the stream up to what its tile has
    uint64_t next_total;              // and with the record that is on its way
    uint64_t needs;       // segment of the journal that its first record stands in; 0: in none
    int64_t begun_ms;     // monotonic, when it was begun
    struct slot_map *map; // held; NULL: none
    bool changed;         // since the last append: its tile is to have it
    bool taking;          // a record is on its way
    bool full;            // its tile takes no more: a slot has become another series'
    bool tabled;          // a TABLE has begun since the last append
    uint64_t table_seq;   // slots that it has not defined are nobody's from here on
    uint8_t *named;       // by it, of each slot
    uint32_t n_slots;     // that have been defined, or left without a series
    uint32_t size;        // allocated
    store_lane_t *next, *before; // of the store
};

static const struct slot_series *s_slot(const store_lane_t *self, uint32_t slot);
static void s_close_slot(store_lane_t *self, uint32_t slot, uint64_t from_seq);
static void s_close_unnamed(store_lane_t *self);

store_lane_t *
store_lane_open(local_store_t *store, uint64_t id, uint64_t stream)
{
    struct local_host *host;
    store_lane_t *self;

    pthread_mutex_lock(&store->lock);
    host = local_host(store, id);
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_lock(&store->appending);
    self = store_lane_make(store, host, stream);
    pthread_mutex_unlock(&store->appending);
    return self;
}

void
store_lane_close(store_lane_t **self_p)
{
    local_store_t *store;

    if (*self_p == NULL)
        return;
    store = (*self_p)->store;
    pthread_mutex_lock(&store->appending);
    store_lane_free(self_p);
    pthread_mutex_unlock(&store->appending);
}

void
store_lane_table(store_lane_t *self, uint64_t from_seq)
{
    pthread_mutex_lock(&self->store->appending);
    s_close_unnamed(self);
    if (self->n_slots > 0)
        memset(self->named, 0, self->n_slots);
    self->tabled = true;
    self->table_seq = from_seq;
    pthread_mutex_unlock(&self->store->appending);
}

void
store_lane_define(store_lane_t *self, uint32_t slot, series_id id, struct metric_form form,
                  uint64_t from_seq)
{
    pthread_mutex_lock(&self->store->appending);
    store_lane_set(self, slot, id, form, from_seq);
    pthread_mutex_unlock(&self->store->appending);
}

void
store_lane_before(store_lane_t *self, struct store_place place, const struct row_state *before,
                  bool apart)
{
    pthread_mutex_lock(&self->store->appending);
    store_lane_make_ready(self, place, before, apart);
    pthread_mutex_unlock(&self->store->appending);
}

void
store_lane_abandon(store_lane_t *self)
{
    pthread_mutex_lock(&self->store->appending);
    self->taking = false;
    pthread_mutex_unlock(&self->store->appending);
}

uint64_t
store_lane_append(store_lane_t *self, const struct open_record *record, uint32_t rows)
{
    uint64_t number;

    pthread_mutex_lock(&self->store->appending);
    number = store_lane_put(self, record, rows);
    pthread_mutex_unlock(&self->store->appending);
    return number;
}

size_t
store_lane_bytes(const store_lane_t *self)
{
    return self->size * sizeof *self->named + slot_map_bytes(self->map);
}

store_lane_t *
store_lane_make(local_store_t *store, struct local_host *host, uint64_t stream)
{
    store_lane_t *self = xcalloc(1, sizeof *self);

    self->store = store;
    self->host = host;
    self->stream = stream;
    self->marks = store->disk != NULL ? local_disk_marks(store->disk, stream) : NULL;
    self->next = store->lanes;
    if (self->next != NULL)
        self->next->before = self;
    store->lanes = self;
    return self;
}

void
store_lane_free(store_lane_t **self_p)
{
    store_lane_t *self = *self_p;

    if (self == NULL)
        return;
    self->taking = false;
    store_lane_end(self, INT64_MAX);
    if (self->before != NULL)
        self->before->next = self->next;
    else
        self->store->lanes = self->next;
    if (self->next != NULL)
        self->next->before = self->before;
    slot_map_drop(self->map);
    free(self->named);
    free(self);
    *self_p = NULL;
}

store_lane_t *
store_lane_next(store_lane_t *self)
{
    return self->next;
}

void
store_lane_end(store_lane_t *self, int64_t before_ms)
{
    if (self->tile == NULL || self->begun_ms > before_ms || self->taking)
        return;
    local_end_tile(self->store, self->tile, self->needs, self->total);
    open_tile_drop(&self->tile);
}

uint64_t
store_lane_needs(const store_lane_t *self)
{
    return self->tile != NULL && self->needs != 0 ? self->needs : UINT64_MAX;
}

void
store_lane_set(store_lane_t *self, uint32_t slot, series_id id, struct metric_form form,
               uint64_t from_seq)
{
    const struct slot_series *is = s_slot(self, slot);

    if (slot >= self->size) {
        self->size = slot < 64 ? 128 : 2 * slot;
        self->named = xrealloc(self->named, self->size, sizeof *self->named);
    }
    for (; self->n_slots <= slot; self->n_slots++)
        self->named[self->n_slots] = 0;
    self->named[slot] = id != 0;
    if (id == 0) {
        s_close_slot(self, slot, from_seq);
    } else if (is->id != id || is->to_seq != UINT64_MAX) { // else it is said again
        self->full = self->full || is->id != 0;
        *slot_map_edit(&self->map, slot) = (struct slot_series){
            .id = id, .form = form, .from_seq = from_seq, .to_seq = UINT64_MAX
        };
        self->changed = true;
    }
}

static const struct slot_series *
s_slot(const store_lane_t *self, uint32_t slot)
{
    static const struct slot_series nobody = { 0 };

    return self->map != NULL && slot < self->map->n ? slot_map_at(self->map, slot) : &nobody;
}

// What its tile has of it stays.
static void
s_close_slot(store_lane_t *self, uint32_t slot, uint64_t from_seq)
{
    const struct slot_series *is = s_slot(self, slot);

    if (is->id == 0 || is->to_seq != UINT64_MAX)
        return;
    slot_map_edit(&self->map, slot)->to_seq = from_seq;
    self->changed = true;
}

static void
s_close_unnamed(store_lane_t *self)
{
    for (uint32_t slot = 0; slot < self->n_slots && self->tabled; slot++)
        if (self->named[slot] == 0)
            s_close_slot(self, slot, self->table_seq);
    self->tabled = false;
}

// Whether a file's mark lies between what the tile has and this record: it is all on the disk, in
// that day, or none of it, so that sealing can tell by the tile.
static bool
s_crosses_mark(const store_lane_t *self, uint64_t seq)
{
    const struct open_tile_stat stat = open_tile_stat(self->tile);

    return stat.records > 0 && stream_marks_between(self->marks, stat.first_seq, seq);
}

// Whether the tile takes no more: a KEY is a good place for the next one to begin.
static bool
s_is_full(const store_lane_t *self, bool key)
{
    const struct open_tile_stat stat = open_tile_stat(self->tile);
    const int64_t age_ms = self->store->now_ms() - self->begun_ms;

    if (stat.records >= RECORDS_MOST || stat.bytes >= BYTES_MOST || age_ms >= self->store->age_ms)
        return true;
    return key && stat.records >= RECORDS_LEAST &&
           (stat.bytes >= (uint64_t) SERIES_BYTES * stat.series ||
            age_ms >= self->store->age_ms / 2);
}

static void
s_begin(store_lane_t *self)
{
    const struct open_tile_origin origin = { .number = self->store->next_tile++,
                                             .host = self->host->host,
                                             .stream = self->stream };

    self->tile = open_tile_new(self->store->pool, &origin);
    self->begun_ms = self->store->now_ms();
    if (self->map != NULL)
        open_tile_map(self->tile, self->map);
}

void
store_lane_make_ready(store_lane_t *self, struct store_place place, const struct row_state *before,
                      bool apart)
{
    self->taking = false;
    s_close_unnamed(self);
    if (self->tile != NULL &&
        (self->full || (before != NULL && apart) || s_is_full(self, before == NULL) ||
         (self->marks != NULL && s_crosses_mark(self, place.seq))))
        store_lane_end(self, INT64_MAX);
    self->full = false;
    self->taking = true;
    self->next_total = place.total;
    if (self->tile == NULL)
        self->needs = 0;
    if (self->needs == 0) // what only sets the decoder may be in no segment
        self->needs = place.segment;
    if (self->tile != NULL)
        return;
    s_begin(self);
    if (before != NULL)
        open_tile_begin(self->tile, before);
    local_list_open(self->store, self->tile);
}

uint64_t
store_lane_put(store_lane_t *self, const struct open_record *record, uint32_t rows)
{
    struct local_store *store = self->store;
    uint64_t first;

    self->taking = false;
    if (self->changed) {
        self->changed = false;
        open_tile_map(self->tile, self->map);
    }
    open_tile_append(self->tile, record);
    self->total = self->next_total;
    pthread_mutex_lock(&store->lock);
    first = self->host->rows + 1;
    self->host->rows += rows;
    store->stat.appended += record->samples;
    store->stat.samples += record->samples;
    if (record->samples > 0 && record->first_ms < store->oldest_ms)
        store->oldest_ms = record->first_ms;
    pthread_mutex_unlock(&store->lock);
    return first;
}

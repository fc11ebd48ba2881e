// local_inner - what the parts of the embedded store share.

#ifndef COLLECTOR_STORE_LOCAL_INNER_H
#define COLLECTOR_STORE_LOCAL_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "collector/store/event_db.h"
#include "collector/store/label_index.h"
#include "collector/store/local_disk.h"
#include "collector/store/local_store.h"
#include "collector/store/open_tile.h"
#include "collector/store/sealed_tile.h"
#include "collector/store/sealer.h"
#include "collector/store/store_lane.h"
#include "shared/base/buf.h"
#include "shared/base/map.h"

// A tile of a host, in one of its two forms.
struct local_tile {
    uint64_t number; // of the sealed form; that of the open one is below all it becomes
    open_tile_t *open;
    struct sealed_tile *sealed;
};

// All of a host, tiles by their numbers. Kept for ever: its rows are promised to count on.
struct local_host {
    uint64_t host;
    uint64_t rows;      // appended
    uint64_t conflicts; // samples whose time had another value when they were sealed
    int64_t lost_ms;    // newest time of a tile that was given up; INT64_MIN: none was
    uint32_t n;
    uint32_t size;   // allocated
    uint32_t n_gone; // of the n: given up, neither open nor sealed
    struct local_tile *tiles;
    // The highest id of a series that was sealed since the start, and its newest time; 0: none was.
    // The store's thread's.
    series_id newest;
    int64_t newest_ms;
    struct own_rows *own; // the appender's, for rows given as doubles; NULL: none yet
};

// Rows given as doubles become sparse records of a stream of the store's own.
struct own_rows {
    store_lane_t *lane;
    map_t *slot_of; // series -> slot + 1, as a pointer
    uint32_t n_slots;
    uint64_t seq;
    struct row_state state; // wide enough, otherwise unused
    struct buf body;
    uint32_t size; // allocated, of all three
    struct own_pair {
        uint32_t slot;
        struct cell cell;
    } * pairs;
    uint32_t *slots;
    struct cell *cells;
};

// A tile that ended, on its way to the disk.
struct local_ended {
    struct local_ended *next;
    open_tile_t *tile; // held; NULL once it is sealed
    uint64_t stream;   // the collector's own: 0
    uint64_t next_seq; // of the stream: one past the newest record in it
    uint64_t total;    // samples of the stream up to there, as its sender counts; 0: none said
    uint64_t needs;    // segment of the journal that has its first record; 0: none has
    uint64_t number;   // of the open tile
    uint64_t bytes;    // likewise
    uint32_t n_made;   // what it became
    struct sealed_tile **made; // held
};

// An event on its way to the disk.
struct local_event {
    struct local_event *next;
    uint64_t segment; // of the journal that has its record; 0: none has
    struct event_row is;
    uint8_t body[]; // its bytes
};

// Events, and where they go. The file is who loads's at first, then the store's thread's.
struct local_events {
    char *path;
    event_db_t *db; // NULL: there was no room to open or make it yet
    size_t told;    // events of before the start, to who loads
    struct event_limits most;
    int64_t keep_ms;           // 0: for ever
    int64_t expire_ms;         // monotonic, when next due
    struct local_event *first; // these under the lock: what is not on the disk
    struct local_event *last;
    size_t n;
    uint64_t bytes;
    int64_t since_ms; // monotonic, when the first of them came
};

struct local_store {
    store_t face;
    label_index_t *index;
    piece_pool_t *pool;
    uint64_t most_bytes;
    int64_t (*now_ms)(void);
    pthread_mutex_t appending; // over the three below and all lanes; taken before `lock`
    uint64_t next_tile;
    int64_t age_ms;           // of a tile that is to end
    struct store_lane *lanes; // all that are open
    pthread_t thread;         // seals
    atomic_uint cursors;      // open
    pthread_mutex_t lock;     // over all that follows
    pthread_cond_t work;      // `ended` is not empty, or it is to end
    pthread_cond_t done;      // a tile was sealed
    map_t *hosts;
    struct local_ended *first; // tiles that ended and are not on the disk
    struct local_ended *last;
    struct local_ended *to_seal; // the first of them that is not sealed
    uint64_t n_ended;            // of these, from there on
    uint64_t ended_bytes;        // of the n
    struct sealed_queue {        // held, in the order in which they were sealed
        struct sealed_tile **at;
        size_t first, n, size; // a circle
        size_t written;        // of the n, from the first one: they are on the disk, too
    } sealed;
    uint64_t sealed_bytes; // of these
    uint64_t unwritten;    // bytes of these that are not on the disk yet
    int64_t unwritten_ms;  // monotonic, when the first of them was sealed
    bool flush;            // somebody waits for all to be on the disk
    bool no_room;          // the disk had none at the last try
    bool stopping;
    int failed;              // the disk's final error, or 0
    int64_t oldest_ms;       // no sample that is held is older; INT64_MAX: none is
    int64_t lost_ms;         // as a host's, of all
    int64_t before_ms;       // of what is older the disk may have some; INT64_MIN: it was empty
    struct store_stat stat;  // series and bytes are filled in when asked for
    struct local_disk *disk; // NULL: memory alone
    struct local_events events;
    atomic_bool loaded; // series are known as the disk has them
};

// Tiles that may wait to be sealed, and a share of memory that they may take; who appends waits
// then.
#define LOCAL_ENDED_MOST  4096u
#define LOCAL_ENDED_SHARE 4u
// Where open tiles take more than a half of memory they end earlier, down to this age.
#define LOCAL_AGE_LEAST_MS 5000
// What is sealed goes to the disk once it is so much, or has waited so long.
#define LOCAL_WRITE_BYTES (4u << 20)
#define LOCAL_WRITE_MS    1000
// After a try that found no room.
#define LOCAL_WRITE_AGAIN_MS 1000
// Events that wait: who brings more waits then, where there is room for them.
#define LOCAL_EVENTS_BYTES (32u << 20)
// At a stop: what is not sealed by then is read back from the journal.
#define LOCAL_STOP_MS 500

// These under the lock. Made where it is missing.
struct local_host *local_host(struct local_store *self, uint64_t host);

void local_tile_insert(struct local_host *host, struct local_tile tile);
void local_tile_remove(struct local_host *host, uint32_t at);
// Gives up a sealed one. Cost: its share of going through them all once for each half that goes.
void local_tile_forget(struct local_host *host, const struct sealed_tile *tile);

// These while appending. The lanes of a store, one after the other.
store_lane_t *store_lane_next(store_lane_t *self);
// Ends its tile if it was begun at or before that, unless a record is on its way into it.
void store_lane_end(store_lane_t *self, int64_t before_ms);
store_lane_t *store_lane_make(struct local_store *store, struct local_host *host, uint64_t stream);
void store_lane_free(store_lane_t **self_p);
void store_lane_set(store_lane_t *self, uint32_t slot, series_id id, struct metric_form form,
                    uint64_t from_seq);
void store_lane_make_ready(store_lane_t *self, struct store_place place,
                           const struct row_state *before, bool apart);
uint64_t store_lane_put(store_lane_t *self, const struct open_record *record, uint32_t rows);
// Segment of the journal that its open tile needs; UINT64_MAX: none.
uint64_t store_lane_needs(const store_lane_t *self);

// A tile that takes no more, the segment of the journal that it needs, and the samples of its
// stream up to its end.
void local_end_tile(struct local_store *self, open_tile_t *tile, uint64_t needs, uint64_t total);
// The store's thread, until `stopping`.
void *local_seal_run(void *store);
// Seals the first of those that wait; `lock` is held before and after, and not between.
void local_seal_next(struct local_store *self, sealer_t *sealer);
// Samples of what the sealer has made last whose series and time have another value, in it or in
// what was sealed before: each once. The store's thread, without the lock.
uint64_t local_conflicts(struct local_store *self, sealer_t *sealer,
                         struct sealed_tile *const *made, uint32_t n_made);
// Gives up sealed tiles that are on the disk, or may be lost where there is none, until all is
// within `most_bytes`. Under the lock.
void local_make_room(struct local_store *self, uint64_t index_bytes);
// Puts on the disk what is sealed, some of it at a time. `lock` is held before and after, and not
// between. 0, -ENOSPC, or a final error.
int local_write(struct local_store *self);
// Lists a tile that is begun; a hold of its own.
void local_list_open(struct local_store *self, open_tile_t *tile);

// The file of events: a damaged one is set aside and told. 0, or an error as local_store_open's.
int local_events_open(struct local_store *self, const struct local_store_config *config);
void local_events_close(struct local_store *self);
// Under the lock: some wait and may be written.
bool local_events_wait(const struct local_store *self);
// Likewise: and for so long, or so many, that it is time.
bool local_events_are_due(const struct local_store *self, int64_t now_ms);
// Puts those that wait on the disk; the lock is held before and after, and not between. 0, -ENOSPC,
// or a final error.
int local_events_write(struct local_store *self);
// The store's thread, without the lock: what is due by now. 0, or a final error.
int local_events_tick(struct local_store *self, int64_t mono_ms, int64_t real_ms);

uint64_t own_rows_append(struct local_store *self, struct local_host *host,
                         const struct store_row *row);
void own_rows_destroy(struct own_rows **own_p);

int local_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret);
int local_cursor_next(store_cursor_t *cursor, struct store_series *ret);
uint64_t local_cursor_upto(const store_cursor_t *cursor);
const char *local_cursor_why(const store_cursor_t *cursor);
void local_cursor_close(store_cursor_t **cursor_p);

#endif

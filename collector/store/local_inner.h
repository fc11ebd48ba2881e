// local_inner - what the parts of the embedded store share.

#ifndef COLLECTOR_STORE_LOCAL_INNER_H
#define COLLECTOR_STORE_LOCAL_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "collector/store/label_index.h"
#include "collector/store/local_store.h"
#include "collector/store/open_tile.h"
#include "collector/store/sealed_tile.h"
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
    uint64_t conflicts; // samples whose time had another value
    int64_t lost_ms;    // newest time of a tile that was given up; INT64_MIN: none was
    uint32_t n;
    uint32_t size;   // allocated
    uint32_t n_gone; // of the n: given up, neither open nor sealed
    struct local_tile *tiles;
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

struct local_store {
    store_t face;
    label_index_t *index;
    piece_pool_t *pool;
    uint64_t most_bytes;
    int64_t (*now_ms)(void);
    pthread_mutex_t appending; // over the two below and all lanes; taken before `lock`
    uint64_t next_tile;
    struct store_lane *lanes; // all that are open
    pthread_t thread;         // seals
    atomic_uint cursors;      // open
    pthread_mutex_t lock;     // over all that follows
    pthread_cond_t work;      // `ended` is not empty, or it is to end
    pthread_cond_t done;      // a tile was sealed
    map_t *hosts;
    struct local_ended *first; // tiles on their way to the sealing thread
    struct local_ended *last;
    uint64_t n_ended;     // of these, and the one that is being sealed
    struct sealed_queue { // held, in the order in which they were sealed
        struct sealed_tile **at;
        size_t first, n, size; // a circle
    } sealed;
    uint64_t sealed_bytes; // of these
    bool stopping;
    int64_t oldest_ms;      // time of any sample that was ever held; INT64_MAX: none was
    int64_t lost_ms;        // as a host's, of all
    struct store_stat stat; // series and bytes are filled in when asked for
};

struct local_ended {
    struct local_ended *next;
    open_tile_t *tile; // held
};

// Tiles that may wait to be sealed; who appends waits then.
#define LOCAL_ENDED_MOST 4096u

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
void store_lane_make_ready(store_lane_t *self, const struct row_state *before, bool apart);
uint64_t store_lane_put(store_lane_t *self, const struct open_record *record, uint32_t rows);

// A tile that takes no more.
void local_end_tile(struct local_store *self, open_tile_t *tile);
// The sealing thread, until `stopping`.
void *local_seal_run(void *store);
// Lists a tile that is begun; a hold of its own.
void local_list_open(struct local_store *self, open_tile_t *tile);

uint64_t own_rows_append(struct local_store *self, struct local_host *host,
                         const struct store_row *row);
void own_rows_destroy(struct own_rows **own_p);

int local_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret);
int local_cursor_next(store_cursor_t *cursor, struct store_series *ret);
uint64_t local_cursor_upto(const store_cursor_t *cursor);
void local_cursor_close(store_cursor_t **cursor_p);

#endif

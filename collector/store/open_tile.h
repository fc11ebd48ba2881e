// open_tile - rows of one stream as they came, until they are sealed.
//
// A row is one host at one time, and its natural form is the body that brought it: keeping that
// costs a nanosecond a sample to append and about a byte to hold. The first record is a KEY, so a
// tile is read without anything before it.
// In:     bodies of KEY and DELTA that a lane has read already, in its order.
// Out:    the blocks of values in them, again.
// Thread: one appends; any number read, each by a cursor, while it goes on: what a cursor sees is
//         the tile as it was when the cursor was made. Counted: the last drop gives the memory
//         back.
// Loss:   none. Its bounds are the appender's business: open_tile_stat.

#ifndef COLLECTOR_STORE_OPEN_TILE_H
#define COLLECTOR_STORE_OPEN_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/piece_pool.h"
#include "collector/store/slot_map.h"
#include "shared/wire/row_codec.h"

typedef struct open_tile open_tile_t;

struct open_tile_origin {
    uint64_t number; // of the tile: rises in the order in which tiles are begun
    uint64_t host;
    uint64_t stream;
};

// One record that is to be kept.
struct open_record {
    bool key;         // KEY, else DELTA
    uint64_t seq;     // rising in a tile
    int64_t t0_ms;    // blocks' times are offsets from it
    int64_t until_ms; // blocks later than this are left out: INT64_MAX for none
    uint32_t width;   // slots of the row's state when the body is read; a KEY says its own
    uint32_t samples; // that are to be counted
    int64_t first_ms; // earliest and latest time of its blocks that are kept
    int64_t last_ms;
    const uint8_t *body;
    uint32_t body_len;
    // Of each block in turn, its first slot that is left out, with all above; OPEN_WHOLE: none is,
    // and of blocks that are not named neither.
    const uint32_t *keep;
    uint32_t n_keep;
};
#define OPEN_WHOLE UINT32_MAX

struct open_tile_stat {
    uint32_t records;
    uint64_t samples;
    uint64_t bytes;   // kept, heads of records too
    int64_t first_ms; // earliest and latest time; first above last while it is empty
    int64_t last_ms;
    uint64_t first_seq; // of its records
    uint64_t next_seq;  // one past its newest record
    uint32_t series;    // slots that have one
};

open_tile_t *open_tile_new(piece_pool_t *pool, const struct open_tile_origin *origin);
open_tile_t *open_tile_hold(open_tile_t *self);
void open_tile_drop(open_tile_t **self_p);

const struct open_tile_origin *open_tile_origin(const open_tile_t *self);
struct open_tile_stat open_tile_stat(open_tile_t *self);

// Before a first record that is a DELTA: the state that it is against.
void open_tile_begin(open_tile_t *self, const struct row_state *state);
// What its slots are from now on; takes a hold of its own.
void open_tile_map(open_tile_t *self, struct slot_map *map);
void open_tile_append(open_tile_t *self, const struct open_record *record);

// One block of values. Slots without a series are among them; ask the map.
struct open_block {
    uint64_t seq; // of its record
    int64_t time_ms;
    bool dense; // a row of the host; else some samples with a time of their own
    uint32_t n; // as struct row_block has it
    const uint32_t *slots;
    const struct cell *cells;
};

typedef struct open_cursor open_cursor_t;

open_cursor_t *open_cursor_new(open_tile_t *tile);
// Before the first block: of all that follow only cells of these slots, rising, are told; the
// others are passed over in their bytes, which costs a tenth of reading them. Blocks may have none
// then.
void open_cursor_choose(open_cursor_t *self, const uint32_t *slots, uint32_t n);
void open_cursor_destroy(open_cursor_t **self_p);
// Of the tile when the cursor was made; the cursor's.
const struct open_tile_stat *open_cursor_stat(const open_cursor_t *self);
const struct slot_map *open_cursor_map(const open_cursor_t *self);
// 1 and the next block, borrowed until the next call; 0 at the end; ERR_FORMAT for a body that can
// not be read, which a lane has let pass and should not have.
int open_cursor_next(open_cursor_t *self, struct open_block *ret);

#endif

// lane - the receiving end of one stream: what a record means, given those before it.
//
// In:     records of one stream, as frame_take gives them, in any order a network can make.
// Out:    rows of (slot, value), new definitions, holes; or a refusal with its reason.
// Thread: one owner. Pure: no sockets, files or clocks.
// Order:  fresh -> (TABLE or DEFs from seq 0) tabled -> (KEY) readable -> (hole, damage) tabled.
//         A DELTA is read only when the record before it was. A record below `next` is a duplicate.
//         One above it is a hole: booked, and values wait for a KEY. Definitions that were lost in
//         it show as values without a series; those wait for a TABLE.
// Limits: memory grows with the highest slot that is named, not with bytes; so it is asked for, in
//         slots. A definition beyond is passed over, rows that are wider are refused, until a KEY
//         that fits.

#ifndef SHARED_WIRE_LANE_H
#define SHARED_WIRE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/body.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"

typedef struct lane lane_t;

// Of memory for each slot of the widest row, twice that with the room to grow. A room that it does
// not share takes ROW_ROOM_SLOT_BYTES more, and `row` needs more still.
#define LANE_SLOT_BYTES 21u

struct lane_handler {
    void *arg;
    // The lane needs memory for so many slots, more than ever before. False: it goes without.
    // NULL: all that a stream can have.
    bool (*room)(void *arg, uint32_t slots);
    // A slot is now this series. `def` is borrowed for the call. 0, or below zero to refuse the
    // series: its values are then read past and counted in lane_counters.refused.
    int (*define)(void *arg, const struct slot_def *def);
    // A staged value in a slot whose series was refused. NULL: they are only counted.
    void (*refused)(void *arg, uint32_t slot);
    // A TABLE begins, not repeated: slots that it does not define are no series' any more. NULL:
    // not told.
    void (*table)(void *arg);
    // One block of values at time_ms; cells of refused or unknown slots are left out.
    // `values` are doubles, one per slot in `slots`; all borrowed for the call.
    void (*row)(void *arg, int64_t time_ms, const uint32_t *slots, const double *values,
                uint32_t n);
    // In place of `row`, for who keeps values as they came: the block as it was read, cells without
    // a series among them (lane_form tells which); borrowed for the call. NULL: `row` is called.
    void (*block)(void *arg, int64_t time_ms, const struct row_block *block);
    // Where lanes of one thread read their blocks, so that each has less; borrowed. NULL: the lane
    // has a room of its own.
    struct row_room *block_room;
    // Where `block` is set: a staged KEY or DELTA is about to be read. `before` is the state that a
    // DELTA is against, borrowed for the call; `apart`: something else than the staged record of
    // values before it has left it so.
    void (*values)(void *arg, const struct row_state *before, bool apart);
    // Records from seq `from` to `to` are not coming (GAP), or have not come (cause 0).
    void (*gap)(void *arg, uint64_t from, const struct gap *gap);
    // An EVENT, once: its body is as it came. NULL: they are passed over.
    void (*event)(void *arg, const struct record *record);
};

struct lane_counters {
    uint64_t records;    // accepted
    uint64_t samples;    // given to row()
    uint64_t duplicates; // records below next
    uint64_t holes;      // records that never came
    uint64_t unreadable; // values for want of a KEY or slot
    uint64_t malformed;  // bodies that were not right
    uint64_t refused;    // samples of series that define() refused, or of rows that room() did
    uint64_t unknown;    // records of a type we do not know
};

lane_t *lane_new(uint64_t stream, const struct lane_handler *handler);
void lane_destroy(lane_t **self_p);

// 0: accepted. ERR_NEED_KEY: accepted as far as counting goes, but not (wholly) readable: ask for
// TABLE and KEY. ERR_FORMAT: malformed body, same remedy. ERR_UNKNOWN: not this stream. 1: a
// duplicate, of no effect but on the state, where it goes on from what was repeated. A repeat
// (FRAME_REPEAT) sets table and state, gives no rows and is not counted.
int lane_accept(lane_t *self, const struct frame_prefix *prefix, const struct record *record);
uint64_t lane_next(const lane_t *self); // lowest seq not yet accepted
bool lane_ended(const lane_t *self);    // END has come
const struct lane_counters *lane_counters(const lane_t *self);
// The form of a slot's integers; NULL where it has no series, or was refused one.
const struct metric_form *lane_form(const lane_t *self, uint32_t slot);
// Within `block`: how many blocks of the record stood ahead of it.
uint32_t lane_block(const lane_t *self);
// Slots of the row that was read last.
uint32_t lane_width(const lane_t *self);
// Memory that its slots take, room to grow among it.
size_t lane_bytes(const lane_t *self);

#endif

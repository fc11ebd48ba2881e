// row_codec - values of one tick to bytes and back: the body of KEY and DELTA.
//
// A row is a time and one cell a slot. Values travel as integers against the row before (bitmap of
// what changed, LEB128 of zigzag deltas), what does not fit as raw doubles; which slots have no
// value travels only when it changes. Encoder and decoder hold the same state: one row.
// Thread: one owner each.
// Cost:   3 to 8 ns a sample.
// Source: shared/wire/FORMAT.md, "Values".

#ifndef SHARED_WIRE_ROW_CODEC_H
#define SHARED_WIRE_ROW_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/model/metric.h"

enum cell_state {
    CELL_ABSENT = 0,  // no sample of this slot in this row
    CELL_INTEGER = 1, // m holds
    CELL_RAW = 2,     // bits holds: eight bytes of a double
};

// What a block is, in its byte of flags.
enum row_block_flag {
    ROW_BLOCK_SPARSE = 1 << 0,   // some slots, absolute, beside the row
    ROW_BLOCK_PRESENCE = 1 << 1, // dense: slots begin or cease to have values
    ROW_BLOCK_RAW = 1 << 2,      // some values are doubles
};

// One slot's part of a row. Zero is absent.
struct cell {
    uint8_t state; // enum cell_state
    union {
        int64_t m;     // value = metric_value(form of the slot, m)
        uint64_t bits; // of the double
    };
};

// The state both sides hold. Zero is valid: no slots.
struct row_state {
    uint32_t slots;  // slots known, cells 0 to slots - 1
    uint32_t size;   // allocated
    int64_t *prev;   // last integer of each slot; 0 before the first
    uint8_t *absent; // 1 where the last dense row had no value
};

void row_state_release(struct row_state *s);
// Makes room for slots up to `slots` (at most BODY_SLOTS_MAX, asserted); new ones have prev 0.
void row_state_grow(struct row_state *s, uint32_t slots);
// As at a KEY: all prev 0, none absent.
void row_state_reset(struct row_state *s);

// Begins the body of a KEY: its width, and the state as its reader has it then. Blocks follow.
static inline void
row_put_key(struct row_state *s, struct wbuf *w)
{
    row_state_reset(s);
    wbuf_varint(w, s->slots);
}

// Appends one dense block: all s->slots cells at offset_ms from the record's t0. For a KEY call
// row_put_key first. Moves the state on, also when w does not have the room: then reset, and
// make a KEY. Returns the number of samples (cells not absent).
uint32_t row_put(struct row_state *s, struct wbuf *w, int64_t offset_ms, const struct cell *cells);
// Appends one sparse block: `n` cells (none absent) of the slots in `slots`, rising: samples with
// times of their own. Leaves the state as it is.
uint32_t row_put_sparse(struct row_state *s, struct wbuf *w, int64_t offset_ms,
                        const uint32_t *slots, const struct cell *cells, uint32_t n);

// The most bytes that row_put appends for a row of `slots` slots, whatever the values: a slot takes
// its bit, and either ten bytes of a change or nine of a double, and up to three where its presence
// changes too.
#define ROW_SLOT_MOST 13u
#define ROW_HEAD_MOST 32u // offset, flags and counts

// One block read back.
struct row_block {
    int64_t offset_ms;        // from t0
    bool sparse;              // samples beside the row
    uint32_t n;               // cells; none is absent
    const uint32_t *slots;    // rising; the decoder's, until the next call
    const struct cell *cells; // the decoder's, until the next call
};

// Where a block that is read stands. Zero is an empty one; row_room_release.
struct row_room {
    uint32_t size;      // allocated, both
    uint32_t *slots;    // of the block last read
    struct cell *cells; // beside them
    uint32_t counted;   // slots[i] is i for all i below: a row without holes need not write them
};
void row_room_release(struct row_room *room);

typedef struct row_decoder row_decoder_t;

// Of memory for each slot that the state has allocated; and for the block that is read.
#define ROW_STATE_SLOT_BYTES (sizeof(int64_t) + 1)
#define ROW_ROOM_SLOT_BYTES  (sizeof(uint32_t) + sizeof(struct cell))

// Many decoders of one thread may share the room of a block, which is small, warm and of use only
// until the next call for any of them. NULL: a room of its own.
row_decoder_t *row_decoder_new(struct row_room *shared);
void row_decoder_destroy(row_decoder_t **self_p);
struct row_state *row_decoder_state(row_decoder_t *self);
// The next block of a DELTA body, or of a KEY behind its width. 1 and *ret, 0 at the end, or
// ERR_FORMAT: then the state is damaged and the caller drops it (row_state_reset, and ask for a
// KEY).
int row_decoder_next(row_decoder_t *self, struct rbuf *r, struct row_block *ret);

#endif

// row_pick - the values of some slots out of bodies of KEY and DELTA; those of the others are
// passed over without being made.
//
// In:     bodies as row_codec takes them, in their order, which a row_decoder has taken already:
//         what it refuses is refused here, or read as something, never read past its end.
// Out:    blocks as row_codec gives them, with cells of the chosen slots alone; maybe none.
// Thread: one owner.
// Cost:   a bit for each slot and a byte or so for each change of the row, in words of eight: a
//         fifth of reading a row of 500 slots, where one of them is chosen.
// Source: shared/wire/FORMAT.md, "Values".

#ifndef SHARED_WIRE_ROW_PICK_H
#define SHARED_WIRE_ROW_PICK_H

#include "shared/wire/row_codec.h"

typedef struct row_picker row_picker_t;

// `n` slots, rising; copied.
row_picker_t *row_picker_new(const uint32_t *slots, uint32_t n);
void row_picker_destroy(row_picker_t **self_p);

// Ahead of the blocks of a KEY: its width, at most BODY_SLOTS_MAX.
void row_picker_key(row_picker_t *self, uint32_t width);
// Ahead of those of a DELTA: the width of its rows; one below that of before is not taken.
void row_picker_widen(row_picker_t *self, uint32_t width);
uint32_t row_picker_width(const row_picker_t *self);
// As row_decoder_next.
int row_picker_next(row_picker_t *self, struct rbuf *r, struct row_block *ret);

#endif

// delta_block - whole numbers in blocks of 128: what changes, in as few bits as the block needs.
//
// In:     n integers. Differences wrap at 2^64, so any integers will do.
// Out:    bytes, and from them the integers, a block at a time.
// Loss:   none; a reader of strange bytes refuses them or gives some integers.
// Cost:   3 to 7 ns an integer to bytes, 1 to 3 ns back.
// Source: collector/store/FORMAT.md, "Blocks of integers"; the layout is:
//
//   u8 shift     0 to 63: so many low bits of all differences are 0 and left out
//   svarint      the first integer
//   blocks       of 128 integers (the last one of what is left); the first block's first integer
//                stands above already, so that block has one residual less
// A block of c residuals begins with u8 mode << 6 | width.
//   ZERO   3     nothing changes in this block and the `width` blocks behind it
//   else         u8 flags, [BASE: svarint base], then
//   PLAIN  0     c residuals
//   BITMAP 1     c bits, a residual for each that is set
//   LIST   2     u8 count, so many places, one byte each and rising, a residual for each
// residual r: `width` (at most 56) bits, lowest first, one behind the other, filled up to a byte;
//   [MORE: u8 count, so many numbers of residuals, rising, then a varint for each: its bits from
//   `width` up]
// step of a place: base + s(r) in PLAIN; base + s(r + 1), and base where there is none, else;
//   s undoes ZIGZAG where that is said. SECOND: plus the step before (at first, and behind ZERO,
//   0).
// The integer is the one before plus step << shift.

#ifndef COLLECTOR_STORE_DELTA_BLOCK_H
#define COLLECTOR_STORE_DELTA_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rbuf.h"

#define DELTA_BLOCK     128u
#define DELTA_WIDTH_MAX 56u // so that one load of eight bytes has every residual whole
#define DELTA_SLACK     8u  // bytes behind the packed ones that a load or store may touch

enum delta_mode { DELTA_PLAIN = 0, DELTA_BITMAP = 1, DELTA_LIST = 2, DELTA_ZERO = 3 };

enum delta_flag {
    DELTA_SECOND = 1 << 0, // differences of differences
    DELTA_ZIGZAG = 1 << 1, // residuals of either sign
    DELTA_BASE = 1 << 2,   // what every step has in common is said once
    DELTA_MORE = 1 << 3,   // some residuals are wider
    DELTA_FLAGS_ALL = 15,
};

#define DELTA_MODE_SHIFT 6
#define DELTA_WIDTH_MASK 0x3fu

// Room that delta_put of n may use.
#define DELTA_ROOM(n) (64u + 24u * (size_t) (n))

// Writes n integers (1 or more) to `out`; returns the end of what was written.
uint8_t *delta_put(uint8_t *out, const int64_t *m, uint32_t n);

// Reads them back. A value.
struct delta_reader {
    struct rbuf r;
    uint64_t last;  // integer before the next
    uint64_t step;  // before the next, without shift
    unsigned shift; // of steps
    uint32_t left;  // integers still to come
    uint32_t zeros; // blocks still to come in which nothing changes
    bool begun;     // the first integer was given
};

// 0 or ERR_FORMAT. The bytes are borrowed until the last delta_take_block.
int delta_take(struct delta_reader *self, const uint8_t *at, size_t len, uint32_t n);
// The next block into out: how many integers, 0 behind the last, or ERR_FORMAT. Places of `out`
// behind them are left as they were.
int delta_take_block(struct delta_reader *self, int64_t out[DELTA_BLOCK]);
// 0 if all integers and all bytes were read, else ERR_FORMAT.
int delta_finish(const struct delta_reader *self);

static inline uint64_t
delta_zigzag(uint64_t v)
{
    return (v << 1) ^ (0 - (v >> 63));
}

static inline uint64_t
delta_unzigzag(uint64_t z)
{
    return (z >> 1) ^ (0 - (z & 1));
}

#endif

// xor_run - doubles that are no decimals: each as the bits in which it differs from the one before.
//
// In:     n doubles, as their bits.
// Out:    bytes, and from them the doubles, a run at a time.
// Loss:   none; strange bytes are refused or give some doubles.
// Cost:   3 to 8 ns a double, either way.
// Source: Pelkonen and others, "Gorilla: a fast, scalable, in-memory time series database", VLDB
//         2015, 4.1.2; and collector/store/FORMAT.md, "Bits that differ". The layout is: u64 the
//         first one; then for each of the others, in bits, lowest first, filled up to a byte:
//   0    equal to the one before
//   1 0  differs within the bits of the last 1 1: these
//   1 1  5 bits lead, 6 bits count - 1, then `count` bits: from the top `lead` bits are equal, then
//        `count` of them follow, and the rest is equal

#ifndef COLLECTOR_STORE_XOR_RUN_H
#define COLLECTOR_STORE_XOR_RUN_H

#include <stddef.h>
#include <stdint.h>

// Room that xor_put of n may use: a double costs at most 77 bits.
#define XOR_ROOM(n) (24u + 10u * (size_t) (n))

// Writes n doubles (1 or more) to `out`; returns the end of what was written.
uint8_t *xor_put(uint8_t *out, const double *values, uint32_t n);

// Reads them back. A value.
struct xor_reader {
    const uint8_t *at; // borrowed
    size_t bits;       // in all
    size_t bit;        // next
    uint64_t last;     // bits of the double before
    unsigned lead;     // of the last 1 1
    unsigned count;    // of the last 1 1; 0 before there was one
};

// 0 or ERR_FORMAT, with the first double's bits in `last`.
int xor_take(struct xor_reader *self, const uint8_t *at, size_t len);
// The next `count` doubles, behind the first. 0 or ERR_FORMAT.
int xor_take_run(struct xor_reader *self, double *out, uint32_t count);
// 0 if all bytes were read, else ERR_FORMAT.
int xor_finish(const struct xor_reader *self);

#endif

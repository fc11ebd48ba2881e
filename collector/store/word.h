// word - eight bytes at any address as a number, lowest first: one load or store.

#ifndef COLLECTOR_STORE_WORD_H
#define COLLECTOR_STORE_WORD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define WORD_BITS  64u
#define WORD_BYTES 8u
#define BYTE_BITS  8u

static inline uint64_t
word_load(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static inline void
word_store(uint8_t *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

// Bits set: the instruction is not in every processor of this family.
static inline uint32_t
word_ones(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t) (v * UINT64_C(0x0101010101010101) >> 56);
}

#endif

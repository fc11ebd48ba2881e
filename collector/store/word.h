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

#endif

// fnv - a hash that is the same everywhere and for ever, so that names can be made of it.
//
// Not for tables (map_hash is seeded) and not against damage (crc32c): whoever wants two texts of
// one hash can make them.
// Source: FNV-1a of 64 bits, as its authors publish it (isthe.com/chongo/tech/comp/fnv).

#ifndef SHARED_BASE_FNV_H
#define SHARED_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)

// Calls chain: fnv_add(fnv_add(FNV_BEGIN, a, n), b, m) is that of a then b.
static inline uint64_t
fnv_add(uint64_t hash, const void *at, size_t n)
{
    const uint8_t *byte = at;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif

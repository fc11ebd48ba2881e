// seeded - numbers that look random and are the same in every run.
//
// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).

#ifndef TESTS_SUPPORT_SEEDED_H
#define TESTS_SUPPORT_SEEDED_H

#include <stdint.h>

static inline uint64_t
seeded_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

// 0 to n - 1.
static inline uint32_t
seeded_below(uint64_t *seed, uint32_t n)
{
    return (uint32_t) (seeded_next(seed) >> 32) % n;
}

// A number of any magnitude: as often one bit as sixty-four.
static inline uint64_t
seeded_wide(uint64_t *seed)
{
    uint64_t v = seeded_next(seed);

    return v >> seeded_next(seed) % 64;
}

#endif

// sample - one number at one time.
//
// Source: Prometheus' data model: milliseconds since the epoch, IEEE 754 doubles, and one NaN
// payload that says a series has ended (its model/value, "stale NaN").

#ifndef SHARED_MODEL_SAMPLE_H
#define SHARED_MODEL_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sample {
    int64_t time_ms; // since the epoch
    double value;
};

#define SAMPLE_STALE_BITS UINT64_C(0x7ff0000000000002)

static inline uint64_t
sample_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double
sample_from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

// Compares bits: a stale mark is a NaN, equal to nothing.
static inline bool
sample_is_stale(double value)
{
    return sample_bits(value) == SAMPLE_STALE_BITS;
}

#endif

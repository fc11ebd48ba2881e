// column_series - series of every kind that a machine or a stranger sends: what columns and tiles
// are tested with. Each is n doubles, the same for the same seed.

#ifndef TESTS_UNIT_COLLECTOR_COLUMN_SERIES_H
#define TESTS_UNIT_COLLECTOR_COLUMN_SERIES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/sample.h"
#include "tests/support/seeded.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static const uint64_t special_bits[] = {
    UINT64_C(0x0000000000000000), // 0
    UINT64_C(0x8000000000000000), // -0
    UINT64_C(0x7ff0000000000000), // +Inf
    UINT64_C(0xfff0000000000000), // -Inf
    SAMPLE_STALE_BITS,            // the mark of an end
    UINT64_C(0x7ff8000000000001), // the NaN that Prometheus' own values are
    UINT64_C(0xfff8000000000000), // NaN, negative
    UINT64_C(0x7ff0000000000001), // a signalling NaN
    UINT64_C(0x7fffffffffffffff), // every bit of a payload
    UINT64_C(0x0000000000000001), // the least denormal
    UINT64_C(0x800fffffffffffff), // the largest, negative
    UINT64_C(0x0010000000000000), // the least normal
    UINT64_C(0x7fefffffffffffff), // DBL_MAX
    UINT64_C(0x4340000000000000), // 2^53
    UINT64_C(0x4340000000000001), // 2^53 + 2
    UINT64_C(0xc340000000000000), // -2^53
    UINT64_C(0x4330000000000001), // 2^52 + 1
    UINT64_C(0x43e0000000000000), // 2^63
    UINT64_C(0xc3e0000000000000), // -2^63
    UINT64_C(0x3fd3333333333334), // 0.1 + 0.2
};

static void
fill_constant(double *v, uint32_t n, uint64_t *seed)
{
    const double value = (double) (seeded_wide(seed) >> 12) / 100;

    for (uint32_t i = 0; i < n; i++)
        v[i] = value;
}

static void
fill_special_constant(double *v, uint32_t n, uint64_t *seed)
{
    const uint64_t bits = special_bits[seeded_below(seed, N_OF(special_bits))];

    for (uint32_t i = 0; i < n; i++)
        v[i] = sample_from_bits(bits);
}

static void
fill_counter(double *v, uint32_t n, uint64_t *seed)
{
    const uint32_t most = 1u << seeded_below(seed, 24);
    uint64_t m = seeded_wide(seed) >> 14;

    for (uint32_t i = 0; i < n; i++) {
        m += seeded_below(seed, 4) == 0 ? 0 : seeded_below(seed, most + 1);
        v[i] = (double) m;
    }
}

static void
fill_counter_with_resets(double *v, uint32_t n, uint64_t *seed)
{
    uint64_t m = 1000000000;

    for (uint32_t i = 0; i < n; i++) {
        m = seeded_below(seed, 50) == 0 ? 0 : m + seeded_below(seed, 5000);
        v[i] = (double) m;
    }
}

static void
fill_slope(double *v, uint32_t n, uint64_t *seed)
{
    const int64_t step = (int64_t) seeded_below(seed, 2000) - 1000;
    int64_t m = (int64_t) seeded_next(seed) % 1000000;

    for (uint32_t i = 0; i < n; i++)
        v[i] = (double) (m += step) / 100;
}

static void
fill_bytes_of_pages(double *v, uint32_t n, uint64_t *seed)
{
    int64_t pages = 1000000;

    for (uint32_t i = 0; i < n; i++) {
        if (seeded_below(seed, 4) == 0)
            pages += (int64_t) seeded_below(seed, 2001) - 1000;
        v[i] = (double) (pages * 4096);
    }
}

static void
fill_percent(double *v, uint32_t n, uint64_t *seed)
{
    int64_t m = 5000;

    for (uint32_t i = 0; i < n; i++) {
        if (seeded_below(seed, 2) == 0)
            m += (int64_t) seeded_below(seed, 1001) - 500;
        v[i] = (double) m / 100;
    }
}

static void
fill_rare(double *v, uint32_t n, uint64_t *seed)
{
    int64_t m = -7;

    for (uint32_t i = 0; i < n; i++) {
        if (seeded_below(seed, 40) == 0)
            m += (int64_t) (seeded_wide(seed) >> 20);
        v[i] = (double) m;
    }
}

static void
fill_spikes(double *v, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = seeded_below(seed, 30) == 0 ? (double) (seeded_wide(seed) >> 11)
                                           : (double) seeded_below(seed, 8);
}

static void
fill_random_walk(double *v, uint32_t n, uint64_t *seed)
{
    double x = 1;

    for (uint32_t i = 0; i < n; i++)
        v[i] = x += ((double) seeded_below(seed, 1000000) - 500000) * 1e-7 * M_PI;
}

static void
fill_noise(double *v, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = sample_from_bits(seeded_next(seed));
}

static void
fill_specials(double *v, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = sample_from_bits(special_bits[seeded_below(seed, N_OF(special_bits))]);
}

static void
fill_decimals_and_specials(double *v, uint32_t n, uint64_t *seed)
{
    fill_percent(v, n, seed);
    for (uint32_t i = 0; i < n; i++) {
        if (seeded_below(seed, 30) == 0)
            v[i] = sample_from_bits(special_bits[seeded_below(seed, N_OF(special_bits))]);
    }
}

static void
fill_ended(double *v, uint32_t n, uint64_t *seed)
{
    fill_counter(v, n, seed);
    v[n - 1] = sample_from_bits(SAMPLE_STALE_BITS);
}

static void
fill_products(double *v, uint32_t n, uint64_t *seed)
{
    int64_t m = 123456789;

    for (uint32_t i = 0; i < n; i++)
        v[i] = (double) (m += seeded_below(seed, 1000)) * 1e-3;
}

static void
fill_two_steps(double *v, uint32_t n, uint64_t *seed)
{
    int64_t m = 987654321;

    for (uint32_t i = 0; i < n; i++)
        v[i] = (double) (m += seeded_below(seed, 100000)) / 1000 / 1000;
}

// Near the integers that become doubles in another way, and past those that doubles hold.
static void
fill_large_integers(double *v, uint32_t n, uint64_t *seed)
{
    const unsigned bits = 49 + seeded_below(seed, 8);

    for (uint32_t i = 0; i < n; i++) {
        const double m = (double) ((INT64_C(1) << bits) + seeded_below(seed, 9) - 4);

        v[i] = seeded_below(seed, 2) == 0 ? m : -m;
    }
}

static void
fill_many_digits(double *v, uint32_t n, uint64_t *seed)
{
    static const double powers[] = { 1e5, 1e9, 1e12, 1e15 };
    const double power = powers[seeded_below(seed, 4)];

    for (uint32_t i = 0; i < n; i++)
        v[i] = (double) (int64_t) (seeded_next(seed) >> 15) / power;
}

static const struct {
    const char *name;
    void (*fill)(double *v, uint32_t n, uint64_t *seed);
} series_kinds[] = {
    { "constant", fill_constant },
    { "special constant", fill_special_constant },
    { "counter", fill_counter },
    { "counter with resets", fill_counter_with_resets },
    { "slope", fill_slope },
    { "bytes of pages", fill_bytes_of_pages },
    { "percent", fill_percent },
    { "rare changes", fill_rare },
    { "spikes", fill_spikes },
    { "random walk", fill_random_walk },
    { "noise", fill_noise },
    { "specials", fill_specials },
    { "decimals and specials", fill_decimals_and_specials },
    { "ended", fill_ended },
    { "products", fill_products },
    { "two steps", fill_two_steps },
    { "large integers", fill_large_integers },
    { "many digits", fill_many_digits },
};

#endif

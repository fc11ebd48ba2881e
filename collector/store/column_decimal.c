// column_decimal - which integers stand for doubles that came without a form.
//
// Numbers of machines are decimals of few digits. The exponent is the one that costs least: each
// more is a third of a byte a value, each value that it does not fit some ten bytes. A few values
// are asked first, so that an exponent which does not fit is given up early.

#include <math.h>
#include <string.h>

#include "collector/store/column_inner.h"
#include "collector/store/word.h"
#include "shared/model/sample.h"

#define PROBES         8u
#define ODD_BITS       80u // a value in the list
#define EXPONENT_BITS  10u // of three values, for each exponent
#define EXPONENT_PARTS 3u
#define ODD_SHARE      8u // at most one in so many
#define PRODUCT_MAX    9u // exponents tried for COLUMN_PRODUCT
#define STEPS_EXPONENT 6u // 1000 twice

const double column_powers[METRIC_EXPONENT_MAX + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};
const double column_fractions[METRIC_EXPONENT_MAX + 1] = {
    1e0,  1e-1, 1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
    1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15,
};

// Some of the values, spread over all: finite ones.
struct probes {
    double values[PROBES];
    uint32_t n;
};

// The integer nearest to value * 10^exponent, and whether it stands for value in every bit.
static inline bool
s_fits(double value, uint8_t rule, uint8_t exponent, int64_t *ret)
{
    const double near = value * column_powers[exponent];
    double back;
    int64_t m;

    if (!(fabs(near) <= (double) METRIC_MANTISSA_MAX)) // false for NaN too
        return false;
    m = (int64_t) (near + (near < 0 ? -0.5 : 0.5));
    back = (double) m;
    back = rule == COLUMN_QUOTIENT  ? back / column_powers[exponent]
           : rule == COLUMN_PRODUCT ? back * column_fractions[exponent]
                                    : back / 1000 / 1000;
    *ret = m;
    return sample_bits(back) == sample_bits(value);
}

static bool
s_probe(const struct probes *probes, uint8_t rule, uint8_t exponent)
{
    uint32_t misfits = 0;
    int64_t m;

    for (uint32_t i = 0; i < probes->n && misfits <= 1; i++)
        misfits += !s_fits(probes->values[i], rule, exponent, &m);
    return misfits == 0 || (misfits == 1 && probes->n == PROBES);
}

// Values that do not fit, at most `most` + 1: then the count ended early.
static uint32_t
s_try(struct column_integers *ret, const double *values, uint32_t n, uint8_t rule, uint8_t exponent,
      uint32_t most)
{
    memset(ret->odd, 0, sizeof ret->odd);
    ret->rule = rule;
    ret->exponent = exponent;
    ret->n_odd = 0;
    for (uint32_t i = 0; i < n && ret->n_odd <= most; i++) {
        if (!s_fits(values[i], rule, exponent, &ret->m[i])) {
            ret->odd[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
            ret->n_odd++;
        }
    }
    return ret->n_odd;
}

static struct probes
s_choose(const double *values, uint32_t n)
{
    struct probes probes = { .n = 0 };
    const uint32_t stride = n < PROBES ? 1 : n / PROBES;

    for (uint32_t i = 0; i < n && probes.n < PROBES; i += stride) {
        if (isfinite(values[i]))
            probes.values[probes.n++] = values[i];
    }
    return probes;
}

bool
column_decimal(struct column_integers *ret, const double *values, uint32_t n)
{
    const struct probes probes = s_choose(values, n);
    const uint32_t most = n / ODD_SHARE;
    uint32_t best_bits = UINT32_MAX;
    uint8_t best = 0;

    if (probes.n == 0)
        return false;
    for (uint8_t k = 0; k <= METRIC_EXPONENT_MAX; k++) {
        const uint32_t digits = n * k * EXPONENT_BITS / EXPONENT_PARTS;
        uint32_t odd;

        if (digits >= best_bits)
            break;
        if (!s_probe(&probes, COLUMN_QUOTIENT, k))
            continue;
        odd = s_try(ret, values, n, COLUMN_QUOTIENT, k, most);
        if (odd == 0)
            return true;
        if (odd <= most && odd * ODD_BITS + digits < best_bits) {
            best_bits = odd * ODD_BITS + digits;
            best = k;
        }
    }
    if (best_bits < UINT32_MAX)
        return s_try(ret, values, n, COLUMN_QUOTIENT, best, most) <= most;
    for (uint8_t k = 1; k <= PRODUCT_MAX; k++) {
        if (s_probe(&probes, COLUMN_PRODUCT, k) &&
            s_try(ret, values, n, COLUMN_PRODUCT, k, most) <= most)
            return true;
    }
    return s_probe(&probes, COLUMN_TWO_STEPS, STEPS_EXPONENT) &&
           s_try(ret, values, n, COLUMN_TWO_STEPS, STEPS_EXPONENT, most) <= most;
}

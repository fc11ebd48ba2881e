// metric - what kind of number a series holds, and how it travels as an integer.

#include "shared/model/metric.h"

#include <math.h>
#include <stddef.h>

#include "shared/model/sample.h"

// Powers of ten up to 10^22 are doubles without rounding.
static const double powers[METRIC_EXPONENT_MAX + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};

static const char *const kinds[] = {
    [METRIC_UNTYPED] = "unknown",
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_INFO] = "info",
};

double
metric_value(struct metric_form form, int64_t m)
{
    if (form.exponent > METRIC_EXPONENT_MAX)
        return NAN; // METRIC_RAW has no integers
    return (double) (int64_t) ((uint64_t) m * form.unit) / powers[form.exponent];
}

// The guess m0 = value * 10^exponent / unit is off by its roundings: two of the product's last
// place, of which there are 2^53, so by up to two. The nearest that proves itself is taken.
bool
metric_mantissa(struct metric_form form, double value, int64_t *ret)
{
    static const int64_t steps[] = { 0, -1, 1, -2, 2 };
    int64_t most, guess;
    double near;

    if (!metric_form_valid(form) || form.exponent == METRIC_RAW)
        return false;
    most = METRIC_MANTISSA_MAX / form.unit;
    near = rint(value * powers[form.exponent] / form.unit);
    if (!(fabs(near) <= (double) most + 2)) // false for NaN too
        return false;
    guess = (int64_t) near;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t m = guess + steps[i];

        if (m < -most || m > most)
            continue;
        if (sample_bits(metric_value(form, m)) == sample_bits(value)) {
            *ret = m;
            return true;
        }
    }
    return false;
}

bool
metric_form_valid(struct metric_form form)
{
    return (form.exponent <= METRIC_EXPONENT_MAX || form.exponent == METRIC_RAW) && form.unit >= 1;
}

const char *
metric_kind_str(enum metric_kind kind)
{
    return (unsigned) kind <= METRIC_KIND_MAX ? kinds[kind] : kinds[METRIC_UNTYPED];
}

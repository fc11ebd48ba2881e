// metric - what kind of number a series holds, and how it travels as an integer.
//
// A kernel file says an integer `m`; the value is m * unit / 10^exponent, with an exact product and
// one correctly rounded division, so it is the double that strtod gives for the decimal text. What
// does not fit (fractions with more digits, NaN, -0, |m * unit| > 2^53) travels as eight raw bytes.

#ifndef SHARED_MODEL_METRIC_H
#define SHARED_MODEL_METRIC_H

#include <stdbool.h>
#include <stdint.h>

enum metric_kind {
    METRIC_UNTYPED = 0,
    METRIC_GAUGE = 1,
    METRIC_COUNTER = 2, // only rises; a fall is a restart from 0
    METRIC_INFO = 3,    // always 1; the labels are the message
};
#define METRIC_KIND_MAX     METRIC_INFO

#define METRIC_EXPONENT_MAX 15  // powers of ten that a double holds exactly, with room
#define METRIC_RAW          255 // exponent of a series whose values are all raw doubles
#define METRIC_MANTISSA_MAX (INT64_C(1) << 53)

struct metric_form {
    uint8_t exponent; // 0 to METRIC_EXPONENT_MAX, or METRIC_RAW
    uint32_t unit;    // 1 or more: 1024 for kB of /proc/meminfo, 512 for sectors
};

// m * unit / 10^exponent; a product past 2^64 wraps and is the sender's nonsense, not undefined.
double metric_value(struct metric_form form, int64_t m);
// Finds m with metric_value(form, m) equal to value in every bit; false if there is none.
bool metric_mantissa(struct metric_form form, double value, int64_t *ret);
// exponent and unit in range.
bool metric_form_valid(struct metric_form form);
// "gauge", "counter", ... as exposition text says it ("unknown" for METRIC_UNTYPED).
const char *metric_kind_str(enum metric_kind kind);

#endif

// import_number - values and times as text files have them.
//
// In:     text of a stranger, not terminated.
// Out:    the double that is nearest to the text, which for what `zpulse export` writes is the very
//         one; milliseconds since the epoch, digit by digit, so that no fraction is ever rounded.
// Thread: pure.
// Source: OpenMetrics 1.0, "Numbers" and "Timestamps".

#ifndef COLLECTOR_CTL_IMPORT_NUMBER_H
#define COLLECTOR_CTL_IMPORT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define IMPORT_NUMBER_MAX  400                      // characters
#define IMPORT_TIME_MAX_MS INT64_C(253402300799999) // the last of the year 9999

// Decimal with or without an exponent, NaN, Inf or Infinity in any case, these with a sign.
// *decimals_ret: digits behind the point, or IMPORT_DECIMALS_NONE. 0; ERR_FORMAT; ERR_LIMIT (too
// long); ERR_RANGE: no double is so large.
int import_value(double *ret, uint8_t *decimals_ret, const char *at, size_t n);
// Seconds, as decimal with or without an exponent; what is finer than a millisecond is cut off.
// 0; ERR_FORMAT; ERR_LIMIT; ERR_RANGE: before 1970 or after the year 9999.
int import_seconds(int64_t *ret, const char *at, size_t n);
// Milliseconds: digits alone. Errors likewise.
int import_ms(int64_t *ret, const char *at, size_t n);

#endif

// import_number - see the header.

#include "collector/ctl/import_number.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/ctl/import_text.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

// A NaN as others write it: neither the stale mark nor one with a sign.
#define PLAIN_NAN       UINT64_C(0x7ff8000000000001)
#define EXPONENT_MOST   100000 // beyond it nothing changes any more
#define MS_DIGITS       3
#define TIME_DIGITS_MAX 17 // of milliseconds: more are after the year 9999

// A decimal number, taken apart.
struct parts {
    bool minus;
    const char *digits; // with at most one point among them
    size_t n;           // characters of it
    size_t whole;       // digits before the point
    size_t fraction;    // behind it
    bool exponent;      // there is one
    int by;             // it
};

static bool
s_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
s_count_digits(const char *at, size_t n)
{
    size_t i = 0;

    while (i < n && s_is_digit(at[i]))
        i++;
    return i;
}

static bool
s_take_exponent(struct parts *p, const char *at, size_t n)
{
    const bool minus = n > 0 && at[0] == '-';
    const size_t sign = n > 0 && (at[0] == '-' || at[0] == '+');

    if (n == sign || s_count_digits(at + sign, n - sign) != n - sign)
        return false;
    p->exponent = true;
    for (size_t i = sign; i < n && p->by < EXPONENT_MOST; i++)
        p->by = p->by * 10 + (at[i] - '0');
    p->by = minus ? -p->by : p->by;
    return true;
}

// [+-] digits [. digits] [e [+-] digits], with a digit before the point or behind it.
static bool
s_take_parts(struct parts *p, const char *at, size_t n)
{
    const size_t sign = n > 0 && (at[0] == '-' || at[0] == '+');
    size_t used;

    *p = (struct parts){ .minus = n > 0 && at[0] == '-', .digits = at + sign };
    p->whole = s_count_digits(at + sign, n - sign);
    used = sign + p->whole;
    if (used < n && at[used] == '.') {
        used++;
        p->fraction = s_count_digits(at + used, n - used);
        used += p->fraction;
    }
    p->n = used - sign;
    if (p->whole + p->fraction == 0)
        return false;
    if (used == n)
        return true;
    return (at[used] == 'e' || at[used] == 'E') && s_take_exponent(p, at + used + 1, n - used - 1);
}

static bool
s_is_word(const char *at, size_t n, const char *word)
{
    return n == strlen(word) && strncasecmp(at, word, n) == 0;
}

// NaN and the infinities.
static bool
s_take_word(double *ret, const char *at, size_t n)
{
    const size_t sign = n > 0 && (at[0] == '-' || at[0] == '+');

    if (s_is_word(at, n, "nan")) {
        *ret = sample_from_bits(PLAIN_NAN);
        return true;
    }
    if (!s_is_word(at + sign, n - sign, "inf") && !s_is_word(at + sign, n - sign, "infinity"))
        return false;
    *ret = at[0] == '-' ? -INFINITY : INFINITY;
    return true;
}

int
import_value(double *ret, uint8_t *decimals_ret, const char *at, size_t n)
{
    char text[IMPORT_NUMBER_MAX + 1];
    struct parts parts;
    double value;

    if (n > IMPORT_NUMBER_MAX)
        return ERR_LIMIT;
    *decimals_ret = IMPORT_DECIMALS_NONE;
    if (s_take_word(ret, at, n))
        return 0;
    if (!s_take_parts(&parts, at, n))
        return ERR_FORMAT;
    memcpy(text, at, n);
    text[n] = '\0';
    value = strtod(text, NULL); // of what was checked; nobody has set a locale
    if (isinf(value))
        return ERR_RANGE;
    if (!parts.exponent && parts.fraction < IMPORT_DECIMALS_NONE)
        *decimals_ret = (uint8_t) parts.fraction;
    *ret = value;
    return 0;
}

// The first `take` digits as a number, zeros where there are no more.
static int
s_first_digits(int64_t *ret, const struct parts *p, long take)
{
    int64_t v = 0;
    int digits = 0;
    long used = 0;

    for (size_t i = 0; i < p->n || used < take; i++) {
        const char c = i < p->n ? p->digits[i] : '0';

        if (c == '.')
            continue;
        if (used++ >= take)
            break;
        v = v * 10 + (c - '0');
        digits += v > 0;
        if (digits > TIME_DIGITS_MAX)
            return ERR_RANGE;
        if (v == 0 && i >= p->n)
            break; // zero, however often it is shifted
    }
    *ret = v;
    return 0;
}

static bool
s_is_zero(const struct parts *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->digits[i] != '.' && p->digits[i] != '0')
            return false;
    return true;
}

int
import_seconds(int64_t *ret, const char *at, size_t n)
{
    struct parts parts;
    int64_t ms;
    int rc;

    if (n > IMPORT_NUMBER_MAX)
        return ERR_LIMIT;
    if (!s_take_parts(&parts, at, n))
        return ERR_FORMAT;
    if (parts.minus && !s_is_zero(&parts))
        return ERR_RANGE;
    rc = s_first_digits(&ms, &parts, (long) parts.whole + parts.by + MS_DIGITS);
    if (rc < 0 || ms > IMPORT_TIME_MAX_MS)
        return ERR_RANGE;
    *ret = ms;
    return 0;
}

int
import_ms(int64_t *ret, const char *at, size_t n)
{
    struct parts parts;
    int64_t ms;

    if (n > IMPORT_NUMBER_MAX)
        return ERR_LIMIT;
    if (n > 1 && at[0] == '-' && s_count_digits(at + 1, n - 1) == n - 1)
        return ERR_RANGE;
    if (n == 0 || s_count_digits(at, n) != n)
        return ERR_FORMAT;
    parts = (struct parts){ .digits = at, .n = n, .whole = n };
    if (s_first_digits(&ms, &parts, (long) n) < 0 || ms > IMPORT_TIME_MAX_MS)
        return ERR_RANGE;
    *ret = ms;
    return 0;
}

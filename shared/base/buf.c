// buf - bytes that grow.

#include "shared/base/buf.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define BUF_LEAST        64   // first allocation, bytes
#define DOUBLE_TEXT_SIZE 32   // sign, 17 digits, point, exponent
#define DECIMALS_MAX     19   // of buf_decimal
#define DECIMAL_SIZE     24   // sign, point and 20 digits of a 64-bit integer
#define PLAIN_LEAST      (-4) // decimal exponents written without an "e", as 0.0001 ...
#define PLAIN_MOST       20   // ... and 100000000000000000000 are

// Any integer below 10^15, over one of these, is a decimal of at most 15 digits: those and
// doubles stand for each other one to one. Nearly every number we write is one of them.
static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
#define N_POWERS   (sizeof powers / sizeof powers[0])
#define FEW_DIGITS 1e15

static bool s_put_short(struct buf *b, double value);
static int s_shortest(char text[DOUBLE_TEXT_SIZE], double value);
static void s_plain(struct buf *b, const char *digits, size_t n, int exponent);

void
buf_reserve(struct buf *b, size_t n)
{
    size_t want, size = b->size > 0 ? b->size : BUF_LEAST;

    if (n <= b->size - b->len)
        return;
    // Half the address space is a bug or an attack that no limit caught: end as xalloc would.
    if (__builtin_add_overflow(b->len, n, &want) || want > SIZE_MAX / 2)
        want = SIZE_MAX / 2;
    while (size < want)
        size *= 2;
    b->at = xrealloc(b->at, size, 1);
    b->size = size;
}

void
buf_bytes(struct buf *b, const void *at, size_t n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->at + b->len, at, n);
    b->len += n;
}

void
buf_byte(struct buf *b, uint8_t byte)
{
    buf_reserve(b, 1);
    b->at[b->len++] = byte;
}

void
buf_str(struct buf *b, const char *text)
{
    buf_bytes(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void
buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    buf_reserve(b, BUF_LEAST);
    n = vsnprintf((char *) b->at + b->len, b->size - b->len, format, args);
    assert(n >= 0);
    if ((size_t) n >= b->size - b->len) {
        buf_reserve(b, (size_t) n + 1);
        n = vsnprintf((char *) b->at + b->len, b->size - b->len, format, again);
    }
    va_end(again);
    b->len += (size_t) n;
}

void
buf_decimal(struct buf *b, int64_t m, unsigned decimals)
{
    uint64_t left = m < 0 ? 0 - (uint64_t) m : (uint64_t) m;
    char text[DECIMAL_SIZE];
    char *to = text + sizeof text;
    unsigned n = 0; // digits written, from the last to the first

    assert(decimals <= DECIMALS_MAX);
    for (; decimals > 0 && left % 10 == 0; left /= 10)
        decimals--;
    do {
        *--to = (char) ('0' + left % 10);
        left /= 10;
        if (++n == decimals)
            *--to = '.';
    } while (left > 0 || n <= decimals);
    if (m < 0)
        *--to = '-';
    buf_bytes(b, to, (size_t) (text + sizeof text - to));
}

void
buf_double(struct buf *b, double value)
{
    char text[DOUBLE_TEXT_SIZE], digits[DOUBLE_TEXT_SIZE] = "";
    size_t n = 0;
    int exponent;

    if (isnan(value) || isinf(value)) {
        buf_str(b, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    if (s_put_short(b, value))
        return;
    if (signbit(value))
        buf_byte(b, '-');
    exponent = s_shortest(text, fabs(value));
    for (const char *c = text; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (exponent >= PLAIN_LEAST && exponent <= PLAIN_MOST) {
        s_plain(b, digits, n, exponent);
        return;
    }
    buf_byte(b, (uint8_t) digits[0]);
    if (n > 1) {
        buf_byte(b, '.');
        buf_bytes(b, digits + 1, n - 1);
    }
    buf_printf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

const char *
buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->at[b->len] = '\0';
    return (const char *) b->at;
}

void
buf_clear(struct buf *b)
{
    b->len = 0;
}

void
buf_release(struct buf *b)
{
    free(b->at);
    *b = (struct buf){ 0 };
}

uint8_t *
buf_detach(struct buf *b, size_t *len_ret)
{
    uint8_t *at = b->at;

    *len_ret = b->len;
    *b = (struct buf){ 0 };
    return at;
}

// False if it is no short decimal; then nothing is written.
static bool
s_put_short(struct buf *b, double value)
{
    double size = fabs(value);

    if (size < 1e-4 && (value != 0 || signbit(value)))
        return false; // has an exponent, or is -0
    for (unsigned i = 0; i < N_POWERS && size * powers[i] < FEW_DIGITS; i++) {
        double m = rint(value * powers[i]);

        if (m / powers[i] == value) {
            buf_decimal(b, (int64_t) m, i);
            return true;
        }
    }
    return false;
}

// Writes d.ddd...e+XX with the fewest digits that read back as `value`, which is not
// negative; returns its decimal exponent. Fifteen digits hold any decimal of so many, so a
// shorter form shows there as trailing zeros; below DBL_MIN a double holds fewer digits.
static int
s_shortest(char text[DOUBLE_TEXT_SIZE], double value)
{
    int digits = value < DBL_MIN ? 1 : DBL_DIG;

    for (; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, DOUBLE_TEXT_SIZE, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return (int) strtol(strchr(text, 'e') + 1, NULL, 10);
}

// d.ddd times ten to `exponent`, without an exponent.
static void
s_plain(struct buf *b, const char *digits, size_t n, int exponent)
{
    size_t whole = exponent >= 0 ? (size_t) exponent + 1 : 0; // digits before the point

    if (whole == 0) {
        buf_str(b, "0.");
        for (int i = -1; i > exponent; i--)
            buf_byte(b, '0');
        buf_bytes(b, digits, n);
        return;
    }
    buf_bytes(b, digits, n < whole ? n : whole);
    for (size_t i = n; i < whole; i++)
        buf_byte(b, '0');
    if (n > whole) {
        buf_byte(b, '.');
        buf_bytes(b, digits + whole, n - whole);
    }
}

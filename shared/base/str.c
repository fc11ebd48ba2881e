// str - text from people and files into numbers, and back.

#include "shared/base/str.h"

#include <string.h>

#include "shared/base/err.h"

#define HEX64_LEN    (STR_HEX64_SIZE - 1)
#define DISTANCE_MAX 64 // bytes of a word that are looked at

struct unit {
    const char *name; // as it stands behind the digits
    uint64_t factor;  // how many of the smallest unit it is
};

static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};
static const struct unit sizes[] = {
    { "", 1 },
    { "B", 1 },
    { "KiB", UINT64_C(1) << 10 },
    { "MiB", UINT64_C(1) << 20 },
    { "GiB", UINT64_C(1) << 30 },
    { "KB", 1000 },
    { "MB", 1000 * 1000 },
    { "GB", 1000 * 1000 * 1000 },
};
#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static int s_with_unit(uint64_t *ret, const char *text, const struct unit *units, size_t n);
static int s_hex_digit(char c);
static unsigned s_least(unsigned a, unsigned b);

int
str_u64(uint64_t *ret, const char *text, size_t len)
{
    uint64_t v = 0;
    bool over = false; // told only at the end: "99999999999999999999x" is no number at all

    if (len == 0)
        return ERR_FORMAT;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_FORMAT;
        over |= __builtin_mul_overflow(v, 10, &v);
        over |= __builtin_add_overflow(v, (uint64_t) (text[i] - '0'), &v);
    }
    if (over)
        return ERR_RANGE;
    *ret = v;
    return 0;
}

int
str_duration_ms(int64_t *ret, const char *text)
{
    uint64_t v;
    int rc;

    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return 0;
    }
    rc = s_with_unit(&v, text, durations, N_OF(durations));
    if (rc < 0)
        return rc;
    if (v > INT64_MAX)
        return ERR_RANGE;
    *ret = (int64_t) v;
    return 0;
}

int
str_bytes(uint64_t *ret, const char *text)
{
    return s_with_unit(ret, text, sizes, N_OF(sizes));
}

int
str_hex64(uint64_t *ret, const char *text, size_t len)
{
    uint64_t v = 0;

    if (len != HEX64_LEN)
        return ERR_FORMAT;
    for (size_t i = 0; i < len; i++) {
        int digit = s_hex_digit(text[i]);

        if (digit < 0)
            return ERR_FORMAT;
        v = v << 4 | (uint64_t) digit;
    }
    *ret = v;
    return 0;
}

const char *
str_hex64_put(char out[STR_HEX64_SIZE], uint64_t v)
{
    for (size_t i = HEX64_LEN; i-- > 0; v >>= 4)
        out[i] = "0123456789abcdef"[v & 0xf];
    out[HEX64_LEN] = '\0';
    return out;
}

bool
str_is_utf8(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = text[i] == '\0' ? 0 : str_utf8_len(text + i, len - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

// RFC 3629: neither overlong forms nor surrogates nor anything above U+10FFFF. Only the second
// byte's range depends on the first.
size_t
str_utf8_len(const char *text, size_t left)
{
    static const struct {
        unsigned char first, last; // of the first byte
        unsigned char low, high;   // of the second
        unsigned char len;
    } forms[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    const unsigned char *at = (const unsigned char *) text;

    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < N_OF(forms); i++) {
        if (at[0] < forms[i].first || at[0] > forms[i].last)
            continue;
        if (left < forms[i].len || at[1] < forms[i].low || at[1] > forms[i].high)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

// Optimal string alignment: Levenshtein's rows, and one more for a swap of neighbours.
unsigned
str_distance(const char *a, const char *b)
{
    unsigned rows[3][DISTANCE_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    size_t a_len = strnlen(a, DISTANCE_MAX), b_len = strnlen(b, DISTANCE_MAX);

    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned) j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *oldest = before;

        before = above;
        above = row;
        row = oldest;
        row[0] = (unsigned) i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned differ = a[i - 1] != b[j - 1];

            row[j] = s_least(above[j - 1] + differ, 1 + s_least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = s_least(row[j], before[j - 2] + 1);
        }
    }
    return row[b_len];
}

bool
str_starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

// Digits, then one of the units.
static int
s_with_unit(uint64_t *ret, const char *text, const struct unit *units, size_t n)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t v;
    int rc = str_u64(&v, text, digits);

    if (rc == ERR_FORMAT)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        if (rc < 0 || __builtin_mul_overflow(v, units[i].factor, &v))
            return ERR_RANGE;
        *ret = v;
        return 0;
    }
    return ERR_FORMAT;
}

static int
s_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static unsigned
s_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

// column_write - values of one series to bytes: which codec, and its head.

#include <assert.h>
#include <string.h>

#include "collector/store/column_inner.h"
#include "collector/store/delta_block.h"
#include "collector/store/word.h"
#include "collector/store/xor_run.h"
#include "shared/base/wbuf.h"
#include "shared/model/sample.h"

#define ODD_SHARE 8u // of cells: with more doubles than one in so many, all are doubles

static size_t s_put_integers(uint8_t *out, struct column_integers *ints, const double *values,
                             const int64_t *cells, uint32_t n);
static size_t s_put_constant(uint8_t *out, double value);
static size_t s_put_raw(uint8_t *out, const double *values, uint32_t n);

static inline bool
s_has(const uint64_t *map, uint32_t i)
{
    return (map[i / WORD_BITS] >> i % WORD_BITS & 1) != 0;
}

static inline double
s_value(const struct column_integers *ints, int64_t m)
{
    return (double) m / column_powers[ints->exponent];
}

// All n cells as doubles.
static void
s_to_doubles(double *ret, struct metric_form form, const int64_t *cells, const uint64_t *raw,
             uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const bool bits = form.exponent == METRIC_RAW || (raw != NULL && s_has(raw, i));

        ret[i] = bits ? sample_from_bits((uint64_t) cells[i]) : metric_value(form, cells[i]);
    }
}

size_t
column_put(uint8_t *out, struct metric_form form, const int64_t *cells, const uint64_t *raw,
           uint32_t n)
{
    struct column_integers ints; // filled as far as n: the whole of it is 8 KiB
    double values[COLUMN_VALUES_MAX];

    assert(n > 0 && n <= COLUMN_VALUES_MAX && metric_form_valid(form));
    ints.rule = COLUMN_QUOTIENT;
    ints.exponent = form.exponent;
    ints.n_odd = 0;
    memset(ints.odd, 0, sizeof ints.odd);
    for (uint32_t w = 0; raw != NULL && w < COLUMN_WORDS(n); w++) {
        const uint32_t behind = (w + 1) * WORD_BITS > n ? n % WORD_BITS : 0;

        ints.odd[w] = behind == 0 ? raw[w] : raw[w] & ((UINT64_C(1) << behind) - 1);
        ints.n_odd += word_ones(ints.odd[w]);
    }
    if (form.exponent == METRIC_RAW || ints.n_odd > n / ODD_SHARE) {
        s_to_doubles(values, form, cells, raw, n);
        return column_put_doubles(out, values, n);
    }
    // The unit goes into the integer: the shift of its blocks takes most of it out again.
    for (uint32_t i = 0; i < n; i++)
        ints.m[i] = (int64_t) ((uint64_t) cells[i] * form.unit);
    return s_put_integers(out, &ints, NULL, cells, n);
}

size_t
column_put_doubles(uint8_t *out, const double *values, uint32_t n)
{
    struct column_integers ints;
    size_t len;
    bool same = true;

    assert(n > 0 && n <= COLUMN_VALUES_MAX);
    if (column_decimal(&ints, values, n))
        return s_put_integers(out, &ints, values, NULL, n);
    for (uint32_t i = 1; i < n && same; i++)
        same = sample_bits(values[i]) == sample_bits(values[0]);
    if (same)
        return s_put_constant(out, values[0]);
    out[0] = COLUMN_XOR;
    len = (size_t) (xor_put(out + 1, values, n) - out);
    return len <= 1 + n * sizeof *values ? len : s_put_raw(out, values, n);
}

size_t
column_put_integers(uint8_t *out, const int64_t *m, uint32_t n)
{
    uint64_t any = 0;
    struct wbuf w;

    assert(n > 0 && n <= COLUMN_VALUES_MAX);
    for (uint32_t i = 1; i < n; i++)
        any |= (uint64_t) (m[i] ^ m[0]);
    wbuf_init(&w, out, COLUMN_ROOM(n));
    wbuf_u8(&w, any == 0 ? COLUMN_CONSTANT_INT : COLUMN_INTEGERS);
    if (any != 0)
        return (size_t) (delta_put(out + w.len, m, n) - out);
    wbuf_svarint(&w, m[0]);
    return (size_t) wbuf_finish(&w);
}

static size_t
s_put_constant(uint8_t *out, double value)
{
    struct wbuf w;

    wbuf_init(&w, out, COLUMN_ROOM(1));
    wbuf_u8(&w, COLUMN_CONSTANT);
    wbuf_f64(&w, value);
    return (size_t) wbuf_finish(&w);
}

static size_t
s_put_raw(uint8_t *out, const double *values, uint32_t n)
{
    struct wbuf w;

    wbuf_init(&w, out, COLUMN_ROOM(n));
    wbuf_u8(&w, COLUMN_RAW);
    for (uint32_t i = 0; i < n; i++)
        wbuf_f64(&w, values[i]);
    return (size_t) wbuf_finish(&w);
}

// Where no integer stands, the one before does, or the first that there is: a step of 0.
static void
s_fill_odd(struct column_integers *ints, uint32_t n)
{
    int64_t last = 0;
    uint32_t i = 0;

    while (i < n && s_has(ints->odd, i))
        i++;
    last = i < n ? ints->m[i] : 0;
    for (i = 0; i < n; i++) {
        ints->m[i] = s_has(ints->odd, i) ? last : ints->m[i];
        last = ints->m[i];
    }
}

static void
s_put_odd(struct wbuf *w, const struct column_integers *ints, const double *values,
          const int64_t *cells, uint32_t n)
{
    uint32_t next = 0;

    wbuf_varint(w, ints->n_odd);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits, stale;

        if (!s_has(ints->odd, i))
            continue;
        bits = values != NULL ? sample_bits(values[i]) : (uint64_t) cells[i];
        stale = bits == SAMPLE_STALE_BITS ? 1 : 0;
        wbuf_varint(w, (uint64_t) (i - next) << 1 | stale);
        if (stale == 0)
            wbuf_u64(w, bits);
        next = i + 1;
    }
}

// `values` or `cells` says what is odd; the other is NULL.
static size_t
s_put_integers(uint8_t *out, struct column_integers *ints, const double *values,
               const int64_t *cells, uint32_t n)
{
    const uint8_t exponent = (uint8_t) (ints->exponent << COLUMN_EXPONENT_SHIFT);
    const bool plain = ints->rule == COLUMN_QUOTIENT && ints->n_odd == 0;
    uint64_t any = 0;
    struct wbuf w;
    size_t len;

    wbuf_init(&w, out, COLUMN_ROOM(n));
    for (uint32_t i = 1; i < n && plain; i++)
        any |= (uint64_t) (ints->m[i] ^ ints->m[0]);
    if (plain && any == 0) {
        wbuf_u8(&w, COLUMN_CONSTANT_INT | exponent);
        wbuf_svarint(&w, ints->m[0]);
        return w.len <= 1 + sizeof(double) ? w.len : s_put_constant(out, s_value(ints, ints->m[0]));
    }
    wbuf_u8(&w, (plain ? COLUMN_INTEGERS : COLUMN_ODD_INTEGERS) | exponent);
    if (!plain) {
        wbuf_u8(&w, (uint8_t) (ints->rule | (ints->n_odd > 0 ? COLUMN_ODD : 0)));
        if (ints->n_odd > 0)
            s_put_odd(&w, ints, values, cells, n);
        s_fill_odd(ints, n);
    }
    len = (size_t) (delta_put(out + w.len, ints->m, n) - out);
    if (len <= 1 + n * sizeof(double))
        return len;

    double back[COLUMN_VALUES_MAX];

    for (uint32_t i = 0; values == NULL && i < n; i++)
        back[i] = s_has(ints->odd, i) ? sample_from_bits((uint64_t) cells[i])
                                      : s_value(ints, ints->m[i]);
    return s_put_raw(out, values != NULL ? values : back, n);
}

// column_read - bytes back to the values of one series.

#include <assert.h>
#include <string.h>

#include "collector/store/column_inner.h"
#include "collector/store/delta_block.h"
#include "collector/store/xor_run.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

#define SMALL_BITS 51 // integers of fewer bits become doubles by adding, two at once
#define SMALL_BIAS UINT64_C(0x4338000000000000) // bits of 1.5 * 2^52
#define SMALL_HALF 6755399441055744.0           // 1.5 * 2^52

// What is asked of a column.
struct ask {
    double *out;
    uint32_t n;     // values of the column
    uint32_t from;  // the first one wanted
    uint32_t count; // wanted
};

// How its integers become values.
struct form {
    uint8_t rule;
    uint8_t exponent;
};

static int s_take_raw(const struct ask *ask, struct rbuf *r);
static int s_take_constant(const struct ask *ask, struct rbuf *r);
static int s_take_constant_int(const struct ask *ask, struct rbuf *r, uint8_t exponent);
static int s_take_blocks(const struct ask *ask, struct rbuf *r, struct form form);
static int s_take_odd(const struct ask *ask, struct rbuf *r, uint8_t exponent);
static int s_take_xor(const struct ask *ask, struct rbuf *r);

int
column_take(double *out, const uint8_t *at, size_t len, uint32_t n, uint32_t from, uint32_t count)
{
    const struct ask ask = { .out = out, .n = n, .from = from, .count = count };
    struct rbuf r;
    uint8_t kind, exponent;

    assert(from <= n && count <= n - from);
    rbuf_init(&r, at, len);
    kind = rbuf_u8(&r);
    exponent = kind >> COLUMN_EXPONENT_SHIFT;
    if (rbuf_rc(&r) < 0 || n == 0)
        return ERR_FORMAT;
    switch (kind & COLUMN_CODEC_MASK) {
    case COLUMN_RAW:
        return exponent == 0 ? s_take_raw(&ask, &r) : ERR_FORMAT;
    case COLUMN_CONSTANT:
        return exponent == 0 ? s_take_constant(&ask, &r) : ERR_FORMAT;
    case COLUMN_CONSTANT_INT:
        return s_take_constant_int(&ask, &r, exponent);
    case COLUMN_INTEGERS:
        return s_take_blocks(&ask, &r, (struct form){ COLUMN_QUOTIENT, exponent });
    case COLUMN_ODD_INTEGERS:
        return s_take_odd(&ask, &r, exponent);
    case COLUMN_XOR:
        return exponent == 0 ? s_take_xor(&ask, &r) : ERR_FORMAT;
    default:
        return ERR_VERSION;
    }
}

int
column_take_integers(int64_t *out, const uint8_t *at, size_t len, uint32_t n)
{
    struct delta_reader reader;
    struct rbuf r;
    int got = 1;

    rbuf_init(&r, at, len);
    switch (rbuf_u8(&r)) {
    case COLUMN_CONSTANT_INT:
        out[0] = rbuf_svarint(&r);
        for (uint32_t i = 1; i < n; i++)
            out[i] = out[0];
        return rbuf_finish(&r);
    case COLUMN_INTEGERS:
        if (delta_take(&reader, r.at, rbuf_left(&r), n) < 0)
            return ERR_FORMAT;
        for (uint32_t i = 0; i < n; i += (uint32_t) got) {
            int64_t block[DELTA_BLOCK];

            got = delta_take_block(&reader, block);
            if (got <= 0)
                return ERR_FORMAT;
            memcpy(out + i, block, (size_t) got * sizeof *block);
        }
        return delta_finish(&reader);
    default:
        return ERR_FORMAT;
    }
}

static int
s_take_raw(const struct ask *ask, struct rbuf *r)
{
    struct rbuf wanted;

    if (rbuf_left(r) / sizeof(double) != ask->n || rbuf_left(r) % sizeof(double) != 0)
        return ERR_FORMAT;
    rbuf_init(&wanted, r->at + ask->from * sizeof(double), ask->count * sizeof(double));
    for (uint32_t i = 0; i < ask->count; i++)
        ask->out[i] = rbuf_f64(&wanted);
    return rbuf_rc(&wanted);
}

static void
s_fill(const struct ask *ask, double value)
{
    for (uint32_t i = 0; i < ask->count; i++)
        ask->out[i] = value;
}

static int
s_take_constant(const struct ask *ask, struct rbuf *r)
{
    s_fill(ask, rbuf_f64(r));
    return rbuf_finish(r);
}

static int
s_take_constant_int(const struct ask *ask, struct rbuf *r, uint8_t exponent)
{
    s_fill(ask, (double) rbuf_svarint(r) / column_powers[exponent]);
    return rbuf_finish(r);
}

// A whole block each time: with the number of rounds known, compilers do two values at once.
static void
s_to_doubles(double out[DELTA_BLOCK], const int64_t m[DELTA_BLOCK], struct form form)
{
    const double power = column_powers[form.exponent];
    uint64_t large = 0;

    for (uint32_t i = 0; i < DELTA_BLOCK; i++)
        large |= ((uint64_t) m[i] + (UINT64_C(1) << SMALL_BITS)) >> (SMALL_BITS + 1);
    if (large == 0) {
        for (uint32_t i = 0; i < DELTA_BLOCK; i++)
            out[i] = sample_from_bits((uint64_t) m[i] + SMALL_BIAS) - SMALL_HALF;
    } else {
        for (uint32_t i = 0; i < DELTA_BLOCK; i++)
            out[i] = (double) m[i];
    }
    if (form.rule == COLUMN_QUOTIENT) {
        for (uint32_t i = 0; form.exponent > 0 && i < DELTA_BLOCK; i++)
            out[i] /= power;
    } else if (form.rule == COLUMN_PRODUCT) {
        for (uint32_t i = 0; i < DELTA_BLOCK; i++)
            out[i] *= column_fractions[form.exponent];
    } else {
        for (uint32_t i = 0; i < DELTA_BLOCK; i++)
            out[i] = out[i] / 1000 / 1000;
    }
}

static int
s_take_blocks(const struct ask *ask, struct rbuf *r, struct form form)
{
    const uint32_t end = ask->from + ask->count;
    int64_t block[DELTA_BLOCK] = { 0 };
    double values[DELTA_BLOCK];
    struct delta_reader reader;

    if (delta_take(&reader, r->at, rbuf_left(r), ask->n) < 0)
        return ERR_FORMAT;
    for (uint32_t at = 0; at < end; at += DELTA_BLOCK) {
        const int got = delta_take_block(&reader, block);
        const uint32_t behind = at + (uint32_t) got;
        const uint32_t first = at > ask->from ? at : ask->from;
        const uint32_t last = behind < end ? behind : end;

        if (got <= 0)
            return ERR_FORMAT;
        if (last <= first)
            continue;
        if (last - first == DELTA_BLOCK) {
            s_to_doubles(ask->out + (first - ask->from), block, form);
            continue;
        }
        s_to_doubles(values, block, form);
        memcpy(ask->out + (first - ask->from), values + (first - at),
               (last - first) * sizeof *values);
    }
    // Only who reads to the end can say whether it is one.
    return end == ask->n ? delta_finish(&reader) : 0;
}

// Passes the list, or with `out` puts what it says over the values.
static int
s_odd(const struct ask *ask, struct rbuf *r, double *out)
{
    const uint32_t count = (uint32_t) rbuf_count(r, ask->n);
    uint64_t next = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t head = rbuf_count(r, UINT32_MAX);
        const uint64_t place = next + (head >> 1);
        const uint64_t bits = (head & 1) != 0 ? SAMPLE_STALE_BITS : rbuf_u64(r);

        if (rbuf_rc(r) < 0 || place >= ask->n)
            return ERR_FORMAT;
        if (out != NULL && place >= ask->from && place - ask->from < ask->count)
            out[place - ask->from] = sample_from_bits(bits);
        next = place + 1;
    }
    return rbuf_rc(r);
}

static int
s_take_odd(const struct ask *ask, struct rbuf *r, uint8_t exponent)
{
    const uint8_t flags = rbuf_u8(r);
    const struct form form = { .rule = flags & COLUMN_RULE_MASK, .exponent = exponent };
    struct rbuf list = *r;

    if (flags > COLUMN_FLAGS_ALL || form.rule > COLUMN_TWO_STEPS)
        return ERR_FORMAT;
    if ((flags & COLUMN_ODD) != 0 && s_odd(ask, r, NULL) < 0)
        return ERR_FORMAT;
    if (s_take_blocks(ask, r, form) < 0)
        return ERR_FORMAT;
    return (flags & COLUMN_ODD) != 0 ? s_odd(ask, &list, ask->out) : 0;
}

static int
s_take_xor(const struct ask *ask, struct rbuf *r)
{
    const uint32_t end = ask->from + ask->count;
    struct xor_reader reader;
    double skipped[DELTA_BLOCK];
    uint32_t at = 1;

    if (xor_take(&reader, r->at, rbuf_left(r)) < 0)
        return ERR_FORMAT;
    if (ask->from == 0 && ask->count > 0)
        ask->out[0] = sample_from_bits(reader.last);
    while (at < ask->from) {
        const uint32_t run = ask->from - at < DELTA_BLOCK ? ask->from - at : DELTA_BLOCK;

        if (xor_take_run(&reader, skipped, run) < 0)
            return ERR_FORMAT;
        at += run;
    }
    if (at < end && xor_take_run(&reader, ask->out + (at - ask->from), end - at) < 0)
        return ERR_FORMAT;
    return end == ask->n ? xor_finish(&reader) : 0;
}

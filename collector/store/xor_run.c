// xor_run - doubles as the bits that differ, into a stream of bits and back.

#include "collector/store/xor_run.h"

#include <assert.h>
#include <string.h>

#include "collector/store/word.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

#define HALF       32u // bits appended at once
#define LEAD_BITS  5u
#define LEAD_MAX   31u // what those hold
#define COUNT_BITS 6u
#define HEAD_BITS  (2 + LEAD_BITS + COUNT_BITS)
#define LOAD_BITS  56u // whole in a load, wherever in a byte they begin

// Bits on their way out.
struct bit_writer {
    uint8_t *at;      // next byte
    uint64_t waiting; // fewer than HALF bits
    unsigned fill;    // how many
};

static void
s_put_half(struct bit_writer *w, uint64_t v, unsigned n)
{
    w->waiting |= v << w->fill;
    w->fill += n;
    while (w->fill >= BYTE_BITS) {
        *w->at++ = (uint8_t) w->waiting;
        w->waiting >>= BYTE_BITS;
        w->fill -= BYTE_BITS;
    }
}

// The low n bits of v, whose others are 0.
static void
s_put_bits(struct bit_writer *w, uint64_t v, unsigned n)
{
    if (n > HALF) {
        s_put_half(w, v & UINT32_MAX, HALF);
        v >>= HALF;
        n -= HALF;
    }
    s_put_half(w, v, n);
}

uint8_t *
xor_put(uint8_t *out, const double *values, uint32_t n)
{
    struct bit_writer w = { .at = out };
    unsigned lead = 0, count = 0; // of the last 1 1
    uint64_t last = sample_bits(values[0]);

    assert(n > 0);
    s_put_bits(&w, last, WORD_BITS);
    for (uint32_t i = 1; i < n; i++) {
        const uint64_t bits = sample_bits(values[i]), differ = bits ^ last;
        unsigned top, low;

        last = bits;
        if (differ == 0) {
            s_put_bits(&w, 0, 1);
            continue;
        }
        top = (unsigned) __builtin_clzll(differ);
        top = top < LEAD_MAX ? top : LEAD_MAX;
        low = (unsigned) __builtin_ctzll(differ);
        if (count > 0 && top >= lead && low >= WORD_BITS - lead - count) {
            s_put_bits(&w, 1, 2);
            s_put_bits(&w, differ >> (WORD_BITS - lead - count), count);
            continue;
        }
        lead = top;
        count = WORD_BITS - top - low;
        s_put_bits(&w, 3 | lead << 2 | (count - 1) << (2 + LEAD_BITS), HEAD_BITS);
        s_put_bits(&w, differ >> low, count);
    }
    if (w.fill > 0)
        *w.at++ = (uint8_t) w.waiting;
    return w.at;
}

// Bits from `bit` on, at least LOAD_BITS of them, and 0 where there are no more.
static uint64_t
s_look(const struct xor_reader *self, size_t bit)
{
    const size_t byte = bit / BYTE_BITS, bytes = self->bits / BYTE_BITS;
    uint64_t v = 0;

    if (byte + sizeof v <= bytes) {
        v = word_load(self->at + byte);
    } else {
        for (unsigned i = 0; byte + i < bytes; i++)
            v |= (uint64_t) self->at[byte + i] << BYTE_BITS * i;
    }
    return v >> bit % BYTE_BITS;
}

int
xor_take(struct xor_reader *self, const uint8_t *at, size_t len)
{
    *self = (struct xor_reader){ .at = at, .bits = len * BYTE_BITS };
    if (len < sizeof self->last)
        return ERR_FORMAT;
    self->last = s_look(self, 0);
    self->bit = WORD_BITS;
    return 0;
}

int
xor_take_run(struct xor_reader *self, double *out, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t head = s_look(self, self->bit);
        uint64_t differ;

        if ((head & 1) == 0) {
            self->bit++;
        } else {
            if ((head & 2) != 0) {
                self->lead = head >> 2 & LEAD_MAX;
                self->count = (unsigned) (head >> (2 + LEAD_BITS) & (WORD_BITS - 1)) + 1;
            }
            self->bit += (head & 2) != 0 ? HEAD_BITS : 2;
            if (self->count == 0 || self->lead + self->count > WORD_BITS)
                return ERR_FORMAT;
            differ = s_look(self, self->bit);
            if (self->count > LOAD_BITS) {
                differ &= (UINT64_C(1) << HALF) - 1;
                differ |= s_look(self, self->bit + HALF) << HALF;
            }
            if (self->count < WORD_BITS)
                differ &= (UINT64_C(1) << self->count) - 1;
            self->last ^= differ << (WORD_BITS - self->lead - self->count);
            self->bit += self->count;
        }
        if (self->bit > self->bits)
            return ERR_FORMAT;
        out[i] = sample_from_bits(self->last);
    }
    return 0;
}

int
xor_finish(const struct xor_reader *self)
{
    const size_t left = self->bits - self->bit;

    return left >= BYTE_BITS || s_look(self, self->bit) != 0 ? ERR_FORMAT : 0;
}

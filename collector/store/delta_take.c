// delta_take - blocks back into integers: unpack, spread and add up in one pass where it can be.

#include <string.h>

#include "collector/store/delta_block.h"
#include "collector/store/word.h"
#include "shared/base/err.h"

// Head of a block, read and checked.
struct head {
    enum delta_mode mode;
    unsigned width;
    uint8_t flags;                             // enum delta_flag
    uint64_t base;                             // of every step
    uint32_t places;                           // of the block
    uint32_t residuals;                        // of them
    const uint8_t *list;                       // LIST: places of the residuals
    uint64_t map[DELTA_BLOCK / WORD_BITS + 1]; // BITMAP; the last word is not used
};

static int s_take_head(struct delta_reader *self, struct head *h, uint8_t first);
static const uint8_t *s_packed(struct delta_reader *self, const struct head *h, uint8_t *room);
static int s_unpack(struct delta_reader *self, const struct head *h, const uint8_t *packed,
                    uint64_t *residuals);
static void s_sum(struct delta_reader *self, const struct head *h, const uint8_t *packed,
                  const uint64_t *residuals, int64_t *out);
static void s_sum_list(struct delta_reader *self, const struct head *h, const uint64_t *residuals,
                       int64_t *out);

int
delta_take(struct delta_reader *self, const uint8_t *at, size_t len, uint32_t n)
{
    *self = (struct delta_reader){ .left = n };
    rbuf_init(&self->r, at, len);
    self->shift = rbuf_u8(&self->r);
    self->last = (uint64_t) rbuf_svarint(&self->r);
    return rbuf_rc(&self->r) < 0 || self->shift >= WORD_BITS || n == 0 ? ERR_FORMAT : 0;
}

int
delta_take_block(struct delta_reader *self, int64_t out[DELTA_BLOCK])
{
    const uint32_t n = self->left < DELTA_BLOCK ? self->left : DELTA_BLOCK;
    const uint32_t from = self->begun || n == 0 ? 0 : 1;
    uint8_t room[DELTA_BLOCK * DELTA_WIDTH_MAX / BYTE_BITS + DELTA_SLACK];
    const uint8_t *packed;
    struct head h;
    uint64_t residuals[DELTA_BLOCK + 1];
    uint8_t first;

    if (from == 1)
        out[0] = (int64_t) self->last;
    self->begun = true;
    self->left -= n;
    if (n == from)
        return (int) n;
    h.places = n - from;
    first = self->zeros > 0 ? 0 : rbuf_u8(&self->r);
    if (self->zeros > 0 || first >> DELTA_MODE_SHIFT == DELTA_ZERO) {
        self->zeros = self->zeros > 0 ? self->zeros - 1 : first & DELTA_WIDTH_MASK;
        for (uint32_t i = from; i < n; i++)
            out[i] = (int64_t) self->last;
        self->step = 0;
        return (int) n;
    }
    if (s_take_head(self, &h, first) < 0)
        return ERR_FORMAT;
    packed = s_packed(self, &h, room);
    if (packed == NULL)
        return ERR_FORMAT;
    if (h.mode != DELTA_LIST && (h.flags & DELTA_MORE) == 0) {
        s_sum(self, &h, packed, NULL, out + from);
        return (int) n;
    }
    if (s_unpack(self, &h, packed, residuals) < 0)
        return ERR_FORMAT;
    if (h.mode == DELTA_LIST)
        s_sum_list(self, &h, residuals, out + from);
    else
        s_sum(self, &h, NULL, residuals, out + from);
    return (int) n;
}

int
delta_finish(const struct delta_reader *self)
{
    return self->left > 0 || self->zeros > 0 ? ERR_FORMAT : rbuf_finish(&self->r);
}

static int
s_take_map(struct delta_reader *self, struct head *h)
{
    const uint32_t bytes = (h->places + BYTE_BITS - 1) / BYTE_BITS;
    const uint8_t *at = rbuf_bytes(&self->r, bytes);
    uint8_t whole[DELTA_BLOCK / BYTE_BITS] = { 0 };

    if (at == NULL)
        return ERR_FORMAT;
    memcpy(whole, at, bytes);
    h->map[0] = word_load(whole);
    h->map[1] = word_load(whole + sizeof h->map[0]);
    // No bits for places that are not there.
    if (h->places % BYTE_BITS != 0 && whole[bytes - 1] >> h->places % BYTE_BITS != 0)
        return ERR_FORMAT;
    h->residuals = word_ones(h->map[0]) + word_ones(h->map[1]);
    return 0;
}

// `n` numbers, rising and below `most`; NULL if they are not.
static const uint8_t *
s_take_rising(struct delta_reader *self, uint32_t n, uint32_t most)
{
    const uint8_t *at = rbuf_bytes(&self->r, n);
    bool rising = at != NULL && (n == 0 || at[n - 1] < most);

    for (uint32_t i = 1; rising && i < n; i++)
        rising = at[i] > at[i - 1];
    return rising ? at : NULL;
}

static int
s_take_head(struct delta_reader *self, struct head *h, uint8_t first)
{
    h->mode = (enum delta_mode)(first >> DELTA_MODE_SHIFT);
    h->width = first & DELTA_WIDTH_MASK;
    h->flags = rbuf_u8(&self->r);
    h->base = (h->flags & DELTA_BASE) != 0 ? (uint64_t) rbuf_svarint(&self->r) : 0;
    h->residuals = h->places;
    h->list = NULL;
    if (h->width > DELTA_WIDTH_MAX || h->flags > DELTA_FLAGS_ALL)
        return ERR_FORMAT;
    if (h->mode == DELTA_BITMAP)
        return s_take_map(self, h);
    if (h->mode == DELTA_LIST) {
        h->residuals = rbuf_u8(&self->r);
        h->list = s_take_rising(self, h->residuals, h->places);
        return h->list == NULL ? ERR_FORMAT : 0;
    }
    return rbuf_rc(&self->r);
}

// The packed bits, where DELTA_SLACK bytes behind them can be read: in place, or copied to `room`.
static const uint8_t *
s_packed(struct delta_reader *self, const struct head *h, uint8_t *room)
{
    const size_t bytes = ((size_t) h->residuals * h->width + BYTE_BITS - 1) / BYTE_BITS;
    const uint8_t *at = rbuf_bytes(&self->r, bytes);

    if (at == NULL || rbuf_left(&self->r) >= DELTA_SLACK)
        return at;
    memcpy(room, at, bytes);
    memset(room + bytes, 0, DELTA_SLACK);
    return room;
}

static int
s_add_wider(struct delta_reader *self, const struct head *h, uint64_t *residuals)
{
    const uint8_t count = rbuf_u8(&self->r);
    const uint8_t *which = s_take_rising(self, count, h->residuals);

    if (which == NULL)
        return ERR_FORMAT;
    for (uint8_t i = 0; i < count; i++)
        residuals[which[i]] |= rbuf_varint(&self->r) << h->width;
    return rbuf_rc(&self->r);
}

// Residuals one by one, where they stand apart or have more bits elsewhere.
static int
s_unpack(struct delta_reader *self, const struct head *h, const uint8_t *packed,
         uint64_t *residuals)
{
    const uint64_t mask = (UINT64_C(1) << h->width) - 1;
    size_t bit = 0;

    for (uint32_t i = 0; i < h->residuals; i++, bit += h->width)
        residuals[i] = word_load(packed + bit / BYTE_BITS) >> bit % BYTE_BITS & mask;
    residuals[h->residuals] = 0; // looked at behind the last bit that is set
    return (h->flags & DELTA_MORE) != 0 ? s_add_wider(self, h, residuals) : 0;
}

// Made once for each of its constant flags. Residuals come from where they are packed, or else one
// by one. The places of a map that are not set look at the next residual as well and drop it:
// cheaper than a branch.
static inline __attribute__((always_inline)) void
s_sum_as(struct delta_reader *self, const struct head *h, const uint8_t *packed,
         const uint64_t *residuals, int64_t *out, bool mapped, bool second, bool zigzag)
{
    const uint64_t mask = (UINT64_C(1) << h->width) - 1;
    const uint64_t width = residuals != NULL ? 1 : h->width, base = h->base;
    const unsigned shift = self->shift;
    uint64_t last = self->last, step = self->step, at = 0; // a bit, or a residual

    for (uint32_t begin = 0; begin < h->places; begin += WORD_BITS) {
        const uint32_t end = h->places - begin < WORD_BITS ? h->places : begin + WORD_BITS;
        uint64_t set = mapped ? h->map[begin / WORD_BITS] : 0;

        for (uint32_t i = begin; i < end; i++) {
            uint64_t r = residuals != NULL
                             ? residuals[at]
                             : word_load(packed + at / BYTE_BITS) >> at % BYTE_BITS & mask;

            if (mapped) {
                const uint64_t keep = 0 - (set & 1);

                r = (zigzag ? delta_unzigzag(r + 1) : r + 1) & keep;
                at += width & keep;
                set >>= 1;
            } else {
                r = zigzag ? delta_unzigzag(r) : r;
                at += width;
            }
            step = (second ? step : 0) + base + r;
            last += step << shift;
            out[i] = (int64_t) last;
        }
    }
    self->last = last;
    self->step = step;
}

static inline __attribute__((always_inline)) void
s_sum_from(struct delta_reader *self, const struct head *h, const uint8_t *packed,
           const uint64_t *residuals, int64_t *out)
{
    const bool mapped = h->mode == DELTA_BITMAP;

    switch (h->flags & (DELTA_SECOND | DELTA_ZIGZAG)) {
    case 0:
        mapped ? s_sum_as(self, h, packed, residuals, out, true, false, false)
               : s_sum_as(self, h, packed, residuals, out, false, false, false);
        break;
    case DELTA_ZIGZAG:
        mapped ? s_sum_as(self, h, packed, residuals, out, true, false, true)
               : s_sum_as(self, h, packed, residuals, out, false, false, true);
        break;
    case DELTA_SECOND:
        mapped ? s_sum_as(self, h, packed, residuals, out, true, true, false)
               : s_sum_as(self, h, packed, residuals, out, false, true, false);
        break;
    default:
        mapped ? s_sum_as(self, h, packed, residuals, out, true, true, true)
               : s_sum_as(self, h, packed, residuals, out, false, true, true);
    }
}

// `packed` or `residuals`; the other is NULL.
static void
s_sum(struct delta_reader *self, const struct head *h, const uint8_t *packed,
      const uint64_t *residuals, int64_t *out)
{
    if (residuals == NULL)
        s_sum_from(self, h, packed, NULL, out);
    else
        s_sum_from(self, h, NULL, residuals, out);
}

static void
s_sum_list(struct delta_reader *self, const struct head *h, const uint64_t *residuals, int64_t *out)
{
    const uint64_t second = (h->flags & DELTA_SECOND) != 0 ? UINT64_MAX : 0;
    const bool zigzag = (h->flags & DELTA_ZIGZAG) != 0;
    uint64_t last = self->last, step = self->step;
    uint32_t i = 0;

    for (uint32_t k = 0; k <= h->residuals; k++) {
        const uint32_t place = k < h->residuals ? h->list[k] : h->places;
        const uint64_t r = k < h->residuals ? residuals[k] + 1 : 0;

        for (; i < place; i++) {
            step = (step & second) + h->base;
            last += step << self->shift;
            out[i] = (int64_t) last;
        }
        if (k == h->residuals)
            break;
        step = (step & second) + h->base + (zigzag ? delta_unzigzag(r) : r);
        last += step << self->shift;
        out[i++] = (int64_t) last;
    }
    self->last = last;
    self->step = step;
}

// row_codec - values of one tick to bytes and back: the body of KEY and DELTA.
//
// A KEY has varint n ahead, the slots of its rows. A block: svarint offset_ms, u8 flags, then
//   dense   varint n, [PRESENCE: list], bitmap of n bits, changes, [RAW: list with doubles]
//   sparse  list, [RAW: list with doubles], values
// list      varint k (1 or more), k slots, rising, each as the varint distance from the slot after
//           the one before (the first: from 0); RAW has the eight bytes of a double behind each.
// change    varint of zigzag(m - prev) - 1, for each set bit of the bitmap: 0 does not occur.
// value     varint of zigzag(m), for each slot of the list that is not in RAW.
//
// Past 500 lines: what writes a body and what reads it are best seen beside one another.
//
// Why so: half of a host's numbers do not change from one second to the next, so a bit for each is
// worth more than anything cleverer after it; and most changes fit one byte.

#include "shared/wire/row_codec.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"
#include "shared/wire/row_block.h"

#define VARINT_MAX 10 // bytes
#define GROUP      8  // slots encoded at once: one byte of the bitmap
#define GROUP_MAX  (GROUP * VARINT_MAX)
#define RAW_LEAST  9 // bytes of one slot in a RAW list
#define WORD_BITS  64

// What has to be known of a row before its first byte.
struct tally {
    uint32_t present;
    uint32_t raw;
    uint32_t toggled; // present now and not before, or the other way round
};

struct row_decoder {
    struct row_state state;
    struct row_room *room; // of the block last read
    struct row_room own;   // where none is shared
};

static struct tally s_tally(const struct row_state *s, const struct cell *cells);
static void s_put_toggles(struct row_state *s, struct wbuf *w, const struct cell *cells);
static void s_put_changes(struct row_state *s, struct wbuf *w, const struct cell *cells);
static void s_put_raw(struct wbuf *w, const uint32_t *slots, const struct cell *cells, uint32_t n);
static void s_make_room(row_decoder_t *self);
static int s_take_dense(row_decoder_t *self, struct rbuf *r, uint8_t flags);
static int s_take_sparse(row_decoder_t *self, struct rbuf *r, uint8_t flags);

// Small numbers of either sign become small ones without. Sums are unsigned: a stranger's wrap.
static inline uint64_t
s_zigzag(uint64_t v)
{
    return (v << 1) ^ (0 - (v >> 63));
}

void
row_state_release(struct row_state *s)
{
    free(s->prev);
    free(s->absent);
    *s = (struct row_state){ 0 };
}

void
row_state_grow(struct row_state *s, uint32_t slots)
{
    assert(slots <= BODY_SLOTS_MAX);
    if (slots <= s->slots)
        return;
    if (slots > s->size) {
        uint32_t size = slots < 2 * s->size ? 2 * s->size : slots;

        s->prev = xrealloc(s->prev, size, sizeof *s->prev);
        s->absent = xrealloc(s->absent, size, sizeof *s->absent);
        s->size = size;
    }
    // Both ends do the same at the same record, so the new cells need not be told.
    memset(s->prev + s->slots, 0, (slots - s->slots) * sizeof *s->prev);
    memset(s->absent + s->slots, 0, (slots - s->slots) * sizeof *s->absent);
    s->slots = slots;
}

void
row_state_reset(struct row_state *s)
{
    if (s->slots == 0)
        return;
    memset(s->prev, 0, s->slots * sizeof *s->prev);
    memset(s->absent, 0, s->slots * sizeof *s->absent);
}

uint32_t
row_put(struct row_state *s, struct wbuf *w, int64_t offset_ms, const struct cell *cells)
{
    struct tally tally = s_tally(s, cells);

    wbuf_svarint(w, offset_ms);
    wbuf_u8(w, (uint8_t) ((tally.toggled > 0 ? ROW_BLOCK_PRESENCE : 0) |
                          (tally.raw > 0 ? ROW_BLOCK_RAW : 0)));
    wbuf_varint(w, s->slots);
    if (tally.toggled > 0) {
        wbuf_varint(w, tally.toggled);
        s_put_toggles(s, w, cells);
    }
    s_put_changes(s, w, cells);
    if (tally.raw > 0) {
        wbuf_varint(w, tally.raw);
        s_put_raw(w, NULL, cells, s->slots);
    }
    return tally.present;
}

uint32_t
row_put_sparse(struct row_state *s, struct wbuf *w, int64_t offset_ms, const uint32_t *slots,
               const struct cell *cells, uint32_t n)
{
    uint32_t raw = 0;
    uint32_t next = 0;

    assert(n > 0 && slots[n - 1] < s->slots);
    for (uint32_t i = 0; i < n; i++)
        raw += cells[i].state == CELL_RAW;

    wbuf_svarint(w, offset_ms);
    wbuf_u8(w, (uint8_t) (ROW_BLOCK_SPARSE | (raw > 0 ? ROW_BLOCK_RAW : 0)));
    wbuf_varint(w, n);
    for (uint32_t i = 0; i < n; i++) {
        assert(slots[i] >= next && cells[i].state != CELL_ABSENT);
        wbuf_varint(w, slots[i] - next);
        next = slots[i] + 1;
    }
    if (raw > 0) {
        wbuf_varint(w, raw);
        s_put_raw(w, slots, cells, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (cells[i].state == CELL_INTEGER)
            wbuf_svarint(w, cells[i].m);
    }
    return n;
}

void
row_room_release(struct row_room *room)
{
    free(room->slots);
    free(room->cells);
    *room = (struct row_room){ 0 };
}

row_decoder_t *
row_decoder_new(struct row_room *shared)
{
    row_decoder_t *self = xcalloc(1, sizeof *self);

    self->room = shared != NULL ? shared : &self->own;
    return self;
}

void
row_decoder_destroy(row_decoder_t **self_p)
{
    row_decoder_t *self = *self_p;

    if (self == NULL)
        return;
    row_state_release(&self->state);
    row_room_release(&self->own);
    free(self);
    *self_p = NULL;
}

struct row_state *
row_decoder_state(row_decoder_t *self)
{
    return &self->state;
}

int
row_decoder_next(row_decoder_t *self, struct rbuf *r, struct row_block *ret)
{
    uint8_t flags = 0;
    int n = row_block_begin(r, ret, &flags);

    if (n <= 0)
        return n;
    s_make_room(self);
    n = ret->sparse ? s_take_sparse(self, r, flags) : s_take_dense(self, r, flags);
    if (n < 0)
        return n;
    ret->n = (uint32_t) n;
    ret->slots = self->room->slots, ret->cells = self->room->cells;
    return 1;
}

static struct tally
s_tally(const struct row_state *s, const struct cell *cells)
{
    struct tally tally = { 0 };

    for (uint32_t i = 0; i < s->slots; i++) {
        tally.present += cells[i].state != CELL_ABSENT;
        tally.raw += cells[i].state == CELL_RAW;
        tally.toggled += (cells[i].state == CELL_ABSENT) != s->absent[i];
    }
    return tally;
}

static void
s_put_toggles(struct row_state *s, struct wbuf *w, const struct cell *cells)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < s->slots; i++) {
        uint8_t absent = cells[i].state == CELL_ABSENT;

        if (absent == s->absent[i])
            continue;
        s->absent[i] = absent;
        wbuf_varint(w, i - next);
        next = i + 1;
    }
}

// The changes of eight slots straight into w, and their byte of the bitmap as the result.
static uint8_t
s_put_group(struct row_state *s, struct wbuf *w, const struct cell *cells, uint32_t from)
{
    // Near the end of w it is not known whether the group fits before it is made.
    uint8_t spare[GROUP_MAX];
    bool fits = w->rc == 0 && w->size - w->len >= sizeof spare;
    uint8_t *begin = fits ? w->at + w->len : spare;
    uint8_t *p = begin;
    uint32_t end = s->slots - from < GROUP ? s->slots : from + GROUP;
    unsigned bits = 0;

    for (uint32_t i = from; i < end; i++) {
        uint64_t delta = (uint64_t) cells[i].m - (uint64_t) s->prev[i];
        uint64_t z;

        if (cells[i].state != CELL_INTEGER || delta == 0)
            continue;
        s->prev[i] = cells[i].m;
        bits |= 1u << (i - from);
        for (z = s_zigzag(delta) - 1; z >= 0x80; z >>= 7)
            *p++ = (uint8_t) (z | 0x80);
        *p++ = (uint8_t) z;
    }
    if (fits)
        w->len += (size_t) (p - begin);
    else
        wbuf_bytes(w, spare, (size_t) (p - begin));
    return (uint8_t) bits;
}

// Goes through the whole row even when w is full: the state must move on.
static void
s_put_changes(struct row_state *s, struct wbuf *w, const struct cell *cells)
{
    uint8_t *map = wbuf_reserve(w, (s->slots + 7) / 8);

    for (uint32_t i = 0; i < s->slots; i += GROUP) {
        uint8_t bits = s_put_group(s, w, cells, i);

        if (map != NULL)
            map[i / GROUP] = bits;
    }
}

// `slots` of NULL: cells stand for slots 0 to n - 1.
static void
s_put_raw(struct wbuf *w, const uint32_t *slots, const struct cell *cells, uint32_t n)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = slots != NULL ? slots[i] : i;

        if (cells[i].state != CELL_RAW)
            continue;
        wbuf_varint(w, slot - next);
        wbuf_u64(w, cells[i].bits);
        next = slot + 1;
    }
}

static void
s_make_room(row_decoder_t *self)
{
    struct row_room *room = self->room;
    const uint32_t size = self->state.size;

    if (self->state.slots <= room->size)
        return;
    room->slots = xrealloc(room->slots, size, sizeof *room->slots);
    room->cells = xrealloc(room->cells, size, sizeof *room->cells);
    room->size = size;
}

// The next slot of a list; *next is the lowest that it may be. False if there is none.
static bool
s_take_slot(const row_decoder_t *self, struct rbuf *r, uint32_t *next, uint32_t *ret)
{
    uint64_t distance = rbuf_varint(r);

    if (rbuf_rc(r) < 0 || distance >= self->state.slots - *next)
        return false;
    *ret = *next + (uint32_t) distance;
    *next = *ret + 1;
    return true;
}

// The number of a list's slots: 1 or more, each of which has `least` bytes to come. 0 is failure.
static uint32_t
s_take_count(const row_decoder_t *self, struct rbuf *r, size_t least)
{
    uint64_t k = rbuf_varint(r);

    return k <= self->state.slots && k <= rbuf_left(r) / least ? (uint32_t) k : 0;
}

static int
s_take_toggles(row_decoder_t *self, struct rbuf *r)
{
    uint32_t k = s_take_count(self, r, 1);
    uint32_t next = 0;
    uint32_t slot;

    if (k == 0)
        return ERR_FORMAT;
    for (; k > 0; k--) {
        if (!s_take_slot(self, r, &next, &slot))
            return ERR_FORMAT;
        self->state.absent[slot] ^= 1;
    }
    return 0;
}

// The hot path of a collector: changes of up to three bytes, nearly all, are taken here. (Taking
// any length from one word without a branch measured the same.)
static inline uint64_t
s_take_varint(struct rbuf *r)
{
    const uint8_t *p = r->at;

    if (r->end - p < VARINT_MAX)
        return rbuf_varint(r);
    if (p[0] < 0x80)
        return *r->at++;
    if (p[1] < 0x80) {
        r->at += 2;
        return (p[0] & 0x7fu) | (uint64_t) p[1] << 7;
    }
    if (p[2] < 0x80) {
        r->at += 3;
        return (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 | (uint64_t) p[2] << 14;
    }
    return rbuf_varint(r);
}

// 64 bits of the bitmap from slot `from` on, those past its end 0.
static inline uint64_t
s_map_word(const uint8_t *map, uint32_t slots, uint32_t from)
{
    size_t left = (slots - from + 7) / 8;
    uint64_t word = 0;

    memcpy(&word, map + from / 8, left < sizeof word ? left : sizeof word);
    return le64toh(word);
}

// Adds the changes to the row. The bitmap, or NULL.
static const uint8_t *
s_take_changes(struct row_state *s, struct rbuf *r)
{
    const uint8_t *map = rbuf_bytes(r, (s->slots + 7) / 8);
    unsigned wrong = 0; // gathered, and asked once at the end

    if (map == NULL)
        return NULL;
    for (uint32_t from = 0; from < s->slots; from += WORD_BITS) {
        uint64_t bits = s_map_word(map, s->slots, from);

        if (s->slots - from < WORD_BITS && bits >> (s->slots - from) != 0)
            return NULL;
        for (; bits != 0; bits &= bits - 1) {
            uint32_t i = from + (uint32_t) __builtin_ctzll(bits);
            uint64_t z = s_take_varint(r);

            // Absent slots do not change, and no change is not a change.
            wrong |= s->absent[i] | (unsigned) (z == UINT64_MAX);
            s->prev[i] = (int64_t) ((uint64_t) s->prev[i] + row_block_unzigzag(z + 1));
        }
    }
    return wrong != 0 || rbuf_rc(r) < 0 ? NULL : map;
}

// The row as it now stands into slots and cells. The number of them.
static uint32_t
s_fill(row_decoder_t *self)
{
    const struct row_state *s = &self->state;
    struct row_room *room = self->room;
    uint32_t n = 0;

    if (s->slots == 0)
        return 0;
    // Nearly all rows of nearly all hosts.
    if (memchr(s->absent, 1, s->slots) == NULL) {
        for (; room->counted < s->slots; room->counted++)
            room->slots[room->counted] = room->counted;
        for (; n < s->slots; n++)
            room->cells[n] = (struct cell){ .state = CELL_INTEGER, .m = s->prev[n] };
        return n;
    }
    // Every slot is written and only those that are there are kept: no branch to mispredict.
    room->counted = 0;
    for (uint32_t i = 0; i < s->slots; i++) {
        room->slots[n] = i;
        room->cells[n] = (struct cell){ .state = CELL_INTEGER, .m = s->prev[i] };
        n += s->absent[i] == 0;
    }
    return n;
}

// Puts raw doubles in place of the integers of some of the `n` cells. `map` is the bitmap of a
// dense block, which must not say that such a slot changed, or NULL.
static int
s_take_raw(row_decoder_t *self, struct rbuf *r, uint32_t n, const uint8_t *map)
{
    const struct row_room *room = self->room;
    uint32_t k = s_take_count(self, r, RAW_LEAST);
    uint32_t next = 0;
    uint32_t at = 0;
    uint32_t slot;

    if (k == 0)
        return ERR_FORMAT;
    for (; k > 0; k--) {
        if (!s_take_slot(self, r, &next, &slot))
            return ERR_FORMAT;
        // Both lists rise, so this goes through the cells once. An absent slot is not found.
        while (at < n && room->slots[at] < slot)
            at++;
        if (at == n || room->slots[at] != slot ||
            (map != NULL && (map[slot / 8] >> slot % 8 & 1) != 0))
            return ERR_FORMAT;
        room->cells[at] = (struct cell){ .state = CELL_RAW, .bits = rbuf_u64(r) };
    }
    return rbuf_rc(r);
}

static int
s_take_dense(row_decoder_t *self, struct rbuf *r, uint8_t flags)
{
    const uint8_t *map;
    uint32_t n;

    if (rbuf_varint(r) != self->state.slots || rbuf_rc(r) < 0)
        return ERR_FORMAT;
    if ((flags & ROW_BLOCK_PRESENCE) != 0 && s_take_toggles(self, r) < 0)
        return ERR_FORMAT;
    map = s_take_changes(&self->state, r);
    if (map == NULL)
        return ERR_FORMAT;
    n = s_fill(self);
    if ((flags & ROW_BLOCK_RAW) != 0 && s_take_raw(self, r, n, map) < 0)
        return ERR_FORMAT;
    return (int) n;
}

static int
s_take_sparse(row_decoder_t *self, struct rbuf *r, uint8_t flags)
{
    struct row_room *room = self->room;
    uint32_t n = s_take_count(self, r, 1);
    uint32_t next = 0;

    if (n == 0 || (flags & ROW_BLOCK_PRESENCE) != 0)
        return ERR_FORMAT;
    room->counted = 0;
    // Which values are raw comes ahead of the others: it says how many of those there are.
    for (uint32_t i = 0; i < n; i++) {
        if (!s_take_slot(self, r, &next, &room->slots[i]))
            return ERR_FORMAT;
        room->cells[i].state = CELL_INTEGER;
    }
    if ((flags & ROW_BLOCK_RAW) != 0 && s_take_raw(self, r, n, NULL) < 0)
        return ERR_FORMAT;
    for (uint32_t i = 0; i < n; i++) {
        if (room->cells[i].state == CELL_INTEGER)
            room->cells[i].m = (int64_t) row_block_unzigzag(rbuf_varint(r));
    }
    return rbuf_rc(r) < 0 ? ERR_FORMAT : (int) n;
}

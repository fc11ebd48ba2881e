// row_pick - see the header.
//
// Changes have no index, but each ends at the first byte without its top bit, and the bitmap says
// how many lie before the wanted one: so many such bytes are counted, eight at a time.

#include "shared/wire/row_pick.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/row_block.h"

#define WORD_BYTES 8u
#define WORD_BITS  64u
#define TOP_BITS   UINT64_C(0x8080808080808080)
#define LOW_BITS   UINT64_C(0x0101010101010101)
#define RAW_BYTES  8u

struct row_picker {
    uint32_t width; // slots of a row
    uint32_t n;     // chosen; all arrays are beside them
    uint32_t *wanted;
    int64_t *prev;   // last integer of each
    uint8_t *absent; // 1 where the last dense row had no value
    // Of the block last read, as many as it has:
    uint32_t *slots;
    uint32_t *ranks; // which value of a sparse block it is
    struct cell *cells;
};

static int s_dense(row_picker_t *self, struct rbuf *r, uint8_t flags);
static int s_sparse(row_picker_t *self, struct rbuf *r, uint8_t flags);

row_picker_t *
row_picker_new(const uint32_t *slots, uint32_t n)
{
    row_picker_t *self = xcalloc(1, sizeof *self);

    self->n = n;
    self->wanted = xmemdup(slots, n * sizeof *slots);
    self->prev = xcalloc(n + 1, sizeof *self->prev);
    self->absent = xcalloc(n + 1, sizeof *self->absent);
    self->slots = xcalloc(n + 1, sizeof *self->slots);
    self->ranks = xcalloc(n + 1, sizeof *self->ranks);
    self->cells = xcalloc(n + 1, sizeof *self->cells);
    return self;
}

void
row_picker_destroy(row_picker_t **self_p)
{
    row_picker_t *self = *self_p;

    if (self == NULL)
        return;
    free(self->wanted);
    free(self->prev);
    free(self->absent);
    free(self->slots);
    free(self->ranks);
    free(self->cells);
    free(self);
    *self_p = NULL;
}

void
row_picker_key(row_picker_t *self, uint32_t width)
{
    memset(self->prev, 0, self->n * sizeof *self->prev);
    memset(self->absent, 0, self->n);
    self->width = width;
}

// What is new has no integer yet and is there: as a KEY has left all of it.
void
row_picker_widen(row_picker_t *self, uint32_t width)
{
    self->width = width > self->width ? width : self->width;
}

uint32_t
row_picker_width(const row_picker_t *self)
{
    return self->width;
}

int
row_picker_next(row_picker_t *self, struct rbuf *r, struct row_block *ret)
{
    uint8_t flags = 0;
    int n = row_block_begin(r, ret, &flags);

    if (n <= 0)
        return n;
    n = ret->sparse ? s_sparse(self, r, flags) : s_dense(self, r, flags);
    if (n < 0 || rbuf_rc(r) < 0)
        return ERR_FORMAT;
    ret->n = (uint32_t) n;
    ret->slots = self->slots;
    ret->cells = self->cells;
    return 1;
}

// Past `n` varints. A word that has all ends which are left is not taken whole: behind the last
// of them it has the beginning of another one.
static void
s_skip(struct rbuf *r, uint32_t n)
{
    const uint8_t *p = r->at;

    while (n > 0 && r->end - p >= (ptrdiff_t) WORD_BYTES) {
        uint64_t word;
        uint32_t ends;

        memcpy(&word, p, sizeof word);
        ends = (uint32_t) (((~word & TOP_BITS) >> 7) * LOW_BITS >> 56);
        if (ends >= n)
            break;
        n -= ends;
        p += WORD_BYTES;
    }
    while (n > 0 && p < r->end)
        n -= *p++ < 0x80;
    r->at = p;
    if (n > 0)
        rbuf_fail(r);
}

// Bits that are set from `from` up to `to`, of a bitmap of `bytes` bytes.
static uint32_t
s_count(const uint8_t *map, size_t bytes, uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    while (from < to) {
        const size_t at = from / 8;
        const size_t left = bytes - at < WORD_BYTES ? bytes - at : WORD_BYTES;
        const uint32_t end = (uint32_t) (8 * (at + left)) < to ? (uint32_t) (8 * (at + left)) : to;
        uint64_t word = 0;

        memcpy(&word, map + at, left);
        word = le64toh(word) >> from % 8;
        if (end - from < WORD_BITS)
            word &= (UINT64_C(1) << (end - from)) - 1;
        n += (uint32_t) __builtin_popcountll(word);
        from = end;
    }
    return n;
}

// The next slot of a list; *next is the lowest that it may be.
static bool
s_slot(const row_picker_t *self, struct rbuf *r, uint32_t *next, uint32_t *ret)
{
    const uint64_t distance = rbuf_varint(r);

    if (rbuf_rc(r) < 0 || distance >= self->width - *next)
        return false;
    *ret = *next + (uint32_t) distance;
    *next = *ret + 1;
    return true;
}

// Length of a list whose entries have a byte or more; 0 is failure.
static uint32_t
s_length(const row_picker_t *self, struct rbuf *r)
{
    const uint64_t k = rbuf_varint(r);

    return k <= self->width && k <= rbuf_left(r) ? (uint32_t) k : 0;
}

static bool
s_toggle(row_picker_t *self, struct rbuf *r)
{
    uint32_t k = s_length(self, r);
    uint32_t next = 0, at = 0;
    uint32_t slot;

    if (k == 0)
        return false;
    for (; k > 0; k--) {
        if (!s_slot(self, r, &next, &slot))
            return false;
        while (at < self->n && self->wanted[at] < slot)
            at++;
        if (at < self->n && self->wanted[at] == slot)
            self->absent[at] ^= 1;
    }
    return true;
}

static bool
s_changes(row_picker_t *self, struct rbuf *r)
{
    const size_t bytes = (self->width + 7) / 8;
    const uint8_t *map = rbuf_bytes(r, bytes);
    uint32_t from = 0;

    if (map == NULL)
        return false;
    for (uint32_t i = 0; i < self->n && self->wanted[i] < self->width; i++) {
        const uint32_t slot = self->wanted[i];

        if ((map[slot / 8] >> slot % 8 & 1) == 0)
            continue;
        s_skip(r, s_count(map, bytes, from, slot));
        self->prev[i] = (int64_t) ((uint64_t) self->prev[i] +
                                   row_block_unzigzag(rbuf_varint(r) + 1));
        from = slot + 1;
    }
    s_skip(r, s_count(map, bytes, from, self->width));
    return rbuf_rc(r) == 0;
}

// Doubles in place of integers of the `n` cells; how many the list has in *all, which of the cells'
// ranks do not count any more. False: it can not be read.
static bool
s_raw(row_picker_t *self, struct rbuf *r, uint32_t n, uint32_t *all)
{
    const uint32_t k = s_length(self, r);
    uint32_t next = 0, at = 0;
    uint32_t slot;

    if (k == 0)
        return false;
    for (uint32_t i = 0; i < k; i++) {
        uint64_t bits;

        if (!s_slot(self, r, &next, &slot))
            return false;
        for (; at < n && self->slots[at] < slot; at++)
            self->ranks[at] -= i < self->ranks[at] ? i : self->ranks[at];
        bits = rbuf_u64(r);
        if (at < n && self->slots[at] == slot)
            self->cells[at++] = (struct cell){ .state = CELL_RAW, .bits = bits };
    }
    for (; at < n; at++)
        self->ranks[at] -= k < self->ranks[at] ? k : self->ranks[at];
    *all = k;
    return rbuf_rc(r) == 0;
}

static int
s_dense(row_picker_t *self, struct rbuf *r, uint8_t flags)
{
    uint32_t n = 0;
    uint32_t raw;

    if (rbuf_varint(r) != self->width || rbuf_rc(r) < 0)
        return ERR_FORMAT;
    if ((flags & ROW_BLOCK_PRESENCE) != 0 && !s_toggle(self, r))
        return ERR_FORMAT;
    if (!s_changes(self, r))
        return ERR_FORMAT;
    for (uint32_t i = 0; i < self->n && self->wanted[i] < self->width; i++) {
        self->slots[n] = self->wanted[i];
        self->cells[n] = (struct cell){ .state = CELL_INTEGER, .m = self->prev[i] };
        n += self->absent[i] == 0;
    }
    if ((flags & ROW_BLOCK_RAW) != 0 && !s_raw(self, r, n, &raw))
        return ERR_FORMAT;
    return (int) n;
}

// Which of the chosen slots a sparse block has, and which of its `k` each is.
static bool
s_find(row_picker_t *self, struct rbuf *r, uint32_t k, uint32_t *n_ret)
{
    uint32_t next = 0, at = 0, n = 0;
    uint32_t slot;

    for (uint32_t i = 0; i < k; i++) {
        if (!s_slot(self, r, &next, &slot))
            return false;
        while (at < self->n && self->wanted[at] < slot)
            at++;
        if (at == self->n || self->wanted[at] != slot)
            continue;
        self->slots[n] = slot;
        self->ranks[n] = i;
        self->cells[n++].state = CELL_INTEGER;
    }
    *n_ret = n;
    return true;
}

static int
s_sparse(row_picker_t *self, struct rbuf *r, uint8_t flags)
{
    const uint32_t k = s_length(self, r);
    uint32_t raw = 0, passed = 0;
    uint32_t n;

    if (k == 0 || (flags & ROW_BLOCK_PRESENCE) != 0 || !s_find(self, r, k, &n))
        return ERR_FORMAT;
    if ((flags & ROW_BLOCK_RAW) != 0 && (!s_raw(self, r, n, &raw) || raw > k))
        return ERR_FORMAT;
    for (uint32_t i = 0; i < n; i++) {
        if (self->cells[i].state != CELL_INTEGER)
            continue;
        if (self->ranks[i] < passed) // a list of doubles that names others than the block's
            return ERR_FORMAT;
        s_skip(r, self->ranks[i] - passed);
        self->cells[i].m = (int64_t) row_block_unzigzag(rbuf_varint(r));
        passed = self->ranks[i] + 1;
    }
    if (passed > k - raw)
        return ERR_FORMAT;
    s_skip(r, k - raw - passed);
    return (int) n;
}

// slot_refusals - see the header.

#include "collector/slot_refusals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

static uint32_t s_behind(const struct slot_refusals *self, uint32_t slot);
static void s_insert(struct slot_refusals *self, uint32_t at, struct slot_stretch stretch);

void
slot_refusals_release(struct slot_refusals *self)
{
    free(self->at);
    *self = (struct slot_refusals){ 0 };
}

void
slot_refusals_copy(struct slot_refusals *self, const struct slot_refusals *from)
{
    struct slot_stretch *at = from->n == 0 ? NULL : xmemdup(from->at, from->n * sizeof *from->at);

    free(self->at);
    *self = (struct slot_refusals){ .n = from->n, .size = from->n, .at = at };
}

uint8_t
slot_refusals_find(const struct slot_refusals *self, uint32_t slot)
{
    const uint32_t behind = s_behind(self, slot);

    return behind > 0 && slot <= self->at[behind - 1].to ? self->at[behind - 1].limit : 0;
}

void
slot_refusals_add(struct slot_refusals *self, uint32_t slot, uint8_t limit)
{
    struct slot_stretch *before, *next;
    uint32_t behind;

    if (slot_refusals_find(self, slot) == limit)
        return;
    slot_refusals_settle(self, slot);
    behind = s_behind(self, slot);
    before = behind > 0 ? &self->at[behind - 1] : NULL;
    next = behind < self->n ? &self->at[behind] : NULL;
    if (before != NULL && slot <= before->to)
        return;
    if (before != NULL && before->to + 1 == slot && before->limit == limit)
        before->to = slot;
    else if (next != NULL && next->from == slot + 1 && next->limit == limit)
        next->from = slot;
    else if (!slot_refusals_are_full(self))
        s_insert(self, behind, (struct slot_stretch){ slot, slot, limit });
    else if (behind == self->n && limit != SLOT_UNDECIDED && self->n < SLOT_REFUSALS_MAX)
        s_insert(self, behind, (struct slot_stretch){ slot, UINT32_MAX, limit }); // without an end
}

void
slot_refusals_skip(struct slot_refusals *self, uint32_t from, uint32_t to)
{
    struct slot_stretch *last = self->n > 0 ? &self->at[self->n - 1] : NULL;

    if (last != NULL && last->to + 1 == from && last->limit == SLOT_UNDECIDED)
        last->to = to;
    else if (!slot_refusals_are_full(self))
        s_insert(self, self->n, (struct slot_stretch){ from, to, SLOT_UNDECIDED });
}

void
slot_refusals_settle(struct slot_refusals *self, uint32_t slot)
{
    const uint32_t behind = s_behind(self, slot);
    struct slot_stretch *is = behind > 0 ? &self->at[behind - 1] : NULL;
    uint32_t to;

    if (is == NULL || slot > is->to || is->limit != SLOT_UNDECIDED)
        return;
    to = is->to;
    if (slot == is->from && slot == to) {
        self->n--;
        memmove(is, is + 1, (self->n - (behind - 1)) * sizeof *is);
    } else if (slot == is->from) {
        is->from++;
    } else {
        is->to = slot - 1;
        if (slot < to && !slot_refusals_are_full(self))
            s_insert(self, behind, (struct slot_stretch){ slot + 1, to, SLOT_UNDECIDED });
    }
}

bool
slot_refusals_are_full(const struct slot_refusals *self)
{
    return self->n >= SLOT_REFUSALS_MAX - 1;
}

void
slot_refusals_put(struct wbuf *w, const struct slot_refusals *self)
{
    uint32_t next = 0;

    wbuf_varint(w, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        const struct slot_stretch *is = &self->at[i];

        wbuf_varint(w, is->from - next);
        wbuf_varint(w, is->to - is->from);
        wbuf_u8(w, is->limit);
        next = is->to; // of the next one, `from` is above it
    }
}

int
slot_refusals_take(struct rbuf *r, struct slot_refusals *self)
{
    const uint64_t n = rbuf_count(r, SLOT_REFUSALS_MAX);
    uint64_t next = 0;

    self->n = 0;
    for (uint64_t i = 0; i < n && rbuf_rc(r) == 0; i++) {
        const uint64_t from = next + rbuf_count(r, UINT32_MAX);
        const uint64_t to = from + rbuf_count(r, UINT32_MAX);
        const uint8_t limit = rbuf_u8(r);

        if (to > UINT32_MAX || (i > 0 && from == next) || limit == 0)
            rbuf_fail(r);
        else if (rbuf_rc(r) == 0)
            s_insert(self, self->n, (struct slot_stretch){ (uint32_t) from, (uint32_t) to, limit });
        next = to;
    }
    if (rbuf_rc(r) == 0)
        return 0;
    self->n = 0;
    return ERR_FORMAT;
}

void
slot_decisions_copy(struct slot_decisions *self, const struct slot_decisions *from)
{
    self->below = from->below;
    self->minute = from->minute;
    self->made = from->made;
    slot_refusals_copy(&self->refusals, &from->refusals);
}

void
slot_decisions_put(struct wbuf *w, const struct slot_decisions *self)
{
    wbuf_varint(w, self->below);
    wbuf_svarint(w, self->minute);
    wbuf_varint(w, self->made);
    slot_refusals_put(w, &self->refusals);
}

int
slot_decisions_take(struct rbuf *r, struct slot_decisions *self)
{
    self->below = (uint32_t) rbuf_count(r, UINT32_MAX);
    self->minute = rbuf_svarint(r);
    self->made = (uint32_t) rbuf_count(r, UINT32_MAX);
    return slot_refusals_take(r, &self->refusals);
}

// How many of them begin at or before the slot.
static uint32_t
s_behind(const struct slot_refusals *self, uint32_t slot)
{
    uint32_t low = 0, high = self->n;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;

        if (self->at[mid].from <= slot)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void
s_insert(struct slot_refusals *self, uint32_t at, struct slot_stretch stretch)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 4 : 2 * self->size;
        self->at = xrealloc(self->at, self->size, sizeof *self->at);
    }
    assert(self->at != NULL);
    memmove(self->at + at + 1, self->at + at, (self->n - at) * sizeof *self->at);
    self->at[at] = stretch;
    self->n++;
}

// app_pending - see the header.
//
// One array, sorted when a tick comes by time, slot and age. So blocks lie side by side in it, and
// the second sample of a slot and time is the neighbour of the first, which stands.

#include "agent/app_pending.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

struct item {
    int64_t time_ms;
    unsigned *charge; // who put it there
    struct cell cell;
    uint32_t slot;
    uint32_t age; // its number, to keep the order of those that are equal
};

struct app_pending {
    struct item *items;
    size_t n;
    size_t size; // allocated items
    uint32_t next_age;
    // What the last take gave; all three have room for `given_size`.
    uint32_t *slots;
    struct cell *cells;
    struct app_block *blocks;
    size_t given_size;
};

static int s_compare(const void *a, const void *b);
static void s_make_room(app_pending_t *self);
static void s_give(app_pending_t *self, struct app_taken *taken, size_t *used,
                   const struct item *item);

app_pending_t *
app_pending_new(void)
{
    return xcalloc(1, sizeof(app_pending_t));
}

void
app_pending_destroy(app_pending_t **self_p)
{
    app_pending_t *self = *self_p;

    if (self == NULL)
        return;
    free(self->items);
    free(self->slots);
    free(self->cells);
    free(self->blocks);
    free(self);
    *self_p = NULL;
}

void
app_pending_put(app_pending_t *self, int64_t time_ms, uint32_t slot, const struct cell *cell,
                unsigned *charge_ret)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 64 : self->size * 2;
        self->items = xrealloc(self->items, self->size, sizeof *self->items);
    }
    self->items[self->n++] = (struct item){ .time_ms = time_ms,
                                            .charge = charge_ret,
                                            .cell = *cell,
                                            .slot = slot,
                                            .age = self->next_age++ };
    ++*charge_ret;
}

size_t
app_pending_count(const app_pending_t *self)
{
    return self->n;
}

struct app_taken
app_pending_take(app_pending_t *self, int64_t most_ms)
{
    struct app_taken taken = { .blocks = NULL };
    size_t used = 0;

    if (self->n == 0)
        return taken;
    qsort(self->items, self->n, sizeof *self->items, s_compare);
    s_make_room(self);
    for (size_t i = 0; i < self->n; i++) {
        const struct item *item = &self->items[i];

        --*item->charge;
        if (item->time_ms > most_ms)
            taken.ahead++;
        else
            s_give(self, &taken, &used, item);
    }
    self->n = 0;
    taken.blocks = self->blocks;
    return taken;
}

// By time, then slot, then age.
static int
s_compare(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    // The difference, so that the order outlives the numbers' wrapping.
    return (int32_t) (x->age - y->age) < 0 ? -1 : 1;
}

static void
s_make_room(app_pending_t *self)
{
    if (self->n <= self->given_size)
        return;
    self->given_size = self->size;
    self->slots = xrealloc(self->slots, self->size, sizeof *self->slots);
    self->cells = xrealloc(self->cells, self->size, sizeof *self->cells);
    self->blocks = xrealloc(self->blocks, self->size, sizeof *self->blocks);
}

static void
s_give(app_pending_t *self, struct app_taken *taken, size_t *used, const struct item *item)
{
    struct app_block *block = taken->n_blocks > 0 ? &self->blocks[taken->n_blocks - 1] : NULL;

    if (block == NULL || block->time_ms != item->time_ms) {
        block = &self->blocks[taken->n_blocks++];
        *block = (struct app_block){ .time_ms = item->time_ms,
                                     .slots = self->slots + *used,
                                     .cells = self->cells + *used };
    } else if (block->slots[block->n - 1] == item->slot) {
        taken->conflicts++;
        return;
    }
    self->slots[*used] = item->slot;
    self->cells[(*used)++] = item->cell;
    block->n++;
}

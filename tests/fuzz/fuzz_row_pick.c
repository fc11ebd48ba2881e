// fuzz_row_pick - strange bodies of rows: what is picked is what a whole reading gives.
//
// u8 what is wanted: slots that have no remainder by it (0: none); then the body of a KEY: its
// width, and blocks.

#include <stdlib.h>
#include <string.h>

#include "shared/wire/row_pick.h"

#define SLOTS_MOST 512u

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_expect(bool claim)
{
    if (!claim)
        abort();
}

static void
s_compare(const struct row_block *all, const struct row_block *some, unsigned each)
{
    uint32_t k = 0;

    s_expect(all->offset_ms == some->offset_ms && all->sparse == some->sparse);
    for (uint32_t i = 0; i < all->n; i++) {
        if (each == 0 || all->slots[i] % each != 0)
            continue;
        s_expect(k < some->n && some->slots[k] == all->slots[i]);
        s_expect(some->cells[k].state == all->cells[i].state);
        s_expect(some->cells[k].bits == all->cells[i].bits);
        k++;
    }
    s_expect(k == some->n);
}

static void
s_read(const uint8_t *body, size_t len, unsigned each, row_picker_t *picker)
{
    row_decoder_t *decoder = row_decoder_new(NULL);
    struct row_block all, some;
    struct rbuf r, picking;
    int rc;

    rbuf_init(&r, body, len);
    rbuf_init(&picking, body, len);
    row_picker_key(picker, (uint32_t) rbuf_count(&picking, SLOTS_MOST));
    row_state_grow(row_decoder_state(decoder), (uint32_t) rbuf_count(&r, SLOTS_MOST));
    while ((rc = row_decoder_next(decoder, &r, &all)) == 1) {
        s_expect(row_picker_next(picker, &picking, &some) == 1);
        s_compare(&all, &some, each);
    }
    // A reading that stopped says nothing about the rest, which is read within its bounds.
    while (row_picker_next(picker, &picking, &some) == 1)
        s_expect(rc < 0);
    row_decoder_destroy(&decoder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    const unsigned each = n > 0 ? at[0] : 0;
    uint32_t wanted[SLOTS_MOST];
    uint32_t n_wanted = 0;
    row_picker_t *picker;
    uint8_t *body;

    if (n < 2)
        return 0;
    for (uint32_t slot = 0; slot < SLOTS_MOST && each > 0; slot += each)
        wanted[n_wanted++] = slot;
    picker = row_picker_new(wanted, n_wanted);
    body = malloc(n - 1); // of exactly its size, so that a read past it is seen
    s_expect(body != NULL);
    memcpy(body, at + 1, n - 1);
    s_read(body, n - 1, each, picker);
    row_picker_destroy(&picker);
    free(body);
    return 0;
}

// test_slot_refusals - what was refused of a stream's slots, against a plain list of it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "collector/slot_refusals.h"
#include "shared/base/err.h"
#include "tests/support/seeded.h"

#define SLOTS 4000u

static void
slots_come_back_as_they_were_refused_through_bytes_too(void **state)
{
    static uint8_t model[SLOTS];
    static uint8_t bytes[SLOT_DECISIONS_BYTES(SLOT_REFUSALS_MAX)];
    struct slot_decisions self = { .below = SLOTS, .minute = -5, .made = 7 };
    struct slot_decisions back = { 0 };
    uint64_t seed = 1;
    struct wbuf w;
    struct rbuf r;

    (void) state;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        // In runs, as floods are, that stay below the number of stretches.
        if (slot % 10 == 0)
            model[slot] = (uint8_t) seeded_below(&seed, 4);
        else
            model[slot] = model[slot - 1];
        if (model[slot] != 0)
            slot_refusals_add(&self.refusals, slot, model[slot]);
    }
    assert_true(self.refusals.n < SLOT_REFUSALS_MAX - 1);
    wbuf_init(&w, bytes, sizeof bytes);
    slot_decisions_put(&w, &self);
    assert_true(wbuf_finish(&w) > 0);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(slot_decisions_take(&r, &back), 0);
    assert_int_equal(rbuf_left(&r), 0);
    assert_int_equal(back.below, SLOTS);
    assert_int_equal(back.minute, -5);
    assert_int_equal(back.made, 7);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        assert_int_equal(slot_refusals_find(&self.refusals, slot), model[slot]);
        assert_int_equal(slot_refusals_find(&back.refusals, slot), model[slot]);
    }
    for (size_t n = 0; n < w.len; n++) {
        rbuf_init(&r, bytes, n);
        assert_int_equal(slot_decisions_take(&r, &back), ERR_FORMAT);
        assert_int_equal(back.refusals.n, 0);
    }
    slot_refusals_release(&self.refusals);
    slot_refusals_release(&back.refusals);
}

static void
what_can_be_remembered_has_an_end_above_which_all_is_refused(void **state)
{
    const uint32_t last = 2 * SLOT_REFUSALS_MAX;
    struct slot_refusals self = { 0 };

    (void) state;
    for (uint32_t slot = 0; slot <= last; slot += 2)
        slot_refusals_add(&self, slot, 1);
    assert_int_equal(self.n, SLOT_REFUSALS_MAX);
    assert_int_equal(slot_refusals_find(&self, 0), 1);
    assert_int_equal(slot_refusals_find(&self, 1), 0);
    // What was let in before stays in.
    assert_int_equal(slot_refusals_find(&self, 2 * (SLOT_REFUSALS_MAX - 1) - 1), 0);
    assert_int_equal(slot_refusals_find(&self, last + 1), 1);
    assert_int_equal(slot_refusals_find(&self, UINT32_MAX), 1);
    slot_refusals_release(&self);
}

// Decided in any order, as slots may be defined: what is not decided is among what is remembered.
static void
slots_in_any_order_are_what_was_decided_of_them(void **state)
{
    static uint8_t model[SLOTS];
    struct slot_refusals self = { 0 };
    uint32_t below = 0;
    uint64_t seed = 2;

    (void) state;
    for (unsigned i = 0; i < 400; i++) {
        const uint32_t slot = seeded_below(&seed, SLOTS);
        const uint8_t limit = (uint8_t) seeded_below(&seed, 3);

        if (slot > below) {
            slot_refusals_skip(&self, below, slot - 1);
            memset(model + below, SLOT_UNDECIDED, slot - below);
        }
        if (slot < below && model[slot] != SLOT_UNDECIDED)
            continue;
        below = slot >= below ? slot + 1 : below;
        model[slot] = limit;
        if (limit == 0)
            slot_refusals_settle(&self, slot);
        else
            slot_refusals_add(&self, slot, limit);
        if (i % 10 == 0) { // there was no room for it
            slot_refusals_settle(&self, slot);
            if (limit == 0) {
                slot_refusals_add(&self, slot, SLOT_UNDECIDED);
                model[slot] = SLOT_UNDECIDED;
            }
        }
        assert_false(slot_refusals_are_full(&self));
    }
    for (uint32_t slot = 0; slot < below; slot++)
        assert_int_equal(slot_refusals_find(&self, slot), model[slot]);
    assert_int_equal(slot_refusals_find(&self, below), 0);
    slot_refusals_release(&self);
}

static void
what_can_not_be_remembered_is_told(void **state)
{
    struct slot_refusals self = { 0 };

    (void) state;
    for (uint32_t slot = 0; !slot_refusals_are_full(&self); slot += 4)
        slot_refusals_add(&self, slot, 1);
    slot_refusals_add(&self, 2, 1);
    assert_int_equal(slot_refusals_find(&self, 2), 0);
    assert_true(slot_refusals_are_full(&self));
    slot_refusals_add(&self, 1, 1); // beside another it takes no room
    assert_int_equal(slot_refusals_find(&self, 1), 1);
    slot_refusals_release(&self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_come_back_as_they_were_refused_through_bytes_too),
        cmocka_unit_test(slots_in_any_order_are_what_was_decided_of_them),
        cmocka_unit_test(what_can_not_be_remembered_is_told),
        cmocka_unit_test(what_can_be_remembered_has_an_end_above_which_all_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

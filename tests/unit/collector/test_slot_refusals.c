// test_slot_refusals - what was refused of a stream's slots, against a plain list of it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_come_back_as_they_were_refused_through_bytes_too),
        cmocka_unit_test(what_can_be_remembered_has_an_end_above_which_all_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

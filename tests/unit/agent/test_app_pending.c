// test_app_pending - samples wait, and leave by time, once.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/app_pending.h"
#include "tests/support/seeded.h"

#define NEVER INT64_MAX

static app_pending_t *pending;
static unsigned charge;

static int
setup(void **state)
{
    (void) state;
    pending = app_pending_new();
    charge = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    app_pending_destroy(&pending);
    return 0;
}

static void
put(int64_t time_ms, uint32_t slot, int64_t m)
{
    const struct cell cell = { .state = CELL_INTEGER, .m = m };

    app_pending_put(pending, time_ms, slot, &cell, &charge);
}

static void
nothing_gives_no_block(void **state)
{
    (void) state;
    assert_int_equal(app_pending_take(pending, NEVER).n_blocks, 0);
    put(7, 1, 1);
    assert_int_equal(app_pending_take(pending, NEVER).n_blocks, 1);
    assert_int_equal(app_pending_take(pending, NEVER).n_blocks, 0);
    assert_int_equal(app_pending_count(pending), 0);
}

static void
samples_of_one_time_are_one_block_with_rising_slots(void **state)
{
    struct app_taken taken;

    (void) state;
    put(20, 9, 1);
    put(10, 5, 2);
    put(20, 3, 3);
    taken = app_pending_take(pending, NEVER);
    assert_int_equal(taken.n_blocks, 2);
    assert_int_equal(taken.blocks[0].time_ms, 10);
    assert_int_equal(taken.blocks[0].n, 1);
    assert_int_equal(taken.blocks[0].slots[0], 5);
    assert_int_equal(taken.blocks[1].time_ms, 20);
    assert_int_equal(taken.blocks[1].n, 2);
    assert_int_equal(taken.blocks[1].slots[0], 3);
    assert_int_equal(taken.blocks[1].cells[0].m, 3);
    assert_int_equal(taken.blocks[1].slots[1], 9);
    assert_int_equal(app_pending_count(pending), 0);
    assert_int_equal(app_pending_take(pending, NEVER).n_blocks, 0);
}

static void
the_first_of_a_slot_and_time_stands(void **state)
{
    struct app_taken taken;

    (void) state;
    put(10, 1, 100);
    put(10, 2, 200);
    put(10, 1, 101);
    put(10, 1, 102);
    taken = app_pending_take(pending, NEVER);
    assert_int_equal(taken.n_blocks, 1);
    assert_int_equal(taken.blocks[0].n, 2);
    assert_int_equal(taken.blocks[0].cells[0].m, 100);
    assert_int_equal(taken.conflicts, 2);
    assert_int_equal(charge, 0);
}

// As after a step back of the clock.
static void
what_is_too_far_ahead_is_dropped(void **state)
{
    struct app_taken taken;

    (void) state;
    put(100, 1, 1);
    put(101, 1, 1);
    taken = app_pending_take(pending, 100);
    assert_int_equal(taken.n_blocks, 1);
    assert_int_equal(taken.blocks[0].time_ms, 100);
    assert_int_equal(taken.ahead, 1);
    assert_int_equal(app_pending_count(pending), 0);
    assert_int_equal(charge, 0);
}

// Against a plain search: every sample leaves once, the earliest of its slot and time, in order.
static void
any_samples_leave_in_order_and_once(void **state)
{
    uint64_t seed = 7;
    uint64_t samples = 0, left = 0, conflicts = 0;
    int64_t last_tick = 0;

    (void) state;
    for (int64_t tick = 10; tick <= 2000; tick += 10) {
        struct app_taken taken;
        int64_t before = INT64_MIN;

        for (uint32_t n = seeded_below(&seed, 40); n > 0; n--, samples++)
            put(last_tick + 1 + seeded_below(&seed, 25), seeded_below(&seed, 6), tick);
        taken = app_pending_take(pending, NEVER);
        for (size_t i = 0; i < taken.n_blocks; i++) {
            const struct app_block *b = &taken.blocks[i];

            assert_true(b->time_ms > before && b->time_ms > last_tick);
            before = b->time_ms;
            for (uint32_t k = 1; k < b->n; k++)
                assert_true(b->slots[k] > b->slots[k - 1]);
            left += b->n;
        }
        conflicts += taken.conflicts;
        last_tick = tick;
        assert_int_equal(charge, 0);
        assert_int_equal(samples, left + conflicts);
    }
    assert_true(conflicts > 0 && left > 1000);
}

int
main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_gives_no_block),
        TEST(samples_of_one_time_are_one_block_with_rising_slots),
        TEST(the_first_of_a_slot_and_time_stands),
        TEST(what_is_too_far_ahead_is_dropped),
        TEST(any_samples_leave_in_order_and_once),
    };
    return cmocka_run_group_tests_name("app_pending", tests, NULL, NULL);
}

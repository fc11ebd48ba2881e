// test_delivery_rate - never more than so many bytes a second, and not byte by byte.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/delivery_rate.h"

#define PER_S 80000u
#define SAVED (PER_S / 8)
#define FRAME 500u

// Frames as soon as they are allowed, looking each `step_ms`; the bytes of them.
static uint64_t
spend(struct delivery_rate *rate, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    uint64_t bytes = 0;

    for (int64_t now_ms = from_ms; now_ms <= to_ms; now_ms += step_ms) {
        delivery_rate_turn(rate, now_ms);
        for (; delivery_rate_allows(rate); bytes += FRAME)
            delivery_rate_spend(rate, FRAME);
    }
    return bytes;
}

static void
it_is_kept_however_often_one_looks(void **state)
{
    static const int64_t steps_ms[] = { 1, 3, 10, 50 };

    (void) state;
    for (unsigned i = 0; i < 4; i++) {
        struct delivery_rate rate;

        delivery_rate_init(&rate, PER_S);
        assert_in_range(spend(&rate, 1000, 11000, steps_ms[i]), 9 * PER_S,
                        10 * PER_S + SAVED + FRAME);
    }
}

static void
a_pause_saves_an_eighth_of_a_second(void **state)
{
    struct delivery_rate rate;

    (void) state;
    delivery_rate_init(&rate, PER_S);
    (void) spend(&rate, 1000, 2000, 1);
    assert_in_range(spend(&rate, 100000, 100000, 1), SAVED, SAVED + FRAME);
    delivery_rate_init(&rate, UINT64_MAX / 2);
    assert_in_range(spend(&rate, 1000, 1000, 1), DELIVERY_RATE_SAVED_MOST,
                    DELIVERY_RATE_SAVED_MOST + FRAME);
}

static void
what_is_used_up_comes_back_in_pieces_when_it_says(void **state)
{
    struct delivery_rate rate;
    int64_t wait_ms;

    (void) state;
    delivery_rate_init(&rate, PER_S);
    (void) spend(&rate, 1000, 1000, 1);
    wait_ms = delivery_rate_wait_ms(&rate);
    assert_in_range(wait_ms, 30, 40); // a quarter of the eighth, and what is owed
    delivery_rate_turn(&rate, 1000 + wait_ms / 2);
    assert_false(delivery_rate_allows(&rate));
    delivery_rate_turn(&rate, 1000 + wait_ms + 1);
    assert_true(delivery_rate_allows(&rate));
}

static void
a_frame_larger_than_what_is_saved_goes_and_is_owed(void **state)
{
    struct delivery_rate rate;

    (void) state;
    delivery_rate_init(&rate, 1024);
    delivery_rate_turn(&rate, 1000);
    assert_true(delivery_rate_allows(&rate));
    delivery_rate_spend(&rate, 4096);
    delivery_rate_turn(&rate, 4500);
    assert_false(delivery_rate_allows(&rate));
    delivery_rate_turn(&rate, 5100);
    assert_true(delivery_rate_allows(&rate));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_kept_however_often_one_looks),
        cmocka_unit_test(a_pause_saves_an_eighth_of_a_second),
        cmocka_unit_test(what_is_used_up_comes_back_in_pieces_when_it_says),
        cmocka_unit_test(a_frame_larger_than_what_is_saved_goes_and_is_owed),
    };

    return cmocka_run_group_tests_name("delivery_rate", tests, NULL, NULL);
}

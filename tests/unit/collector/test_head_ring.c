// test_head_ring - the samples of one series, as they come and as they are kept.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/store/head_ring.h"

static void
fill(struct head_ring *ring, int64_t from, int64_t to)
{
    for (int64_t t = from; t <= to; t++)
        assert_int_equal(head_ring_put(ring, t, (double) t), HEAD_PUT_NEW);
}

static void
times_stand_in_order_whatever_order_they_come_in(void **state)
{
    static const int64_t times[] = { 50, 10, 30, 20, 60, 40 };
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 0);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(head_ring_put(&ring, times[i], 1), HEAD_PUT_NEW);
    assert_int_equal(ring.count, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(head_ring_get(&ring, i)->time_ms, 10 * (i + 1));
    head_ring_release(&ring);
}

static void
a_full_ring_gives_up_its_oldest(void **state)
{
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 0);
    fill(&ring, 1, 100);
    assert_int_equal(ring.count, 64);
    assert_int_equal(head_ring_get(&ring, 0)->time_ms, 37);
    assert_int_equal(head_ring_get(&ring, 63)->time_ms, 100);
    head_ring_release(&ring);
}

static void
the_first_value_of_a_time_stands(void **state)
{
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 0);
    fill(&ring, 1, 3);
    for (int64_t t = 1; t <= 3; t++) {
        assert_int_equal(head_ring_put(&ring, t, (double) t), HEAD_PUT_SAME);
        assert_int_equal(head_ring_put(&ring, t, 99), HEAD_PUT_CONFLICT);
        assert_true(head_ring_get(&ring, (uint32_t) t - 1)->value == (double) t);
    }
    assert_int_equal(ring.count, 3);
    head_ring_release(&ring);
}

static void
a_stale_mark_is_a_value_like_another(void **state)
{
    struct head_ring ring = { 0 };
    double stale = sample_from_bits(SAMPLE_STALE_BITS);

    (void) state;
    head_ring_resize(&ring, 0);
    assert_int_equal(head_ring_put(&ring, 1, stale), HEAD_PUT_NEW);
    assert_int_equal(head_ring_put(&ring, 1, stale), HEAD_PUT_SAME);
    assert_true(sample_is_stale(head_ring_get(&ring, 0)->value));
    head_ring_release(&ring);
}

static void
what_is_older_than_a_full_ring_is_late(void **state)
{
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 0);
    fill(&ring, 1, 100); // wrapped: 37 to 100
    assert_int_equal(head_ring_put(&ring, 36, 1), HEAD_PUT_LATE);
    assert_int_equal(ring.count, 64);
    head_ring_release(&ring);
}

static void
a_late_sample_goes_into_a_full_ring_in_place_of_the_oldest(void **state)
{
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 0);
    for (int64_t t = 1; t <= 80; t++)
        head_ring_put(&ring, 10 * t, 0); // 170 to 800
    assert_int_equal(head_ring_put(&ring, 405, 7), HEAD_PUT_NEW);
    assert_int_equal(ring.count, 64);
    assert_int_equal(head_ring_get(&ring, 0)->time_ms, 180);
    assert_int_equal(head_ring_get(&ring, head_ring_before(&ring, 405))->time_ms, 405);
    for (uint32_t i = 1; i < ring.count; i++)
        assert_true(head_ring_get(&ring, i)->time_ms > head_ring_get(&ring, i - 1)->time_ms);
    head_ring_release(&ring);
}

static void
another_size_keeps_the_newest(void **state)
{
    struct head_ring ring = { 0 };

    (void) state;
    head_ring_resize(&ring, 1);
    fill(&ring, 1, 200); // wrapped: 73 to 200
    head_ring_resize(&ring, 2);
    assert_int_equal(ring.count, 128);
    assert_int_equal(head_ring_get(&ring, 0)->time_ms, 73);
    head_ring_resize(&ring, 0);
    assert_int_equal(ring.count, 64);
    assert_int_equal(head_ring_get(&ring, 0)->time_ms, 137);
    assert_int_equal(head_ring_get(&ring, 63)->time_ms, 200);
    head_ring_release(&ring);
}

static void
a_copy_may_run_over_the_end_of_the_memory(void **state)
{
    struct head_ring ring = { 0 };
    struct sample out[64];

    (void) state;
    head_ring_resize(&ring, 0);
    fill(&ring, 1, 90); // 27 to 90, wrapped within
    for (uint32_t from = 0; from <= 64; from++) {
        head_ring_copy(&ring, from, 64 - from, out);
        for (uint32_t i = from; i < 64; i++)
            assert_int_equal(out[i - from].time_ms, 27 + i);
    }
    head_ring_release(&ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_stand_in_order_whatever_order_they_come_in),
        cmocka_unit_test(a_full_ring_gives_up_its_oldest),
        cmocka_unit_test(the_first_value_of_a_time_stands),
        cmocka_unit_test(a_stale_mark_is_a_value_like_another),
        cmocka_unit_test(what_is_older_than_a_full_ring_is_late),
        cmocka_unit_test(a_late_sample_goes_into_a_full_ring_in_place_of_the_oldest),
        cmocka_unit_test(another_size_keeps_the_newest),
        cmocka_unit_test(a_copy_may_run_over_the_end_of_the_memory),
    };
    return cmocka_run_group_tests_name("head_ring", tests, NULL, NULL);
}

// test_app_times - taken times, arrivals, and silence.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/app_times.h"

static void
a_time_is_taken_once_it_was_noted(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    assert_false(app_times_has(&t, 0));
    app_times_note(&t, 1000, false, 0);
    assert_true(app_times_has(&t, 1000));
    assert_false(app_times_has(&t, 1001));
    assert_false(app_times_has(&t, 999));
    app_times_note(&t, 900, false, 0);
    assert_true(app_times_has(&t, 900));
    assert_true(app_times_has(&t, 1000));
}

static void
arrivals_of_one_millisecond_rise_by_one(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    for (int i = 0; i < 100; i++) {
        const int64_t ms = app_times_arrival(&t, 5000);

        assert_int_equal(ms, 5000 + i);
        app_times_note(&t, ms, true, 0);
    }
    assert_int_equal(app_times_arrival(&t, 6000), 6000);
}

static void
an_arrival_steps_over_a_time_that_was_given(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    app_times_note(&t, 5000, false, 0);
    app_times_note(&t, 5001, false, 0);
    assert_int_equal(app_times_arrival(&t, 5000), 5002);
    assert_int_equal(app_times_arrival(&t, 4999), 4999);
}

static void
after_a_step_back_arrivals_are_where_the_clock_is(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    app_times_note(&t, 100000, true, 0);
    assert_int_equal(app_times_arrival(&t, 40000), 40000);
}

static void
silence_is_three_of_its_own_intervals(void **state)
{
    static const struct {
        int64_t interval_ms;
        int64_t silence_ms;
    } cases[] = {
        { 10, 5000 }, { 1000, 5000 }, { 2000, 6000 }, { 60000, 180000 }, { 200000, 300000 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct app_times t = { 0 };
        int64_t mono_ms = 1;

        for (int k = 0; k < 5; k++, mono_ms += cases[i].interval_ms)
            app_times_note(&t, mono_ms, false, mono_ms);
        mono_ms -= cases[i].interval_ms;
        assert_false(app_times_is_silent(&t, mono_ms + cases[i].silence_ms - 1));
        assert_true(app_times_is_silent(&t, mono_ms + cases[i].silence_ms));
    }
}

// Two messages at a time, each ten seconds: their short spacing must not end it between the pairs.
static void
pairs_of_messages_are_not_silent_between(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    for (int64_t mono_ms = 10000; mono_ms < 200000; mono_ms += 10000) {
        app_times_note(&t, mono_ms, false, mono_ms);
        app_times_note(&t, mono_ms + 5, false, mono_ms + 5);
        if (mono_ms > 20000)
            assert_false(app_times_is_silent(&t, mono_ms + 9999));
    }
}

static void
silence_ends_once_and_begins_anew_with_a_sample(void **state)
{
    struct app_times t = { 0 };

    (void) state;
    assert_false(app_times_is_silent(&t, 1000000));
    app_times_note(&t, 1000, false, 1000);
    assert_true(app_times_is_silent(&t, 6000));
    app_times_end(&t, 6001);
    assert_false(app_times_is_silent(&t, 1000000));
    assert_true(app_times_has(&t, 6001)); // the mark's
    app_times_note(&t, 7000, false, 7000);
    assert_false(app_times_is_silent(&t, 11999));
    assert_true(app_times_is_silent(&t, 7000 + 3 * 6000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_taken_once_it_was_noted),
        cmocka_unit_test(arrivals_of_one_millisecond_rise_by_one),
        cmocka_unit_test(an_arrival_steps_over_a_time_that_was_given),
        cmocka_unit_test(after_a_step_back_arrivals_are_where_the_clock_is),
        cmocka_unit_test(silence_is_three_of_its_own_intervals),
        cmocka_unit_test(pairs_of_messages_are_not_silent_between),
        cmocka_unit_test(silence_ends_once_and_begins_anew_with_a_sample),
    };
    return cmocka_run_group_tests_name("app_times", tests, NULL, NULL);
}

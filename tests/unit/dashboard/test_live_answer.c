// test_live_answer - what a live feed reads off the past of a host.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dashboard/live_answer.h"

#define T0 INT64_C(1700000000000)

// Of the host itself, and of an application.
static struct query_series series[2];
static struct sample samples[2][3];
static const struct live_answer answer = { .series = series, .n = 2 };

static int
setup(void **state)
{
    static const struct label host[] = { { LABEL_METRIC, "node_load1" }, { "job", "node" } };
    static const struct label app[] = {
        { LABEL_METRIC, "app_queue" }, { "app", "red" }, { "instance", "web-1" }, { "job", "app" }
    };

    (void) state;
    for (int i = 0; i < 2; i++) {
        series[i] = (struct query_series){ .n = 3, .samples = samples[i] };
        assert_int_equal(label_set_init(&series[i].labels, i == 0 ? host : app, i == 0 ? 2 : 4), 0);
        for (int k = 0; k < 3; k++)
            samples[i][k] = (struct sample){ .time_ms = T0 + 1000 * k + 500 * i, .value = k };
    }
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++)
        label_set_release(&series[i].labels);
    return 0;
}

static void
a_host_has_ticks_if_a_series_of_its_own_has_samples(void **state)
{
    (void) state;
    assert_true(live_answer_has_ticks(&answer));
    series[0].n = 0;
    assert_false(live_answer_has_ticks(&answer));
}

static void
the_newest_time_is_that_of_a_tick_before_the_given_one(void **state)
{
    (void) state;
    assert_int_equal(live_answer_newest(&answer, INT64_MAX, false), T0 + 2000);
    assert_int_equal(live_answer_newest(&answer, INT64_MAX, true), T0 + 2500);
    assert_int_equal(live_answer_newest(&answer, T0 + 2000, false), T0 + 1000);
    assert_int_equal(live_answer_newest(&answer, T0, false), INT64_MIN);
}

static void
samples_of_applications_behind_the_last_row_wait_for_the_next(void **state)
{
    struct live_pending pending = { 0 };
    view_t *view = view_new(NULL, 1000);

    (void) state;
    view_add(view, &series[0].labels);
    view_add(view, &series[1].labels);
    view_seal(view);
    assert_int_equal(live_answer_pending(&answer, view, T0 + 1000, &pending), 0);
    assert_int_equal(pending.n, 2);
    assert_int_equal(pending.at[0].time_ms, T0 + 1500);
    assert_int_equal(pending.at[1].time_ms, T0 + 2500);
    live_pending_release(&pending);
    view_destroy(&view);
}

int
main(void)
{
#define answer_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        answer_test(a_host_has_ticks_if_a_series_of_its_own_has_samples),
        answer_test(the_newest_time_is_that_of_a_tick_before_the_given_one),
        answer_test(samples_of_applications_behind_the_last_row_wait_for_the_next),
    };
    return cmocka_run_group_tests_name("live_answer", tests, NULL, NULL);
}

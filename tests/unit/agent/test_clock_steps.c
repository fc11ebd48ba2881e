// test_clock_steps - steps of the wall clock become events: few of many, and none forgotten.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock_steps.h"

#define T0 INT64_C(1700000000000)

static clock_steps_t *s_steps;

static int
setup(void **state)
{
    (void) state;
    s_steps = clock_steps_new();
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    clock_steps_destroy(&s_steps);
    return 0;
}

static void
expect_field(const struct host_event *event, const char *name, const char *value)
{
    const char *is = label_set_get(&event->fields, name);

    if (value == NULL)
        assert_null(is);
    else
        assert_string_equal(is, value);
}

static void
a_step_is_told_with_its_two_times(void **state)
{
    const struct host_event *event;

    (void) state;
    assert_null(clock_steps_due(s_steps, 1000));
    clock_steps_add(s_steps, -90000, T0);
    event = clock_steps_due(s_steps, 2000);
    assert_non_null(event);
    assert_string_equal(event->kind, "clock-step");
    assert_string_equal(event->text, "clock stepped back by 90.0 s");
    assert_int_equal(event->text_len, strlen(event->text));
    assert_int_equal(event->time_ms, T0 + 90000);
    assert_int_equal(event->severity, EVENT_WARNING);
    expect_field(event, "step", "-90000");
    expect_field(event, "from", "1700000090000");
    expect_field(event, "to", "1700000000000");
    expect_field(event, "count", NULL);
    assert_null(clock_steps_due(s_steps, 3000));
}

static void
a_step_is_said_in_the_unit_of_its_size(void **state)
{
    static const struct {
        int64_t step_ms;
        const char *text;
    } cases[] = {
        { 100, "clock stepped forward by 0.1 s" },
        { -119900, "clock stepped back by 119.9 s" },
        { 120000, "clock stepped forward by 2.0 min" },
        { -3600000, "clock stepped back by 1.0 h" },
        { INT64_C(86400000) * 400, "clock stepped forward by 400.0 days" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct host_event *event;

        clock_steps_add(s_steps, cases[i].step_ms, T0);
        event = clock_steps_due(s_steps, 0);
        assert_string_equal(event->text, cases[i].text);
    }
}

static void
count(const struct host_event *event, int *steps, int64_t *sum_ms)
{
    const char *n = label_set_get(&event->fields, "count");

    *steps += n == NULL ? 1 : atoi(n);
    *sum_ms += strtoll(label_set_get(&event->fields, "step"), NULL, 10);
}

static void
a_clock_that_steps_each_second_is_told_now_and_then_with_all_its_steps(void **state)
{
    enum { SECONDS = 3600 };
    const struct host_event *event;
    int told = 0, steps = 0;
    int64_t sum_ms = 0;

    (void) state;
    for (int64_t s = 0; s < SECONDS; s++) {
        clock_steps_add(s_steps, 1000, T0 + 2000 * s);
        event = clock_steps_due(s_steps, 1000 * s);
        if (event == NULL)
            continue;
        told++;
        count(event, &steps, &sum_ms);
    }
    assert_in_range(told, SECONDS / 30, CLOCK_STEPS_BURST + SECONDS / 30);
    event = clock_steps_rest(s_steps);
    if (event != NULL)
        count(event, &steps, &sum_ms);
    assert_int_equal(steps, SECONDS);
    assert_int_equal(sum_ms, SECONDS * 1000);
    assert_null(clock_steps_rest(s_steps));
}

static void
a_step_is_told_in_the_unit_that_its_figure_has(void **state)
{
    static const struct {
        int64_t ms;
        const char *by;
    } steps[] = {
        { 119949, "119.9 s" },     { 119951, "2.0 min" }, { 3596900, "59.9 min" },
        { 3599999, "1.0 h" },      { 3600001, "1.0 h" },  { 172600000, "47.9 h" },
        { 172799999, "2.0 days" },
    };
    char text[64];

    (void) state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        clock_steps_add(s_steps, steps[i].ms, T0);
        snprintf(text, sizeof text, "clock stepped forward by %s", steps[i].by);
        assert_string_equal(
            clock_steps_due(s_steps, 1000 * CLOCK_STEPS_EVERY_MS * (int64_t) i)->text, text);
    }
}

static void
steps_that_are_held_are_told_as_one(void **state)
{
    const struct host_event *event;

    (void) state;
    for (int i = 0; i < CLOCK_STEPS_BURST; i++) {
        clock_steps_add(s_steps, 500, T0);
        assert_non_null(clock_steps_due(s_steps, 0));
    }
    clock_steps_add(s_steps, -5000, T0 + 1000);
    clock_steps_add(s_steps, 2000, T0 + 4000);
    assert_null(clock_steps_due(s_steps, CLOCK_STEPS_EVERY_MS - 1));
    event = clock_steps_due(s_steps, CLOCK_STEPS_EVERY_MS);
    assert_string_equal(event->text, "clock stepped 2 times, back by 3.0 s in all");
    assert_int_equal(event->time_ms, T0 + 6000);
    expect_field(event, "from", "1700000006000");
    expect_field(event, "to", "1700000004000");
    expect_field(event, "count", "2");

    clock_steps_add(s_steps, -5000, T0);
    clock_steps_add(s_steps, 5000, T0);
    assert_null(clock_steps_due(s_steps, CLOCK_STEPS_EVERY_MS));
    event = clock_steps_rest(s_steps);
    assert_string_equal(event->text, "clock stepped 2 times, back and forth");
}

int
main(void)
{
#define steps_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        steps_test(a_step_is_told_with_its_two_times),
        steps_test(a_step_is_said_in_the_unit_of_its_size),
        steps_test(a_clock_that_steps_each_second_is_told_now_and_then_with_all_its_steps),
        steps_test(a_step_is_told_in_the_unit_that_its_figure_has),
        steps_test(steps_that_are_held_are_told_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

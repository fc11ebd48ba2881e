// test_export_density - what an answer that was too large tells of the next one.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "collector/ctl/export_density.h"
#include "collector/ctl/export_windows.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define SERIES  1000u

// Each of the series has a sample an hour, and from a time on one a second.
struct history {
    int64_t dense_ms;
    int64_t end_ms;
};

static int64_t
next_time(const struct history *history, int64_t time_ms)
{
    return time_ms + (time_ms < history->dense_ms ? HOUR_MS : 1000);
}

// The answer as far as it is taken: series after series.
static bool
ask(struct export_density *density, const struct history *history, int64_t from_ms, int64_t to_ms,
    uint64_t *taken_ret)
{
    static struct sample samples[EXPORT_WINDOW_SAMPLES];
    size_t n = 0;

    export_density_begin(density, from_ms, to_ms);
    for (int64_t at = 0; at <= to_ms; at = next_time(history, at))
        if (at >= from_ms && n < EXPORT_WINDOW_SAMPLES)
            samples[n++].time_ms = at;
    *taken_ret = 0;
    for (unsigned i = 0; i < SERIES && *taken_ret <= EXPORT_WINDOW_SAMPLES; i++) {
        export_density_add(density, samples, n);
        *taken_ret += n;
    }
    return *taken_ret <= EXPORT_WINDOW_SAMPLES;
}

// As export_windows_run goes on, from 0. How many answers were given up.
static unsigned
walk(const struct history *history, int64_t span_ms)
{
    unsigned too_large = 0;

    for (int64_t from_ms = 0; from_ms <= history->end_ms;) {
        const int64_t left_ms = history->end_ms - from_ms;
        const int64_t to_ms = from_ms + (span_ms < left_ms ? span_ms : left_ms);
        struct export_density density;
        uint64_t taken;

        if (ask(&density, history, from_ms, to_ms, &taken)) {
            from_ms = to_ms + 1;
            if (taken < EXPORT_WINDOW_SAMPLES / 4)
                span_ms = 2 * span_ms + 1;
            continue;
        }
        span_ms = export_density_width(&density, SERIES, EXPORT_WINDOW_SAMPLES / 2);
        assert_in_range(span_ms, 0, to_ms - from_ms - 1);
        too_large++;
    }
    return too_large;
}

static void
dense_times_behind_sparse_ones_are_found_at_a_few_looks(void **state)
{
    const struct history history = { .dense_ms = 300 * DAY_MS, .end_ms = 300 * DAY_MS + HOUR_MS };

    (void) state;
    assert_in_range(walk(&history, 300 * DAY_MS), 1, 8);
}

static void
what_is_dense_throughout_is_shortened_at_once(void **state)
{
    const struct history history = { .dense_ms = 0, .end_ms = DAY_MS };

    (void) state;
    assert_in_range(walk(&history, DAY_MS), 1, 4);
}

static void
where_nothing_came_it_is_a_half(void **state)
{
    struct export_density density;

    (void) state;
    export_density_begin(&density, 5000, 5100);
    assert_int_equal(export_density_width(&density, 10, 100), 50);
}

// Whatever a window was, there is an end to it.
static void
a_width_is_always_below_the_one_before(void **state)
{
    const struct sample sample = { .time_ms = 1000 };

    (void) state;
    for (int64_t width = 1; width < 300; width++) {
        for (int64_t at = 0; at <= width; at++) {
            struct export_density density;

            export_density_begin(&density, sample.time_ms - at, sample.time_ms - at + width);
            export_density_add(&density, &sample, 1);
            assert_in_range(export_density_width(&density, 1, 0), 0, width - 1);
        }
    }
}

// A collector may say anything.
static void
times_that_nobody_asked_for_count_nowhere(void **state)
{
    static const struct sample samples[] = { { .time_ms = INT64_MIN },
                                             { .time_ms = -1001 },
                                             { .time_ms = 1001 },
                                             { .time_ms = INT64_MAX } };
    struct export_density density;

    (void) state;
    export_density_begin(&density, -1000, 1000);
    export_density_add(&density, samples, 4);
    for (uint32_t part = 0; part < EXPORT_DENSITY_PARTS; part++)
        assert_int_equal(density.samples[part], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_times_behind_sparse_ones_are_found_at_a_few_looks),
        cmocka_unit_test(what_is_dense_throughout_is_shortened_at_once),
        cmocka_unit_test(where_nothing_came_it_is_a_half),
        cmocka_unit_test(times_that_nobody_asked_for_count_nowhere),
        cmocka_unit_test(a_width_is_always_below_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

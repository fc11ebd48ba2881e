// view_row - what stands in a row: rates, slow series, and applications with times of their own.

#include "dashboard/view.h"
#include "tests/unit/dashboard/room.h"

#define T0  INT64_C(1700000000000)
#define END sample_from_bits(SAMPLE_STALE_BITS)

// One series; at each row it has a sample, or none (absent).
struct step {
    int64_t row_ms;
    int64_t sample_ms; // of the row's sample; -1: none
    double value;
    double want;
};
#define NO_SAMPLE -1, 0

static void
walk(struct label_set set, const struct step *steps, size_t n)
{
    view_t *view = view_new(NULL, 1000);

    assert_true(view_add(view, &set));
    label_set_release(&set);
    view_seal(view);
    for (size_t i = 0; i < n; i++) {
        double out;

        view_begin(view, T0 + steps[i].row_ms);
        if (steps[i].sample_ms >= 0)
            view_take(view, 0, T0 + steps[i].sample_ms, steps[i].value);
        view_end(view, &out);
        if (isnan(out) != isnan(steps[i].want) || fabs(out - steps[i].want) > 1e-9)
            fail_msg("row %zu at %ld: %g, not %g", i, (long) steps[i].row_ms, out, steps[i].want);
    }
    view_destroy(&view);
}

static struct label_set
forks(void)
{
    return room_labels("node_forks_total", NULL, NULL, NULL, NULL);
}

static struct label_set
load(void)
{
    return room_labels("node_load1", NULL, NULL, NULL, NULL);
}

static void
a_rate_is_between_neighbours_and_null_after_reset_hole_and_start(void **state)
{
    static const struct step steps[] = {
        { 0, 0, 100, NAN },         // no neighbour
        { 1000, 1000, 160, 60 },    //
        { 2500, 2500, 250, 60 },    // late, but no hole: 1.5 intervals
        { 4001, 4001, 300, NAN },   // a hole: 1.501
        { 5001, 5001, 310, 10 },    //
        { 6001, 6001, 2, NAN },     // a reset
        { 7001, 7001, 2, 0 },       // nothing happened
        { 8001, NO_SAMPLE, 0 },     // the rate stands
        { 9001, 9001, 20, 9 },      // over the two seconds since its neighbour
        { 9011, 9011, 30, NAN },    // another clock between the ticks
        { 10001, 10001, 129, 100 }, // (129 - 30) / 0.99 s
    };

    (void) state;
    walk(forks(), steps, N_OF(steps));
}

static void
no_rate_goes_over_the_end_of_a_series(void **state)
{
    const struct step steps[] = {
        { 0, 0, 100, NAN },       { 1000, 1000, 160, 60 }, { 2000, 2000, END, NAN },
        { 3000, 3000, 170, NAN }, { 4000, 4000, 180, 10 }, { 5000, 5000, NAN, NAN },
        { 6000, 6000, 190, NAN },
    };

    (void) state;
    walk(forks(), steps, N_OF(steps));
}

// Sampled each 3 s on a host that ticks each second.
static void
a_slow_rate_stands_and_goes_over_no_hole_of_the_rows(void **state)
{
    const struct step steps[] = {
        { 0, 0, 100, NAN },        { 1000, NO_SAMPLE, NAN },
        { 2000, NO_SAMPLE, NAN },  { 3000, 3000, 130, 10 },
        { 4000, NO_SAMPLE, 10 },   { 5000, NO_SAMPLE, 10 },
        { 6000, 6000, 190, 20 },   { 7000, NO_SAMPLE, 20 },
        { 9000, 9000, 250, NAN }, // row 8000 is not there
        { 10000, NO_SAMPLE, NAN }, { 11000, NO_SAMPLE, NAN },
        { 12000, 12000, 280, 10 },
    };

    (void) state;
    walk(forks(), steps, N_OF(steps));
}

static void
a_value_stands_until_the_next_one_or_its_end_at_most_90_s(void **state)
{
    const struct step steps[] = {
        { 0, 0, 5, 5 },
        { 1000, NO_SAMPLE, 5 },
        { 2000, 2000, 6, 6 },
        { 3000, 3000, END, NAN },
        { 4000, NO_SAMPLE, NAN },
        { 5000, 5000, 7, 7 },
        { 50000, NO_SAMPLE, 7 },
        { 95000, NO_SAMPLE, 7 },
        { 95001, NO_SAMPLE, NAN },
        { 96000, NO_SAMPLE, NAN },
        { 97000, 97000, 8, 8 },
    };

    (void) state;
    walk(load(), steps, N_OF(steps));
}

static void
a_host_with_long_ticks_has_rates_and_values_all_the_same(void **state)
{
    view_t *view = view_new(NULL, 300000);
    struct label_set set = forks();
    double out;

    (void) state;
    view_add(view, &set);
    label_set_release(&set);
    view_seal(view);
    for (int64_t i = 0; i < 3; i++) {
        view_begin(view, T0 + 300000 * i);
        view_take(view, 0, T0 + 300000 * i, 300.0 * (double) i);
        view_end(view, &out);
    }
    room_same(out, 1);
    view_begin(view, T0 + 900000);
    view_end(view, &out);
    room_same(out, 1);
    view_destroy(&view);
}

static void
an_application_stands_for_one_and_a_half_of_its_own_spacing(void **state)
{
    const struct step steps[] = {
        { 1000, 900, 1, 1 },       // the first: 1.5 intervals of the host
        { 2000, NO_SAMPLE, 1 },    // 1.1 s old
        { 3000, NO_SAMPLE, NAN },  // 2.1 s old
        { 5000, 4900, 2, 2 },      // 4 s after the one before: it stands for 6
        { 6000, NO_SAMPLE, 2 },    //
        { 10000, NO_SAMPLE, 2 },   // 5.1 s old
        { 11000, NO_SAMPLE, NAN }, // 6.1 s old
        { 12000, 11900, END, NAN },
        { 13000, 12950, 3, 3 }, // after its end the spacing is not known
        { 14000, NO_SAMPLE, 3 },
        { 15000, NO_SAMPLE, NAN },
    };

    (void) state;
    walk(room_app("app_queue", "red", NULL), steps, N_OF(steps));
}

static void
of_several_samples_in_a_row_the_newest_stands(void **state)
{
    struct label_set set = room_app("app_queue", "red", NULL);
    view_t *view = view_new(NULL, 1000);
    double out;

    (void) state;
    view_add(view, &set);
    label_set_release(&set);
    view_seal(view);
    view_begin(view, T0 + 1000);
    view_take(view, 0, T0 + 100, 1);
    view_take(view, 0, T0 + 600, 2);
    view_take(view, 0, T0 + 600, 3); // of one time, the first stands
    view_take(view, 0, T0 + 500, 4); // older than what is there
    view_end(view, &out);
    room_same(out, 2);
    // 500 ms apart, but never for less than 1.5 intervals of the host.
    view_begin(view, T0 + 2000);
    view_end(view, &out);
    room_same(out, 2);
    view_begin(view, T0 + 3000);
    view_end(view, &out);
    room_same(out, NAN);
    view_destroy(&view);
}

static void
a_counter_of_an_application_is_a_rate_over_all_of_its_row(void **state)
{
    struct label_set set = room_app("app_served_total", "red", NULL);
    view_t *view = view_new(NULL, 1000);
    const struct view_column *columns;
    double out;

    (void) state;
    view_add(view, &set);
    label_set_release(&set);
    view_seal(view);
    assert_int_equal(view_columns(view, &columns), 1);
    assert_int_equal(columns[0].unit, VIEW_PER_SECOND);
    view_begin(view, T0 + 1000);
    view_take(view, 0, T0 + 500, 10);
    view_end(view, &out);
    room_same(out, NAN);
    // A hundred a second, each ten milliseconds after the one before.
    view_begin(view, T0 + 2000);
    for (int i = 1; i <= 100; i++)
        view_take(view, 0, T0 + 500 + i * 10, 10 + i);
    view_end(view, &out);
    room_same(out, 100);
    // It was started anew in the middle of a row.
    view_begin(view, T0 + 3000);
    view_take(view, 0, T0 + 2000, 150);
    view_take(view, 0, T0 + 2100, 0);
    view_take(view, 0, T0 + 2500, 200);
    view_end(view, &out);
    room_same(out, NAN);
    view_begin(view, T0 + 4000);
    view_take(view, 0, T0 + 3500, 230);
    view_end(view, &out);
    room_same(out, 30);
    view_destroy(&view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_between_neighbours_and_null_after_reset_hole_and_start),
        cmocka_unit_test(no_rate_goes_over_the_end_of_a_series),
        cmocka_unit_test(a_slow_rate_stands_and_goes_over_no_hole_of_the_rows),
        cmocka_unit_test(a_value_stands_until_the_next_one_or_its_end_at_most_90_s),
        cmocka_unit_test(a_host_with_long_ticks_has_rates_and_values_all_the_same),
        cmocka_unit_test(an_application_stands_for_one_and_a_half_of_its_own_spacing),
        cmocka_unit_test(of_several_samples_in_a_row_the_newest_stands),
        cmocka_unit_test(a_counter_of_an_application_is_a_rate_over_all_of_its_row),
    };

    return cmocka_run_group_tests_name("view_row", tests, NULL, NULL);
}

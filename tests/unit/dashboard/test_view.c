// view - series to the number on the chart.

#include "dashboard/view.h"

#include "dashboard/view_window.h"
#include "shared/base/err.h"
#include "tests/unit/dashboard/room.h"

#define T0 INT64_C(1700000000000)

// A view of these series; the sets are released.
static view_t *
view_of(struct label_set *sets, size_t n)
{
    view_t *view = view_new(NULL, 1000);

    for (size_t i = 0; i < n; i++) {
        view_add(view, &sets[i]);
        label_set_release(&sets[i]);
    }
    view_seal(view);
    return view;
}

static size_t
column_at(const view_t *view, const char *id)
{
    const struct view_column *columns;
    const size_t n = view_columns(view, &columns);

    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i].id, id) == 0)
            return i;
    fail_msg("no column %s", id);
    return 0;
}

static void
a_column_none_of_whose_series_exists_is_not_there(void **state)
{
    struct label_set sets[] = { room_labels("node_load1", NULL, NULL, NULL, NULL),
                                room_labels("node_uname_info", NULL, NULL, NULL, NULL) };
    const struct view_column *columns;
    view_t *view = view_of(sets, N_OF(sets));

    (void) state;
    assert_int_equal(view_columns(view, &columns), 1);
    assert_string_equal(columns[0].id, "load.1");
    assert_string_equal(view_unit_str(columns[0].unit), "load");
    assert_int_equal(view_series(view), 1);
    view_destroy(&view);
}

static void
an_application_with_a_hosts_names_is_no_part_of_it(void **state)
{
    const struct label app[] = { { "__name__", "node_load1" }, { "job", "app" } };
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, app, 2), 0);
    assert_false(view_uses(NULL, &set));
    label_set_release(&set);
}

static void
a_rate_is_between_neighbours_and_null_after_reset_hole_and_start(void **state)
{
    static const struct {
        int64_t at_ms;
        double value;
        double rate;
    } rows[] = {
        { 0, 100, NAN },                  // no neighbour
        { 1000, 160, 60 },                //
        { 2500, 250, 60 },                // late, but no hole: 1.5 intervals
        { 4001, 300, NAN },               // a hole: 1.501
        { 5001, 310, 10 },                //
        { 6001, 2, NAN },                 // a reset
        { 7001, 2, 0 },                   // nothing happened
        { 8001, NAN, NAN },               // no sample
        { 9001, 20, NAN },                // its neighbour is two rows back
        { 9011, 30, NAN },                // another clock between the ticks
        { 10001, 129, 100 / 0.99 * .99 }, // (129 - 30) / 0.99 s
    };
    struct label_set sets[] = { room_labels("node_forks_total", NULL, NULL, NULL, NULL) };
    view_t *view = view_of(sets, 1);

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        double out;

        view_push(view, T0 + rows[i].at_ms, &rows[i].value, &out);
        room_same(out, rows[i].rate);
    }
    view_destroy(&view);
}

static void
cpu_modes_are_the_mean_of_all_cores_and_cores_the_sum_of_busy_modes(void **state)
{
    static const char *const cpus[] = { "0", "10", "2" };
    static const char *const modes[] = { "user", "system", "idle", "iowait" };
    struct label_set sets[12];
    double row[12] = { 0 }, out[16];
    const struct view_column *columns;
    view_t *view;

    (void) state;
    for (size_t i = 0; i < 12; i++)
        sets[i] = room_cpu(cpus[i / 4], modes[i % 4]);
    view = view_of(sets, 12);
    view_push(view, T0, row, out);
    // Seconds of each mode in the next second: core 0 is all user, 10 a half, 2 waits.
    row[0] = 1;
    row[4] = 0.25;
    row[5] = 0.25;
    row[6] = 0.5;
    row[10] = 0.6;
    row[11] = 0.4;
    view_push(view, T0 + 1000, row, out);
    room_same(out[column_at(view, "cpu.user")], 125.0 / 3);
    room_same(out[column_at(view, "cpu.system")], 25.0 / 3);
    room_same(out[column_at(view, "cpu.iowait")], 40.0 / 3);
    room_same(out[column_at(view, "core.0")], 100);
    room_same(out[column_at(view, "core.10")], 50);
    room_same(out[column_at(view, "core.2")], 0);
    // In the order of their numbers, not of their text.
    assert_int_equal(view_columns(view, &columns), 7);
    assert_string_equal(columns[4].id, "core.0");
    assert_string_equal(columns[5].id, "core.2");
    assert_string_equal(columns[6].id, "core.10");
    view_destroy(&view);
}

static void
a_core_is_never_above_100_percent(void **state)
{
    struct label_set sets[] = { room_cpu("0", "user"), room_cpu("0", "system") };
    double row[2] = { 0, 0 }, out[3];
    view_t *view = view_of(sets, 2);

    (void) state;
    view_push(view, T0, row, out);
    row[0] = 0.9;
    row[1] = 0.13;
    view_push(view, T0 + 1000, row, out);
    room_same(out[column_at(view, "core.0")], 100);
    room_same(out[column_at(view, "cpu.user")], 90);
    view_destroy(&view);
}

static void
a_core_that_went_away_does_not_take_the_others_along(void **state)
{
    struct label_set sets[] = { room_cpu("0", "user"), room_cpu("1", "user") };
    double row[2] = { 0, 0 }, out[3];
    view_t *view = view_of(sets, 2);

    (void) state;
    view_push(view, T0, row, out);
    row[0] = 0.5;
    row[1] = NAN;
    view_push(view, T0 + 1000, row, out);
    room_same(out[column_at(view, "cpu.user")], 50);
    room_same(out[column_at(view, "core.0")], 50);
    room_same(out[column_at(view, "core.1")], NAN);
    view_destroy(&view);
}

static void
a_sum_that_lacks_a_summand_is_null_but_for_what_old_kernels_lack(void **state)
{
    static const char *const names[] = {
        "node_memory_MemTotal_bytes", "node_memory_MemFree_bytes",      "node_memory_Buffers_bytes",
        "node_memory_Cached_bytes",   "node_memory_SReclaimable_bytes",
    };
    struct label_set sets[N_OF(names)];
    double row[] = { 1000, 100, 20, 300, 30 }, out[8];
    view_t *view;

    (void) state;
    for (size_t i = 0; i < N_OF(names); i++)
        sets[i] = room_labels(names[i], NULL, NULL, NULL, NULL);
    view = view_of(sets, N_OF(names));
    view_push(view, T0, row, out);
    room_same(out[column_at(view, "mem.used")], 550);
    room_same(out[column_at(view, "mem.cached")], 330);
    row[4] = NAN;
    view_push(view, T0 + 1000, row, out);
    room_same(out[column_at(view, "mem.used")], 580);
    row[2] = NAN;
    view_push(view, T0 + 2000, row, out);
    room_same(out[column_at(view, "mem.used")], NAN);
    room_same(out[column_at(view, "mem.buffers")], NAN);
    room_same(out[column_at(view, "mem.total")], 1000);
    view_destroy(&view);
}

// Live pushes rows as they come, history loads series: the numbers must be the same, bit by bit.
static void
live_and_history_give_equal_numbers_for_equal_samples(void **state)
{
    static const double values[3][8] = {
        { 0.1, 0.4, 1.3, 1.3, NAN, 2.9, 0.2, 0.9 },
        { 7.7, 8.1, NAN, NAN, 9.0, 9.3, 9.4, 9.9 },
        { 1e9, 2e9, 3e9, 1.5e9, NAN, NAN, 4e9, 1 },
    };
    struct query_series series[3] = {
        room_series(1, room_cpu("0", "user"), T0, values[0], 8),
        room_series(2, room_cpu("1", "user"), T0, values[1], 8),
        room_series(3, room_labels("node_memory_MemTotal_bytes", NULL, NULL, NULL, NULL), T0,
                    values[2], 8),
    };
    view_t *live = view_new(NULL, 1000), *history = view_new(NULL, 1000);
    const struct view_column *columns;
    struct view_window w;

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        view_add(live, &series[i].labels);
        view_add(history, &series[2 - i].labels); // another order must not matter
    }
    view_seal(live);
    view_seal(history);
    view_window_init(&w, view_columns(history, &columns));
    view_window_load(&w, history, series, 3, T0 + 2000, INT64_MAX);
    assert_int_equal(view_window_rows(&w), 6);
    for (size_t r = 0; r < 8; r++) {
        const double row[3] = { values[0][r], values[1][r], values[2][r] };
        double out[8];

        view_push(live, T0 + 1000 * (int64_t) r, row, out);
        if (r >= 2)
            assert_memory_equal(view_window_row(&w, r - 2), out, w.columns * sizeof out[0]);
    }
    view_window_release(&w);
    view_destroy(&live);
    view_destroy(&history);
    for (size_t i = 0; i < 3; i++)
        query_series_release(&series[i]);
}

static void
only_picked_columns_are_made_and_only_their_series_asked(void **state)
{
    struct label_set user = room_cpu("0", "user"), idle = room_cpu("0", "idle");
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];
    const char *selectors[QUERY_SELECTORS_MAX];
    struct buf text = { 0 };
    view_t *view;
    const struct view_column *columns;

    (void) state;
    assert_int_equal(view_pick_parse(&pick, "core.0,load.1,load.1", error), 0);
    assert_int_equal(pick.n, 2);
    assert_int_equal(view_selectors(&pick, &text, selectors, QUERY_SELECTORS_MAX), 2);
    assert_string_equal(selectors[0],
                        "node_cpu_seconds_total{job=\"node\",mode=~\"user|nice|system|"
                        "irq|softirq|steal\"}");
    assert_string_equal(selectors[1], "node_load1{job=\"node\"}");
    view = view_new(&pick, 1000);
    assert_true(view_add(view, &user));
    assert_false(view_add(view, &idle));
    view_seal(view);
    assert_int_equal(view_columns(view, &columns), 1);
    assert_string_equal(columns[0].id, "core.0");
    view_destroy(&view);
    view_pick_release(&pick);
    buf_release(&text);
    label_set_release(&user);
    label_set_release(&idle);
}

static void
every_column_fits_into_one_question(void **state)
{
    const char *selectors[QUERY_SELECTORS_MAX];
    struct buf text = { 0 };
    const size_t n = view_selectors(NULL, &text, selectors, QUERY_SELECTORS_MAX);

    (void) state;
    assert_in_range(n, 20, QUERY_SELECTORS_MAX);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(selectors[i], selectors[k]);
    buf_release(&text);
}

static void
an_id_that_is_no_column_is_refused_with_the_nearest_one(void **state)
{
    static const struct {
        const char *text;
        const char *nearest;
    } bad[] = {
        { "cpu.usr", "\"cpu.user\"" },
        { "load.1,mem.usd", "\"mem.used\"" },
        { "core.x", "\"core.0\"" },
        { "core.01", "\"core.0\"" },
        { "core.", "\"core.0\"" },
        { "cpu.user,,load.1", "nearest" },
        { "a-name-longer-than-any-id-that-there-could-ever-be", "nearest" },
    };
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];

    (void) state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(view_pick_parse(&pick, bad[i].text, error), ERR_UNKNOWN);
        assert_non_null(strstr(error, bad[i].nearest));
        assert_int_equal(pick.n, 0);
    }
    assert_int_equal(view_pick_parse(&pick, "", error), 0); // all of them
    assert_int_equal(pick.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_none_of_whose_series_exists_is_not_there),
        cmocka_unit_test(an_application_with_a_hosts_names_is_no_part_of_it),
        cmocka_unit_test(a_rate_is_between_neighbours_and_null_after_reset_hole_and_start),
        cmocka_unit_test(cpu_modes_are_the_mean_of_all_cores_and_cores_the_sum_of_busy_modes),
        cmocka_unit_test(a_core_is_never_above_100_percent),
        cmocka_unit_test(a_core_that_went_away_does_not_take_the_others_along),
        cmocka_unit_test(a_sum_that_lacks_a_summand_is_null_but_for_what_old_kernels_lack),
        cmocka_unit_test(live_and_history_give_equal_numbers_for_equal_samples),
        cmocka_unit_test(only_picked_columns_are_made_and_only_their_series_asked),
        cmocka_unit_test(every_column_fits_into_one_question),
        cmocka_unit_test(an_id_that_is_no_column_is_refused_with_the_nearest_one),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

// view - which columns there are, and the sums that they are.

#include "dashboard/view.h"

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

// A row in which each series has a sample; NaN leaves one out.
static void
push(view_t *view, int64_t time_ms, const double *row, double *out)
{
    view_begin(view, time_ms);
    for (size_t i = 0; i < view_series(view); i++)
        if (!isnan(row[i]))
            view_take(view, i, time_ms, row[i]);
    view_end(view, out);
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
                                room_labels("node_entropy_pool_size_bits", NULL, NULL, NULL,
                                            NULL) };
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
    struct label_set sets[] = { room_app("node_load1", "red", "red") };
    const struct view_column *columns;
    view_t *view;

    (void) state;
    assert_false(view_is_tick(&sets[0]));
    view = view_of(sets, 1);
    assert_int_equal(view_columns(view, &columns), 1);
    assert_string_equal(columns[0].id, "app.other.node_load1.red");
    view_destroy(&view);
}

static void
the_columns_of_one_kind_stand_as_people_count(void **state)
{
    static const char *const devices[] = { "sdb", "sda10", "sda", "sda2" };
    static const char *const want[] = { "disk.read.sda", "disk.read.sda2", "disk.read.sda10",
                                        "disk.read.sdb" };
    struct label_set sets[4];
    const struct view_column *columns;
    view_t *view;

    (void) state;
    for (size_t i = 0; i < 4; i++)
        sets[i] = room_labels("node_disk_read_bytes_total", "device", devices[i], NULL, NULL);
    view = view_of(sets, 4);
    assert_int_equal(view_columns(view, &columns), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(columns[i].id, want[i]);
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
    push(view, T0, row, out);
    // Seconds of each mode in the next second: core 0 is all user, 10 a half, 2 waits.
    row[0] = 1;
    row[4] = 0.25;
    row[5] = 0.25;
    row[6] = 0.5;
    row[10] = 0.6;
    row[11] = 0.4;
    push(view, T0 + 1000, row, out);
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
    push(view, T0, row, out);
    row[0] = 0.9;
    row[1] = 0.13;
    push(view, T0 + 1000, row, out);
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
    push(view, T0, row, out);
    row[0] = 0.5;
    view_begin(view, T0 + 1000);
    view_take(view, 0, T0 + 1000, 0.5);
    view_take(view, 1, T0 + 1000, sample_from_bits(SAMPLE_STALE_BITS));
    view_end(view, out);
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
    push(view, T0, row, out);
    room_same(out[column_at(view, "mem.used")], 550);
    room_same(out[column_at(view, "mem.cached")], 330);
    view_begin(view, T0 + 1000);
    view_take(view, 4, T0 + 1000, NAN); // the end of it
    view_end(view, out);
    room_same(out[column_at(view, "mem.used")], 580);
    view_begin(view, T0 + 2000);
    view_take(view, 2, T0 + 2000, NAN);
    view_end(view, out);
    room_same(out[column_at(view, "mem.used")], NAN);
    room_same(out[column_at(view, "mem.buffers")], NAN);
    room_same(out[column_at(view, "mem.total")], 1000);
    view_destroy(&view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_none_of_whose_series_exists_is_not_there),
        cmocka_unit_test(an_application_with_a_hosts_names_is_no_part_of_it),
        cmocka_unit_test(the_columns_of_one_kind_stand_as_people_count),
        cmocka_unit_test(cpu_modes_are_the_mean_of_all_cores_and_cores_the_sum_of_busy_modes),
        cmocka_unit_test(a_core_is_never_above_100_percent),
        cmocka_unit_test(a_core_that_went_away_does_not_take_the_others_along),
        cmocka_unit_test(a_sum_that_lacks_a_summand_is_null_but_for_what_old_kernels_lack),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

// live_kept - rows that wait for their window, and samples that wait for their tick.

#include "dashboard/live_kept.h"

#include "tests/unit/dashboard/room.h"

#define T0 INT64_C(1700000000000)

static void
add_row(struct live_rows *rows, uint64_t number)
{
    const struct live_header h = { .type = LIVE_ROW, .number = number };
    struct live_row cells = { .n = 1, .size = 1 };

    cells.ids = calloc(1, sizeof *cells.ids);
    cells.values = calloc(1, sizeof *cells.values);
    assert_non_null(cells.ids);
    assert_non_null(cells.values);
    live_rows_add(rows, LIVE_HOST_ROWS, &h, &cells);
    assert_null(cells.ids); // taken
}

static void
of_too_many_rows_the_newest_stay_in_order(void **state)
{
    struct live_rows rows = { 0 };

    (void) state;
    for (uint64_t i = 1; i <= LIVE_ROWS_MAX + 1; i++)
        add_row(&rows, i);
    assert_int_equal(rows.n, LIVE_ROWS_MAX / 2 + 1);
    for (size_t i = 0; i < rows.n; i++)
        assert_int_equal(rows.at[i].header.number, LIVE_ROWS_MAX / 2 + 1 + i);
    live_rows_clear(&rows);
    assert_int_equal(rows.n, 0);
    add_row(&rows, 1);
    assert_int_equal(rows.n, 1);
    live_rows_release(&rows);
}

static void
samples_go_into_the_row_that_is_not_before_them(void **state)
{
    struct label_set set = room_app("app_queue", "red", NULL);
    view_t *view = view_new(NULL, 1000);
    struct live_pending p = { 0 };
    double out;

    (void) state;
    view_add(view, &set);
    label_set_release(&set);
    view_seal(view);
    assert_true(live_pending_add(&p, 0, T0 + 1400, 2)); // its tick is the second one
    assert_true(live_pending_add(&p, 0, T0 + 500, 1));
    view_begin(view, T0 + 1000);
    live_pending_take(&p, view, T0 + 1000);
    view_end(view, &out);
    room_same(out, 1);
    assert_int_equal(p.n, 1);
    view_begin(view, T0 + 2000);
    live_pending_take(&p, view, T0 + 2000);
    view_end(view, &out);
    room_same(out, 2);
    assert_int_equal(p.n, 0);
    live_pending_release(&p);
    view_destroy(&view);
}

static void
what_waits_for_a_tick_has_a_limit(void **state)
{
    struct live_pending p = { 0 };

    (void) state;
    for (int64_t i = 0; i < LIVE_PENDING_MAX; i++)
        assert_true(live_pending_add(&p, 0, T0 + i, 1));
    assert_false(live_pending_add(&p, 0, T0, 1));
    assert_int_equal(p.n, LIVE_PENDING_MAX);
    live_pending_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_too_many_rows_the_newest_stay_in_order),
        cmocka_unit_test(samples_go_into_the_row_that_is_not_before_them),
        cmocka_unit_test(what_waits_for_a_tick_has_a_limit),
    };

    return cmocka_run_group_tests_name("live_kept", tests, NULL, NULL);
}

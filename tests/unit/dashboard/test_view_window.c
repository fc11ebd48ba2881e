// view_window - samples of a store become rows of columns, whatever of the past was loaded.

#include "dashboard/view_window.h"

#include "tests/support/seeded.h"
#include "tests/unit/dashboard/room.h"

#define T0   INT64_C(1700000000000)
#define LAST 900 // ticks of the model, a second each
#define END  sample_from_bits(SAMPLE_STALE_BITS)

static struct query_series
empty(uint32_t id, struct label_set labels)
{
    struct query_series s = { .id = id, .labels = labels };

    s.samples = calloc(2 * LAST, sizeof *s.samples);
    assert_non_null(s.samples);
    return s;
}

static void
put(struct query_series *s, int64_t time_ms, double value)
{
    assert_true(s->n < 2 * LAST);
    s->samples[s->n++] = (struct sample){ .time_ms = T0 + time_ms, .value = value };
}

static void
release(struct query_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++)
        query_series_release(&series[i]);
}

// A view of all of them, and the window from_ms to before_ms of what `series` holds.
static view_t *
load(struct view_window *w, const struct query_series *series, size_t n, int64_t from_ms,
     int64_t before_ms)
{
    view_t *view = view_new(NULL, 1000);
    const struct view_column *columns;

    for (size_t i = 0; i < n; i++)
        view_add(view, &series[i].labels);
    view_seal(view);
    view_window_init(w, view_columns(view, &columns));
    view_window_load(w, view, series, n, T0 + from_ms, before_ms);
    return view;
}

static void
rows_are_the_hosts_ticks_and_applications_go_to_the_next_one(void **state)
{
    struct query_series series[] = {
        empty(1, room_labels("node_load1", NULL, NULL, NULL, NULL)),
        empty(2, room_app("app_queue", "red", NULL)),
    };
    static const double want[4][2] = { { 0, NAN }, { 1, 7 }, { 2, 9 }, { 3, 9 } };
    struct view_window w;
    view_t *view;

    (void) state;
    for (int64_t i = 0; i < 4; i++)
        put(&series[0], 1000 * i, (double) i);
    put(&series[1], 300, 7);
    put(&series[1], 1200, 8);
    put(&series[1], 2000, 9);
    put(&series[1], 3001, 10); // of the row to come
    view = load(&w, series, 2, 0, INT64_MAX);
    assert_int_equal(view_window_rows(&w), 4);
    for (size_t r = 0; r < 4; r++) {
        assert_int_equal(view_window_time(&w, r), T0 + 1000 * (int64_t) r);
        for (size_t c = 0; c < 2; c++)
            room_same(view_window_row(&w, r)[c], want[r][c]);
    }
    view_window_release(&w);
    view_destroy(&view);
    release(series, 2);
}

static void
a_tick_that_no_column_needs_makes_a_row_all_the_same(void **state)
{
    struct query_series series[] = {
        empty(1, room_labels("node_filesystem_avail_bytes", "mountpoint", "/", NULL, NULL)),
        empty(2, room_labels("node_entropy_available_bits", NULL, NULL, NULL, NULL)),
    };
    struct view_window w;
    view_t *view;

    (void) state;
    put(&series[0], 0, 5);
    for (int64_t i = 0; i < 10; i++)
        put(&series[1], 1000 * i, 1);
    view = load(&w, series, 2, 0, INT64_MAX);
    assert_int_equal(view_window_rows(&w), 10);
    assert_int_equal(w.columns, 1);
    room_same(view_window_row(&w, 9)[0], 5);
    view_window_release(&w);
    view_destroy(&view);
    release(series, 2);
}

static void
without_a_tick_applications_make_the_rows(void **state)
{
    struct query_series series[] = { empty(1, room_app("app_queue", "red", NULL)),
                                     empty(2, room_app("app_queue", "blue", NULL)) };
    struct view_window w;
    view_t *view;

    (void) state;
    put(&series[0], 100, 1);
    put(&series[0], 1100, 2);
    put(&series[1], 600, 3);
    put(&series[1], 1100, 4);
    view = load(&w, series, 2, 0, INT64_MAX);
    assert_int_equal(view_window_rows(&w), 3);
    assert_int_equal(view_window_time(&w, 1), T0 + 600);
    room_same(view_window_row(&w, 2)[0], 4); // blue
    room_same(view_window_row(&w, 2)[1], 2);
    view_window_release(&w);
    view_destroy(&view);
    release(series, 2);
}

// A fast and a slow counter, a slow gauge, and applications at odd times; holes, ends and resets.
static void
make_past(struct query_series *series, uint64_t *seed)
{
    double fast = 0, slow = 0;
    int64_t red_ms = 0, blue_ms = 0;

    series[0] = empty(1, room_labels("node_forks_total", NULL, NULL, NULL, NULL));
    series[1] = empty(2,
                      room_labels("node_disk_reads_completed_total", "device", "sda", NULL, NULL));
    series[2] = empty(3, room_labels("node_filesystem_avail_bytes", "mountpoint", "/", NULL, NULL));
    series[3] = empty(4, room_app("app_cpu_ratio", "red", "red"));
    series[4] = empty(5, room_app("app_cpu_ratio", "blue", "blue"));
    for (int64_t i = 0; i < LAST; i++) {
        const uint64_t dice = seeded_next(seed) % 100;

        fast = dice == 0 ? 0 : fast + (double) (dice % 7) / 3;
        slow += (double) (dice % 5);
        if (dice == 1) // the host was away
            i += (int64_t) (seeded_next(seed) % 120);
        if (dice != 2)
            put(&series[0], 1000 * i, dice == 3 ? END : fast);
        if (i % 10 == 4)
            put(&series[1], 1000 * i, dice < 10 ? END : slow);
        if (i % 30 == 7)
            put(&series[2], 1000 * i, dice < 10 ? END : (double) i);
        while (red_ms < 1000 * i) {
            put(&series[3], red_ms, (double) dice);
            red_ms += 900 + (int64_t) (seeded_next(seed) % 300);
        }
        while (blue_ms < 1000 * i) {
            put(&series[4], blue_ms, dice < 5 ? END : (double) dice);
            blue_ms += 1000 + (int64_t) (seeded_next(seed) % 80000);
        }
    }
}

// What history shows of a stretch does not depend on how much of the past was loaded with it, as
// long as it is what view_back_ms says; and that is what a live view shows that saw it all.
static void
the_past_that_is_loaded_for_it_is_enough(void **state)
{
    uint64_t seed = 20;

    (void) state;
    for (int round = 0; round < 30; round++) {
        struct query_series all[5], part[5];
        struct view_window whole, piece;
        view_t *a, *b;
        int64_t from_ms = 200000 + (int64_t) (seeded_next(&seed) % 500000);
        size_t first = 0;

        make_past(all, &seed);
        a = load(&whole, all, 5, 0, INT64_MAX);
        for (size_t i = 0; i < 5; i++) {
            part[i] = all[i];
            while (part[i].n > 0 &&
                   part[i].samples[0].time_ms < T0 + from_ms - view_back_ms(1000)) {
                part[i].samples++;
                part[i].n--;
            }
        }
        b = load(&piece, part, 5, from_ms, INT64_MAX);
        while (view_window_time(&whole, first) < T0 + from_ms)
            first++;
        assert_int_equal(view_window_rows(&piece), view_window_rows(&whole) - first);
        for (size_t r = 0; r < view_window_rows(&piece); r++)
            for (size_t c = 0; c < piece.columns; c++) {
                const double x = view_window_row(&piece, r)[c];
                const double y = view_window_row(&whole, first + r)[c];

                if (isnan(x) != isnan(y) || (!isnan(x) && x != y))
                    fail_msg("round %d, row %zu, column %zu: %g, not %g", round, r, c, x, y);
            }
        view_window_release(&whole);
        view_window_release(&piece);
        view_destroy(&a);
        view_destroy(&b);
        release(all, 5);
    }
}

static void
rows_before_the_stretch_and_from_its_end_on_are_left_out(void **state)
{
    struct query_series series = empty(1, room_labels("node_load1", NULL, NULL, NULL, NULL));
    struct view_window w;
    view_t *view;

    (void) state;
    for (int64_t i = 0; i < 10; i++)
        put(&series, 1000 * i, (double) i);
    view = load(&w, &series, 1, 3000, T0 + 7000);
    assert_int_equal(view_window_rows(&w), 4);
    assert_int_equal(view_window_time(&w, 0), T0 + 3000);
    assert_int_equal(view_window_time(&w, 3), T0 + 6000);
    view_window_trim(&w, T0 + 5000, 10);
    assert_int_equal(view_window_rows(&w), 2);
    view_window_trim(&w, 0, 1);
    assert_int_equal(view_window_time(&w, 0), T0 + 6000);
    view_window_release(&w);
    view_destroy(&view);
    release(&series, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_hosts_ticks_and_applications_go_to_the_next_one),
        cmocka_unit_test(a_tick_that_no_column_needs_makes_a_row_all_the_same),
        cmocka_unit_test(without_a_tick_applications_make_the_rows),
        cmocka_unit_test(the_past_that_is_loaded_for_it_is_enough),
        cmocka_unit_test(rows_before_the_stretch_and_from_its_end_on_are_left_out),
    };

    return cmocka_run_group_tests_name("view_window", tests, NULL, NULL);
}

// live_feed - subscription and history joined without a seam, whatever order things come in.
//
// Some 600 lines: one order of states, and a test for each way through it.

#include "dashboard/live_feed.h"

#include "shared/base/buf.h"
#include "shared/wire/live.h"
#include "tests/unit/dashboard/room.h"

#define T0    INT64_C(1700000000000)
#define EPOCH 77

// What the collector has of the host: one counter that rises by `pubseq` at tick `pubseq`, so that
// each rate names its row.
static double
value_at(uint64_t pubseq)
{
    return (double) (pubseq * (pubseq + 1)) / 2;
}

static int64_t
time_at(uint64_t pubseq)
{
    return T0 + 1000 * (int64_t) pubseq;
}

static struct label_set
forks(void)
{
    return room_labels("node_forks_total", NULL, NULL, NULL, NULL);
}

// The row's number in the store: between two ticks came two rows of applications.
static uint64_t
number_of(uint64_t pubseq)
{
    return 3 * pubseq;
}

// The table, as published behind the row `pubseq`.
static unsigned
table(live_feed_t *feed, uint64_t epoch, uint32_t generation, uint64_t pubseq, int64_t now_ms)
{
    const struct live_header h = { .type = LIVE_TABLE,
                                   .epoch = epoch,
                                   .pubseq = pubseq,
                                   .number = number_of(pubseq),
                                   .generation = generation };
    struct live_series series[] = {
        { .id = 4,
          .kind = METRIC_GAUGE,
          .labels = room_labels("some_other_metric", NULL, NULL, NULL, NULL) },
        { .id = 5 + generation, .kind = METRIC_COUNTER, .labels = forks() },
    };
    struct buf out = { 0 };
    unsigned todo;

    live_put_table(&out, &h, series, N_OF(series));
    todo = live_feed_message(feed, LIVE_HOST_ROWS, out.at, out.len, now_ms);
    buf_release(&out);
    for (size_t i = 0; i < N_OF(series); i++)
        label_set_release(&series[i].labels);
    return todo;
}

static unsigned
row_at(live_feed_t *feed, uint64_t pubseq, uint32_t generation, int64_t time_ms, int64_t now_ms)
{
    const struct live_header h = { .type = LIVE_ROW,
                                   .epoch = EPOCH,
                                   .pubseq = pubseq,
                                   .number = number_of(pubseq),
                                   .time_ms = time_ms,
                                   .generation = generation };
    const uint32_t ids[] = { 4, 5 + generation };
    const double values[] = { 1, value_at(pubseq) };
    struct buf out = { 0 };
    unsigned todo;

    live_put_row(&out, &h, ids, values, 2);
    todo = live_feed_message(feed, LIVE_HOST_ROWS, out.at, out.len, now_ms);
    buf_release(&out);
    return todo;
}

static unsigned
row(live_feed_t *feed, uint64_t pubseq, int64_t now_ms)
{
    return row_at(feed, pubseq, 1, time_at(pubseq), now_ms);
}

// The collector's answer: rows 1 to `holds`, of which `upto` are sure to be whole.
static unsigned
answer(live_feed_t *feed, uint64_t epoch, uint64_t upto, uint64_t holds, int64_t now_ms)
{
    double values[64];
    struct query_series series;
    // Of what came since that row nothing is the host's own.
    struct live_answer a = {
        .epoch = epoch, .upto = number_of(upto) + 1, .series = &series, .n = 1
    };
    unsigned todo;

    assert_true(holds < N_OF(values));
    for (uint64_t i = 0; i < holds; i++)
        values[i] = value_at(i + 1);
    series = room_series(9, forks(), time_at(1), values, (uint32_t) holds);
    todo = live_feed_answer(feed, &a, now_ms);
    query_series_release(&series);
    return todo;
}

// The window is rows 1 to `last`, each once, each with its own rate but the first.
static void
expect_rows(const live_feed_t *feed, uint64_t last)
{
    const struct view_window *w = live_feed_window(feed);

    assert_int_equal(view_window_rows(w), last);
    for (uint64_t i = 0; i < last; i++) {
        assert_int_equal(view_window_time(w, i), time_at(i + 1));
        room_same(view_window_row(w, i)[0], i == 0 ? NAN : (double) (i + 1));
    }
}

static live_feed_t *
joined(uint64_t upto)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    assert_int_equal(table(feed, EPOCH, 1, upto, 0), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, upto, upto, 1), LIVE_SNAP);
    expect_rows(feed, upto);
    return feed;
}

static void
the_window_is_asked_after_the_table_and_rows_follow_it(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    (void) state;
    assert_false(live_feed_joined(feed));
    assert_int_equal(table(feed, EPOCH, 1, 9, 0), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 10, 10, 1), LIVE_SNAP);
    assert_true(live_feed_joined(feed));
    assert_int_equal(row(feed, 10, 2), 0);
    assert_int_equal(row(feed, 11, 2), LIVE_TICK);
    assert_int_equal(row(feed, 12, 3), LIVE_TICK);
    expect_rows(feed, 12);
    live_feed_destroy(&feed);
}

// Every way in which the answer and the kept rows can overlap gives the same window.
static void
no_row_is_lost_or_doubled_wherever_the_seam_is(void **state)
{
    (void) state;
    for (uint64_t first = 1; first <= 12; first++)
        for (uint64_t upto = first > 9 ? first - 1 : 8; upto <= 14; upto++)
            for (uint64_t holds = upto; holds <= upto + 1; holds++) {
                live_feed_t *feed = live_feed_new(1000, 0);

                // Rows before the table, rows before the answer, and rows after it.
                for (uint64_t i = first; i <= 8; i++)
                    assert_int_equal(row(feed, i, 0), 0);
                assert_int_equal(table(feed, EPOCH, 1, first > 9 ? first - 1 : 8, 0),
                                 LIVE_ASK_WINDOW);
                for (uint64_t i = first > 9 ? first : 9; i <= 12; i++)
                    assert_int_equal(row(feed, i, 0), 0);
                assert_int_equal(answer(feed, EPOCH, upto, holds, 1), LIVE_SNAP);
                // A part of row upto + 1 came with the answer, and none is kept: asked again.
                if (holds > upto && upto >= 12) {
                    assert_int_equal(row(feed, upto + 1, 500), LIVE_ASK_WINDOW);
                    assert_int_equal(answer(feed, EPOCH, upto + 1, upto + 1, 501), LIVE_SNAP);
                }
                for (uint64_t i = 13; i <= 16; i++)
                    row(feed, i, 600);
                expect_rows(feed, 16);
                live_feed_destroy(&feed);
            }
}

static void
a_hole_in_pubseq_asks_the_window_again_and_keeps_what_comes(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(row(feed, 12, 1000), LIVE_ASK_WINDOW);
    assert_int_equal(row(feed, 13, 1000), 0);
    expect_rows(feed, 10);
    assert_int_equal(answer(feed, EPOCH, 12, 12, 1010), LIVE_SNAP);
    expect_rows(feed, 13);
    assert_int_equal(live_feed_counters(feed)->rejoins, 1);
    live_feed_destroy(&feed);
}

static void
a_hole_among_the_kept_rows_is_seen(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    (void) state;
    table(feed, EPOCH, 1, 10, 0);
    row(feed, 11, 0);
    row(feed, 13, 0);
    assert_int_equal(answer(feed, EPOCH, 10, 10, 500), LIVE_SNAP | LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 13, 13, 510), LIVE_SNAP);
    expect_rows(feed, 13);
    live_feed_destroy(&feed);
}

// Rows that came before the table are lost to who has only an older answer.
static void
an_answer_older_than_the_table_is_no_ground_to_go_on_from(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    (void) state;
    table(feed, EPOCH, 1, 12, 0);
    row(feed, 13, 0);
    assert_int_equal(answer(feed, EPOCH, 10, 10, 500), LIVE_SNAP | LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 13, 13, 510), LIVE_SNAP);
    assert_int_equal(row(feed, 14, 520), LIVE_TICK);
    expect_rows(feed, 14);
    live_feed_destroy(&feed);
}

static void
windows_are_not_asked_for_in_a_spin(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(row(feed, 12, 1000), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 10, 10, 1001), LIVE_SNAP); // still without row 11
    assert_int_equal(live_feed_check(feed, 1100), 0);
    assert_int_equal(live_feed_check(feed, 1250), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_check(feed, 1251), 0);
    live_feed_destroy(&feed);
}

static void
a_published_row_that_was_in_the_window_is_dropped(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(row(feed, 9, 5), 0);
    assert_int_equal(row(feed, 10, 5), 0);
    assert_int_equal(row(feed, 11, 5), LIVE_TICK);
    expect_rows(feed, 11);
    live_feed_destroy(&feed);
}

static void
an_unknown_table_is_asked_for(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(row_at(feed, 11, 2, time_at(11), 1000), LIVE_ASK_TABLE);
    assert_int_equal(row_at(feed, 12, 2, time_at(12), 1500), 0);
    assert_int_equal(live_feed_check(feed, 1900), 0);
    assert_int_equal(live_feed_check(feed, 2000), LIVE_ASK_TABLE); // it did not come
    assert_int_equal(table(feed, EPOCH, 2, 12, 2100), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 11, 11, 2110), LIVE_SNAP);
    expect_rows(feed, 12);
    live_feed_destroy(&feed);
}

static void
a_table_with_nothing_new_for_us_changes_only_ids(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(table(feed, EPOCH, 1, 10, 100), 0); // the same once more
    assert_int_equal(table(feed, EPOCH, 2, 10, 100), 0); // forks has another id now
    assert_int_equal(row_at(feed, 11, 2, time_at(11), 100), LIVE_TICK);
    expect_rows(feed, 11);
    live_feed_destroy(&feed);
}

static void
a_restarted_collector_is_joined_anew(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(table(feed, EPOCH + 1, 1, 3, 5000), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH + 1, 3, 3, 5010), LIVE_SNAP);
    assert_int_equal(answer(feed, EPOCH + 1, 3, 3, 5020), 0);
    expect_rows(feed, 3);
    live_feed_destroy(&feed);
}

static void
an_answer_of_another_epoch_is_not_taken(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    (void) state;
    table(feed, EPOCH, 1, 5, 0);
    assert_int_equal(answer(feed, EPOCH + 1, 5, 5, 1), LIVE_ASK_TABLE);
    assert_false(live_feed_joined(feed));
    assert_int_equal(table(feed, EPOCH + 1, 1, 5, 300), LIVE_ASK_WINDOW);
    live_feed_destroy(&feed);
}

static void
what_is_not_answered_is_asked_again(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);

    (void) state;
    assert_int_equal(live_feed_check(feed, 999), 0);
    assert_int_equal(live_feed_check(feed, 1000), LIVE_ASK_TABLE);
    assert_int_equal(table(feed, EPOCH, 1, 1, 1100), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_check(feed, 3000), 0);
    assert_int_equal(live_feed_check(feed, 3100), LIVE_ASK_WINDOW);
    assert_int_equal(answer(feed, EPOCH, 1, 1, 3200), LIVE_SNAP);
    assert_int_equal(live_feed_check(feed, 99999), 0);
    live_feed_destroy(&feed);
}

static void
a_late_row_is_left_out_and_a_clock_set_back_is_followed(void **state)
{
    live_feed_t *feed = joined(40);
    struct live_ask ask;

    (void) state;
    assert_int_equal(row_at(feed, 41, 1, time_at(20) + 3, 1000), 0);
    assert_int_equal(row(feed, 42, 1000), LIVE_TICK);
    for (uint64_t i = 43; i < 47; i++)
        assert_int_equal(row_at(feed, i, 1, time_at(i - 33) + 3, 1000), 0);
    assert_int_equal(row_at(feed, 47, 1, time_at(14) + 3, 1000), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_counters(feed)->late, 6);
    ask = live_feed_ask(feed, time_at(42));
    assert_int_equal(ask.end_ms, time_at(14) + 3);
    assert_int_equal(ask.start_ms, time_at(14) + 3 - LIVE_FEED_WINDOW_MS - view_back_ms(1000));
    live_feed_destroy(&feed);
}

static void
the_window_asked_for_leaves_room_for_what_stands_at_its_beginning(void **state)
{
    live_feed_t *feed = live_feed_new(1000, 0);
    const struct live_ask ask = live_feed_ask(feed, T0);

    (void) state;
    assert_int_equal(ask.start_ms, T0 - LIVE_FEED_WINDOW_MS - view_back_ms(1000));
    assert_true(ask.end_ms == INT64_MAX);
    live_feed_destroy(&feed);
}

static void
the_window_holds_five_minutes(void **state)
{
    live_feed_t *feed = joined(10);
    const struct view_window *w;

    (void) state;
    for (uint64_t i = 11; i <= 1000; i++)
        assert_int_equal(row(feed, i, 5000), LIVE_TICK);
    w = live_feed_window(feed);
    assert_int_equal(view_window_rows(w), 301);
    assert_int_equal(view_window_time(w, 0), time_at(700));
    assert_int_equal(view_window_time(w, 300), time_at(1000));
    room_same(view_window_row(w, 0)[0], 700);
    room_same(view_window_row(w, 300)[0], 1000);
    live_feed_destroy(&feed);
}

static void
another_interval_asks_the_window_again(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(live_feed_set_interval(feed, 1000, 1000), 0);
    assert_int_equal(live_feed_set_interval(feed, 500, 1000), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_interval(feed), 500);
    live_feed_destroy(&feed);
}

static void
a_message_cut_anywhere_is_counted_and_survived(void **state)
{
    const struct live_header h = { .type = LIVE_ROW,
                                   .epoch = EPOCH,
                                   .pubseq = 11,
                                   .number = number_of(11),
                                   .time_ms = time_at(11),
                                   .generation = 1 };
    const uint32_t ids[] = { 6 };
    const double values[] = { 66 };
    live_feed_t *feed = joined(10);
    struct buf out = { 0 };

    (void) state;
    live_put_row(&out, &h, ids, values, 1);
    for (size_t n = 0; n < out.len; n++)
        assert_int_equal(live_feed_message(feed, LIVE_HOST_ROWS, out.at, n, 10), 0);
    assert_int_equal(live_feed_counters(feed)->malformed, out.len);
    assert_int_equal(live_feed_message(feed, LIVE_HOST_ROWS, out.at, out.len, 10), LIVE_TICK);
    expect_rows(feed, 11);
    buf_release(&out);
    live_feed_destroy(&feed);
}

// A TABLE or a ROW of a/: one application, one number.
static unsigned
app_table(live_feed_t *feed, uint32_t generation, uint64_t pubseq, uint64_t number, int64_t now_ms)
{
    const struct live_header h = { .type = LIVE_TABLE,
                                   .epoch = EPOCH,
                                   .pubseq = pubseq,
                                   .number = number,
                                   .generation = generation };
    struct live_series series = { .id = 50, .labels = room_app("app_queue", "red", NULL) };
    struct buf out = { 0 };
    unsigned todo;

    live_put_table(&out, &h, &series, generation > 0);
    todo = live_feed_message(feed, LIVE_APP_ROWS, out.at, out.len, now_ms);
    buf_release(&out);
    label_set_release(&series.labels);
    return todo;
}

static unsigned
app_row(live_feed_t *feed, uint64_t pubseq, uint64_t number, int64_t time_ms, double value,
        int64_t now_ms)
{
    const struct live_header h = { .type = LIVE_ROW,
                                   .epoch = EPOCH,
                                   .pubseq = pubseq,
                                   .number = number,
                                   .time_ms = time_ms,
                                   .generation = 1 };
    const uint32_t id = 50;
    struct buf out = { 0 };
    unsigned todo;

    live_put_row(&out, &h, &id, &value, 1);
    todo = live_feed_message(feed, LIVE_APP_ROWS, out.at, out.len, now_ms);
    buf_release(&out);
    return todo;
}

// A host with an application, whose one sample came between ticks 9 and 10.
static live_feed_t *
joined_with_app(void)
{
    live_feed_t *feed = live_feed_new(1000, 0);
    double values[10];
    const double one = 7;
    struct query_series series[2];
    struct live_answer a = { .epoch = EPOCH, .upto = number_of(10) + 1, .series = series, .n = 2 };

    for (uint64_t i = 0; i < 10; i++)
        values[i] = value_at(i + 1);
    series[0] = room_series(9, forks(), time_at(1), values, 10);
    series[1] = room_series(50, room_app("app_queue", "red", NULL), time_at(9) + 400, &one, 1);
    app_table(feed, 1, 4, number_of(10) - 1, 0);
    assert_int_equal(table(feed, EPOCH, 1, 10, 0), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_answer(feed, &a, 1), LIVE_SNAP);
    query_series_release(&series[0]);
    query_series_release(&series[1]);
    return feed;
}

static double
newest(const live_feed_t *feed, size_t column)
{
    const struct view_window *w = live_feed_window(feed);

    return view_window_row(w, view_window_rows(w) - 1)[column];
}

static void
what_an_application_sent_stands_in_the_next_tick(void **state)
{
    live_feed_t *feed = joined_with_app();

    (void) state;
    room_same(newest(feed, 1), 7);
    assert_int_equal(app_row(feed, 5, number_of(10) + 2, time_at(10) + 100, 8, 2), 0);
    assert_int_equal(app_row(feed, 6, number_of(10) + 2, time_at(10) + 600, 9, 2), 0);
    room_same(newest(feed, 1), 7);
    assert_int_equal(row(feed, 11, 3), LIVE_TICK);
    room_same(newest(feed, 1), 9);
    live_feed_destroy(&feed);
}

// It cannot change a row that is out; history has it there.
static void
what_comes_after_its_tick_stands_from_the_next_one_on(void **state)
{
    live_feed_t *feed = joined_with_app();

    (void) state;
    assert_int_equal(row(feed, 11, 3), LIVE_TICK);
    room_same(newest(feed, 1), NAN); // 1.6 s old
    assert_int_equal(app_row(feed, 5, number_of(11) + 1, time_at(11) - 5, 8, 4), 0);
    assert_int_equal(row(feed, 12, 5), LIVE_TICK);
    room_same(newest(feed, 1), 8);
    live_feed_destroy(&feed);
}

static void
a_hole_among_applications_asks_the_window_again(void **state)
{
    live_feed_t *feed = joined_with_app();

    (void) state;
    assert_int_equal(app_row(feed, 6, number_of(10) + 2, time_at(10) + 600, 9, 500),
                     LIVE_ASK_WINDOW);
    live_feed_destroy(&feed);
}

static void
an_application_that_comes_new_asks_the_window_again(void **state)
{
    live_feed_t *feed = joined(10);

    (void) state;
    assert_int_equal(app_table(feed, 0, 0, 0, 300), 0); // nobody yet
    assert_int_equal(app_row(feed, 1, number_of(10) + 2, time_at(10) + 600, 9, 500),
                     LIVE_ASK_TABLE);
    assert_int_equal(app_table(feed, 1, 1, number_of(10) + 2, 510), LIVE_ASK_WINDOW);
    live_feed_destroy(&feed);
}

static void
a_host_without_ticks_has_the_rows_of_its_applications(void **state)
{
    const struct live_header h = { .type = LIVE_TABLE, .epoch = EPOCH, .generation = 1 };
    live_feed_t *feed = live_feed_new(1000, 0);
    struct live_answer a = { .epoch = EPOCH, .upto = 0 };
    struct buf out = { 0 };

    (void) state;
    live_put_table(&out, &h, NULL, 0);
    app_table(feed, 1, 0, 0, 0);
    assert_int_equal(live_feed_message(feed, LIVE_HOST_ROWS, out.at, out.len, 0), LIVE_ASK_WINDOW);
    assert_int_equal(live_feed_answer(feed, &a, 1), LIVE_SNAP);
    assert_int_equal(app_row(feed, 1, 1, T0 + 300, 5, 2), LIVE_TICK);
    assert_int_equal(app_row(feed, 2, 2, T0 + 1350, 6, 3), LIVE_TICK);
    assert_int_equal(view_window_time(live_feed_window(feed), 1), T0 + 1350);
    room_same(newest(feed, 0), 6);
    buf_release(&out);
    live_feed_destroy(&feed);
}

static void
the_window_tells_the_facts_of_the_host(void **state)
{
    const struct label uname[] = { { "__name__", "node_uname_info" },
                                   { "job", "node" },
                                   { "machine", "x86_64" },
                                   { "release", "6.1.0-13" } };
    live_feed_t *feed = live_feed_new(1000, 0);
    struct query_series series;
    struct live_answer a = { .epoch = EPOCH, .upto = 1, .series = &series, .n = 1 };
    struct label_set labels;
    const double one = 1;

    (void) state;
    assert_int_equal(label_set_init(&labels, uname, N_OF(uname)), 0);
    series = room_series(9, labels, T0, &one, 1);
    table(feed, EPOCH, 1, 0, 0);
    assert_int_equal(live_feed_answer(feed, &a, 1), LIVE_SNAP);
    assert_string_equal(live_feed_facts(feed)->kernel, "6.1.0-13");
    assert_string_equal(live_feed_facts(feed)->arch, "x86_64");
    query_series_release(&series);
    live_feed_destroy(&feed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_asked_after_the_table_and_rows_follow_it),
        cmocka_unit_test(no_row_is_lost_or_doubled_wherever_the_seam_is),
        cmocka_unit_test(a_hole_in_pubseq_asks_the_window_again_and_keeps_what_comes),
        cmocka_unit_test(a_hole_among_the_kept_rows_is_seen),
        cmocka_unit_test(an_answer_older_than_the_table_is_no_ground_to_go_on_from),
        cmocka_unit_test(windows_are_not_asked_for_in_a_spin),
        cmocka_unit_test(a_published_row_that_was_in_the_window_is_dropped),
        cmocka_unit_test(an_unknown_table_is_asked_for),
        cmocka_unit_test(a_table_with_nothing_new_for_us_changes_only_ids),
        cmocka_unit_test(a_restarted_collector_is_joined_anew),
        cmocka_unit_test(an_answer_of_another_epoch_is_not_taken),
        cmocka_unit_test(what_is_not_answered_is_asked_again),
        cmocka_unit_test(a_late_row_is_left_out_and_a_clock_set_back_is_followed),
        cmocka_unit_test(the_window_asked_for_leaves_room_for_what_stands_at_its_beginning),
        cmocka_unit_test(the_window_holds_five_minutes),
        cmocka_unit_test(another_interval_asks_the_window_again),
        cmocka_unit_test(what_an_application_sent_stands_in_the_next_tick),
        cmocka_unit_test(what_comes_after_its_tick_stands_from_the_next_one_on),
        cmocka_unit_test(a_hole_among_applications_asks_the_window_again),
        cmocka_unit_test(an_application_that_comes_new_asks_the_window_again),
        cmocka_unit_test(a_host_without_ticks_has_the_rows_of_its_applications),
        cmocka_unit_test(the_window_tells_the_facts_of_the_host),
        cmocka_unit_test(a_message_cut_anywhere_is_counted_and_survived),
    };

    return cmocka_run_group_tests_name("live_feed", tests, NULL, NULL);
}

// test_local_store - what the store keeps, gives up and answers. Chance cases: test_local_model.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "collector/store/local_store.h"
#include "shared/base/err.h"
#include "tests/support/seeded.h"

#define HOST 7u
#define MIB  (1024u * 1024u)

static int64_t s_clock_ms;

static int64_t
fake_clock(void)
{
    return s_clock_ms;
}

static local_store_t *
open_local(uint64_t bytes)
{
    local_store_t *local;

    s_clock_ms = 1000;
    assert_int_equal(local_store_new(&local, bytes), 0);
    local_store_set_clock(local, fake_clock);
    return local;
}

static store_t *
open_store(uint64_t bytes)
{
    return local_store_face(open_local(bytes));
}

static int
make(store_t *store, uint64_t host, const char *metric, const char *who, series_id *ret)
{
    struct label labels[] = { { LABEL_METRIC, metric }, { "who", who } };
    struct label_set set;
    int rc;

    assert_int_equal(label_set_init(&set, labels, 2), 0);
    rc = store_series(store, host, &set, METRIC_GAUGE, ret);
    label_set_release(&set);
    return rc;
}

static series_id
series(store_t *store, uint64_t host, const char *metric, const char *who)
{
    series_id id = 0;

    assert_int_equal(make(store, host, metric, who, &id), 0);
    return id;
}

static uint64_t
put(store_t *store, uint64_t host, int64_t time_ms, series_id id, double value)
{
    return store_append(
        store, &(struct store_row){
                   .host = host, .time_ms = time_ms, .n = 1, .series = &id, .values = &value });
}

// "who" of each series that is found, in one string; samples are counted.
static const char *
find(store_t *store, uint64_t host, const char *selector, uint64_t *samples)
{
    static char found[256];
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    struct store_series s;
    store_cursor_t *cursor;
    size_t len = 0;

    found[0] = '\0';
    *samples = 0;
    assert_int_equal(matchers_parse(&matchers, selector, error), 0);
    assert_int_equal(store_open(store,
                                &(struct store_select){ .host = host,
                                                        .start_ms = INT64_MIN,
                                                        .end_ms = INT64_MAX,
                                                        .matchers = &matchers,
                                                        .n_matchers = 1 },
                                &cursor),
                     0);
    while (store_next(cursor, &s) == 1) {
        len += (size_t) snprintf(found + len, sizeof found - len, "%s ",
                                 label_set_get(s.labels, "who"));
        *samples += s.n;
    }
    store_close(&cursor);
    matchers_destroy(&matchers);
    return found;
}

static void
a_size_out_of_range_is_refused(void **state)
{
    local_store_t *store = NULL;

    (void) state;
    assert_int_equal(local_store_new(&store, MIB - 1), ERR_RANGE);
    assert_int_equal(local_store_new(&store, (UINT64_C(1) << 36) + 1), ERR_RANGE);
    assert_null(store);
}

static void
the_same_labels_of_one_host_are_one_series(void **state)
{
    store_t *store = open_store(MIB);
    series_id a = series(store, HOST, "x", "a");

    (void) state;
    assert_int_not_equal(a, 0);
    assert_int_equal(series(store, HOST, "x", "a"), a);
    assert_int_not_equal(series(store, HOST, "x", "b"), a);
    assert_int_not_equal(series(store, HOST, "y", "a"), a);
    assert_int_not_equal(series(store, HOST + 1, "x", "a"), a);
    store_destroy(&store);
    assert_null(store);
}

static void
rows_are_counted_for_each_host(void **state)
{
    store_t *store = open_store(MIB);
    series_id a = series(store, 1, "x", "a");
    series_id b = series(store, 2, "x", "b");

    (void) state;
    assert_int_equal(put(store, 1, 10, a, 0), 1);
    assert_int_equal(put(store, 1, 20, a, 0), 2);
    assert_int_equal(put(store, 2, 20, b, 0), 1);
    assert_int_equal(put(store, 1, 20, a, 0), 3); // a row is a row, whatever becomes of it
    store_destroy(&store);
}

static void
a_read_finds_by_host_metric_and_label(void **state)
{
    store_t *store = open_store(MIB);
    uint64_t n;

    (void) state;
    put(store, 1, 10, series(store, 1, "x", "a"), 0);
    put(store, 1, 10, series(store, 1, "y", "b"), 0);
    put(store, 2, 10, series(store, 2, "x", "c"), 0);
    series(store, 2, "x", "empty"); // nothing in the window
    assert_string_equal(find(store, 0, "x", &n), "a c ");
    assert_string_equal(find(store, 1, "x", &n), "a ");
    assert_string_equal(find(store, 2, "{who=~\".+\"}", &n), "c ");
    assert_string_equal(find(store, 0, "{who=~\"a|b\"}", &n), "a b ");
    assert_string_equal(find(store, 3, "x", &n), "");
    assert_string_equal(find(store, 0, "nothing", &n), "");
    store_destroy(&store);
}

// What `what` finds, as "count:first-last" of the only series.
static void
expect(store_t *store, struct store_select what, uint32_t n, int64_t first, int64_t last)
{
    struct store_series s;
    store_cursor_t *cursor;

    assert_int_equal(store_open(store, &what, &cursor), 0);
    if (n == 0) {
        assert_int_equal(store_next(cursor, &s), 0);
    } else {
        assert_int_equal(store_next(cursor, &s), 1);
        assert_int_equal(s.n, n);
        assert_int_equal(s.samples[0].time_ms, first);
        assert_int_equal(s.samples[n - 1].time_ms, last);
        assert_int_equal(store_next(cursor, &s), 0);
    }
    store_close(&cursor);
}

static void
a_window_holds_both_its_ends(void **state)
{
    store_t *store = open_store(MIB);
    series_id a = series(store, HOST, "x", "a");
    struct store_select w = { .host = HOST };

    (void) state;
    for (int64_t t = 10; t <= 100; t += 10)
        put(store, HOST, t, a, 0);
#define WINDOW(from, to) (w.start_ms = (from), w.end_ms = (to), w)
    expect(store, WINDOW(20, 40), 3, 20, 40);
    expect(store, WINDOW(21, 39), 1, 30, 30);
    expect(store, WINDOW(31, 39), 0, 0, 0);
    expect(store, WINDOW(INT64_MIN, INT64_MAX), 10, 10, 100);
    expect(store, WINDOW(101, INT64_MAX), 0, 0, 0);
    expect(store, WINDOW(40, 20), 0, 0, 0);
    w.newest_only = true;
    expect(store, WINDOW(20, 45), 1, 40, 40);
    expect(store, WINDOW(0, INT64_MAX), 1, 100, 100);
    store_destroy(&store);
}

static void
upto_is_the_number_of_the_newest_row_at_the_opening(void **state)
{
    store_t *store = open_store(MIB);
    series_id a = series(store, HOST, "x", "a");
    store_cursor_t *cursor;

    (void) state;
    put(store, HOST, 10, a, 0);
    put(store, HOST, 20, a, 0);
    assert_int_equal(store_open(store, &(struct store_select){ .host = HOST }, &cursor), 0);
    put(store, HOST, 30, a, 0);
    assert_int_equal(store_upto(cursor), 2);
    store_close(&cursor);
    assert_null(cursor);
    store_destroy(&store);
}

// Else the series read before would lack it, and a sum over them be a wrong number.
static void
a_row_that_comes_while_one_host_is_read_is_left_out(void **state)
{
    store_t *store = open_store(MIB);
    series_id ids[] = { series(store, HOST, "x", "a"), series(store, HOST, "x", "b") };
    const double values[] = { 1, 2 };
    struct store_row row = { .host = HOST, .time_ms = 10, .n = 2, .series = ids, .values = values };
    store_cursor_t *cursor;
    struct store_series s;

    (void) state;
    store_append(store, &row);
    assert_int_equal(
        store_open(store, &(struct store_select){ .host = HOST, .end_ms = INT64_MAX }, &cursor), 0);
    assert_int_equal(store_next(cursor, &s), 1);
    assert_int_equal(s.n, 1);
    row.time_ms = 20;
    store_append(store, &row);
    assert_int_equal(store_next(cursor, &s), 1);
    assert_int_equal(s.n, 1);
    store_close(&cursor);
    store_destroy(&store);
}

static void
what_stands_and_what_does_not_is_counted(void **state)
{
    local_store_t *local = open_local(MIB);
    store_t *store = local_store_face(local);
    series_id a = series(store, HOST, "x", "a");
    series_id b = series(store, HOST, "x", "b");
    struct store_stat stat;

    (void) state;
    for (int64_t t = 1; t <= 400; t++)
        put(store, HOST, t, a, (double) t);
    put(store, HOST, 400, a, 400); // the same again
    put(store, HOST, 400, a, 0);   // conflict
    put(store, HOST, 7, b, 1);     // late, and as good as any
    local_store_seal(local);
    put(store, HOST, 3, a, 5); // conflict with what is sealed
    put(store, HOST, 4, a, 4);
    local_store_seal(local);
    store_stat(store, &stat);
    assert_int_equal(stat.series, 2);
    assert_int_equal(stat.appended, 405);
    assert_int_equal(stat.conflicts, 2);
    assert_int_equal(store_conflicts(store, HOST), 2);
    assert_int_equal(store_conflicts(store, HOST + 1), 0);
    assert_int_equal(stat.samples_evicted, 0);
    expect(store, (struct store_select){ .host = HOST, .start_ms = 400, .end_ms = 400 }, 1, 400,
           400);
    store_destroy(&store);
}

static void
the_oldest_tiles_go_first_when_there_is_no_room(void **state)
{
    local_store_t *local = open_local(MIB);
    store_t *store = local_store_face(local);
    series_id a = series(store, HOST, "x", "a");
    series_id quiet = series(store, HOST, "x", "quiet");
    struct store_stat stat;
    uint64_t seed = 1;
    int64_t t = 0;

    (void) state;
    put(store, HOST, 1, quiet, 1);
    local_store_seal(local);
    do {
        for (int i = 0; i < 1000; i++)
            put(store, HOST, ++t, a, sample_from_bits(seeded_next(&seed) >> 2));
        local_store_seal(local);
        store_stat(store, &stat);
        assert_true(stat.bytes <= MIB);
        assert_int_equal(stat.appended - stat.samples_evicted, stat.samples);
        assert_true(t < 1000000);
    } while (stat.samples_evicted < 50000);
    expect(store, (struct store_select){ .host = HOST, .start_ms = 0, .end_ms = INT64_MAX },
           (uint32_t) stat.samples, t - (int64_t) stat.samples + 1, t);
    store_destroy(&store);
}

static void
a_full_index_refuses_a_new_series(void **state)
{
    store_t *store = open_store(MIB);
    series_id id = 0;
    int rc = 0;

    (void) state;
    for (unsigned i = 0; rc == 0; i++) {
        char who[16];

        snprintf(who, sizeof who, "%u", i);
        rc = make(store, HOST, "x", who, &id);
        assert_true(i < 100000);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(make(store, HOST, "x", "0", &id), 0);
    store_destroy(&store);
}

static void
what_stands_open_for_long_is_sealed(void **state)
{
    local_store_t *local = open_local(MIB);
    store_t *store = local_store_face(local);
    series_id a = series(store, HOST, "x", "a");

    (void) state;
    put(store, HOST, 1, a, 1);
    put(store, HOST, 1, a, 2);
    store_turn(store);
    s_clock_ms += LOCAL_STORE_AGE_MS - 1;
    store_turn(store);
    assert_int_equal(store_conflicts(store, HOST), 0); // they are found at sealing
    s_clock_ms += 1;
    store_turn(store);
    local_store_seal(local); // waits for what is on its way; nothing else is open
    assert_int_equal(store_conflicts(store, HOST), 1);
    store_destroy(&store);
}

#define ROWS 20000

// Row k is at time k and has all ten series.
static void *
append_rows(void *arg)
{
    store_t *store = arg;
    series_id ids[10];
    double values[10] = { 0 };

    for (unsigned i = 0; i < 10; i++)
        ids[i] = series(store, HOST, "x", (char[2]){ (char) ('a' + i), '\0' });
    for (int64_t k = 1; k <= ROWS; k++)
        store_append(store, &(struct store_row){ HOST, k, 10, ids, values });
    return NULL;
}

static void
an_answer_holds_every_row_up_to_the_number_it_names(void **state)
{
    store_t *store = open_store(16u * MIB);
    struct store_select what = {
        .host = HOST, .start_ms = INT64_MIN, .end_ms = INT64_MAX, .newest_only = true
    };
    uint64_t upto = 0;
    pthread_t thread;

    (void) state;
    assert_int_equal(pthread_create(&thread, NULL, append_rows, store), 0);
    while (upto < ROWS) {
        struct store_series s;
        store_cursor_t *cursor;
        unsigned n = 0;

        assert_int_equal(store_open(store, &what, &cursor), 0);
        upto = store_upto(cursor);
        for (; store_next(cursor, &s) == 1; n++)
            assert_true(s.samples[0].time_ms >= (int64_t) upto);
        assert_true(n == 10 || upto == 0);
        store_close(&cursor);
    }
    pthread_join(thread, NULL);
    store_destroy(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_out_of_range_is_refused),
        cmocka_unit_test(the_same_labels_of_one_host_are_one_series),
        cmocka_unit_test(rows_are_counted_for_each_host),
        cmocka_unit_test(a_read_finds_by_host_metric_and_label),
        cmocka_unit_test(a_window_holds_both_its_ends),
        cmocka_unit_test(upto_is_the_number_of_the_newest_row_at_the_opening),
        cmocka_unit_test(a_row_that_comes_while_one_host_is_read_is_left_out),
        cmocka_unit_test(what_stands_and_what_does_not_is_counted),
        cmocka_unit_test(the_oldest_tiles_go_first_when_there_is_no_room),
        cmocka_unit_test(a_full_index_refuses_a_new_series),
        cmocka_unit_test(what_stands_open_for_long_is_sealed),
        cmocka_unit_test(an_answer_holds_every_row_up_to_the_number_it_names),
    };
    return cmocka_run_group_tests_name("local_store", tests, NULL, NULL);
}

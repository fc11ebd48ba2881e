// test_stream_writer_bound - a writer that is told how large a message may be makes none that is
// larger, and a lane reads the same from them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/stream_writer.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"

#define STREAM    UINT64_C(0x0123456789abcdef)
#define T0        INT64_C(1700000000000)
#define HEAD      (FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER)
#define LEAST     STREAM_FRAME_LEAST
#define SERIES    3000u // of which a KEY needs more than LEAST
#define TEXT_LONG (LEAST + 100u)

static struct {
    series_table_t *table;
    stream_writer_t *writer;
    lane_t *lane;
    int rc;               // of lane_accept: the worst so far
    uint32_t largest;     // message of names or values
    uint32_t records;     // of them
    uint32_t dense;       // blocks that are rows
    uint32_t defined;     // by the lane
    uint32_t seen;        // samples of the tick at hand
    int64_t time_ms;      // of it
    int64_t held[SERIES]; // as the lane gave it last
} t;

static int
define(void *arg, const struct slot_def *def)
{
    (void) arg;
    (void) def;
    t.defined++;
    return 0;
}

static void
row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    assert_int_equal(time_ms, t.time_ms);
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(values[i])) // the mark of a series that has ceased
            continue;
        t.held[slots[i]] = (int64_t) values[i];
        t.seen++;
    }
}

static void
gap(void *arg, uint64_t from, const struct gap *g)
{
    (void) arg;
    (void) from;
    (void) g;
}

static void
take(void *arg, const struct record *record, uint32_t slots)
{
    const struct frame_prefix prefix = { .flags = arg != NULL ? FRAME_REPEAT : 0 };
    const int rc = lane_accept(t.lane, &prefix, record);

    (void) slots;
    t.rc = rc < t.rc ? rc : t.rc;
    if (record->type == RECORD_IDENT)
        return;
    t.records++;
    t.largest = HEAD + record->body_len > t.largest ? HEAD + record->body_len : t.largest;
}

static int
setup(void **state)
{
    const struct lane_handler handler = { .define = define, .row = row, .gap = gap };
    const struct stream_writer_options opt = {
        .stream = STREAM,
        .id = { .host = 7, .name = "a", .name_len = 1, .interval_ms = 1000 },
        .now_ms = T0,
        .phase = 2,
    };

    (void) state;
    memset(&t, 0, sizeof t);
    t.table = series_table_new();
    t.lane = lane_new(STREAM, &handler);
    t.writer = stream_writer_new(&opt, take, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    stream_writer_destroy(&t.writer);
    lane_destroy(&t.lane);
    series_table_destroy(&t.table);
    return 0;
}

static void
series(uint32_t n, const char *prefix)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "t"
    };
    char *value = xcalloc(1, strlen(prefix) + 16);

    for (; n > 0; n--) {
        sprintf(value, "%s%u", prefix, series_table_count(t.table));
        series_table_slot(t.table, &spec, (const struct label[]){ { "n", value } }, 1);
    }
    free(value);
}

// Slots from `from` on have the values m, m + by, m + 2 by, ...
static void
tick(uint32_t from, int64_t m, int64_t by)
{
    const uint32_t n = series_table_count(t.table);

    t.time_ms += t.time_ms == 0 ? T0 : 1000;
    t.seen = 0;
    series_table_begin(t.table);
    for (uint32_t i = from; i < n; i++)
        series_table_set(t.table, i, m + (int64_t) i * by);
    series_table_end(t.table);
    stream_writer_row(t.writer, t.table, t.time_ms, NULL, 0);
    assert_int_equal(t.seen, n - from);
    for (uint32_t i = from; i < n; i++)
        assert_int_equal(t.held[i], m + (int64_t) i * by);
}

static void
names_and_rows_of_a_large_host_come_in_messages_of_that_size(void **state)
{
    (void) state;
    stream_writer_bound(t.writer, LEAST);
    series(SERIES, "");
    for (int64_t i = 0; i < 5; i++) // over a second KEY
        tick(0, 1000000 * i, 100000);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.defined, SERIES);
    assert_true(t.largest <= LEAST);
    assert_true(t.records > SERIES / (LEAST / 4));
    assert_true(stream_writer_fits(t.writer, LEAST));
    assert_int_equal(lane_counters(t.lane)->samples, stream_writer_total(t.writer));
}

// What changes little stays a row, though one that changes as much as it can would not fit.
static void
a_row_that_fits_is_one_record_whatever_it_might_have_been(void **state)
{
    uint32_t before;

    (void) state;
    stream_writer_bound(t.writer, LEAST);
    series(1000, "");
    tick(0, 0, 0);
    before = t.records;
    tick(0, 1, 0);
    assert_int_equal(t.records, before + 1);
    assert_int_equal(t.rc, 0);
}

// The row that did not fit left no trace in the state that the next one is made against.
static void
rows_around_one_that_did_not_fit_are_read_as_they_are(void **state)
{
    (void) state;
    stream_writer_bound(t.writer, LEAST);
    series(1000, "");
    tick(0, 3, 0);
    tick(0, INT64_C(1000000000), INT64_C(1000000));
    tick(0, 4, 0);
    tick(1, 5, 0);
    tick(0, 6, 0);
    assert_int_equal(t.rc, 0);
    assert_true(t.largest <= LEAST);
}

// All slots cease to have values at once, which takes more room than there is: nothing is given.
static void
a_tick_without_values_needs_no_message(void **state)
{
    (void) state;
    stream_writer_bound(t.writer, LEAST);
    series(SERIES * 2, "");
    t.time_ms = T0;
    series_table_begin(t.table);
    series_table_end(t.table);
    stream_writer_row(t.writer, t.table, t.time_ms, NULL, 0);
    assert_int_equal(t.seen, 0);
    assert_true(t.largest <= LEAST);
    assert_int_equal(t.rc, 0);
}

static void
blocks_of_applications_are_parted(void **state)
{
    uint32_t *slots = xcalloc(SERIES, sizeof *slots);
    struct cell *cells = xcalloc(SERIES, sizeof *cells);
    const struct app_block block = {
        .time_ms = T0 + 5, .n = SERIES, .slots = slots, .cells = cells
    };

    (void) state;
    stream_writer_bound(t.writer, LEAST);
    series(SERIES, "");
    for (uint32_t i = 0; i < SERIES; i++) {
        slots[i] = i;
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = INT64_C(1) << 40 };
    }
    t.time_ms = block.time_ms;
    stream_writer_apps(t.writer, t.table, T0 + 10, &block, 1);
    assert_int_equal(t.seen, SERIES);
    assert_int_equal(t.rc, 0);
    assert_true(t.largest <= LEAST);
    free(slots);
    free(cells);
}

static void
a_definition_that_is_too_large_goes_alone(void **state)
{
    char *text = xcalloc(1, TEXT_LONG + 1);

    (void) state;
    memset(text, 'x', TEXT_LONG);
    stream_writer_bound(t.writer, LEAST);
    series(2, "");
    series(1, text);
    series(2, "");
    tick(0, 1, 1);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.defined, 5);
    assert_int_equal(t.records, 4);                   // two names, one, two, and the row
    assert_true(stream_writer_fits(t.writer, LEAST)); // no bound would have made it less
    free(text);
}

static void
a_table_is_parted_like_names(void **state)
{
    const struct record ahead_of = { .stream = STREAM, .seq = 1000 };

    (void) state;
    series(SERIES, "");
    tick(0, 1, 1);
    assert_false(stream_writer_fits(t.writer, LEAST));
    stream_writer_bound(t.writer, LEAST);
    t.largest = t.records = 0;
    stream_writer_table(t.writer, t.table, SERIES, &ahead_of, take, &t);
    assert_true(t.largest <= LEAST && t.records > 2);
    assert_int_equal(t.rc, 0);
}

#define bound_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        bound_test(names_and_rows_of_a_large_host_come_in_messages_of_that_size),
        bound_test(a_row_that_fits_is_one_record_whatever_it_might_have_been),
        bound_test(rows_around_one_that_did_not_fit_are_read_as_they_are),
        bound_test(a_tick_without_values_needs_no_message),
        bound_test(blocks_of_applications_are_parted),
        bound_test(a_definition_that_is_too_large_goes_alone),
        bound_test(a_table_is_parted_like_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

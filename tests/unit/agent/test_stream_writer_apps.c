// test_stream_writer_apps - samples with times of their own: what a lane reads is what was said.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/stream_writer.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"

#define STREAM     UINT64_C(0x0123456789abcdef)
#define T0         INT64_C(1700000000000)
#define BLOCKS_MAX 64
#define SEEN_MAX   1024

// One tick's samples of applications, and where they stand.
struct said {
    struct app_block blocks[BLOCKS_MAX];
    size_t n;
    uint32_t *slots; // SERIES_TABLE_MAX for each block
    struct cell *cells;
};

// A writer whose records go straight to a lane, and what came of it.
static struct {
    series_table_t *table;
    stream_writer_t *writer;
    lane_t *lane;
    struct said said;
    size_t at;        // block that the lane gives next; said.n is the row
    int64_t time_ms;  // of the tick
    bool cut;         // records are lost
    int rc;           // of lane_accept: the worst so far
    uint32_t rows;    // of ticks
    uint32_t defined; // by the lane
    uint8_t types[SEEN_MAX];
    uint64_t samples[SEEN_MAX]; // count of each record
    uint32_t n;                 // records
} t;

static int
define(void *arg, const struct slot_def *def)
{
    (void) arg;
    (void) def;
    t.defined++;
    return 0;
}

static double
value_of(uint32_t slot, const struct cell *cell)
{
    return cell->state == CELL_INTEGER
               ? metric_value(series_table_def(t.table, slot)->form, cell->m)
               : sample_from_bits(cell->bits);
}

static void
expect_block(const struct app_block *block, const uint32_t *slots, const double *values, uint32_t n)
{
    assert_int_equal(n, block->n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(slots[i], block->slots[i]);
        assert_true(sample_bits(values[i]) == sample_bits(value_of(slots[i], &block->cells[i])));
    }
}

static void
expect_row(const uint32_t *slots, const double *values, uint32_t n)
{
    const struct cell *cells = series_table_cells(t.table);
    uint32_t present = 0;

    for (uint32_t i = 0; i < series_table_count(t.table); i++)
        present += cells[i].state != CELL_ABSENT;
    assert_int_equal(n, present);
    for (uint32_t i = 0; i < n; i++)
        assert_true(sample_bits(values[i]) == sample_bits(value_of(slots[i], &cells[slots[i]])));
}

// First the blocks in their order, then the row: so times rise.
static void
row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    if (t.at < t.said.n) {
        assert_int_equal(time_ms, t.said.blocks[t.at].time_ms);
        expect_block(&t.said.blocks[t.at++], slots, values, n);
        return;
    }
    assert_int_equal(time_ms, t.time_ms);
    expect_row(slots, values, n);
    t.rows++;
}

static void
gap(void *arg, uint64_t from, const struct gap *g)
{
    (void) arg;
    (void) from;
    (void) g;
}

static void
open_lane(void)
{
    const struct lane_handler handler = { .define = define, .row = row, .gap = gap };

    lane_destroy(&t.lane);
    t.lane = lane_new(STREAM, &handler);
}

static void
take(void *arg, const struct record *record, uint32_t slots)
{
    const struct frame_prefix prefix = { .flags = arg != NULL ? FRAME_REPEAT : 0 };
    int rc;

    (void) slots;
    assert_true(t.n < SEEN_MAX && record->body_len <= FRAME_BODY_MAX);
    t.types[t.n] = record->type;
    t.samples[t.n++] = record->count;
    if (t.cut)
        return;
    rc = lane_accept(t.lane, &prefix, record);
    t.rc = rc < t.rc ? rc : t.rc;
}

static int
setup(void **state)
{
    const struct stream_writer_options opt = {
        .stream = STREAM,
        .id = { .host = 7, .name = "a", .name_len = 1, .interval_ms = 1000 },
        .now_ms = T0,
        .phase = 100,
    };

    (void) state;
    memset(&t, 0, sizeof t);
    t.said.slots = xmalloc(BLOCKS_MAX * SERIES_TABLE_MAX * sizeof *t.said.slots);
    t.said.cells = xmalloc(BLOCKS_MAX * SERIES_TABLE_MAX * sizeof *t.said.cells);
    t.table = series_table_new();
    open_lane();
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
    free(t.said.slots);
    free(t.said.cells);
    return 0;
}

static void
new_slots(uint32_t n)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_GAUGE, .form = { .exponent = 2, .unit = 1 }, .job = "t"
    };
    char value[16];

    for (; n > 0; n--) {
        snprintf(value, sizeof value, "%u", series_table_count(t.table));
        series_table_slot(t.table, &spec, (const struct label[]){ { "n", value } }, 1);
    }
}

// Slots `from` to `to`, with the values m, m + 1, ...; a double where m is -1.
static void
say(int64_t time_ms, uint32_t from, uint32_t to, int64_t m)
{
    const size_t at = t.said.n * SERIES_TABLE_MAX;
    const uint32_t n = to - from;

    assert_true(t.said.n < BLOCKS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        t.said.slots[at + i] = from + i;
        t.said.cells[at + i] = m >= 0 ? (struct cell){ .state = CELL_INTEGER, .m = m + i }
                                      : (struct cell){ .state = CELL_RAW, .bits = i + 1 };
    }
    t.said.blocks[t.said.n++] = (struct app_block){
        .time_ms = time_ms, .n = n, .slots = &t.said.slots[at], .cells = &t.said.cells[at]
    };
}

// The tick: slots below `dense` have values of their own, the others are of applications.
static void
tick(int64_t time_ms, uint32_t dense, int64_t m)
{
    t.at = 0;
    t.time_ms = time_ms;
    series_table_begin(t.table);
    for (uint32_t i = 0; i < dense; i++)
        series_table_set(t.table, i, m + i);
    series_table_end(t.table);
    stream_writer_row(t.writer, t.table, time_ms, t.said.blocks, t.said.n);
    if (!t.cut)
        assert_int_equal(t.at, t.said.n);
    t.said.n = 0;
}

static void
samples_of_their_own_time_come_before_the_row_of_their_tick(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DELTA };

    (void) state;
    new_slots(4);
    say(T0 + 250, 2, 3, 7);
    say(T0 + 250, 3, 4, -1); // of another application, in the same millisecond
    say(T0 + 1000, 2, 4, 8);
    tick(T0 + 1000, 2, 10);
    say(T0 + 1001, 2, 3, 9);
    tick(T0 + 2000, 2, 11);
    assert_int_equal(t.n, sizeof wants);
    assert_memory_equal(t.types, wants, sizeof wants);
    assert_int_equal(t.samples[2], 6);
    assert_int_equal(t.samples[3], 3);
    assert_int_equal(t.rows, 2);
    assert_int_equal(t.rc, 0);
    assert_int_equal(stream_writer_total(t.writer), 9);
}

static void
a_new_application_is_defined_ahead_of_its_first_sample(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DEF,
                                     RECORD_DELTA };

    (void) state;
    new_slots(1);
    tick(T0 + 1000, 1, 10);
    new_slots(1);
    say(T0 + 1500, 1, 2, 3);
    tick(T0 + 2000, 1, 11);
    assert_int_equal(t.n, sizeof wants);
    assert_memory_equal(t.types, wants, sizeof wants);
    assert_int_equal(t.rc, 0);
}

static void
applications_alone_are_readable_without_a_row(void **state)
{
    (void) state;
    new_slots(1);
    for (int i = 0; i < 300; i++) {
        say(T0 + i * 1000 - 1, 0, 1, i);
        tick(T0 + i * 1000, 0, 0);
    }
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.rows, 0);
    assert_int_equal(lane_counters(t.lane)->samples, 300);
}

// What does not wait for its tick: a record of its own, and the row goes on where it was.
static void
blocks_between_ticks_leave_the_rows_as_they_are(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF,   RECORD_KEY,  RECORD_DELTA,
                                     RECORD_DEF,   RECORD_DELTA, RECORD_DELTA };

    (void) state;
    new_slots(2);
    tick(T0 + 1000, 2, 10);
    tick(T0 + 2000, 2, 11);
    new_slots(1);
    say(T0 + 2300, 2, 3, 7);
    t.at = 0;
    stream_writer_apps(t.writer, t.table, T0 + 2300, t.said.blocks, t.said.n);
    assert_int_equal(t.at, 1);
    t.said.n = 0;
    stream_writer_apps(t.writer, t.table, T0 + 2400, NULL, 0);
    tick(T0 + 3000, 2, 12);
    assert_int_equal(t.n, sizeof wants);
    assert_memory_equal(t.types, wants, sizeof wants);
    assert_int_equal(t.rows, 3);
    assert_int_equal(t.rc, 0);
}

// The largest table, every value as long as it can be: no block may be lost, and none refused.
static void
what_does_not_fit_goes_into_records_before(void **state)
{
    const uint32_t most = SERIES_TABLE_MAX;

    (void) state;
    new_slots(most);
    tick(T0, most / 2, 0);
    t.n = 0;
    for (int64_t i = 0; i < 6; i++)
        say(T0 + 100 * i, 0, most, i % 2 == 0 ? METRIC_MANTISSA_MAX : -1);
    tick(T0 + 1000, most / 2, METRIC_MANTISSA_MAX);
    assert_true(t.n >= 5);
    for (uint32_t i = 0; i < t.n; i++)
        assert_int_equal(t.types[i], RECORD_DELTA);
    assert_int_equal(t.samples[t.n - 1], most / 2); // no block fits beside this row
    tick(T0 + 2000, most / 2, 5);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.rows, 3);
    assert_int_equal(lane_counters(t.lane)->samples, stream_writer_total(t.writer));
}

// Blocks as applications send them: many, small, more than one record holds. A KEY is due at the
// first; and a reader that has only a TABLE reads all from it on.
static void
a_key_that_holds_no_row_is_one_all_the_same(void **state)
{
    const struct record ahead_of = { .stream = STREAM, .seq = 1000 };
    const uint32_t most = SERIES_TABLE_MAX;

    (void) state;
    new_slots(most);
    t.cut = true;
    tick(T0, most, 0);
    t.cut = false;
    open_lane();
    stream_writer_table(t.writer, t.table, most, &ahead_of, take, &t);
    assert_int_equal(t.defined, most);
    stream_writer_key_due(t.writer);
    t.n = 0;
    for (uint32_t i = 0; i < 16; i++)
        say(T0 + 10 * i, i * 1024, (i + 1) * 1024, METRIC_MANTISSA_MAX / 2 + i);
    tick(T0 + 1000, most, METRIC_MANTISSA_MAX / 2);
    assert_int_equal(t.n, 2);
    assert_int_equal(t.types[0], RECORD_KEY);
    assert_int_equal(t.types[1], RECORD_DELTA);
    assert_int_equal(t.samples[0], most);
    assert_int_equal(t.samples[1], most);
    tick(T0 + 2000, most, 3);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.rows, 2);
}

static void
more_records_a_tick_do_not_put_keys_further_apart(void **state)
{
    uint32_t last = 0, keys = 0;

    (void) state;
    new_slots(SERIES_TABLE_MAX);
    for (int64_t i = 0; i < 120; i++) {
        for (uint32_t k = 0; k < 8; k++)
            say(T0 + i * 1000 + k, k * 2048, (k + 1) * 2048, METRIC_MANTISSA_MAX / 2);
        say(T0 + i * 1000 + 8, 0, 8192, -1);
        tick(T0 + i * 1000 + 999, 100, i);
    }
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.types[i] != RECORD_KEY)
            continue;
        assert_true(keys == 0 || i - last <= STREAM_KEY_EVERY);
        last = i;
        keys++;
    }
    assert_true(t.n > 150 && keys >= 2);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.rows, 120);
}

static void
any_samples_come_back_bit_for_bit(void **state)
{
    uint64_t seed = 20261126;

    (void) state;
    new_slots(3);
    for (int64_t i = 1; i < 800; i++) {
        const uint32_t slots = series_table_count(t.table);
        int64_t time_ms = T0 + i * 1000 - 1500; // some are late

        for (uint32_t k = seeded_below(&seed, 8); k > 0; k--) {
            const uint32_t from = seeded_below(&seed, slots);

            time_ms += seeded_below(&seed, 100);
            say(time_ms, from, from + 1 + seeded_below(&seed, slots - from),
                seeded_below(&seed, 3) == 0 ? -1 : (int64_t) (seeded_next(&seed) >> 12));
        }
        if (seeded_below(&seed, 20) == 0)
            new_slots(1);
        if (seeded_below(&seed, 50) == 0)
            stream_writer_key_due(t.writer);
        tick(T0 + i * 1000, seeded_below(&seed, slots), i);
        assert_int_equal(t.rc, 0);
    }
    assert_int_equal(lane_counters(t.lane)->samples, stream_writer_total(t.writer));
}

#define apps_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        apps_test(samples_of_their_own_time_come_before_the_row_of_their_tick),
        apps_test(a_new_application_is_defined_ahead_of_its_first_sample),
        apps_test(applications_alone_are_readable_without_a_row),
        apps_test(blocks_between_ticks_leave_the_rows_as_they_are),
        apps_test(what_does_not_fit_goes_into_records_before),
        apps_test(a_key_that_holds_no_row_is_one_all_the_same),
        apps_test(more_records_a_tick_do_not_put_keys_further_apart),
        apps_test(any_samples_come_back_bit_for_bit),
    };
    return cmocka_run_group_tests_name("stream_writer_apps", tests, NULL, NULL);
}

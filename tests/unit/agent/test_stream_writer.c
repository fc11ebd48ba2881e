// test_stream_writer - what a lane reads is what the table said.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/stream_writer.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"

#define STREAM UINT64_C(0x0123456789abcdef)

// A writer whose records go straight to a lane, and what came of it.
struct wire {
    series_table_t *table;
    stream_writer_t *writer;
    lane_t *lane;
    bool repeat; // records are repeated ones
    bool cut;    // records are lost
    bool sparse; // rows are of some slots only
    int last_rc; // of lane_accept
    uint8_t types[1024];
    uint32_t n; // records seen
    uint32_t defined;
    uint32_t rows;
    uint32_t max_body;
};

static int
define(void *arg, const struct slot_def *def)
{
    struct wire *wire = arg;

    assert_true(label_set_equal(&def->labels, &series_table_def(wire->table, def->slot)->labels));
    assert_int_equal(def->kind, series_table_def(wire->table, def->slot)->kind);
    wire->defined++;
    return 0;
}

static double
value_of(const series_table_t *table, uint32_t slot)
{
    const struct cell *cell = &series_table_cells(table)[slot];

    return cell->state == CELL_INTEGER ? metric_value(series_table_def(table, slot)->form, cell->m)
                                       : sample_from_bits(cell->bits);
}

// Every row is compared with the table it was just made from.
static void
row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    struct wire *wire = arg;
    uint32_t present = 0;

    (void) time_ms;
    for (uint32_t i = 0; i < series_table_count(wire->table); i++)
        present += series_table_cells(wire->table)[i].state != CELL_ABSENT;
    assert_int_equal(n, wire->sparse ? 1 : present);
    for (uint32_t i = 0; i < n; i++)
        assert_true(sample_bits(values[i]) == sample_bits(value_of(wire->table, slots[i])));
    wire->rows++;
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
    struct wire *wire = arg;
    const struct frame_prefix prefix = { .flags = wire->repeat ? FRAME_REPEAT : 0 };

    (void) slots;
    if (wire->n < sizeof wire->types)
        wire->types[wire->n] = record->type;
    wire->n++;
    if (record->body_len > wire->max_body)
        wire->max_body = record->body_len;
    if (!wire->cut)
        wire->last_rc = lane_accept(wire->lane, &prefix, record);
}

static void
open_lane(struct wire *wire)
{
    const struct lane_handler handler = { .arg = wire, .define = define, .row = row, .gap = gap };

    lane_destroy(&wire->lane);
    wire->lane = lane_new(STREAM, &handler);
}

static void
wire_open(struct wire *wire, unsigned phase)
{
    const struct stream_writer_options opt = {
        .stream = STREAM,
        .id = { .host = 7,
                .name = "web-1",
                .name_len = 5,
                .version = "1",
                .version_len = 1,
                .interval_ms = 1000 },
        .now_ms = 1000,
        .phase = phase,
    };

    memset(wire, 0, sizeof *wire);
    wire->table = series_table_new();
    open_lane(wire);
    wire->writer = stream_writer_new(&opt, take, wire);
}

static void
wire_close(struct wire *wire)
{
    stream_writer_destroy(&wire->writer);
    lane_destroy(&wire->lane);
    series_table_destroy(&wire->table);
}

static uint32_t
new_slot(series_table_t *table, const char *pad)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_GAUGE, .form = { .exponent = 2, .unit = 1 }, .job = "t"
    };
    char value[16];

    snprintf(value, sizeof value, "%u", series_table_count(table));
    return series_table_slot(table, &spec, (const struct label[]){ { "n", value }, { "pad", pad } },
                             2);
}

static void
tick(struct wire *wire, int64_t m, int64_t time_ms)
{
    series_table_begin(wire->table);
    for (uint32_t i = 0; i < series_table_count(wire->table); i++)
        series_table_set(wire->table, i, m + i);
    series_table_end(wire->table);
    stream_writer_row(wire->writer, wire->table, time_ms, NULL, 0);
}

static void
a_stream_begins_with_ident_def_and_key(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DELTA };
    struct wire wire;

    (void) state;
    wire_open(&wire, 100);
    assert_int_equal(wire.n, 1);
    new_slot(wire.table, "");
    new_slot(wire.table, "");
    tick(&wire, 10, 2000);
    tick(&wire, 11, 3000);
    assert_int_equal(wire.n, 4);
    assert_memory_equal(wire.types, wants, sizeof wants);
    assert_int_equal(wire.last_rc, 0);
    assert_int_equal(wire.rows, 2);
    assert_int_equal(stream_writer_next(wire.writer), 4);
    assert_int_equal(stream_writer_total(wire.writer), 4);
    wire_close(&wire);
}

static void
a_table_without_series_gives_no_row(void **state)
{
    struct wire wire;

    (void) state;
    wire_open(&wire, 0);
    tick(&wire, 0, 2000);
    assert_int_equal(wire.n, 1);
    wire_close(&wire);
}

static void
a_new_series_is_defined_ahead_of_its_value(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DEF,
                                     RECORD_DELTA };
    struct wire wire;

    (void) state;
    wire_open(&wire, 100);
    new_slot(wire.table, "");
    tick(&wire, 10, 2000);
    new_slot(wire.table, "");
    tick(&wire, 20, 3000);
    assert_int_equal(wire.n, sizeof wants);
    assert_memory_equal(wire.types, wants, sizeof wants);
    assert_int_equal(wire.defined, 2);
    assert_int_equal(wire.rows, 2);
    wire_close(&wire);
}

// Whatever the phase: the second KEY comes early, and none is more than 128 records after another.
static void
keys_come_at_least_each_128_records(void **state)
{
    (void) state;
    for (unsigned phase = 0; phase < STREAM_KEY_EVERY; phase += 25) {
        struct wire wire;
        uint32_t keys = 0, last = 2;

        wire_open(&wire, phase);
        new_slot(wire.table, "");
        for (int i = 0; i < 400; i++)
            tick(&wire, i, 2000 + i);
        for (uint32_t i = 2; i < wire.n; i++) {
            if (wire.types[i] != RECORD_KEY)
                continue;
            assert_true(i - last <= STREAM_KEY_EVERY);
            if (keys == 1)
                assert_int_equal(i - last, phase + 1);
            else if (keys > 1)
                assert_int_equal(i - last, STREAM_KEY_EVERY);
            last = i;
            keys++;
        }
        assert_true(keys >= 4);
        assert_int_equal(wire.rows, 400);
        wire_close(&wire);
    }
}

static void
a_key_that_is_due_is_the_next_row(void **state)
{
    struct wire wire;

    (void) state;
    wire_open(&wire, 100);
    new_slot(wire.table, "");
    tick(&wire, 1, 1000);
    tick(&wire, 2, 2000);
    stream_writer_key_due(wire.writer);
    tick(&wire, 3, 3000);
    tick(&wire, 4, 4000);
    assert_int_equal(wire.types[3], RECORD_DELTA);
    assert_int_equal(wire.types[4], RECORD_KEY);
    assert_int_equal(wire.types[5], RECORD_DELTA);
    wire_close(&wire);
}

// One sample, in a record that is ahead of the tick and falls to be the KEY.
static void
a_key_of_a_single_sample_is_read_and_so_are_the_rows_after_it(void **state)
{
    const struct app_block block = { .time_ms = 1500,
                                     .slots = (const uint32_t[]){ 299 },
                                     .cells = &(const struct cell){ .state = CELL_INTEGER,
                                                                    .m = 300 },
                                     .n = 1 };
    struct wire wire;

    (void) state;
    wire_open(&wire, 100);
    for (uint32_t i = 0; i < 300; i++)
        new_slot(wire.table, "");
    tick(&wire, 1, 1000);
    stream_writer_key_due(wire.writer);
    wire.sparse = true;
    stream_writer_apps(wire.writer, wire.table, 1500, &block, 1);
    wire.sparse = false;
    assert_int_equal(wire.types[wire.n - 1], RECORD_KEY);
    assert_int_equal(wire.last_rc, 0);
    tick(&wire, 2, 2000);
    assert_int_equal(wire.types[wire.n - 1], RECORD_DELTA);
    assert_int_equal(wire.last_rc, 0);
    assert_int_equal(wire.rows, 3);
    wire_close(&wire);
}

static void
a_table_and_a_key_are_all_a_new_reader_needs(void **state)
{
    struct wire wire;
    struct record ahead_of;

    (void) state;
    wire_open(&wire, 100);
    new_slot(wire.table, "");
    new_slot(wire.table, "");
    wire.cut = true;
    tick(&wire, 1, 1000);
    tick(&wire, 2, 2000);
    wire.cut = false;
    open_lane(&wire);
    ahead_of = (struct record){ .stream = STREAM,
                                .seq = stream_writer_next(wire.writer),
                                .total = stream_writer_total(wire.writer),
                                .t0_ms = 3000 };
    wire.repeat = true;
    stream_writer_table(wire.writer, wire.table, 2, &ahead_of, take, &wire);
    wire.repeat = false;
    assert_int_equal(wire.types[wire.n - 1], RECORD_TABLE);
    assert_int_equal(wire.defined, 2);
    stream_writer_key_due(wire.writer);
    tick(&wire, 3, 3000);
    tick(&wire, 4, 4000);
    assert_int_equal(wire.last_rc, 0);
    assert_int_equal(wire.rows, 2);
    wire_close(&wire);
}

static void
definitions_beyond_a_frame_are_split(void **state)
{
    struct wire wire;
    struct record ahead_of = { .stream = STREAM, .seq = 1 };
    char *pad = xmalloc(8001);
    uint32_t tables = 0;

    (void) state;
    memset(pad, 'x', 8000);
    pad[8000] = '\0';
    wire_open(&wire, 100);
    for (int i = 0; i < 100; i++)
        new_slot(wire.table, pad);
    tick(&wire, 1, 1000);
    assert_int_equal(wire.rows, 1);
    assert_int_equal(wire.defined, 100);
    assert_true(wire.n > 4 && wire.max_body <= FRAME_BODY_MAX);

    // And the same again for one who knows nothing.
    wire.n = wire.defined = 0;
    open_lane(&wire);
    wire.repeat = true;
    stream_writer_table(wire.writer, wire.table, 100, &ahead_of, take, &wire);
    wire.repeat = false;
    for (uint32_t i = 0; i < wire.n; i++)
        tables += wire.types[i] == RECORD_TABLE;
    assert_int_equal(tables, 1);
    assert_int_equal(wire.types[0], RECORD_TABLE);
    assert_int_equal(wire.defined, 100);
    assert_true(wire.n > 3);
    free(pad);
    wire_close(&wire);
}

// A KEY of the largest table, with the values that take most bytes, fits a frame.
static void
the_largest_row_fits_a_frame(void **state)
{
    struct wire wire;

    (void) state;
    wire_open(&wire, 100);
    for (uint32_t i = 0; i < SERIES_TABLE_MAX; i++)
        new_slot(wire.table, "");
    for (uint32_t t = 0; t < 4; t++) {
        series_table_begin(wire.table);
        for (uint32_t i = 0; i < SERIES_TABLE_MAX; i++) {
            if (t < 2)
                series_table_set(wire.table, i,
                                 (t + i) % 2 == 0 ? METRIC_MANTISSA_MAX : -METRIC_MANTISSA_MAX);
            else if ((t + i) % 2 == 0)
                series_table_set_double(wire.table, i, 1.0 / 3);
        }
        series_table_end(wire.table);
        stream_writer_row(wire.writer, wire.table, 1000 + t, NULL, 0);
        assert_int_equal(wire.last_rc, 0);
    }
    assert_int_equal(wire.rows, 4);
    wire_close(&wire);
}

static void
any_values_come_back_bit_for_bit(void **state)
{
    uint64_t seed = 20240607;
    struct wire wire;

    (void) state;
    wire_open(&wire, 37);
    for (int t = 0; t < 500; t++) {
        if (seeded_below(&seed, 10) == 0)
            new_slot(wire.table, "");
        series_table_begin(wire.table);
        for (uint32_t i = 0; i < series_table_count(wire.table); i++) {
            const uint32_t dice = seeded_below(&seed, 8);

            if (dice == 0)
                continue; // absent: a stale mark, then nothing
            if (dice == 1)
                series_table_set_double(wire.table, i, sample_from_bits(seeded_next(&seed)));
            else
                series_table_set(wire.table, i, (int64_t) seeded_wide(&seed));
        }
        series_table_end(wire.table);
        stream_writer_row(wire.writer, wire.table, 1000 + t, NULL, 0);
        assert_int_equal(wire.last_rc, 0);
    }
    assert_true(lane_counters(wire.lane)->samples == stream_writer_total(wire.writer));
    wire_close(&wire);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_begins_with_ident_def_and_key),
        cmocka_unit_test(a_table_without_series_gives_no_row),
        cmocka_unit_test(a_new_series_is_defined_ahead_of_its_value),
        cmocka_unit_test(keys_come_at_least_each_128_records),
        cmocka_unit_test(a_key_that_is_due_is_the_next_row),
        cmocka_unit_test(a_key_of_a_single_sample_is_read_and_so_are_the_rows_after_it),
        cmocka_unit_test(a_table_and_a_key_are_all_a_new_reader_needs),
        cmocka_unit_test(definitions_beyond_a_frame_are_split),
        cmocka_unit_test(the_largest_row_fits_a_frame),
        cmocka_unit_test(any_values_come_back_bit_for_bit),
    };
    return cmocka_run_group_tests_name("stream_writer", tests, NULL, NULL);
}

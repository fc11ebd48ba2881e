// test_store_lane - what a stream's records say is in the answers, wherever its tiles begin and
// end.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/store_lane.h"
#include "tests/support/seeded.h"

#define HOST      7u
#define STREAM    9u
#define SLOTS     30u
#define ROWS_MOST 3000u
#define T0        INT64_C(1700000000000)
#define FORM      ((struct metric_form){ .exponent = 2, .unit = 1 })

static local_store_t *local;
static store_t *store;
static store_lane_t *lane;
static struct row_state sender;
static row_decoder_t *receiver; // as the lane of the wire has it
static struct cell row[SLOTS];
static series_id ids[SLOTS];
static uint64_t seed;
static uint64_t seq;
static int64_t clock_ms;
// What should be found: the value of each series at each row that was appended.
static bool there[SLOTS][ROWS_MOST];
static double value[SLOTS][ROWS_MOST];

static int64_t
fake_clock(void)
{
    return clock_ms;
}

static int
setup(void **state)
{
    (void) state;
    clock_ms = 1000;
    seq = 0;
    memset(row, 0, sizeof row);
    memset(there, 0, sizeof there);
    assert_int_equal(local_store_new(&local, 64u << 20), 0);
    local_store_set_clock(local, fake_clock);
    store = local_store_face(local);
    lane = store_lane_open(local, HOST, STREAM);
    receiver = row_decoder_new(NULL);
    row_state_grow(&sender, SLOTS);
    for (uint32_t i = 0; i < SLOTS; i++) {
        char n[16];
        struct label labels[] = { { LABEL_METRIC, "x" }, { "n", n } };
        struct label_set set;

        snprintf(n, sizeof n, "%u", i);
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        assert_int_equal(store_series(store, HOST, &set, METRIC_GAUGE, &ids[i]), 0);
        label_set_release(&set);
        store_lane_define(lane, i, ids[i], FORM, 0);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    store_lane_close(&lane);
    row_decoder_destroy(&receiver);
    row_state_release(&sender);
    local_store_destroy(&local);
    return 0;
}

static void
move_on(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        const uint32_t what = seeded_below(&seed, 100);

        row[i].state = what >= 97 ? CELL_ABSENT : CELL_INTEGER;
        if (what < 40)
            row[i].m += seeded_below(&seed, 300);
    }
}

// The next row of the stream: read, and given to the store unless it is `missed` there.
static void
next_row(bool key, bool missed, bool apart)
{
    static uint8_t body[4096];
    struct open_record record = { .key = key, .seq = seq, .until_ms = INT64_MAX };
    struct row_state *before = row_decoder_state(receiver);
    struct row_block block;
    struct rbuf r;
    struct wbuf w;

    move_on();
    wbuf_init(&w, body, sizeof body);
    if (key)
        row_put_key(&sender, &w);
    row_put(&sender, &w, 0, row);
    rbuf_init(&r, body, w.len);
    if (key) {
        before->slots = 0;
        row_state_grow(before, (uint32_t) rbuf_count(&r, SLOTS));
    }
    record.t0_ms = record.first_ms = record.last_ms = T0 + (int64_t) seq * 1000;
    record.width = SLOTS;
    record.body = body;
    record.body_len = (uint32_t) w.len;
    if (!missed)
        store_lane_before(lane, (struct store_place){ .seq = 0 }, key ? NULL : before, apart);
    assert_int_equal(row_decoder_next(receiver, &r, &block), 1);
    record.samples = block.n;
    for (uint32_t i = 0; i < SLOTS && !missed; i++) {
        there[i][seq] = row[i].state != CELL_ABSENT;
        value[i][seq] = metric_value(FORM, row[i].m);
    }
    if (!missed)
        store_lane_append(lane, &record, 1);
    seq++;
    clock_ms += 1000;
}

static void
assert_whole(void)
{
    const struct store_select all = { .host = HOST, .start_ms = 0, .end_ms = INT64_MAX };
    struct store_series series;
    store_cursor_t *cursor;
    uint32_t n = 0;

    assert_int_equal(store_open(store, &all, &cursor), 0);
    for (; store_next(cursor, &series) == 1; n++) {
        uint32_t at = 0;

        assert_int_equal(series.id, ids[n]);
        for (uint64_t k = 0; k < seq; k++) {
            if (!there[n][k])
                continue;
            assert_true(at < series.n);
            assert_int_equal(series.samples[at].time_ms, T0 + (int64_t) k * 1000);
            assert_int_equal(sample_bits(series.samples[at].value), sample_bits(value[n][k]));
            at++;
        }
        assert_int_equal(at, series.n);
    }
    store_close(&cursor);
    assert_int_equal(n, SLOTS);
}

static void
rows_are_whole_wherever_tiles_end(void **state)
{
    (void) state;
    seed = 1;
    while (seq < 2000) {
        next_row(seq % 128 == 0, false, false);
        if (seeded_below(&seed, 50) == 0)
            local_store_seal(local);
        if (seeded_below(&seed, 20) == 0)
            store_turn(store);
        if (seq % 400 == 0)
            assert_whole();
    }
    assert_whole();
}

static void
a_tile_ends_by_size_and_age_without_being_asked(void **state)
{
    struct store_stat before;
    struct store_stat after;

    (void) state;
    seed = 2;
    next_row(true, false, false);
    store_stat(store, &before);
    while (seq < 2900)
        next_row(seq % 128 == 0, false, false);
    clock_ms += LOCAL_STORE_AGE_MS;
    store_turn(store);
    local_store_seal(local);
    store_stat(store, &after);
    assert_whole();
    // Sealed, all of it takes less than a byte and a half a sample; open it would take more.
    assert_true(after.bytes - before.bytes < after.samples * 3 / 2);
}

// What set the decoder there were repeats, of records that the store was not given.
static void
a_delta_against_another_state_begins_a_tile(void **state)
{
    (void) state;
    seed = 3;
    for (unsigned run = 0; run < 40; run++) {
        for (unsigned i = 0; i < 20; i++)
            next_row(seq == 0, false, false);
        for (unsigned i = 0; i < 5; i++)
            next_row(false, true, false);
        next_row(false, false, true);
    }
    assert_whole();
}

static void
a_record_that_was_not_to_be_had_changes_nothing(void **state)
{
    (void) state;
    seed = 4;
    for (unsigned i = 0; i < 300; i++) {
        next_row(seq % 100 == 0, false, false);
        if (i % 7 == 0) {
            store_lane_before(lane, (struct store_place){ .seq = 0 }, row_decoder_state(receiver),
                              false);
            store_turn(store);
            store_lane_abandon(lane);
        }
    }
    assert_whole();
}

// A dead slot's values stand; a slot that is left out is nobody's until it is defined again.
static void
what_a_table_leaves_out_counts_up_to_there_and_not_after(void **state)
{
    (void) state;
    seed = 5;
    for (unsigned run = 0; run < 6; run++) {
        const bool all = run % 2 == 0;

        for (unsigned i = 0; i < 40; i++) {
            next_row(seq == 0, false, false);
            for (uint32_t slot = 0; slot < 10 && !all; slot++)
                there[slot][seq - 1] = false;
        }
        store_lane_table(lane, seq);
        for (uint32_t i = all ? 10 : 0; i < SLOTS; i++)
            store_lane_define(lane, i, ids[i], FORM, seq);
    }
    assert_whole();
    local_store_seal(local);
    assert_whole();
}

// A tile for each. The cost of one more must not grow with how many there are.
static void
a_sample_for_each_day_of_centuries_is_held_or_counted(void **state)
{
    const uint32_t days = 20000, n_records = 5;
    const size_t size = (size_t) days * 16;
    uint8_t *body = malloc(size);
    struct open_record record = {
        .key = true, .until_ms = INT64_MAX, .width = SLOTS, .body = body
    };
    local_store_t *small;
    store_lane_t *into;
    struct store_stat stat;

    (void) state;
    assert_int_equal(local_store_new(&small, 4u << 20), 0);
    into = store_lane_open(small, HOST, STREAM);
    store_lane_define(into, 0, 1, FORM, 0);
    for (record.seq = 0; record.seq < n_records; record.seq++) {
        struct wbuf w;

        wbuf_init(&w, body, size);
        row_put_key(&sender, &w);
        for (uint32_t day = 0; day < days; day++) {
            const struct cell cell = { .state = CELL_INTEGER, .m = day };
            const uint32_t slot = 0;

            row_put_sparse(&sender, &w, (int64_t) day * 86400000 + (int64_t) record.seq, &slot,
                           &cell, 1);
        }
        record.body_len = (uint32_t) w.len;
        record.samples = days;
        record.last_ms = (int64_t) days * 86400000;
        store_lane_before(into, (struct store_place){ .seq = 0 }, NULL, false);
        store_lane_append(into, &record, 0);
        local_store_seal(small);
    }
    store_stat(local_store_face(small), &stat);
    assert_int_equal(stat.samples + stat.samples_evicted, (uint64_t) days * n_records);
    assert_true(stat.samples_evicted > 0);
    assert_true(stat.bytes <= 4u << 20);
    store_lane_close(&into);
    local_store_destroy(&small);
    free(body);
}

static void
rows_are_numbered_on_over_lanes_of_a_host(void **state)
{
    struct open_record record = { .until_ms = INT64_MAX, .key = true };
    store_lane_t *other = store_lane_open(local, HOST, STREAM + 1);
    store_cursor_t *cursor;

    (void) state;
    store_lane_before(lane, (struct store_place){ .seq = 0 }, NULL, false);
    assert_int_equal(store_lane_append(lane, &record, 3), 1);
    store_lane_before(other, (struct store_place){ .seq = 0 }, NULL, false);
    assert_int_equal(store_lane_append(other, &record, 2), 4);
    store_lane_close(&other);
    assert_int_equal(store_open(store, &(struct store_select){ .host = HOST }, &cursor), 0);
    assert_int_equal(store_upto(cursor), 5);
    store_close(&cursor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_whole_wherever_tiles_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tile_ends_by_size_and_age_without_being_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_delta_against_another_state_begins_a_tile, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_record_that_was_not_to_be_had_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_a_table_leaves_out_counts_up_to_there_and_not_after,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_sample_for_each_day_of_centuries_is_held_or_counted,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(rows_are_numbered_on_over_lanes_of_a_host, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// test_send_queue - whatever the connection does, a lane reads what was sampled, and what it did
// not get was counted. More than 500 lines: the simulation is of no use but for the claims on it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/send_queue.h"
#include "agent/stream_writer.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"

#define STREAM    UINT64_C(42)
#define TICKS_MAX 4000
#define TICK_MS   10
#define APP_SLOT  0u // an application's: its samples come between ticks, and are their own times
#define APP_MOST  4u // samples of it in a tick

// One tick as it was sampled.
struct truth {
    uint32_t slots;
    uint32_t present;
    uint32_t said; // samples of the application ahead of it
    struct cell *cells;
    bool had;               // by some lane
    bool had_app[APP_MOST]; // the samples that many ms before it, likewise
};

// An agent's way from table to queue, a collector's lane, and the connection between them.
struct sim {
    uint64_t seed;
    series_table_t *table;
    stream_writer_t *writer;
    send_queue_t *queue;
    bool key_due;
    lane_t *lane;
    bool welcomed;
    bool losing;    // what is sent does not arrive
    bool all_read;  // nothing the lane is given may be unreadable
    uint32_t ticks; // row t has time t * TICK_MS
    struct truth truth[TICKS_MAX];
    uint64_t had;         // samples the lanes were given, each row once
    uint64_t gap_samples; // booked by GAPs at the lane
    uint64_t frames;
    uint8_t last_flags;
};

static int
define(void *arg, const struct slot_def *def)
{
    struct sim *sim = arg;

    assert_true(label_set_equal(&def->labels, &series_table_def(sim->table, def->slot)->labels));
    return 0;
}

static double
value_of(const struct sim *sim, const struct truth *truth, uint32_t slot)
{
    const struct cell *cell = &truth->cells[slot];

    assert_true(slot < truth->slots && cell->state != CELL_ABSENT);
    return cell->state == CELL_INTEGER
               ? metric_value(series_table_def(sim->table, slot)->form, cell->m)
               : sample_from_bits(cell->bits);
}

static void
app_row(struct sim *sim, bool *had, int64_t time_ms, const uint32_t *slots, const double *values,
        uint32_t n)
{
    assert_int_equal(n, 1);
    assert_int_equal(slots[0], APP_SLOT);
    assert_true(values[0] == (double) time_ms);
    sim->had += !*had;
    *had = true;
}

static void
row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    struct sim *sim = arg;
    struct truth *truth = &sim->truth[(time_ms + TICK_MS - 1) / TICK_MS];

    assert_in_range(time_ms, 0, (sim->ticks - 1) * TICK_MS);
    if (time_ms % TICK_MS != 0) {
        app_row(sim, &truth->had_app[TICK_MS - time_ms % TICK_MS], time_ms, slots, values, n);
        return;
    }
    assert_int_equal(n, truth->present);
    for (uint32_t i = 0; i < n; i++)
        assert_true(sample_bits(values[i]) == sample_bits(value_of(sim, truth, slots[i])));
    if (!truth->had)
        sim->had += n;
    truth->had = true;
}

static void
gap(void *arg, uint64_t from, const struct gap *g)
{
    struct sim *sim = arg;

    assert_true(g->to >= from);
    if (g->cause == GAP_QUEUE_FULL)
        sim->gap_samples += g->samples;
}

static void
keep(void *arg, const struct record *record, uint32_t slots)
{
    struct sim *sim = arg;

    if (!send_queue_push(sim->queue, record, slots))
        sim->key_due = true;
}

static void
ahead(void *arg, const struct record *record, uint32_t slots)
{
    struct sim *sim = arg;

    (void) slots;
    send_queue_put_ahead(sim->queue, record);
}

static void
put_table(struct sim *sim)
{
    struct record head;
    uint32_t slots;

    if (send_queue_head(sim->queue, &head, &slots))
        stream_writer_table(sim->writer, sim->table, slots, &head, ahead, sim);
}

static void
new_lane(struct sim *sim)
{
    const struct lane_handler handler = { .arg = sim, .define = define, .row = row, .gap = gap };

    lane_destroy(&sim->lane);
    sim->lane = lane_new(STREAM, &handler);
}

static struct sim *
sim_open(size_t most, uint64_t seed)
{
    const struct stream_writer_options opt = {
        .stream = STREAM,
        .id = { .host = 7,
                .name = "web-1",
                .name_len = 5,
                .version = "1",
                .version_len = 1,
                .interval_ms = 1000 },
        .phase = (unsigned) seed,
    };
    struct sim *sim = xcalloc(1, sizeof *sim);

    sim->seed = seed;
    sim->all_read = true;
    sim->table = series_table_new();
    sim->queue = send_queue_new(most);
    new_lane(sim);
    sim->writer = stream_writer_new(&opt, keep, sim);
    return sim;
}

static void
sim_close(struct sim *sim)
{
    for (uint32_t t = 0; t < sim->ticks; t++)
        free(sim->truth[t].cells);
    stream_writer_destroy(&sim->writer);
    send_queue_destroy(&sim->queue);
    series_table_destroy(&sim->table);
    lane_destroy(&sim->lane);
    free(sim);
}

static void
add_series(struct sim *sim)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_COUNTER, .form = { .exponent = 2, .unit = 1 }, .job = "t"
    };
    char value[16];

    snprintf(value, sizeof value, "%u", series_table_count(sim->table));
    series_table_slot(sim->table, &spec, &(const struct label){ "n", value }, 1);
}

// Up to three samples, at rising times before the tick's.
static void
give_row(struct sim *sim)
{
    static const uint32_t slot = APP_SLOT;
    const int64_t time_ms = (int64_t) sim->ticks * TICK_MS;
    struct app_block blocks[APP_MOST];
    struct cell cells[APP_MOST];
    size_t n = 0;

    for (uint32_t k = sim->ticks > 0 ? seeded_below(&sim->seed, APP_MOST) : 0; k > 0; k--) {
        cells[n] = (struct cell){ .state = CELL_INTEGER, .m = (time_ms - k) * 100 };
        blocks[n] = (struct app_block){
            .time_ms = time_ms - k, .n = 1, .slots = &slot, .cells = &cells[n]
        };
        n++;
    }
    sim->truth[sim->ticks++].said = (uint32_t) n;
    stream_writer_row(sim->writer, sim->table, time_ms, blocks, n);
}

static void
tick(struct sim *sim)
{
    struct truth *truth = &sim->truth[sim->ticks];

    assert_true(sim->ticks < TICKS_MAX);
    if (series_table_count(sim->table) == 0)
        add_series(sim); // APP_SLOT
    if (series_table_count(sim->table) == 1 || seeded_below(&sim->seed, 40) == 0)
        add_series(sim);
    series_table_begin(sim->table);
    for (uint32_t i = APP_SLOT + 1; i < series_table_count(sim->table); i++) {
        const uint32_t dice = seeded_below(&sim->seed, 10);

        if (dice == 0)
            continue;
        if (dice == 1)
            series_table_set_double(sim->table, i, sample_from_bits(seeded_next(&sim->seed)));
        else
            series_table_set(sim->table, i, (int64_t) seeded_below(&sim->seed, 100000));
    }
    series_table_end(sim->table);
    truth->slots = series_table_count(sim->table);
    truth->cells = xmemdup(series_table_cells(sim->table), truth->slots * sizeof *truth->cells);
    for (uint32_t i = 0; i < truth->slots; i++)
        truth->present += truth->cells[i].state != CELL_ABSENT;
    if (sim->key_due)
        stream_writer_key_due(sim->writer);
    sim->key_due = false;
    give_row(sim);
}

static void
ticks(struct sim *sim, int n)
{
    for (; n > 0; n--)
        tick(sim);
}

// Up to `most` frames, as an agent that is welcomed sends them.
static void
drain(struct sim *sim, uint32_t most)
{
    for (; sim->welcomed && most > 0; most--) {
        struct frame_prefix prefix;
        struct record record;
        const uint8_t *frame;
        size_t len;
        int rc;

        if (send_queue_table_due(sim->queue))
            put_table(sim);
        frame = send_queue_next(sim->queue, &len);
        assert_true((frame != NULL) == send_queue_has(sim->queue));
        if (frame == NULL)
            return;
        assert_int_equal(frame_take(&prefix, &record, frame, len), 0);
        sim->last_flags = prefix.flags;
        sim->frames++;
        if (!sim->losing) {
            rc = lane_accept(sim->lane, &prefix, &record);
            if (sim->all_read && rc < 0)
                fail_msg("record %llu of type %s: %s", (unsigned long long) record.seq,
                         record_type_str(record.type), err_str(rc));
        }
        send_queue_sent(sim->queue);
    }
}

static void
welcome(struct sim *sim)
{
    sim->welcomed = true;
    send_queue_resume(sim->queue, lane_next(sim->lane));
    put_table(sim);
}

static void
nak(struct sim *sim)
{
    send_queue_again(sim->queue);
    put_table(sim);
    sim->key_due = true;
}

// Everything that waits is sent; afterwards each sample was had or counted as dropped.
static void
settle(struct sim *sim)
{
    struct send_queue_stat stat;

    if (!sim->welcomed)
        welcome(sim);
    stream_writer_key_due(sim->writer);
    tick(sim); // a GAP goes only ahead of a KEY
    drain(sim, UINT32_MAX);
    stat = send_queue_stat(sim->queue);
    assert_int_equal(stat.waiting, 0);
    assert_int_equal(lane_next(sim->lane), stat.next);
    assert_true(sim->had + stat.dropped_samples == stream_writer_total(sim->writer));
    assert_int_equal(lane_counters(sim->lane)->malformed, 0);
}

static void
what_waits_is_sent_in_order(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 1);

    (void) state;
    ticks(sim, 300);
    assert_int_equal(sim->frames, 0);
    settle(sim);
    assert_int_equal(send_queue_stat(sim->queue).dropped_records, 0);
    assert_int_equal(lane_counters(sim->lane)->holes, 0);
    sim_close(sim);
}

static void
what_was_sent_is_kept_to_the_last_key(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 30);

    (void) state;
    welcome(sim);
    drain(sim, UINT32_MAX);
    for (int i = 0; i < 1000; i++) {
        const struct send_queue_stat stat = send_queue_stat(sim->queue);

        tick(sim);
        drain(sim, UINT32_MAX);
        assert_true(stat.waiting == 0 && stat.next - stat.base <= STREAM_KEY_EVERY + 60);
    }
    settle(sim);
    sim_close(sim);
}

static void
a_new_collector_reads_from_the_first_record_on(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 60);

    (void) state;
    welcome(sim);
    for (int i = 0; i < 50; i++) {
        ticks(sim, 7);
        drain(sim, UINT32_MAX);
        ticks(sim, 1);
        drain(sim, 1);
        sim->welcomed = false;
        ticks(sim, 3);
        new_lane(sim);
        welcome(sim);
    }
    settle(sim);
    assert_int_equal(send_queue_stat(sim->queue).dropped_records, 0);
    sim_close(sim);
}

static void
what_was_lost_with_the_connection_is_sent_again(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 100);

    (void) state;
    welcome(sim);
    ticks(sim, 20);
    drain(sim, UINT32_MAX);
    sim->losing = true;
    ticks(sim, 5);
    drain(sim, UINT32_MAX);
    sim->losing = false;
    sim->welcomed = false;
    ticks(sim, 2);
    welcome(sim);
    drain(sim, 1);
    assert_int_equal(sim->last_flags, FRAME_REPEAT);
    settle(sim);
    assert_int_equal(lane_counters(sim->lane)->holes, 0);
    assert_int_equal(sim->last_flags, 0);
    sim_close(sim);
}

static void
what_goes_again_is_backlog_and_what_is_new_is_not(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 100);

    (void) state;
    welcome(sim);
    ticks(sim, 3);
    drain(sim, UINT32_MAX);
    sim->welcomed = false;
    tick(sim);
    new_lane(sim);
    welcome(sim);
    drain(sim, 1);
    assert_int_equal(sim->last_flags, FRAME_REPEAT); // the TABLE
    while (send_queue_stat(sim->queue).waiting > 1) {
        drain(sim, 1);
        assert_int_equal(sim->last_flags, FRAME_BACKLOG);
    }
    drain(sim, 1);
    assert_int_equal(sim->last_flags, 0);
    sim_close(sim);
}

static void
a_nak_repeats_and_skips_nothing(void **state)
{
    struct sim *sim = sim_open(SEND_QUEUE_BYTES, 100);

    (void) state;
    welcome(sim);
    for (int i = 0; i < 30; i++) {
        ticks(sim, 5);
        drain(sim, 3);
        nak(sim);
        drain(sim, 2);
    }
    settle(sim);
    assert_int_equal(lane_counters(sim->lane)->duplicates, 0);
    sim_close(sim);
}

static void
a_full_queue_drops_the_oldest_up_to_a_key_and_says_so(void **state)
{
    struct sim *sim = sim_open(60000, 100);
    struct send_queue_stat stat;

    (void) state;
    ticks(sim, 1000);
    stat = send_queue_stat(sim->queue);
    assert_true(stat.bytes <= 60000);
    assert_true(stat.dropped_records > 100 && stat.dropped_samples > 100);
    assert_int_equal(stat.base, 0); // the GAP begins with the first record
    settle(sim);
    assert_true(sim->gap_samples == send_queue_stat(sim->queue).dropped_samples);
    assert_int_equal(sim->gap_samples + lane_counters(sim->lane)->samples,
                     stream_writer_total(sim->writer));
    sim_close(sim);
}

static void
a_queue_smaller_than_a_run_of_deltas_asks_for_keys(void **state)
{
    struct sim *sim = sim_open(3000, 100);

    (void) state;
    ticks(sim, 500);
    assert_true(send_queue_stat(sim->queue).bytes <= 3000);
    settle(sim);
    assert_true(sim->gap_samples == send_queue_stat(sim->queue).dropped_samples);
    sim_close(sim);
}

static void
a_record_larger_than_the_queue_is_dropped(void **state)
{
    struct sim *sim = sim_open(100, 100);

    (void) state;
    ticks(sim, 50);
    assert_int_equal(send_queue_stat(sim->queue).bytes, 0);
    assert_int_equal(send_queue_stat(sim->queue).dropped_records, stream_writer_next(sim->writer));
    welcome(sim);
    drain(sim, UINT32_MAX);
    assert_int_equal(sim->frames, 0);
    sim_close(sim);
}

static void
a_gap_that_was_sent_is_not_told_again(void **state)
{
    struct sim *sim = sim_open(20000, 100);
    uint64_t first;

    (void) state;
    ticks(sim, 300);
    settle(sim);
    first = sim->gap_samples;
    assert_true(first > 0);
    sim->welcomed = false;
    ticks(sim, 300);
    settle(sim);
    assert_true(sim->gap_samples > first);
    assert_true(sim->gap_samples == send_queue_stat(sim->queue).dropped_samples);
    sim_close(sim);
}

// Any order of ticks, drains, breaks, NAKs and new collectors, with queues of any size.
static void
nothing_is_wrong_and_nothing_is_unaccounted(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct sim *sim = sim_open(2000 + seed * seed % 90000, seed);

        for (int step = 0; step < 400; step++) {
            switch (seeded_below(&sim->seed, 12)) {
            case 0:
                sim->welcomed = false;
                break;
            case 1:
                if (!sim->welcomed)
                    welcome(sim);
                break;
            case 2:
                if (sim->welcomed)
                    nak(sim);
                break;
            case 3:
                if (!sim->welcomed && seeded_below(&sim->seed, 4) == 0)
                    new_lane(sim);
                break;
            case 4:
                drain(sim, seeded_below(&sim->seed, 5));
                break;
            case 5:
                drain(sim, UINT32_MAX);
                break;
            default:
                ticks(sim, 1 + (int) seeded_below(&sim->seed, 12) / 11 * 7);
            }
        }
        settle(sim);
        sim_close(sim);
    }
}

// With frames lost in flight a lane may miss rows, never read a wrong one, and it reads again.
static void
losses_in_flight_are_holes_and_heal(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct sim *sim = sim_open(1 << 20, seed);
        uint64_t before;

        sim->all_read = false;
        welcome(sim);
        for (int step = 0; step < 200; step++) {
            const struct lane_counters was = *lane_counters(sim->lane);

            tick(sim);
            sim->losing = seeded_below(&sim->seed, 6) == 0;
            drain(sim, UINT32_MAX);
            if (lane_counters(sim->lane)->unreadable > was.unreadable)
                nak(sim); // as the collector would ask
        }
        sim->losing = false;
        nak(sim);
        drain(sim, UINT32_MAX);
        before = lane_counters(sim->lane)->samples;
        tick(sim);
        drain(sim, UINT32_MAX);
        assert_int_equal(lane_counters(sim->lane)->samples - before,
                         sim->truth[sim->ticks - 1].present + sim->truth[sim->ticks - 1].said);
        assert_int_equal(lane_counters(sim->lane)->malformed, 0);
        sim_close(sim);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_sent_in_order),
        cmocka_unit_test(what_was_sent_is_kept_to_the_last_key),
        cmocka_unit_test(a_new_collector_reads_from_the_first_record_on),
        cmocka_unit_test(what_was_lost_with_the_connection_is_sent_again),
        cmocka_unit_test(what_goes_again_is_backlog_and_what_is_new_is_not),
        cmocka_unit_test(a_nak_repeats_and_skips_nothing),
        cmocka_unit_test(a_full_queue_drops_the_oldest_up_to_a_key_and_says_so),
        cmocka_unit_test(a_queue_smaller_than_a_run_of_deltas_asks_for_keys),
        cmocka_unit_test(a_record_larger_than_the_queue_is_dropped),
        cmocka_unit_test(a_gap_that_was_sent_is_not_told_again),
        cmocka_unit_test(nothing_is_wrong_and_nothing_is_unaccounted),
        cmocka_unit_test(losses_in_flight_are_holes_and_heal),
    };
    return cmocka_run_group_tests_name("send_queue", tests, NULL, NULL);
}

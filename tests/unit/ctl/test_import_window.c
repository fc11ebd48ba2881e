// test_import_window - records over a wire that loses them, between ends that are started again:
// each sample arrives once.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/import_stream.h"
#include "collector/ctl/import_window.h"
#include "shared/base/err.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"

#define STREAM  UINT64_C(0x1234)
#define T0      INT64_C(1500000000000)
#define ROUNDS  60
#define SERIES  40
#define SAMPLES 400 // of a round
#define TURNS   200000

// The two ends, and what the far one has.
static struct world {
    uint64_t seed;
    // The importer.
    import_stream_t *stream;
    import_window_t *window;
    unsigned round; // that comes next; past the last one, END was made
    int rc;
    // The collector: what is durable, and what a restart loses.
    uint64_t next;
    uint32_t crc;
    bool ended;
    lane_t *lane;
    bool told; // it has been asked by this importer
    uint64_t samples, unreadable;
    uint64_t duplicates; // records
} w;

static int
on_define(void *arg, const struct slot_def *def)
{
    (void) arg;
    (void) def;
    return 0;
}

static void
on_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    for (uint32_t i = 0; i < n; i++)
        assert_true(values[i] == (double) slots[i] + (double) (time_ms - T0) / 10);
    w.samples += n;
}

static void
on_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    (void) from;
    (void) gap;
    fail_msg("a hole");
}

static void
on_record(void *arg, const struct record *record, uint32_t slots)
{
    (void) arg;
    if (w.rc == 0)
        w.rc = import_window_push(w.window, record, slots);
}

static void
on_table_record(void *arg, const struct record *record, uint32_t slots)
{
    (void) arg;
    (void) slots;
    import_window_table(w.window, record);
}

static void
on_table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    (void) arg;
    import_stream_table(w.stream, slots, ahead_of, on_table_record, NULL);
}

static void
import_begins(void)
{
    const struct identity id = { .host = 7, .name = "web-1", .name_len = 5, .interval_ms = 1000 };

    import_stream_destroy(&w.stream);
    import_window_destroy(&w.window);
    w.stream = import_stream_new(STREAM, &id, on_record, NULL);
    w.window = import_window_new(STREAM, on_table, NULL);
    w.round = 0;
    w.told = false;
}

static void
collector_begins(void)
{
    static const struct lane_handler handler = { .define = on_define,
                                                 .row = on_row,
                                                 .gap = on_gap };

    lane_destroy(&w.lane);
    w.lane = lane_new(STREAM, &handler);
    w.told = false;
}

static int
setup(void **state)
{
    (void) state;
    w = (struct world){ .seed = 11 };
    import_begins();
    collector_begins();
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    import_stream_destroy(&w.stream);
    import_window_destroy(&w.window);
    lane_destroy(&w.lane);
    return 0;
}

// The next piece of the file: the same whenever it is read. Two rounds of three bring new series;
// the third has one sample of the newest, and is too small to be a KEY once there are many.
static void
read_on(void)
{
    const bool small = w.round % 3 == 2;
    const uint32_t n = small ? 1 : SAMPLES;
    const uint32_t first = (w.round / 3 * 2 + (small ? 1 : w.round % 3)) * SERIES;

    if (w.round > ROUNDS)
        return;
    for (uint32_t i = 0; i < SERIES && !small && w.round < ROUNDS; i++) {
        char name[32];
        const struct label labels[] = { { LABEL_METRIC, name }, { "instance", "web-1" } };
        struct label_set set;

        snprintf(name, sizeof name, "s_%u", first + i);
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        assert_int_equal(import_stream_slot(w.stream, &set, METRIC_GAUGE), first + i);
    }
    for (uint32_t i = 0; i < n && w.round < ROUNDS; i++) {
        const int64_t offset_ms = (int64_t) w.round * 1000 + i / SERIES;
        const uint32_t slot = first + i % SERIES;

        import_stream_add(w.stream, slot, T0 + offset_ms, (double) slot + (double) offset_ms / 10,
                          1);
    }
    if (w.round++ < ROUNDS)
        import_stream_flush(w.stream);
    else
        import_stream_end(w.stream);
}

static void
welcome(bool anew)
{
    const struct welcome_stream say = { .stream = STREAM,
                                        .next = w.next,
                                        .crc = w.crc,
                                        .limit = w.next + 1 + seeded_below(&w.seed, 6) };

    w.rc = import_window_welcome(w.window, &say, anew);
    w.told = true;
}

static void
acknowledge(void)
{
    const struct ack say = { .stream = STREAM,
                             .next = w.next,
                             .limit = w.next + 1 + seeded_below(&w.seed, 6),
                             .stored = w.samples };

    if (w.rc == 0)
        w.rc = import_window_ack(w.window, &say);
}

static void
nak(uint8_t reason, uint64_t next)
{
    import_window_nak(w.window, &(struct nak){ .reason = reason, .stream = STREAM, .next = next });
}

// As ingest and applier do, each record durable as it comes.
static void
arrive(const uint8_t *frame, size_t len)
{
    struct frame_prefix prefix;
    struct record record;
    int rc;

    assert_int_equal(frame_take(&prefix, &record, frame, len), 0);
    assert_int_equal(prefix.flags & ~FRAME_REPEAT, FRAME_IMPORT | FRAME_BACKLOG);
    assert_true(prefix.base <= w.next);
    if ((prefix.flags & FRAME_REPEAT) == 0) {
        if (record.seq < w.next || w.ended) {
            w.duplicates++;
            acknowledge();
            return;
        }
        if (record.seq > w.next) {
            nak(NAK_NEXT, w.next);
            return;
        }
        w.next = record.seq + 1;
        w.ended = record.type == RECORD_END;
        memcpy(&w.crc, frame + FRAME_PREFIX_SIZE + 4, sizeof w.crc);
    }
    prefix.base = record.seq;
    rc = lane_accept(w.lane, &prefix, &record);
    w.unreadable += lane_counters(w.lane)->unreadable;
    assert_int_equal(lane_counters(w.lane)->malformed, 0);
    assert_true(lane_counters(w.lane)->unreadable == 0);
    if (rc == ERR_NEED_KEY)
        nak(NAK_KEY, w.next);
    if ((prefix.flags & FRAME_REPEAT) == 0)
        acknowledge();
}

// One frame, which may be lost, with those behind it, as in a connection that ends.
static void
send_one(unsigned lost_of_100, bool *losing)
{
    static uint8_t copy[FRAME_MAX];
    const uint8_t *frame;
    size_t len;

    frame = import_window_next(w.window, &len);
    if (frame == NULL) {
        // Nothing moves: what is on its way was lost.
        *losing = false;
        if (import_window_flying(w.window))
            import_window_rewind(w.window);
        return;
    }
    memcpy(copy, frame, len);
    import_window_sent(w.window);
    *losing = *losing ? seeded_below(&w.seed, 4) > 0 : seeded_below(&w.seed, 100) < lost_of_100;
    if (!*losing || (copy[3] & FRAME_REPEAT) != 0)
        arrive(copy, len);
}

static void
run(unsigned lost, unsigned killed_importer, unsigned killed_collector)
{
    bool losing = false;
    unsigned turn = 0;

    for (; turn < TURNS && !import_window_done(w.window); turn++) {
        if (seeded_below(&w.seed, 1000) < killed_importer)
            import_begins();
        if (seeded_below(&w.seed, 1000) < killed_collector)
            collector_begins();
        if (!w.told)
            welcome(true);
        if (import_window_bytes(w.window) < 8192 || seeded_below(&w.seed, 4) == 0)
            read_on();
        send_one(lost, &losing);
        assert_int_equal(w.rc, 0);
    }
    assert_true(turn < TURNS);
    assert_true(w.samples == import_stream_total(w.stream));
    assert_true(import_window_told(w.window)->stored == w.samples);
}

static void
a_quiet_wire_carries_each_record_once_and_the_end_twice(void **state)
{
    (void) state;
    run(0, 0, 0);
    assert_true(w.duplicates == 1);
    assert_true(import_window_fresh(w.window) == w.samples);
    assert_true(import_window_bytes(w.window) == 0);
}

static void
what_is_lost_is_sent_again(void **state)
{
    (void) state;
    run(10, 0, 0);
}

static void
a_collector_that_is_started_again_can_read_on(void **state)
{
    (void) state;
    run(0, 0, 20);
}

static void
an_importer_that_is_started_again_sends_what_is_lacking(void **state)
{
    (void) state;
    run(0, 5, 0);
}

static void
all_of_it_at_once(void **state)
{
    (void) state;
    run(5, 3, 10);
}

static void
who_has_it_all_is_told_by_the_end_alone(void **state)
{
    const uint64_t samples = (run(0, 0, 0), w.samples);

    (void) state;
    import_begins();
    w.duplicates = 0;
    run(0, 0, 0);
    assert_true(w.samples == samples);
    assert_true(w.duplicates == 2);
    assert_true(import_window_fresh(w.window) == 0);
}

static void
other_records_under_our_number_are_noticed(void **state)
{
    (void) state;
    run(0, 0, 0);
    import_begins();
    w.crc ^= 1;
    welcome(true);
    assert_int_equal(w.rc, 0);
    while (w.round <= ROUNDS)
        read_on();
    assert_int_equal(w.rc, ERR_CLOSED);
}

static void
a_collector_that_lost_what_it_acknowledged_is_noticed(void **state)
{
    (void) state;
    run(0, 0, 0);
    w.next--;
    welcome(true);
    assert_int_equal(w.rc, ERR_CLOSED);
}

static void
no_room_stops_it_until_there_is_more_credit(void **state)
{
    size_t len;

    (void) state;
    welcome(true);
    read_on();
    assert_non_null(import_window_next(w.window, &len));
    nak(NAK_STORAGE, 0);
    assert_null(import_window_next(w.window, &len));
    acknowledge();
    assert_non_null(import_window_next(w.window, &len));
}

static void
nothing_is_sent_before_a_welcome(void **state)
{
    size_t len;

    (void) state;
    read_on();
    assert_null(import_window_next(w.window, &len));
    welcome(true);
    assert_non_null(import_window_next(w.window, &len));
    import_window_gone(w.window);
    assert_null(import_window_next(w.window, &len));
}

int
main(void)
{
#define IN_WORLD(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_quiet_wire_carries_each_record_once_and_the_end_twice),
        IN_WORLD(what_is_lost_is_sent_again),
        IN_WORLD(a_collector_that_is_started_again_can_read_on),
        IN_WORLD(an_importer_that_is_started_again_sends_what_is_lacking),
        IN_WORLD(all_of_it_at_once),
        IN_WORLD(who_has_it_all_is_told_by_the_end_alone),
        IN_WORLD(other_records_under_our_number_are_noticed),
        IN_WORLD(a_collector_that_lost_what_it_acknowledged_is_noticed),
        IN_WORLD(no_room_stops_it_until_there_is_more_credit),
        IN_WORLD(nothing_is_sent_before_a_welcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

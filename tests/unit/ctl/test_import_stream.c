// test_import_stream - samples into records, read back as a collector reads them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/import_stream.h"
#include "collector/ctl/import_text.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"

#define STREAM UINT64_C(0x1234)
#define T0     INT64_C(1500000000000)

// What came of a stream: the records, and what a reader made of them.
static struct heard {
    lane_t *lane;
    unsigned records[RECORD_EVENT + 1]; // by type
    uint32_t crc;                       // of all bodies
    uint32_t largest;                   // body
    uint64_t samples, defines;
    int64_t last_ms;
    uint32_t n; // of the row at hand
    uint32_t slots[64];
    double values[64];
    int64_t end_ms;
} heard;

static int
on_define(void *arg, const struct slot_def *def)
{
    (void) arg;
    assert_string_equal(label_set_get(&def->labels, "instance"), "web-1");
    heard.defines++;
    return 0;
}

static void
on_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    heard.samples += n;
    heard.last_ms = time_ms;
    heard.n = n < 64 ? n : 64;
    memcpy(heard.slots, slots, heard.n * sizeof *slots);
    memcpy(heard.values, values, heard.n * sizeof *values);
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
    const struct frame_prefix prefix = { .flags = FRAME_IMPORT | FRAME_BACKLOG };

    (void) arg;
    (void) slots;
    assert_true(record->type <= RECORD_EVENT);
    heard.records[record->type]++;
    heard.crc = crc32c(heard.crc, record->body, record->body_len);
    heard.largest = record->body_len > heard.largest ? record->body_len : heard.largest;
    if (record->type == RECORD_END)
        heard.end_ms = record->t0_ms;
    assert_int_equal(lane_accept(heard.lane, &prefix, record), 0);
}

static import_stream_t *
begun(void)
{
    static const struct lane_handler handler = { .define = on_define,
                                                 .row = on_row,
                                                 .gap = on_gap };
    const struct identity id = { .host = 7, .name = "web-1", .name_len = 5, .interval_ms = 1000 };

    lane_destroy(&heard.lane);
    heard = (struct heard){ .lane = lane_new(STREAM, &handler) };
    return import_stream_new(STREAM, &id, on_record, NULL);
}

static uint32_t
slot(import_stream_t *s, const char *name)
{
    const struct label labels[] = { { LABEL_METRIC, name }, { "instance", "web-1" } };
    struct label_set set;

    assert_int_equal(label_set_init(&set, labels, 2), 0);
    return import_stream_slot(s, &set, METRIC_GAUGE);
}

static int
teardown(void **state)
{
    (void) state;
    lane_destroy(&heard.lane);
    return 0;
}

static void
samples_come_in_order_of_time_those_of_one_time_together(void **state)
{
    import_stream_t *s = begun();
    const uint32_t a = slot(s, "a"), b = slot(s, "b");

    (void) state;
    import_stream_add(s, b, T0 + 1000, 2.5, 1);
    import_stream_add(s, a, T0 + 1000, 1.25, 2);
    import_stream_add(s, a, T0, NAN, IMPORT_DECIMALS_NONE);
    import_stream_end(s);
    assert_true(heard.samples == 3 && heard.defines == 2);
    assert_int_equal(heard.records[RECORD_KEY], 1);
    assert_true(heard.last_ms == T0 + 1000 && heard.end_ms == T0 + 1000);
    assert_int_equal(heard.n, 2);
    assert_true(heard.values[0] == 1.25 && heard.values[1] == 2.5);
    assert_true(lane_ended(heard.lane));
    import_stream_destroy(&s);
}

static void
every_double_comes_through_to_the_last_bit(void **state)
{
    static const uint64_t bits[] = { 0,
                                     UINT64_C(1) << 63,
                                     1,
                                     SAMPLE_STALE_BITS,
                                     UINT64_C(0x7ff8000000000001),
                                     UINT64_C(0x7ff0000000000000),
                                     UINT64_C(0xfff0000000000000),
                                     UINT64_C(0x7fefffffffffffff),
                                     UINT64_C(0x3fb999999999999a) };
    uint64_t seed = 3;

    (void) state;
    for (unsigned i = 0; i < 2000; i++) {
        const uint64_t v = i < sizeof bits / sizeof bits[0] ? bits[i] : seeded_next(&seed);
        import_stream_t *s = begun();

        import_stream_add(s, slot(s, "a"), T0, sample_from_bits(v), (uint8_t) (i % 12));
        import_stream_end(s);
        assert_true(heard.n == 1 && sample_bits(heard.values[0]) == v);
        import_stream_destroy(&s);
    }
}

static void
of_two_at_one_time_the_first_stands_and_the_others_are_counted(void **state)
{
    import_stream_t *s = begun();
    const uint32_t a = slot(s, "a");

    (void) state;
    import_stream_add(s, a, T0, 1, 0);
    import_stream_add(s, a, T0, 2, 0);
    import_stream_add(s, a, T0, 1, 0);
    import_stream_add(s, a, T0, 1, 0);
    import_stream_end(s);
    assert_true(heard.samples == 1 && heard.values[0] == 1);
    assert_true(import_stream_twice(s) == 2 && import_stream_conflicts(s) == 1);
    assert_true(import_stream_total(s) == 1);
    import_stream_destroy(&s);
}

static void
nothing_makes_no_records(void **state)
{
    import_stream_t *s = begun();

    (void) state;
    import_stream_flush(s);
    import_stream_end(s);
    assert_int_equal(heard.records[RECORD_IDENT] + heard.records[RECORD_END], 0);
    import_stream_destroy(&s);
}

// Wide, narrow and in between, with new series on the way.
static void
fill(import_stream_t *s, uint64_t seed)
{
    uint32_t n = 0;

    for (unsigned round = 0; round < 20; round++) {
        const uint32_t more = round == 0 ? 30000 : seeded_below(&seed, 3000);

        for (uint32_t i = 0; i < more; i++) {
            char name[32];

            snprintf(name, sizeof name, "series_%u", n + i);
            import_stream_add(s, slot(s, name), T0 + round, (double) i, 0);
        }
        n += more;
        for (uint32_t i = 0; i < 2000; i++)
            import_stream_add(s, seeded_below(&seed, n), T0 + seeded_below(&seed, 1000),
                              seeded_below(&seed, 2) ? seeded_below(&seed, 9) : 0.1, 1);
        import_stream_flush(s);
        // A record that is too small for its width.
        import_stream_add(s, n - 1, T0 + 2000 + round, 1, 0);
        import_stream_flush(s);
    }
    import_stream_end(s);
}

static void
the_same_samples_make_the_same_records_which_are_readable(void **state)
{
    import_stream_t *s = begun();
    uint32_t crc;

    (void) state;
    fill(s, 5);
    crc = heard.crc;
    assert_true(heard.records[RECORD_KEY] > 20 && heard.records[RECORD_DELTA] > 0);
    assert_true(heard.samples == import_stream_total(s));
    assert_true(lane_counters(heard.lane)->unreadable == 0);
    assert_true(heard.largest <= FRAME_BODY_MAX);
    import_stream_destroy(&s);
    s = begun();
    fill(s, 5);
    assert_int_equal(heard.crc, crc);
    import_stream_destroy(&s);
}

static void
a_row_as_wide_as_may_be_is_made_of_several_records(void **state)
{
    import_stream_t *s = begun();
    char name[32];

    (void) state;
    for (unsigned i = 0; i < IMPORT_WAITING_MOST; i++) {
        snprintf(name, sizeof name, "series_%u", i);
        import_stream_add(s, slot(s, name), T0, 1e-300 + i, IMPORT_DECIMALS_NONE);
    }
    import_stream_end(s);
    assert_true(heard.samples == IMPORT_WAITING_MOST && heard.records[RECORD_KEY] > 1);
    import_stream_destroy(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_in_order_of_time_those_of_one_time_together),
        cmocka_unit_test(every_double_comes_through_to_the_last_bit),
        cmocka_unit_test(of_two_at_one_time_the_first_stands_and_the_others_are_counted),
        cmocka_unit_test(nothing_makes_no_records),
        cmocka_unit_test(the_same_samples_make_the_same_records_which_are_readable),
        cmocka_unit_test(a_row_as_wide_as_may_be_is_made_of_several_records),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

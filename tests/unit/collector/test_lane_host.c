// test_lane_host - what is counted of a host goes on through checkpoints and forgotten streams.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "collector/lane_checkpoint.h"

#define HOST UINT64_C(0xa1)
#define T0   INT64_C(1700000000000)

static const struct segment_place place = { .segment = 1, .offset = 64 };

static void
book(lane_table_t *table, uint64_t stream, uint64_t seq, uint64_t total, uint32_t count)
{
    lane_table_book(table,
                    &(struct journal_entry){ .kind = JOURNAL_RECORD,
                                             .host = HOST,
                                             .received_ms = T0,
                                             .record = { .type = RECORD_KEY,
                                                         .count = count,
                                                         .stream = stream,
                                                         .seq = seq,
                                                         .total = total,
                                                         .t0_ms = T0 } },
                    place);
}

static void
say(lane_table_t *table, struct journal_entry entry)
{
    entry.host = HOST;
    lane_table_book(table, &entry, place);
}

// Two streams of a host: 30 samples taken, 5 elsewhere, 4 refused, 77 before.
static lane_table_t *
made(void)
{
    lane_table_t *table = lane_table_new();

    say(table, (struct journal_entry){ .kind = JOURNAL_HOST, .name = "web", .name_len = 3 });
    book(table, 1, 0, 0, 10);
    book(table, 1, 0, 0, 10); // again: nothing
    book(table, 2, 3, 5, 20);
    say(table,
        (struct journal_entry){ .kind = JOURNAL_REFUSED, .stream = 2, .samples = 1, .next = 1 });
    say(table, (struct journal_entry){ .kind = JOURNAL_REFUSED, .stream = 2, .samples = 4 });
    say(table, (struct journal_entry){ .kind = JOURNAL_BEFORE, .samples = 77 });
    return table;
}

static void
assert_counts(const lane_table_t *table)
{
    const struct lane_host *host = lane_table_host(table, HOST);

    assert_non_null(host);
    assert_string_equal(host->name, "web");
    assert_int_equal(host->taken, 30);
    assert_int_equal(host->elsewhere, 5);
    assert_int_equal(host->refused, 4);
    assert_true(host->settled);
    assert_int_equal(host->before, 77);
}

// Stream 2 has taken all below record 4, which are 25 samples; the store has it up to record 9.
static void
what_stands_in_the_store_counts_as_taken_once(void **state)
{
    const struct journal_entry stands = {
        .kind = JOURNAL_STANDS, .stream = 2, .next = 9, .samples = 60, .received_ms = T0 + 5
    };
    lane_table_t *table = made();
    const struct lane_entry *lane;

    (void) state;
    for (int times = 0; times < 2; times++) {
        say(table, stands);
        lane = lane_table_find(table, HOST, 2);
        assert_int_equal(lane->next, 9);
        assert_int_equal(lane->total, 60);
        assert_int_equal(lane->taken, 20 + 35);
        assert_int_equal(lane->crc, 0);
        assert_false(lane_entry_is_whole(lane));
        assert_int_equal(lane_table_host(table, HOST)->taken, 30 + 35);
        assert_int_equal(lane_table_host(table, HOST)->elsewhere, 5);
    }
    book(table, 2, 9, 60, 3);
    assert_int_equal(lane_table_host(table, HOST)->taken, 30 + 35 + 3);
    assert_int_equal(lane_table_host(table, HOST)->elsewhere, 5);
    // What the journal has already says nothing new; nor does one without a total of samples.
    say(table, stands);
    assert_int_equal(lane->next, 10);
    say(table, (struct journal_entry){ .kind = JOURNAL_STANDS, .stream = 2, .next = 20 });
    assert_int_equal(lane->next, 20);
    assert_int_equal(lane->total, 63);
    assert_int_equal(lane_table_host(table, HOST)->taken, 30 + 35 + 3);
    lane_table_destroy(&table);
}

static void
the_streams_of_a_host_are_counted_together(void **state)
{
    lane_table_t *table = made(), *copy = lane_table_new();

    (void) state;
    assert_counts(table);
    lane_table_copy(copy, table);
    lane_table_destroy(&table);
    assert_counts(copy);
    lane_table_destroy(&copy);
}

static int
load(void *arg, const struct buf *items, uint8_t flags)
{
    (void) flags;
    return lane_checkpoint_load(arg, items->at, items->len, NULL, NULL);
}

static void
a_checkpoint_has_the_counts(void **state)
{
    lane_table_t *table = made(), *loaded = lane_table_new();
    struct buf first = { 0 };

    (void) state;
    assert_int_equal(lane_checkpoint_save(table, &first, load, loaded), 0);
    assert_counts(loaded);
    assert_int_equal(lane_checkpoint_save(table, &first, load, loaded), 0); // twice is as once
    assert_counts(loaded);
    buf_release(&first);
    lane_table_destroy(&table);
    lane_table_destroy(&loaded);
}

static void
a_stream_that_is_forgotten_stays_counted_while_its_host_is_known(void **state)
{
    lane_table_t *table = made();

    (void) state;
    say(table, (struct journal_entry){ .kind = JOURNAL_RECORD,
                                       .received_ms = T0,
                                       .record = { .type = RECORD_END, .stream = 1, .seq = 1 } });
    lane_table_expire(table, T0 + 1);
    lane_table_expire(table, T0 + 1);
    assert_int_equal(lane_table_count(table), 1);
    assert_counts(table);
    for (int twice = 0; twice < 2; twice++)
        lane_table_expire(table, T0 + 31 * INT64_C(86400000));
    assert_null(lane_table_host(table, HOST));
    lane_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_in_the_store_counts_as_taken_once),
        cmocka_unit_test(the_streams_of_a_host_are_counted_together),
        cmocka_unit_test(a_checkpoint_has_the_counts),
        cmocka_unit_test(a_stream_that_is_forgotten_stays_counted_while_its_host_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

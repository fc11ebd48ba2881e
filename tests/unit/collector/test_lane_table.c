// test_lane_table - what entries of the journal say of a stream.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "collector/journal_keep.h"
#include "collector/lane_table.h"
#include "shared/base/err.h"
#include "tests/support/fake_stream.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define T0     INT64_C(1700000000000)

static lane_table_t *table;
static struct fake_stream s;
static struct segment_place place; // of the entry to come

static int
setup(void **state)
{
    (void) state;
    table = lane_table_new();
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    place = (struct segment_place){ 1, 64 };
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    lane_table_destroy(&table);
    row_state_release(&s.rows);
    return 0;
}

// The record made last, as an entry; where it stands.
static struct segment_place
book(uint8_t flags)
{
    struct journal_entry entry = {
        .kind = JOURNAL_RECORD, .flags = flags, .host = HOST, .received_ms = T0 + 5
    };
    const struct segment_place at = place;

    assert_int_equal(
        journal_entry_take_body(&entry, s.frame + FRAME_PREFIX_SIZE, s.len - FRAME_PREFIX_SIZE), 0);
    lane_table_book(table, &entry, at);
    place.offset += (uint32_t) s.len;
    return at;
}

static void
begin(void)
{
    fake_ident(&s, HOST, "web");
    book(0);
    fake_table(&s, 3);
    book(0);
    fake_row(&s, RECORD_KEY, T0, 3, 7);
    book(0);
}

static const struct lane_entry *
lane(void)
{
    return lane_table_find(table, HOST, STREAM);
}

static void
records_move_next_and_count_samples(void **state)
{
    (void) state;
    begin();
    assert_int_equal(lane()->next, 3);
    assert_int_equal(lane()->total, 3);
    assert_int_equal(lane()->taken, 3);
    assert_int_equal(lane()->elsewhere, 0);
    assert_int_equal(lane()->heard_ms, T0 + 5);
    assert_int_equal(lane()->n_defs, 1);
    assert_true(lane_entry_is_whole(lane()));
    assert_false(lane()->backlog);
}

static void
a_hole_is_what_another_collector_has(void **state)
{
    (void) state;
    begin();
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 8); // not ours
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 9);
    book(0);
    assert_int_equal(lane()->next, 5);
    assert_int_equal(lane()->elsewhere, 3);
    assert_int_equal(lane()->taken, 6);
    // What we have does not tell how to read it any more.
    assert_false(lane_entry_is_whole(lane()));
    fake_row(&s, RECORD_KEY, T0 + 3000, 3, 9);
    book(0);
    assert_true(lane_entry_is_whole(lane()));
}

static void
repeats_make_a_late_joiner_readable_and_count_nothing(void **state)
{
    struct segment_place key;

    (void) state;
    s.seq = 40;
    s.total = 120;
    fake_table(&s, 3);
    s.seq = 40; // a TABLE made for repeating has the number of the KEY behind it
    book(FRAME_REPEAT);
    fake_row(&s, RECORD_KEY, T0, 3, 1);
    key = book(FRAME_REPEAT);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 2);
    book(FRAME_REPEAT);
    assert_int_equal(lane()->next, 0);
    assert_int_equal(lane()->taken, 0);
    assert_false(lane_entry_is_whole(lane()));
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 3);
    book(0);
    assert_int_equal(lane()->next, 43);
    assert_int_equal(lane()->elsewhere, 126);
    assert_int_equal(lane()->taken, 3);
    assert_int_equal(lane()->key.offset, key.offset);
    assert_int_equal(lane()->n_defs, 1);
    assert_true(lane_entry_is_whole(lane()));
}

static void
a_gap_moves_next_past_what_will_not_come(void **state)
{
    uint8_t body[64];
    struct wbuf w;

    (void) state;
    begin();
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &(struct gap){ .to = 9, .samples = 21, .cause = GAP_SPOOL_AGE });
    fake_record(&s, RECORD_GAP, 0, T0, body, w.len);
    book(0);
    assert_int_equal(lane()->next, 10);
    assert_int_equal(lane()->total, 24);
    assert_int_equal(lane()->taken, 3);
    assert_int_equal(lane()->elsewhere, 0);
    assert_int_equal(lane()->crc, 0);
    assert_false(lane_entry_is_whole(lane()));
}

static void
a_record_that_stands_twice_counts_once(void **state)
{
    (void) state;
    begin();
    book(0);
    book(0);
    assert_int_equal(lane()->next, 3);
    assert_int_equal(lane()->taken, 3);
}

static void
times_that_came_late_are_remembered(void **state)
{
    (void) state;
    begin();
    fake_row(&s, RECORD_DELTA, T0 + 9000, 3, 1);
    book(FRAME_BACKLOG);
    fake_row(&s, RECORD_DELTA, T0 + 4000, 3, 1);
    book(FRAME_BACKLOG);
    fake_record(&s, RECORD_END, 0, T0 + 99000, "", 0);
    book(FRAME_BACKLOG);
    assert_true(lane()->ended);
    assert_true(lane()->backlog);
    assert_int_equal(lane()->from_ms, T0 + 4000);
    assert_int_equal(lane()->to_ms, T0 + 9000);
}

static void
a_basis_takes_the_place_of_older_ones(void **state)
{
    struct journal_entry entry = {
        .kind = JOURNAL_BASIS, .host = HOST, .stream = STREAM, .below = 5
    };

    (void) state;
    begin();
    place = (struct segment_place){ 5, 100 };
    fake_record(&s, RECORD_DEF, 0, T0, "\0", 1);
    book(0);
    lane_table_book(table, &entry, (struct segment_place){ 7, 200 });
    assert_int_equal(lane()->n_defs, 2);
    assert_int_equal(lane()->defs[0].segment, 5);
    assert_int_equal(lane()->defs[1].segment, 7);
    lane_table_trim(table, 6);
    assert_int_equal(lane()->n_defs, 1);
    assert_int_equal(lane()->key.segment, 0);
}

static void
a_clock_that_jumps_ahead_forgets_no_stream_that_lives(void **state)
{
    (void) state;
    begin();
    lane_table_expire(table, T0 + INT64_C(1000) * 86400000);
    assert_non_null(lane());
    fake_row(&s, RECORD_KEY, T0, 1, 1);
    book(0); // heard again, though the clock came back
    lane_table_expire(table, T0 + INT64_C(1000) * 86400000);
    assert_non_null(lane());
    lane_table_expire(table, T0 + INT64_C(1000) * 86400000);
    assert_int_equal(lane_table_count(table), 0);
}

static void
a_segment_is_needed_while_something_young_is_read_from_it(void **state)
{
    struct journal_keep keep = { 0 };

    (void) state;
    assert_int_equal(journal_keep_lowest(&keep, 0), 0);
    journal_keep_begin(&keep, 10);
    journal_keep_begin(&keep, 13);
    assert_int_equal(keep.n, 4);
    assert_int_equal(journal_keep_lowest(&keep, 5), 10);
    assert_int_equal(journal_keep_lowest(&keep, 12), 12);
    assert_int_equal(journal_keep_lowest(&keep, 1000), 13); // the newest stays
    journal_keep_need(&keep, 10, 12);
    journal_keep_need(&keep, 9, 13);
    journal_keep_need(&keep, 14, 14);
    assert_int_equal(journal_keep_lowest(&keep, 12), 10);
    assert_int_equal(journal_keep_lowest(&keep, 13), 13);
    journal_keep_trim(&keep, 12);
    assert_int_equal(keep.n, 2);
    assert_int_equal(journal_keep_lowest(&keep, 0), 12);
    journal_keep_release(&keep);
}

static void
an_entry_cut_anywhere_is_refused(void **state)
{
    struct buf bytes = { 0 }, body = { 0 };
    uint8_t head[JOURNAL_HEAD_BYTES];
    struct journal_entry entry;

    (void) state;
    begin();
    journal_head_put(head, JOURNAL_RECORD, FRAME_BACKLOG, HOST, T0);
    buf_bytes(&bytes, head, sizeof head);
    buf_bytes(&bytes, s.frame + FRAME_PREFIX_SIZE, s.len - FRAME_PREFIX_SIZE);
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_equal(journal_entry_take(&entry, bytes.at, n), ERR_FORMAT);
    assert_int_equal(journal_entry_take(&entry, bytes.at, bytes.len), 0);
    assert_int_equal(entry.host, HOST);
    assert_int_equal(entry.received_ms, T0);
    assert_int_equal(entry.flags, FRAME_BACKLOG);
    assert_int_equal(entry.record.seq, 2);
    assert_memory_equal(&entry.crc, s.frame + FRAME_PREFIX_SIZE + 4, 4);
    journal_name_put(&body, "web");
    entry = (struct journal_entry){ .kind = JOURNAL_HOST };
    for (size_t n = 0; n < body.len; n++)
        assert_int_equal(journal_entry_take_body(&entry, body.at, n), ERR_FORMAT);
    assert_int_equal(journal_entry_take_body(&entry, body.at, body.len), 0);
    assert_int_equal(entry.name_len, 3);
    entry = (struct journal_entry){ .kind = 99 };
    assert_int_equal(journal_entry_take_body(&entry, body.at, body.len), ERR_UNKNOWN);
    buf_release(&bytes);
    buf_release(&body);
}

int
main(void)
{
#define table_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        table_test(records_move_next_and_count_samples),
        table_test(a_hole_is_what_another_collector_has),
        table_test(repeats_make_a_late_joiner_readable_and_count_nothing),
        table_test(a_gap_moves_next_past_what_will_not_come),
        table_test(a_record_that_stands_twice_counts_once),
        table_test(times_that_came_late_are_remembered),
        table_test(a_basis_takes_the_place_of_older_ones),
        table_test(a_clock_that_jumps_ahead_forgets_no_stream_that_lives),
        table_test(a_segment_is_needed_while_something_young_is_read_from_it),
        table_test(an_entry_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests_name("lane_table", tests, NULL, NULL);
}

// test_journal_trim - what nobody needs goes, what somebody does stays, and there is a bound.

#include <errno.h>

#include "tests/unit/collector/journal_bed.h"

#define DEFS_MANY 100u

static void
segments_that_nobody_needs_go_and_what_is_left_is_readable(void **state)
{
    (void) state;
    bed.behind = 3;
    bed_open();
    bed_run(4, 4000);
    assert_in_range(journal_file_end(bed.file).segment - journal_file_oldest(bed.file), 3, 5);
    bed_read();
    for (unsigned i = 0; i < 4; i++) {
        // The newest ones, without a hole.
        assert_in_range(bed.read[i], 200, 2000);
        assert_int_equal(bed.last_ms[i], BED_T0 + 3999 * 1000);
    }
    bed_reopen();
    assert_int_equal(bed.found.read, 1);
    // Until somebody says so again nothing is let go.
    bed.behind = 0;
    bed_run(4, 1000);
    assert_true(journal_file_end(bed.file).segment - journal_file_oldest(bed.file) > 5);
}

// A stream that is read as a whole has all its definitions in their places.
static void
a_definition_is_told_ahead_only_where_its_stream_begins_before_what_is_read(void **state)
{
    (void) state;
    bed_open();
    bed_run(2, 40);
    bed_read();
    assert_int_equal(bed.told_first, 0);
    assert_int_equal(bed.read[0], 40);
    assert_int_equal(bed.read[1], 40);
    // Its TABLE is in a segment that goes.
    bed.behind = 2;
    bed_run(2, 4000);
    bed_run(3, 40);
    assert_true(journal_file_oldest(bed.file) > 1);
    bed_read();
    assert_true(bed.told_first >= 2);
    assert_in_range(bed.read[0], 40, 4000);
    assert_int_equal(bed.read[2], 40);
}

static void
a_stream_that_is_slow_keeps_the_segment_of_its_key(void **state)
{
    uint64_t key;

    (void) state;
    bed.behind = 2;
    bed_open();
    bed_run(2, 10);
    key = bed_lane(1)->key.segment;
    // Stream 1 has a row a minute, so its KEY is from long before the rows that need it.
    for (unsigned minute = 0; minute < 6; minute++) {
        bed_run(1, 600);
        bed_row(1);
        bed_commit();
    }
    assert_true(journal_file_end(bed.file).segment > key + 3);
    assert_int_equal(bed_lane(1)->key.segment, key);
    assert_int_equal(journal_file_oldest(bed.file), key);
    bed_reopen();
    bed_read();
    assert_int_equal(bed.read[1], 16);
}

static void
more_bytes_than_there_may_be_are_not_taken(void **state)
{
    unsigned seconds = 0;

    (void) state;
    bed.options.bytes_most = 10 * 64 * 1024;
    bed_open();
    for (; seconds < 60000 && bed.group->rc == 0; seconds++) {
        if (seconds == 0)
            bed_begin_stream(0);
        bed_row(0);
        bed_now_ms += 1000;
        journal_file_commit(bed.file, bed.group);
        if (bed.group->rc == 0)
            journal_group_clear(bed.group);
    }
    // All of it is needed: nothing of it goes, and what came last waits.
    assert_int_equal(bed.group->rc, -ENOSPC);
    assert_int_equal(bed.group->done, 0);
    assert_true(journal_file_bytes(bed.file) <= 12 * 64 * 1024);
    bed_read();
    assert_int_equal(bed.read[0], seconds - 1);
    // It is taken once that is let go.
    journal_file_let_go(bed.file, journal_file_end(bed.file).segment);
    bed_commit();
    assert_true(journal_file_bytes(bed.file) <= 4 * 64 * 1024);
    bed_read();
    assert_int_equal(bed.last_ms[0], BED_T0 + 1000 * (int64_t) (seconds - 1));
}

static void
while_it_is_held_nothing_is_taken(void **state)
{
    (void) state;
    bed_open();
    bed_run(1, 10);
    journal_file_hold(bed.file, true);
    bed_row(0);
    journal_file_commit(bed.file, bed.group);
    assert_int_equal(bed.group->rc, -ENOSPC);
    assert_int_equal(bed.group->done, 0);
    journal_file_hold(bed.file, false);
    bed_commit();
    bed_read();
    assert_int_equal(bed.read[0], 11);
}

static void
a_living_stream_whose_key_is_in_the_way_is_asked_for_another(void **state)
{
    bool asked = false;

    (void) state;
    bed.options.hold_bytes = 8 * 64 * 1024;
    bed.behind = 1;
    bed_open();
    bed_run(2, 1);
    for (unsigned i = 0; i < 6000 && !asked; i++) {
        fake_row(&bed.streams[0], bed.rows[0]++ % BED_KEYS == 0 ? RECORD_KEY : RECORD_DELTA,
                 bed_now_ms, BED_SLOTS, (int64_t) (i * 7919 % 100003));
        bed_add(0);
        journal_file_commit(bed.file, bed.group);
        for (uint32_t k = 0; k < bed.group->n_asks; k++)
            asked = asked || bed.group->asks[k].stream == 501;
        journal_group_clear(bed.group);
        journal_file_let_go(bed.file, journal_file_end(bed.file).segment);
    }
    assert_true(asked);
    // The segment waits for it.
    assert_int_equal(bed_lane(1)->key.segment, journal_file_oldest(bed.file));
}

static void
a_stream_that_is_slow_is_asked_for_a_key_before_it_holds_much(void **state)
{
    unsigned asked = 0;

    (void) state;
    bed.options.hold_bytes = 2 * 64 * 1024;
    bed_open();
    bed_run(2, 1);
    // Stream 1 has a row in five minutes, each of which needs the KEY of its beginning.
    for (unsigned i = 1; i < 4000 && asked == 0; i++) {
        bed_row(0);
        if (i % 300 == 0)
            bed_row(1);
        bed_now_ms += 1000;
        journal_file_commit(bed.file, bed.group);
        for (uint32_t k = 0; k < bed.group->n_asks; k++)
            asked += bed.group->asks[k].stream == 501;
        journal_group_clear(bed.group);
        journal_file_let_go(bed.file, journal_file_end(bed.file).segment);
    }
    assert_int_equal(bed_lane(1)->key.segment, journal_file_oldest(bed.file)); // it is needed
    assert_true(asked > 0);
}

static void
definitions_told_in_many_records_are_gathered(void **state)
{
    (void) state;
    bed.behind = 1;
    bed_open();
    bed_run(2, 1);
    for (unsigned i = 0; i < DEFS_MANY; i++) {
        struct label labels[] = { { LABEL_METRIC, "more" } };
        struct slot_def def = { .slot = BED_SLOTS + i, .form = { .unit = 1 } };
        uint8_t body[256];
        struct wbuf w;

        wbuf_init(&w, body, sizeof body);
        wbuf_varint(&w, 1);
        assert_int_equal(label_set_init(&def.labels, labels, 1), 0);
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
        fake_record(&bed.streams[1], RECORD_DEF, 0, bed_now_ms, body, w.len);
        bed_add(1);
    }
    bed_commit();
    assert_int_equal(bed_lane(1)->n_defs, DEFS_MANY + 1);
    bed_run(1, 2000);
    assert_true(bed_lane(1)->n_defs <= 2);
    assert_true(bed_lane(1)->defs[0].segment >= journal_file_oldest(bed.file));
    bed_reopen();
    assert_true(bed_lane(1)->n_defs <= 2);
}

int
main(void)
{
#define bed_test(claim) cmocka_unit_test_setup_teardown(claim, bed_setup, bed_teardown)
    const struct CMUnitTest tests[] = {
        bed_test(segments_that_nobody_needs_go_and_what_is_left_is_readable),
        bed_test(a_definition_is_told_ahead_only_where_its_stream_begins_before_what_is_read),
        bed_test(a_stream_that_is_slow_keeps_the_segment_of_its_key),
        bed_test(more_bytes_than_there_may_be_are_not_taken),
        bed_test(while_it_is_held_nothing_is_taken),
        bed_test(a_living_stream_whose_key_is_in_the_way_is_asked_for_another),
        bed_test(a_stream_that_is_slow_is_asked_for_a_key_before_it_holds_much),
        bed_test(definitions_told_in_many_records_are_gathered),
    };
    return cmocka_run_group_tests_name("journal_trim", tests, NULL, NULL);
}

// test_lane - what one stream means, case by case. The cases that nobody thought of are in
// test_lane_model.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/base/err.h"
#include "shared/wire/lane.h"
#include "tests/unit/shared/lane_stream.h"

static void
a_table_and_a_key_make_a_stream_readable(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    assert_int_equal(give_defs(&fresh, RECORD_TABLE, 0, 0, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 1, 10, 250), 0);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.time_ms, T0 + 7);
    assert_true(seen.values[0] == 10 && seen.values[1] == 5);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 2, 11, 250), 0);
    assert_true(seen.values[0] == 11 && seen.values[1] == 5);
    assert_int_equal(lane_next(lane), 3);
    assert_int_equal(lane_counters(lane)->records, 3);
    assert_int_equal(lane_counters(lane)->samples, 4);
    row_state_release(&s);
}

static void
a_delta_without_its_key_is_counted_and_not_read(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    assert_int_equal(give_defs(&fresh, RECORD_DEF, 0, 0, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 1, 1, 2), ERR_NEED_KEY);
    assert_int_equal(seen.rows, 0);
    assert_int_equal(lane_counters(lane)->unreadable, 2);
    assert_int_equal(lane_next(lane), 2);
    row_state_release(&s);
}

static void
a_hole_is_told_and_ends_at_the_next_key(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 4, 3, 4), ERR_NEED_KEY);
    assert_int_equal(seen.gaps, 1);
    assert_int_equal(seen.gap_from, 2);
    assert_int_equal(seen.gap.to, 3);
    assert_int_equal(seen.gap.cause, 0);
    assert_int_equal(seen.gap.samples, 400 - 102);
    assert_int_equal(lane_counters(lane)->holes, 2);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 5, 3, 5), ERR_NEED_KEY);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 6, 3, 6), 0);
    assert_int_equal(seen.rows, 2);
    row_state_release(&s);
}

static void
a_record_below_next_is_a_duplicate_and_does_nothing(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    assert_int_equal(give_defs(&fresh, RECORD_TABLE, 0, 0, 1), 1);
    assert_int_equal(give(&fresh, RECORD_DELTA, 1, 9, "junk", 4), 1);
    assert_int_equal(lane_counters(lane)->duplicates, 2);
    assert_int_equal(seen.defines, 2);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 2, 1, 3), 0);
    row_state_release(&s);
}

// The sender was welcomed with an older `next` than what was on its way to us made of it.
static void
duplicates_behind_a_repeat_carry_the_state_on(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    give_row(&fresh, &s, RECORD_DELTA, 2, 2, 2);
    give_row(&fresh, &s, RECORD_DELTA, 3, 3, 2);
    assert_int_equal(give_row(&repeat, &s, RECORD_KEY, 1, 1, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 2, 2, 2), 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 3, 2), 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 4, 4, 2), 0);
    assert_int_equal(seen.rows, 4);
    assert_true(seen.values[0] == 4);
    assert_int_equal(lane_counters(lane)->duplicates, 2);
    assert_int_equal(lane_counters(lane)->unreadable, 0);
    assert_int_equal(lane_next(lane), 5);
    row_state_release(&s);
}

// Welcomed with an older `next`, the sender repeats a TABLE of then: what was defined since comes
// as a duplicate, and the rows behind it have its values.
static void
a_duplicate_definition_makes_an_older_table_whole(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 1);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2); // the second slot is not defined yet
    give_defs(&fresh, RECORD_DEF, 2, 1, 2);
    give_row(&fresh, &s, RECORD_DELTA, 3, 2, 2);
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 1, 0, 1), 0);
    assert_int_equal(give_defs(&fresh, RECORD_DEF, 2, 1, 2), 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 2, 2), 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 4, 3, 3), 0);
    assert_int_equal(seen.n, 2);
    assert_true(seen.values[0] == 3);
    row_state_release(&s);
}

// What was on its way when a connection was lost can come between repeats and new records.
static void
a_repeat_of_what_was_read_takes_nothing_back(void **state)
{
    struct row_state s = { 0 };
    struct row_state old = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    give_row(&fresh, &s, RECORD_DELTA, 2, 2, 2);
    give_row(&fresh, &s, RECORD_DELTA, 3, 3, 2);
    assert_int_equal(give_row(&repeat, &old, RECORD_KEY, 1, 1, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 4, 4, 2), 0);
    assert_int_equal(seen.rows, 4);
    assert_true(seen.values[0] == 4);
    assert_int_equal(lane_counters(lane)->unreadable, 0);
    row_state_release(&s);
    row_state_release(&old);
}

// Likewise behind a TABLE of before a definition: slots are never used twice, so what is known of
// them stays true.
static void
a_repeated_table_takes_no_definition_back(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 1);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    give_defs(&fresh, RECORD_DEF, 2, 1, 2);
    give_row(&fresh, &s, RECORD_DELTA, 3, 2, 2);
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 1, 0, 1), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 4, 3, 3), 0); // on its way by then
    assert_int_equal(seen.n, 2);
    assert_int_equal(lane_counters(lane)->unreadable, 1); // that of the KEY
    row_state_release(&s);
}

static void
repeats_set_the_state_and_give_nothing(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 7, 0, 2), 0);
    assert_int_equal(give_row(&repeat, &s, RECORD_KEY, 8, 1, 2), 0);
    assert_int_equal(give_row(&repeat, &s, RECORD_DELTA, 9, 5, 2), 0);
    assert_int_equal(lane_next(lane), 0);
    assert_int_equal(seen.rows, 0);
    assert_int_equal(lane_counters(lane)->records, 0);
    assert_int_equal(lane_counters(lane)->samples, 0);
    assert_int_equal(give_row(&(struct frame_prefix){ .base = 10 }, &s, RECORD_DELTA, 10, 6, 2), 0);
    assert_int_equal(seen.rows, 1);
    assert_true(seen.values[0] == 6);
    assert_int_equal(lane_next(lane), 11);
    row_state_release(&s);
}

static void
a_table_made_for_repeating_does_not_break_the_chain(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    // Newer than the rows on their way: wider too.
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 50, 0, 3), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 2, 2, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 3, 2, 2), 0);
    row_state_release(&s);
}

static void
who_joins_late_misses_only_what_is_not_acknowledged(void **state)
{
    const struct frame_prefix late = { .base = 500 };

    (void) state;
    assert_int_equal(give_defs(&late, RECORD_TABLE, 503, 0, 2), 0);
    assert_int_equal(seen.gap_from, 500);
    assert_int_equal(seen.gap.to, 502);
    assert_int_equal(lane_counters(lane)->holes, 3);
    assert_int_equal(lane_next(lane), 504);
}

static void
a_base_past_the_record_jumps_nowhere(void **state)
{
    const struct frame_prefix wild = { .base = UINT64_MAX };

    (void) state;
    assert_int_equal(give_defs(&wild, RECORD_TABLE, 5, 0, 2), 0);
    assert_int_equal(lane_next(lane), 6);
    assert_int_equal(seen.gaps, 0);
}

static void
a_gap_is_booked_once_with_its_cause(void **state)
{
    const struct gap gap = { .to = 9, .samples = 300, .cause = GAP_QUEUE_FULL };
    struct row_state s = { 0 };
    uint8_t body[32];
    struct wbuf w;

    (void) state;
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    assert_int_equal(give(&fresh, RECORD_GAP, 2, 0, body, w.len), 0);
    assert_int_equal(lane_next(lane), 10);
    assert_int_equal(seen.gap_from, 2);
    assert_int_equal(seen.gap.samples, 300);
    assert_int_equal(seen.gap.cause, GAP_QUEUE_FULL);
    assert_int_equal(lane_counters(lane)->holes, 8);
    assert_int_equal(give(&repeat, RECORD_GAP, 2, 0, body, w.len), 0);
    assert_int_equal(seen.gaps, 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 10, 1, 2), ERR_NEED_KEY);
    assert_int_equal(give(&fresh, RECORD_GAP, 11, 0, body, w.len), ERR_FORMAT); // ends before it
    row_state_release(&s);
}

static void
a_malformed_body_drops_the_state(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    assert_int_equal(give(&fresh, RECORD_DELTA, 2, 2, "\0\0\5", 3), ERR_FORMAT);
    assert_int_equal(lane_counters(lane)->malformed, 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 1, 2), ERR_NEED_KEY);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 4, 1, 2), 0);
    row_state_release(&s);
}

// As an agent sends it when an application's first number comes where a KEY is due.
static void
a_key_of_one_sample_may_be_as_wide_as_what_is_defined(void **state)
{
    const uint32_t slot = 1;
    const struct cell cell = { .state = CELL_INTEGER, .m = 0 };
    struct row_state s = { 0 };
    uint8_t body[16];
    struct wbuf w;

    (void) state;
    row_state_grow(&s, 200);
    wbuf_init(&w, body, sizeof body);
    row_put_key(&s, &w);
    row_put_sparse(&s, &w, 0, &slot, &cell, 1);
    row_state_release(&s);
    assert_int_equal(give(&fresh, RECORD_KEY, 0, 1, body, w.len), ERR_FORMAT);
    give_defs(&fresh, RECORD_TABLE, 1, 0, 200);
    assert_int_equal(give(&fresh, RECORD_KEY, 2, 1, body, w.len), 0);
    assert_int_equal(seen.n, 1);
    assert_true(seen.slots[0] == 1 && seen.values[0] == 0);
    assert_int_equal(give(&fresh, RECORD_DELTA, 3, 1, body + 2, w.len - 2), 0);
    assert_int_equal(seen.rows, 2);
    assert_int_equal(lane_width(lane), 200);
}

static void
a_count_that_is_not_true_is_not_believed(void **state)
{
    static const uint8_t key[] = { 2, 0, 0, 2, 0 };

    (void) state;
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    assert_int_equal(give(&fresh, RECORD_KEY, 1, 3, key, sizeof key), ERR_FORMAT);
    assert_int_equal(give(&fresh, RECORD_KEY, 2, 2, key, sizeof key), 0);
}

static void
malformed_records_of_every_type_are_refused(void **state)
{
    static const struct {
        const char *why;
        uint8_t type, len;
        uint8_t at[20];
    } bad[] = {
        { "an identity that is not the first record", RECORD_IDENT, 0, { 0 } },
        { "an empty table", RECORD_TABLE, 0, { 0 } },
        { "a table of too many slots", RECORD_TABLE, 4, { 0x81, 0x80, 0x40, 0 } },
        { "a table with something behind it", RECORD_TABLE, 3, { 1, 0, 0 } },
        { "a table with a slot past its width",
          RECORD_TABLE,
          16,
          { 1, 1, 1, 1, 0, 1, 1, 8, '_', '_', 'n', 'a', 'm', 'e', '_', '_' } },
        { "more definitions than bytes", RECORD_DEF, 3, { 0xff, 0xff, 3 } },
        { "a definition without a name", RECORD_DEF, 6, { 1, 0, 1, 0, 1, 0 } },
        { "a key wider than its bytes", RECORD_KEY, 3, { 0x80, 0x80, 0x40 } },
        { "a key of too many slots", RECORD_KEY, 3, { 0x81, 0x80, 0x40 } },
        { "a key whose row has another width", RECORD_KEY, 5, { 2, 0, 0, 1, 0 } },
        { "a key with a sample past its width", RECORD_KEY, 6, { 1, 0, 1, 1, 1, 0 } },
        { "an empty key", RECORD_KEY, 0, { 0 } },
        { "an empty gap", RECORD_GAP, 0, { 0 } },
        { "a gap without end",
          RECORD_GAP,
          17,
          { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (give(&fresh, bad[i].type, i + 1, 0, bad[i].at, bad[i].len) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i].why);
        assert_int_equal(lane_counters(lane)->malformed, i + 1);
    }
}

static int
give_def_of(const struct frame_prefix *prefix, uint64_t seq, const struct label *labels, size_t n)
{
    struct slot_def def = { .form = { .unit = 1 } };
    uint8_t body[128];
    struct wbuf w;

    assert_int_equal(label_set_init(&def.labels, labels, n), 0);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, 1);
    slot_def_put(&w, &def);
    label_set_release(&def.labels);
    return give(prefix, RECORD_DEF, seq, 0, body, w.len);
}

static void
whose_host_it_is_only_an_import_may_say_and_must(void **state)
{
    static const struct frame_prefix import = { .flags = FRAME_IMPORT | FRAME_BACKLOG };
    const struct label own[] = { { LABEL_METRIC, "up" }, { "instance", "another" } };

    (void) state;
    assert_int_equal(give_def_of(&fresh, 0, own, 2), ERR_FORMAT);
    assert_int_equal(give_def_of(&import, 1, own, 1), ERR_FORMAT);
    assert_int_equal(seen.defines, 0);
    assert_int_equal(give_def_of(&fresh, 2, own, 1), 0);
    assert_int_equal(give_def_of(&import, 3, own, 2), 0);
    assert_int_equal(seen.defines, 2);
}

static void
the_last_seq_of_all_is_refused(void **state)
{
    (void) state;
    assert_int_equal(give(&fresh, RECORD_EVENT, UINT64_MAX, 0, "", 0), ERR_FORMAT);
    assert_int_equal(lane_next(lane), 0);
}

static void
after_end_nothing_comes(void **state)
{
    (void) state;
    assert_int_equal(give(&repeat, RECORD_END, 0, 0, "", 0), 0);
    assert_false(lane_ended(lane));
    assert_int_equal(give(&fresh, RECORD_END, 0, 0, "", 0), 0);
    assert_true(lane_ended(lane));
    assert_int_equal(give(&fresh, RECORD_EVENT, 1, 0, "", 0), ERR_FORMAT);
    assert_int_equal(lane_next(lane), 1);
}

static void
another_stream_is_not_ours(void **state)
{
    const struct record r = { .type = RECORD_END, .stream = STREAM + 1 };

    (void) state;
    assert_int_equal(lane_accept(lane, &fresh, &r), ERR_UNKNOWN);
    assert_int_equal(lane_counters(lane)->records, 0);
}

static void
a_lost_definition_shows_and_a_table_mends_it(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    give_defs(&fresh, RECORD_DEF, 0, 0, 1);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 2, 1, 2), ERR_NEED_KEY);
    assert_int_equal(seen.n, 1); // what is known is given
    assert_int_equal(lane_counters(lane)->unreadable, 1);
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 3, 0, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 3, 1, 2), 0);
    assert_int_equal(seen.n, 2);
    row_state_release(&s);
}

int
main(void)
{
#define WITH_LANE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_LANE(a_table_and_a_key_make_a_stream_readable),
        WITH_LANE(a_delta_without_its_key_is_counted_and_not_read),
        WITH_LANE(a_hole_is_told_and_ends_at_the_next_key),
        WITH_LANE(a_record_below_next_is_a_duplicate_and_does_nothing),
        WITH_LANE(duplicates_behind_a_repeat_carry_the_state_on),
        WITH_LANE(a_duplicate_definition_makes_an_older_table_whole),
        WITH_LANE(a_repeat_of_what_was_read_takes_nothing_back),
        WITH_LANE(a_repeated_table_takes_no_definition_back),
        WITH_LANE(repeats_set_the_state_and_give_nothing),
        WITH_LANE(a_table_made_for_repeating_does_not_break_the_chain),
        WITH_LANE(who_joins_late_misses_only_what_is_not_acknowledged),
        WITH_LANE(a_base_past_the_record_jumps_nowhere),
        WITH_LANE(a_gap_is_booked_once_with_its_cause),
        WITH_LANE(a_malformed_body_drops_the_state),
        WITH_LANE(a_key_of_one_sample_may_be_as_wide_as_what_is_defined),
        WITH_LANE(a_count_that_is_not_true_is_not_believed),
        WITH_LANE(malformed_records_of_every_type_are_refused),
        WITH_LANE(whose_host_it_is_only_an_import_may_say_and_must),
        WITH_LANE(the_last_seq_of_all_is_refused),
        WITH_LANE(after_end_nothing_comes),
        WITH_LANE(another_stream_is_not_ours),
        WITH_LANE(a_lost_definition_shows_and_a_table_mends_it),
    };

    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}

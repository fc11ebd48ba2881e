// test_lane_room - a lane takes no more memory than it is granted, whatever a stream names.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/lane.h"
#include "tests/unit/shared/lane_stream.h"

// Room for so many slots.
static uint32_t s_room;

static bool
on_room(void *arg, uint32_t slots)
{
    (void) arg;
    return slots <= s_room;
}

static void
begin_with_room(uint32_t slots)
{
    struct lane_handler bounded = handler;

    lane_destroy(&lane);
    bounded.room = on_room;
    s_room = slots;
    lane = lane_new(STREAM, &bounded);
}

static void
a_slot_beyond_the_room_is_passed_over_and_takes_none(void **state)
{
    struct row_state s = { 0 };
    size_t bytes;

    (void) state;
    begin_with_room(2);
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 1, 1, 2), 0);
    bytes = lane_bytes(lane);
    assert_true(bytes > 0);
    assert_int_equal(give_defs(&fresh, RECORD_DEF, 2, BODY_SLOTS_MAX - 1, BODY_SLOTS_MAX), 0);
    assert_int_equal(seen.defines, 2);
    assert_int_equal(lane_bytes(lane), bytes);
    // Rows are as wide as what was defined: they can't be read any more, and no KEY would help.
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 2, 2), 0);
    assert_int_equal(lane_counters(lane)->refused, 2);
    assert_int_equal(lane_counters(lane)->unreadable, 0);
    row_state_release(&s);
}

static void
a_table_of_many_slots_and_few_definitions_takes_no_room(void **state)
{
    struct row_state s = { 0 };
    uint8_t body[16];
    size_t bytes;
    struct wbuf w;

    (void) state;
    begin_with_room(2);
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    give_row(&fresh, &s, RECORD_KEY, 1, 1, 2);
    bytes = lane_bytes(lane);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, BODY_SLOTS_MAX);
    wbuf_varint(&w, 0);
    assert_int_equal(give(&fresh, RECORD_TABLE, 2, 0, body, w.len), 0);
    assert_int_equal(lane_bytes(lane), bytes);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 2, 2), 0);
    assert_int_equal(lane_counters(lane)->refused, 2);
    row_state_release(&s);
}

static void
rows_too_wide_are_refused_until_a_key_that_fits(void **state)
{
    struct row_state s = { 0 };

    (void) state;
    begin_with_room(1);
    give_defs(&fresh, RECORD_TABLE, 0, 0, 2);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 1, 1, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 2, 2, 2), 0);
    assert_int_equal(lane_counters(lane)->refused, 4);
    assert_int_equal(seen.rows, 0);
    s_room = 2;
    assert_int_equal(give_row(&fresh, &s, RECORD_DELTA, 3, 3, 2), 0);
    assert_int_equal(lane_counters(lane)->refused, 6);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 4, 3, 2), ERR_NEED_KEY);
    assert_int_equal(seen.n, 1); // the slot that there was room for
    assert_int_equal(give_defs(&repeat, RECORD_TABLE, 5, 0, 2), 0);
    assert_int_equal(give_row(&fresh, &s, RECORD_KEY, 5, 4, 2), 0);
    assert_int_equal(seen.n, 2);
    row_state_release(&s);
}

static void
what_a_lane_holds_is_what_it_says_of_a_slot(void **state)
{
    struct row_state s = { 0 };
    uint8_t *body = xcalloc(1, BODY_SLOTS_MAX / 8 + 64);
    struct wbuf w;

    (void) state;
    give_defs(&fresh, RECORD_DEF, 0, BODY_SLOTS_MAX - 1, BODY_SLOTS_MAX);
    wbuf_init(&w, body, BODY_SLOTS_MAX / 8 + 64);
    row_state_grow(&s, BODY_SLOTS_MAX);
    row_put_key(&s, &w);
    row_state_release(&s);
    // Nothing but a row without a change: all values are 0.
    wbuf_svarint(&w, 0);
    wbuf_u8(&w, 0);
    wbuf_varint(&w, BODY_SLOTS_MAX);
    assert_non_null(wbuf_reserve(&w, BODY_SLOTS_MAX / 8));
    assert_int_equal(give(&fresh, RECORD_KEY, 1, BODY_SLOTS_MAX, body, w.len), ERR_NEED_KEY);
    assert_int_equal(lane_width(lane), BODY_SLOTS_MAX);
    // With the room of a block, which is its own, and the arrays that `row` needs.
    assert_in_range(lane_bytes(lane), (LANE_SLOT_BYTES + ROW_ROOM_SLOT_BYTES) * BODY_SLOTS_MAX,
                    (LANE_SLOT_BYTES + ROW_ROOM_SLOT_BYTES + 12) * BODY_SLOTS_MAX);
    free(body);
}

int
main(void)
{
#define WITH_LANE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_LANE(a_slot_beyond_the_room_is_passed_over_and_takes_none),
        WITH_LANE(a_table_of_many_slots_and_few_definitions_takes_no_room),
        WITH_LANE(rows_too_wide_are_refused_until_a_key_that_fits),
        WITH_LANE(what_a_lane_holds_is_what_it_says_of_a_slot),
    };

    return cmocka_run_group_tests_name("lane_room", tests, NULL, NULL);
}

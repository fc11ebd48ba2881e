// stream_cursor - where one reader stands in the events of its view, and what it gets next.

#include "dashboard/stream_cursor.h"

#include <stdio.h>

#include "tests/unit/dashboard/room.h"

static struct event *
event_of(uint64_t seq, const char *text)
{
    return event_new(seq, text, strlen(text));
}

static void
publish(event_ring_t *ring, size_t n, size_t bytes)
{
    char *text = malloc(bytes + 1);

    assert_non_null(text);
    memset(text, 'x', bytes);
    text[bytes] = '\0';
    for (size_t i = 0; i < n; i++)
        event_ring_publish(ring, event_of(event_ring_last(ring) + 1, text));
    free(text);
}

static void
snap(event_ring_t *ring)
{
    event_ring_set_snap(ring, event_of(event_ring_last(ring), "snap"));
}

// The next step gives an event with this number and text (NULL: any).
static uint64_t
expect(struct stream_cursor *c, bool stalled, uint64_t seq, const char *text)
{
    struct event *e = NULL;
    uint64_t skipped;

    assert_int_equal(stream_cursor_next(c, stalled, &e, &skipped), CURSOR_EVENT);
    assert_int_equal(e->seq, seq);
    if (text != NULL) {
        assert_int_equal(e->len, strlen(text));
        assert_memory_equal(e->at, text, e->len);
    }
    event_unref(&e);
    return skipped;
}

static void
expect_step(struct stream_cursor *c, enum cursor_step step)
{
    struct event *e = NULL;
    uint64_t skipped;

    assert_int_equal(stream_cursor_next(c, false, &e, &skipped), step);
    assert_int_equal(skipped, 0);
}

static void
a_new_reader_gets_hello_a_snapshot_and_what_comes_after_it(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 3, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 0);
    expect(&c, false, 0, "hello");
    expect_step(&c, CURSOR_ASK);
    expect_step(&c, CURSOR_NONE);
    snap(ring);
    publish(ring, 2, 10); // between the snapshot and its reading
    expect(&c, false, 3, "snap");
    expect(&c, false, 4, NULL);
    expect(&c, false, 5, NULL);
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_reader_that_comes_back_gets_what_it_missed_and_no_snapshot(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 5, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 3);
    expect(&c, false, 0, "hello");
    expect(&c, false, 4, NULL);
    expect(&c, false, 5, NULL);
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    // It has the newest: nothing to send but hello.
    stream_cursor_init(&c, ring, event_of(0, "hello"), 5);
    expect(&c, false, 0, "hello");
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

// Events as a view has them; each returns its number.
static uint64_t
publish_kind(event_ring_t *ring, enum event_kind kind, size_t bytes)
{
    const uint64_t seq = event_ring_last(ring) + 1;
    char *text = calloc(1, bytes + 100);
    struct event *e;

    assert_non_null(text);
    snprintf(text, 100, "id: b-%d\nevent: %s\ndata: {\"s\":%d}", (int) seq,
             kind == EVENT_TICK   ? "tick"
             : kind == EVENT_HOST ? "host"
                                  : "snap",
             (int) seq);
    memset(text + strlen(text), ' ', bytes);
    strcat(text, "\n\n");
    e = event_of(seq, text);
    e->kind = kind;
    e->time_ms = 1000 * (int64_t) seq;
    event_ring_publish(ring, e);
    free(text);
    return seq;
}

static void
the_ticks_that_were_missed_come_as_one_event_and_the_rest_behind_it(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    for (int i = 0; i < 6; i++)
        publish_kind(ring, i == 4 ? EVENT_HOST : EVENT_TICK, 0);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 3);
    publish_kind(ring, EVENT_TICK, 0); // after it came back
    expect(&c, false, 0, "hello");
    expect(&c, false, 0,
           "id: b-6\nevent: fill\ndata: {\"s\":6,\"from\":4000,\"to\":6000,\"ticks\":["
           "{\"s\":4},{\"s\":6}]}\n\nevent: host\ndata: {\"s\":5}\n\n");
    expect(&c, false, 7, NULL);
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    // Without a tick among it, nothing is to be filled.
    stream_cursor_init(&c, ring, event_of(0, "hello"), 7);
    publish_kind(ring, EVENT_HOST, 0);
    expect(&c, false, 0, "hello");
    expect(&c, false, 8, "id: b-8\nevent: host\ndata: {\"s\":8}\n\n");
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_snapshot_among_what_was_missed_is_where_it_goes_on(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    for (int i = 0; i < 3; i++)
        publish_kind(ring, EVENT_TICK, 0);
    publish_kind(ring, EVENT_SNAP, 0);
    publish_kind(ring, EVENT_TICK, 0);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 1);
    expect(&c, false, 0, "hello");
    expect(&c, false, 4, NULL);
    expect(&c, false, 5, NULL);
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_large_snapshot_is_no_reason_to_skip(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish_kind(ring, EVENT_TICK, 0);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 1);
    publish_kind(ring, EVENT_SNAP, 4 * CURSOR_BEHIND_MAX);
    expect(&c, false, 0, "hello");
    assert_int_equal(expect(&c, false, 2, NULL), 0);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_plain_reader_gets_what_comes_and_no_word_of_what_it_lost(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct event *e = NULL;
    struct stream_cursor c;
    uint64_t skipped;

    (void) state;
    publish(ring, 3, 10);
    stream_cursor_init_plain(&c, ring);
    expect_step(&c, CURSOR_NONE);
    publish(ring, 1, 2 * CURSOR_BEHIND_MAX); // one alone is never too far behind
    expect(&c, false, 4, NULL);
    publish(ring, EVENT_RING_SIZE + 5, 10);
    assert_int_equal(stream_cursor_next(&c, false, &e, &skipped), CURSOR_NONE);
    assert_int_equal(skipped, EVENT_RING_SIZE + 5);
    publish(ring, 1, 10);
    expect(&c, false, 4 + EVENT_RING_SIZE + 6, NULL);
    publish(ring, 2, 10);
    assert_int_equal(stream_cursor_next(&c, true, &e, &skipped), CURSOR_NONE);
    assert_int_equal(skipped, 2);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_number_that_is_not_in_the_ring_means_a_snapshot(void **state)
{
    static const uint64_t numbers[] = { 1, 9, 1000, UINT64_MAX - 1 };
    event_ring_t *ring = event_ring_new(1);

    (void) state;
    publish(ring, EVENT_RING_SIZE + 20, 10);
    for (size_t i = 0; i < N_OF(numbers); i++) {
        struct stream_cursor c;

        event_ring_set_snap(ring, event_of(0, "old"));
        stream_cursor_init(&c, ring, event_of(0, "hello"), numbers[i]);
        expect(&c, false, 0, "hello");
        expect_step(&c, CURSOR_ASK);
        stream_cursor_release(&c);
    }
    event_ring_unref(&ring);
}

static void
a_reader_that_the_ring_passed_is_told_how_much_and_goes_on_from_a_snapshot(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 1, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 1);
    expect(&c, false, 0, "hello");
    publish(ring, EVENT_RING_SIZE + 10, 10);
    expect_step(&c, CURSOR_ASK);
    snap(ring);
    assert_int_equal(expect(&c, false, 0, "event: skip\ndata: {\"n\":130}\n\n"),
                     EVENT_RING_SIZE + 10);
    expect(&c, false, EVENT_RING_SIZE + 11, "snap");
    publish(ring, 1, 10);
    expect(&c, false, EVENT_RING_SIZE + 12, NULL);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_reader_too_many_bytes_behind_skips(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 1, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 1);
    expect(&c, false, 0, "hello");
    publish(ring, 5, CURSOR_BEHIND_MAX / 5);
    expect(&c, false, 2, NULL); // just not too much
    publish(ring, 2, CURSOR_BEHIND_MAX / 5);
    expect_step(&c, CURSOR_ASK);
    snap(ring);
    assert_int_equal(expect(&c, false, 0, NULL), 6);
    expect(&c, false, 8, "snap");
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_reader_that_stood_still_for_long_gets_what_is_now(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 1, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 1);
    expect(&c, false, 0, "hello");
    publish(ring, 6, 10);
    snap(ring);
    assert_int_equal(expect(&c, true, 0, NULL), 6);
    expect(&c, false, 7, "snap");
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

static void
a_stall_within_the_age_of_the_snapshot_needs_no_skip(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct stream_cursor c;

    (void) state;
    publish(ring, 10, 10);
    snap(ring);
    publish(ring, 3, 10);
    stream_cursor_init(&c, ring, event_of(0, "hello"), 11);
    expect(&c, false, 0, "hello");
    assert_int_equal(expect(&c, true, 12, NULL), 0);
    expect(&c, false, 13, NULL);
    expect_step(&c, CURSOR_NONE);
    stream_cursor_release(&c);
    event_ring_unref(&ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_reader_gets_hello_a_snapshot_and_what_comes_after_it),
        cmocka_unit_test(a_reader_that_comes_back_gets_what_it_missed_and_no_snapshot),
        cmocka_unit_test(the_ticks_that_were_missed_come_as_one_event_and_the_rest_behind_it),
        cmocka_unit_test(a_snapshot_among_what_was_missed_is_where_it_goes_on),
        cmocka_unit_test(a_large_snapshot_is_no_reason_to_skip),
        cmocka_unit_test(a_plain_reader_gets_what_comes_and_no_word_of_what_it_lost),
        cmocka_unit_test(a_number_that_is_not_in_the_ring_means_a_snapshot),
        cmocka_unit_test(
            a_reader_that_the_ring_passed_is_told_how_much_and_goes_on_from_a_snapshot),
        cmocka_unit_test(a_reader_too_many_bytes_behind_skips),
        cmocka_unit_test(a_reader_that_stood_still_for_long_gets_what_is_now),
        cmocka_unit_test(a_stall_within_the_age_of_the_snapshot_needs_no_skip),
    };

    return cmocka_run_group_tests_name("stream_cursor", tests, NULL, NULL);
}

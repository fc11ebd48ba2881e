// event_ring - the last events of one view, for any number of readers at their own pace.

#include "dashboard/event_ring.h"

#include <stdio.h>

#include "tests/unit/dashboard/room.h"

static void
publish(event_ring_t *ring, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t seq = event_ring_last(ring) + 1;
        char text[32];

        snprintf(text, sizeof text, "event %03d\n", (int) seq);
        event_ring_publish(ring, event_new(seq, text, strlen(text)));
    }
}

static void
all_readers_get_the_same_bytes_at_one_place(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct event *a = NULL, *b = NULL;
    uint64_t behind;

    (void) state;
    publish(ring, 1);
    assert_int_equal(event_ring_read(ring, 1, &a, &behind), EVENT_FOUND);
    assert_int_equal(event_ring_read(ring, 1, &b, &behind), EVENT_FOUND);
    assert_ptr_equal(a, b);
    assert_int_equal(a->len, 10);
    assert_memory_equal(a->at, "event 001\n", 10);
    event_unref(&a);
    event_unref(&b);
    event_ring_unref(&ring);
}

static void
an_event_outlives_its_ring_while_a_reader_holds_it(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct event *e = NULL;
    uint64_t behind;

    (void) state;
    publish(ring, 1);
    assert_int_equal(event_ring_read(ring, 1, &e, &behind), EVENT_FOUND);
    publish(ring, 2 * EVENT_RING_SIZE);
    event_ring_unref(&ring);
    assert_null(ring);
    assert_memory_equal(e->at, "event 001\n", 10);
    event_unref(&e);
    assert_null(e);
}

static void
the_ring_says_what_is_there_what_is_next_and_what_has_passed(void **state)
{
    event_ring_t *ring = event_ring_new(1000);
    struct event *e = NULL;
    uint64_t behind;

    (void) state;
    assert_int_equal(event_ring_read(ring, 1001, &e, &behind), EVENT_NONE);
    publish(ring, EVENT_RING_SIZE + 3);
    assert_int_equal(event_ring_read(ring, 1003, &e, &behind), EVENT_PASSED);
    assert_int_equal(event_ring_read(ring, 1004, &e, &behind), EVENT_FOUND);
    assert_int_equal(behind, EVENT_RING_SIZE * 11); // "event 1004\n"
    event_unref(&e);
    assert_int_equal(event_ring_read(ring, 1000 + EVENT_RING_SIZE + 3, &e, &behind), EVENT_FOUND);
    assert_int_equal(behind, 11);
    event_unref(&e);
    assert_int_equal(event_ring_read(ring, 1000 + EVENT_RING_SIZE + 4, &e, &behind), EVENT_NONE);
    assert_int_equal(event_ring_read(ring, 1000 + EVENT_RING_SIZE + 5, &e, &behind), EVENT_PASSED);
    assert_int_equal(event_ring_read(ring, UINT64_MAX, &e, &behind), EVENT_PASSED);
    assert_int_equal(event_ring_read(ring, 0, &e, &behind), EVENT_PASSED);
    event_ring_unref(&ring);
}

static void
a_snapshot_is_asked_for_once_and_given_to_all_who_wait(void **state)
{
    event_ring_t *ring = event_ring_new(0);
    struct event *a, *b;
    bool asked;

    (void) state;
    assert_null(event_ring_snap(ring, &asked));
    assert_true(asked);
    assert_null(event_ring_snap(ring, &asked));
    assert_false(asked);
    assert_true(event_ring_wanted(ring));
    event_ring_set_snap(ring, event_new(0, "s", 1));
    assert_false(event_ring_wanted(ring));
    a = event_ring_snap(ring, &asked);
    b = event_ring_snap(ring, &asked);
    assert_non_null(a);
    assert_ptr_equal(a, b);
    event_unref(&a);
    event_unref(&b);
    // Too old to join with: a new one is asked for.
    publish(ring, 5);
    assert_null(event_ring_snap(ring, &asked));
    assert_true(asked);
    event_ring_unref(&ring);
}

static void
watchers_are_counted(void **state)
{
    event_ring_t *ring = event_ring_new(0);

    (void) state;
    event_ring_watch(ring);
    event_ring_watch(ring);
    event_ring_unwatch(ring);
    assert_int_equal(event_ring_watchers(ring), 1);
    event_ring_unwatch(ring);
    assert_int_equal(event_ring_watchers(ring), 0);
    event_ring_unref(&ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_readers_get_the_same_bytes_at_one_place),
        cmocka_unit_test(an_event_outlives_its_ring_while_a_reader_holds_it),
        cmocka_unit_test(the_ring_says_what_is_there_what_is_next_and_what_has_passed),
        cmocka_unit_test(a_snapshot_is_asked_for_once_and_given_to_all_who_wait),
        cmocka_unit_test(watchers_are_counted),
    };

    return cmocka_run_group_tests_name("event_ring", tests, NULL, NULL);
}

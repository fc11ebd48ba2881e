// ring - order, refusal, and no wake that is lost.

#include "shared/base/ring.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PUSHERS  3
#define EACH     20000
#define PATIENCE 10000 // ms; a lost wake fails instead of hanging

static bool
is_readable(const ring_t *ring, int wait_ms)
{
    struct pollfd in = { .fd = ring_fd(ring), .events = POLLIN };

    return poll(&in, 1, wait_ms) == 1;
}

static void
what_goes_in_comes_out_in_order(void **state)
{
    ring_t *ring;
    int items[10];

    (void) state;
    assert_int_equal(ring_new(&ring, 3), 0);
    assert_null(ring_pop(ring));
    for (size_t i = 0; i + 1 < 10; i += 2) {
        assert_true(ring_push(ring, &items[i]));
        assert_true(ring_push(ring, &items[i + 1]));
        assert_ptr_equal(ring_pop(ring), &items[i]);
        assert_ptr_equal(ring_pop(ring), &items[i + 1]);
    }
    assert_null(ring_pop(ring));
    ring_destroy(&ring);
    assert_null(ring);
    ring_destroy(&ring);
}

static void
a_full_ring_refuses_and_keeps_what_it_has(void **state)
{
    ring_t *ring;
    int a, b, c;

    (void) state;
    assert_int_equal(ring_new(&ring, 2), 0);
    assert_true(ring_push(ring, &a));
    assert_true(ring_push(ring, &b));
    assert_false(ring_push(ring, &c));
    assert_int_equal(ring_count(ring), 2);
    assert_ptr_equal(ring_pop(ring), &a);
    assert_true(ring_push(ring, &c));
    assert_ptr_equal(ring_pop(ring), &b);
    assert_ptr_equal(ring_pop(ring), &c);
    ring_destroy(&ring);
}

static void
the_descriptor_is_readable_from_push_to_ack(void **state)
{
    ring_t *ring;
    int a;

    (void) state;
    assert_int_equal(ring_new(&ring, 2), 0);
    assert_false(is_readable(ring, 0));
    ring_push(ring, &a);
    assert_true(is_readable(ring, 0));
    ring_ack(ring);
    assert_false(is_readable(ring, 0));
    assert_ptr_equal(ring_pop(ring), &a);
    ring_ack(ring);
    ring_push(ring, &a);
    assert_true(is_readable(ring, 0));
    ring_destroy(&ring);
}

struct pusher {
    ring_t *ring;
    uintptr_t first; // pushes first, first + PUSHERS, ...: its own numbers, rising
};

static void *
push_all(void *arg)
{
    const struct pusher *self = arg;

    for (uintptr_t i = 0; i < EACH; i++)
        while (!ring_push(self->ring, (void *) (self->first + i * PUSHERS)))
            sched_yield();
    return NULL;
}

static void
across_threads_nothing_is_lost_doubled_or_reordered(void **state)
{
    struct pusher pushers[PUSHERS];
    pthread_t threads[PUSHERS];
    uintptr_t last[PUSHERS] = { 0 };
    size_t n = 0;
    bool in_order = true, woken = true;
    ring_t *ring;

    (void) state;
    assert_int_equal(ring_new(&ring, 64), 0);
    for (uintptr_t i = 0; i < PUSHERS; i++) {
        pushers[i] = (struct pusher){ .ring = ring, .first = i + 1 };
        assert_int_equal(pthread_create(&threads[i], NULL, push_all, &pushers[i]), 0);
    }
    while (n < PUSHERS * EACH && woken) {
        woken = is_readable(ring, PATIENCE);
        ring_ack(ring);
        for (void *item; (item = ring_pop(ring)) != NULL; n++) {
            uintptr_t number = (uintptr_t) item;
            uintptr_t *before = &last[(number - 1) % PUSHERS];

            in_order &= *before == 0 ? number <= PUSHERS : number == *before + PUSHERS;
            *before = number;
        }
    }
    assert_true(woken);
    for (size_t i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n, PUSHERS * EACH);
    assert_true(in_order);
    assert_null(ring_pop(ring));
    ring_destroy(&ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_full_ring_refuses_and_keeps_what_it_has),
        cmocka_unit_test(the_descriptor_is_readable_from_push_to_ack),
        cmocka_unit_test(across_threads_nothing_is_lost_doubled_or_reordered),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}

// test_pong_list - PONGs wait for the ACK that they may go with, and for nothing else.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/pong_list.h"

// Hosts up to this one are owed an ACK.
static uint64_t s_owed;
static uint64_t s_sent[PONG_LIST_MOST];
static size_t s_n_sent;

static bool
owes(void *arg, uint64_t host)
{
    (void) arg;
    return host <= s_owed;
}

static void
send(void *arg, const struct pong_wait *wait)
{
    (void) arg;
    assert_true(s_n_sent < PONG_LIST_MOST);
    s_sent[s_n_sent++] = wait->pong.n;
}

static const struct pong_list_handler s_handler = { .owes = owes, .send = send };

static bool
add(struct pong_list *list, uint64_t host, uint64_t n, int64_t mono_ms)
{
    return pong_list_add(
        list, &(struct pong_wait){ .host = host, .pong = { .n = n }, .mono_ms = mono_ms });
}

static int
setup(void **state)
{
    (void) state;
    s_owed = 0;
    s_n_sent = 0;
    return 0;
}

static void
without_an_ack_to_come_it_goes_at_the_end_of_the_turn(void **state)
{
    struct pong_list list = { 0 };

    (void) state;
    assert_true(add(&list, 1, 10, 0));
    pong_list_turn(&list, &s_handler, 0);
    assert_int_equal(s_n_sent, 1);
    pong_list_turn(&list, &s_handler, 0);
    assert_int_equal(s_n_sent, 1);
    pong_list_release(&list);
}

static void
it_goes_once_the_ack_has_gone_and_overtakes_none_of_its_host(void **state)
{
    struct pong_list list = { 0 };

    (void) state;
    s_owed = 2;
    assert_true(add(&list, 1, 10, 0));
    assert_true(add(&list, 3, 11, 0));
    assert_true(add(&list, 2, 12, 0));
    assert_true(add(&list, 1, 13, 0));
    pong_list_turn(&list, &s_handler, 1);
    assert_int_equal(s_n_sent, 1);
    assert_int_equal(s_sent[0], 11);
    s_owed = 0;
    pong_list_turn(&list, &s_handler, 2);
    assert_int_equal(s_n_sent, 4);
    assert_int_equal(s_sent[1], 10);
    assert_int_equal(s_sent[2], 12);
    assert_int_equal(s_sent[3], 13);
    pong_list_release(&list);
}

static void
a_disk_that_does_not_answer_holds_it_no_longer_than_it_may(void **state)
{
    struct pong_list list = { 0 };

    (void) state;
    s_owed = 1;
    assert_true(add(&list, 1, 10, 1000));
    assert_true(add(&list, 1, 11, 1001));
    pong_list_turn(&list, &s_handler, 1000 + PONG_HOLD_MS - 1);
    assert_int_equal(s_n_sent, 0);
    pong_list_turn(&list, &s_handler, 1000 + PONG_HOLD_MS);
    assert_int_equal(s_n_sent, 1);
    assert_int_equal(s_sent[0], 10);
    pong_list_turn(&list, &s_handler, 1001 + PONG_HOLD_MS);
    assert_int_equal(s_n_sent, 2);
    pong_list_release(&list);
}

static void
a_full_list_takes_no_more_until_some_have_gone(void **state)
{
    struct pong_list list = { 0 };

    (void) state;
    s_owed = PONG_LIST_MOST;
    for (size_t i = 0; i < PONG_LIST_MOST; i++)
        assert_true(add(&list, i + 1, i, 0));
    assert_false(add(&list, 1, 0, 0));
    s_owed = PONG_LIST_MOST - 1;
    pong_list_turn(&list, &s_handler, 0);
    assert_int_equal(s_n_sent, 1);
    assert_true(add(&list, 1, 0, 0));
    pong_list_release(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_an_ack_to_come_it_goes_at_the_end_of_the_turn, setup),
        cmocka_unit_test_setup(it_goes_once_the_ack_has_gone_and_overtakes_none_of_its_host, setup),
        cmocka_unit_test_setup(a_disk_that_does_not_answer_holds_it_no_longer_than_it_may, setup),
        cmocka_unit_test_setup(a_full_list_takes_no_more_until_some_have_gone, setup),
    };
    return cmocka_run_group_tests_name("pong_list", tests, NULL, NULL);
}

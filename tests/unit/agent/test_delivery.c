// test_delivery - what is sent when, claim by claim. Chance is tested in test_delivery_model.c.

#include "tests/unit/agent/delivery_bed.h"

static void
nothing_is_sent_before_welcome(void **state)
{
    (void) state;
    open_with(2, 30);
    made(5);
    written();
    assert_int_equal(turn(), 0);
    assert_false(delivery_has(t.delivery, t.now_ms));
    welcome(0, UINT64_MAX, 0);
    assert_true(turn() > 0);
    delivery_gone(t.delivery);
    made(1);
    written();
    assert_int_equal(turn(), 0);
}

static void
the_live_stream_goes_first_and_the_rest_as_backlog_oldest_first(void **state)
{
    unsigned i = 0;

    (void) state;
    open_with(2, 30);
    made(5);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(turn(), 65);
    for (; i < 5; i++) {
        assert_int_equal(t.sent[i].stream, LIVE);
        assert_int_equal(t.sent[i].seq, i);
        assert_int_equal(t.sent[i].flags, 0);
    }
    for (; i < 65; i++) {
        assert_int_equal(t.sent[i].stream, i < 35 ? 1 : 2);
        assert_int_equal(t.sent[i].seq, (i - 5) % 30);
        assert_int_equal(t.sent[i].flags, FRAME_BACKLOG);
    }
}

static void
what_the_socket_does_not_take_is_sent_later(void **state)
{
    (void) state;
    open_with(0, 0);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    t.full = true;
    assert_false(delivery_turn(t.delivery, t.now_ms, 100));
    assert_true(delivery_has(t.delivery, t.now_ms));
    t.full = false;
    assert_int_equal(turn(), 3);
    assert_false(delivery_has(t.delivery, t.now_ms));
}

static void
credit_is_kept_and_only_a_full_store_takes_it_back(void **state)
{
    (void) state;
    open_with(0, 0);
    made(20);
    written();
    welcome(0, 5, 0);
    assert_int_equal(turn(), 5);
    assert_true(delivery_wants_ack(t.delivery));
    ack(LIVE, 2, 8);
    assert_int_equal(turn(), 3);
    ack(LIVE, 3, 6); // older than what was said
    assert_int_equal(turn(), 0);
    nak(NAK_STORAGE, LIVE, 4);
    // The TABLE and what is below 4, to be read on from there; nothing above.
    for (unsigned i = 0, n = turn(); i < n; i++)
        assert_int_equal(t.sent[i].flags, FRAME_REPEAT);
    ack(LIVE, 4, 10);
    assert_int_equal(turn(), 6);
    assert_int_equal(t.sent[0].seq, 4);
}

static void
an_ended_stream_that_is_acknowledged_is_over(void **state)
{
    (void) state;
    open_with(1, 30);
    welcome(0, UINT64_MAX, 0);
    turn();
    assert_int_equal(delivery_stat(t.delivery).backlog, 1);
    assert_int_equal(delivery_stat(t.delivery).flight, 30 * (BODY + 60));
    ack(1, 29, UINT64_MAX);
    assert_int_equal(delivery_stat(t.delivery).backlog, 1);
    assert_int_equal(delivery_stat(t.delivery).flight, BODY + 60);
    ack(1, 30, UINT64_MAX);
    assert_int_equal(t.acked_stream, 1);
    assert_int_equal(t.acked, 30);
    assert_int_equal(delivery_stat(t.delivery).backlog, 0);
    ack(1, 30, UINT64_MAX); // again, late
    assert_int_equal(delivery_stat(t.delivery).nonsense, 0);
}

static void
with_more_than_256_waiting_the_live_stream_becomes_backlog(void **state)
{
    (void) state;
    open_with(0, 0);
    made(256);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 0);
    delivery_gone(t.delivery);
    made(1);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 1);
    assert_true(delivery_hello_due(t.delivery)); // the new one is not named yet
    made(2);
    written();
    turn();
    assert_int_equal(t.sent[0].stream, LIVE);
    assert_int_equal(t.sent[0].flags, FRAME_BACKLOG);
    welcome(0, UINT64_MAX, 0);
    assert_false(delivery_hello_due(t.delivery));
    turn();
    assert_int_equal(t.sent[0].stream, LIVE + 1);
    assert_int_equal(t.sent[0].flags, 0);
}

static void
with_32_streams_of_backlog_the_live_one_goes_in_order(void **state)
{
    (void) state;
    open_with(32, 1);
    made(300);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 0);
    turn();
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(t.sent[i].seq, i);
    assert_int_equal(t.n_sent, 300 + 32); // the last 44 had to be read
    assert_int_equal(t.closed, 0);
    ack(LIVE, 300, UINT64_MAX);
    made(1);
    written();
    assert_int_equal(turn(), 1); // from memory again
}

static void
hello_names_the_oldest_32_and_the_live_one(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    uint64_t collector;

    (void) state;
    open_with(40, 3);
    made(7);
    assert_int_equal(delivery_hello(t.delivery, streams, &collector), 33);
    assert_int_equal(streams[0].stream, 1);
    assert_int_equal(streams[31].stream, 32);
    assert_int_equal(streams[32].stream, LIVE);
    assert_int_equal(streams[32].head, 7);
    assert_int_equal(collector, 0);
    welcome(0, UINT64_MAX, 0);
    turn();
    assert_false(delivery_hello_due(t.delivery));
    ack(1, 3, UINT64_MAX); // it is over: another may be named
    assert_true(delivery_hello_due(t.delivery));
    assert_int_equal(delivery_hello(t.delivery, streams, &collector), 33);
    assert_int_equal(streams[31].stream, 33);
    assert_int_equal(collector, COLLECTOR);
}

// Frames of so many turns, 50 ms apart.
static unsigned
turns(unsigned n)
{
    unsigned sent = 0;

    for (; n > 0; n--) {
        t.now_ms += 50;
        sent += turn();
    }
    return sent;
}

static void
backlog_keeps_its_rate_and_what_is_in_flight(void **state)
{
    const unsigned frame = BODY + 60;
    const unsigned saved = RATE / 8;
    unsigned n;

    (void) state;
    open_with(1, 4000);
    welcome(0, UINT64_MAX, 0);
    n = turn();
    assert_in_range(n * frame, saved, saved + frame);
    assert_int_equal(turn(), 0); // within its rate
    assert_true(delivery_wait_ms(t.delivery, t.now_ms) > 0);
    n += turns(20);
    assert_in_range(n * frame, RATE, RATE + saved + frame);
    n += turns(20); // nothing is acknowledged
    assert_in_range(n * frame, DELIVERY_FLIGHT, DELIVERY_FLIGHT + frame);
    t.now_ms += 60000;
    ack(1, n, UINT64_MAX);
    n = turn(); // and nothing saved, however long it had to wait
    assert_in_range(n * frame, saved, saved + frame);
}

static void
a_record_waits_for_the_spool_100_ms(void **state)
{
    (void) state;
    open_with(0, 0);
    welcome(0, UINT64_MAX, 0);
    made(1);
    assert_int_equal(turn(), 0);
    assert_int_equal(delivery_wait_ms(t.delivery, t.now_ms), 100);
    t.now_ms += 99;
    assert_int_equal(turn(), 0);
    t.now_ms += 1;
    assert_int_equal(turn(), 1);
    assert_int_equal(delivery_stat(t.delivery).unspooled, 1);
    made(1);
    written();
    assert_int_equal(turn(), 1);
    assert_int_equal(delivery_stat(t.delivery).unspooled, 1);
}

static void
without_an_ack_all_is_sent_again_less_and_less_often(void **state)
{
    unsigned rounds = 0;

    (void) state;
    open_with(0, 0);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(turn(), 3);
    for (int s = 0; s < 120; s++) {
        t.now_ms += 1000;
        rounds += turn() == 3;
    }
    assert_in_range(rounds, 3, 6); // after 5, 10, 20, 40, 60 s
    ack(LIVE, 3, UINT64_MAX);
    t.now_ms += 100000;
    assert_int_equal(turn(), 0);
    assert_int_equal(delivery_stat(t.delivery).timeouts, rounds);
}

static void
numbers_that_nobody_can_know_change_nothing(void **state)
{
    (void) state;
    open_with(1, 10);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(LIVE, 4, 5);
    ack(LIVE, UINT64_MAX, 5);
    nak(NAK_NEXT, 1, 11);
    ack(99, 1, 1);
    nak(NAK_KEY, 99, 1);
    nak(200, LIVE, 1);
    assert_int_equal(delivery_stat(t.delivery).nonsense, 3);
    assert_int_equal(turn(), 0);
    assert_int_equal(t.acked, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        delivery_claim(nothing_is_sent_before_welcome),
        delivery_claim(the_live_stream_goes_first_and_the_rest_as_backlog_oldest_first),
        delivery_claim(what_the_socket_does_not_take_is_sent_later),
        delivery_claim(credit_is_kept_and_only_a_full_store_takes_it_back),
        delivery_claim(an_ended_stream_that_is_acknowledged_is_over),
        delivery_claim(with_more_than_256_waiting_the_live_stream_becomes_backlog),
        delivery_claim(with_32_streams_of_backlog_the_live_one_goes_in_order),
        delivery_claim(hello_names_the_oldest_32_and_the_live_one),
        delivery_claim(backlog_keeps_its_rate_and_what_is_in_flight),
        delivery_claim(a_record_waits_for_the_spool_100_ms),
        delivery_claim(without_an_ack_all_is_sent_again_less_and_less_often),
        delivery_claim(numbers_that_nobody_can_know_change_nothing),
    };

    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}

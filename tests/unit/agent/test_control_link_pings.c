// test_control_link_pings - when a PING goes, and what PONGs measure.

#include "tests/unit/agent/link_bed.h"

static void
ping_goes_each_second_and_tells_the_book(void **state)
{
    (void) state;
    become_welcome();
    for (unsigned i = 1; i <= 5; i++) {
        pass(SECOND);
        assert_in_range(peer.n_sent, i, i + 1);
        say_pong(0);
    }
    assert_int_equal(peer.last.type, CONTROL_PING);
    assert_int_equal(peer.last.ping.host, 7);
    assert_int_equal(peer.last.ping.nonce, 99);
    assert_int_equal(peer.last.ping.head, 9);
    assert_int_equal(peer.last.ping.ledger.lost[LOST_QUEUE], 21);
    assert_int_equal(peer.last.ping.ledger.missed[MISSED_HUNG], 4);
    assert_true(peer.last.ping.rtt_us >= 0);
}

// A tick a little before the second is up carries the PING, and nothing else wakes the loop.
static void
a_ping_rides_on_a_tick(void **state)
{
    (void) state;
    become_welcome();
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    for (int i = 0; i < 5; i++) {
        peer.n_sent = 0;
        peer.now.mono_us += SECOND - 2000;
        assert_true(control_link_deadline_us(peer.link) > peer.now.mono_us);
        control_link_turn(peer.link, peer.now);
        assert_int_equal(peer.n_sent, 1);
        say_pong(0);
    }
}

// The PING after one that measures is as any other.
static void
a_ping_goes_behind_the_frame_that_goes_soon(void **state)
{
    (void) state;
    become_welcome();
    control_link_turn(peer.link, peer.now);
    say_pong(0);
    for (int i = 0; i < 5; i++) {
        peer.n_sent = 0;
        peer.soon = true;
        peer.now.mono_us += SECOND;
        control_link_turn(peer.link, peer.now);
        assert_int_equal(peer.n_sent, 0);
        peer.soon = false;
        control_link_turn(peer.link, peer.now);
        assert_int_equal(peer.n_sent, 1);
        say_pong(0);
    }
}

static void
a_ping_waits_for_no_frame_longer_than_it_may(void **state)
{
    (void) state;
    become_welcome();
    control_link_turn(peer.link, peer.now);
    say_pong(0);
    peer.n_sent = 0;
    peer.soon = true;
    peer.now.mono_us = control_link_deadline_us(peer.link) - 1;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 0);
    peer.now.mono_us++;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
}

static void
a_ping_that_measures_waits_for_no_frame(void **state)
{
    (void) state;
    become_welcome();
    peer.soon = true;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    assert_true(control_link_wants_in(peer.link));
    say_pong(0);
    peer.now.mono_us += SECOND;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
}

static void
offset_and_round_trip_are_measured(void **state)
{
    (void) state;
    become_welcome();
    assert_int_equal(control_link_stat(peer.link).rtt_us, -1);
    control_link_turn(peer.link, peer.now);
    peer.now.mono_us += 20000;
    peer.now.real_ms += 20;
    // It came there after 10 ms, by a clock 5 s ahead, and was answered 4 ms later.
    say(&(const struct control_msg){ .type = CONTROL_PONG,
                                     .pong = { .n = peer.last.ping.n,
                                               .t1_ms = peer.last.ping.t1_ms,
                                               .t2_ms = peer.last.ping.t1_ms + 10 + 5000 - 2,
                                               .t3_ms = peer.last.ping.t1_ms + 10 + 5000 + 2 } });
    assert_int_equal(control_link_stat(peer.link).offset_ms, 5000);
    assert_int_equal(control_link_stat(peer.link).rtt_us, 16000);
}

// Between two measurements nobody waits for a PONG, but each is a sign of life.
static void
each_tenth_ping_waits_for_its_answer(void **state)
{
    unsigned waited = 0;

    (void) state;
    assert_true(control_link_wants_in(peer.link)); // for WELCOME
    become_welcome();
    for (int i = 0; i < 40; i++) {
        peer.n_sent = 0;
        control_link_turn(peer.link, peer.now);
        assert_int_equal(peer.n_sent, 1);
        waited += control_link_wants_in(peer.link);
        peer.now.mono_us += SECOND; // it lies until the next tick
        say_pong(0);
        assert_false(control_link_wants_in(peer.link));
    }
    assert_int_equal(waited, 4);
    assert_true(control_link_is_welcomed(peer.link));
}

static void
a_measurement_without_an_answer_is_made_again(void **state)
{
    (void) state;
    become_welcome();
    control_link_turn(peer.link, peer.now);
    assert_true(control_link_wants_in(peer.link));
    peer.now.mono_us += SECOND;
    control_link_turn(peer.link, peer.now);
    assert_true(control_link_wants_in(peer.link));
    say_pong(0);
    assert_false(control_link_wants_in(peer.link));
    assert_int_equal(control_link_stat(peer.link).rtt_us, 0);
}

// A link slower than the PINGs: each PONG is an answer to one before the last.
static void
late_answers_are_a_sign_of_life(void **state)
{
    struct control_msg pong = { .type = CONTROL_PONG };

    (void) state;
    become_welcome();
    for (int i = 0; i < 20; i++) {
        peer.n_sent = 0;
        control_link_turn(peer.link, peer.now);
        if (i >= 2) {
            pong.pong.n = peer.last.ping.n - 2;
            say(&pong);
        }
        assert_true(control_link_is_welcomed(peer.link));
        peer.now.mono_us += SECOND;
    }
}

static void
hostile_stamps_measure_nothing(void **state)
{
    static const int64_t hostile[] = { INT64_MIN, INT64_MAX, -1, 0 };

    (void) state;
    become_welcome();
    control_link_turn(peer.link, peer.now);
    for (size_t i = 0; i < 64; i++)
        say(&(const struct control_msg){ .type = CONTROL_PONG,
                                         .pong = { .n = peer.last.ping.n,
                                                   .t1_ms = hostile[i % 4],
                                                   .t2_ms = hostile[i / 4 % 4],
                                                   .t3_ms = hostile[i / 16] } });
    assert_true(control_link_is_welcomed(peer.link));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        link_test(ping_goes_each_second_and_tells_the_book),
        link_test(a_ping_rides_on_a_tick),
        link_test(a_ping_goes_behind_the_frame_that_goes_soon),
        link_test(a_ping_waits_for_no_frame_longer_than_it_may),
        link_test(a_ping_that_measures_waits_for_no_frame),
        link_test(offset_and_round_trip_are_measured),
        link_test(each_tenth_ping_waits_for_its_answer),
        link_test(a_measurement_without_an_answer_is_made_again),
        link_test(late_answers_are_a_sign_of_life),
        link_test(hostile_stamps_measure_nothing),
    };
    return cmocka_run_group_tests_name("control_link_pings", tests, NULL, NULL);
}

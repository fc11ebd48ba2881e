// test_control_link - the agent's side of the control socket, against a script and a clock of ours.
// More than 500 lines: a claim for each arrow and each message of one state machine.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/control_link.h"
#include "shared/base/log.h"
#include "tests/support/seeded.h"

#define SECOND INT64_C(1000000)
#define STREAM 11
#define EPOCH  5

// What the link did since it was last looked at.
struct peer {
    control_link_t *link;
    struct control_now now;
    bool connected;
    struct control_book book;
    uint8_t sent[8]; // types, in order
    unsigned n_sent;
    struct control_msg last;
    unsigned welcomed;
    uint64_t welcomed_next;
    bool hello_due;
    unsigned gone;
    unsigned acks;
    unsigned keys, naks; // NAK_KEY, and the others
    unsigned renewed;
};

static struct peer peer;
static const struct identity identity = {
    .host = 7, .name = "web-1", .name_len = 5, .version = "1", .version_len = 1, .interval_ms = 1000
};

static bool
send(void *arg, const void *at, size_t n)
{
    (void) arg;
    if (!peer.connected)
        return false;
    assert_int_equal(control_take(&peer.last, at, n), 0);
    assert_true(peer.n_sent < sizeof peer.sent);
    peer.sent[peer.n_sent++] = peer.last.type;
    return true;
}

static void
book(void *arg, struct control_book *ret, bool hello)
{
    (void) arg;
    *ret = peer.book;
    if (!hello)
        ret->n_streams = 0;
}

static bool
hello_due(void *arg)
{
    (void) arg;
    return peer.hello_due;
}

static void
welcomed(void *arg, const struct welcome *welcome)
{
    (void) arg;
    peer.welcomed++;
    peer.welcomed_next = welcome->streams[0].next;
}

static void
ack(void *arg, const struct ack *told)
{
    (void) arg;
    assert_int_equal(told->next, 5);
    peer.acks++;
}

static void
nak(void *arg, const struct nak *told)
{
    (void) arg;
    peer.keys += told->reason == NAK_KEY;
    peer.naks += told->reason != NAK_KEY;
}

static void
gone(void *arg)
{
    (void) arg;
    peer.gone++;
}

static void
renew(void *arg)
{
    (void) arg;
    peer.renewed++;
}

static int
setup(void **state)
{
    const struct control_link_handler handler = { .send = send,
                                                  .book = book,
                                                  .hello_due = hello_due,
                                                  .welcomed = welcomed,
                                                  .ack = ack,
                                                  .nak = nak,
                                                  .gone = gone,
                                                  .renew = renew };

    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    peer = (struct peer){
        .now = { .mono_us = 1000 * SECOND, .real_ms = 1700000000000 },
        .connected = true,
        .book = { .streams = { { .stream = STREAM, .base = 3, .head = 9, .acked_here = 2 } },
                  .n_streams = 1,
                  .collector = 77,
                  .head = 9,
                  .ledger = { .lost[LOST_QUEUE] = 21, .missed[MISSED_HUNG] = 4 } },
    };
    peer.link = control_link_new(&identity, 99, "tcp://127.0.0.1:1", &handler, peer.now);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    control_link_destroy(&peer.link);
    return 0;
}

// Time passes in steps of 10 ms, as if the loop woke at each.
static void
pass(int64_t us)
{
    for (int64_t step = SECOND / 100; us > 0; us -= step) {
        peer.now.mono_us += step;
        peer.now.real_ms += step / 1000;
        control_link_turn(peer.link, peer.now);
    }
}

static void
say(const struct control_msg *msg)
{
    uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    control_link_receive(peer.link, bytes, (size_t) n, peer.now);
}

static void
say_welcome(uint64_t epoch, uint64_t stream, uint64_t next)
{
    struct control_msg msg = { .type = CONTROL_WELCOME,
                               .welcome = { .collector = 1,
                                            .epoch = epoch,
                                            .max_frame = 1,
                                            .n_streams = 1,
                                            .streams = { { .stream = stream, .next = next } } } };

    say(&msg);
}

// To the last PING, as a collector whose clock is ahead by `ahead_ms`.
static void
say_pong(int64_t ahead_ms)
{
    say(&(const struct control_msg){ .type = CONTROL_PONG,
                                     .pong = { .n = peer.last.ping.n,
                                               .t1_ms = peer.last.ping.t1_ms,
                                               .t2_ms = peer.now.real_ms + ahead_ms,
                                               .t3_ms = peer.now.real_ms + ahead_ms } });
}

static void
say_nak(uint8_t reason)
{
    say(&(const struct control_msg){ .type = CONTROL_NAK,
                                     .nak = { .reason = reason, .stream = STREAM } });
}

static void
become_welcome(void)
{
    control_link_turn(peer.link, peer.now);
    say_welcome(EPOCH, STREAM, 6);
    assert_true(control_link_is_welcomed(peer.link));
    peer.n_sent = 0;
}

static void
hello_says_who_and_what(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.last.type, CONTROL_HELLO);
    assert_int_equal(peer.last.hello.id.host, 7);
    assert_int_equal(peer.last.hello.id.name_len, 5);
    assert_int_equal(peer.last.hello.nonce, 99);
    assert_int_equal(peer.last.hello.n_streams, 1);
    assert_int_equal(peer.last.hello.streams[0].stream, STREAM);
    assert_int_equal(peer.last.hello.streams[0].base, 3);
    assert_int_equal(peer.last.hello.streams[0].head, 9);
}

static void
hello_is_repeated_each_second_until_welcome(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    pass(3 * SECOND);
    assert_int_equal(peer.n_sent, 4);
    say_welcome(EPOCH, STREAM, 6);
    assert_int_equal(peer.welcomed, 1);
    assert_int_equal(peer.welcomed_next, 6);
    peer.n_sent = 0;
    pass(SECOND / 2);
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.sent[0], CONTROL_PING);
}

static void
hello_goes_as_soon_as_there_is_a_connection(void **state)
{
    (void) state;
    peer.connected = false;
    control_link_turn(peer.link, peer.now);
    assert_true(control_link_wants_out(peer.link));
    pass(SECOND / 5);
    peer.connected = true;
    control_link_writable(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    assert_false(control_link_wants_out(peer.link));
}

static void
a_welcome_of_another_epoch_is_another_collector(void **state)
{
    (void) state;
    become_welcome();
    say_welcome(EPOCH, STREAM, 2);
    assert_int_equal(peer.welcomed, 2); // streams that it had not named before
    assert_int_equal(peer.gone, 0);
    say_welcome(EPOCH + 1, STREAM, 0);
    assert_int_equal(peer.welcomed, 3);
    assert_int_equal(peer.gone, 1);
}

static void
streams_that_are_new_are_told_each_second_until_they_are_known(void **state)
{
    (void) state;
    become_welcome();
    pass(SECOND * 2);
    for (unsigned i = 0; i < peer.n_sent; i++)
        assert_int_equal(peer.sent[i], CONTROL_PING);
    peer.n_sent = 0;
    peer.hello_due = true;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.sent[0], CONTROL_HELLO);
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    pass(SECOND);
    assert_int_equal(peer.last.type, CONTROL_HELLO);
    peer.hello_due = false;
    peer.n_sent = 0;
    pass(SECOND / 2);
    assert_int_equal(peer.n_sent, 0);
}

static void
acks_and_naks_are_passed_on_from_who_welcomed_us(void **state)
{
    const struct control_msg msg = { .type = CONTROL_ACK, .ack = { .stream = STREAM, .next = 5 } };

    (void) state;
    control_link_turn(peer.link, peer.now);
    say(&msg);
    say_nak(NAK_NEXT);
    assert_int_equal(peer.acks + peer.naks, 0);
    say_welcome(EPOCH, STREAM, 2);
    say(&msg);
    say_nak(NAK_NEXT);
    say_nak(NAK_STORAGE);
    assert_int_equal(peer.acks, 1);
    assert_int_equal(peer.naks, 2);
}

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

static void
three_seconds_of_silence_are_down(void **state)
{
    (void) state;
    become_welcome();
    pass(SECOND);
    say_pong(0);
    pass(3 * SECOND - SECOND / 10);
    assert_true(control_link_is_welcomed(peer.link));
    peer.n_sent = 0;
    pass(SECOND / 5);
    assert_false(control_link_is_welcomed(peer.link));
    assert_int_equal(control_link_stat(peer.link).losses, 1);
    assert_int_equal(peer.gone, 1);
    assert_int_equal(peer.sent[peer.n_sent - 1], CONTROL_HELLO);
    say_welcome(EPOCH, STREAM, 8);
    assert_int_equal(peer.welcomed, 2);
}

static void
an_agent_that_was_stopped_blames_nobody(void **state)
{
    (void) state;
    become_welcome();
    pass(SECOND);
    peer.n_sent = 0;
    peer.now.mono_us += 60 * SECOND;
    control_link_turn(peer.link, peer.now);
    assert_true(control_link_is_welcomed(peer.link));
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.sent[0], CONTROL_PING);
}

static void
a_connection_that_ended_is_down_at_once(void **state)
{
    (void) state;
    become_welcome();
    peer.connected = false;
    pass(SECOND);
    assert_false(control_link_is_welcomed(peer.link));
    assert_true(control_link_wants_out(peer.link));
}

static void
ten_seconds_of_silence_renew_the_sockets(void **state)
{
    (void) state;
    peer.connected = false;
    pass(9 * SECOND);
    assert_int_equal(peer.renewed, 0);
    pass(2 * SECOND);
    assert_int_equal(peer.renewed, 1);
    pass(10 * SECOND);
    assert_int_equal(peer.renewed, 2);
}

static void
a_nak_for_hello_says_hello(void **state)
{
    (void) state;
    become_welcome();
    say_nak(NAK_HELLO);
    assert_false(control_link_is_welcomed(peer.link));
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.sent[peer.n_sent - 1], CONTROL_HELLO);
}

static void
a_nak_for_a_key_is_passed_on_once_a_second(void **state)
{
    (void) state;
    say_nak(NAK_KEY); // not welcomed: of an earlier life
    assert_int_equal(peer.keys, 0);
    become_welcome();
    say_nak(NAK_KEY);
    say_nak(NAK_KEY);
    assert_int_equal(peer.keys, 1);
    pass(SECOND);
    say_nak(NAK_KEY);
    assert_int_equal(peer.keys, 2);
    say_nak(NAK_STORAGE);
    assert_true(control_link_is_welcomed(peer.link));
}

static void
who_is_sent_away_stays_away_for_the_delay(void **state)
{
    (void) state;
    become_welcome();
    say(&(const struct control_msg){ .type = CONTROL_GOAWAY,
                                     .goaway = { .reason = GOAWAY_NAME, .delay_ms = 5000 } });
    assert_false(control_link_is_welcomed(peer.link));
    say_welcome(EPOCH + 1, STREAM, 0);
    assert_int_equal(peer.welcomed, 1);
    pass(5 * SECOND - SECOND / 10);
    assert_int_equal(peer.n_sent, 0);
    pass(SECOND / 5);
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.sent[0], CONTROL_HELLO);
}

// What the log says from log_from() on, to log_is_quiet_of().
static FILE *log_file;
static int log_fd;

static void
log_from(void)
{
    log_file = tmpfile();
    assert_non_null(log_file);
    log_fd = dup(STDERR_FILENO);
    dup2(fileno(log_file), STDERR_FILENO);
}

static bool
log_is_quiet_of(const char *words)
{
    char text[4096] = "";

    dup2(log_fd, STDERR_FILENO);
    close(log_fd);
    rewind(log_file);
    (void) !fread(text, 1, sizeof text - 1, log_file);
    fclose(log_file);
    return strstr(text, words) == NULL;
}

static void
a_collector_that_sent_us_away_is_not_called_silent(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    log_set_level(LOG_LEVEL_WARN);
    log_from();
    say(&(const struct control_msg){ .type = CONTROL_GOAWAY,
                                     .goaway = { .reason = GOAWAY_NAME, .delay_ms = 10000 } });
    pass(11 * SECOND);
    say(&(const struct control_msg){ .type = CONTROL_GOAWAY,
                                     .goaway = { .reason = GOAWAY_NAME, .delay_ms = 10000 } });
    assert_true(log_is_quiet_of("does not answer"));
}

static void
a_delay_of_none_is_a_second(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    peer.n_sent = 0;
    say(&(const struct control_msg){ .type = CONTROL_GOAWAY,
                                     .goaway = { .reason = GOAWAY_SHUTDOWN } });
    pass(SECOND - SECOND / 10);
    assert_int_equal(peer.n_sent, 0);
    pass(SECOND / 5);
    assert_int_equal(peer.n_sent, 1);
}

static void
bye_goes_to_who_knows_us(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    peer.n_sent = 0;
    control_link_bye(peer.link);
    assert_int_equal(peer.n_sent, 0);
    become_welcome();
    control_link_bye(peer.link);
    assert_int_equal(peer.last.type, CONTROL_BYE);
    assert_int_equal(peer.last.bye.host, 7);
    assert_int_equal(peer.last.bye.nonce, 99);
}

static void
any_bytes_are_survived_and_counted(void **state)
{
    uint64_t seed = 77;
    uint8_t bytes[64];

    (void) state;
    become_welcome();
    control_link_receive(peer.link, bytes, 0, peer.now);
    assert_int_equal(control_link_stat(peer.link).malformed, 1);
    for (int i = 0; i < 20000; i++) {
        const uint32_t n = seeded_below(&seed, sizeof bytes);

        for (uint32_t at = 0; at < n; at++)
            bytes[at] = (uint8_t) seeded_next(&seed);
        if (n > 4 && i % 2 == 0)
            memcpy(bytes, "ZC\x10", 3); // as far as the type it is one of ours
        peer.n_sent = 0;
        control_link_receive(peer.link, bytes, n, peer.now);
    }
    assert_true(control_link_stat(peer.link).malformed > 1000);
}

// The loop never sleeps past what is due, and never spins while nothing is.
static void
the_deadline_is_when_something_is_due(void **state)
{
    (void) state;
    control_link_turn(peer.link, peer.now);
    for (int i = 0; i < 30; i++) {
        const int64_t due = control_link_deadline_us(peer.link);

        assert_true(due >= peer.now.mono_us && due <= peer.now.mono_us + 2 * SECOND);
        peer.n_sent = 0;
        peer.now.mono_us = due;
        control_link_turn(peer.link, peer.now);
        if (i == 10)
            say_welcome(EPOCH, STREAM, 0);
        else if (i > 10 && i < 20)
            say_pong(0);
    }
}

#define link_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        link_test(hello_says_who_and_what),
        link_test(hello_is_repeated_each_second_until_welcome),
        link_test(hello_goes_as_soon_as_there_is_a_connection),
        link_test(a_welcome_of_another_epoch_is_another_collector),
        link_test(streams_that_are_new_are_told_each_second_until_they_are_known),
        link_test(acks_and_naks_are_passed_on_from_who_welcomed_us),
        link_test(ping_goes_each_second_and_tells_the_book),
        link_test(a_ping_rides_on_a_tick),
        link_test(offset_and_round_trip_are_measured),
        link_test(each_tenth_ping_waits_for_its_answer),
        link_test(a_measurement_without_an_answer_is_made_again),
        link_test(late_answers_are_a_sign_of_life),
        link_test(hostile_stamps_measure_nothing),
        link_test(three_seconds_of_silence_are_down),
        link_test(an_agent_that_was_stopped_blames_nobody),
        link_test(a_connection_that_ended_is_down_at_once),
        link_test(ten_seconds_of_silence_renew_the_sockets),
        link_test(a_nak_for_hello_says_hello),
        link_test(a_nak_for_a_key_is_passed_on_once_a_second),
        link_test(who_is_sent_away_stays_away_for_the_delay),
        link_test(a_collector_that_sent_us_away_is_not_called_silent),
        link_test(a_delay_of_none_is_a_second),
        link_test(bye_goes_to_who_knows_us),
        link_test(any_bytes_are_survived_and_counted),
        link_test(the_deadline_is_when_something_is_due),
    };
    return cmocka_run_group_tests_name("control_link", tests, NULL, NULL);
}

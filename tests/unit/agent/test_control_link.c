// test_control_link - the agent's side of the control socket, against a script and a clock of ours.
// When a PING goes, and what PONGs measure: test_control_link_pings.

#include "tests/unit/agent/link_bed.h"

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
}

static void
the_longer_nothing_is_heard_the_fewer_sockets_are_made(void **state)
{
    (void) state;
    peer.connected = false;
    pass(11 * SECOND);
    assert_int_equal(peer.renewed, 1);
    pass(18 * SECOND); // up to 29 s; the next is at 30 s
    assert_int_equal(peer.renewed, 1);
    pass(42 * SECOND); // at 30 s and 70 s
    assert_int_equal(peer.renewed, 3);
    pass(3600 * SECOND); // at 150 s, 310 s, and each 160 s from there
    assert_in_range(peer.renewed, 20, 30);
    peer.renewed = 0;
    say_nak(NAK_NEXT);
    pass(11 * SECOND);
    assert_int_equal(peer.renewed, 1);
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
with_other_keys_it_begins_anew_from_any_state(void **state)
{
    (void) state;
    become_welcome();
    peer.n_sent = 0;
    control_link_renew(peer.link, peer.now);
    assert_int_equal(peer.renewed, 1);
    assert_int_equal(peer.gone, 1);
    assert_false(control_link_is_welcomed(peer.link));
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.last.type, CONTROL_HELLO);
    // Sent away for an hour, as a revoked key is: the new one need not wait for that.
    say(&(const struct control_msg){ .type = CONTROL_GOAWAY,
                                     .goaway = { .reason = GOAWAY_REVOKED, .delay_ms = 3600000 } });
    control_link_renew(peer.link, peer.now);
    assert_int_equal(peer.renewed, 2);
    peer.n_sent = 0;
    control_link_turn(peer.link, peer.now);
    assert_int_equal(peer.n_sent, 1);
    assert_int_equal(peer.last.type, CONTROL_HELLO);
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
        link_test(three_seconds_of_silence_are_down),
        link_test(an_agent_that_was_stopped_blames_nobody),
        link_test(a_connection_that_ended_is_down_at_once),
        link_test(ten_seconds_of_silence_renew_the_sockets),
        link_test(the_longer_nothing_is_heard_the_fewer_sockets_are_made),
        link_test(a_nak_for_hello_says_hello),
        link_test(a_nak_for_a_key_is_passed_on_once_a_second),
        link_test(who_is_sent_away_stays_away_for_the_delay),
        link_test(a_collector_that_sent_us_away_is_not_called_silent),
        link_test(with_other_keys_it_begins_anew_from_any_state),
        link_test(a_delay_of_none_is_a_second),
        link_test(bye_goes_to_who_knows_us),
        link_test(any_bytes_are_survived_and_counted),
        link_test(the_deadline_is_when_something_is_due),
    };
    return cmocka_run_group_tests_name("control_link", tests, NULL, NULL);
}

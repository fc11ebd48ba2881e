// link_bed - the agent's side of the control socket, against a script and a clock of ours.

#ifndef TESTS_UNIT_AGENT_LINK_BED_H
#define TESTS_UNIT_AGENT_LINK_BED_H

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
    bool soon; // a frame goes in a moment
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

static bool
soon(void *arg)
{
    (void) arg;
    return peer.soon;
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
                                                  .soon = soon,
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
static inline void
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
static inline void
say_pong(int64_t ahead_ms)
{
    say(&(const struct control_msg){ .type = CONTROL_PONG,
                                     .pong = { .n = peer.last.ping.n,
                                               .t1_ms = peer.last.ping.t1_ms,
                                               .t2_ms = peer.now.real_ms + ahead_ms,
                                               .t3_ms = peer.now.real_ms + ahead_ms } });
}

static inline void
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

#define link_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

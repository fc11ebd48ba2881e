// flow_imposter - peers with a key that say what is not theirs to say, and peers without one.
//
// Each speaks by a socket of its own, so that a test says every byte, and the collector is the
// real one.

#include <czmq.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/client_keys.h"
#include "shared/wire/control.h"
#include "shared/wire/query_msg.h"
#include "tests/support/by_hand.h"
#include "tests/support/zmtp_peer.h"

#define HOST UINT64_C(0xa1)

static void
frames_of_anothers_stream_are_refused_and_it_goes_on(void **state)
{
    struct keyed_counted refused = { "zpulse_collector_frames_refused_total{reason=\"identity\"}",
                                     1 };
    struct by_hand bed;
    zsock_t *control, *own, *theirs;
    struct control_msg msg;

    by_hand_up(&bed, *state);
    control = by_hand_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    own = by_hand_socket(&bed, &bed.a, "agent", ZMQ_PUSH, SOCK_DATA, NULL);
    theirs = by_hand_socket(&bed, &bed.b, "agent", ZMQ_PUSH, SOCK_DATA, NULL);
    by_hand_welcome(&bed, control, HOST, 1, "web-1");
    by_hand_frame(&bed, theirs, 0);
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_has_counted, &refused));
    by_hand_frame(&bed, own, 0);
    do
        by_hand_hear(&bed, control, CONTROL_ACK, &msg);
    while (msg.ack.next == 0);
    claim(bed.s, msg.ack.stream == BY_HAND_STREAM && msg.ack.next == 1);
    zsock_destroy(&theirs);
    zsock_destroy(&own);
    zsock_destroy(&control);
}

static void
another_host_is_neither_claimed_nor_ended_nor_heard(void **state)
{
    struct stage_host up = { "web-1", "up" };
    struct by_hand bed;
    zsock_t *a, *b;
    struct control_msg msg;

    by_hand_up(&bed, *state);
    a = by_hand_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    b = by_hand_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    by_hand_welcome(&bed, a, HOST, 1, "web-1");
    // By its name; by its id, under the own name.
    msg = by_hand_hello(HOST + 1, 1, "web-1");
    by_hand_say(&bed, b, &msg);
    by_hand_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_NAME);
    msg = by_hand_hello(HOST, 1, "web-2");
    by_hand_say(&bed, b, &msg);
    by_hand_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_NAME);
    // Its end, and its PING, with the nonce of its start.
    by_hand_say(&bed, b,
                &(struct control_msg){ .type = CONTROL_BYE, .bye = { .host = HOST, .nonce = 1 } });
    msg = (struct control_msg){ .type = CONTROL_PING,
                                .ping = { .host = HOST, .nonce = 1, .n = 9 } };
    by_hand_say(&bed, b, &msg);
    by_hand_hear(&bed, b, CONTROL_NAK, &msg);
    claim(bed.s, msg.nak.reason == NAK_HELLO);
    msg = (struct control_msg){ .type = CONTROL_PING,
                                .ping = { .host = HOST, .nonce = 1, .n = 2 } };
    by_hand_say(&bed, a, &msg);
    by_hand_hear(&bed, a, CONTROL_PONG, &msg);
    claim(bed.s, msg.pong.n == 2);
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, stage_host_is, &up));
    zsock_destroy(&b);
    zsock_destroy(&a);
}

static void
an_agent_may_not_import(void **state)
{
    struct by_hand bed;
    struct control_msg msg;
    zsock_t *b;

    by_hand_up(&bed, *state);
    b = by_hand_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    msg = by_hand_hello(HOST, 1, "web-9");
    msg.hello.flags = HELLO_IMPORT;
    by_hand_say(&bed, b, &msg);
    by_hand_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_ROLE);
    claim(bed.s, stage_host(bed.s, "web-9") == NULL);
    zsock_destroy(&b);
}

// Of two that call themselves the same to the ROUTER the first stays who it is.
static void
a_routing_id_that_is_taken_takes_nothing_over(void **state)
{
    struct by_hand bed;
    zsock_t *a, *b, *c;
    struct control_msg msg;
    zmq_pollitem_t item;

    by_hand_up(&bed, *state);
    a = by_hand_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, "same");
    by_hand_welcome(&bed, a, HOST, 1, "web-1");
    b = by_hand_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, "same");
    msg = by_hand_hello(HOST + 1, 1, "web-2");
    by_hand_say(&bed, b, &msg);
    // A third one is answered after that: what b was to hear would have come by now.
    c = by_hand_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    by_hand_welcome(&bed, c, HOST + 1, 2, "web-2");
    for (uint64_t n = 1; n <= 5; n++) {
        msg = (struct control_msg){ .type = CONTROL_PING,
                                    .ping = { .host = HOST, .nonce = 1, .n = n } };
        by_hand_say(&bed, a, &msg);
        by_hand_hear(&bed, a, CONTROL_PONG, &msg);
        claim(bed.s, msg.pong.n == n);
    }
    item = (zmq_pollitem_t){ .socket = sock_raw(b), .events = ZMQ_POLLIN };
    claim(bed.s, zmq_poll(&item, 1, 0) == 0);
    zsock_destroy(&c);
    zsock_destroy(&b);
    zsock_destroy(&a);
}

// Without a key it is not spoken with at all, whatever it says of itself.
static void
who_writes_its_own_user_id_is_hung_up_on(void **state)
{
    // The number is there a moment after the dashboard is.
    struct keyed_counted nameless = { "zpulse_collector_messages_without_user_total", 0 };
    struct by_hand bed;
    struct client_keys keys;
    struct buf why = { 0 };
    uint8_t bytes[512], answer[512];
    char ready[256];
    size_t n, at;
    ptrdiff_t got;
    int fd;

    by_hand_up(&bed, *state);
    claim(bed.s, client_keys_load(&keys, bed.a.dir, "agent", &why) == 0);
    for (int door = SOCK_DATA; door <= SOCK_ENROL; door++) {
        const char *type = door == SOCK_DATA ? "PUSH" : door == SOCK_LIVE ? "SUB" : "DEALER";

        fd = zmtp_peer_connect("127.0.0.1", (uint16_t) (stage_port(bed.s) + (unsigned) door));
        claim(bed.s, fd != -1);
        n = zmtp_peer_hello(bytes, type);
        // The same READY with a property more: the key of another, as ZAP would write it.
        at = 0;
        memcpy(ready, bytes + ZMTP_GREETING + 2, n - ZMTP_GREETING - 2);
        at += n - ZMTP_GREETING - 2;
        ready[at++] = 7;
        memcpy(ready + at, "User-Id", 7);
        at += 7;
        memcpy(ready + at, "\0\0\0\50", 4); // 40 bytes
        at += 4;
        memcpy(ready + at, keys.own.public_text, 40);
        at += 40;
        n = zmtp_peer_put(bytes, ZMTP_GREETING, ZMTP_COMMAND, ready, at);
        n = zmtp_peer_put(bytes, n, 0, "hello", 5);
        (void) !write(fd, bytes, n);
        // It says its greeting, and ends.
        do {
            struct pollfd in = { .fd = fd, .events = POLLIN };

            claim(bed.s, poll(&in, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
            got = read(fd, answer, sizeof answer);
        } while (got > 0);
        close(fd);
    }
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_has_counted, &nameless));
    claim(bed.s, stage_metric(bed.s, nameless.series) == 0);
    buf_release(&why);
}

// While it is connected: the next question is not answered, and its connection ends.
static void
a_revoked_operator_is_answered_no_more(void **state)
{
    const struct query_request question = { .type = QUERY_HOSTS, .id = 1 };
    zmq_pollitem_t item;
    uint8_t bytes[256];
    struct keyed_peer other;
    struct by_hand bed;
    process_t *run;
    zmq_msg_t msg;
    zsock_t *asks;
    ptrdiff_t n;
    int64_t until_ms;
    bool takes;

    by_hand_up(&bed, *state);
    keyed_enrol(bed.s, &bed.k, "operator", "second", &other);
    asks = by_hand_socket(&bed, &other, "operator", ZMQ_DEALER, SOCK_QUERY, NULL);
    n = query_put_request(bytes, sizeof bytes, &question);
    by_hand_send(&bed, asks, bytes, (size_t) n);
    item = (zmq_pollitem_t){ .socket = sock_raw(asks), .events = ZMQ_POLLIN };
    claim(bed.s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    zmq_msg_init(&msg);
    claim(bed.s, sock_recv(asks, &msg) == 1);
    claim(bed.s, keyed_zpulse(bed.s, &bed.k, &run, "keys", "revoke", "second", NULL) == 0);
    by_hand_send(&bed, asks, bytes, (size_t) n);
    // A socket that has no connection takes nothing.
    until_ms = clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS);
    item.events = ZMQ_POLLOUT;
    do {
        claim(bed.s, clock_mono_ms() < until_ms);
        takes = zmq_poll(&item, 1, 0) == 1;
        poll(NULL, 0, takes ? 10 : 0);
    } while (takes);
    claim(bed.s, sock_recv(asks, &msg) == 0);
    claim(bed.s, keyed_zpulse(bed.s, &bed.k, &run, "hosts", NULL, NULL, NULL) == 0);
    zmq_msg_close(&msg);
    zsock_destroy(&asks);
}

// Whose key, and which doors open to it.
static void
each_role_opens_its_own_doors_and_no_other(void **state)
{
    static const char doors[] = "dclqe"; // data, control, live, query, enrolment
    struct by_hand bed;
    process_t *run;

    by_hand_up(&bed, *state);
    claim(bed.s, keyed_zpulse(bed.s, &bed.k, &run, "keys", "revoke", "web-2", NULL) == 0);
    const struct {
        const struct keyed_peer *who;
        const char *name, *opens;
    } cases[] = {
        { &bed.a, "agent", "dce" },
        { &bed.board, "dashboard", "lqe" },
        { &bed.chief, "operator", "dclqe" },
        { &bed.b, "agent", "" }, // revoked
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int door = SOCK_DATA; door <= SOCK_ENROL; door++) {
            const bool may = strchr(cases[i].opens, doors[door]) != NULL;
            struct by_hand_knock knock = by_hand_knocks(&bed, cases[i].who, cases[i].name,
                                                        (enum sock_port) door, 0, NULL);

            if (by_hand_is_let_in(&bed, &knock) != may) {
                stage_show(bed.s);
                fail_msg("door %c %s the %s of %s", doors[door], may ? "is shut to" : "opens to",
                         cases[i].name, cases[i].who->dir);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(frames_of_anothers_stream_are_refused_and_it_goes_on),
        stage_test(another_host_is_neither_claimed_nor_ended_nor_heard),
        stage_test(an_agent_may_not_import),
        stage_test(a_routing_id_that_is_taken_takes_nothing_over),
        stage_test(who_writes_its_own_user_id_is_hung_up_on),
        stage_test(each_role_opens_its_own_doors_and_no_other),
        stage_test(a_revoked_operator_is_answered_no_more),
    };

    return cmocka_run_group_tests_name("flow_imposter", tests, NULL, NULL);
}

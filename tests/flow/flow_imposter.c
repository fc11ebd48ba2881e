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
#include "shared/net/curve.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/query_msg.h"
#include "tests/support/keyed.h"
#include "tests/support/zmtp_peer.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)

struct bed {
    stage_t *s;
    struct keyed k;
    struct keyed_peer a, b; // agents: web-1 and web-2
};

static void
s_up(struct bed *bed, stage_t *s)
{
    struct keyed_peer board;

    bed->s = s;
    keyed_place(s, &bed->k);
    (void) keyed_collector(s, &bed->k);
    keyed_enrol(s, &bed->k, "agent", "web-1", &bed->a);
    keyed_enrol(s, &bed->k, "agent", "web-2", &bed->b);
    keyed_enrol(s, &bed->k, "dashboard", "board", &board);
    (void) stage_dashboard(s, board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
}

// A socket of that peer. `id`: what it calls itself to a ROUTER; NULL: nothing.
static zsock_t *
s_socket(struct bed *bed, const struct keyed_peer *peer, const char *name, int type,
         enum sock_port door, const char *id)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 100, .recv_hwm = 100, .max_bytes = 1 << 20, .immediate = true
    };
    struct client_keys keys;
    struct buf why = { 0 };
    char endpoint[128];
    zsock_t *sock;

    claim(bed->s, client_keys_load(&keys, peer->dir, name, &why) == 0);
    claim(bed->s, sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(bed->s), door) == 0);
    claim(bed->s, sock_new(&sock, &spec, &keys.curve) == 0);
    if (id != NULL)
        claim(bed->s, zmq_setsockopt(sock_raw(sock), ZMQ_ROUTING_ID, id, strlen(id)) == 0);
    claim(bed->s, sock_connect(sock, endpoint) == 0);
    buf_release(&why);
    return sock;
}

// As soon as there is a connection.
static void
s_send(struct bed *bed, zsock_t *sock, const void *at, size_t n)
{
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLOUT };

    claim(bed->s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    claim(bed->s, sock_send(sock, at, n, false) == 0);
}

static void
s_say(struct bed *bed, zsock_t *sock, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    claim(bed->s, n > 0);
    s_send(bed, sock, bytes, (size_t) n);
}

// The next message of that type; others are passed over.
static void
s_hear(struct bed *bed, zsock_t *sock, uint8_t type, struct control_msg *ret)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS);
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLIN };
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    do {
        claim(bed->s, zmq_poll(&item, 1, (long) (until_ms - clock_mono_ms())) == 1);
        claim(bed->s, sock_recv(sock, &msg) == 1);
        claim(bed->s, control_take(ret, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0);
    } while (ret->type != type);
    zmq_msg_close(&msg);
}

static struct control_msg
s_hello(uint64_t host, uint64_t nonce, const char *name)
{
    struct control_msg msg = { .type = CONTROL_HELLO };

    msg.hello.id = (struct identity){ .host = host,
                                      .name = name,
                                      .name_len = strlen(name),
                                      .version = "0",
                                      .version_len = 1,
                                      .interval_ms = 1000 };
    msg.hello.nonce = nonce;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.n_streams = 1;
    msg.hello.streams[0] = (struct hello_stream){ .stream = STREAM };
    return msg;
}

static void
s_welcome(struct bed *bed, zsock_t *control, uint64_t host, uint64_t nonce, const char *name)
{
    struct control_msg msg = s_hello(host, nonce, name);

    s_say(bed, control, &msg);
    s_hear(bed, control, CONTROL_WELCOME, &msg);
}

// The record of that number of the stream, of a kind that is kept and not understood.
static void
s_frame(struct bed *bed, zsock_t *data, uint64_t seq)
{
    static const uint8_t body[] = "nothing";
    const struct record record = { .type = 200,
                                   .stream = STREAM,
                                   .seq = seq,
                                   .t0_ms = clock_real_ms(),
                                   .body = body,
                                   .body_len = sizeof body };
    const struct frame_prefix prefix = { .base = seq };
    uint8_t frame[256];
    ptrdiff_t n;

    frame_put_prefix(frame, &prefix);
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    claim(bed->s, n > 0);
    s_send(bed, data, frame, FRAME_PREFIX_SIZE + (size_t) n);
}

static void
frames_of_anothers_stream_are_refused_and_it_goes_on(void **state)
{
    struct keyed_counted refused = { "zpulse_collector_frames_refused_total{reason=\"identity\"}",
                                     1 };
    struct bed bed;
    zsock_t *control, *own, *theirs;
    struct control_msg msg;

    s_up(&bed, *state);
    control = s_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    own = s_socket(&bed, &bed.a, "agent", ZMQ_PUSH, SOCK_DATA, NULL);
    theirs = s_socket(&bed, &bed.b, "agent", ZMQ_PUSH, SOCK_DATA, NULL);
    s_welcome(&bed, control, HOST, 1, "web-1");
    s_frame(&bed, theirs, 0);
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_has_counted, &refused));
    s_frame(&bed, own, 0);
    do
        s_hear(&bed, control, CONTROL_ACK, &msg);
    while (msg.ack.next == 0);
    claim(bed.s, msg.ack.stream == STREAM && msg.ack.next == 1);
    zsock_destroy(&theirs);
    zsock_destroy(&own);
    zsock_destroy(&control);
}

static void
another_host_is_neither_claimed_nor_ended_nor_heard(void **state)
{
    struct stage_host up = { "web-1", "up" };
    struct bed bed;
    zsock_t *a, *b;
    struct control_msg msg;

    s_up(&bed, *state);
    a = s_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    b = s_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    s_welcome(&bed, a, HOST, 1, "web-1");
    // By its name; by its id, under the own name.
    msg = s_hello(HOST + 1, 1, "web-1");
    s_say(&bed, b, &msg);
    s_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_NAME);
    msg = s_hello(HOST, 1, "web-2");
    s_say(&bed, b, &msg);
    s_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_NAME);
    // Its end, and its PING, with the nonce of its start.
    s_say(&bed, b,
          &(struct control_msg){ .type = CONTROL_BYE, .bye = { .host = HOST, .nonce = 1 } });
    msg = (struct control_msg){ .type = CONTROL_PING,
                                .ping = { .host = HOST, .nonce = 1, .n = 9 } };
    s_say(&bed, b, &msg);
    s_hear(&bed, b, CONTROL_NAK, &msg);
    claim(bed.s, msg.nak.reason == NAK_HELLO);
    msg = (struct control_msg){ .type = CONTROL_PING,
                                .ping = { .host = HOST, .nonce = 1, .n = 2 } };
    s_say(&bed, a, &msg);
    s_hear(&bed, a, CONTROL_PONG, &msg);
    claim(bed.s, msg.pong.n == 2);
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, stage_host_is, &up));
    zsock_destroy(&b);
    zsock_destroy(&a);
}

static void
an_agent_may_not_import(void **state)
{
    struct bed bed;
    struct control_msg msg;
    zsock_t *b;

    s_up(&bed, *state);
    b = s_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    msg = s_hello(HOST, 1, "web-9");
    msg.hello.flags = HELLO_IMPORT;
    s_say(&bed, b, &msg);
    s_hear(&bed, b, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_ROLE);
    claim(bed.s, stage_host(bed.s, "web-9") == NULL);
    zsock_destroy(&b);
}

// Of two that call themselves the same to the ROUTER the first stays who it is.
static void
a_routing_id_that_is_taken_takes_nothing_over(void **state)
{
    struct bed bed;
    zsock_t *a, *b, *c;
    struct control_msg msg;
    zmq_pollitem_t item;

    s_up(&bed, *state);
    a = s_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, "same");
    s_welcome(&bed, a, HOST, 1, "web-1");
    b = s_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, "same");
    msg = s_hello(HOST + 1, 1, "web-2");
    s_say(&bed, b, &msg);
    // A third one is answered after that: what b was to hear would have come by now.
    c = s_socket(&bed, &bed.b, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    s_welcome(&bed, c, HOST + 1, 2, "web-2");
    for (uint64_t n = 1; n <= 5; n++) {
        msg = (struct control_msg){ .type = CONTROL_PING,
                                    .ping = { .host = HOST, .nonce = 1, .n = n } };
        s_say(&bed, a, &msg);
        s_hear(&bed, a, CONTROL_PONG, &msg);
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
    struct bed bed;
    struct client_keys keys;
    struct buf why = { 0 };
    uint8_t bytes[512], answer[512];
    char ready[256];
    size_t n, at;
    ptrdiff_t got;
    int fd;

    s_up(&bed, *state);
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
    claim(bed.s, stage_metric(bed.s, "zpulse_collector_messages_without_user_total") == 0);
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
    struct bed bed;
    process_t *run;
    zmq_msg_t msg;
    zsock_t *asks;
    ptrdiff_t n;
    int64_t until_ms;
    bool takes;

    s_up(&bed, *state);
    keyed_enrol(bed.s, &bed.k, "operator", "second", &other);
    asks = s_socket(&bed, &other, "operator", ZMQ_DEALER, SOCK_QUERY, NULL);
    n = query_put_request(bytes, sizeof bytes, &question);
    s_send(&bed, asks, bytes, (size_t) n);
    item = (zmq_pollitem_t){ .socket = sock_raw(asks), .events = ZMQ_POLLIN };
    claim(bed.s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    zmq_msg_init(&msg);
    claim(bed.s, sock_recv(asks, &msg) == 1);
    claim(bed.s, keyed_zpulse(bed.s, &bed.k, &run, "keys", "revoke", "second", NULL) == 0);
    s_send(&bed, asks, bytes, (size_t) n);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(frames_of_anothers_stream_are_refused_and_it_goes_on),
        stage_test(another_host_is_neither_claimed_nor_ended_nor_heard),
        stage_test(an_agent_may_not_import),
        stage_test(a_routing_id_that_is_taken_takes_nothing_over),
        stage_test(who_writes_its_own_user_id_is_hung_up_on),
        stage_test(a_revoked_operator_is_answered_no_more),
    };

    return cmocka_run_group_tests_name("flow_imposter", tests, NULL, NULL);
}

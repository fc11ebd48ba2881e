// by_hand - see the header.

#include "tests/support/by_hand.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/net/client_keys.h"
#include "shared/net/curve.h"
#include "shared/wire/frame.h"

#define METADATA 95 // the header of libzmq names it for drafts only

void
by_hand_up(struct by_hand *bed, stage_t *s)
{
    keyed_place(s, &bed->k);
    (void) keyed_collector(s, &bed->k);
    by_hand_enrol(bed, s);
    (void) stage_dashboard(s, bed->board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
}

void
by_hand_enrol(struct by_hand *bed, stage_t *s)
{
    bed->s = s;
    keyed_enrol(s, &bed->k, "agent", "web-1", &bed->a);
    keyed_enrol(s, &bed->k, "agent", "web-2", &bed->b);
    keyed_enrol(s, &bed->k, "dashboard", "board", &bed->board);
    memcpy(bed->chief.dir, bed->k.keys, sizeof bed->chief.dir);
    memcpy(bed->chief.word, bed->k.word, sizeof bed->chief.word);
}

// Not connected yet.
static zsock_t *
s_new(struct by_hand *bed, const struct keyed_peer *peer, const char *name, int type)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 100, .recv_hwm = 100, .max_bytes = 1 << 20, .immediate = true
    };
    struct client_keys keys;
    struct buf why = { 0 };
    zsock_t *sock;

    claim(bed->s, client_keys_load(&keys, peer->dir, name, &why) == 0);
    claim(bed->s, sock_new(&sock, &spec, &keys.curve) == 0);
    buf_release(&why);
    return sock;
}

static void
s_connect(struct by_hand *bed, zsock_t *sock, enum sock_port door)
{
    char endpoint[128];

    claim(bed->s, sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(bed->s), door) == 0);
    claim(bed->s, sock_connect(sock, endpoint) == 0);
}

zsock_t *
by_hand_socket(struct by_hand *bed, const struct keyed_peer *peer, const char *name, int type,
               enum sock_port door, const char *id)
{
    zsock_t *sock = s_new(bed, peer, name, type);

    if (id != NULL)
        claim(bed->s, zmq_setsockopt(sock_raw(sock), ZMQ_ROUTING_ID, id, strlen(id)) == 0);
    s_connect(bed, sock, door);
    return sock;
}

void
by_hand_send(struct by_hand *bed, zsock_t *sock, const void *at, size_t n)
{
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLOUT };

    claim(bed->s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    claim(bed->s, sock_send(sock, at, n, false) == 0);
}

void
by_hand_say(struct by_hand *bed, zsock_t *sock, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    claim(bed->s, n > 0);
    by_hand_send(bed, sock, bytes, (size_t) n);
}

void
by_hand_hear(struct by_hand *bed, zsock_t *sock, uint8_t type, struct control_msg *ret)
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

struct control_msg
by_hand_hello(uint64_t host, uint64_t nonce, const char *name)
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
    msg.hello.streams[0] = (struct hello_stream){ .stream = BY_HAND_STREAM };
    return msg;
}

void
by_hand_welcome(struct by_hand *bed, zsock_t *control, uint64_t host, uint64_t nonce,
                const char *name)
{
    struct control_msg msg = by_hand_hello(host, nonce, name);

    by_hand_say(bed, control, &msg);
    by_hand_hear(bed, control, CONTROL_WELCOME, &msg);
}

void
by_hand_frame(struct by_hand *bed, zsock_t *data, uint64_t seq)
{
    static const uint8_t body[] = "nothing";
    const struct record record = { .type = 200,
                                   .stream = BY_HAND_STREAM,
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
    by_hand_send(bed, data, frame, FRAME_PREFIX_SIZE + (size_t) n);
}

struct by_hand_knock
by_hand_knocks(struct by_hand *bed, const struct keyed_peer *peer, const char *name,
               enum sock_port door, int patience_ms, const char *const *metadata)
{
    static const int types[] = { [SOCK_DATA] = ZMQ_PUSH,
                                 [SOCK_CONTROL] = ZMQ_DEALER,
                                 [SOCK_LIVE] = ZMQ_SUB,
                                 [SOCK_QUERY] = ZMQ_DEALER,
                                 [SOCK_ENROL] = ZMQ_DEALER };
    static const struct sock_spec hearing = {
        .type = ZMQ_PAIR, .send_hwm = 100, .recv_hwm = 100, .max_bytes = 1024
    };
    static unsigned n;
    struct by_hand_knock knock = { .sock = s_new(bed, peer, name, types[door]) };
    void *raw = sock_raw(knock.sock);
    char at[40];

    snprintf(at, sizeof at, "inproc://by-hand-%u", n++);
    claim(bed->s, zmq_socket_monitor(raw, at, ZMQ_EVENT_ALL) == 0);
    claim(bed->s, sock_new(&knock.heard, &hearing, NULL) == 0);
    claim(bed->s, sock_connect(knock.heard, at) == 0);
    if (patience_ms > 0)
        claim(bed->s,
              zmq_setsockopt(raw, ZMQ_HANDSHAKE_IVL, &patience_ms, sizeof patience_ms) == 0);
    for (; metadata != NULL && *metadata != NULL; metadata++)
        claim(bed->s, zmq_setsockopt(raw, METADATA, *metadata, strlen(*metadata)) == 0);
    s_connect(bed, knock.sock, door);
    return knock;
}

// The next thing that libzmq tells of the connection.
static unsigned
s_event(struct by_hand *bed, zsock_t *heard)
{
    zmq_pollitem_t item = { .socket = sock_raw(heard), .events = ZMQ_POLLIN };
    uint16_t event;
    zmq_msg_t msg;

    claim(bed->s, zmq_poll(&item, 1, stage_ms(2 * STAGE_PATIENCE_MS)) == 1);
    zmq_msg_init(&msg);
    claim(bed->s, zmq_msg_recv(&msg, sock_raw(heard), 0) >= (int) sizeof event);
    memcpy(&event, zmq_msg_data(&msg), sizeof event);
    claim(bed->s, zmq_msg_recv(&msg, sock_raw(heard), 0) >= 0); // the endpoint
    zmq_msg_close(&msg);
    return event;
}

// In this order: libzmq's thread waits for ever to tell a listener that has gone.
void
by_hand_drop(struct by_hand_knock *knock)
{
    zmq_socket_monitor(sock_raw(knock->sock), NULL, 0);
    zsock_destroy(&knock->heard);
    zsock_destroy(&knock->sock);
}

bool
by_hand_is_let_in(struct by_hand *bed, struct by_hand_knock *knock)
{
    const unsigned ends = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                          ZMQ_EVENT_DISCONNECTED;
    unsigned event;

    do
        event = s_event(bed, knock->heard);
    while (event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED && (event & ends) == 0);
    by_hand_drop(knock);
    return event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
}

// zap_request, zap_handler - who comes in is decided for each handshake; what is no request opens
// nothing and harms nothing.

#include "collector/zap_handler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/zap_request.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/net/curve.h"
#include "shared/net/service.h"

#define WAIT_MS   20000
#define REFUSE_MS 400 // what is let in is there in a few

static struct key_pair s_server, s_peer;
static atomic_int s_code; // what the handler answers
static atomic_int s_door; // that was asked about last

static int
decide(void *arg, enum sock_port door, const uint8_t key[KEY_BYTES])
{
    uint8_t peer[KEY_BYTES];

    (void) arg;
    atomic_store(&s_door, (int) door);
    if (key_from_text(peer, s_peer.public_text, KEY_TEXT_LEN) < 0 ||
        memcmp(peer, key, KEY_BYTES) != 0)
        return 400;
    return atomic_load(&s_code);
}

struct door {
    zap_handler_t *zap;
    zsock_t *pull;
    zsock_t *push;
    zmq_msg_t msg;
};

static void
open_door(struct door *d, int code)
{
    atomic_store(&s_code, code);
    zmq_msg_init(&d->msg);
    assert_int_equal(zap_handler_start(&d->zap, decide, NULL), 0);
}

static void
serve(struct door *d, enum sock_port port, char at[64])
{
    const struct sock_spec spec = {
        .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = 16, .max_bytes = 1024
    };
    size_t size = 64;

    assert_int_equal(sock_new(&d->pull, &spec, &(struct curve){ .own = &s_server, .door = port }),
                     0);
    assert_int_equal(sock_bind(d->pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(d->pull), ZMQ_LAST_ENDPOINT, at, &size), 0);
}

static void
join(struct door *d, const char *at)
{
    const struct sock_spec spec = {
        .type = ZMQ_PUSH, .send_hwm = 16, .recv_hwm = 2, .max_bytes = 1024
    };
    const int again_ms = 100; // so that who is told to come again does so within a test

    assert_int_equal(sock_new(&d->push, &spec,
                              &(struct curve){ .own = &s_peer, .server = s_server.public_text }),
                     0);
    assert_int_equal(
        zmq_setsockopt(sock_raw(d->push), ZMQ_HANDSHAKE_IVL, &again_ms, sizeof again_ms), 0);
    assert_int_equal(sock_connect(d->push, at), 0);
    assert_int_equal(sock_send(d->push, "x", 1, false), 0);
}

static bool
arrives(struct door *d, int64_t ms)
{
    const int64_t deadline_ms = clock_mono_ms() + ms;
    zmq_pollitem_t item = { .socket = sock_raw(d->pull), .events = ZMQ_POLLIN };

    while (clock_mono_ms() < deadline_ms) {
        if (zmq_poll(&item, 1, 20) == 1)
            return sock_recv(d->pull, &d->msg) == 1;
    }
    return false;
}

// Until `count` of the handler is at least 1.
static bool
counted(struct door *d, size_t count)
{
    const int64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (clock_mono_ms() < deadline_ms) {
        struct zap_counts counts;

        zap_handler_counts(d->zap, &counts);
        if (*(const uint64_t *) ((const char *) &counts + count) > 0)
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}
#define COUNTED(d, member) assert_true(counted(d, offsetof(struct zap_counts, member)))

static void
close_door(struct door *d)
{
    zmq_msg_close(&d->msg);
    zsock_destroy(&d->push);
    zsock_destroy(&d->pull);
    zap_handler_stop(&d->zap);
}

static void
who_is_admitted_comes_in_under_its_key(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 200);
    for (int port = SOCK_DATA; port <= SOCK_ENROL; port++) {
        serve(&d, (enum sock_port) port, at);
        join(&d, at);
        assert_true(arrives(&d, WAIT_MS));
        assert_int_equal(atomic_load(&s_door), port);
        assert_string_equal(curve_user(&d.msg), s_peer.public_text);
        zsock_destroy(&d.push);
        zsock_destroy(&d.pull);
    }
    COUNTED(&d, admitted);
    close_door(&d);
}

static void
who_is_refused_does_not(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 400);
    serve(&d, SOCK_DATA, at);
    join(&d, at);
    COUNTED(&d, refused);
    assert_false(arrives(&d, REFUSE_MS));
    close_door(&d);
}

static void
a_code_that_is_none_lets_nobody_in(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 0);
    serve(&d, SOCK_DATA, at);
    join(&d, at);
    COUNTED(&d, refused);
    assert_false(arrives(&d, REFUSE_MS));
    close_door(&d);
}

static void
who_is_not_known_yet_comes_in_by_itself_once_it_is(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 300);
    serve(&d, SOCK_DATA, at);
    join(&d, at);
    COUNTED(&d, unknown);
    assert_false(arrives(&d, REFUSE_MS));
    atomic_store(&s_code, 200);
    assert_true(arrives(&d, WAIT_MS));
    close_door(&d);
}

static void
a_signal_does_not_end_it(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 200);
    serve(&d, SOCK_DATA, at);
    // To the process: every thread of ours has them blocked, and so has libzmq's.
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGTERM);
    join(&d, at);
    assert_true(arrives(&d, WAIT_MS));
    close_door(&d);
}

static void
once_it_has_ended_nobody_comes_in(void **state)
{
    struct door d = { 0 };
    char at[64];

    (void) state;
    open_door(&d, 200);
    serve(&d, SOCK_DATA, at);
    zap_handler_stop(&d.zap);
    join(&d, at);
    assert_false(arrives(&d, REFUSE_MS));
    close_door(&d);
}

static void
there_is_one_in_a_process(void **state)
{
    struct door d = { 0 };
    zap_handler_t *second = NULL;

    (void) state;
    open_door(&d, 200);
    assert_int_equal(zap_handler_start(&second, decide, NULL), -EADDRINUSE);
    assert_null(second);
    close_door(&d);
}

static void
send_parts(zsock_t *sock, const struct zap_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sock_send(sock, parts[i].at, parts[i].len, i + 1 < n), 0);
}

static const uint8_t a_key[KEY_BYTES];
#define PART(text)                                 \
    {                                              \
        (const uint8_t *) (text), sizeof(text) - 1 \
    }
#define KEY_PART            \
    {                       \
        a_key, sizeof a_key \
    }
#define FINE                                                                              \
    {                                                                                     \
        PART(""), PART("1.0"), PART("7"), PART("zpulse.data"), PART("1.2.3.4"), PART(""), \
            PART("CURVE"), KEY_PART                                                       \
    }

static void
what_is_no_request_is_refused_and_the_next_is_served(void **state)
{
    const struct sock_spec spec = {
        .type = ZMQ_DEALER, .send_hwm = 100, .recv_hwm = 100, .max_bytes = 4096
    };
    const struct zap_part fine[] = FINE;
    struct zap_part many[40];
    struct door d = { 0 };
    zsock_t *peer = NULL;
    zmq_pollitem_t item;
    char at[64];

    (void) state;
    open_door(&d, 200);
    assert_int_equal(sock_new(&peer, &spec, NULL), 0);
    assert_int_equal(sock_connect(peer, "inproc://zeromq.zap.01"), 0);
    for (size_t n = 1; n < 8; n++)
        send_parts(peer, fine, n);
    for (size_t i = 0; i < 40; i++)
        many[i] = fine[i % 8];
    send_parts(peer, many, 40);
    COUNTED(&d, malformed);
    // Those that have an id are answered, each with a refusal.
    item = (zmq_pollitem_t){ .socket = sock_raw(peer), .events = ZMQ_POLLIN };
    for (size_t n = 3; n < 8; n++) {
        for (size_t part = 0; part < ZAP_ANSWER_MOST; part++) {
            assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
            assert_int_equal(sock_recv(peer, &d.msg), 1);
            if (part == 3)
                assert_memory_equal(zmq_msg_data(&d.msg), "400", 3);
        }
    }
    serve(&d, SOCK_DATA, at);
    join(&d, at);
    assert_true(arrives(&d, WAIT_MS));
    zsock_destroy(&peer);
    close_door(&d);
}

static void
only_a_whole_request_of_curve_at_our_door_is_one(void **state)
{
    static const struct {
        size_t part;
        struct zap_part other;
    } rows[] = {
        { 0, PART("x") },      { 1, PART("1.1") },          { 1, PART("") },
        { 2, PART("") },       { 3, PART("zpulse.datas") }, { 3, PART("") },
        { 3, PART("global") }, { 6, PART("NULL") },         { 6, PART("CURVE\0") },
        { 7, PART("") },       { 7, { a_key, 31 } },
    };
    const struct zap_part fine[] = FINE;
    struct zap_request request;

    (void) state;
    assert_int_equal(zap_request_take(&request, fine, 8), 0);
    assert_int_equal(request.door, SOCK_DATA);
    assert_int_equal(request.id.len, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zap_part parts[] = FINE;

        parts[rows[i].part] = rows[i].other;
        assert_int_equal(zap_request_take(&request, parts, 8), ERR_FORMAT);
    }
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(zap_request_take(&request, fine, n), ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_admitted_comes_in_under_its_key),
        cmocka_unit_test(who_is_refused_does_not),
        cmocka_unit_test(a_code_that_is_none_lets_nobody_in),
        cmocka_unit_test(who_is_not_known_yet_comes_in_by_itself_once_it_is),
        cmocka_unit_test(a_signal_does_not_end_it),
        cmocka_unit_test(once_it_has_ended_nobody_comes_in),
        cmocka_unit_test(there_is_one_in_a_process),
        cmocka_unit_test(what_is_no_request_is_refused_and_the_next_is_served),
        cmocka_unit_test(only_a_whole_request_of_curve_at_our_door_is_one),
    };
    const int signals = service_start(1);
    int rc = 1;

    if (signals >= 0 && key_pair_make(&s_server) == 0 && key_pair_make(&s_peer) == 0)
        rc = cmocka_run_group_tests_name("zap_handler", tests, NULL, NULL);
    service_end(signals);
    return rc;
}

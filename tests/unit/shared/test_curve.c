// curve - a server socket lets in whom ZAP lets in, and nobody where ZAP is silent.

#include "shared/net/curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/net/service.h"

#define WAIT_MS   20000
#define REFUSE_MS 400 // a message that is let in is there in a few

static struct key_pair s_server, s_peer;

struct pair {
    zsock_t *pull;
    zsock_t *push;
    char at[64];
};

static const struct sock_spec pull_spec = {
    .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = 16, .max_bytes = 1024
};
static const struct sock_spec push_spec = {
    .type = ZMQ_PUSH, .send_hwm = 16, .recv_hwm = 2, .max_bytes = 1024
};

static void
serve(struct pair *p)
{
    size_t size = sizeof p->at;

    assert_int_equal(
        sock_new(&p->pull, &pull_spec, &(struct curve){ .own = &s_server, .door = SOCK_DATA }), 0);
    assert_int_equal(sock_bind(p->pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(p->pull), ZMQ_LAST_ENDPOINT, p->at, &size), 0);
}

static void
join(struct pair *p, const struct curve *curve)
{
    assert_int_equal(sock_new(&p->push, &push_spec, curve), 0);
    assert_int_equal(sock_connect(p->push, p->at), 0);
    assert_int_equal(sock_send(p->push, "x", 1, false), 0);
}

static void
end(struct pair *p)
{
    zsock_destroy(&p->push);
    zsock_destroy(&p->pull);
}

// One request of ZAP, answered with `code` and the key as user; its domain in `domain`.
static void
answer_zap(zsock_t *zap, const char *code, char domain[64])
{
    zmq_msg_t parts[9];
    char user[KEY_TEXT_SIZE];
    size_t n = 0;
    zmq_pollitem_t item = { .socket = sock_raw(zap), .events = ZMQ_POLLIN };

    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    do {
        assert_true(n < 9);
        zmq_msg_init(&parts[n]);
        assert_int_equal(sock_recv(zap, &parts[n]), 1);
    } while (zmq_msg_more(&parts[n++]));
    assert_int_equal(n, 9); // id, "", version, request, domain, address, routing id, CURVE, key
    snprintf(domain, 64, "%.*s", (int) zmq_msg_size(&parts[4]), (char *) zmq_msg_data(&parts[4]));
    key_to_text(user, zmq_msg_data(&parts[8]));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sock_send(zap, zmq_msg_data(&parts[i]), zmq_msg_size(&parts[i]), true), 0);
    assert_int_equal(sock_send(zap, code, 3, true), 0);
    assert_int_equal(sock_send(zap, "", 0, true), 0);
    assert_int_equal(sock_send(zap, user, KEY_TEXT_LEN, true), 0);
    assert_int_equal(sock_send(zap, "", 0, false), 0);
    for (size_t i = 0; i < n; i++)
        zmq_msg_close(&parts[i]);
}

static zsock_t *
zap_open(void)
{
    const struct sock_spec spec = {
        .type = ZMQ_ROUTER, .send_hwm = 16, .recv_hwm = 16, .max_bytes = 1024
    };
    zsock_t *zap = NULL;

    assert_int_equal(sock_new(&zap, &spec, NULL), 0);
    assert_int_equal(sock_bind(zap, "inproc://zeromq.zap.01"), 0);
    return zap;
}

// Unbound, since the end of a socket gives its address free at some later time.
static void
zap_close(zsock_t **zap)
{
    assert_int_equal(zmq_unbind(sock_raw(*zap), "inproc://zeromq.zap.01"), 0);
    zsock_destroy(zap);
}

static bool
arrives(struct pair *p, int64_t ms, zmq_msg_t *msg)
{
    const int64_t deadline = clock_mono_ms() + ms;
    zmq_pollitem_t item = { .socket = sock_raw(p->pull), .events = ZMQ_POLLIN };

    while (clock_mono_ms() < deadline) {
        if (zmq_poll(&item, 1, 20) == 1)
            return sock_recv(p->pull, msg) == 1;
    }
    return false;
}

// The handler lets everybody in until that peer's message is there: what asks first may be a
// connection of a socket that was closed before, which libzmq ends in its own time.
static bool
arrives_let_in(struct pair *p, zsock_t *zap, zmq_msg_t *msg)
{
    const int64_t deadline = clock_mono_ms() + WAIT_MS;
    zmq_pollitem_t items[] = { { .socket = sock_raw(zap), .events = ZMQ_POLLIN },
                               { .socket = sock_raw(p->pull), .events = ZMQ_POLLIN } };
    char domain[64];

    while (clock_mono_ms() < deadline) {
        if (zmq_poll(items, 2, 20) <= 0)
            continue;
        if ((items[1].revents & ZMQ_POLLIN) != 0)
            return sock_recv(p->pull, msg) == 1;
        answer_zap(zap, "200", domain);
    }
    return false;
}

static void
who_is_let_in_is_named_by_its_key_in_each_message(void **state)
{
    const struct curve peer = { .own = &s_peer, .server = s_server.public_text };
    struct pair p = { 0 };
    char domain[64];
    zmq_msg_t msg;
    zsock_t *zap = zap_open();

    (void) state;
    zmq_msg_init(&msg);
    serve(&p);
    join(&p, &peer);
    answer_zap(zap, "200", domain);
    assert_string_equal(domain, "zpulse.data");
    assert_true(arrives(&p, WAIT_MS, &msg));
    assert_non_null(curve_user(&msg));
    assert_string_equal(curve_user(&msg), s_peer.public_text);
    assert_non_null(strstr(curve_peer(&msg), "127.0.0.1"));
    zmq_msg_close(&msg);
    end(&p);
    zap_close(&zap);
}

static void
nobody_comes_in_where_no_zap_handler_is(void **state)
{
    const struct curve peer = { .own = &s_peer, .server = s_server.public_text };
    struct pair p = { 0 };
    zmq_msg_t msg;

    (void) state;
    zmq_msg_init(&msg);
    serve(&p);
    join(&p, &peer);
    assert_false(arrives(&p, REFUSE_MS, &msg));
    zmq_msg_close(&msg);
    end(&p);
}

static void
nobody_comes_in_once_the_handler_is_gone(void **state)
{
    const struct curve peer = { .own = &s_peer, .server = s_server.public_text };
    struct pair p = { 0 }, late = { 0 };
    zmq_msg_t msg;
    zsock_t *zap = zap_open();

    (void) state;
    zmq_msg_init(&msg);
    serve(&p);
    join(&p, &peer);
    assert_true(arrives_let_in(&p, zap, &msg));
    zap_close(&zap);
    memcpy(late.at, p.at, sizeof late.at);
    join(&late, &peer);
    assert_false(arrives(&p, REFUSE_MS, &msg));
    zmq_msg_close(&msg);
    end(&late);
    end(&p);
}

static void
a_peer_without_curve_or_with_another_server_key_does_not_come_in(void **state)
{
    struct pair p = { 0 };
    zmq_msg_t msg;
    zsock_t *zap = zap_open();

    (void) state;
    zmq_msg_init(&msg);
    serve(&p);
    join(&p, NULL);
    assert_false(arrives(&p, REFUSE_MS, &msg));
    zsock_destroy(&p.push);
    join(&p, &(struct curve){ .own = &s_peer, .server = s_peer.public_text });
    assert_false(arrives(&p, REFUSE_MS, &msg));
    // It was not even asked.
    assert_int_equal(sock_recv(zap, &msg), 0);
    zmq_msg_close(&msg);
    end(&p);
    zap_close(&zap);
}

static void
a_message_that_came_past_zap_has_no_user(void **state)
{
    struct pair p = { 0 };
    size_t size = sizeof p.at;
    zmq_msg_t msg;

    (void) state;
    zmq_msg_init(&msg);
    assert_null(curve_user(&msg));
    assert_int_equal(sock_new(&p.pull, &pull_spec, NULL), 0);
    assert_int_equal(sock_bind(p.pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(p.pull), ZMQ_LAST_ENDPOINT, p.at, &size), 0);
    join(&p, NULL);
    assert_true(arrives(&p, WAIT_MS, &msg));
    assert_null(curve_user(&msg));
    zmq_msg_close(&msg);
    end(&p);
}

static void
only_a_socket_that_knows_its_peers_leaves_this_machine(void **state)
{
    struct pair p = { 0 };

    (void) state;
    assert_int_equal(sock_new(&p.push, &push_spec, NULL), 0);
    assert_false(curve_is_on(p.push));
    assert_int_equal(sock_connect(p.push, "tcp://192.0.2.1:5560"), ERR_RANGE);
    zsock_destroy(&p.push);
    assert_int_equal(sock_new(&p.push, &push_spec,
                              &(struct curve){ .own = &s_peer, .server = s_server.public_text }),
                     0);
    assert_true(curve_is_on(p.push));
    assert_int_equal(sock_connect(p.push, "tcp://192.0.2.1:5560"), 0);
    zsock_destroy(&p.push);
}

static void
each_door_has_a_domain_of_its_own(void **state)
{
    (void) state;
    for (int door = SOCK_DATA; door <= SOCK_ENROL; door++) {
        const char *domain = curve_domain((enum sock_port) door);
        enum sock_port back;

        assert_int_equal(curve_door(&back, domain, strlen(domain)), 0);
        assert_int_equal(back, door);
        assert_int_equal(curve_door(&back, domain, strlen(domain) - 1), ERR_UNKNOWN);
    }
    assert_int_equal(curve_door(&(enum sock_port){ 0 }, "", 0), ERR_UNKNOWN);
    assert_int_equal(curve_door(&(enum sock_port){ 0 }, "global", 6), ERR_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_let_in_is_named_by_its_key_in_each_message),
        // Before those that leave peers who come again: here nobody may ask.
        cmocka_unit_test(a_peer_without_curve_or_with_another_server_key_does_not_come_in),
        cmocka_unit_test(nobody_comes_in_where_no_zap_handler_is),
        cmocka_unit_test(nobody_comes_in_once_the_handler_is_gone),
        cmocka_unit_test(a_message_that_came_past_zap_has_no_user),
        cmocka_unit_test(only_a_socket_that_knows_its_peers_leaves_this_machine),
        cmocka_unit_test(each_door_has_a_domain_of_its_own),
    };
    const int signals = service_start(1);
    int rc = 1;

    if (signals >= 0 && key_pair_make(&s_server) == 0 && key_pair_make(&s_peer) == 0)
        rc = cmocka_run_group_tests_name("curve", tests, NULL, NULL);
    service_end(signals);
    return rc;
}

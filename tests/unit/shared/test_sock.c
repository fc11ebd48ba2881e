// test_sock - which addresses are ours, and what a socket refuses.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"

#define WAIT_MS 20000

static const struct sock_spec plain = { .send_hwm = 16, .recv_hwm = 16, .max_bytes = 1024 };

static zsock_t *
make(int type)
{
    struct sock_spec spec = plain;
    zsock_t *sock = NULL;

    spec.type = type;
    spec.immediate = type == ZMQ_PUSH || type == ZMQ_DEALER;
    spec.mandatory = type == ZMQ_ROUTER;
    spec.verboser = type == ZMQ_XPUB;
    spec.heartbeat = type == ZMQ_ROUTER || type == ZMQ_DEALER;
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    return sock;
}

// Binds to a port that the kernel chooses; the endpoint in `at`.
static void
bind_any(zsock_t *sock, char at[64])
{
    size_t size = 64;

    assert_int_equal(sock_bind(sock, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(sock), ZMQ_LAST_ENDPOINT, at, &size), 0);
}

static bool
wait_for(zsock_t *sock, short events)
{
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = events };

    return zmq_poll(&item, 1, WAIT_MS) == 1;
}

static int
get(zsock_t *sock, int option)
{
    size_t size = sizeof(int);
    int value = -1;

    assert_int_equal(zmq_getsockopt(sock_raw(sock), option, &value, &size), 0);
    return value;
}

static void
only_loopback_and_this_machine_are_local(void **state)
{
    static const char *const local[] = {
        "tcp://127.0.0.1:1",    "tcp://127.255.0.9:5560", "tcp://[::1]:5560",
        "tcp://localhost:5560", "ipc:///run/x",           "inproc://x",
        "tcp://127.0.0.1:*",
    };
    static const char *const foreign[] = {
        "tcp://127.0.0.1.evil.com:1",
        "tcp://localhost.evil:1",
        "tcp://*:1",
        "tcp://0.0.0.0:1",
        "tcp://127.1:5",
        "tcp://10.0.0.1:5",
        "tcp://[::]:5",
        "tcp://:5",
        "tcp://[::ffff:10.0.0.1]:5",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "",
        "tcp://127.0.0.1:65536",
        "tcp://eth0:5560",
        "tcp://lo:5560",
        "udp://127.0.0.1:1",
        "tcp://127.0.0.1:5;10.0.0.1:5",
        "tcp://10.0.0.1:0;127.0.0.1:5560",
        "pgm://127.0.0.1:1",
        "tcp://0x7f.0.0.1:5",
        "ipc://",
        "inproc://",
        "TCP://127.0.0.1:5",
        "tcp://0127.0.0.1:5",
        " tcp://127.0.0.1:5",
        "tcp://127.0.0.1:5 ",
    };

    (void) state;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        if (!sock_is_local(local[i]))
            fail_msg("%s is local", local[i]);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (sock_is_local(foreign[i]))
            fail_msg("%s is not local", foreign[i]);
    }
}

static void
a_socket_goes_nowhere_else(void **state)
{
    zsock_t *sock = make(ZMQ_PULL);

    (void) state;
    assert_int_equal(sock_bind(sock, "tcp://0.0.0.0:5560"), ERR_RANGE);
    assert_int_equal(sock_connect(sock, "tcp://10.0.0.1:5560"), ERR_RANGE);
    zsock_destroy(&sock);
}

static void
a_taken_port_is_named_by_its_errno(void **state)
{
    zsock_t *first = make(ZMQ_PULL), *second = make(ZMQ_PULL);
    char at[64];

    (void) state;
    bind_any(first, at);
    assert_int_equal(sock_bind(second, at), -EADDRINUSE);
    zsock_destroy(&first);
    zsock_destroy(&second);
}

static void
limits_are_set_when_it_is_made(void **state)
{
    zsock_t *sock = make(ZMQ_DEALER);
    size_t size = sizeof(int64_t);
    int64_t most = 0;

    (void) state;
    assert_int_equal(zmq_getsockopt(sock_raw(sock), ZMQ_MAXMSGSIZE, &most, &size), 0);
    assert_int_equal(most, 1024);
    assert_int_equal(get(sock, ZMQ_SNDHWM), 16);
    assert_int_equal(get(sock, ZMQ_RCVHWM), 16);
    assert_int_equal(get(sock, ZMQ_LINGER), 0);
    assert_int_equal(get(sock, ZMQ_IMMEDIATE), 1);
    assert_int_equal(get(sock, ZMQ_TCP_KEEPALIVE), 1);
    assert_int_equal(get(sock, ZMQ_TCP_KEEPALIVE_IDLE), 60);
    assert_int_equal(get(sock, ZMQ_BACKLOG), 4096);
    assert_int_equal(get(sock, ZMQ_RECONNECT_IVL), 100);
    assert_int_equal(get(sock, ZMQ_RECONNECT_IVL_MAX), 2000);
    assert_int_equal(get(sock, ZMQ_HEARTBEAT_IVL), 5000);
    zsock_destroy(&sock);
}

static void
a_message_arrives_and_an_empty_socket_does_not_wait(void **state)
{
    zsock_t *pull = make(ZMQ_PULL), *push = make(ZMQ_PUSH);
    zmq_msg_t msg;
    char at[64];

    (void) state;
    zmq_msg_init(&msg);
    bind_any(pull, at);
    assert_int_equal(sock_recv(pull, &msg), 0);
    assert_int_equal(sock_send(push, "x", 1, false), -EAGAIN);
    assert_int_equal(sock_connect(push, at), 0);
    assert_true(wait_for(push, ZMQ_POLLOUT));
    assert_int_equal(sock_send(push, "two", 3, true), 0);
    assert_int_equal(sock_send(push, "", 0, false), 0);
    assert_true(wait_for(pull, ZMQ_POLLIN));
    assert_int_equal(sock_recv(pull, &msg), 1);
    assert_int_equal(zmq_msg_size(&msg), 3);
    assert_memory_equal(zmq_msg_data(&msg), "two", 3);
    assert_true(zmq_msg_more(&msg));
    assert_int_equal(sock_recv(pull, &msg), 1);
    assert_int_equal(zmq_msg_size(&msg), 0);
    zmq_msg_close(&msg);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void
a_router_says_when_a_peer_is_unknown(void **state)
{
    zsock_t *router = make(ZMQ_ROUTER);
    char at[64];

    (void) state;
    bind_any(router, at);
    assert_int_equal(sock_send(router, "\0abcd", 5, true), -EHOSTUNREACH);
    zsock_destroy(&router);
}

static void
the_five_ports_follow_from_the_first(void **state)
{
    static const char *const bad[] = { "",          "tcp://",    "tcp://h",       "tcp://h:",
                                       "tcp://h:0", "h:5560",    "tcp://h:65536", "tcp://h:x",
                                       "ipc://",    "inproc://x" };
    char out[64], small[22];

    (void) state;
    assert_int_equal(sock_endpoint(out, sizeof out, "tcp://127.0.0.1:5560", SOCK_LIVE), 0);
    assert_string_equal(out, "tcp://127.0.0.1:5562");
    assert_int_equal(sock_endpoint(out, sizeof out, "tcp://[::1]:5560", SOCK_DATA), 0);
    assert_string_equal(out, "tcp://[::1]:5560");
    assert_int_equal(sock_endpoint(out, sizeof out, "ipc:///run/z", SOCK_QUERY), 0);
    assert_string_equal(out, "ipc:///run/z.3");
    assert_int_equal(sock_endpoint(out, sizeof out, "ipc:///run/z", SOCK_DATA), 0);
    assert_string_equal(out, "ipc:///run/z");
    assert_int_equal(sock_endpoint(out, sizeof out, "tcp://h:65535", SOCK_DATA), 0);
    assert_int_equal(sock_endpoint(out, sizeof out, "tcp://h:65535", SOCK_CONTROL), ERR_FORMAT);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (sock_endpoint(out, sizeof out, bad[i], SOCK_CONTROL) != ERR_FORMAT)
            fail_msg("%s was taken", bad[i]);
    }
    assert_int_equal(sock_endpoint(small, sizeof small, "tcp://127.0.0.1:5560", SOCK_LIVE), 0);
    assert_int_equal(sock_endpoint(small, 20, "tcp://127.0.0.1:5560", SOCK_LIVE), ERR_FORMAT);
}

static int
start(void **state)
{
    static int fd;

    fd = service_start(1);
    *state = &fd;
    return fd >= 0 ? 0 : -1;
}

static void
what_is_no_socket_is_polled_like_what_is_one(void **state)
{
    int ends[2];
    zmq_pollitem_t items[2] = { { .fd = -1, .revents = 1 } };

    (void) state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    items[1] = (zmq_pollitem_t){ .fd = ends[0], .events = ZMQ_POLLIN };
    assert_int_equal(sock_poll(items, 2, 0), 0);
    assert_int_equal(items[0].revents | items[1].revents, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    items[1].events = ZMQ_POLLIN | ZMQ_POLLOUT;
    assert_int_equal(sock_poll(items, 2, WAIT_MS), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN | ZMQ_POLLOUT);
    close(ends[1]);
    items[1].events = 0;
    assert_int_equal(sock_poll(items, 2, WAIT_MS), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLERR);
    close(ends[0]);
}

static void
an_empty_socket_is_waited_for_by_its_descriptor(void **state)
{
    zsock_t *in = make(ZMQ_PULL), *out = make(ZMQ_PUSH);
    zmq_pollitem_t item = { .socket = sock_raw(in), .events = ZMQ_POLLIN };
    zmq_msg_t msg;
    char at[64];

    (void) state;
    zmq_msg_init(&msg);
    bind_any(in, at);
    assert_int_equal(sock_connect(out, at), 0);
    for (int i = 0; i < 100; i++) {
        bool taken = false;

        assert_true(wait_for(out, ZMQ_POLLOUT));
        assert_int_equal(sock_send(out, "m", 1, false), 0);
        // Woken for nothing now and then: by a peer that comes, say.
        while (!taken) {
            assert_int_equal(sock_poll(&item, 1, WAIT_MS), 1);
            while (sock_recv(in, &msg) == 1)
                taken = true;
            item = (zmq_pollitem_t){ .fd = sock_fd(in), .events = ZMQ_POLLIN };
        }
    }
    zmq_msg_close(&msg);
    zsock_destroy(&out);
    zsock_destroy(&in);
}

static int
end(void **state)
{
    service_end(*(int *) *state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_and_this_machine_are_local),
        cmocka_unit_test(a_socket_goes_nowhere_else),
        cmocka_unit_test(a_taken_port_is_named_by_its_errno),
        cmocka_unit_test(limits_are_set_when_it_is_made),
        cmocka_unit_test(a_message_arrives_and_an_empty_socket_does_not_wait),
        cmocka_unit_test(what_is_no_socket_is_polled_like_what_is_one),
        cmocka_unit_test(an_empty_socket_is_waited_for_by_its_descriptor),
        cmocka_unit_test(a_router_says_when_a_peer_is_unknown),
        cmocka_unit_test(the_five_ports_follow_from_the_first),
    };
    return cmocka_run_group_tests_name("sock", tests, start, end);
}

// peer_guard - libzmq survives who breaks off, and leaves descriptors for us and for others.

#include "shared/net/peer_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <czmq.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/net/sock.h"
#include "tests/support/zmtp_peer.h"

#define PATIENCE_MS 20000
#define STUCK_MS    50  // nothing goes in for so long: it is not read
#define ROOM        256 // descriptors, of which peers get 240 and the last 30 are scarce
#define ELSEWHERE   512 // the test's own ends of connections have numbers from here

static zsock_t *
s_pull(uint16_t *port_ret, int recv_hwm)
{
    const struct sock_spec spec = {
        .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = recv_hwm, .max_bytes = 4096
    };
    char endpoint[64];
    size_t size = sizeof endpoint;
    zsock_t *sock = NULL;

    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_bind(sock, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(sock), ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    *port_ret = (uint16_t) atoi(strrchr(endpoint, ':') + 1);
    return sock;
}

// Reads what waits now, and for each message a moment for more.
static void
s_drain(zsock_t *sock)
{
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLIN };

    while (zmq_poll(&item, 1, 50) == 1) {
        zmq_msg_t msg;

        zmq_msg_init(&msg);
        (void) sock_recv(sock, &msg);
        zmq_msg_close(&msg);
    }
}

// A connection that is greeted (1) or closed without a word (0); the test's end in *fd_ret. It
// leaves the low numbers before it connects: they are all for who accepts it.
static int
s_is_let_in(const char *from, uint16_t port, int *fd_ret)
{
    const int low = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int fd = fcntl(low, F_DUPFD_CLOEXEC, ELSEWHERE);
    struct pollfd on = { .fd = fd, .events = POLLIN };
    char byte;

    assert_true(low != -1 && fd != -1);
    close(low);
    assert_int_equal(zmtp_peer_connect_socket(fd, from, port), 0);
    assert_int_equal(poll(&on, 1, PATIENCE_MS), 1);
    *fd_ret = fd;
    return recv(fd, &byte, 1, 0) == 1 ? 1 : 0;
}

static void
what_comes_above_the_ceiling_is_closed_and_others_find_room(void **state)
{
    static const char *others[] = { "127.0.0.2", "127.0.0.3" };
    static int fds[2 * ROOM];
    const uint64_t before = peer_guard_refused();
    int n = 0, in = 0, more, fd;
    uint16_t port;
    zsock_t *pull = s_pull(&port, 2);

    (void) state;
    assert_int_equal(peer_guard_start(ROOM, 0), 0);
    for (; n < ROOM; n++)
        in += s_is_let_in("127.0.0.1", port, &fds[n]);
    // All but the scarce ones, and what the process had open.
    assert_in_range(in, 150, 210);
    assert_int_equal(peer_guard_refused() - before, (uint64_t) (ROOM - in));
    // Somebody else is let in, and nobody once even that is used up.
    for (int i = 0; i < 2; i++) {
        more = 0;
        for (int k = 0; k < 40; k++, n++)
            more += s_is_let_in(others[i], port, &fds[n]);
        assert_int_equal(more, i == 0 ? 30 : 0);
    }
    assert_int_equal(s_is_let_in("127.0.0.1", port, &fds[n++]), 0);
    // What was kept is ours.
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_in_range(fd, ROOM - 16, ROOM);
    close(fd);
    while (n > 0)
        close(fds[--n]);
    zsock_destroy(&pull);
}

// All of it, and true; or as much as goes in until nothing does for so long.
static bool
s_say(int fd, const uint8_t *at, size_t n, int stuck_ms)
{
    struct pollfd on = { .fd = fd, .events = POLLOUT };

    while (n > 0 && poll(&on, 1, stuck_ms) == 1) {
        const ssize_t sent = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent == -1 && errno != EAGAIN)
            return false;
        at += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t) sent : 0;
    }
    return n == 0;
}

// Messages with a PING behind each, more than there is room for, and then it breaks off. It takes
// no PONG, and with `deaf` so many of them are due that libzmq waits to write as well.
static void
s_break_off(uint16_t port, bool deaf)
{
    static const uint8_t ping[] = "\4PING\0\0", text[] = "x";
    const int fd = zmtp_peer_connect("127.0.0.1", port);
    uint8_t hello[ZMTP_HELLO], pairs[4096];
    size_t n = zmtp_peer_hello(hello, "PUSH");

    assert_true(fd != -1);
    assert_true(s_say(fd, hello, n, PATIENCE_MS));
    // It is one when it has said READY too.
    assert_int_equal(recv(fd, hello, ZMTP_GREETING + 2, MSG_WAITALL), ZMTP_GREETING + 2);
    n = 0;
    for (int i = 0; i < 400; i++)
        n = zmtp_peer_put(pairs, n, ZMTP_COMMAND, ping, sizeof ping - 1);
    for (int i = 0; deaf && i < 500; i++)
        assert_true(s_say(fd, pairs, n, PATIENCE_MS));
    n = 0;
    for (int i = 0; i < 200; i++) {
        n = zmtp_peer_put(pairs, n, 0, text, 1);
        n = zmtp_peer_put(pairs, n, ZMTP_COMMAND, ping, sizeof ping - 1);
    }
    for (int i = 0; i < 10000 && s_say(fd, pairs, n, STUCK_MS); i++)
        ;
    zmtp_peer_reset(fd);
}

// Without the guard: "Assertion failed: !_io_error", and the process has ended.
static void
a_peer_that_breaks_off_with_a_ping_in_the_queue_ends_nothing(void **state)
{
    uint16_t port;
    zsock_t *pull = s_pull(&port, 2), *good;
    char *text;

    (void) state;
    assert_int_equal(peer_guard_start(ROOM, 0), 0);
    for (int i = 0; i < 8; i++) {
        s_break_off(port, i % 4 == 3);
        // It breaks off while its messages have no room; then they are read.
        poll(NULL, 0, 20);
        s_drain(pull);
    }
    good = zsock_new(ZMQ_PUSH);
    assert_int_equal(zsock_connect(good, "tcp://127.0.0.1:%u", port), 0);
    zstr_send(good, "still there");
    zsock_set_rcvtimeo(pull, PATIENCE_MS);
    // What those who went had sent may come until now: how long it takes is libzmq's thread's own.
    for (;;) {
        text = zstr_recv(pull);
        assert_non_null(text);
        if (strcmp(text, "x") != 0)
            break;
        free(text);
    }
    assert_string_equal(text, "still there");
    free(text);
    zsock_destroy(&good);
    zsock_destroy(&pull);
}

// As libzmq does it, of a listener of our own: with the address, or for local peers without.
static int
s_accept(int listener, int client, int *kept_ret, bool ask)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    int fd;

    *kept_ret = fcntl(client, F_DUPFD_CLOEXEC, ELSEWHERE);
    assert_true(*kept_ret != -1);
    close(client);
    fd = accept4(listener, ask ? (struct sockaddr *) &from : NULL, ask ? &size : NULL,
                 SOCK_CLOEXEC);
    assert_true(fd != -1 || errno == ECONNABORTED);
    return fd;
}

// One of both kinds, as libzmq makes it for [::]; its port.
static int
s_listen_to_both(uint16_t *port_ret)
{
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;

    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &at, &size), 0);
    *port_ret = ntohs(at.sin6_port);
    return fd;
}

static void
hosts_of_ipv4_behind_a_socket_of_both_are_told_apart(void **state)
{
    static int theirs[2 * ROOM], ours[2 * ROOM];
    int n = 0, listener, last;
    uint16_t port;

    (void) state;
    assert_int_equal(peer_guard_start(ROOM, 0), 0);
    listener = s_listen_to_both(&port);
    do {
        assert_true(n < ROOM);
        ours[n] = s_accept(listener, zmtp_peer_connect("127.0.0.1", port), &theirs[n], true);
    } while (ours[n++] != -1);
    last = s_accept(listener, zmtp_peer_connect("127.0.0.2", port), &theirs[n++], true);
    assert_true(last != -1);
    close(last);
    for (int i = 0; i < n; i++) {
        close(theirs[i]);
        if (i < n - 2)
            close(ours[i]);
    }
    close(listener);
}

static void
local_peers_are_one_and_leave_room_for_others(void **state)
{
    static int theirs[2 * ROOM], ours[2 * ROOM];
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int n = 0, listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), both, last;
    uint16_t port;

    (void) state;
    assert_int_equal(peer_guard_start(ROOM, 0), 0);
    both = s_listen_to_both(&port);
    // Without a name of its own in the file system.
    (void) snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "zpulse-guard-%d", (int) getpid());
    assert_int_equal(bind(listener, (const struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(listener, 64), 0);
    do {
        const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(n < ROOM);
        assert_int_equal(connect(client, (const struct sockaddr *) &at, sizeof at), 0);
        ours[n] = s_accept(listener, client, &theirs[n], false);
    } while (ours[n++] != -1);
    last = s_accept(both, zmtp_peer_connect("127.0.0.2", port), &theirs[n++], true);
    assert_true(last != -1);
    close(last);
    for (int i = 0; i < n; i++) {
        close(theirs[i]);
        if (i < n - 2)
            close(ours[i]);
    }
    close(listener);
    close(both);
}

// At ipc libzmq asserts on it, and elsewhere asks again at once.
static void
no_descriptor_is_told_as_a_peer_that_went(void **state)
{
    struct rlimit before, none;
    uint16_t port;
    int listener, client, fd, error;

    (void) state;
    assert_int_equal(peer_guard_start(ROOM, 0), 0);
    listener = s_listen_to_both(&port);
    client = zmtp_peer_connect("127.0.0.1", port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    error = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(error, ECONNABORTED);
    close(client);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_ipv4_behind_a_socket_of_both_are_told_apart),
        cmocka_unit_test(local_peers_are_one_and_leave_room_for_others),
        cmocka_unit_test(no_descriptor_is_told_as_a_peer_that_went),
        cmocka_unit_test(what_comes_above_the_ceiling_is_closed_and_others_find_room),
        cmocka_unit_test(a_peer_that_breaks_off_with_a_ping_in_the_queue_ends_nothing),
    };

    setenv("ZSYS_SIGHANDLER", "false", 1);
    zsys_init();
    return cmocka_run_group_tests_name("peer_guard", tests, NULL, NULL);
}

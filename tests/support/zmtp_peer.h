// zmtp_peer - the other end of a ZeroMQ connection, byte by byte: so that a test says what comes
// in one piece, and when the connection breaks.
//
// In:     the path of an ipc:// endpoint that somebody connects to, or a port to connect to.
// Thread: one owner. Calls wait; assertions fail the test.
// Source: ZMTP 3.1 (rfc.zeromq.org/spec/37), the NULL mechanism.

#ifndef TESTS_SUPPORT_ZMTP_PEER_H
#define TESTS_SUPPORT_ZMTP_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ZMTP_GREETING 64
#define ZMTP_COMMAND  0x04
#define ZMTP_HELLO    256 // bytes that hold a greeting and a READY

static inline int
zmtp_peer_listen(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) < sizeof at.sun_path);
    strcpy(at.sun_path, path);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

// One frame behind `n` bytes that are there already; how many there are then. A short one.
static inline size_t
zmtp_peer_put(uint8_t *out, size_t n, uint8_t flags, const void *body, size_t len)
{
    out[n++] = flags;
    out[n++] = (uint8_t) len;
    memcpy(out + n, body, len);
    return n + len;
}

// The greeting and READY of a socket of that type ("PUSH") into out, of ZMTP_HELLO; how long it is.
static inline size_t
zmtp_peer_hello(uint8_t out[ZMTP_HELLO], const char *type)
{
    static const uint8_t greeting[ZMTP_GREETING] = {
        0xff, [9] = 0x7f, [10] = 3, [11] = 1, [12] = 'N', 'U', 'L', 'L'
    };
    uint8_t ready[64] = "\5READY\13Socket-Type";
    const size_t len = strlen(type), at = 18;

    assert_true(len < 32);
    ready[at + 3] = (uint8_t) len;
    memcpy(ready + at + 4, type, len);
    memcpy(out, greeting, sizeof greeting);
    return zmtp_peer_put(out, ZMTP_GREETING, ZMTP_COMMAND, ready, at + 4 + len);
}

// The next connection, greeted as from a ROUTER; to be closed by close().
static inline int
zmtp_peer_accept(int listener)
{
    uint8_t bytes[ZMTP_HELLO];
    const int fd = accept(listener, NULL, NULL);
    const size_t n = zmtp_peer_hello(bytes, "ROUTER");

    assert_true(fd != -1);
    assert_int_equal(write(fd, bytes, n), n);
    // Its greeting, and the head of its READY: then it takes what is sent.
    assert_int_equal(recv(fd, bytes, ZMTP_GREETING + 2, MSG_WAITALL), ZMTP_GREETING + 2);
    return fd;
}

// Connects that socket to a port of 127.0.0.1 from that address of loopback ("127.0.0.9"); what
// connect returns.
static inline int
zmtp_peer_connect_socket(int fd, const char *from, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr(from) };
    const int on = 1;

    // A port is taken for each pair of ends, not for the address alone: there are many of us.
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return connect(fd, (const struct sockaddr *) &at, sizeof at);
}

// The same with a socket of its own, to be closed by close(); -1 where that fails.
static inline int
zmtp_peer_connect(const char *from, uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (zmtp_peer_connect_socket(fd, from, port) == 0)
        return fd;
    close(fd);
    return -1;
}

// Ends a connection at once: its other end is told of a reset, whatever is on its way.
static inline void
zmtp_peer_reset(int fd)
{
    const struct linger none = { .l_onoff = 1 };

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    close(fd);
}

#endif

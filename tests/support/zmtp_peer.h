// zmtp_peer - the other end of a ZeroMQ connection, byte by byte: so that a test says what comes
// in one piece, and when the connection breaks.
//
// In:     the path of an ipc:// endpoint that somebody connects to.
// Thread: one owner. Calls wait; assertions fail the test.
// Source: ZMTP 3.1 (rfc.zeromq.org/spec/37), the NULL mechanism.

#ifndef TESTS_SUPPORT_ZMTP_PEER_H
#define TESTS_SUPPORT_ZMTP_PEER_H

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ZMTP_GREETING 64
#define ZMTP_COMMAND  0x04

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

// The next connection, greeted as from a ROUTER; to be closed by close().
static inline int
zmtp_peer_accept(int listener)
{
    static const uint8_t ready[] = "\5READY\13Socket-Type\0\0\0\6ROUTER";
    uint8_t bytes[256] = { 0xff, [9] = 0x7f, [10] = 3, [11] = 1, [12] = 'N', 'U', 'L', 'L' };
    const int fd = accept(listener, NULL, NULL);
    const size_t n = zmtp_peer_put(bytes, ZMTP_GREETING, ZMTP_COMMAND, ready, sizeof ready - 1);

    assert_true(fd != -1);
    assert_int_equal(write(fd, bytes, n), n);
    // Its greeting, and the head of its READY: then it takes what is sent.
    assert_int_equal(recv(fd, bytes, ZMTP_GREETING + 2, MSG_WAITALL), ZMTP_GREETING + 2);
    return fd;
}

#endif

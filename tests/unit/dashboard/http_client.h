// http_client - requests over a raw socket: what goes over the wire is what the test says.

#ifndef TESTS_UNIT_DASHBOARD_HTTP_CLIENT_H
#define TESTS_UNIT_DASHBOARD_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "tests/unit/dashboard/room.h"

#define CLIENT_WAIT_MS 20000

static inline int
client_connect(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &at, sizeof at), 0);
    return fd;
}

static inline void
client_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t) strlen(text));
}

// Reads more. False at the end, fails if nothing comes in time.
static inline bool
client_read(int fd, struct buf *got)
{
    struct pollfd on = { .fd = fd, .events = POLLIN };
    ssize_t n;

    assert_int_equal(poll(&on, 1, CLIENT_WAIT_MS), 1);
    buf_reserve(got, 65536);
    n = read(fd, got->at + got->len, 65536);
    if (n <= 0)
        return false;
    got->len += (size_t) n;
    return true;
}

// Reads until this text has come.
static inline void
client_wait(int fd, struct buf *got, const char *text)
{
    while (got->len == 0 || memmem(got->at, got->len, text, strlen(text)) == NULL)
        if (!client_read(fd, got))
            fail_msg("closed before \"%s\": %s", text, buf_cstr(got));
}

// One request on a connection of its own, answered in full: the code, and all of it in *got.
static inline int
client_request(uint16_t port, const char *request, struct buf *got)
{
    const int fd = client_connect(port);
    int code = 0;

    buf_clear(got);
    client_send(fd, request);
    while (client_read(fd, got))
        ;
    close(fd);
    sscanf(buf_cstr(got), "HTTP/1.1 %d", &code);
    return code;
}

// GET with these header lines more ("" for none).
static inline int
client_get(uint16_t port, const char *path, const char *headers, struct buf *got)
{
    char request[1024];

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path, headers);
    return client_request(port, request, got);
}

static inline bool
client_has(struct buf *got, const char *text)
{
    return strstr(buf_cstr(got), text) != NULL;
}

static inline const char *
client_body(struct buf *got)
{
    const char *end = strstr(buf_cstr(got), "\r\n\r\n");

    return end != NULL ? end + 4 : "";
}

#endif

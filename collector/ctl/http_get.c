// http_get - see http_get.h.

#include "collector/ctl/http_get.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/ctl/host_port.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/str.h"

#define READ_SIZE 16384

static int s_connect(const struct host_port *to, int64_t deadline_ms);
static int s_wait(int fd, short events, int64_t deadline_ms);
static int s_send(int fd, const struct buf *request, int64_t deadline_ms);
static int s_receive(int fd, struct buf *answer, int64_t deadline_ms);

int
http_get(unsigned *status_ret, struct buf *body, const char *address, const char *path,
         int timeout_ms)
{
    const int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    struct buf request = { 0 }, answer = { 0 };
    struct host_port to;
    size_t body_at;
    int rc, fd;

    rc = host_port_parse(&to, address);
    if (rc < 0)
        return rc;
    fd = s_connect(&to, deadline_ms);
    if (fd < 0)
        return fd;
    buf_printf(&request, "GET %s HTTP/1.0\r\nHost: %s\r\nAccept: */*\r\n\r\n", path, address);
    rc = s_send(fd, &request, deadline_ms);
    if (rc == 0)
        rc = s_receive(fd, &answer, deadline_ms);
    if (rc == 0)
        rc = http_get_parse(status_ret, &body_at, answer.at, answer.len);
    buf_clear(body);
    if (rc == 0)
        buf_bytes(body, answer.at + body_at, answer.len - body_at);
    buf_release(&request);
    buf_release(&answer);
    close(fd);
    return rc;
}

static int
s_connect(const struct host_port *to, int64_t deadline_ms)
{
    int fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc, fault = 0;
    socklen_t size = sizeof fault;

    if (fd == -1)
        return -errno;
    if (connect(fd, (const struct sockaddr *) &to->at, to->len) == 0)
        return fd;
    // Writable says that it is settled, SO_ERROR how.
    rc = errno == EINPROGRESS ? s_wait(fd, POLLOUT, deadline_ms) : -errno;
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) == -1)
        rc = -errno;
    if (rc == 0 && fault == 0)
        return fd;
    close(fd);
    return rc < 0 ? rc : -fault;
}

static int
s_wait(int fd, short events, int64_t deadline_ms)
{
    struct pollfd item = { .fd = fd, .events = events };

    for (;;) {
        const int64_t left_ms = deadline_ms - clock_mono_ms();
        const int rc = poll(&item, 1, left_ms > 0 ? (int) left_ms : 0);

        if (rc == 1)
            return 0;
        if (rc == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int
s_send(int fd, const struct buf *request, int64_t deadline_ms)
{
    for (size_t at = 0; at < request->len;) {
        const int rc = s_wait(fd, POLLOUT, deadline_ms);
        ssize_t n;

        if (rc < 0)
            return rc;
        n = send(fd, request->at + at, request->len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t) n : 0;
    }
    return 0;
}

// All there is until the other side closes.
static int
s_receive(int fd, struct buf *answer, int64_t deadline_ms)
{
    for (;;) {
        const int rc = s_wait(fd, POLLIN, deadline_ms);
        ssize_t n;

        if (rc < 0)
            return rc;
        buf_reserve(answer, READ_SIZE);
        n = recv(fd, answer->at + answer->len, READ_SIZE, MSG_DONTWAIT);
        if (n == 0)
            return 0;
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        answer->len += n > 0 ? (size_t) n : 0;
        if (answer->len > HTTP_GET_MAX)
            return ERR_LIMIT;
    }
}

// "HTTP/1.x NNN ..." and the empty line; what stands between them is of no use here.
int
http_get_parse(unsigned *status_ret, size_t *body_at_ret, const void *at, size_t n)
{
    const char *text = at, *end;
    uint64_t status;

    if (n < strlen("HTTP/1.1 200") || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ' ||
        str_u64(&status, text + 9, 3) < 0 || status < 100)
        return ERR_FORMAT;
    end = memmem(text, n, "\r\n\r\n", 4);
    if (end == NULL)
        return ERR_FORMAT;
    *status_ret = (unsigned) status;
    *body_at_ret = (size_t) (end + 4 - text);
    return 0;
}

// listener - the socket that browsers connect to, with what its connections inherit.

#include "dashboard/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/str.h"

#define HOST_SIZE 64
#define BACKLOG   1024

// Inherited by every connection. Small buffers: what is written late should be what is new, and a
// reader that stalls must not hold megabytes of the kernel's memory.
static const struct {
    int level;
    int option;
    int value;
} inherited[] = {
    { SOL_SOCKET, SO_SNDBUF, 64 * 1024 },     { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_NODELAY, 1 },          { IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16 * 1024 },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, 30000 }, // ms
    { IPPROTO_TCP, TCP_KEEPIDLE, 60 },        // s
    { IPPROTO_TCP, TCP_KEEPINTVL, 15 },       // s
    { IPPROTO_TCP, TCP_KEEPCNT, 4 },
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int s_address(union address *ret, socklen_t *len_ret, const char *text);

int
listener_open(int *ret, const char *address, bool everybody)
{
    union address at;
    socklen_t len;
    const int on = 1;
    int fd;
    int rc = s_address(&at, &len, address);

    if (rc < 0 && !(rc == ERR_RANGE && everybody))
        return rc;
    fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        goto fail;
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++)
        if (setsockopt(fd, inherited[i].level, inherited[i].option, &inherited[i].value,
                       sizeof inherited[i].value) == -1)
            goto fail;
    if (bind(fd, &at.any, len) == -1 || listen(fd, BACKLOG) == -1)
        goto fail;
    *ret = fd;
    return 0;

fail:
    rc = -errno;
    close(fd);
    return rc;
}

int
listener_check(const char *address)
{
    union address at;
    socklen_t len;

    return s_address(&at, &len, address);
}

uint16_t
listener_port(int fd)
{
    union address at = { 0 };
    socklen_t len = sizeof at;

    if (getsockname(fd, &at.any, &len) == -1)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static int
s_address(union address *ret, socklen_t *len_ret, const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[HOST_SIZE];
    uint64_t port;
    size_t n;

    if (colon == NULL || str_u64(&port, colon + 1, strlen(colon + 1)) != 0 || port > UINT16_MAX)
        return ERR_FORMAT;
    n = (size_t) (colon - text);
    if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof host)
        return ERR_FORMAT;
    memcpy(host, text, n);
    host[n] = '\0';
    *ret = (union address){ 0 };
    if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t) port);
        *len_ret = sizeof ret->v6;
        return IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr) ? 0 : ERR_RANGE;
    }
    if (inet_pton(AF_INET, strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                  &ret->v4.sin_addr) != 1)
        return ERR_FORMAT;
    ret->v4.sin_family = AF_INET;
    ret->v4.sin_port = htons((uint16_t) port);
    *len_ret = sizeof ret->v4;
    return ntohl(ret->v4.sin_addr.s_addr) >> 24 == 127 ? 0 : ERR_RANGE;
}

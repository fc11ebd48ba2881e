// sock - see sock.h. One table of limits, applied to every socket before it binds or connects.

#include "shared/net/sock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/net/curve.h"

#define RECONNECT_FIRST_MS 100
#define RECONNECT_MOST_MS  2000
#define HOST_MAX           64 // longer than any literal address

// What every socket gets, whatever its kind. A half-open connection is noticed by keep-alive after
// about two minutes; a peer that connects and says nothing holds a descriptor for 20 s at most.
static const struct {
    int option;
    int value;
} always[] = {
    { ZMQ_TCP_KEEPALIVE, 1 },        { ZMQ_TCP_KEEPALIVE_IDLE, 60 }, // s
    { ZMQ_TCP_KEEPALIVE_INTVL, 15 },                                 // s
    { ZMQ_TCP_KEEPALIVE_CNT, 4 },    { ZMQ_HANDSHAKE_IVL, 20000 },   // ms
    { ZMQ_CONNECT_TIMEOUT, 5000 },                                   // ms
    { ZMQ_BACKLOG, 4096 },           { ZMQ_SNDBUF, 256 * 1024 },     { ZMQ_RCVBUF, 128 * 1024 },
};

// For sockets that are always drained: on one that is left full, heartbeats would cut the
// connection and lose what is in it.
static const struct {
    int option;
    int value;
} heartbeat[] = {
    { ZMQ_HEARTBEAT_IVL, 5000 },      // ms
    { ZMQ_HEARTBEAT_TIMEOUT, 15000 }, // ms
    { ZMQ_HEARTBEAT_TTL, 20000 },     // ms
};

static int s_set(void *raw, int option, int value);
static int s_configure(void *raw, const struct sock_spec *spec);
static bool s_is_port(const char *text);
static bool s_host_is_local(const char *host);

int
sock_new(zsock_t **ret, const struct sock_spec *spec, const struct curve *curve)
{
    zsock_t *sock;
    int rc;

    assert(spec->send_hwm >= 2 && spec->max_bytes > 0);
    assert(spec->recv_hwm >= 2 || spec->recv_hwm == SOCK_NO_LIMIT);
    sock = zsock_new(spec->type);
    if (sock == NULL)
        return -errno;
    rc = s_configure(sock_raw(sock), spec);
    if (rc == 0 && curve != NULL)
        rc = curve_apply(sock, curve);
    if (rc < 0) {
        zsock_destroy(&sock);
        return rc;
    }
    *ret = sock;
    return 0;
}

// Before the first bind or connect: what is set later holds for later connections only.
static int
s_configure(void *raw, const struct sock_spec *spec)
{
    // Each wait is the last one doubled, from first to most, plus up to `first` at random.
    const unsigned first_ms = spec->reconnect_ms != 0 ? spec->reconnect_ms : RECONNECT_FIRST_MS;
    const unsigned most_ms = first_ms > RECONNECT_MOST_MS ? first_ms : RECONNECT_MOST_MS;
    const int64_t max_bytes = spec->max_bytes;
    const uint64_t threads = spec->io_thread != 0 ? UINT64_C(1) << (spec->io_thread - 1) : 0;
    int rc = 0;

    for (size_t i = 0; i < sizeof always / sizeof always[0] && rc == 0; i++)
        rc = s_set(raw, always[i].option, always[i].value);
    for (size_t i = 0; spec->heartbeat && i < sizeof heartbeat / sizeof heartbeat[0] && rc == 0;
         i++)
        rc = s_set(raw, heartbeat[i].option, heartbeat[i].value);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_LINGER, spec->linger_ms);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_SNDHWM, spec->send_hwm);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_RCVHWM, spec->recv_hwm);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_IMMEDIATE, spec->immediate);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_RECONNECT_IVL, (int) first_ms);
    rc = rc < 0 ? rc : s_set(raw, ZMQ_RECONNECT_IVL_MAX, (int) most_ms);
    if (spec->mandatory)
        rc = rc < 0 ? rc : s_set(raw, ZMQ_ROUTER_MANDATORY, 1);
    if (spec->verboser)
        rc = rc < 0 ? rc : s_set(raw, ZMQ_XPUB_VERBOSER, 1);
    if (rc == 0 && zmq_setsockopt(raw, ZMQ_AFFINITY, &threads, sizeof threads) == -1)
        rc = -errno;
    if (rc == 0 && zmq_setsockopt(raw, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) == -1)
        rc = -errno;
    return rc;
}

static int
s_set(void *raw, int option, int value)
{
    return zmq_setsockopt(raw, option, &value, sizeof value) == 0 ? 0 : -errno;
}

bool
sock_is_local(const char *endpoint)
{
    const char *host, *colon;
    char literal[HOST_MAX];

    // A path or a name in this process; only the file system says who may open it.
    if (str_starts(endpoint, "inproc://") || str_starts(endpoint, "ipc://"))
        return endpoint[strcspn(endpoint, "/") + 2] != '\0';
    if (!str_starts(endpoint, "tcp://"))
        return false;
    host = endpoint + strlen("tcp://");
    colon = strrchr(host, ':');
    if (colon == NULL || !s_is_port(colon + 1) || (size_t) (colon - host) >= sizeof literal)
        return false;
    memcpy(literal, host, (size_t) (colon - host));
    literal[colon - host] = '\0';
    return s_host_is_local(literal);
}

// Only what cannot be resolved to anything else: a name other than localhost may point anywhere.
static bool
s_host_is_local(const char *host)
{
    const size_t len = strlen(host);
    struct in6_addr six;
    struct in_addr four;
    char inner[HOST_MAX];

    if (strcmp(host, "localhost") == 0)
        return true;
    // inet_pton takes four plain decimals: no 127.1, no octal, no hex.
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (len < 3 || host[0] != '[' || host[len - 1] != ']')
        return false;
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = '\0';
    return inet_pton(AF_INET6, inner, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

// A number, or '*' for one that the kernel chooses.
static bool
s_is_port(const char *text)
{
    uint64_t port;

    if (strcmp(text, "*") == 0)
        return true;
    return str_u64(&port, text, strlen(text)) == 0 && port >= 1 && port <= UINT16_MAX;
}

// zmq_bind and zmq_connect themselves: zsock_bind takes a format and expands wildcards of its own.
int
sock_bind(zsock_t *sock, const char *endpoint)
{
    if (!sock_is_local(endpoint) && !curve_is_on(sock))
        return ERR_RANGE;
    if (str_starts(endpoint, "tcp://[") && s_set(sock_raw(sock), ZMQ_IPV6, 1) < 0)
        return -errno;
    return zmq_bind(sock_raw(sock), endpoint) == 0 ? 0 : -errno;
}

int
sock_connect(zsock_t *sock, const char *endpoint)
{
    if (!sock_is_local(endpoint) && !curve_is_on(sock))
        return ERR_RANGE;
    if (str_starts(endpoint, "tcp://[") && s_set(sock_raw(sock), ZMQ_IPV6, 1) < 0)
        return -errno;
    return zmq_connect(sock_raw(sock), endpoint) == 0 ? 0 : -errno;
}

int
sock_send(zsock_t *sock, const void *at, size_t n, bool more)
{
    int rc;

    do
        rc = zmq_send(sock_raw(sock), at, n, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
    while (rc == -1 && errno == EINTR);
    return rc == -1 ? -errno : 0;
}

int
sock_recv(zsock_t *sock, zmq_msg_t *msg)
{
    int rc;

    do
        rc = zmq_msg_recv(msg, sock_raw(sock), ZMQ_DONTWAIT);
    while (rc == -1 && errno == EINTR);
    if (rc >= 0)
        return 1;
    return errno == EAGAIN ? 0 : -errno;
}

void *
sock_raw(zsock_t *sock)
{
    return zsock_resolve(sock);
}

int
sock_poll(zmq_pollitem_t *items, int n, long ms)
{
    struct pollfd fds[SOCK_POLL_MOST];
    int rc;

    assert(n <= SOCK_POLL_MOST);
    for (int i = 0; i < n; i++) {
        if (items[i].socket != NULL)
            return zmq_poll(items, n, ms);
        fds[i] = (struct pollfd){
            .fd = items[i].fd,
            .events = (short) (((items[i].events & ZMQ_POLLIN) != 0 ? POLLIN : 0) |
                               ((items[i].events & ZMQ_POLLOUT) != 0 ? POLLOUT : 0)),
        };
    }
    rc = poll(fds, (nfds_t) n, ms < INT_MAX ? (int) ms : INT_MAX);
    for (int i = 0; i < n; i++)
        items[i].revents =
            rc <= 0 ? 0
                    : (short) (((fds[i].revents & POLLIN) != 0 ? ZMQ_POLLIN : 0) |
                               ((fds[i].revents & POLLOUT) != 0 ? ZMQ_POLLOUT : 0) |
                               ((fds[i].revents & ~(POLLIN | POLLOUT)) != 0 ? ZMQ_POLLERR : 0));
    return rc;
}

int
sock_fd(zsock_t *sock)
{
    size_t size = sizeof(int);
    int fd = -1;
    const int rc = zmq_getsockopt(sock_raw(sock), ZMQ_FD, &fd, &size);

    assert(rc == 0); // fails only for what is no socket
    return fd;
}

int
sock_endpoint(char *out, size_t size, const char *data_endpoint, enum sock_port step)
{
    const unsigned add = (unsigned) step;
    const char *colon;
    uint64_t port;
    int n;

    if (str_starts(data_endpoint, "ipc://") && data_endpoint[strlen("ipc://")] != '\0') {
        n = add == 0 ? snprintf(out, size, "%s", data_endpoint)
                     : snprintf(out, size, "%s.%u", data_endpoint, add);
        return n >= 0 && (size_t) n < size ? 0 : ERR_FORMAT;
    }
    if (!str_starts(data_endpoint, "tcp://"))
        return ERR_FORMAT;
    colon = strrchr(data_endpoint + strlen("tcp://"), ':');
    if (colon == NULL || str_u64(&port, colon + 1, strlen(colon + 1)) < 0 || port < 1 ||
        port + add > UINT16_MAX)
        return ERR_FORMAT;
    n = snprintf(out, size, "%.*s:%u", (int) (colon - data_endpoint), data_endpoint,
                 (unsigned) port + add);
    return n >= 0 && (size_t) n < size ? 0 : ERR_FORMAT;
}

// tcp_proxy - see the header.
//
// One thread, one poll over everything, under a mutex that it leaves only to wait: so whoever
// changes a mode holds the mutex and knows that no byte moves meanwhile. A byte of a pipe wakes it.

#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define CHUNK ((size_t) 64 * 1024)

// What was read from one side and not yet written to the other.
struct pipe_half {
    uint8_t bytes[CHUNK];
    size_t from, to; // those that wait
};

struct pair {
    int fds[2]; // who connected, whom it is connected to; -1 both: free
    unsigned lane;
    bool connecting;
    struct pipe_half *half[2]; // read from fds[i]
};

struct lane {
    int listen_fd;
    uint16_t target_port;
    enum proxy_mode mode;
    uint64_t bytes;
};

struct tcp_proxy {
    pthread_t thread;
    pthread_mutex_t mutex;
    int wake[2];
    bool ends;
    struct lane lanes[PROXY_LANES_MAX];
    unsigned n_lanes;
    struct pair pairs[PROXY_PAIRS_MAX];
};

static void *s_thread(void *arg);

static void
s_lock(tcp_proxy_t *self)
{
    if (pthread_mutex_lock(&self->mutex) != 0)
        abort();
}

static void
s_unlock(tcp_proxy_t *self)
{
    if (write(self->wake[1], "", 1) == -1 && errno != EAGAIN)
        abort();
    pthread_mutex_unlock(&self->mutex);
}

tcp_proxy_t *
tcp_proxy_new(void)
{
    tcp_proxy_t *self = xcalloc(1, sizeof *self);

    for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
        self->pairs[i].fds[0] = self->pairs[i].fds[1] = -1;
    pthread_mutex_init(&self->mutex, NULL);
    if (pipe2(self->wake, O_CLOEXEC | O_NONBLOCK) == -1 ||
        pthread_create(&self->thread, NULL, s_thread, self) != 0)
        abort();
    return self;
}

// With a reset, not a FIN: as if the machine were gone.
static void
s_close_pair(struct pair *pair)
{
    static const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    for (int i = 0; i < 2; i++) {
        if (pair->fds[i] != -1) {
            setsockopt(pair->fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
            close(pair->fds[i]);
        }
        pair->fds[i] = -1;
        free(pair->half[i]);
        pair->half[i] = NULL;
    }
}

void
tcp_proxy_destroy(tcp_proxy_t **self_p)
{
    tcp_proxy_t *self = *self_p;

    if (self == NULL)
        return;
    s_lock(self);
    self->ends = true;
    s_unlock(self);
    pthread_join(self->thread, NULL);
    for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
        s_close_pair(&self->pairs[i]);
    for (unsigned i = 0; i < self->n_lanes; i++)
        close(self->lanes[i].listen_fd);
    close(self->wake[0]);
    close(self->wake[1]);
    pthread_mutex_destroy(&self->mutex);
    free(self);
    *self_p = NULL;
}

static struct sockaddr_in
s_address(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

void
tcp_proxy_add(tcp_proxy_t *self, uint16_t listen_port, uint16_t target_port)
{
    const struct sockaddr_in at = s_address(listen_port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *) &at, sizeof at) == -1 || listen(fd, 128) == -1) {
        perror("tcp_proxy");
        abort();
    }
    s_lock(self);
    if (self->n_lanes == PROXY_LANES_MAX)
        abort();
    self->lanes[self->n_lanes++] = (struct lane){ .listen_fd = fd, .target_port = target_port };
    s_unlock(self);
}

static bool
s_is_of(const struct pair *pair, unsigned lane)
{
    return pair->fds[0] != -1 && pair->lane == lane;
}

void
tcp_proxy_set(tcp_proxy_t *self, unsigned lane, enum proxy_mode mode)
{
    s_lock(self);
    if (mode == PROXY_CUT || (self->lanes[lane].mode == PROXY_SWALLOW && mode != PROXY_SWALLOW))
        for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
            if (s_is_of(&self->pairs[i], lane))
                s_close_pair(&self->pairs[i]);
    self->lanes[lane].mode = mode;
    s_unlock(self);
}

void
tcp_proxy_reset(tcp_proxy_t *self, unsigned lane, unsigned percent, uint64_t *seed)
{
    s_lock(self);
    for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
        if (s_is_of(&self->pairs[i], lane) && seeded_below(seed, 100) < percent)
            s_close_pair(&self->pairs[i]);
    s_unlock(self);
}

uint64_t
tcp_proxy_bytes(tcp_proxy_t *self, unsigned lane)
{
    uint64_t bytes;

    s_lock(self);
    bytes = self->lanes[lane].bytes;
    s_unlock(self);
    return bytes;
}

unsigned
tcp_proxy_pairs(tcp_proxy_t *self, unsigned lane)
{
    unsigned n = 0;

    s_lock(self);
    for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
        n += s_is_of(&self->pairs[i], lane) ? 1 : 0;
    s_unlock(self);
    return n;
}

static void
s_accept(tcp_proxy_t *self, unsigned lane)
{
    const struct sockaddr_in to = s_address(self->lanes[lane].target_port);
    int fd;

    while ((fd = accept4(self->lanes[lane].listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) !=
           -1) {
        struct pair *pair = NULL;

        for (unsigned i = 0; i < PROXY_PAIRS_MAX && pair == NULL; i++)
            if (self->pairs[i].fds[0] == -1)
                pair = &self->pairs[i];
        if (pair == NULL || self->lanes[lane].mode == PROXY_CUT) {
            close(fd);
            continue;
        }
        pair->lane = lane;
        pair->fds[0] = fd;
        pair->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        pair->half[0] = xcalloc(1, sizeof *pair->half[0]);
        pair->half[1] = xcalloc(1, sizeof *pair->half[1]);
        pair->connecting = true;
        if (connect(pair->fds[1], (const struct sockaddr *) &to, sizeof to) == -1 &&
            errno != EINPROGRESS)
            s_close_pair(pair);
    }
}

static short
s_events(const tcp_proxy_t *self, const struct pair *pair, int side)
{
    const enum proxy_mode mode = self->lanes[pair->lane].mode;
    const struct pipe_half *in = pair->half[side], *out = pair->half[1 - side];
    short events = 0;

    if (pair->connecting)
        return side == 1 ? POLLOUT : 0;
    if (mode == PROXY_SWALLOW)
        return POLLIN;
    if (mode == PROXY_HOLD)
        return 0;
    if (in->from == in->to)
        events |= POLLIN;
    if (out->from < out->to)
        events |= POLLOUT;
    return events;
}

// True while the connection stands.
static bool
s_read(tcp_proxy_t *self, struct pair *pair, int side)
{
    struct pipe_half *half = pair->half[side];
    struct lane *lane = &self->lanes[pair->lane];
    ssize_t n;

    if (lane->mode == PROXY_HOLD || (lane->mode == PROXY_PASS && half->from < half->to))
        return true;
    n = read(pair->fds[side], half->bytes, CHUNK);
    if (n <= 0)
        return n == -1 && errno == EAGAIN;
    half->from = 0;
    half->to = lane->mode == PROXY_SWALLOW ? 0 : (size_t) n;
    lane->bytes += half->to;
    return true;
}

static bool
s_write(tcp_proxy_t *self, struct pair *pair, int side)
{
    struct pipe_half *half = pair->half[1 - side];
    ssize_t n;

    if (pair->connecting) {
        int error = 0;
        socklen_t size = sizeof error;

        getsockopt(pair->fds[1], SOL_SOCKET, SO_ERROR, &error, &size);
        pair->connecting = false;
        return error == 0;
    }
    if (self->lanes[pair->lane].mode != PROXY_PASS || half->from == half->to)
        return true;
    n = send(pair->fds[side], half->bytes + half->from, half->to - half->from, MSG_NOSIGNAL);
    if (n == -1)
        return errno == EAGAIN;
    half->from += (size_t) n;
    return true;
}

static void
s_carry(tcp_proxy_t *self, struct pair *pair, const struct pollfd *items)
{
    bool stands = true;

    for (int side = 0; side < 2 && stands; side++) {
        // Somebody may have closed it, and another opened, while this thread waited.
        if (pair->fds[side] != items[side].fd)
            return;
        if ((items[side].revents & POLLOUT) != 0)
            stands = s_write(self, pair, side);
        if (stands && (items[side].revents & POLLIN) != 0)
            stands = s_read(self, pair, side);
        if ((items[side].revents & (POLLERR | POLLNVAL)) != 0 ||
            (items[side].revents & (POLLHUP | POLLIN)) == POLLHUP)
            stands = false;
    }
    if (!stands)
        s_close_pair(pair);
}

static void *
s_thread(void *arg)
{
    enum { PAIRS = 1 + PROXY_LANES_MAX, ITEMS = PAIRS + 2 * PROXY_PAIRS_MAX };
    tcp_proxy_t *self = arg;
    struct pollfd items[ITEMS];
    char bytes[64];

    pthread_mutex_lock(&self->mutex);
    while (!self->ends) {
        items[0] = (struct pollfd){ .fd = self->wake[0], .events = POLLIN };
        for (unsigned i = 0; i < PROXY_LANES_MAX; i++)
            items[1 + i] = (struct pollfd){ .fd = i < self->n_lanes ? self->lanes[i].listen_fd : -1,
                                            .events = POLLIN };
        for (unsigned i = 0; i < 2 * PROXY_PAIRS_MAX; i++) {
            const struct pair *pair = &self->pairs[i / 2];

            items[PAIRS + i] = (struct pollfd){ .fd = pair->fds[i % 2] };
            if (pair->fds[0] != -1)
                items[PAIRS + i].events = s_events(self, pair, (int) (i % 2));
        }
        pthread_mutex_unlock(&self->mutex);
        (void) poll(items, ITEMS, -1);
        pthread_mutex_lock(&self->mutex);
        while (read(self->wake[0], bytes, sizeof bytes) > 0)
            continue;
        for (unsigned i = 0; i < PROXY_PAIRS_MAX; i++)
            if (self->pairs[i].fds[0] != -1)
                s_carry(self, &self->pairs[i], &items[PAIRS + 2 * i]);
        for (unsigned i = 0; i < self->n_lanes; i++)
            if ((items[1 + i].revents & POLLIN) != 0)
                s_accept(self, i);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

// stream_hub - the thread that writes events to the clients' sockets.

#include "dashboard/stream_hub.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/event_encode.h"
#include "dashboard/stream_cursor.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"

#define BATCH           256   // epoll events a turn
#define SWEEP_MS        1000  // how often heartbeats and stalled readers are looked at
#define STALLED_MS      5000  // a reader that stood still so long gets a snapshot next
#define CLOSE_MS        30000 // without taking a byte
#define DISCARD_BYTES   (1 << 20)
#define DISCARDS_A_TURN 4 // of one client that does not stop sending

struct stream {
    int fd;
    struct stream_cursor cursor;
    struct event *now;   // in flight, or NULL
    size_t sent;         // bytes of it
    bool blocked;        // the socket is full; EPOLLOUT will tell
    bool stalled;        // it stood still for long while blocked
    int64_t progress_ms; // last time it took a byte
    int64_t heartbeat_ms;
    void (*end)(void *arg);
    void *arg;
    struct group *group;
    struct stream *prev, *next; // in the group
};

// The streams of one view.
struct group {
    event_ring_t *ring; // counted
    uint64_t seen;      // events up to here were offered to all
    bool waiting;       // some stream waits for a snapshot
    struct stream *streams;
    struct group *next;
};

struct stream_hub {
    struct stream_hub_options opt;
    int epoll_fd;
    int wake_fd;
    pthread_t thread;
    bool running;
    atomic_uint reserved;
    pthread_mutex_t lock; // guards `arrived` and `stopping`
    struct stream_take *arrived;
    size_t n_arrived, arrived_size;
    bool stopping;
    // What follows belongs to the thread.
    struct group *groups;
    struct event *comment;
    int64_t now_ms;
};

static void *s_run(void *arg);
static bool s_turn(stream_hub_t *self, int64_t *sweep_ms);
static bool s_welcome(stream_hub_t *self);
static void s_admit(stream_hub_t *self, const struct stream_take *take);
static struct group *s_group(stream_hub_t *self, event_ring_t *ring);
static void s_ready(stream_hub_t *self, struct stream *s, uint32_t events);
static bool s_discard(stream_hub_t *self, struct stream *s);
static void s_offer(stream_hub_t *self);
static bool s_pump(stream_hub_t *self, struct stream *s);
static bool s_next(stream_hub_t *self, struct stream *s);
static int s_send(stream_hub_t *self, struct stream *s);
static void s_sweep(stream_hub_t *self);
static void s_end(stream_hub_t *self, struct stream *s);
static void s_drop_empty_groups(stream_hub_t *self);
static void s_end_all(stream_hub_t *self, struct event *bye);

int
stream_hub_start(stream_hub_t **ret, const struct stream_hub_options *opt)
{
    stream_hub_t *self = xcalloc(1, sizeof *self);
    struct epoll_event wake = { .events = EPOLLIN };
    int rc;

    self->opt = *opt;
    pthread_mutex_init(&self->lock, NULL);
    self->comment = event_new(0, EVENT_COMMENT, strlen(EVENT_COMMENT));
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->epoll_fd == -1 || self->wake_fd == -1 ||
        epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->wake_fd, &wake) == -1) {
        rc = -errno;
        goto fail;
    }
    rc = -pthread_create(&self->thread, NULL, s_run, self);
    if (rc != 0)
        goto fail;
    pthread_setname_np(self->thread, "stream");
    self->running = true;
    *ret = self;
    return 0;

fail:
    stream_hub_destroy(&self);
    return rc;
}

void
stream_hub_stop(stream_hub_t *self, struct event *bye)
{
    if (self != NULL && self->running) {
        pthread_mutex_lock(&self->lock);
        self->stopping = true;
        pthread_mutex_unlock(&self->lock);
        stream_hub_wake(self);
        pthread_join(self->thread, NULL);
        self->running = false;
        s_end_all(self, bye);
    }
    event_unref(&bye);
}

void
stream_hub_destroy(stream_hub_t **self_p)
{
    stream_hub_t *self = *self_p;

    if (self == NULL)
        return;
    stream_hub_stop(self, NULL);
    if (self->epoll_fd != -1)
        close(self->epoll_fd);
    if (self->wake_fd != -1)
        close(self->wake_fd);
    event_unref(&self->comment);
    pthread_mutex_destroy(&self->lock);
    free(self->arrived);
    free(self);
    *self_p = NULL;
}

bool
stream_hub_reserve(stream_hub_t *self)
{
    if (atomic_fetch_add_explicit(&self->reserved, 1, memory_order_relaxed) < self->opt.max_streams)
        return true;
    stream_hub_release(self);
    return false;
}

void
stream_hub_release(stream_hub_t *self)
{
    atomic_fetch_sub_explicit(&self->reserved, 1, memory_order_relaxed);
}

void
stream_hub_take(stream_hub_t *self, const struct stream_take *take)
{
    pthread_mutex_lock(&self->lock);
    assert(!self->stopping);
    if (self->n_arrived == self->arrived_size) {
        self->arrived_size = self->arrived_size == 0 ? 16 : self->arrived_size * 2;
        self->arrived = xrealloc(self->arrived, self->arrived_size, sizeof *self->arrived);
    }
    self->arrived[self->n_arrived++] = *take;
    pthread_mutex_unlock(&self->lock);
    stream_hub_wake(self);
}

void
stream_hub_wake(stream_hub_t *self)
{
    const uint64_t one = 1;

    // Full means that it is readable already.
    while (write(self->wake_fd, &one, sizeof one) == -1 && errno == EINTR)
        ;
}

static void *
s_run(void *arg)
{
    stream_hub_t *self = arg;
    int64_t sweep_ms = clock_mono_ms() + SWEEP_MS;

    while (s_turn(self, &sweep_ms))
        ;
    return NULL;
}

// False when it is time to end.
static bool
s_turn(stream_hub_t *self, int64_t *sweep_ms)
{
    struct epoll_event ready[BATCH];
    const int64_t left_ms = *sweep_ms - clock_mono_ms();
    int wait_ms = left_ms < 0 ? 0 : (int) left_ms;
    bool woken = false;
    int n;

    if (self->groups == NULL)
        wait_ms = -1;
    n = epoll_wait(self->epoll_fd, ready, BATCH, wait_ms);
    self->now_ms = clock_mono_ms();
    for (int i = 0; i < n; i++) {
        // Offering may end any stream, so it waits until no event of this batch names one.
        if (ready[i].data.ptr == NULL)
            woken = true;
        else
            s_ready(self, ready[i].data.ptr, ready[i].events);
    }
    if (woken && !s_welcome(self))
        return false;
    if (woken)
        s_offer(self);
    if (self->now_ms >= *sweep_ms) {
        s_sweep(self);
        *sweep_ms = self->now_ms + SWEEP_MS;
    }
    s_drop_empty_groups(self);
    return true;
}

// Takes what arrived. False when stopping.
static bool
s_welcome(stream_hub_t *self)
{
    struct stream_take *arrived;
    uint64_t count;
    size_t n;
    bool stopping;

    while (read(self->wake_fd, &count, sizeof count) == -1 && errno == EINTR)
        ;
    pthread_mutex_lock(&self->lock);
    arrived = self->arrived;
    n = self->n_arrived;
    stopping = self->stopping;
    self->arrived = NULL;
    self->n_arrived = self->arrived_size = 0;
    pthread_mutex_unlock(&self->lock);
    for (size_t i = 0; i < n; i++)
        s_admit(self, &arrived[i]);
    free(arrived);
    return !stopping;
}

static void
s_admit(stream_hub_t *self, const struct stream_take *take)
{
    struct stream *s = xcalloc(1, sizeof *s);
    struct epoll_event want = { .events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET,
                                .data.ptr = s };
    event_ring_t *ring = take->ring;
    const int off = 0, on = 1;

    // The server corked the socket for its headers; from here every event is to go at once.
    setsockopt(take->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
    setsockopt(take->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->fd = take->fd;
    s->end = take->end;
    s->arg = take->arg;
    s->progress_ms = self->now_ms;
    s->heartbeat_ms = take->heartbeat_ms;
    if (take->hello != NULL)
        stream_cursor_init(&s->cursor, take->ring, take->hello, take->resume);
    else
        stream_cursor_init_plain(&s->cursor, take->ring);
    s->group = s_group(self, take->ring);
    s->next = s->group->streams;
    if (s->next != NULL)
        s->next->prev = s;
    s->group->streams = s;
    event_ring_unref(&ring);
    selfstat_add(STAT_STREAMS, 1);
    selfstat_add(STAT_STREAMS_TOTAL, 1);
    // Being edge triggered, it reports at once what is there: the first write follows from that.
    if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, s->fd, &want) == -1)
        s_end(self, s);
}

static struct group *
s_group(stream_hub_t *self, event_ring_t *ring)
{
    struct group *g = self->groups;

    while (g != NULL && g->ring != ring)
        g = g->next;
    if (g == NULL) {
        g = xcalloc(1, sizeof *g);
        g->ring = event_ring_ref(ring);
        g->seen = event_ring_last(ring);
        g->next = self->groups;
        self->groups = g;
    }
    return g;
}

static void
s_ready(stream_hub_t *self, struct stream *s, uint32_t events)
{
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 ||
        ((events & EPOLLIN) != 0 && !s_discard(self, s))) {
        s_end(self, s);
        return;
    }
    if ((events & EPOLLOUT) != 0 && !s_pump(self, s))
        s_end(self, s);
}

// False if the client is gone.
static bool
s_discard(stream_hub_t *self, struct stream *s)
{
    struct epoll_event want = { .events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET,
                                .data.ptr = s };

    for (int i = 0; i < DISCARDS_A_TURN; i++) {
        // MSG_TRUNC on TCP drops the bytes in the kernel.
        const ssize_t n = recv(s->fd, NULL, DISCARD_BYTES, MSG_DONTWAIT | MSG_TRUNC);

        if (n == 0)
            return false;
        if (n == -1)
            return errno == EAGAIN || errno == EINTR;
    }
    // More may be there: set anew, the edge comes again, after the others had their turn.
    return epoll_ctl(self->epoll_fd, EPOLL_CTL_MOD, s->fd, &want) == 0;
}

// Gives every stream of a view that has something new the chance to write.
static void
s_offer(stream_hub_t *self)
{
    for (struct group *g = self->groups; g != NULL; g = g->next) {
        const uint64_t last = event_ring_last(g->ring);

        if (last == g->seen && !g->waiting)
            continue;
        g->seen = last;
        g->waiting = false;
        for (struct stream *s = g->streams, *next; s != NULL; s = next) {
            next = s->next;
            if (!s->blocked && !s_pump(self, s))
                s_end(self, s);
        }
    }
}

// Writes until there is nothing more or the socket is full. False if the stream is to be ended.
static bool
s_pump(stream_hub_t *self, struct stream *s)
{
    while (s->now != NULL || s_next(self, s)) {
        const int rc = s_send(self, s);

        if (rc == -EAGAIN) {
            s->blocked = true;
            return true;
        }
        if (rc < 0)
            return false;
    }
    return true;
}

// The next event into s->now. False if there is none.
static bool
s_next(stream_hub_t *self, struct stream *s)
{
    uint64_t skipped;
    enum cursor_step step = stream_cursor_next(&s->cursor, s->stalled, &s->now, &skipped);

    s->blocked = s->stalled = false;
    if (skipped > 0)
        selfstat_add(STAT_EVENTS_SKIPPED, skipped);
    if (step == CURSOR_EVENT) {
        s->sent = 0;
        return true;
    }
    if (!s->cursor.joined)
        s->group->waiting = true;
    if (step == CURSOR_ASK)
        self->opt.want_snap(self->opt.arg);
    return false;
}

// 1 when the event in flight is out, -EAGAIN when the socket is full, else -errno.
static int
s_send(stream_hub_t *self, struct stream *s)
{
    while (s->sent < s->now->len) {
        const ssize_t n = send(s->fd, s->now->at + s->sent, s->now->len - s->sent,
                               MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        s->sent += (size_t) n;
        // A reader that held us up for long wants what is now, not what was. One that is slow but
        // reads on must not be given a snapshot after each snapshot.
        if (s->blocked && self->now_ms - s->progress_ms > STALLED_MS)
            s->stalled = true;
        s->progress_ms = self->now_ms;
        selfstat_add(STAT_BYTES_SENT, (uint64_t) n);
    }
    event_unref(&s->now);
    selfstat_add(STAT_EVENTS_SENT, 1);
    return 1;
}

static void
s_sweep(stream_hub_t *self)
{
    for (struct group *g = self->groups; g != NULL; g = g->next) {
        for (struct stream *s = g->streams, *next; s != NULL; s = next) {
            const int64_t quiet_ms = self->now_ms - s->progress_ms;

            next = s->next;
            if (s->blocked && quiet_ms >= CLOSE_MS) {
                selfstat_add(STAT_SLOW_CLOSED, 1);
                s_end(self, s);
            } else if (!s->blocked && s->now == NULL && quiet_ms >= s->heartbeat_ms) {
                s->now = event_ref(self->comment);
                s->sent = 0;
                if (!s_pump(self, s))
                    s_end(self, s);
            }
        }
    }
}

static void
s_end(stream_hub_t *self, struct stream *s)
{
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        s->group->streams = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    event_unref(&s->now);
    event_ring_unwatch(s->cursor.ring);
    stream_cursor_release(&s->cursor);
    selfstat_add(STAT_STREAMS, (uint64_t) -1);
    stream_hub_release(self);
    s->end(s->arg);
    free(s);
}

static void
s_drop_empty_groups(stream_hub_t *self)
{
    for (struct group **at = &self->groups; *at != NULL;) {
        struct group *g = *at;

        if (g->streams != NULL) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        event_ring_unref(&g->ring);
        free(g);
    }
}

// After the thread has ended.
static void
s_end_all(stream_hub_t *self, struct event *bye)
{
    for (struct group *g = self->groups; g != NULL; g = g->next) {
        for (struct stream *s = g->streams, *next; s != NULL; s = next) {
            next = s->next;
            // Never into the middle of another event.
            if (bye != NULL && s->now == NULL && !s->cursor.plain) {
                s->now = event_ref(bye);
                s->sent = 0;
                s_send(self, s);
            }
            s_end(self, s);
        }
    }
    s_drop_empty_groups(self);
}

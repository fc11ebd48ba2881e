// connection_book - see the header.

#include "dashboard/connection_book.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/tcp.h> // glibc's tcp_info ends before the bytes
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define NET6_BYTES 8 // of an IPv6 address: what one host has to itself

// An IPv4 address whole, of an IPv6 one its net.
struct address {
    uint8_t at[NET6_BYTES];
    uint8_t len;
};

struct connection {
    struct connection *before, *next; // in the book
    int fd;
    bool counted; // against `from`
    struct address from;
    bool whole;        // a request of it is being answered
    int64_t begun_ms;  // when the request began that is coming in; 0: none has
    uint64_t received; // bytes, when the last one was answered
};

struct connection_book {
    struct connection_limits limits;
    struct address *trusted;
    size_t n_trusted;
    pthread_mutex_t lock; // guards what follows
    struct connection *first;
    map_t *counts; // of connections by address; the number is the pointer
};

static bool s_parse(struct address *ret, const char *text);
static bool s_address(struct address *ret, const struct sockaddr *from);
static bool s_v4(struct address *ret, const void *four);
static bool s_v6(struct address *ret, const struct in6_addr *six);
static bool s_exempt(const connection_book_t *self, const struct address *from);
static uintptr_t s_count(const connection_book_t *self, const struct address *from);
static void s_recount(connection_book_t *self, const struct address *from, uintptr_t n);
static uint64_t s_received(int fd);
static bool s_late(const connection_book_t *self, struct connection *c, int64_t now_ms);

connection_book_t *
connection_book_new(const struct connection_limits *limits)
{
    connection_book_t *self = xcalloc(1, sizeof *self);

    self->limits = *limits;
    self->trusted = xcalloc(limits->n_trusted + 1, sizeof *self->trusted);
    for (size_t i = 0; i < limits->n_trusted; i++) {
        if (s_parse(&self->trusted[self->n_trusted], limits->trusted[i]))
            self->n_trusted++;
    }
    self->counts = map_new();
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
connection_book_destroy(connection_book_t **self_p)
{
    connection_book_t *self = *self_p;

    if (self == NULL)
        return;
    assert(self->first == NULL);
    map_destroy(&self->counts);
    pthread_mutex_destroy(&self->lock);
    free(self->trusted);
    free(self);
    *self_p = NULL;
}

bool
connection_book_takes(const char *address)
{
    struct address parsed;

    return s_parse(&parsed, address);
}

bool
connection_book_may(connection_book_t *self, const struct sockaddr *from)
{
    struct address address;
    bool may;

    if (!s_address(&address, from) || s_exempt(self, &address))
        return true;
    pthread_mutex_lock(&self->lock);
    may = s_count(self, &address) < self->limits.per_address;
    pthread_mutex_unlock(&self->lock);
    return may;
}

struct connection *
connection_book_enter(connection_book_t *self, int fd, const struct sockaddr *from, int64_t now_ms)
{
    struct connection *c = xcalloc(1, sizeof *c);

    c->fd = fd;
    c->begun_ms = now_ms > 0 ? now_ms : 1;
    c->counted = s_address(&c->from, from) && !s_exempt(self, &c->from);
    pthread_mutex_lock(&self->lock);
    if (c->counted)
        s_recount(self, &c->from, s_count(self, &c->from) + 1);
    c->next = self->first;
    if (c->next != NULL)
        c->next->before = c;
    self->first = c;
    pthread_mutex_unlock(&self->lock);
    return c;
}

void
connection_book_leave(connection_book_t *self, struct connection *c)
{
    pthread_mutex_lock(&self->lock);
    if (c->counted)
        s_recount(self, &c->from, s_count(self, &c->from) - 1);
    if (c->next != NULL)
        c->next->before = c->before;
    if (c->before != NULL)
        c->before->next = c->next;
    else
        self->first = c->next;
    pthread_mutex_unlock(&self->lock);
    free(c);
}

void
connection_book_whole(connection_book_t *self, struct connection *c)
{
    pthread_mutex_lock(&self->lock);
    c->whole = true;
    pthread_mutex_unlock(&self->lock);
}

void
connection_book_answered(connection_book_t *self, struct connection *c)
{
    pthread_mutex_lock(&self->lock);
    c->whole = false;
    c->begun_ms = 0;
    c->received = s_received(c->fd);
    pthread_mutex_unlock(&self->lock);
}

unsigned
connection_book_sweep(connection_book_t *self, int64_t now_ms)
{
    unsigned shut = 0;

    pthread_mutex_lock(&self->lock);
    for (struct connection *c = self->first; c != NULL; c = c->next) {
        if (!c->whole && s_late(self, c, now_ms)) {
            // Once: what is shut takes no more bytes, and its owner closes it.
            c->whole = true;
            shutdown(c->fd, SHUT_RDWR);
            shut++;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return shut;
}

// Bytes that came since the last answer are a request that has begun.
static bool
s_late(const connection_book_t *self, struct connection *c, int64_t now_ms)
{
    if (c->begun_ms == 0 && s_received(c->fd) > c->received)
        c->begun_ms = now_ms;
    return c->begun_ms != 0 && now_ms - c->begun_ms > self->limits.request_ms;
}

static uint64_t
s_received(int fd)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
        return 0;
    return info.tcpi_bytes_received;
}

static bool
s_parse(struct address *ret, const char *text)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1)
        return s_v4(ret, &four);
    return inet_pton(AF_INET6, text, &six) == 1 && s_v6(ret, &six);
}

// False where it is neither IPv4 nor IPv6.
static bool
s_address(struct address *ret, const struct sockaddr *from)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    *ret = (struct address){ .len = 0 };
    if (from == NULL)
        return false;
    if (from->sa_family == AF_INET) {
        memcpy(&four, from, sizeof four);
        return s_v4(ret, &four.sin_addr);
    }
    if (from->sa_family != AF_INET6)
        return false;
    memcpy(&six, from, sizeof six);
    return s_v6(ret, &six.sin6_addr);
}

static bool
s_v4(struct address *ret, const void *four)
{
    *ret = (struct address){ .len = sizeof(struct in_addr) };
    memcpy(ret->at, four, sizeof(struct in_addr));
    return true;
}

// ::ffff:a.b.c.d is a.b.c.d; ::1 is loopback, and its net nobody else's.
static bool
s_v6(struct address *ret, const struct in6_addr *six)
{
    const uint8_t loopback[] = { 127, 0, 0, 1 };

    if (IN6_IS_ADDR_V4MAPPED(six))
        return s_v4(ret, six->s6_addr + 12);
    if (IN6_IS_ADDR_LOOPBACK(six))
        return s_v4(ret, loopback);
    *ret = (struct address){ .len = NET6_BYTES };
    memcpy(ret->at, six->s6_addr, NET6_BYTES);
    return true;
}

static bool
s_exempt(const connection_book_t *self, const struct address *from)
{
    if (from->len == sizeof(struct in_addr) && from->at[0] == 127)
        return true;
    for (size_t i = 0; i < self->n_trusted; i++) {
        if (self->trusted[i].len == from->len &&
            memcmp(self->trusted[i].at, from->at, from->len) == 0)
            return true;
    }
    return false;
}

static uintptr_t
s_count(const connection_book_t *self, const struct address *from)
{
    return (uintptr_t) map_get(self->counts, from->at, from->len);
}

static void
s_recount(connection_book_t *self, const struct address *from, uintptr_t n)
{
    if (n == 0)
        map_remove(self->counts, from->at, from->len);
    else
        map_put(self->counts, from->at, from->len, (void *) n);
}

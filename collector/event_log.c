// event_log - see the header.
//
// Each event is in two lists, that of all and that of its host, both in the order in which they
// came: so the oldest of all is also the oldest of its host.

#include "collector/event_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

struct entry {
    struct entry *before, *after;           // of all
    struct entry *host_before, *host_after; // of the host
    struct host_list *of;
    uint64_t number; // rises by one with each event, from 1
    uint64_t stream;
    uint64_t seq;
    int64_t time_ms;
    size_t len;
    uint8_t body[]; // `len` bytes, as it came
};

struct host_list {
    uint64_t host;
    struct entry *first, *last;
    size_t n;
    size_t bytes; // of its entries, with what holds them
};

struct event_log {
    pthread_mutex_t lock; // of all that follows
    map_t *hosts;         // host -> struct host_list
    struct entry *first, *last;
    uint64_t given; // numbers
    size_t n;
    size_t bytes;
};

static struct host_list *s_host(event_log_t *self, uint64_t id);
static bool s_has(const struct host_list *host, uint64_t stream, uint64_t seq);
static bool s_has_words(const void *body, size_t len);
static void s_keep(event_log_t *self, struct host_list *host, const struct host_event *of,
                   const void *body, size_t len);
static void s_add(event_log_t *self, struct host_list *host, struct entry *e);
static void s_remove(event_log_t *self, struct entry *e);
static void s_make_room(event_log_t *self, const struct host_list *host);

event_log_t *
event_log_new(void)
{
    event_log_t *self = xcalloc(1, sizeof *self);

    pthread_mutex_init(&self->lock, NULL);
    self->hosts = map_new();
    return self;
}

void
event_log_destroy(event_log_t **self_p)
{
    event_log_t *self = *self_p;
    struct map_entry host;
    size_t at = 0;

    if (self == NULL)
        return;
    for (struct entry *e = self->first, *next; e != NULL; e = next) {
        next = e->after;
        s_remove(self, e);
    }
    while (map_next(self->hosts, &at, &host))
        free(host.value);
    map_destroy(&self->hosts);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

int
event_log_take(event_log_t *self, struct host_event *ret, uint64_t host,
               const struct record *record, int64_t now_ms)
{
    struct host_list *list;
    bool is_new;

    if (!s_has_words(record->body, record->body_len))
        return ERR_FORMAT;
    *ret = (struct host_event){ .host = host, .stream = record->stream, .seq = record->seq };
    // An event may tell of the very step that put the clock ahead: it is not refused for that.
    ret->time_ms = record->t0_ms > now_ms + EVENT_LOG_FUTURE_MS ? now_ms : record->t0_ms;

    pthread_mutex_lock(&self->lock);
    list = s_host(self, host);
    is_new = !s_has(list, record->stream, record->seq);
    if (is_new)
        s_keep(self, list, ret, record->body, record->body_len);
    pthread_mutex_unlock(&self->lock);
    return is_new ? 1 : 0;
}

int
event_log_restore(event_log_t *self, const struct host_event *of, const void *body, size_t len)
{
    if (!s_has_words(body, len))
        return ERR_FORMAT;
    pthread_mutex_lock(&self->lock);
    s_keep(self, s_host(self, of->host), of, body, len);
    pthread_mutex_unlock(&self->lock);
    return 0;
}

void
event_log_forget(event_log_t *self, uint64_t id)
{
    struct host_list *host;
    struct entry *e, *next;

    pthread_mutex_lock(&self->lock);
    host = map_remove_u64(self->hosts, id);
    for (e = host != NULL ? host->first : NULL; e != NULL; e = next) {
        next = e->host_after;
        s_remove(self, e);
    }
    free(host);
    pthread_mutex_unlock(&self->lock);
}

size_t
event_log_count(event_log_t *self)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    n = self->n;
    pthread_mutex_unlock(&self->lock);
    return n;
}

bool
event_log_put(event_log_t *self, struct event_window *w, size_t most, struct buf *out, uint32_t *n)
{
    const struct host_list *host;
    const struct entry *e;

    pthread_mutex_lock(&self->lock);
    host = w->host != 0 ? map_get_u64(self->hosts, w->host) : NULL;
    e = w->host == 0 ? self->first : host != NULL ? host->first : NULL;
    for (; e != NULL && out->len < most; e = w->host == 0 ? e->after : e->host_after) {
        if (e->number <= w->after)
            continue;
        w->after = e->number;
        if (e->time_ms < w->start_ms || e->time_ms > w->end_ms)
            continue;
        host_event_put_item(
            out,
            &(struct host_event){
                .host = e->of->host, .stream = e->stream, .seq = e->seq, .time_ms = e->time_ms },
            e->body, e->len);
        ++*n;
    }
    pthread_mutex_unlock(&self->lock);
    return e != NULL;
}

// Made where it is missing.
static struct host_list *
s_host(event_log_t *self, uint64_t id)
{
    struct host_list *host = map_get_u64(self->hosts, id);

    if (host == NULL) {
        host = xcalloc(1, sizeof *host);
        host->host = id;
        map_put_u64(self->hosts, id, host);
    }
    return host;
}

// From the newest on: what comes again has come lately.
static bool
s_has(const struct host_list *host, uint64_t stream, uint64_t seq)
{
    for (const struct entry *e = host->last; e != NULL; e = e->host_before)
        if (e->stream == stream && e->seq == seq)
            return true;
    return false;
}

static bool
s_has_words(const void *body, size_t len)
{
    struct host_event event;

    if (host_event_take(&event, body, len) < 0)
        return false;
    host_event_release(&event);
    return true;
}

static void
s_keep(event_log_t *self, struct host_list *host, const struct host_event *of, const void *body,
       size_t len)
{
    struct entry *e = xcalloc(1, sizeof *e + len);

    e->stream = of->stream;
    e->seq = of->seq;
    e->time_ms = of->time_ms;
    e->len = len;
    memcpy(e->body, body, len);
    s_add(self, host, e);
    s_make_room(self, host);
}

static void
s_add(event_log_t *self, struct host_list *host, struct entry *e)
{
    e->of = host;
    e->number = ++self->given;
    e->before = self->last;
    e->host_before = host->last;
    *(self->last != NULL ? &self->last->after : &self->first) = e;
    *(host->last != NULL ? &host->last->host_after : &host->first) = e;
    self->last = host->last = e;
    self->n++;
    host->n++;
    self->bytes += sizeof *e + e->len;
    host->bytes += sizeof *e + e->len;
}

static void
s_remove(event_log_t *self, struct entry *e)
{
    struct host_list *host = e->of;

    *(e->before != NULL ? &e->before->after : &self->first) = e->after;
    *(e->after != NULL ? &e->after->before : &self->last) = e->before;
    *(e->host_before != NULL ? &e->host_before->host_after : &host->first) = e->host_after;
    *(e->host_after != NULL ? &e->host_after->host_before : &host->last) = e->host_before;
    self->n--;
    host->n--;
    self->bytes -= sizeof *e + e->len;
    host->bytes -= sizeof *e + e->len;
    free(e);
}

// The one that came last is never what makes room: it is far below every limit.
static void
s_make_room(event_log_t *self, const struct host_list *host)
{
    struct entry *e, *next;

    for (e = host->first; host->n > EVENT_LOG_HOST || host->bytes > EVENT_LOG_HOST_BYTES;
         e = next) {
        next = e->host_after;
        s_remove(self, e);
    }
    for (e = self->first; self->n > EVENT_LOG_MOST || self->bytes > EVENT_LOG_BYTES; e = next) {
        next = e->after;
        s_remove(self, e);
    }
}

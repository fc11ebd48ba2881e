// event_ring - the last events of one view, for any number of readers at their own pace.

#include "dashboard/event_ring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

// A snapshot this many events old still joins: the ring has what came after it. It keeps a joiner
// from asking twice when an event comes between the snapshot and its reading.
#define SNAP_AGE_MAX 4

struct event_ring {
    atomic_uint refs;
    atomic_uint watchers;
    pthread_mutex_t lock;                // guards what follows
    struct event *kept[EVENT_RING_SIZE]; // event seq stands at seq % EVENT_RING_SIZE
    uint64_t first;                      // oldest kept; last + 1 when there is none
    uint64_t last;                       // newest
    uint64_t bytes;                      // ever published
    struct event *snap;                  // or NULL
    bool wanted;                         // somebody waits for a snapshot
};

static const char *s_line(const struct event *e, const char *field, size_t *len_ret);

struct event *
event_new(uint64_t seq, const void *at, size_t len)
{
    struct event *e = xmalloc(sizeof *e + len);

    atomic_init(&e->refs, 1);
    e->kind = EVENT_OTHER;
    e->time_ms = 0;
    e->seq = seq;
    e->end = 0;
    e->len = len;
    memcpy(e->at, at, len);
    return e;
}

struct event *
event_ref(struct event *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

const char *
event_name(const struct event *e, size_t *len_ret)
{
    return s_line(e, "event: ", len_ret);
}

const char *
event_data(const struct event *e, size_t *len_ret)
{
    return s_line(e, "data: ", len_ret);
}

void
event_unref(struct event **e_p)
{
    struct event *e = *e_p;

    *e_p = NULL;
    if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        free(e);
}

event_ring_t *
event_ring_new(uint64_t base)
{
    event_ring_t *self = xcalloc(1, sizeof *self);

    atomic_init(&self->refs, 1);
    atomic_init(&self->watchers, 0);
    pthread_mutex_init(&self->lock, NULL);
    self->first = base + 1;
    self->last = base;
    return self;
}

event_ring_t *
event_ring_ref(event_ring_t *self)
{
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return self;
}

void
event_ring_unref(event_ring_t **self_p)
{
    event_ring_t *self = *self_p;

    *self_p = NULL;
    if (self == NULL || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < EVENT_RING_SIZE; i++)
        event_unref(&self->kept[i]);
    event_unref(&self->snap);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

// What follows the field's name on its line; empty where there is no such line.
static const char *
s_line(const struct event *e, const char *field, size_t *len_ret)
{
    const size_t n = strlen(field);

    for (const char *at = e->at, *end = e->at + e->len; at < end;) {
        const char *eol = memchr(at, '\n', (size_t) (end - at));

        eol = eol != NULL ? eol : end;
        if ((size_t) (eol - at) >= n && memcmp(at, field, n) == 0) {
            *len_ret = (size_t) (eol - at) - n;
            return at + n;
        }
        at = eol + 1;
    }
    *len_ret = 0;
    return "";
}

void
event_ring_publish(event_ring_t *self, struct event *e)
{
    struct event **slot = &self->kept[e->seq % EVENT_RING_SIZE];
    struct event *old;

    pthread_mutex_lock(&self->lock);
    assert(e->seq == self->last + 1);
    self->bytes += e->len;
    e->end = self->bytes;
    old = *slot;
    *slot = e;
    self->last = e->seq;
    if (old != NULL)
        self->first = old->seq + 1;
    pthread_mutex_unlock(&self->lock);
    event_unref(&old);
}

void
event_ring_set_snap(event_ring_t *self, struct event *e)
{
    struct event *old;

    pthread_mutex_lock(&self->lock);
    old = self->snap;
    self->snap = e;
    self->wanted = false;
    pthread_mutex_unlock(&self->lock);
    event_unref(&old);
}

uint64_t
event_ring_last(event_ring_t *self)
{
    uint64_t last;

    pthread_mutex_lock(&self->lock);
    last = self->last;
    pthread_mutex_unlock(&self->lock);
    return last;
}

enum event_read
event_ring_read(event_ring_t *self, uint64_t seq, struct event **ret, uint64_t *behind_ret)
{
    enum event_read found = EVENT_PASSED;

    pthread_mutex_lock(&self->lock);
    if (seq >= self->first && seq <= self->last) {
        struct event *e = self->kept[seq % EVENT_RING_SIZE];

        *ret = event_ref(e);
        *behind_ret = self->bytes - e->end + e->len;
        found = EVENT_FOUND;
    } else if (seq == self->last + 1) {
        found = EVENT_NONE;
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

struct event *
event_ring_snap(event_ring_t *self, bool *asked_ret)
{
    struct event *snap = NULL;

    *asked_ret = false;
    pthread_mutex_lock(&self->lock);
    if (self->snap != NULL && self->snap->seq + SNAP_AGE_MAX >= self->last) {
        snap = event_ref(self->snap);
    } else if (!self->wanted) {
        self->wanted = true;
        *asked_ret = true;
    }
    pthread_mutex_unlock(&self->lock);
    return snap;
}

bool
event_ring_wanted(event_ring_t *self)
{
    bool wanted;

    pthread_mutex_lock(&self->lock);
    wanted = self->wanted;
    pthread_mutex_unlock(&self->lock);
    return wanted;
}

void
event_ring_watch(event_ring_t *self)
{
    atomic_fetch_add_explicit(&self->watchers, 1, memory_order_relaxed);
}

void
event_ring_unwatch(event_ring_t *self)
{
    atomic_fetch_sub_explicit(&self->watchers, 1, memory_order_relaxed);
}

unsigned
event_ring_watchers(event_ring_t *self)
{
    return atomic_load_explicit(&self->watchers, memory_order_relaxed);
}

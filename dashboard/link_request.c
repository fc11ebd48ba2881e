// link_request - a question to the collector on its way through our threads, and its answer.

#include "dashboard/link_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"

struct link_request *
link_request_new(enum link_ask ask)
{
    struct link_request *self = xcalloc(1, sizeof *self);

    self->ask = ask;
    return self;
}

void
link_request_destroy(struct link_request **self_p)
{
    struct link_request *self = *self_p;

    if (self == NULL)
        return;
    if (self->ring != NULL)
        event_ring_unwatch(self->ring);
    event_ring_unref(&self->ring);
    event_unref(&self->snap);
    fact_table_unref(&self->facts);
    host_info_release(&self->info);
    link_replies_free(self->replies, self->n_replies);
    buf_release(&self->text);
    free(self->host);
    free(self);
    *self_p = NULL;
}

void
link_request_end(struct link_request *self, enum link_status status, const char *error)
{
    self->status = status;
    snprintf(self->error, sizeof self->error, "%s", error);
    self->done(self);
}

void
link_replies_free(struct buf *replies, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_release(&replies[i]);
    free(replies);
}

// What the elements of an answer are. `take` leaves nothing to be released where it fails.
struct element {
    size_t size;
    int (*take)(struct rbuf *r, void *ret);
    void (*release)(void *element);
};

#define ELEMENT(name, type, take_one, release_one)      \
    static int s_take_##name(struct rbuf *r, void *ret) \
    {                                                   \
        type *element = ret;                            \
                                                        \
        *element = (type){ 0 };                         \
        return take_one(r, element);                    \
    }                                                   \
    static void s_release_##name(void *element)         \
    {                                                   \
        release_one(element);                           \
    }                                                   \
    static const struct element s_##name = { sizeof(type), s_take_##name, s_release_##name }

ELEMENT(series, struct query_series, query_take_series, query_series_release);
ELEMENT(hosts, struct host_info, host_info_take, host_info_release);
ELEMENT(ledgers, struct query_ledger, query_take_ledger, query_ledger_release);
static void
s_nothing(struct query_away *away)
{
    (void) away; // it holds nothing
}
ELEMENT(away, struct query_away, query_take_away, s_nothing);
ELEMENT(events, struct host_event, host_event_take_item, host_event_release);

static void
s_free(const struct element *is, void *elements, size_t n)
{
    for (size_t i = 0; i < n; i++)
        is->release((char *) elements + i * is->size);
    free(elements);
}

// The elements of all parts of an answer, one array. Room is made as they come: a part may tell of
// more than it has.
static int
s_take(const struct element *is, void **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    size_t taken = 0, size = 16;
    char *elements = xcalloc(size, is->size);

    for (size_t i = 0; i < n; i++) {
        struct query_reply reply;
        struct rbuf r;

        if (query_take_reply(&reply, &r, replies[i].at, replies[i].len) != 0)
            goto fail;
        for (uint32_t k = 0; k < reply.n; k++) {
            if (taken == size) {
                size *= 2;
                elements = xrealloc(elements, size, is->size);
            }
            if (is->take(&r, elements + taken * is->size) != 0)
                goto fail;
            taken++;
        }
    }
    *ret = elements;
    *n_ret = taken;
    return 0;

fail:
    s_free(is, elements, taken);
    return ERR_FORMAT;
}

int
link_series_take(struct query_series **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    void *elements;
    const int rc = s_take(&s_series, &elements, n_ret, replies, n);

    if (rc == 0)
        *ret = elements;
    return rc;
}

void
link_series_free(struct query_series *series, size_t n)
{
    s_free(&s_series, series, n);
}

int
link_hosts_take(struct host_info **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    void *elements;
    const int rc = s_take(&s_hosts, &elements, n_ret, replies, n);

    if (rc == 0)
        *ret = elements;
    return rc;
}

void
link_hosts_free(struct host_info *hosts, size_t n)
{
    s_free(&s_hosts, hosts, n);
}

int
link_ledgers_take(struct query_ledger **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    void *elements;
    const int rc = s_take(&s_ledgers, &elements, n_ret, replies, n);

    if (rc == 0)
        *ret = elements;
    return rc;
}

void
link_ledgers_free(struct query_ledger *ledgers, size_t n)
{
    s_free(&s_ledgers, ledgers, n);
}

int
link_away_take(struct query_away **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    void *elements;
    const int rc = s_take(&s_away, &elements, n_ret, replies, n);

    if (rc == 0)
        *ret = elements;
    return rc;
}

int
link_events_take(struct host_event **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    void *elements;
    const int rc = s_take(&s_events, &elements, n_ret, replies, n);

    if (rc == 0)
        *ret = elements;
    return rc;
}

void
link_events_free(struct host_event *events, size_t n)
{
    s_free(&s_events, events, n);
}

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

int
link_series_take(struct query_series **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    struct query_series *series = NULL;
    size_t taken = 0;

    for (size_t i = 0; i < n; i++) {
        struct query_reply reply;
        struct rbuf r;

        if (query_take_reply(&reply, &r, replies[i].at, replies[i].len) != 0)
            goto fail;
        series = xrealloc(series, taken + reply.n + 1, sizeof *series);
        for (uint32_t k = 0; k < reply.n; k++) {
            series[taken] = (struct query_series){ 0 };
            if (query_take_series(&r, &series[taken]) != 0)
                goto fail;
            taken++;
        }
    }
    *ret = series;
    *n_ret = taken;
    return 0;

fail:
    link_series_free(series, taken);
    return ERR_FORMAT;
}

void
link_series_free(struct query_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++)
        query_series_release(&series[i]);
    free(series);
}

int
link_hosts_take(struct host_info **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    struct host_info *hosts = NULL;
    size_t taken = 0;

    for (size_t i = 0; i < n; i++) {
        struct query_reply reply;
        struct rbuf r;

        if (query_take_reply(&reply, &r, replies[i].at, replies[i].len) != 0)
            goto fail;
        hosts = xrealloc(hosts, taken + reply.n + 1, sizeof *hosts);
        for (uint32_t k = 0; k < reply.n; k++) {
            hosts[taken] = (struct host_info){ 0 };
            if (host_info_take(&r, &hosts[taken]) != 0)
                goto fail;
            taken++;
        }
    }
    *ret = hosts;
    *n_ret = taken;
    return 0;

fail:
    link_hosts_free(hosts, taken);
    return ERR_FORMAT;
}

void
link_hosts_free(struct host_info *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        host_info_release(&hosts[i]);
    free(hosts);
}

int
link_ledgers_take(struct query_ledger **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    struct query_ledger *ledgers = NULL;
    size_t taken = 0;

    for (size_t i = 0; i < n; i++) {
        struct query_reply reply;
        struct rbuf r;

        if (query_take_reply(&reply, &r, replies[i].at, replies[i].len) != 0)
            goto fail;
        for (uint32_t k = 0; k < reply.n; k++) {
            struct query_ledger ledger;

            if (query_take_ledger(&r, &ledger) != 0)
                goto fail;
            ledgers = xrealloc(ledgers, taken + 1, sizeof *ledgers);
            ledgers[taken++] = ledger;
        }
    }
    *ret = ledgers;
    *n_ret = taken;
    return 0;

fail:
    link_ledgers_free(ledgers, taken);
    return ERR_FORMAT;
}

void
link_ledgers_free(struct query_ledger *ledgers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        query_ledger_release(&ledgers[i]);
    free(ledgers);
}

int
link_events_take(struct host_event **ret, size_t *n_ret, const struct buf *replies, size_t n)
{
    struct host_event *events = NULL;
    size_t taken = 0;

    for (size_t i = 0; i < n; i++) {
        struct query_reply reply;
        struct rbuf r;

        if (query_take_reply(&reply, &r, replies[i].at, replies[i].len) != 0)
            goto fail;
        events = xrealloc(events, taken + reply.n + 1, sizeof *events);
        for (uint32_t k = 0; k < reply.n; k++) {
            if (host_event_take_item(&r, &events[taken]) != 0)
                goto fail;
            taken++;
        }
    }
    *ret = events;
    *n_ret = taken;
    return 0;

fail:
    link_events_free(events, taken);
    return ERR_FORMAT;
}

void
link_events_free(struct host_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        host_event_release(&events[i]);
    free(events);
}

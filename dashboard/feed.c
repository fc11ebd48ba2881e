// feed - what all applications send, as the events of /feed.

#include "dashboard/feed.h"

#include <stdlib.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/feed_host.h"
#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/live.h"

// One of the two rings.
struct channel {
    event_ring_t *ring;
    struct buf text; // since the last flush
};

struct feed {
    struct feed_io io;
    struct channel apps;
    struct channel all;
    bool wants_apps; // subscribed
    bool wants_hosts;
    map_t *hosts; // struct feed_host, ours
    struct buf event;
    struct live_row cells;
};

static void s_want(feed_t *self);
static void s_forget(feed_t *self);
static struct feed_host *s_host(feed_t *self, uint64_t host);
static void s_publish(feed_t *self, struct channel *c);

feed_t *
feed_new(const struct feed_io *io)
{
    feed_t *self = xcalloc(1, sizeof *self);

    self->io = *io;
    self->apps.ring = event_ring_new(0);
    self->all.ring = event_ring_new(0);
    self->hosts = map_new();
    return self;
}

void
feed_destroy(feed_t **self_p)
{
    feed_t *self = *self_p;

    if (self == NULL)
        return;
    s_forget(self);
    map_destroy(&self->hosts);
    event_ring_unref(&self->apps.ring);
    event_ring_unref(&self->all.ring);
    buf_release(&self->apps.text);
    buf_release(&self->all.text);
    buf_release(&self->event);
    live_row_release(&self->cells);
    free(self);
    *self_p = NULL;
}

event_ring_t *
feed_watch(feed_t *self, bool with_hosts)
{
    event_ring_t *ring = with_hosts ? self->all.ring : self->apps.ring;

    event_ring_watch(ring);
    s_want(self);
    return event_ring_ref(ring);
}

void
feed_take(feed_t *self, const struct feed_message *m, int64_t now_ms)
{
    const bool app = m->kind == LIVE_APP_ROWS;
    struct feed_host *host;
    struct live_header h;
    struct rbuf r;

    if (app ? !self->wants_apps : !self->wants_hosts)
        return;
    if (live_take(&h, &r, m->at, m->n) != 0)
        return; // who follows this host has counted it
    host = s_host(self, m->host);
    if (h.type == LIVE_TABLE) {
        feed_host_table(host, m->kind, &h, &r, m->interval_ms);
        return;
    }
    self->cells.n = 0;
    if (h.type != LIVE_ROW || live_take_row(&r, &self->cells) != 0)
        return;
    buf_clear(&self->event);
    if (!feed_host_row(host, m->kind, &h, &self->cells, &self->event)) {
        if (feed_host_may_ask(host, now_ms))
            self->io.ask_table(self->io.arg, m->host);
        return;
    }
    if (app && event_ring_watchers(self->apps.ring) > 0)
        buf_bytes(&self->apps.text, self->event.at, self->event.len);
    if (self->wants_hosts)
        buf_bytes(&self->all.text, self->event.at, self->event.len);
}

void
feed_flush(feed_t *self)
{
    s_publish(self, &self->apps);
    s_publish(self, &self->all);
}

void
feed_check(feed_t *self)
{
    if (self->wants_apps || self->wants_hosts)
        s_want(self);
}

// Subscribes to what somebody listens to, and to nothing else.
static void
s_want(feed_t *self)
{
    const bool hosts = event_ring_watchers(self->all.ring) > 0;
    const bool apps = hosts || event_ring_watchers(self->apps.ring) > 0;

    if (apps != self->wants_apps)
        self->io.subscribe(self->io.arg, LIVE_APP_ROWS, apps);
    if (hosts != self->wants_hosts)
        self->io.subscribe(self->io.arg, LIVE_HOST_ROWS, hosts);
    self->wants_apps = apps;
    self->wants_hosts = hosts;
    if (!apps)
        s_forget(self);
}

static void
s_forget(feed_t *self)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        struct feed_host *host = entry.value;

        feed_host_destroy(&host);
    }
    map_destroy(&self->hosts);
    self->hosts = map_new();
    buf_clear(&self->apps.text);
    buf_clear(&self->all.text);
}

static struct feed_host *
s_host(feed_t *self, uint64_t host)
{
    struct feed_host *h = map_get_u64(self->hosts, host);

    if (h == NULL) {
        h = feed_host_new(host);
        map_put_u64(self->hosts, host, h);
    }
    return h;
}

static void
s_publish(feed_t *self, struct channel *c)
{
    if (c->text.len == 0)
        return;
    selfstat_add(STAT_EVENTS_ENCODED, 1);
    event_ring_publish(c->ring, event_new(event_ring_last(c->ring) + 1, c->text.at, c->text.len));
    buf_clear(&c->text);
    self->io.published(self->io.arg);
}

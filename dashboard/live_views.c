// live_views - the views that somebody watches: feeds in, events of their rings out.

#include "dashboard/live_views.h"

#include <stdlib.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/event_encode.h"
#include "shared/base/clock.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define INTERVAL_DEFAULT_MS 1000 // of a host that has not said it

struct live_view {
    uint64_t host;
    live_feed_t *feed;
    event_ring_t *ring;
    struct host_info info;
    int64_t watched_ms;             // last time that somebody did
    struct live_feed_counters told; // what is already in the program's counters
    struct live_view *next;
};

struct live_views {
    struct live_views_io io;
    const char *boot;
    map_t *by_host;
    struct live_view *all;
    uint64_t base; // numbers up to here were used by views that are gone
};

static int64_t s_interval(const struct host_info *info);
static struct live_view *s_new(live_views_t *self, const struct host_info *info, int64_t now_ms);
static void s_destroy(live_views_t *self, struct live_view *v);
static void s_do(live_views_t *self, struct live_view *v, unsigned todo);
static void s_ask_window(live_views_t *self, const struct live_view *v);
static struct event_view s_event_view(const live_views_t *self, const struct live_view *v);
static struct event *s_snap(live_views_t *self, struct live_view *v, uint64_t seq);
static void s_publish(live_views_t *self, struct live_view *v, struct event *e);
static void s_tick(live_views_t *self, struct live_view *v);
static void s_count(struct live_view *v);

live_views_t *
live_views_new(const char *boot, const struct live_views_io *io)
{
    live_views_t *self = xcalloc(1, sizeof *self);

    self->io = *io;
    self->boot = boot;
    self->by_host = map_new();
    return self;
}

void
live_views_destroy(live_views_t **self_p)
{
    live_views_t *self = *self_p;

    if (self == NULL)
        return;
    while (self->all != NULL) {
        struct live_view *v = self->all;

        self->all = v->next;
        s_destroy(self, v);
    }
    map_destroy(&self->by_host);
    free(self);
    *self_p = NULL;
}

event_ring_t *
live_views_watch(live_views_t *self, const struct host_info *info, int64_t now_ms)
{
    struct live_view *v = map_get_u64(self->by_host, info->host);

    if (v == NULL)
        v = s_new(self, info, now_ms);
    v->watched_ms = now_ms;
    event_ring_watch(v->ring);
    return event_ring_ref(v->ring);
}

void
live_views_message(live_views_t *self, uint64_t host, char kind, const void *at, size_t n,
                   int64_t now_ms)
{
    struct live_view *v = map_get_u64(self->by_host, host);

    if (v != NULL)
        s_do(self, v, live_feed_message(v->feed, kind, at, n, now_ms));
}

void
live_views_answer(live_views_t *self, uint64_t host, const struct live_answer *answer,
                  int64_t now_ms)
{
    struct live_view *v = map_get_u64(self->by_host, host);

    if (v != NULL)
        s_do(self, v, live_feed_answer(v->feed, answer, now_ms));
}

void
live_views_host(live_views_t *self, const struct host_info *info, int64_t now_ms)
{
    struct live_view *v = map_get_u64(self->by_host, info->host);
    bool changed;

    if (v == NULL)
        return;
    changed = info->state != v->info.state;
    host_info_release(&v->info);
    host_info_copy(&v->info, info);
    s_do(self, v, live_feed_set_interval(v->feed, s_interval(info), now_ms));
    if (changed && live_feed_joined(v->feed)) {
        const struct event_view ev = s_event_view(self, v);

        s_publish(self, v, event_encode_host(&ev, event_ring_last(v->ring) + 1, info->since_ms));
    }
}

void
live_views_filled(live_views_t *self, const struct live_filled *filled, int64_t now_ms)
{
    struct live_view *v = map_get_u64(self->by_host, filled->host);
    struct event_view ev;

    if (v == NULL || !live_feed_joined(v->feed))
        return;
    ev = s_event_view(self, v);
    s_publish(self, v, event_encode_filled(&ev, event_ring_last(v->ring) + 1, filled));
    s_do(self, v, live_feed_filled(v->feed, filled->to_ms, now_ms));
}

void
live_views_note(live_views_t *self, const struct host_event *note)
{
    struct live_view *v = map_get_u64(self->by_host, note->host);
    struct event_view ev;

    if (v == NULL || !live_feed_joined(v->feed))
        return;
    ev = s_event_view(self, v);
    s_publish(self, v, event_encode_note(&ev, event_ring_last(v->ring) + 1, note));
}

void
live_views_check(live_views_t *self, int64_t now_ms)
{
    for (struct live_view **at = &self->all; *at != NULL;) {
        struct live_view *v = *at;

        if (event_ring_watchers(v->ring) > 0)
            v->watched_ms = now_ms;
        if (now_ms - v->watched_ms >= LIVE_VIEWS_LINGER_MS) {
            *at = v->next;
            map_remove_u64(self->by_host, v->host);
            s_destroy(self, v);
            continue;
        }
        s_do(self, v, live_feed_check(v->feed, now_ms));
        // One encoding for all who join at this event.
        if (live_feed_joined(v->feed) && event_ring_wanted(v->ring)) {
            event_ring_set_snap(v->ring, s_snap(self, v, event_ring_last(v->ring)));
            self->io.published(self->io.arg);
        }
        at = &v->next;
    }
}

static int64_t
s_interval(const struct host_info *info)
{
    return info->interval_ms > 0 ? (int64_t) info->interval_ms : INTERVAL_DEFAULT_MS;
}

static struct live_view *
s_new(live_views_t *self, const struct host_info *info, int64_t now_ms)
{
    struct live_view *v = xcalloc(1, sizeof *v);

    v->host = info->host;
    v->feed = live_feed_new(s_interval(info), now_ms);
    // Never a number that an earlier view of this process had: a reader could resume from it.
    v->ring = event_ring_new(self->base);
    host_info_copy(&v->info, info);
    v->next = self->all;
    self->all = v;
    map_put_u64(self->by_host, v->host, v);
    selfstat_add(STAT_VIEWS, 1);
    self->io.subscribe(self->io.arg, v->host, true);
    return v;
}

// After it was taken off the list.
static void
s_destroy(live_views_t *self, struct live_view *v)
{
    const uint64_t last = event_ring_last(v->ring);

    self->io.subscribe(self->io.arg, v->host, false);
    if (last > self->base)
        self->base = last;
    s_count(v);
    live_feed_destroy(&v->feed);
    event_ring_unref(&v->ring);
    host_info_release(&v->info);
    free(v);
    selfstat_add(STAT_VIEWS, (uint64_t) -1);
}

static void
s_do(live_views_t *self, struct live_view *v, unsigned todo)
{
    if ((todo & LIVE_TICK) != 0)
        s_tick(self, v);
    if ((todo & LIVE_SNAP) != 0) {
        struct event *snap = s_snap(self, v, event_ring_last(v->ring) + 1);

        event_ring_set_snap(v->ring, event_ref(snap));
        s_publish(self, v, snap);
    }
    if ((todo & LIVE_ASK_TABLE) != 0)
        self->io.ask_table(self->io.arg, v->host);
    if ((todo & LIVE_ASK_WINDOW) != 0)
        s_ask_window(self, v);
    s_count(v);
}

static void
s_ask_window(live_views_t *self, const struct live_view *v)
{
    const struct view_window *w = live_feed_window(v->feed);
    const size_t rows = view_window_rows(w);
    int64_t newest_ms = v->info.last_ms;

    if (rows > 0 && view_window_time(w, rows - 1) > newest_ms)
        newest_ms = view_window_time(w, rows - 1);
    if (newest_ms == 0)
        newest_ms = clock_real_ms();
    self->io.ask_window(self->io.arg, v->host, live_feed_ask(v->feed, newest_ms));
}

static struct event_view
s_event_view(const live_views_t *self, const struct live_view *v)
{
    struct event_view ev = { .boot = self->boot, .host = &v->info };

    ev.n_columns = live_feed_columns(v->feed, &ev.columns);
    ev.interval_ms = live_feed_interval(v->feed);
    ev.facts = live_feed_facts(v->feed);
    return ev;
}

static struct event *
s_snap(live_views_t *self, struct live_view *v, uint64_t seq)
{
    const struct event_view ev = s_event_view(self, v);

    selfstat_add(STAT_EVENTS_ENCODED, 1);
    return event_encode_snap(&ev, seq, live_feed_window(v->feed));
}

static void
s_publish(live_views_t *self, struct live_view *v, struct event *e)
{
    event_ring_publish(v->ring, e);
    self->io.published(self->io.arg);
}

static void
s_tick(live_views_t *self, struct live_view *v)
{
    const struct event_view ev = s_event_view(self, v);
    const struct view_window *w = live_feed_window(v->feed);
    const size_t newest = view_window_rows(w) - 1;

    selfstat_add(STAT_EVENTS_ENCODED, 1);
    s_publish(self, v,
              event_encode_tick(&ev, event_ring_last(v->ring) + 1, view_window_time(w, newest),
                                view_window_row(w, newest)));
}

// Feeds count for themselves; the program's counters get what is new.
static void
s_count(struct live_view *v)
{
    const struct live_feed_counters *c = live_feed_counters(v->feed);

    selfstat_add(STAT_REJOINS, c->rejoins - v->told.rejoins);
    selfstat_add(STAT_ROWS_LATE, c->late - v->told.late);
    selfstat_add(STAT_LINK_MALFORMED, c->malformed - v->told.malformed);
    v->told = *c;
}

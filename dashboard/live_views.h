// live_views - the views that somebody watches: feeds in, events of their rings out.
//
// In:     hosts to be watched; what the collector publishes and answers; a clock.
// Out:    events, each encoded once, into the ring of their view; asks by the functions given.
// Order:  watched -> followed -> nobody watches for 10 s -> given up.
// Thread: one owner; readers of the rings are elsewhere.

#ifndef DASHBOARD_LIVE_VIEWS_H
#define DASHBOARD_LIVE_VIEWS_H

#include <stddef.h>
#include <stdint.h>

#include "dashboard/event_ring.h"
#include "dashboard/live_feed.h"
#include "shared/wire/live.h"

#define LIVE_VIEWS_LINGER_MS 10000

typedef struct live_views live_views_t;

struct live_views_io {
    void *arg;
    void (*subscribe)(void *arg, uint64_t host, bool on); // both topics
    void (*ask_table)(void *arg, uint64_t host);          // of both
    void (*ask_window)(void *arg, uint64_t host, struct live_ask ask);
    void (*published)(void *arg); // some ring has something new
};

// `boot` is ours to use as long as it lives. Times are of a clock that never steps.
live_views_t *live_views_new(const char *boot, const struct live_views_io *io);
void live_views_destroy(live_views_t **self_p);

// The ring of the host's view: one reference and one watch for the caller.
event_ring_t *live_views_watch(live_views_t *self, const struct host_info *info, int64_t now_ms);
// A message of the topic m/<host> or a/<host>; of a host that is not watched, nothing happens.
void live_views_message(live_views_t *self, uint64_t host, char kind, const void *at, size_t n,
                        int64_t now_ms);
void live_views_answer(live_views_t *self, uint64_t host, const struct live_answer *answer,
                       int64_t now_ms);
// What is known of a host now; an event if its state is another one.
void live_views_host(live_views_t *self, const struct host_info *info, int64_t now_ms);
// What came late of a host is stored now: an event, and the window anew where it lies in that.
void live_views_filled(live_views_t *self, const struct live_filled *filled, int64_t now_ms);
// Something happened on a host: an event for who watches it. What came before the first window is
// in the collector's answer to who asks after that.
void live_views_note(live_views_t *self, const struct host_event *note);
// Some times a second, and when a ring wants a snapshot.
void live_views_check(live_views_t *self, int64_t now_ms);

#endif

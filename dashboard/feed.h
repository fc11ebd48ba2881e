// feed - what all applications send, as the events of /feed.
//
// In:     TABLEs and ROWs of a/ (and m/) of all hosts; who listens.
// Out:    unnamed server-sent events, one a sample of an application:
//         {"color":TEXT|null,"timestamp":ISO 8601,"cpu":percent of one core,"mem":MiB}; null for
//         what the sample lacks. In a second ring also the hosts: cpu percent of all cores, used
//         memory, and a colour made from the host's id.
// Order:  somebody listens -> subscribed -> nobody does -> unsubscribed, all forgotten.
// Thread: one owner; readers of the rings are elsewhere.
// Loss:   rows of a table that is not known yet: it is asked for. What came before one listens is
//         not sent.

#ifndef DASHBOARD_FEED_H
#define DASHBOARD_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/event_ring.h"

typedef struct feed feed_t;

struct feed_io {
    void *arg;
    void (*subscribe)(void *arg, char kind, bool on); // to this kind of topic, of all hosts
    void (*ask_table)(void *arg, uint64_t host);
    void (*published)(void *arg); // a ring has something new
};

feed_t *feed_new(const struct feed_io *io);
void feed_destroy(feed_t **self_p);

// The ring with or without hosts: one reference and one watch for the caller.
event_ring_t *feed_watch(feed_t *self, bool with_hosts);

// A message of a topic. The interval is that of the host's ticks. now_ms is a clock that never
// steps, here and below.
struct feed_message {
    uint64_t host;
    char kind; // of the topic
    const void *at;
    size_t n;
    int64_t interval_ms;
};
void feed_take(feed_t *self, const struct feed_message *m, int64_t now_ms);
// What the messages since the last call made becomes one entry of the rings: a reader may then be
// a burst behind and miss nothing.
void feed_flush(feed_t *self);
// Some times a second: who does still listen?
void feed_check(feed_t *self);

#endif

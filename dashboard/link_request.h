// link_request - a question to the collector on its way through our threads, and its answer.
//
// Whoever asks makes it by link_request_new; from collector_link_ask to done() it is the link's.

#ifndef DASHBOARD_LINK_REQUEST_H
#define DASHBOARD_LINK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/event_ring.h"
#include "dashboard/fact_table.h"
#include "shared/base/buf.h"
#include "shared/wire/query_away.h"
#include "shared/wire/query_ledger.h"
#include "shared/wire/query_msg.h"

enum link_ask {
    LINK_HOSTS,  // all hosts
    LINK_FACTS,  // all hosts, and what is known of them
    LINK_WATCH,  // the ring of a host's view, followed while it is watched
    LINK_POLL,   // the same, and a snapshot where the ring does not go on from `resume`
    LINK_FEED,   // the ring of all applications, followed while it is watched
    LINK_SELECT, // samples of a host
    LINK_LEDGER, // ledger of a host, or of all
    LINK_EVENTS, // what happened on a host, or on all
    LINK_AWAY,   // agents that were sent away lately
    LINK_LAST,   // newest sample of each series of all hosts
};

enum link_status {
    LINK_OK,
    LINK_UNAVAILABLE,  // no collector, or no answer in time
    LINK_UNKNOWN_HOST, // it knows no such host
    LINK_REFUSED,      // it says what is wrong with the request: `error`
};

#define LINK_ERROR_SIZE 256

struct link_request {
    enum link_ask ask;
    char *host; // WATCH, POLL, SELECT, LEDGER, EVENTS: its id or name; the last two: NULL for all
    uint64_t resume;  // POLL: the last event that the asker has, or 0
    bool with_hosts;  // FEED
    int64_t start_ms; // SELECT, LAST, EVENTS; SELECT looks back as the view needs it
    int64_t end_ms;   // SELECT, EVENTS
    struct buf text;  // holds the selectors
    const char *selectors[QUERY_SELECTORS_MAX];
    size_t n_selectors;
    void (*done)(struct link_request *self); // from the link's thread
    void *arg;

    enum link_status status;
    char error[LINK_ERROR_SIZE]; // with a status other than OK
    struct host_info info;       // WATCH, POLL, SELECT; LEDGER and EVENTS with a host
    event_ring_t *ring;          // WATCH, POLL, FEED: one reference and one watch for the asker
    struct event *snap;          // POLL: or NULL, where the ring goes on
    fact_table_t *facts;         // FACTS: or NULL, where they could not be had
    struct buf *replies;         // of the others: as they came, in order
    size_t n_replies;
};

struct link_request *link_request_new(enum link_ask ask);
// Gives back what it holds, a watch too. NULL is fine.
void link_request_destroy(struct link_request **self_p);
// Sets status and error and calls done().
void link_request_end(struct link_request *self, enum link_status status, const char *error);

void link_replies_free(struct buf *replies, size_t n);
// All series of an answer. 0 and *ret, for link_series_free; or ERR_FORMAT.
int link_series_take(struct query_series **ret, size_t *n_ret, const struct buf *replies, size_t n);
void link_series_free(struct query_series *series, size_t n);
// All hosts of an answer. 0 and *ret, for link_hosts_free; or ERR_FORMAT.
int link_hosts_take(struct host_info **ret, size_t *n_ret, const struct buf *replies, size_t n);
void link_hosts_free(struct host_info *hosts, size_t n);
// All ledgers of an answer. 0 and *ret, for link_ledgers_free; or ERR_FORMAT.
int link_ledgers_take(struct query_ledger **ret, size_t *n_ret, const struct buf *replies,
                      size_t n);
void link_ledgers_free(struct query_ledger *ledgers, size_t n);
// All agents of an answer that were sent away. 0 and *ret, for free(); or ERR_FORMAT.
int link_away_take(struct query_away **ret, size_t *n_ret, const struct buf *replies, size_t n);
// All events of an answer, whose text points into it. 0 and *ret, for link_events_free; or
// ERR_FORMAT.
int link_events_take(struct host_event **ret, size_t *n_ret, const struct buf *replies, size_t n);
void link_events_free(struct host_event *events, size_t n);

#endif

// collector_link - the thread that talks with the collector, for all the others.
//
// In:     requests, each answered once; what is published of the hosts that somebody watches.
// Out:    answers; events of views, each encoded once, into the rings of those views.
// Thread: runs its own, which owns the SUB and DEALER sockets and everything of a view but its
//         ring. collector_link_ask and _wake from any thread.
// Loss:   a request that has no answer after 10 s, or for which there is no collector, ends as
//         LINK_UNAVAILABLE. After a restart of the collector, views join again by themselves.

#ifndef DASHBOARD_COLLECTOR_LINK_H
#define DASHBOARD_COLLECTOR_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "dashboard/link_request.h"
#include "shared/net/key_watch.h"

typedef struct collector_link collector_link_t;

struct collector_link_options {
    const char *collector;        // endpoint of its data socket
    const struct curve *curve;    // borrowed; NULL: plain
    struct key_watch *watch;      // borrowed; of the keys that `curve` points to; NULL: they stay
    const char *boot;             // ours, for the numbers of events
    void (*published)(void *arg); // rings have something new; from the link's thread
    void *arg;
};

// 0 and *ret; ERR_FORMAT or ERR_RANGE if the endpoint is not one or not local; or -errno.
int collector_link_start(collector_link_t **ret, const struct collector_link_options *opt);
// Answers all that still waits with LINK_UNAVAILABLE; nothing may be asked any more.
void collector_link_stop(collector_link_t *self);
void collector_link_destroy(collector_link_t **self_p);

// False if too many wait: the request stays the caller's.
bool collector_link_ask(collector_link_t *self, struct link_request *request);
// Some ring wants a snapshot.
void collector_link_wake(collector_link_t *self);
// The collector has answered within the last seconds.
bool collector_link_is_up(collector_link_t *self);

#endif

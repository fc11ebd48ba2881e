// event_log - what happened on the hosts: their newest events, to be asked for.
//
// In:     what the disk has of them at a start; then EVENT records, each as it is applied; or
//         again, as the journal is read back.
// Out:    events of a host and window, encoded as queries have them.
// Order:  as they came.
// Limits: EVENT_LOG_HOST events and EVENT_LOG_HOST_BYTES of one host, EVENT_LOG_MOST and
//         EVENT_LOG_BYTES of all; the oldest make room. A host can so drive out only its own, until
//         there are very many hosts.
// Thread: any; it locks itself. Who asks copies out under the lock, at most a reply at a time.
// Loss:   of what is within the limits none: the store keeps as much, and as long as samples.

#ifndef COLLECTOR_EVENT_LOG_H
#define COLLECTOR_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/wire/frame.h"
#include "shared/wire/host_event.h"

#define EVENT_LOG_HOST       1000u
#define EVENT_LOG_HOST_BYTES (512u * 1024u)
#define EVENT_LOG_MOST       100000u
#define EVENT_LOG_BYTES      (32u * 1024u * 1024u)
#define EVENT_LOG_FUTURE_MS  (10 * 60 * 1000) // a time further ahead of ours is not believed

typedef struct event_log event_log_t;

event_log_t *event_log_new(void);
void event_log_destroy(event_log_t **self_p);

// An EVENT of the host, that came at `now_ms` of our clock. 1: kept, and *ret says whose and when
// (its text is not set). 0: it is here already. ERR_FORMAT: an event without words.
int event_log_take(event_log_t *self, struct host_event *ret, uint64_t host,
                   const struct record *record, int64_t now_ms);
// One of before the start, with its text as a body of so many bytes. Each once, before the first is
// taken: they are not compared. 0, or ERR_FORMAT: an event without words.
int event_log_restore(event_log_t *self, const struct host_event *of, const void *body, size_t len);
void event_log_forget(event_log_t *self, uint64_t host);
size_t event_log_count(event_log_t *self);

struct event_window {
    uint64_t host;    // 0: all
    int64_t start_ms; // both inclusive
    int64_t end_ms;
    uint64_t after; // where the answer goes on; 0: at its beginning
};
// Appends items to `out` until that has `most` bytes; their number is added to *n. True if there
// are more: then w->after says where to go on.
bool event_log_put(event_log_t *self, struct event_window *w, size_t most, struct buf *out,
                   uint32_t *n);

#endif

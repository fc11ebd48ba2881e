// event_ring - the last events of one view, for any number of readers at their own pace.
//
// In:     events in order, each encoded once; now and then a snapshot of the whole view.
// Out:    the same bytes to every reader, counted, never copied.
// Thread: one publishes, any read; a mutex, held for a few instructions.
// Loss:   the oldest of EVENT_RING_SIZE goes when a new one comes; a reader that asks for it is
//         told so, and starts again from a snapshot.

#ifndef DASHBOARD_EVENT_RING_H
#define DASHBOARD_EVENT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_RING_SIZE 120

enum event_kind {
    EVENT_OTHER,
    EVENT_TICK,
    EVENT_SNAP, // tells all: what came before it is of no use any more
    EVENT_HOST,
};

// Immutable once it is published or handed to a reader.
struct event {
    atomic_uint refs;
    enum event_kind kind;
    int64_t time_ms; // of a tick's row
    uint64_t seq;    // of the view; 0 for an event of one reader
    uint64_t end;    // bytes this ring ever had, up to and with this event
    size_t len;
    char at[]; // as it goes to the client
};

// A copy of the bytes, with one reference; of kind EVENT_OTHER.
struct event *event_new(uint64_t seq, const void *at, size_t len);
struct event *event_ref(struct event *e);
// The bytes after "event: " and after "data: ", in events of one line of data.
const char *event_name(const struct event *e, size_t *len_ret);
const char *event_data(const struct event *e, size_t *len_ret);
// Gives one reference back and nulls the caller's pointer. NULL is fine.
void event_unref(struct event **e_p);

typedef struct event_ring event_ring_t;

// Its first event will have the number base + 1. Counted: one reference for the caller.
event_ring_t *event_ring_new(uint64_t base);
event_ring_t *event_ring_ref(event_ring_t *self);
void event_ring_unref(event_ring_t **self_p);

// Takes the reference. e->seq is event_ring_last + 1 (asserted).
void event_ring_publish(event_ring_t *self, struct event *e);
// Takes the reference: the whole view as it stands after event e->seq.
void event_ring_set_snap(event_ring_t *self, struct event *e);
uint64_t event_ring_last(event_ring_t *self);

enum event_read {
    EVENT_FOUND,
    EVENT_NONE,   // `seq` is the next one to come
    EVENT_PASSED, // no longer there, or never was
};
// Event `seq`, one reference for the caller in *ret, and in *behind_ret the bytes from its
// beginning to the end of the newest.
enum event_read event_ring_read(event_ring_t *self, uint64_t seq, struct event **ret,
                                uint64_t *behind_ret);
// A snapshot from which the ring can go on, one reference for the caller; or NULL: then it is
// noted as wanted, and *asked_ret is true for the first who asks.
struct event *event_ring_snap(event_ring_t *self, bool *asked_ret);
// Somebody waits for a snapshot. Stays so until event_ring_set_snap.
bool event_ring_wanted(event_ring_t *self);

// Who watches: a view that nobody watches is given up after a while.
void event_ring_watch(event_ring_t *self);
void event_ring_unwatch(event_ring_t *self);
unsigned event_ring_watchers(event_ring_t *self);

#endif

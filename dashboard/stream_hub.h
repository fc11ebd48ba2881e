// stream_hub - the thread that writes events to the clients' sockets.
//
// In:     sockets whose HTTP headers are sent, each with the ring of its view; a wake after every
//         event published.
// Out:    events in order, a comment when nothing was sent for a while; what a client sends is read
//         and thrown away.
// Order:  stream_hub_take -> ours: in the epoll set, written to -> out of the epoll set -> end().
//         From take to end nobody else touches the descriptor; after end the hub does not.
// Thread: runs its own. stream_hub_take, _wake, _reserve and _release from any.
// Loss:   a slow reader skips (stream_cursor.h); one that has taken nothing for 30 s is ended, and
//         so is one that leaves, at once. Nobody is waited for.

#ifndef DASHBOARD_STREAM_HUB_H
#define DASHBOARD_STREAM_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "dashboard/event_ring.h"

typedef struct stream_hub stream_hub_t;

struct stream_hub_options {
    unsigned max_streams;
    void (*want_snap)(void *arg); // a ring wants a snapshot; from the hub's thread
    void *arg;
};

struct stream_take {
    int fd;                 // not closed by the hub
    event_ring_t *ring;     // a reference and one watch of it become the hub's
    struct event *hello;    // becomes the hub's; NULL: a plain stream, which has no events of ours
    uint64_t resume;        // last event the client has, or 0
    int64_t heartbeat_ms;   // of silence until a comment
    void (*end)(void *arg); // once, from the hub's thread: the descriptor is the caller's again
    void *arg;
};

// 0 and *ret, or -errno.
int stream_hub_start(stream_hub_t **ret, const struct stream_hub_options *opt);
// Says `bye` where that does not wait, ends every stream and the thread. Frees `bye`. Nothing may
// be taken any more; places may still be reserved and given back until stream_hub_destroy.
void stream_hub_stop(stream_hub_t *self, struct event *bye);
void stream_hub_destroy(stream_hub_t **self_p);

// A place for one stream, false if all are taken; given back by _release, or by the end of the
// stream that was taken with it.
bool stream_hub_reserve(stream_hub_t *self);
void stream_hub_release(stream_hub_t *self);

void stream_hub_take(stream_hub_t *self, const struct stream_take *take);
// Some ring has a new event or snapshot.
void stream_hub_wake(stream_hub_t *self);

#endif

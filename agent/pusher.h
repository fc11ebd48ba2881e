// pusher - the data socket: frames, as far as the collector takes them.
//
// In:     frames, by pusher_send.
// Out:    the same on a connected PUSH socket, one part each.
// Thread: one owner.
// Loss:   what the socket took and the connection then lost is gone: the sender keeps it until it
//         is acknowledged.

#ifndef AGENT_PUSHER_H
#define AGENT_PUSHER_H

#include <czmq.h>
#include <stddef.h>

#include "shared/net/curve.h"

typedef struct pusher pusher_t;

struct pusher_options {
    const char *endpoint;      // of the collector
    unsigned reconnect_ms;     // between two tries
    unsigned io_thread;        // as sock_spec's
    const struct curve *curve; // NULL: plain
};

// Connects in the background. 0 and *ret, ERR_RANGE if the endpoint is not local, or -errno.
int pusher_open(pusher_t **ret, const struct pusher_options *opt);
void pusher_close(pusher_t **self_p);

// At once: 0, -EAGAIN when the socket takes no more, or another -errno.
int pusher_send(pusher_t *self, const void *frame, size_t n);
zsock_t *pusher_sock(pusher_t *self); // for zmq_poll

#endif

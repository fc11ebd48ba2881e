// pusher - the data socket: what the send queue has, as far as the collector takes it.
//
// In:     a send queue. Out: frames on a connected PUSH socket, one part each.
// Thread: one owner.
// Loss:   none here: what the socket does not take at once stays in the queue. What it took and the
//         connection then lost is gone; the collector sees a hole.

#ifndef AGENT_PUSHER_H
#define AGENT_PUSHER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/send_queue.h"

typedef struct pusher pusher_t;

// Connects in the background. `reconnect_ms`: between two tries. 0 and *ret, ERR_RANGE if the
// endpoint is not local, or -errno.
int pusher_open(pusher_t **ret, const char *endpoint, unsigned reconnect_ms);
void pusher_close(pusher_t **self_p);

// Sends up to `budget` frames. 0 when the queue has no more or the budget is used, -EAGAIN when the
// socket takes no more, or another -errno.
int pusher_drain(pusher_t *self, send_queue_t *queue, unsigned budget);
void *pusher_raw(pusher_t *self); // for zmq_poll

#endif

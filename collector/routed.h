// routed - one message of a ROUTER: who, and what.
//
// In:   two parts: the routing id that ROUTER puts before, and a body. More or fewer parts are no
//       message of ours: they are read to the end and told as ERR_FORMAT.
// Loss: a peer that is gone or full does not get its message; the caller is told.

#ifndef COLLECTOR_ROUTED_H
#define COLLECTOR_ROUTED_H

#include <stddef.h>

#include "collector/host_table.h"
#include "shared/net/sock.h"

// 1, *from and *body (initialised; empty on anything but 1); 0 when there is none; ERR_FORMAT; or
// -errno.
int routed_recv(zsock_t *router, struct route *from, zmq_msg_t *body);
// 0; -EHOSTUNREACH: the peer is gone; -EAGAIN: its queue is full; or another -errno.
int routed_send(zsock_t *router, const struct route *to, const void *at, size_t n);

#endif

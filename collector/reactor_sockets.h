// reactor_sockets - the sockets that a collector offers, each with its limits.
//
// Out:    data PULL, control ROUTER, live XPUB, query ROUTER: ports in a row from that of data.
// Thread: bound by the one that starts the reactor, then the reactor's.

#ifndef COLLECTOR_REACTOR_SOCKETS_H
#define COLLECTOR_REACTOR_SOCKETS_H

#include "collector/reactor.h"
#include "shared/net/key_file.h"
#include "shared/net/sock.h"

// Zero is none open.
struct reactor_sockets {
    zsock_t *data;
    zsock_t *control;
    zsock_t *live;
    zsock_t *query;
};

// 0; or the error of the first that could not be had, and its endpoint in `failed`, of
// REACTOR_ENDPOINT_SIZE. Close them in either case.
// `own` is the collector's pair, NULL: plain.
int reactor_sockets_bind(struct reactor_sockets *self, const char *data_endpoint,
                         const struct key_pair *own, char *failed);
// Cuts all who listen to the live socket; they come again, if they are let in, once it is bound
// again. libzmq gives the port free some time later: until then that is -EADDRINUSE, and to be
// tried again. 0, or -errno.
int reactor_sockets_cut_live(struct reactor_sockets *self, const char *data_endpoint);
int reactor_sockets_bind_live(struct reactor_sockets *self, const char *data_endpoint);
void reactor_sockets_close(struct reactor_sockets *self);

#endif

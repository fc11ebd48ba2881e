// curve - who is at the other end of a socket: CURVE, and ZAP that cannot be forgotten.
//
// In:     a socket that is not bound or connected yet, our pair, and the server's key or a door.
// Out:    a socket that speaks with nobody but whom ZAP lets in (a server), or with that server
//         only (a client). A server's messages carry the peer's key as their user.
// Doors:  each kind of socket is a ZAP domain of its own, so that its handler can tell what for
//         somebody knocks.
// Hazard: libzmq (4.3.4) lets every key in where no ZAP handler answers, unless option 93 (enforce
//         the domain) is set, which its header does not name and other builds ignore. It is set
//         here, and read back: a server socket that has not taken it is refused.
// Thread: that of the socket.
// Source: zmq_curve(7), ZeroMQ RFC 27/ZAP; libzmq 4.3.4 src/curve_server.cpp.

#ifndef SHARED_NET_CURVE_H
#define SHARED_NET_CURVE_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/net/key_file.h"
#include "shared/net/sock.h"

// How a socket tells who it is, and who may be at the other end. Borrowed: libzmq copies the keys.
struct curve {
    const struct key_pair *own;
    const char *server;  // public key of the server, 40 characters; NULL: we are the server
    enum sock_port door; // a server's
};

// "zpulse.data" ...; the domain of a door, ours.
const char *curve_domain(enum sock_port door);
// The door of a domain: 0, or ERR_UNKNOWN.
int curve_door(enum sock_port *ret, const char *domain, size_t len);

// 0; ERR_CLOSED: option 93 did not take, so the door would stand open; or -errno.
int curve_apply(zsock_t *sock, const struct curve *curve);
// True if the socket speaks CURVE and nothing else.
bool curve_is_on(zsock_t *sock);
// The key that ZAP has let in with this message, 40 characters, of the message's life; NULL: it
// came past ZAP, and is to be dropped. Of a ROUTER's message ask the body: the first part may
// have none.
const char *curve_user(zmq_msg_t *msg);
// "127.0.0.1" of who sent it, without a port; "" where it is not known.
const char *curve_peer(zmq_msg_t *msg);

#endif

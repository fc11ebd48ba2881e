// sock - ZeroMQ sockets with the options that our measurements ask for.
//
// LINGER, high-water marks, largest message and keep-alive are always set, at creation, and who may
// be at the other end. A socket whose peers cannot be told apart binds and connects loopback or ipc
// only.
// Thread: a socket belongs to the thread that uses it; it may be made in another before that one
//         starts.
// Source: zmq_setsockopt(3).

#ifndef SHARED_NET_SOCK_H
#define SHARED_NET_SOCK_H

#include <czmq.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// No limit to what waits to be received. libzmq (4.3.4) ends the process where it is to send a ZMTP
// heartbeat, or to answer one, on a connection that broke while its messages found no room: as of
// an agent that was stopped for a while, when its collector has been started again. So a socket
// with heartbeats, its own or its peer's, is always drained, and has room for all that may have
// come in a pause of ours: this, or more messages than the kernel's buffers hold.
#define SOCK_NO_LIMIT 0

struct sock_spec {
    int type;          // ZMQ_PUSH ...
    int send_hwm;      // messages; 2 or more
    int recv_hwm;      // messages; 2 or more, or SOCK_NO_LIMIT
    int64_t max_bytes; // largest message taken
    int linger_ms;
    bool immediate;        // queue for connected peers only
    bool mandatory;        // ROUTER: a peer that is gone is -EHOSTUNREACH
    bool verboser;         // XPUB: every (un)subscription is told
    bool heartbeat;        // ZMTP heartbeats: only on sockets that are always drained
    unsigned reconnect_ms; // first try again after; 0: 100. Grows to 2 s at most
    unsigned io_thread;    // that serves it, 1 and up to what service_start was told; 0: any
};

struct curve;

// 0 and *ret, or -errno, or ERR_CLOSED as curve_apply has it. Without a curve (NULL) peers are
// whoever comes: an application's input, a socket inside the process, or --insecure.
int sock_new(zsock_t **ret, const struct sock_spec *spec, const struct curve *curve);
// tcp://127.x.y.z:PORT, tcp://[::1]:PORT, tcp://localhost:PORT, ipc://..., inproc://...; PORT may
// be '*' for a bind to one that the kernel chooses.
bool sock_is_local(const char *endpoint);
// 0; ERR_RANGE if the endpoint is not local and the socket has no curve; -errno (-EADDRINUSE ...).
int sock_bind(zsock_t *sock, const char *endpoint);
int sock_connect(zsock_t *sock, const char *endpoint);
// One part (or, with more, one of several), never waits. 0, -EAGAIN, -EHOSTUNREACH, ...
int sock_send(zsock_t *sock, const void *at, size_t n, bool more);
// One part into *msg (initialised by zmq_msg_init), never waits. 1, or 0 when there is none, or
// -errno.
int sock_recv(zsock_t *sock, zmq_msg_t *msg);
void *sock_raw(zsock_t *sock); // for zmq_poll
// zmq_poll, which polls twice, and asks each socket by system calls of its own. Where no item is a
// socket, poll(2) does as well.
#define SOCK_POLL_MOST 64 // items
int sock_poll(zmq_pollitem_t *items, int n, long ms);
// Readable from when something comes to the socket (or leaves it) until it is used, on the edge:
// for poll, only behind a sock_recv that returned 0.
int sock_fd(zsock_t *sock);

// The endpoint `step` ports further: ("tcp://127.0.0.1:5560", 2) -> "tcp://127.0.0.1:5562".
// ipc://PATH -> ipc://PATH.2. 0, or ERR_FORMAT. For the five sockets of a collector:
enum sock_port { SOCK_DATA = 0, SOCK_CONTROL = 1, SOCK_LIVE = 2, SOCK_QUERY = 3, SOCK_ENROL = 4 };
int sock_endpoint(char *out, size_t size, const char *data_endpoint, enum sock_port step);

#endif

// reactor_sockets - see the header.

#include "collector/reactor_sockets.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "shared/net/curve.h"
#include "shared/wire/control.h"
#include "shared/wire/query_msg.h"

// Of each subscriber. A thousand hosts are a thousand rows a second, and each application one more:
// a dashboard that stands still for some seconds loses nothing, at some 20 MB.
#define LIVE_HWM 16384
// From each agent and asker: more than the kernel's buffers hold of one. See SOCK_NO_LIMIT.
#define PEER_HWM 4096

// For goodbyes. And never 0 where messages have two parts: libzmq 4.3.4 aborts the process if such
// a socket is closed without lingering at the moment at which a peer leaves.
#define LINGER_MS 200

// The sockets, in no order of importance. Data: no heartbeats, since what is not drained at once
// would be cut; a small queue, since the agent's is the long one. Nothing is bound at SOCK_ENROL.
static const struct {
    size_t place; // in struct reactor_sockets
    enum sock_port port;
    struct sock_spec spec;
} s_specs[] = {
    { offsetof(struct reactor_sockets, data),
      SOCK_DATA,
      { .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = 32, .max_bytes = 1024 * 1024 } },
    { offsetof(struct reactor_sockets, control),
      SOCK_CONTROL,
      { .type = ZMQ_ROUTER,
        .send_hwm = 100,
        .recv_hwm = PEER_HWM,
        .max_bytes = CONTROL_MAX,
        .linger_ms = LINGER_MS,
        .mandatory = true,
        .heartbeat = true } },
    { offsetof(struct reactor_sockets, live),
      SOCK_LIVE,
      { .type = ZMQ_XPUB,
        .send_hwm = LIVE_HWM,
        .recv_hwm = LIVE_HWM,
        .max_bytes = 1024,
        .linger_ms = LINGER_MS,
        .verboser = true,
        .heartbeat = true } },
    { offsetof(struct reactor_sockets, query),
      SOCK_QUERY,
      { .type = ZMQ_ROUTER,
        .send_hwm = 16,
        .recv_hwm = PEER_HWM,
        .max_bytes = QUERY_REQUEST_MAX,
        .linger_ms = LINGER_MS,
        .mandatory = true,
        .heartbeat = true } },
};
#define N_SPECS (sizeof s_specs / sizeof s_specs[0])

int
reactor_sockets_bind(struct reactor_sockets *self, const char *data_endpoint,
                     const struct key_pair *own, char *failed)
{
    for (size_t i = 0; i < N_SPECS; i++) {
        zsock_t **socket = (zsock_t **) ((char *) self + s_specs[i].place);
        const struct curve curve = { .own = own, .door = s_specs[i].port };
        int rc = sock_endpoint(failed, REACTOR_ENDPOINT_SIZE, data_endpoint, s_specs[i].port);

        if (rc < 0)
            snprintf(failed, REACTOR_ENDPOINT_SIZE, "%s", data_endpoint);
        rc = rc < 0 ? rc : sock_new(socket, &s_specs[i].spec, own != NULL ? &curve : NULL);
        rc = rc < 0 ? rc : sock_bind(*socket, failed);
        if (rc < 0)
            return rc;
    }
    failed[0] = '\0';
    return 0;
}

// Per peer there is no way, and to be asked at the handshake they must come again.
int
reactor_sockets_cut_live(struct reactor_sockets *self, const char *data_endpoint)
{
    char endpoint[REACTOR_ENDPOINT_SIZE];
    const int rc = sock_endpoint(endpoint, sizeof endpoint, data_endpoint, SOCK_LIVE);

    if (rc < 0)
        return rc;
    return zmq_unbind(sock_raw(self->live), endpoint) == 0 ? 0 : -errno;
}

int
reactor_sockets_bind_live(struct reactor_sockets *self, const char *data_endpoint)
{
    char endpoint[REACTOR_ENDPOINT_SIZE];
    const int rc = sock_endpoint(endpoint, sizeof endpoint, data_endpoint, SOCK_LIVE);

    return rc < 0 ? rc : sock_bind(self->live, endpoint);
}

void
reactor_sockets_close(struct reactor_sockets *self)
{
    for (size_t i = 0; i < N_SPECS; i++)
        zsock_destroy((zsock_t **) ((char *) self + s_specs[i].place));
}

// pusher - see the header.
//
// The socket holds at most SEND_HWM frames, and those only while there is a connection: what else
// waits is ours, where it is bounded, counted, and can be sent to another.

#include "agent/pusher.h"

#include <stdlib.h>

#include "agent/own_series.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"

#define SEND_HWM    64
#define MESSAGE_MAX 1024 // a PULL says nothing
// A clean stop gives what was handed over this long to leave; a lost peer delays it no longer.
#define LINGER_MS 200

struct pusher {
    zsock_t *sock;
};

int
pusher_open(pusher_t **ret, const struct pusher_options *opt)
{
    const struct sock_spec spec = {
        .type = ZMQ_PUSH,
        .send_hwm = SEND_HWM,
        .recv_hwm = 2,
        .max_bytes = MESSAGE_MAX,
        .linger_ms = LINGER_MS,
        .immediate = true, // nothing waits for a collector inside libzmq, unseen and uncounted
        .reconnect_ms = opt->reconnect_ms,
        .io_thread = opt->io_thread,
    };
    pusher_t *self = xcalloc(1, sizeof *self);
    int rc = sock_new(&self->sock, &spec, opt->curve);

    if (rc == 0)
        rc = sock_connect(self->sock, opt->endpoint);
    if (rc < 0) {
        pusher_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
pusher_close(pusher_t **self_p)
{
    pusher_t *self = *self_p;

    if (self == NULL)
        return;
    zsock_destroy(&self->sock);
    free(self);
    *self_p = NULL;
}

int
pusher_send(pusher_t *self, const void *frame, size_t n)
{
    const int rc = sock_send(self->sock, frame, n, false);

    if (rc < 0)
        return rc;
    selfstat_add(AGENT_FRAMES_SENT, 1);
    selfstat_add(AGENT_BYTES_SENT, n);
    return 0;
}

zsock_t *
pusher_sock(pusher_t *self)
{
    return self->sock;
}

// routed - one message of a ROUTER: who, and what.

#include "collector/routed.h"

#include <errno.h>
#include <string.h>

#include "shared/base/err.h"

int
routed_recv(zsock_t *router, struct route *from, zmq_msg_t *body)
{
    int rc = sock_recv(router, body);
    bool more;
    unsigned parts = 1;

    if (rc <= 0)
        return rc;
    from->len = zmq_msg_size(body) <= ROUTE_MAX ? (uint8_t) zmq_msg_size(body) : 0;
    memcpy(from->at, zmq_msg_data(body), from->len);
    for (more = zmq_msg_more(body) != 0; more; more = zmq_msg_more(body) != 0) {
        rc = sock_recv(router, body);
        if (rc <= 0)
            return rc < 0 ? rc : -EPROTO; // parts of a message come together
        parts++;
    }
    if (parts == 2 && from->len > 0)
        return 1;
    zmq_msg_close(body);
    zmq_msg_init(body);
    return ERR_FORMAT;
}

int
routed_send(zsock_t *router, const struct route *to, const void *at, size_t n)
{
    int rc = sock_send(router, to->at, to->len, true);

    return rc < 0 ? rc : sock_send(router, at, n, false);
}

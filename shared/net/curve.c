// curve - see the header.

#include "shared/net/curve.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "shared/base/err.h"

// The header of libzmq names it for drafts only; the library knows it by its number.
#define ENFORCE_DOMAIN 93

static const char *const s_domains[] = {
    [SOCK_DATA] = "zpulse.data",   [SOCK_CONTROL] = "zpulse.control", [SOCK_LIVE] = "zpulse.live",
    [SOCK_QUERY] = "zpulse.query", [SOCK_ENROL] = "zpulse.enrol",
};
#define N_DOORS (sizeof s_domains / sizeof s_domains[0])

static int s_serve(void *raw, const struct curve *curve);
static int s_text(void *raw, int option, const char *text);
static int s_get(void *raw, int option, int *ret);

const char *
curve_domain(enum sock_port door)
{
    assert((size_t) door < N_DOORS);
    return s_domains[door];
}

int
curve_door(enum sock_port *ret, const char *domain, size_t len)
{
    for (size_t i = 0; i < N_DOORS; i++) {
        if (strlen(s_domains[i]) == len && memcmp(s_domains[i], domain, len) == 0) {
            *ret = (enum sock_port) i;
            return 0;
        }
    }
    return ERR_UNKNOWN;
}

int
curve_apply(zsock_t *sock, const struct curve *curve)
{
    void *raw = sock_raw(sock);
    int rc;

    assert(key_is_text(curve->own->secret_text, strlen(curve->own->secret_text)));
    if (curve->server == NULL)
        return s_serve(raw, curve);
    assert(key_is_text(curve->server, strlen(curve->server)));
    rc = s_text(raw, ZMQ_CURVE_SERVERKEY, curve->server);
    rc = rc < 0 ? rc : s_text(raw, ZMQ_CURVE_PUBLICKEY, curve->own->public_text);
    rc = rc < 0 ? rc : s_text(raw, ZMQ_CURVE_SECRETKEY, curve->own->secret_text);
    return rc;
}

bool
curve_is_on(zsock_t *sock)
{
    int mechanism;

    return s_get(sock_raw(sock), ZMQ_MECHANISM, &mechanism) == 0 && mechanism == ZMQ_CURVE;
}

const char *
curve_user(zmq_msg_t *msg)
{
    const char *user = zmq_msg_gets(msg, "User-Id");

    return user != NULL && strlen(user) == KEY_TEXT_LEN ? user : NULL;
}

const char *
curve_peer(zmq_msg_t *msg)
{
    const char *peer = zmq_msg_gets(msg, "Peer-Address");

    return peer != NULL ? peer : "";
}

static int
s_serve(void *raw, const struct curve *curve)
{
    const char *domain = curve_domain(curve->door);
    const int on = 1;
    int taken = 0;
    int rc = 0;

    if (zmq_setsockopt(raw, ZMQ_CURVE_SERVER, &on, sizeof on) == -1 ||
        zmq_setsockopt(raw, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == -1)
        rc = -errno;
    rc = rc < 0 ? rc : s_text(raw, ZMQ_CURVE_SECRETKEY, curve->own->secret_text);
    if (rc < 0)
        return rc;
    if (zmq_setsockopt(raw, ENFORCE_DOMAIN, &on, sizeof on) == -1 ||
        s_get(raw, ENFORCE_DOMAIN, &taken) < 0 || taken != on)
        return ERR_CLOSED;
    return 0;
}

// 41 bytes: 40 characters and the NUL are Z85 to libzmq.
static int
s_text(void *raw, int option, const char *text)
{
    return zmq_setsockopt(raw, option, text, KEY_TEXT_SIZE) == 0 ? 0 : -errno;
}

static int
s_get(void *raw, int option, int *ret)
{
    size_t size = sizeof *ret;

    return zmq_getsockopt(raw, option, ret, &size) == 0 ? 0 : -errno;
}

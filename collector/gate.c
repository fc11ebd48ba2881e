// gate - see the header.

#include "collector/gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "collector/collector_stat.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/curve.h"
#include "shared/net/selfstat.h"

#define SAY_AGAIN_MS 10000
#define ADDRESS_SIZE 64

static void s_cut(zmq_msg_t *body);
static bool s_peer(char out[ADDRESS_SIZE], int fd);

bool
gate_passes(roster_t *roster, struct roster_member *ret, zmq_msg_t *body)
{
    static _Thread_local int64_t said_ms;
    const char *user;

    if (roster == NULL) {
        ret->role = GATE_ANYBODY;
        ret->name[0] = '\0';
        return true;
    }
    user = curve_user(body);
    if (roster_member(roster, ret, user, clock_real_ms()))
        return true;
    selfstat_add(STAT_STRANGERS, 1);
    if (log_allow(&said_ms, SAY_AGAIN_MS))
        log_warn("a message is dropped and its connection cut: its key is not let in any more",
                 "address=%s key=%s", log_quote(curve_peer(body)),
                 user != NULL ? log_quote(user) : "none");
    s_cut(body);
    return false;
}

bool
gate_speaks_for(const struct roster_member *member, const char *host, bool imported)
{
    if (member->role == GATE_ANYBODY)
        return true;
    if (imported)
        return member->role == ROLE_OPERATOR;
    return member->role == ROLE_AGENT && strcmp(member->name, host) == 0;
}

bool
gate_reads(const struct roster_member *member)
{
    return member->role == GATE_ANYBODY || member->role == ROLE_DASHBOARD ||
           member->role == ROLE_OPERATOR;
}

static void
s_cut(zmq_msg_t *body)
{
    const int fd = zmq_msg_get(body, ZMQ_SRCFD);
    char peer[ADDRESS_SIZE];

    if (fd >= 0 && s_peer(peer, fd) && strcmp(peer, curve_peer(body)) == 0)
        shutdown(fd, SHUT_RDWR);
}

// As libzmq writes it in Peer-Address: the address, without a port. False where it is no connection
// over IP.
static bool
s_peer(char out[ADDRESS_SIZE], int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_storage most;
    } at = { 0 };
    socklen_t len = sizeof at;

    if (getpeername(fd, &at.any, &len) == -1)
        return false;
    if (at.any.sa_family == AF_INET)
        return inet_ntop(AF_INET, &at.four.sin_addr, out, ADDRESS_SIZE) != NULL;
    return at.any.sa_family == AF_INET6 &&
           inet_ntop(AF_INET6, &at.six.sin6_addr, out, ADDRESS_SIZE) != NULL;
}

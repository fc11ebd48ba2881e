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

static void s_line(struct gate_line *ret, zmq_msg_t *body);
static bool s_peer(struct sockaddr_storage *ret, int fd);
static bool s_address(char out[ADDRESS_SIZE], const struct sockaddr_storage *peer);

bool
gate_passes(roster_t *roster, struct roster_member *ret, zmq_msg_t *body)
{
    struct gate_line line;

    if (gate_holds(roster, ret, body, &line))
        return true;
    gate_cut(&line);
    return false;
}

bool
gate_holds(roster_t *roster, struct roster_member *ret, zmq_msg_t *body, struct gate_line *line)
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
    selfstat_add(user != NULL ? STAT_STRANGERS : STAT_NAMELESS, 1);
    if (log_allow(&said_ms, SAY_AGAIN_MS))
        log_warn(user != NULL
                     ? "a message is dropped and its connection cut: its key is not let in any more"
                     : "a message is dropped and its connection cut: it has no key",
                 "address=%s key=%s", log_quote(curve_peer(body)),
                 user != NULL ? log_quote(user) : "none");
    s_line(line, body);
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

void
gate_cut(const struct gate_line *line)
{
    struct sockaddr_storage peer;

    if (line->fd >= 0 && s_peer(&peer, line->fd) && memcmp(&peer, &line->peer, sizeof peer) == 0)
        shutdown(line->fd, SHUT_RDWR);
}

static void
s_line(struct gate_line *ret, zmq_msg_t *body)
{
    char address[ADDRESS_SIZE];

    ret->fd = zmq_msg_get(body, ZMQ_SRCFD);
    if (ret->fd < 0 || !s_peer(&ret->peer, ret->fd) || !s_address(address, &ret->peer) ||
        strcmp(address, curve_peer(body)) != 0)
        ret->fd = -1;
}

// Address and port; what is behind them is 0.
static bool
s_peer(struct sockaddr_storage *ret, int fd)
{
    socklen_t len = sizeof *ret;

    memset(ret, 0, sizeof *ret);
    return getpeername(fd, (struct sockaddr *) ret, &len) == 0;
}

// As libzmq writes it in Peer-Address: the address, without a port. False where it is no connection
// over IP.
static bool
s_address(char out[ADDRESS_SIZE], const struct sockaddr_storage *peer)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memcpy(&four, peer, sizeof four);
    memcpy(&six, peer, sizeof six);
    if (peer->ss_family == AF_INET)
        return inet_ntop(AF_INET, &four.sin_addr, out, ADDRESS_SIZE) != NULL;
    return peer->ss_family == AF_INET6 &&
           inet_ntop(AF_INET6, &six.sin6_addr, out, ADDRESS_SIZE) != NULL;
}

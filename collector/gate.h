// gate - whose message this is, asked for each one.
//
// In:     a message of a socket; the roster, or NULL where peers cannot be told apart.
// Out:    its sender; or that it is dropped. Who is not a member any more is cut off: what it has
//         sent is lost, and it does not come in again.
// Hazard: a connection that is there outlives the revocation of its key: ZAP is asked at the
//         handshake only. Hence each message. The descriptor of a message may be another
//         connection's by now: so its peer is compared before it is shut down.
// Thread: that of the socket.

#ifndef COLLECTOR_GATE_H
#define COLLECTOR_GATE_H

#include <czmq.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "collector/roster.h"

// A member whose role is 0 is whoever it is: there is no roster.
#define GATE_ANYBODY 0

// The connection that a message came by, to be known again when the message is gone.
struct gate_line {
    int fd; // -1: it is none that could be cut
    struct sockaddr_storage peer;
};

// True and *ret. False: no user, or no living key's; it is counted, and its connection cut.
bool gate_passes(roster_t *roster, struct roster_member *ret, zmq_msg_t *body);
// The same, but that the connection stands until gate_cut(line), so that its peer can be told.
bool gate_holds(roster_t *roster, struct roster_member *ret, zmq_msg_t *body,
                struct gate_line *line);
// Nothing where the descriptor is another connection's by now.
void gate_cut(const struct gate_line *line);
// True if this member says what of that host is to be believed: an agent of its own, an operator of
// what it imports.
bool gate_speaks_for(const struct roster_member *member, const char *host, bool imported);
// True if it may ask: a dashboard or an operator.
bool gate_reads(const struct roster_member *member);

#endif

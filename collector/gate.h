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

#include "collector/roster.h"

// A member whose role is 0 is whoever it is: there is no roster.
#define GATE_ANYBODY 0

// True and *ret. False: no user, or no living key's; it is counted, and its connection cut.
bool gate_passes(roster_t *roster, struct roster_member *ret, zmq_msg_t *body);
// True if this member says what of that host is to be believed: an agent of its own, an operator of
// what it imports.
bool gate_speaks_for(const struct roster_member *member, const char *host, bool imported);
// True if it may ask: a dashboard or an operator.
bool gate_reads(const struct roster_member *member);

#endif

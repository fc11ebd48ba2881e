// query_away - the item of a AWAY reply: an agent that a collector sent away, and why.
//
// In:     fields; or bytes of a collector.
// Out:    bytes; or fields, checked. Texts may have been anybody's words.
// Source: shared/wire/FORMAT.md, "Query".

#ifndef SHARED_WIRE_QUERY_AWAY_H
#define SHARED_WIRE_QUERY_AWAY_H

#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"
#include "shared/wire/enrol.h"

#define AWAY_ADDRESS_MAX 63 // bytes

// Numbers of the wire: never used for anything else.
enum away_cause {
    AWAY_NAME = 1,    // another host that lives has its name
    AWAY_CLONE = 2,   // another agent that lives has its host id
    AWAY_KEY = 3,     // its key is enrolled under another name
    AWAY_OWNER = 4,   // its host id was another name's before
    AWAY_ROLE = 5,    // its key is no agent's
    AWAY_LIMIT = 6,   // more hosts than the collector takes
    AWAY_REVOKED = 7, // its key is revoked, or its time is over
};

struct query_away {
    uint8_t cause;    // enum away_cause
    uint64_t host;    // its id; 0: it did not come that far
    uint64_t nonce;   // of the agent's start; 0 likewise
    int64_t first_ms; // when it was sent away first, by the collector's clock
    int64_t last_ms;
    uint64_t times;
    char name[ENROL_NAME_MAX + 1]; // that it says; of REVOKED the key's
    char key[ENROL_NAME_MAX + 1];  // the name of its key; "": there is none
    char address[AWAY_ADDRESS_MAX + 1];
};

void query_put_away(struct buf *out, const struct query_away *refused);
// 0 or ERR_FORMAT.
int query_take_away(struct rbuf *r, struct query_away *ret);
// "clone"; "unknown" for a cause that is not known.
const char *away_cause_str(uint8_t cause);
// The same as half a sentence for people: "its host id is another's that lives: ..."
const char *away_cause_why(uint8_t cause);

#endif

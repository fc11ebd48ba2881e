// query_ledger - the item of a LEDGER reply: what became of all that a host made, in two books.
//
// In:     fields; or bytes of a collector.
// Out:    bytes; or fields, checked.
// The agent's book is as it was last told; the collector's own counts are of samples that it made
// durable, all streams of the host together, from when it first heard of the host. `unbalanced` is
// what the two differ by: above 0, the agent's book has them acknowledged and they are not here;
// below 0, they are here and its book has still not said so five PINGs later.
// Source: shared/wire/FORMAT.md, "Query".

#ifndef SHARED_WIRE_QUERY_LEDGER_H
#define SHARED_WIRE_QUERY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"
#include "shared/model/ledger.h"

#define QUERY_GAPS_MAX 64 // of one host

// Why a collector does not keep what it acknowledged.
enum refused_cause {
    REFUSED_FUTURE,     // its time is too far ahead of the collector's
    REFUSED_LIMIT,      // of a series that there was no room for
    REFUSED_UNREADABLE, // could not be decoded
    REFUSED_EARLIER,    // before the collector's last start: the cause is no longer known
    REFUSED_CAUSES
};
const char *refused_cause_str(unsigned cause);

// Which limit of an agent refused something; those of 0 to 5 can be set (zpulse-collector --help).
enum refused_limit {
    LIMIT_NONE = 0,
    LIMIT_SERIES = 1,      // held at a time
    LIMIT_NEW_SERIES = 2,  // that nobody knew, in a minute
    LIMIT_SAMPLES = 3,     // a second
    LIMIT_LABEL_BYTES = 4, // of one series
    LIMIT_FRAME_BYTES = 5, // of one message
    LIMIT_ROOM = 6,        // of the collector's own memory
    REFUSED_LIMITS = 7
};
const char *refused_limit_str(unsigned limit);

// What one limit refused of a host since the collector's start, and what of that weighs most.
#define QUERY_LIMIT_TEXT 64 // bytes of a name that are told; a longer one is cut
struct query_limit {
    uint8_t limit; // enum refused_limit, not 0
    uint64_t series;
    uint64_t samples;
    char metric[QUERY_LIMIT_TEXT + 1]; // "": not known
    char label[QUERY_LIMIT_TEXT + 1];  // whose values tell those series apart; "": not known
};

// A stretch of time of which something is missing.
struct query_gap {
    int64_t from_ms; // of the first thing that is missing, as near as it is known
    int64_t to_ms;   // of what came after it
    uint64_t count;  // samples that were lost, or ticks that were missed
    bool missed;     // `cause` is enum missed_cause; else enum lost_cause
    uint8_t cause;
};
// "lost" or "missed", and the cause.
const char *query_gap_cause_str(const struct query_gap *gap);

struct query_ledger {
    uint64_t host;
    char *name;         // owned: query_ledger_release
    uint8_t state;      // enum host_state
    bool settled;       // the books can be compared: not so in the first seconds of a new agent
    int64_t told_ms;    // collector's clock, when the agent last told its book; 0: not yet
    struct ledger told; // the agent's book
    uint64_t stored;    // samples, from here to `before`
    uint64_t elsewhere; // another collector has them
    uint64_t refused[REFUSED_CAUSES];
    uint64_t before;     // the agent's book had them acknowledged before it came to this collector
    uint64_t duplicates; // records that came again, since the collector's start
    uint64_t conflicts;  // samples whose time had another value, since the collector's start
    int64_t unbalanced;  // samples
    uint32_t n_gaps;     // oldest first
    struct query_gap gaps[QUERY_GAPS_MAX];
    uint32_t n_limits; // rising by limit
    struct query_limit limits[REFUSED_LIMITS];
};
void query_ledger_release(struct query_ledger *ledger);
uint64_t query_ledger_refused(const struct query_ledger *ledger); // of all causes

// Whether nothing is lost and everything adds up. If not, one sentence in `why`, which ends with a
// NUL: the worst of what is wrong. A host that was only imported has no agent that could tell.
bool query_ledger_check(const struct query_ledger *ledger, char *why, size_t size);

void query_put_ledger(struct buf *out, const struct query_ledger *ledger);
// 0, and *ret is the caller's to release; or ERR_FORMAT.
int query_take_ledger(struct rbuf *r, struct query_ledger *ret);

#endif

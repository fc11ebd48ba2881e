// host_ledger - per host, what its agent tells of its samples beside what became of them here.
//
// In:     the ledgers of HELLOs and PINGs; the collector's own counts at those moments (lane_host);
//         what was refused, came twice, or is a gap.
// Out:    a query_ledger, which says whether the two books agree.
// Thread: one owner. Pure: times are parameters.
//
// The agent's book is of all its collectors, ours is of what came here. What it had acknowledged by
// others is `before`: the agent's acknowledged less what was taken here, measured while it is new
// with us (never seen, or back from another collector), and at its greatest, since what is
// committed is always a little ahead of what the agent has heard of. From then on
//         acknowledged - before > taken           acknowledged and not here: at once an error
//         acknowledged - before < taken, 5 PINGs ago    here, and its book still does not say so
// Limits: QUERY_GAPS_MAX stretches of a host, the newest; since our start.

#ifndef COLLECTOR_HOST_LEDGER_H
#define COLLECTOR_HOST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "collector/lane_table.h"
#include "collector/limit_book.h"
#include "collector/store/store.h"
#include "shared/wire/query_ledger.h"

#define HOST_LEDGER_SETTLE_MS 10000 // for so long a new agent's books are measured
#define HOST_LEDGER_PINGS     5     // after which what is here must be in the agent's book

typedef struct host_ledger host_ledger_t;

// `store` says how many samples had another value; borrowed. NULL: none had.
host_ledger_t *host_ledger_new(store_t *store);
void host_ledger_destroy(host_ledger_t **self_p);

// A HELLO was welcomed. `ours`: the agent was with us before. `own` as lane_table_host has it; NULL
// is nothing.
void host_ledger_hello(host_ledger_t *self, uint64_t host, const struct ledger *told, bool ours,
                       const struct lane_host *own, struct host_time now);
// True if *before_ret has now been settled, and is to be kept (JOURNAL_BEFORE).
bool host_ledger_ping(host_ledger_t *self, uint64_t host, const struct ledger *told,
                      const struct lane_host *own, struct host_time now, uint64_t *before_ret);
// Of a record that was committed, so many samples were not stored, by cause.
void host_ledger_fate(host_ledger_t *self, uint64_t host, const uint64_t refused[REFUSED_CAUSES]);
// A limit of its agent refused a series, or samples.
void host_ledger_limit(host_ledger_t *self, uint64_t host, const struct refusal *refusal);
void host_ledger_duplicate(host_ledger_t *self, uint64_t host);
// A GAP was committed: `samples` from `from_ms` on, up to the next record of its stream, which is
// told by host_ledger_gap_ends.
void host_ledger_gap(host_ledger_t *self, uint64_t host, uint64_t stream, int64_t from_ms,
                     uint64_t samples, uint8_t cause);
void host_ledger_gap_ends(host_ledger_t *self, uint64_t host, uint64_t stream, int64_t to_ms);
void host_ledger_forget(host_ledger_t *self, uint64_t host);

// All but `name` and `state`. `own` as above.
void host_ledger_get(const host_ledger_t *self, uint64_t host, const struct lane_host *own,
                     struct query_ledger *ret);

#endif

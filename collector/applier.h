// applier - records that are durable into rows, rows into the store and on to who watches.
//
// In:     records of streams in the order of their seq, repeats among them; whose they are.
// Out:    rows in the store, with `instance` added from the identity; events in their log; both
//         published, unless they carry BACKLOG; what can't be read is asked for.
// Import: what carries IMPORT has `instance` already, which must be the name of its host. It stands
//         in the store under the agent's host of that name, if one is known as its stream begins.
// Thread: one owner at a time. It begins quiet: while the journal is replayed it only fills the
//         store. applier_attach makes it live, in the thread that has the publisher.
// Limits: what agent_limit has of series and labels is decided here, once for each slot, and told
//         to be journaled (applier_next_decided); what of samples, before, and told by
//         applier_share. Memory for the slots of a host's streams, which a few bytes can name by
//         the million: rows that are wider are refused, stream by stream. Samples more than
//         APPLIER_FUTURE_MS ahead of our clock are refused.
// Loss:   what is not stored is counted by reason, and logged at most each 10 s per reason.

#ifndef COLLECTOR_APPLIER_H
#define COLLECTOR_APPLIER_H

#include <stdint.h>

#include "collector/agent_limit.h"
#include "collector/event_log.h"
#include "collector/host_ledger.h"
#include "collector/host_table.h"
#include "collector/lane_table.h"
#include "collector/publisher.h"
#include "collector/store/local_store.h"
#include "shared/wire/frame.h"
#include "shared/wire/query_ledger.h"

#define APPLIER_FUTURE_MS (10 * 60 * 1000)
// For a host's slots where nothing else was said: some 142,000 of them.
#define APPLIER_SLOT_BYTES_MOST (UINT64_C(32) << 20)

typedef struct applier applier_t;

struct applier_live {
    host_table_t *hosts;
    publisher_t *publisher;
    host_ledger_t *ledger; // is told what limits refused; NULL: nobody is
    void *arg;
    // The stream can't be read any more without TABLE and KEY.
    void (*ask)(void *arg, uint64_t host, uint64_t stream);
};

// Of one host.
struct applier_limits {
    struct agent_limits agent;
    uint64_t slot_bytes; // of memory for the slots of its streams
};

// All borrowed for as long as it lives, but the limits.
applier_t *applier_new(local_store_t *store, event_log_t *events,
                       const struct applier_limits *most);
void applier_destroy(applier_t **self_p);
void applier_attach(applier_t *self, const struct applier_live *live);

// How the host is called: all its series begin anew if that changes.
void applier_name(applier_t *self, uint64_t host, const char *name);
// What its agent said at a HELLO; streams that are not among these `n` are forgotten.
void applier_hello(applier_t *self, const struct host *host, const uint64_t *streams, uint32_t n);
// What was decided of streams before they are met here: borrowed, as of then. NULL, as at first:
// nothing was.
void applier_lanes(applier_t *self, const lane_table_t *lanes);
// A stream of whose slots something was decided since the last call, and all that was; false: no
// more. It is to be kept (JOURNAL_LIMITS), so that a replay decides none of it again.
bool applier_next_decided(applier_t *self, struct journal_id *ret,
                          const struct slot_decisions **decided_ret);
// Of the next record so much is let in; all, where it is not called.
void applier_share(applier_t *self, struct record_share share);
// Records from here on stand in this segment of the journal. 0: in none, as at first.
void applier_segment(applier_t *self, uint64_t segment);
// The samples of the record that were not stored; those of a repeat never are, and are not counted.
// `now` is when it came.
uint64_t applier_record(applier_t *self, uint64_t host, uint8_t flags, const struct record *record,
                        struct host_time now);
// Of the last applier_record: what was not stored, by cause.
struct applier_fate {
    uint64_t refused[REFUSED_CAUSES];
};
void applier_fate(const applier_t *self, struct applier_fate *ret);
// Memory that the slots of a host's streams take: never above the limit. For tests.
uint64_t applier_slot_bytes(const applier_t *self, uint64_t host);
// The host under which the streams of that one stand in the store, as far as is known: itself, but
// for an imported one.
uint64_t applier_into(const applier_t *self, uint64_t host);
void applier_forget(applier_t *self, uint64_t host);

#endif

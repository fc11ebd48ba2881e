// ingest_fate - what becomes of records that the journal has committed.
//
// In:     groups as the journal gives them back, each twice and in order: to be booked at once, to
//         be applied when the store is ready for it.
// Out:    booked: marks and counts of `lanes`, and an ACK that is due for each stream in it.
//         Applied: rows by the applier, what it refused in `lanes` and on the list of `streams`,
//         what the agent lost in its host's ledger; at the END of a backlog the times it filled.
// Thread: ingest's. Inner to it.
// Loss:   what is no entry of ours is passed over.

#ifndef COLLECTOR_INGEST_FATE_H
#define COLLECTOR_INGEST_FATE_H

#include <stdint.h>

#include "collector/applier.h"
#include "collector/host_ledger.h"
#include "collector/ingest_stream.h"
#include "collector/journal.h"
#include "collector/lane_table.h"

// All borrowed.
struct ingest_fate {
    uint64_t applied; // segment of the journal that the newest record stands in that was applied
    lane_table_t *lanes;
    ingest_streams_t *streams;
    applier_t *applier;
    host_ledger_t *ledger;
    uint64_t trimmed;  // segments of the journal below it are forgotten in the lanes
    int64_t unsaid_ms; // what ended later, before the start, may not have been told of
    void *arg;         // of `filled`
    void (*filled)(void *arg, uint64_t host, int64_t from_ms, int64_t to_ms);
};

// Before anything: what the lanes say of before the start.
void ingest_fate_begin(struct ingest_fate *self);
// Tells of what a collector before us may have ended over before it told: streams of the backlog
// that ended in its last FILL_LIST_MS. Now that what they filled can be asked for.
void ingest_fate_tell(const struct ingest_fate *self);
// What is durable of the group. Marks its records that were booked before: a stream that was named
// anew while it was at the disk had them asked for again.
void ingest_fate_book(struct ingest_fate *self, struct journal_group *group);
// Its records, in their order. `mono_ms`: now.
void ingest_fate_apply(struct ingest_fate *self, const struct journal_group *group,
                       int64_t mono_ms);
// What the applier decided of slots since, into the lanes and on the list of what is to be
// journaled.
void ingest_fate_decided(const struct ingest_fate *self);
// `was`: the lanes as of the start, with what of them had been refused.
void ingest_fate_refused_before(const struct ingest_fate *self, const lane_table_t *was);

#endif

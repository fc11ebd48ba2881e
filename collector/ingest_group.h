// ingest_group - entries on their way into the journal: gathered in one group while another is at
// the disk.
//
// In:     records that were staged, and what the ledger of streams and hosts has to say beside.
// Out:    groups, one at a time, to the journal; and how many bytes all of them hold.
// Order:  add -> submit (busy) -> the journal gives the group back -> ... -> done. Between the
//         last two it is its owner's, who may let it wait: it counts as held.
// Thread: ingest's. Inner to it. A value: release it.

#ifndef COLLECTOR_INGEST_GROUP_H
#define COLLECTOR_INGEST_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/ingest_stream.h"
#include "collector/journal.h"
#include "collector/lane_table.h"
#include "shared/base/map.h"

#define INGEST_SHARE_LEAST (64u * 1024u) // of memory for an agent

struct ingest_group {
    journal_t *journal;          // borrowed, as the next two
    const lane_table_t *lanes;   // what is committed
    ingest_streams_t *streams;   // whose names and refusals are said
    struct journal_group *open;  // being gathered
    struct journal_group *spare; // for the next one; NULL: to be made
    map_t *stood;                // stream -> STANDS that the journal has not taken; NULL: none
    map_t *stood_at_disk;        // likewise: those in the group that is there
    bool stood_waits;            // the disk is full: those of `stood` are in no group
    bool busy;                   // a group is at the disk: its owner clears this
    uint64_t held;               // bytes of groups: gathered, at the disk and waiting
};

void ingest_group_release(struct ingest_group *self);

// Ahead of the first kept entry of a host: what it is called, if the journal has not been told.
// `source` is the item's host, or NULL where there is no such.
void ingest_group_add(struct ingest_group *self, struct source *source,
                      const struct journal_item *item, const void *at, size_t len);
// A record of which so much is let in, said with it so that it is decided once.
void ingest_group_add_share(struct ingest_group *self, struct source *source,
                            const struct journal_item *item, struct record_share share,
                            const void *at, size_t len);
// That the store's files have all of the stream below `next`. It is kept until the journal has it:
// what a full disk did not take of these is said by ingest_group_stands_again. Constant cost.
void ingest_group_stands(struct ingest_group *self, const struct journal_entry *stands, bool full);
void ingest_group_stands_again(struct ingest_group *self);
// What became of the group that was at the disk: taken, or (the disk is full) it is none, nor is
// what was gathered behind it.
void ingest_group_came(struct ingest_group *self, bool taken);
// host_ledger's `before` of the host.
void ingest_group_before(struct ingest_group *self, uint64_t host, int64_t now_ms,
                         uint64_t samples);
// What the applier has refused and decided since, of the streams on the list of refusals.
void ingest_group_refused(struct ingest_group *self, int64_t now_ms);
// An entry of no meaning that needs as much room as a large record: has the disk room again?
void ingest_group_probe(struct ingest_group *self);
// Of `most` bytes what each of so many agents may send more; 0 once three quarters are held.
uint64_t ingest_group_share(const struct ingest_group *self, uint64_t most, uint64_t agents);
// To the journal. Not while busy.
void ingest_group_submit(struct ingest_group *self);
// What is gathered never came.
void ingest_group_drop(struct ingest_group *self);
// Takes a group that the journal gave back; its memory is kept for one to come.
void ingest_group_done(struct ingest_group *self, struct journal_group *group);

#endif

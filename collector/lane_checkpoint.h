// lane_checkpoint - all of a lane_table as bytes, so that a start need not read the whole journal.
//
// In:     a table; or the items of CHECKPOINT entries, which a disk may have damaged.
// Out:    items of three kinds (a segment of the journal, a host, a lane); or the table again.
// Thread: that of the table. Pure: no files, no clocks.
// Limits: the places of a lane's definitions past the first 4,096 are left out: the journal gathers
//         them in one (BASIS) long before.

#ifndef COLLECTOR_LANE_CHECKPOINT_H
#define COLLECTOR_LANE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "collector/lane_table.h"
#include "shared/base/buf.h"

// A piece of a checkpoint is so large, and a little.
#define LANE_PIECE_BYTES (128u * 1024u)

// Gets the items in pieces, each with its JOURNAL_FIRST and JOURNAL_LAST. 0, or below zero to stop.
typedef int lane_emit_fn(void *arg, const struct buf *items, uint8_t flags);
// A segment that the journal holds, and the newest one that has a record that needs it.
typedef void lane_segment_fn(void *arg, uint64_t number, uint64_t needed_by);

// `first` has the segments already. 0, or what emit returned below zero.
int lane_checkpoint_save(const lane_table_t *table, struct buf *first, lane_emit_fn *emit,
                         void *arg);
// An item that is no lane's, for the `first` of a checkpoint.
void lane_checkpoint_put_segment(struct buf *out, uint64_t number, uint64_t needed_by);
// The items of one entry, in addition to what is there; segments go to `segment`. 0 or ERR_FORMAT.
int lane_checkpoint_load(lane_table_t *table, const uint8_t *items, size_t len,
                         lane_segment_fn *segment, void *arg);

#endif

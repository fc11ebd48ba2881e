// journal_scan - what the journal holds of each stream, read from its newest end.
//
// In:     the files of a journal, up to its end.
// Out:    the lane table and what is known of segments: from the newest whole checkpoint, and the
//         entries behind it. Without any checkpoint every segment is read.
// Thread: the caller's; it blocks on the disk.

#ifndef COLLECTOR_JOURNAL_SCAN_H
#define COLLECTOR_JOURNAL_SCAN_H

#include "collector/journal_file.h"
#include "collector/journal_keep.h"
#include "collector/lane_table.h"

struct journal_scan_options {
    const char *dir;
    uint64_t owner;
    uint64_t oldest;          // segment
    struct segment_place end; // of the log
};

// 0 or -errno. Adds to found->damaged_bytes and found->read. `lanes` and `keep` were empty.
int journal_scan(lane_table_t *lanes, struct journal_keep *keep, struct journal_found *found,
                 const struct journal_scan_options *opt);

#endif

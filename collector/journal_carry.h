// journal_carry - definitions of streams, gathered from where they stand to be written anew.
//
// In:     the lane table, whose places are read from the files.
// Out:    for each lane one BASIS or more: what follows the head. Only the last of a lane says
//         `below`, so that a crash between them takes nothing away.
// Thread: the journal's.

#ifndef COLLECTOR_JOURNAL_CARRY_H
#define COLLECTOR_JOURNAL_CARRY_H

#include "collector/lane_table.h"

struct journal_carry_options {
    const char *dir;
    uint64_t owner;
    struct segment_place until; // the log's end
    uint64_t below;             // places in segments below it are gathered
    uint32_t least;             // of lanes that have so many places or more
    void *arg;
    // Below zero ends it.
    int (*basis)(void *arg, const struct journal_id *id, const struct buf *basis);
};

// 0, or the first error. `lanes` may change by what basis() does.
int journal_carry(const lane_table_t *lanes, const struct journal_carry_options *opt);

#endif

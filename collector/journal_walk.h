// journal_walk - all records of the journal, each such that it can be read.
//
// In:     the files of a journal up to a place; what is known of its streams.
// Out:    how hosts are called; each stream's definitions that a record may need before their place
//         comes, those that stand in segments that are gone among them; then every record, in
//         order. What only sets a decoder carries FRAME_REPEAT. Records that come before the first
//         KEY of their stream can not be read: nothing needs them, or their KEY would be there.
// Thread: any: it opens the files itself, and the journal may go on meanwhile, but for segments
//         that are let go. It blocks.
// Loss:   what is damaged is counted and passed over; the streams that had records in it are read
//         again from their next KEY on.

#ifndef COLLECTOR_JOURNAL_WALK_H
#define COLLECTOR_JOURNAL_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/lane_table.h"
#include "shared/base/segment_log.h"

// The seq of the definitions that are told first: they are of no place in the run.
#define WALK_DEFINED (UINT64_MAX - 1)

struct journal_walk {
    const char *dir;
    uint64_t owner;
    struct segment_place oldest; // where it begins; offset 0
    struct segment_place end;    // of what is read
    const lane_table_t *lanes;   // as of `end`
    const atomic_bool *stop;     // once true the walk ends
    void *arg;
    void (*host)(void *arg, uint64_t host, const char *name);
    // Of a definition that is told first the segment is 0.
    void (*record)(void *arg, const struct journal_entry *entry, uint64_t segment);
};

struct journal_walked {
    uint64_t records;       // but repeats
    uint64_t damaged_bytes; // passed over
    uint64_t bytes;         // that were read
};

// 0; ERR_CLOSED: it was stopped; or -errno.
int journal_walk(const struct journal_walk *walk, struct journal_walked *ret);

#endif

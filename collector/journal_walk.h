// journal_walk - the records of the journal from some time on, each such that it can be read.
//
// In:     the files of a journal up to a place; what is known of its streams.
// Out:    in order: how hosts are called; each stream's definitions; what a decoder must have seen;
//         and then every record that came at or after `since_ms`, once.
//         What only sets a decoder carries FRAME_REPEAT, as a sender's repeats do.
// Thread: any: it opens the files itself, and the journal may go on meanwhile. It blocks.
// Loss:   what is damaged is counted and passed over; the streams that had records in it are read
//         again from their next KEY on. A KEY that stands more than WALK_BACK_BYTES before the
//         first record is not looked for.

#ifndef COLLECTOR_JOURNAL_WALK_H
#define COLLECTOR_JOURNAL_WALK_H

#include <stdatomic.h>
#include <stdint.h>

#include "collector/lane_table.h"
#include "shared/base/segment_log.h"

#define WALK_BACK_BYTES (256u * 1024u * 1024u)

struct journal_walk {
    const char *dir;
    uint64_t owner;
    struct segment_place end;  // of what is read
    const lane_table_t *lanes; // as of `end`
    int64_t since_ms;          // our clock, when records came
    const atomic_bool *stop;   // NULL: none. Once true the walk ends.
    void *arg;
    void (*host)(void *arg, uint64_t host, const char *name);
    void (*record)(void *arg, const struct journal_entry *entry);
};

struct journal_walked {
    uint64_t records;       // that came at or after since_ms
    uint64_t damaged_bytes; // passed over
    uint64_t bytes;         // of segments that were read
};

// 0; ERR_CLOSED: it was stopped; or -errno.
int journal_walk(const struct journal_walk *walk, struct journal_walked *ret);

#endif

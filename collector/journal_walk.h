// journal_walk - the records of the journal from some time on, each such that it can be read.
//
// In:     the files of a journal up to a place; what is known of its streams, and which samples its
//         segments have.
// Out:    in order: how hosts are called; each stream's definitions; what a decoder must have seen;
//         and then every record that came at or after `since_ms`, once, but for segments that have
//         nothing as old as `to_ms`.
//         What only sets a decoder carries FRAME_REPEAT, as a sender's repeats do; it is told again
//         after segments that were left out.
// Cost:   what it reads twice: of the first segment, up to `since_ms`, to know what stood then.
// Thread: any: it opens the files itself, and the journal may go on meanwhile. It blocks.
// Loss:   what is damaged is counted and passed over; the streams that had records in it are read
//         again from their next KEY on. A KEY that stands more than WALK_BACK_BYTES before the
//         first record is not looked for.

#ifndef COLLECTOR_JOURNAL_WALK_H
#define COLLECTOR_JOURNAL_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/journal_keep.h"
#include "collector/lane_table.h"
#include "shared/base/segment_log.h"

#define WALK_BACK_BYTES (256u * 1024u * 1024u)
// The seq of the definitions that are told first: they are of no place in the run.
#define WALK_DEFINED (UINT64_MAX - 1)

struct journal_walk {
    const char *dir;
    uint64_t owner;
    struct segment_place end;  // of what is read
    const lane_table_t *lanes; // as of `end`
    int64_t since_ms;          // our clock, when records came
    // Which segments may hold samples at or before to_ms. NULL: all are read.
    const struct journal_keep *keep;
    int64_t to_ms;
    uint64_t most_bytes;     // of segments to be read; 0: no limit
    const atomic_bool *stop; // NULL: none. Once true the walk ends.
    int64_t until_ms;        // monotonic, when it ends; 0: never
    void *arg;
    // False: nothing of the host is wanted. May be NULL where all are.
    bool (*host)(void *arg, uint64_t host, const char *name);
    // False ends the walk.
    bool (*record)(void *arg, const struct journal_entry *entry);
    // All definitions were told: is anything of the stream wanted? NULL: all is.
    bool (*stream)(void *arg, uint64_t host, uint64_t stream);
};

struct journal_walked {
    uint64_t records;       // that came at or after since_ms
    uint64_t damaged_bytes; // passed over
    uint64_t bytes;         // of segments that were read
};

// 0; ERR_CLOSED: it was stopped, or `record` ended it; -ETIMEDOUT; ERR_LIMIT: most_bytes; or
// -errno.
int journal_walk(const struct journal_walk *walk, struct journal_walked *ret);
// The names and definitions alone, of streams that were heard since.
int journal_walk_definitions(const struct journal_walk *walk);

#endif

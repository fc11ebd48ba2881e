// journal_file - the collector's journal on disk: groups of entries made durable, old ones let go.
//
// In:     groups of entries, in the order in which they were accepted.
// Out:    their places, once they are durable; and at the open what the journal holds of each
//         stream.
// Files:  a segment log in DATA/journal. Behind the first entry of each segment stands a
//         checkpoint: all of the lane table. So an open reads the newest segment, and an older one
//         only where that has no whole checkpoint.
// Keeps:  segments from the one that journal_file_let_go named on, and those with a KEY that a
//         record in them is read from. A KEY that a living stream is read from holds its segment as
//         well, for JOURNAL_HOLD_BYTES at most: who is in the way for half of that is asked for
//         another one. Definitions never go with a segment: those of streams that are still known
//         are written anew before.
// Loss:   a full disk, or `bytes_most` that are all needed, are told by -ENOSPC, which may end. Any
//         other error of a write or sync is final.
// Thread: one owner; it blocks on the disk.

#ifndef COLLECTOR_JOURNAL_FILE_H
#define COLLECTOR_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/journal_entry.h"
#include "collector/lane_table.h"

#define JOURNAL_SEGMENT_BYTES (16u * 1024u * 1024u)
#define JOURNAL_SPARES        2u
#define JOURNAL_HOLD_BYTES    (128u * 1024u * 1024u)
// After END a stream is known for a day longer than an agent's spool may hold its records.
#define JOURNAL_ENDED_MS (8 * INT64_C(86400000))

struct journal_options {
    const char *dir;        // made where it is missing
    uint64_t owner;         // the collector's id
    uint32_t segment_bytes; // JOURNAL_SEGMENT_BYTES but for tests
    unsigned spares;
    uint64_t bytes_most;     // of the folder
    uint64_t hold_bytes;     // JOURNAL_HOLD_BYTES but for tests
    int64_t (*now_ms)(void); // since the epoch
};

struct journal_found {
    uint64_t torn_bytes;    // cut off the end: never acknowledged
    uint64_t damaged_bytes; // that were durable and can't be read, as far as the open looked
    uint64_t foreign;       // files that are none of ours
    uint64_t read;          // segments that were read
    uint64_t segments;      // there are
    size_t lanes;           // streams known
    uint64_t checkpoint;    // segment in which the newest whole one begins; 0: there is none
};

// One entry of a group. Its bytes stand in the group's, `len` of them from `at`: what follows the
// head.
struct journal_item {
    uint64_t host;
    int64_t received_ms;
    uint32_t at;
    uint32_t len;
    uint8_t kind;               // enum journal_kind
    uint8_t flags;              // enum frame_flag
    bool kept;                  // goes to the disk; others go along in their order
    struct segment_place place; // out
    bool twice;                 // ingest's: it was booked before, and is of no further effect
};

struct journal_group {
    struct buf bytes;
    struct journal_item *items;
    uint32_t n;
    uint32_t size;   // allocated
    int64_t made_ns; // monotonic, of the first item: for the latency
    // What came of it.
    int rc;                  // 0; -ENOSPC: items from `done` on were not taken; or final
    uint32_t done;           // items that are durable, from the first on
    uint64_t oldest;         // segment of the journal
    int64_t expired_ms;      // lane_table_expire was done for this time; 0: it was not
    struct journal_id *asks; // streams whose next row should be a KEY
    uint32_t n_asks;
};

struct journal_group *journal_group_new(void);
void journal_group_free(struct journal_group *group);
void journal_group_clear(struct journal_group *group); // keeps the memory, unless it is much
void journal_group_add(struct journal_group *group, const struct journal_item *item,
                       const void *bytes, size_t len);

typedef struct journal_file journal_file_t;

// 0 and *ret. ERR_UNKNOWN: another collector's; ERR_VERSION; ERR_FORMAT; or -errno.
int journal_file_open(journal_file_t **ret, struct journal_found *found,
                      const struct journal_options *opt);
void journal_file_close(journal_file_t **self_p);
// Records in segments below this one are not needed any more, as far as the caller is concerned;
// at first all are. Any thread.
void journal_file_let_go(journal_file_t *self, uint64_t below);
// While it is on, groups are given back with -ENOSPC: who takes what is durable can not follow. Any
// thread.
void journal_file_hold(journal_file_t *self, bool on);
// Appends and syncs; the outcome is in the group.
void journal_file_commit(journal_file_t *self, struct journal_group *group);

const lane_table_t *journal_file_lanes(const journal_file_t *self);
struct segment_place journal_file_end(const journal_file_t *self);
uint64_t journal_file_oldest(const journal_file_t *self);
uint64_t journal_file_bytes(const journal_file_t *self); // of the folder

#endif

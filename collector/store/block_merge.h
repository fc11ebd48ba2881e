// block_merge - the tiles of quiet days become fewer and longer ones, each day once.
//
// A day's file is merged once the day ended, and the file was written last, so long ago: its tiles
// are read host by host and some time at a time, what they have is written to a new file beside it,
// and that one takes its name. Of samples with one time the one stays that questions were answered
// with. Marks are copied.
//
// In:     the folder of block files; a step of the store's thread now and then.
// Out:    files whose tiles have numbers below BLOCK_MERGED_BELOW, which says that they were merged
//         and that these tiles came first. Tiles that come later are put beside them.
// Thread: its own reads, encodes and writes; the store's thread alone lets go of the old file, and
//         gives its name to the new one. stop is the caller's, once the store's thread has ended.
// Loss:   none. The new file is whole and on the disk before it has its name; who has the old one
//         open reads it to the end. A file that was written meanwhile stays as it is, and is merged
//         once it is quiet again; so is one for which there is no room. One that does not read is
//         not tried again before the next start. Each is told once.
// Cost:   reads and writes BLOCK_MERGE_BYTES_PER_S of tiles at most, but for SQLite's
//         integrity_check of each file, once.
// Memory: some 100 MiB at most, while it runs.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_BLOCK_MERGE_H
#define COLLECTOR_STORE_BLOCK_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/block_files.h"

#define BLOCK_MERGE_BYTES_PER_S (4u << 20)
#define BLOCK_MERGE_LOOK_MS     (10 * 60 * 1000)
#define BLOCK_MERGE_SAMPLES     (1u << 20) // in memory at a time

struct block_merge_options {
    block_files_t *files; // borrowed; closed after the stop
    int64_t age_ms;       // for which a day is over and its file was not written
    int64_t look_ms;      // between two looks at all files
    uint64_t bytes_per_s; // of tiles, read and written
    uint64_t samples;     // in memory at a time
};

struct block_merge_stat {
    uint64_t looks;    // at all files
    uint64_t merged;   // files
    uint64_t given_up; // tries
};

typedef struct block_merge block_merge_t;

// 0 and *ret, or -errno.
int block_merge_start(block_merge_t **ret, const struct block_merge_options *options);
// At once, whatever it is at. NULL is fine.
void block_merge_stop(block_merge_t **self_p);
struct block_merge_stat block_merge_stat(block_merge_t *self); // any thread

// The store's thread. Whether it waits for a step:
bool block_merge_waits(block_merge_t *self);
// and the step. No tile that is not in a file has a number below `first_number`: a file with later
// ones stays as it is, for those would no longer come first. 0 or -errno, final.
int block_merge_step(block_merge_t *self, uint64_t first_number);

#endif

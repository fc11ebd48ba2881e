// block_check - looks at every block file from time to time, whether it is still what was written:
// disks forget without saying so.
//
// In:     the folder of block files.
// Out:    a file that SQLite's quick_check finds damaged is doubted: the writer looks again and
//         sets it aside. A tile whose checksum is wrong is told in the log and counted; the rest of
//         its file stays.
// Thread: its own, one file at a time; stop may be called from any other.
// Cost:   reads each file once in a round, with pauses.

#ifndef COLLECTOR_STORE_BLOCK_CHECK_H
#define COLLECTOR_STORE_BLOCK_CHECK_H

#include <stdint.h>

#include "collector/store/block_files.h"

#define BLOCK_CHECK_ROUND_MS INT64_C(86400000)
#define BLOCK_CHECK_LEAST_MS (10 * 60 * 1000)

struct block_check_options {
    block_files_t *files; // borrowed; closed after the stop
    int64_t round_ms;     // all files once, about
    int64_t least_ms;     // from one file to the next, at least; also before the first
};

struct block_check_stat {
    uint64_t files; // looked at
    uint64_t damaged_files;
    uint64_t damaged_tiles;
};

typedef struct block_check block_check_t;

// 0 and *ret, or -errno.
int block_check_start(block_check_t **ret, const struct block_check_options *options);
// At once, whatever it is at. NULL is fine.
void block_check_stop(block_check_t **self_p);
struct block_check_stat block_check_stat(block_check_t *self); // any thread

#endif

// local_far - what disk and memory have together of one host, for a question that reaches back
// further than memory does.
//
// Tiles are read in the order in which they were begun, day by day, wherever they are: so which of
// two values stands does not depend on what memory has given up.
// Thread: the asker's. Inner to the embedded store.

#ifndef COLLECTOR_STORE_LOCAL_FAR_H
#define COLLECTOR_STORE_LOCAL_FAR_H

#include "collector/store/local_inner.h"
#include "collector/store/tile_gather.h"

// Samples of a host in one answer, at most; 16 bytes each, and up to half as much for growing.
#define LOCAL_FAR_SAMPLES 4000000u

struct local_far {
    struct local_store *store;
    const struct store_select *what;
    uint64_t host;
    const series_id *ids; // rising; tiles that have none of these series are passed over
    uint32_t n_ids;
    bool memory_alone;          // the disk is not asked
    struct sealed_tile **tiles; // of memory, what is open sealed for the question
    uint32_t n_tiles;
    const struct local_tile *known; // of memory when they were taken, numbers rising: what of them
    uint32_t n_known;               // is on the disk as well is passed over there
    uint32_t damaged;               // out: tiles and files that could not be read
};

// Calls `fn` for each tile in that order: 0; or ERR_FORMAT or ERR_VERSION: it can not be read; or
// what ends it. 0, what `fn` ended it with, -ETIMEDOUT, ERR_CLOSED, or -errno. Sorts the tiles of
// memory.
int local_far_tiles(struct local_far *far, int (*fn)(void *arg, const struct block_tile *tile),
                    void *arg);
// All of them into `gather`; ERR_LIMIT too.
int local_far_read(struct local_far *far, tile_gather_t *gather);

#endif

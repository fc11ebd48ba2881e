// merged_file - all tiles and marks of a block file in a new one, as few long tiles.
//
// In:     a block file that nobody writes meanwhile.
// Out:    a file whose tiles have the samples that a question would get of the first one: of those
//         of one series and time that of the lowest number. Their own numbers begin at 1. Marks are
//         the same.
// Memory: 40 bytes a sample of `samples`, 90 where they are of one series, and some MiB.
// Thread: any, one.
// Loss:   a tile that does not read ends it: then the new file is to be removed.

#ifndef COLLECTOR_STORE_MERGED_FILE_H
#define COLLECTOR_STORE_MERGED_FILE_H

#include "collector/store/block_db.h"

struct merged_file_options {
    block_db_t *source;                         // borrowed
    const struct block_stat *had;               // of it
    uint8_t class;                              // of its tiles
    uint64_t samples;                           // of one host, in memory at a time
    int (*moved_fn)(void *arg, uint64_t bytes); // of tiles, read or written; not 0 ends it
    void *arg;                                  // for moved_fn
};

// What is at `path` is whole and on the disk once it returns 0. ERR_FORMAT: a tile does not read,
// or is not what its row says; ERR_LIMIT: it would be too many tiles; -E2BIG: too many samples in
// one millisecond; what moved_fn returned; or as block_db_write has it.
int merged_file_make(const char *path, const struct merged_file_options *options);

#endif

// store_files - what stands in a store's folder, seen from outside, its writer beside us or gone.
//
// In:     a collector's data folder.
// Out:    marks, samples and bytes; pages out of the kernel's memory.
// Thread: one owner. A bench's: what goes wrong ends the program with a line.

#ifndef TESTS_BENCH_PARTS_STORE_FILES_H
#define TESTS_BENCH_PARTS_STORE_FILES_H

#include <stdint.h>

// Streams from `first` on, of `n`, all of whose records below `seq` are on the disk.
unsigned store_files_marked(const char *data, uint64_t first, unsigned n, uint64_t seq);

struct store_sizes {
    uint64_t tiles;   // of all hosts
    uint64_t samples; // in them
    uint64_t payload; // bytes of the tiles alone
    uint64_t bytes;   // of all files of the store, logs too
    uint64_t meta;    // of these, meta.db's
    uint64_t journal; // bytes of the folder beside it
};
struct store_sizes store_files_sizes(const char *data);
// All pages of all files, journal too, are written and given back to the kernel.
void store_files_chill(const char *data);

#endif

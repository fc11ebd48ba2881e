// collector_status - how the collector and its store are, in numbers.
//
// Out:    what is known: counters of the process, the store's own numbers, names and sizes of the
//         store's folder, the room on its disk.
// Thread: any; it may wait for a disk.

#ifndef COLLECTOR_COLLECTOR_STATUS_H
#define COLLECTOR_COLLECTOR_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/wire/query_number.h"

// What does not change while the collector runs.
struct collector_about {
    const char *data_dir;   // NULL: not known
    int64_t started_ms;     // since the epoch
    uint64_t head_bytes;    // memory for samples and labels, at most
    uint64_t journal_bytes; // of the journal, at most
    int64_t keep_ms;        // of samples; -1: not known, 0: for ever
    uint64_t keep_bytes;    // of files, where keep_ms is known; 0: all
};

// Numbers as query_put_numbers puts them, of what is known; how many. `about` may be NULL.
uint32_t collector_status_put(struct buf *out, const struct collector_about *about, store_t *store,
                              bool replaying);

#endif

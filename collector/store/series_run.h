// series_run - series of one host with ids in a row, written one behind the other: what a series
// has in common with the one before it is not said again.
//
// Thread: any; what is pure bytes here has no state besides its arguments.
// Errors: ERR_FORMAT for bytes that are not as they are written here.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_SERIES_RUN_H
#define COLLECTOR_STORE_SERIES_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/base/buf.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"

struct meta_series {
    series_id id; // not 0
    uint64_t host;
    enum metric_kind kind;
    const struct label_set *labels; // borrowed; at most LABEL_BYTES_MAX
};

// A run that is being written; zero is an empty one. Holds memory: buf_release its bytes.
struct series_run {
    uint64_t host;
    series_id first;
    uint32_t n;
    const struct label_set *before; // of the series that was added last; borrowed
    struct buf bytes;
};

// Whether the series can be the run's next one. A run that is empty takes any.
bool series_run_takes(const struct series_run *run, const struct meta_series *series);
// Adds one that it takes. Its labels stay where they are until the run is cleared.
void series_run_add(struct series_run *run, const struct meta_series *series);
void series_run_clear(struct series_run *run); // keeps its memory

// What a run says, ids rising from `first`: calls `fn` for each of its n series, which is borrowed
// for the call. Not 0 ends it and is returned.
int series_run_read(uint64_t host, series_id first, uint32_t n, const void *at, size_t len,
                    int (*fn)(void *arg, const struct meta_series *series), void *arg);

#endif

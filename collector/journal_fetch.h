// journal_fetch - entries of the journal by their places.
//
// In:     places in any order.
// Out:    the entries, segment after segment.
// Thread: any; it reads the files itself.
// Cost:   each segment that holds one is read from its start to the last of them.

#ifndef COLLECTOR_JOURNAL_FETCH_H
#define COLLECTOR_JOURNAL_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "collector/journal_entry.h"
#include "shared/base/segment_log.h"

struct journal_wish {
    struct segment_place place;
    uint64_t host; // the caller's, given back
    uint64_t stream;
};

// `entry` is borrowed for the call.
typedef void journal_fetch_fn(void *arg, const struct journal_wish *wish,
                              struct journal_entry *entry);
// Sorts the wishes by place. 0, or -errno. What is damaged or gone is left out.
int journal_fetch(const char *dir, uint64_t owner, struct segment_place until,
                  struct journal_wish *wishes, size_t n, journal_fetch_fn *fn, void *arg);

#endif

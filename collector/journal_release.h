// journal_release - the journal lets go what the store has on the disk.
//
// In:     how far records were applied to the store; how the store is.
// Out:    the segments that the journal need not keep for it; and no more groups into the journal
//         while the store can neither write nor hold what comes.
// Thread: that of the reactor, about once a second.

#ifndef COLLECTOR_JOURNAL_RELEASE_H
#define COLLECTOR_JOURNAL_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/journal.h"
#include "collector/store/local_store.h"

// Segments of the journal that a tile may hold back before it is ended.
#define JOURNAL_RELEASE_HOLD 4u

// `applied`: no record that was not applied stands in an earlier segment. While the journal is read
// back, and where that failed, nothing is let go. 0, or the store's final error, which is
// told: time to end.
int journal_release(journal_t *journal, local_store_t *store, uint64_t applied, bool replaying);

#endif

// journal_store - the store until there are blocks: the head, and behind it the journal.
//
// In:     rows, for the head; the folder of a journal that keeps the same samples, how far it can
// be
//         read, and from what time on the head was filled.
// Out:    every sample that head or journal holds: series with their samples, times rising, one a
//         time. Where both say a time, the journal's value stands, which was there first.
//         What the head surely has whole is answered by it alone, as before; the journal is read
//         only where the window begins before that.
// Thread: as store.h says. Readers of the journal take turns; they open its files themselves, and
//         neither the journal's thread nor the appender waits for them.
// Memory: of a cursor that reads the journal: all samples of its answer that are there, at most
//         JOURNAL_STORE_SAMPLES (16 bytes each, and up to half as much for growing), and what
//         journal_reader needs. Longer windows are for the asker to split.
// Cost:   what came since the window began, but for segments that have nothing so old: some
//         100 MB/s to 1 GB/s, by how much of it is wanted. More than JOURNAL_STORE_BYTES are
//         ERR_LIMIT. The first such read also reads the newest segment.
// Loss:   what is damaged is read around, logged, and said by store_why.

#ifndef COLLECTOR_JOURNAL_STORE_H
#define COLLECTOR_JOURNAL_STORE_H

#include "collector/journal.h"
#include "collector/store/store.h"

#define JOURNAL_STORE_SAMPLES 4000000u
#define JOURNAL_STORE_SERIES  200000u
#define JOURNAL_STORE_BYTES   (UINT64_C(2) << 30)

struct journal_store_options {
    const char *dir; // of the journal
    uint64_t owner;
    int64_t floor_ms; // of what was older than this before the start the head has nothing, or part
    void *arg;
    void (*reach)(void *arg, struct journal_reach *ret); // any thread
};

// Takes the head, and is it from then on.
store_t *journal_store_new(store_t **head_p, const struct journal_store_options *options);

#endif

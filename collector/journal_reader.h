// journal_reader - every sample of a time range that the journal holds, once.
//
// In:     a journal's files up to a place, as journal_walk reads them; a range of sample times;
// which
//         hosts and series are wanted.
// Out:    rows of one host and one time, with the labels that the store gave them, `instance` too.
//         Rows of one stream come in its order; streams alternate as they were received. Two
//         streams of a host may say the same sample; the first of them stands, as in the store.
// Cost:   all is read that came since `from_ms`, but for segments that have nothing as old as
//         `to_ms`; streams of which nothing is wanted are not decoded.
// Memory: the definitions of the hosts that are wanted, and the state of their streams, with at
// most
//         256 KiB each of records that are not yet decoded.
// Thread: any; it blocks on the disk.
// Loss:   samples that stood more than APPLIER_FUTURE_MS ahead of our clock are left out, as they
//         were at first; so are those for whose KEY or definition nothing is left, and counted.

#ifndef COLLECTOR_JOURNAL_READER_H
#define COLLECTOR_JOURNAL_READER_H

#include "collector/journal_walk.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"

struct journal_series {
    struct label_set labels; // with `instance`
    enum metric_kind kind;
    void *mine; // set by who wants it
};

// Borrowed for the call.
struct journal_row {
    uint64_t host;
    uint64_t stream;
    int64_t time_ms;
    uint32_t n;
    const struct journal_series *const *series;
    const double *values; // beside them
};

struct journal_read {
    const char *dir;
    uint64_t owner;
    struct segment_place end;
    const lane_table_t *lanes;       // as of `end`
    const struct journal_keep *keep; // likewise; NULL: every segment may hold anything
    int64_t from_ms, to_ms;          // of samples, both inclusive
    uint64_t most_bytes;             // of segments to be read; 0: no limit
    const atomic_bool *stop;         // NULL: none
    int64_t until_ms;                // monotonic; 0: never
    void *arg;
    bool (*host)(void *arg, uint64_t host, const char *name);                // NULL: all
    bool (*series)(void *arg, uint64_t host, struct journal_series *series); // NULL: all
    int (*row)(void *arg, const struct journal_row *row);                    // below zero ends it
};

struct journal_told {
    uint64_t samples;
    uint64_t unreadable; // values without a KEY or definition, of any time; of wanted streams
    struct journal_walked walked;
};

// 0; what `row` returned below zero; ERR_CLOSED: it was stopped; -ETIMEDOUT; ERR_LIMIT: most_bytes;
// or -errno.
int journal_read(const struct journal_read *read, struct journal_told *ret);
// Asks `series` for all that streams defined that were heard since from_ms, and reads no more.
int journal_read_series(const struct journal_read *read);

#endif

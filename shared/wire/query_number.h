// query_number - the items of a STATUS reply: numbers that say how a collector and its store are.
//
// In:     numbers under their ids; or bytes of a collector.
// Out:    bytes; or the numbers that were told. What a collector does not know it does not tell,
//         and an id that is not known here is passed over: so both sides may be of other versions.
// Source: shared/wire/FORMAT.md, "Query". Ids are this table's.

#ifndef SHARED_WIRE_QUERY_NUMBER_H
#define SHARED_WIRE_QUERY_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"

// Ids of the wire: never used for anything else. Counters are since the collector's start.
enum query_number {
    STATUS_STARTED_MS = 1,           // since the epoch
    STATUS_RESIDENT_BYTES = 2,       // memory of the process
    STATUS_SERIES = 3,               // known
    STATUS_PAIRS = 4,                // labels with their values
    STATUS_SERIES_MADE = 5,          // lately
    STATUS_PAIRS_MADE = 6,           // lately
    STATUS_LATELY_MS = 7,            // how long that is
    STATUS_INDEX_BYTES = 8,          // memory of labels
    STATUS_INDEX_BYTES_MOST = 9,     // where new series are refused
    STATUS_HEAD_BYTES = 10,          // memory of samples and labels
    STATUS_HEAD_BYTES_MOST = 11,     // --head-bytes
    STATUS_HEAD_SAMPLES = 12,        // in memory
    STATUS_SAMPLES = 13,             // appended
    STATUS_EVICTED = 14,             // samples that are in no file and were given up
    STATUS_CONFLICTS = 15,           // samples whose time had another value
    STATUS_REFUSED_FUTURE = 16,      // samples
    STATUS_REFUSED_SERIES = 17,      // samples of series that there was no room for
    STATUS_UNREADABLE = 18,          // values that could not be decoded
    STATUS_FRAMES_REFUSED = 19,      // of any cause
    STATUS_FRAMES_NO_STORAGE = 20,   // of these, since the disk was full
    STATUS_REPLAYING = 21,           // 1: the journal is still being read back
    STATUS_REPLAYED = 22,            // records
    STATUS_JOURNAL_BYTES = 23,       // on the disk
    STATUS_JOURNAL_BYTES_MOST = 24,  // where records are refused; 0: nowhere
    STATUS_JOURNAL_COMMITS = 25,     // groups of records made durable
    STATUS_JOURNAL_COMMIT_US = 26,   // of all of them together
    STATUS_JOURNAL_FULL = 27,        // commits that the disk had no room for
    STATUS_JOURNAL_DAMAGED = 28,     // bytes that were once durable and can not be read
    STATUS_STORE_FILES = 29,         // block files
    STATUS_STORE_BYTES = 30,         // of these, on the disk
    STATUS_WRITTEN_TILES = 31,       // put into the store's files
    STATUS_WRITTEN_SAMPLES = 32,     // in them
    STATUS_WRITTEN_BYTES = 33,       // of these tiles alone
    STATUS_STORE_OLDEST_MS = 34,     // no sample is older, since the epoch
    STATUS_STORE_NEWEST_MS = 35,     // newest one in a file that was written since the start
    STATUS_STORE_DAMAGED_FILES = 36, // that were set aside
    STATUS_STORE_COMMIT_MS = 37,     // when the last commit ended, since the epoch
    STATUS_STORE_COMMIT_US = 38,     // how long it took
    STATUS_STORE_WAITING = 39,       // bytes of tiles that are in no file yet
    STATUS_CHECKPOINT_MS = 40,       // when the last checkpoint ended, since the epoch
    STATUS_CHECKPOINT_US = 41,       // how long it took
    STATUS_STORE_FULL = 42,          // 1: the last commit found the disk full
    STATUS_KEEP_MS = 43,             // how long samples are kept; 0: for ever
    STATUS_KEEP_BYTES = 44,          // how many bytes of files are kept; 0: all
    STATUS_DISK_FREE = 45,           // bytes of the data folder's file system, for its user
    STATUS_DISK_BYTES = 46,          // its size
    STATUS_DAY_BYTES = 47,           // bytes of files that a day makes, as of late
    STATUS_DENIED_UNKNOWN = 48,      // handshakes of keys that nobody enrolled
    STATUS_DENIED_KNOWN = 49,        // of keys that are revoked, retired or of another role
    STATUS_NAMELESS = 50,            // messages without a key: dropped
    STATUS_STRANGERS = 51,           // messages of keys that are not let in any more: dropped
    STATUS_ENROLLED = 52,            // keys, by a token
    STATUS_TOKENS_REFUSED = 53,      // tokens
    STATUS_HOSTS_REFUSED = 54,       // HELLOs of agents that were sent away
    STATUS_NUMBERS,
};
// "store_files"; NULL for an id that is not known.
const char *query_number_str(unsigned number);

struct query_numbers {
    int64_t value[STATUS_NUMBERS];
    bool known[STATUS_NUMBERS];
};

static inline void
query_number_set(struct query_numbers *status, enum query_number number, uint64_t value)
{
    status->value[number] = value > INT64_MAX ? INT64_MAX : (int64_t) value;
    status->known[number] = true;
}

// All that are known; their number.
uint32_t query_put_numbers(struct buf *out, const struct query_numbers *status);
// One number into *into. 0 or ERR_FORMAT.
int query_take_number(struct rbuf *r, struct query_numbers *into);

#endif

// local_store - the embedded store: open tiles, sealed ones behind them, and the disk.
//
// In:     records by store_lane; rows by store_append: the collector's own numbers; events of
//         hosts, which it keeps and does not answer with.
// Out:    answers through store.h.
// Disk:   what is sealed is there within some seconds, and stays in memory while there is room.
//         Until then the journal has it: local_store_needs says which segments of it.
// Room:   `most_bytes` over index, open and sealed tiles. Where they need more, the oldest sealed
//         tiles go, but none that the disk has no copy of yet; where the index takes a quarter, new
//         series are refused (ERR_LIMIT).
// Thread: any append, one at a time; one of ours seals and writes; any read. What readers wait for
//         is a lock that is held for a list of tiles, never for their samples.
// Loss:   without a disk, tiles given up for want of room are counted.

#ifndef COLLECTOR_STORE_LOCAL_STORE_H
#define COLLECTOR_STORE_LOCAL_STORE_H

#include <stdint.h>

#include "collector/store/event_db.h"
#include "collector/store/store.h"

#define LOCAL_STORE_LEAST     (1024u * 1024u)
#define LOCAL_STORE_MOST_BITS 36 // 64 GiB

// Samples further ahead of our clock are nowhere.
#define LOCAL_STORE_AHEAD_MS (10 * 60 * 1000)
// A tile that is older than this is sealed at store_turn, whatever is in it.
#define LOCAL_STORE_AGE_MS (5 * 60 * 1000)

typedef struct local_store local_store_t;

struct local_store_config {
    uint64_t most_bytes;        // LOCAL_STORE_LEAST to 64 GiB
    const char *dir;            // NULL: memory alone
    int64_t keep_ms;            // how old samples on the disk become; 0: they stay
    uint64_t keep_bytes;        // how much disk there is for them; 0: no bound
    int64_t merge_ms;           // a day that is over and quiet for so long is merged; 0: none is
    struct event_limits events; // how many of them the disk keeps; as old as samples at most
};

// 0 and *ret; ERR_RANGE for a size out of range; or as local_disk_open has it. Without a disk it is
// loaded at once.
int local_store_open(local_store_t **ret, const struct local_store_config *config);
// One without a disk.
int local_store_new(local_store_t **ret, uint64_t most_bytes);
// What the disk has: series, and the marks of those streams that the journal may say again. Once,
// before the first lane; until then new series are refused with -EAGAIN. 0; -ENOSPC: no room to
// read in, to be tried again; or an error that is the store's final one.
int local_store_load(local_store_t *self, bool (*wanted)(void *arg, uint64_t stream), void *arg);
// What the disk is sure to have had of a stream at the start: all its records below `seq` are in
// the files, with so many samples. 1 and the rest; 0: nothing is sure; -EAGAIN: it is not loaded
// yet. Any thread.
int local_store_stands(local_store_t *self, uint64_t stream, uint64_t *seq_ret,
                       uint64_t *total_ret);
// The events that the disk has and that are not too old, in the order in which they came, what `fn`
// gets borrowed for the call. Once, before local_store_load. 0; -ENOSPC: no room to read in, to be
// tried again, which goes on where it was; what `fn` returned if not 0; or an error. Of a damaged
// file it has what can be read; the file is set aside and told.
int local_store_events(local_store_t *self, int (*fn)(void *arg, const struct event_row *event),
                       void *arg);
// All lanes are closed, and no cursor is open.
void local_store_destroy(local_store_t **self_p);
// The same behind the interface; the local store's own.
store_t *local_store_face(local_store_t *self);

// An event whose record stands in this segment of the journal (0: in none): on the disk within some
// seconds, once. Without a disk it is nothing. Copied.
void local_store_event(local_store_t *self, const struct event_row *event, uint64_t segment);

// The earliest time that the disk has of the host; INT64_MAX: none. Reads the disk; any thread,
// once it is loaded.
int64_t local_store_first_ms(local_store_t *self, uint64_t host);
// Lowest segment of the journal with a record that is not on the disk; UINT64_MAX: none has.
// Lanes that need one below `hold` end their tiles, which then goes on. Records that were not
// appended yet are the caller's to know.
uint64_t local_store_needs(local_store_t *self, uint64_t hold);
// 0; -ENOSPC while half of memory, or too many events, wait for the disk, which has no room or can
// not follow; or the disk's final error.
int local_store_health(local_store_t *self);
// Seals all that is open, and waits until it is done, and on the disk if there is room: for tests.
void local_store_seal(local_store_t *self);
// Another clock than the monotonic one, in ms: for tests. Before the first append.
void local_store_set_clock(local_store_t *self, int64_t (*now_ms)(void));

#endif

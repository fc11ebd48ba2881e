// local_store - the embedded store: open tiles, and sealed ones behind them.
//
// In:     records by store_lane; rows by store_append: the collector's own numbers.
// Out:    answers through store.h.
// Room:   `most_bytes` over index, open and sealed tiles. Where they need more, the oldest sealed
//         tiles go; where the index takes a quarter, new series are refused (ERR_LIMIT).
// Thread: any append, one at a time; one of ours seals; any read. What readers wait for is a lock
//         that is held for a list of tiles, never for their samples.
// Loss:   tiles given up for want of room are counted.

#ifndef COLLECTOR_STORE_LOCAL_STORE_H
#define COLLECTOR_STORE_LOCAL_STORE_H

#include <stdint.h>

#include "collector/store/store.h"

#define LOCAL_STORE_LEAST     (1024u * 1024u)
#define LOCAL_STORE_MOST_BITS 36 // 64 GiB

// A tile that is older than this is sealed at store_turn, whatever is in it.
#define LOCAL_STORE_AGE_MS (5 * 60 * 1000)

typedef struct local_store local_store_t;

// 0 and *ret; ERR_RANGE for a size below LOCAL_STORE_LEAST or above 64 GiB; or -errno.
int local_store_new(local_store_t **ret, uint64_t most_bytes);
// All lanes are closed, and no cursor is open.
void local_store_destroy(local_store_t **self_p);
// The same behind the interface; the local store's own.
store_t *local_store_face(local_store_t *self);

// Seals all that is open, and waits until it is done: for tests, and a stop.
void local_store_seal(local_store_t *self);
// Another clock than the monotonic one, in ms: for tests. Before the first append.
void local_store_set_clock(local_store_t *self, int64_t (*now_ms)(void));

#endif

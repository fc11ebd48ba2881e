// head - the store in memory: the newest samples of every series.
//
// A ring per series, 64 samples at first, doubling to an hour of seconds while there is room.
// Room:   `most_bytes` over everything the head keeps. A new series that does not fit: first go
//         series not written for HEAD_IDLE_MS, least recently written first; then the longest rings
//         are halved, least recently written first; where all that lives is short already, the new
//         one is refused (ERR_LIMIT). So more living series than fit do not chase one another out
//         at every tick. A ring that can not grow overwrites its oldest.
// Thread: as store.h says; one mutex, held for one row or one series at a time.

#ifndef COLLECTOR_STORE_HEAD_H
#define COLLECTOR_STORE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/store.h"

// Twice the slowest family of an agent, and a little: what is sampled each minute lives as well.
#define HEAD_IDLE_MS   130000
#define HEAD_LEAST     (1024u * 1024u)
#define HEAD_MOST_BITS 36 // 64 GiB

// 0 and *ret, or ERR_RANGE for a size below HEAD_LEAST or above 64 GiB.
int head_new(store_t **ret, uint64_t most_bytes);
// The newest time of a sample that the head has given up, of a host or of all (0): samples after it
// are all here. INT64_MIN: none was. `whole_series`: of series that were given up altogether.
int64_t head_lost_ms(store_t *store, uint64_t host, bool whole_series);
// Another clock than the monotonic one, in ms: for tests. Before the first series.
void head_set_clock(store_t *store, int64_t (*now_ms)(void));

#endif

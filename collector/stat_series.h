// stat_series - the collector's own counters, as series in its own store.
//
// Out:    each second a row of the host whose id is the collector's: zpulse_collector_* and
//         process_*, with job="zpulse", program="collector", instance=<this machine's name>. It is
//         not among the hosts.
// Thread: the reactor's.

#ifndef COLLECTOR_STAT_SERIES_H
#define COLLECTOR_STAT_SERIES_H

#include <stdint.h>

#include "collector/host_table.h"
#include "collector/store/store.h"

typedef struct stat_series stat_series_t;

stat_series_t *stat_series_new(store_t *store, const host_table_t *hosts, uint64_t collector);
void stat_series_destroy(stat_series_t **self_p);
// One row; sets the counters that are only read now.
void stat_series_tell(stat_series_t *self, int64_t real_ms);

#endif

// cardinality_series - how many series the store has, as series: what an alert on a flood needs.
//
// Out:    each minute a row of the host whose id is the collector's, with job="zpulse",
//         program="collector", instance=<this machine's name>:
//         zpulse_store_series, zpulse_store_series_recent (made within an hour),
//         zpulse_store_label_pairs,
//         zpulse_store_host_series{host=<name, or id where none is known>}: of the hosts that have
//         most, zpulse_store_label_values{label=<name>}: of the labels that have most values.
//         Who falls out of a list gets a stale mark.
// Thread: the reactor's.
// Limits: CARDINALITY_HOSTS and CARDINALITY_LABELS at a time, CARDINALITY_EVER names of either kind
//         since the start; of more, `zpulse doctor` tells.

#ifndef COLLECTOR_CARDINALITY_SERIES_H
#define COLLECTOR_CARDINALITY_SERIES_H

#include <stdint.h>

#include "collector/host_table.h"
#include "collector/store/store.h"

#define CARDINALITY_EVERY_MS 60000
#define CARDINALITY_HOSTS    100
#define CARDINALITY_LABELS   10
#define CARDINALITY_EVER     1000

typedef struct cardinality_series cardinality_series_t;

cardinality_series_t *cardinality_series_new(store_t *store, const host_table_t *hosts,
                                             uint64_t collector);
void cardinality_series_destroy(cardinality_series_t **self_p);
// A row, if it is time for one.
void cardinality_series_tell(cardinality_series_t *self, struct host_time now);

#endif

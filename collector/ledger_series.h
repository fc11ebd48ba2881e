// ledger_series - of each host's ledger, the numbers that are worth an alert, as series.
//
// Out:    each 10 s a row of the host whose id is the collector's: zpulse_collector_ledger_*, with
//         host=<name>, job="zpulse", program="collector", instance=<this machine's name>; and of
//         each limit that has refused something of the host zpulse_collector_limit_*, with limit=.
// Thread: the reactor's.
// Limits: LEDGER_SERIES_HOSTS hosts, in no order; of more, `zpulse ledger` tells.

#ifndef COLLECTOR_LEDGER_SERIES_H
#define COLLECTOR_LEDGER_SERIES_H

#include <stdint.h>

#include "collector/host_ledger.h"
#include "collector/ingest.h"
#include "collector/store/store.h"

#define LEDGER_SERIES_HOSTS    500
#define LEDGER_SERIES_EVERY_MS 10000

typedef struct ledger_series ledger_series_t;

struct ledger_series_options {
    store_t *store; // borrowed, as all here
    const host_table_t *hosts;
    const ingest_t *ingest;
    const host_ledger_t *ledger;
    uint64_t collector; // its id
};

ledger_series_t *ledger_series_new(const struct ledger_series_options *options);
void ledger_series_destroy(ledger_series_t **self_p);
// A row, if it is time for one.
void ledger_series_tell(ledger_series_t *self, struct host_time now);
void ledger_series_forget(ledger_series_t *self, uint64_t host);

#endif

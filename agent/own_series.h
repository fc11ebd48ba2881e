// own_series - the agent's own counters as series, on the way all others go.
//
// Out:    zpulse_agent_* and process_*, with job="zpulse", program="agent".
// Cost:   an atomic load each; what /proc/self says is read at each 30th tick and told again
//         between, since reading it costs more than all the host's files.
// Thread: one owner. own_series_init once per process, before any counting.

#ifndef AGENT_OWN_SERIES_H
#define AGENT_OWN_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "agent/series_table.h"
#include "shared/model/ledger.h"

// Places in selfstat's table.
enum agent_stat {
    AGENT_TICKS,
    AGENT_TICK_US, // last one's cost
    AGENT_SAMPLES,
    AGENT_FRAMES_SENT,
    AGENT_BYTES_SENT,
    AGENT_MEMORY_BYTES,
    AGENT_MEMORY_RECORDS,
    AGENT_PRODUCED, // from here to AGENT_MISSED: the ledger
    AGENT_ACKED,
    AGENT_PENDING,
    AGENT_LOST,                              // by enum lost_cause
    AGENT_MISSED = AGENT_LOST + LOST_CAUSES, // by enum missed_cause
    AGENT_SPOOL_BYTES = AGENT_MISSED + MISSED_CAUSES,
    AGENT_SPOOL_FULL,   // 1: its disk is
    AGENT_SPOOL_BROKEN, // 1: its disk fails
    AGENT_UNSPOOLED,
    AGENT_BACKLOG_STREAMS,
    AGENT_REWINDS,
    AGENT_FORKS,
    AGENT_SERIES,
    AGENT_SERIES_REFUSED,
    AGENT_RECONNECTS,
    AGENT_CLOCK_STEPS,
    AGENT_APP_MESSAGES,
    AGENT_APP_SAMPLES,
    AGENT_APP_APPLICATIONS,
    AGENT_APP_BAD,
    AGENT_APP_CONFLICTS,
    AGENT_APP_TIMES_UNKNOWN,
    AGENT_APP_REFUSED_AHEAD,
    AGENT_APP_REFUSED_OLD,
    AGENT_APP_REFUSED_APPLICATIONS,
    AGENT_APP_REFUSED_NUMBERS,
    AGENT_STATS // behind them: malformed files of each family
};

typedef struct own_series own_series_t;

void own_series_init(void);
// The place of the counter of malformed files of family_list[family].
unsigned own_series_parse_errors(size_t family);
own_series_t *own_series_new(void);
void own_series_destroy(own_series_t **self_p);
void own_series_sample(own_series_t *self, series_table_t *table);

#endif

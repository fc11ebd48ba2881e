// dashboard_stat - what the dashboard counts about itself, in one table.
//
// Out:    zpulse_dashboard_* of /metrics.
// Thread: dashboard_stat_init before the first thread; then any, through selfstat.

#ifndef DASHBOARD_DASHBOARD_STAT_H
#define DASHBOARD_DASHBOARD_STAT_H

#include "shared/net/selfstat.h"

enum dashboard_stat {
    STAT_STREAMS,
    STAT_STREAMS_TOTAL,
    STAT_EVENTS_ENCODED,
    STAT_EVENTS_SENT,
    STAT_EVENTS_SKIPPED,
    STAT_BYTES_SENT,
    STAT_SLOW_CLOSED,
    STAT_HTTP_2XX,
    STAT_HTTP_3XX,
    STAT_HTTP_4XX,
    STAT_HTTP_5XX,
    STAT_HTTP_UNAUTHORIZED,
    STAT_HTTP_LATE,
    STAT_HTTP_CROWDED,
    STAT_LINK_UP,
    STAT_LINK_TIMEOUTS,
    STAT_LINK_MALFORMED,
    STAT_VIEWS,
    STAT_REJOINS,
    STAT_ROWS_LATE,
    STAT_COUNT,
};

void dashboard_stat_init(void);
// Counts one answer under the class of its status code.
void dashboard_stat_http(unsigned code);

#endif

// dashboard_stat - the table behind the dashboard's own counters.

#include "dashboard/dashboard_stat.h"

#include <stddef.h>

#define REQUESTS_NAME "zpulse_dashboard_http_requests_total"
#define REQUESTS_HELP "Answers to HTTP requests by class of status code."

static const struct selfstat_def defs[STAT_COUNT] = {
    [STAT_STREAMS] = { "zpulse_dashboard_streams", METRIC_GAUGE, "Event streams open now.", NULL,
                       NULL },
    [STAT_STREAMS_TOTAL] = { "zpulse_dashboard_streams_total", METRIC_COUNTER,
                             "Event streams ever opened.", NULL, NULL },
    [STAT_EVENTS_ENCODED] = { "zpulse_dashboard_events_encoded_total", METRIC_COUNTER,
                              "Events encoded, each once for all who watch its view.", NULL, NULL },
    [STAT_EVENTS_SENT] = { "zpulse_dashboard_events_sent_total", METRIC_COUNTER,
                           "Events handed whole to a client's socket.", NULL, NULL },
    [STAT_EVENTS_SKIPPED] = { "zpulse_dashboard_events_skipped_total", METRIC_COUNTER,
                              "Events left out for readers that were too slow.", NULL, NULL },
    [STAT_BYTES_SENT] = { "zpulse_dashboard_stream_bytes_sent_total", METRIC_COUNTER,
                          "Bytes of events handed to clients' sockets.", NULL, NULL },
    [STAT_SLOW_CLOSED] = { "zpulse_dashboard_slow_closed_total", METRIC_COUNTER,
                           "Streams closed because their reader took nothing for too long.", NULL,
                           NULL },
    [STAT_HTTP_2XX] = { REQUESTS_NAME, METRIC_COUNTER, REQUESTS_HELP, "code", "2xx" },
    [STAT_HTTP_3XX] = { REQUESTS_NAME, METRIC_COUNTER, REQUESTS_HELP, "code", "3xx" },
    [STAT_HTTP_4XX] = { REQUESTS_NAME, METRIC_COUNTER, REQUESTS_HELP, "code", "4xx" },
    [STAT_HTTP_5XX] = { REQUESTS_NAME, METRIC_COUNTER, REQUESTS_HELP, "code", "5xx" },
    [STAT_HTTP_UNAUTHORIZED] = { "zpulse_dashboard_http_unauthorized_total", METRIC_COUNTER,
                                 "Requests without the token that is asked for.", NULL, NULL },
    [STAT_HTTP_LATE] = { "zpulse_dashboard_http_late_total", METRIC_COUNTER,
                         "Connections closed because a request was not whole in time.", NULL,
                         NULL },
    [STAT_HTTP_CROWDED] = { "zpulse_dashboard_http_crowded_total", METRIC_COUNTER,
                            "Connections refused because their address had too many.", NULL, NULL },
    [STAT_LINK_UP] = { "zpulse_dashboard_link_up", METRIC_GAUGE,
                       "1 while the collector answers, else 0.", NULL, NULL },
    [STAT_LINK_TIMEOUTS] = { "zpulse_dashboard_link_timeouts_total", METRIC_COUNTER,
                             "Questions that the collector did not answer in time.", NULL, NULL },
    [STAT_LINK_MALFORMED] = { "zpulse_dashboard_link_malformed_total", METRIC_COUNTER,
                              "Messages of the collector that could not be read.", NULL, NULL },
    [STAT_VIEWS] = { "zpulse_dashboard_views", METRIC_GAUGE,
                     "Views that are followed at the collector now.", NULL, NULL },
    [STAT_REJOINS] = { "zpulse_dashboard_rejoins_total", METRIC_COUNTER,
                       "Times a view asked its window again after a hole or a restart.", NULL,
                       NULL },
    [STAT_ROWS_LATE] = { "zpulse_dashboard_rows_late_total", METRIC_COUNTER,
                         "Live rows older than what their view already shows.", NULL, NULL },
};

void
dashboard_stat_init(void)
{
    selfstat_init(defs, STAT_COUNT);
}

void
dashboard_stat_http(unsigned code)
{
    if (code >= 200 && code < 600)
        selfstat_add(STAT_HTTP_2XX + (code / 100 - 2), 1);
}

// route - which function answers which path.

#include <string.h>

#include "dashboard/api.h"
#include "dashboard/exchange.h"
#include "dashboard/reply.h"

static const struct route routes[] = {
    { "/api/v1/hosts", api_hosts, api_hosts_answer },
    { "/api/v1/ledger", api_ledger, api_ledger_answer },
    { "/api/v1/refused", api_refused, api_refused_answer },
    { "/api/v1/events", api_events, api_events_answer },
    { API_FEED_PATH, api_feed, api_feed_answer },
    { "/api/v1/summary", api_summary, api_summary_answer },
    { "/api/v1/view", api_view, api_view_answer },
    { "/api/v1/stream", api_stream, api_stream_answer },
    { "/api/v1/hist", api_hist, api_hist_answer },
    { "/api/v1/collector", api_collector, NULL },
    { "/metrics", api_metrics, api_metrics_answer },
    { "/-/healthy", api_healthy, NULL },
    { "/-/ready", api_ready, NULL },
};

static const struct route page = { "", reply_page, NULL };

const struct route *
route_find(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return &page;
}

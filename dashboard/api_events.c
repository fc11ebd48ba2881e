// api_events - /api/v1/events: what happened on a host, or on every host, within a window.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/wire/event_json.h"

static int s_compare(const void *a, const void *b);

enum MHD_Result
api_events(exchange_t *x)
{
    uint64_t from = 0, to = API_TIME_MAX_MS;
    struct link_request *request;
    enum MHD_Result rc;
    char *host;

    if (!api_time(x, "from", &from, &rc) || !api_time(x, "to", &to, &rc))
        return rc;
    if (from > to)
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "from: %" PRIu64 " is after to, %" PRIu64, from,
                           to);
    if (!api_param(x, "h", &host, &rc))
        return rc;
    request = link_request_new(LINK_EVENTS);
    request->host = host;
    request->start_ms = (int64_t) from;
    request->end_ms = (int64_t) to;
    return exchange_ask(x, &request);
}

enum MHD_Result
api_events_answer(exchange_t *x, struct link_request *request)
{
    struct host_event *events;
    struct buf body = { 0 };
    struct json j;
    size_t n;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    if (link_events_take(&events, &n, request->replies, request->n_replies) != 0)
        return reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "the collector's answer cannot be read");
    if (n > 1)
        qsort(events, n, sizeof *events, s_compare);
    json_init(&j, &body);
    json_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_object(&j);
        event_json_put(&j, &events[i]);
        json_object_end(&j);
    }
    json_array_end(&j);
    buf_str(&body, "\n");
    link_events_free(events, n);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

// By time; of one time as their streams have them.
static int
s_compare(const void *a, const void *b)
{
    const struct host_event *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

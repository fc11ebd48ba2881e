// api_stream - /api/v1/stream: live numbers of one host as server-sent events.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/event_encode.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"

static uint64_t s_last_event(exchange_t *x);

enum MHD_Result
api_stream(exchange_t *x)
{
    struct link_request *request;
    enum MHD_Result rc;
    char *host = api_view_host(x, &rc);

    if (host == NULL)
        return rc;
    if (exchange_is_head(x)) {
        free(host);
        return reply_stream_head(x);
    }
    // 204 tells an EventSource not to come back.
    if (!exchange_reserve(x)) {
        free(host);
        return reply_empty(x, MHD_HTTP_NO_CONTENT);
    }
    request = link_request_new(LINK_WATCH);
    request->host = host;
    return exchange_ask(x, &request);
}

enum MHD_Result
api_stream_answer(exchange_t *x, struct link_request *request)
{
    const struct exchange_services *services = exchange_services(x);
    const int64_t interval_ms = request->info.interval_ms > 0 ? request->info.interval_ms : 1000;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    return exchange_stream(
        x, request,
        event_encode_hello(services->boot, clock_real_ms(), interval_ms, services->max_streams),
        s_last_event(x));
}

char *
api_view_host(exchange_t *x, enum MHD_Result *rc)
{
    char *view, *host = NULL;

    if (!api_param_needed(x, "view", &view, rc))
        return NULL;
    if (strcmp(view, "host") == 0)
        api_param_needed(x, "h", &host, rc); // NULL where it fails
    else
        *rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "view: \"%s\" is none; there is \"host\"", view);
    free(view);
    return host;
}

uint64_t
api_event_number(const exchange_t *x, const char *text)
{
    const char *boot = exchange_services(x)->boot;
    const size_t n = strlen(boot);
    uint64_t seq;

    if (!str_starts(text, boot) || text[n] != '-' ||
        str_u64(&seq, text + n + 1, strlen(text + n + 1)) != 0)
        return 0;
    return seq < UINT64_MAX ? seq : 0;
}

// The last event that the client has; else 0. The header is what a browser sends when it comes back
// by itself, the parameter what a page may set.
static uint64_t
s_last_event(exchange_t *x)
{
    const char *header = exchange_header(x, "Last-Event-ID");
    char *text = NULL;
    uint64_t seq;

    if (header != NULL)
        return api_event_number(x, header);
    if (exchange_param(x, "last_event_id", &text) <= 0)
        return 0;
    seq = api_event_number(x, text);
    free(text);
    return seq;
}

// api_stream - /api/v1/stream: live numbers of one host as server-sent events.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/event_encode.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

static uint64_t s_last_event(exchange_t *x);

enum MHD_Result
api_stream(exchange_t *x)
{
    struct link_request *request;
    enum MHD_Result rc;
    char *view = NULL, *host = NULL;

    if (!api_param_needed(x, "view", &view, &rc))
        return rc;
    if (strcmp(view, "host") != 0) {
        rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "view: \"%s\" is none; there is \"host\"", view);
        goto out;
    }
    if (!api_param_needed(x, "h", &host, &rc))
        goto out;
    if (exchange_is_head(x)) {
        rc = reply_stream_head(x);
        goto out;
    }
    // 204 tells an EventSource not to come back.
    if (!exchange_reserve(x)) {
        rc = reply_empty(x, MHD_HTTP_NO_CONTENT);
        goto out;
    }
    request = link_request_new(LINK_WATCH);
    request->host = host;
    host = NULL;
    rc = exchange_ask(x, &request);

out:
    free(host);
    free(view);
    return rc;
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

// The number of the last event that the client has, of this boot; else 0. The header is what a
// browser sends when it comes back by itself, the parameter what a page may set.
static uint64_t
s_last_event(exchange_t *x)
{
    const char *boot = exchange_services(x)->boot;
    const char *header = exchange_header(x, "Last-Event-ID");
    char *text = NULL;
    uint64_t seq = 0;
    const char *dash;

    if (header != NULL)
        text = xstrdup(header);
    else if (exchange_param(x, "last_event_id", &text) <= 0)
        return 0;
    dash = strchr(text, '-');
    if (dash == NULL || (size_t) (dash - text) != strlen(boot) || !str_starts(text, boot) ||
        str_u64(&seq, dash + 1, strlen(dash + 1)) != 0)
        seq = 0;
    free(text);
    return seq < UINT64_MAX ? seq : 0;
}

// api_view - /api/v1/view: what a stream would have sent, for who asks now and then instead.

#include <inttypes.h>
#include <stdlib.h>

#include "dashboard/api.h"
#include "dashboard/event_encode.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"

static bool s_begin(exchange_t *x, struct link_request *request, struct buf *body, uint64_t *last);
static void s_begin_anew(exchange_t *x, const struct link_request *request, struct buf *body);
static void s_put(struct buf *body, bool *first, const struct event *e);

enum MHD_Result
api_view(exchange_t *x)
{
    struct link_request *request;
    enum MHD_Result rc;
    char *host = api_view_host(x, &rc);
    char *last;

    if (host == NULL)
        return rc;
    if (!api_param(x, "last", &last, &rc)) {
        free(host);
        return rc;
    }
    request = link_request_new(LINK_POLL);
    request->host = host;
    request->resume = last != NULL ? api_event_number(x, last) : 0;
    free(last);
    return exchange_ask(x, &request);
}

enum MHD_Result
api_view_answer(exchange_t *x, struct link_request *request)
{
    struct buf events = { 0 }, body = { 0 };
    uint64_t last = request->resume;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    if (!s_begin(x, request, &events, &last)) {
        // The ring went on while the answer was on its way: the asker begins anew next time.
        buf_clear(&events);
        last = 0;
    }
    buf_printf(&body, "{\"id\":\"%s-%" PRIu64 "\",\"events\":[", exchange_services(x)->boot, last);
    buf_bytes(&body, events.at, events.len);
    buf_str(&body, "]}\n");
    buf_release(&events);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

// The events that the asker lacks, and in *last the number of the newest. False if they are gone.
static bool
s_begin(exchange_t *x, struct link_request *request, struct buf *body, uint64_t *last)
{
    struct event *missed[EVENT_RING_SIZE];
    enum event_read found = EVENT_NONE;
    bool first = true;
    uint64_t behind;
    size_t n = 0, from = 0;

    if (request->snap != NULL) {
        s_begin_anew(x, request, body);
        first = false;
        *last = request->snap->seq;
    }
    while (n < EVENT_RING_SIZE && (found = event_ring_read(request->ring, *last + 1, &missed[n],
                                                           &behind)) == EVENT_FOUND) {
        // Of what was before a snapshot, nothing is of use.
        from = missed[n]->kind == EVENT_SNAP ? n : from;
        *last = missed[n++]->seq;
    }
    for (size_t i = 0; i < n; i++) {
        if (i >= from)
            s_put(body, &first, missed[i]);
        event_unref(&missed[i]);
    }
    return found != EVENT_PASSED;
}

static void
s_begin_anew(exchange_t *x, const struct link_request *request, struct buf *body)
{
    const int64_t interval_ms = request->info.interval_ms > 0 ? request->info.interval_ms : 1000;
    const struct exchange_services *services = exchange_services(x);
    struct event *hello = event_encode_hello(services->boot, clock_real_ms(), interval_ms,
                                             services->max_streams);
    bool first = true;

    s_put(body, &first, hello);
    s_put(body, &first, request->snap);
    event_unref(&hello);
}

static void
s_put(struct buf *body, bool *first, const struct event *e)
{
    size_t name_len, data_len;
    const char *name = event_name(e, &name_len), *data = event_data(e, &data_len);

    if (!*first)
        buf_byte(body, ',');
    *first = false;
    buf_str(body, "{\"event\":\"");
    buf_bytes(body, name, name_len);
    buf_str(body, "\",\"data\":");
    buf_bytes(body, data, data_len);
    buf_str(body, "}");
}

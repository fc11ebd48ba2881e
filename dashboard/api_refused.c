// api_refused - /api/v1/refused: agents that the collector sent away within a day, and why.

#include <stdlib.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"
#include "shared/wire/away_json.h"

enum MHD_Result
api_refused(exchange_t *x)
{
    struct link_request *request = link_request_new(LINK_AWAY);

    return exchange_ask(x, &request);
}

// Oldest first, as the collector tells them.
enum MHD_Result
api_refused_answer(exchange_t *x, struct link_request *request)
{
    struct query_away *away;
    struct buf body = { 0 };
    struct json j;
    size_t n;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    if (link_away_take(&away, &n, request->replies, request->n_replies) != 0)
        return reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "the collector's answer cannot be read");
    json_init(&j, &body);
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        away_json_put(&j, &away[i], clock_real_ms());
    json_array_end(&j);
    buf_str(&body, "\n");
    free(away);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

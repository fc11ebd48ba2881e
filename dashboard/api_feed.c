// api_feed - /feed: the numbers of all applications as unnamed server-sent events.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"

enum MHD_Result
api_feed(exchange_t *x)
{
    struct link_request *request;
    bool with_hosts = false;
    enum MHD_Result rc;
    char *hosts;

    if (!api_param(x, "hosts", &hosts, &rc))
        return rc;
    if (hosts != NULL) {
        with_hosts = strcmp(hosts, "1") == 0;
        if (!with_hosts && strcmp(hosts, "0") != 0) {
            rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "hosts: \"%s\" is neither 0 nor 1", hosts);
            free(hosts);
            return rc;
        }
        free(hosts);
    }
    if (exchange_is_head(x))
        return reply_stream_head(x);
    // 204 tells an EventSource not to come back.
    if (!exchange_reserve(x))
        return reply_empty(x, MHD_HTTP_NO_CONTENT);
    request = link_request_new(LINK_FEED);
    request->with_hosts = with_hosts;
    return exchange_ask(x, &request);
}

enum MHD_Result
api_feed_answer(exchange_t *x, struct link_request *request)
{
    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    return exchange_feed(x, request);
}

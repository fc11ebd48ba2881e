// api_ledger - /api/v1/ledger: what became of all samples of a host, or of every host.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/wire/ledger_json.h"

static int s_compare(const void *a, const void *b);

enum MHD_Result
api_ledger(exchange_t *x)
{
    struct link_request *request;
    enum MHD_Result rc;
    char *host;

    if (!api_param(x, "h", &host, &rc))
        return rc;
    request = link_request_new(LINK_LEDGER);
    request->host = host;
    return exchange_ask(x, &request);
}

enum MHD_Result
api_ledger_answer(exchange_t *x, struct link_request *request)
{
    struct query_ledger *ledgers;
    struct buf body = { 0 };
    struct json j;
    size_t n;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    if (link_ledgers_take(&ledgers, &n, request->replies, request->n_replies) != 0)
        return reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "the collector's answer cannot be read");
    if (n > 1)
        qsort(ledgers, n, sizeof *ledgers, s_compare);
    json_init(&j, &body);
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        ledger_json_put(&j, &ledgers[i]);
    json_array_end(&j);
    buf_str(&body, "\n");
    link_ledgers_free(ledgers, n);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

// As /api/v1/hosts: by name, then id.
static int
s_compare(const void *a, const void *b)
{
    const struct query_ledger *x = a, *y = b;
    const int by_name = strcmp(x->name, y->name);

    return by_name != 0 ? by_name : (x->host > y->host) - (x->host < y->host);
}

// api_hosts - /api/v1/hosts: every host as a JSON array; /api/v1/summary: how many in which state.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/base/str.h"

static bool s_take(exchange_t *x, const struct link_request *request, struct host_info **hosts,
                   size_t *n, enum MHD_Result *rc);
static void s_put(struct json *j, const struct host_info *info, const struct host_facts *facts);

enum MHD_Result
api_hosts(exchange_t *x)
{
    struct link_request *request = link_request_new(LINK_FACTS);

    return exchange_ask(x, &request);
}

enum MHD_Result
api_hosts_answer(exchange_t *x, struct link_request *request)
{
    struct host_info *hosts;
    struct buf body = { 0 };
    struct json j;
    size_t n;
    enum MHD_Result rc;

    if (!s_take(x, request, &hosts, &n, &rc))
        return rc;
    if (n > 0)
        qsort(hosts, n, sizeof *hosts, host_info_compare);
    json_init(&j, &body);
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        s_put(&j, &hosts[i], fact_table_get(request->facts, hosts[i].host));
    json_array_end(&j);
    buf_str(&body, "\n");
    link_hosts_free(hosts, n);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

enum MHD_Result
api_summary(exchange_t *x)
{
    struct link_request *request = link_request_new(LINK_HOSTS);

    return exchange_ask(x, &request);
}

enum MHD_Result
api_summary_answer(exchange_t *x, struct link_request *request)
{
    size_t count[HOST_STATE_MAX + 1] = { 0 };
    struct host_info *hosts;
    struct buf body = { 0 };
    struct json j;
    size_t n;
    enum MHD_Result rc;

    if (!s_take(x, request, &hosts, &n, &rc))
        return rc;
    for (size_t i = 0; i < n; i++)
        count[hosts[i].state]++;
    link_hosts_free(hosts, n);
    json_init(&j, &body);
    json_object(&j);
    json_key(&j, "now");
    json_int(&j, clock_real_ms());
    json_key(&j, "hosts");
    json_uint(&j, n);
    for (int state = HOST_UP; state <= HOST_STATE_MAX; state++) {
        json_key(&j, host_state_str((uint8_t) state));
        json_uint(&j, count[state]);
    }
    json_object_end(&j);
    buf_str(&body, "\n");
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

// False if there is no answer: then *rc is what the handler returns.
static bool
s_take(exchange_t *x, const struct link_request *request, struct host_info **hosts, size_t *n,
       enum MHD_Result *rc)
{
    if (request->status != LINK_OK)
        *rc = reply_link_error(x, request);
    else if (link_hosts_take(hosts, n, request->replies, request->n_replies) != 0)
        *rc = reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE, "the collector's answer cannot be read");
    else
        return true;
    return false;
}

static void
s_put(struct json *j, const struct host_info *info, const struct host_facts *facts)
{
    char id[STR_HEX64_SIZE];
    const struct {
        const char *key;
        int64_t value;
    } times[] = {
        { "since_ms", info->since_ms },   { "first_ms", info->first_ms },
        { "last_ms", info->last_ms },     { "interval_ms", info->interval_ms },
        { "offset_ms", info->offset_ms },
    };

    json_object(j);
    json_key(j, "id");
    json_str(j, str_hex64_put(id, info->host));
    json_key(j, "name");
    json_str(j, info->name);
    json_key(j, "state");
    json_str(j, host_state_str(info->state));
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        json_key(j, times[i].key);
        json_int(j, times[i].value);
    }
    json_key(j, "rtt_ms");
    if (info->rtt_us >= 0)
        json_fixed(j, (double) info->rtt_us / 1000, 3);
    else
        json_null(j);
    json_key(j, "version");
    json_str(j, info->version);
    json_key(j, "dropped");
    json_uint(j, info->dropped);
    json_key(j, "missed");
    json_uint(j, info->missed);
    if (facts != NULL) {
        json_key(j, "facts");
        host_facts_put(j, facts);
    }
    json_object_end(j);
}

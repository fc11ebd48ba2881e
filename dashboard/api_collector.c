// api_collector - /api/v1/collector: which collector is asked, and whether with keys: what the
// commands that bring a host depend on. Known without asking anybody.

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/base/json.h"

enum MHD_Result
api_collector(exchange_t *x)
{
    const struct exchange_services *services = exchange_services(x);
    struct buf body = { 0 };
    struct json j;

    json_init(&j, &body);
    json_object(&j);
    json_key(&j, "endpoint");
    json_str(&j, services->collector);
    json_key(&j, "insecure");
    json_bool(&j, services->insecure);
    json_object_end(&j);
    buf_str(&body, "\n");
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

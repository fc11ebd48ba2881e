// api - parameters, and the two paths that ask for nothing.

#include "dashboard/api.h"

#include "dashboard/reply.h"

bool
api_param(exchange_t *x, const char *name, char **ret, enum MHD_Result *rc)
{
    *ret = NULL;
    if (exchange_param(x, name, ret) >= 0)
        return true;
    *rc = reply_error(x, MHD_HTTP_BAD_REQUEST,
                      "%s: a %% that no two hex digits follow, NUL, or not UTF-8", name);
    return false;
}

bool
api_param_needed(exchange_t *x, const char *name, char **ret, enum MHD_Result *rc)
{
    if (!api_param(x, name, ret, rc))
        return false;
    if (*ret != NULL)
        return true;
    *rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "%s: is missing", name);
    return false;
}

enum MHD_Result
api_healthy(exchange_t *x)
{
    return reply_text(x, MHD_HTTP_OK, "healthy\n");
}

enum MHD_Result
api_ready(exchange_t *x)
{
    if (collector_link_is_up(exchange_services(x)->link))
        return reply_text(x, MHD_HTTP_OK, "ready\n");
    return reply_text(x, MHD_HTTP_SERVICE_UNAVAILABLE, "the collector does not answer\n");
}

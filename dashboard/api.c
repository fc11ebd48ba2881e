// api - parameters, and the two paths that ask for nothing.

#include "dashboard/api.h"

#include <stdlib.h>
#include <string.h>

#include "dashboard/reply.h"
#include "shared/base/str.h"

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

bool
api_number(exchange_t *x, const char *name, uint64_t least, uint64_t most, const char *rule,
           uint64_t *value, enum MHD_Result *rc)
{
    uint64_t v = 0;
    char *text;

    if (!api_param(x, name, &text, rc))
        return false;
    if (text == NULL)
        return true;
    if (str_u64(&v, text, strlen(text)) != 0 || v < least || v > most) {
        *rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "%s: \"%s\" is not %s", name, text, rule);
        free(text);
        return false;
    }
    free(text);
    *value = v;
    return true;
}

bool
api_time(exchange_t *x, const char *name, uint64_t *value, enum MHD_Result *rc)
{
    return api_number(x, name, 0, API_TIME_MAX_MS, "a time in milliseconds since the epoch", value,
                      rc);
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

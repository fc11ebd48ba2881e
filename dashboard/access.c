// access - see the header.

#include "dashboard/access.h"

#include <stdlib.h>
#include <string.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/reply.h"
#include "dashboard/url.h"

#define PARAM "token"

static bool s_open(const char *path);
static bool s_param(const exchange_t *x);
static enum MHD_Result s_redirect(exchange_t *x);

bool
access_check(exchange_t *x, enum MHD_Result *rc)
{
    const access_token_t *token = exchange_services(x)->token;

    if (token == NULL || s_open(exchange_path(x)) ||
        access_token_bearer(token, exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION)) ||
        access_token_cookie(token, exchange_header(x, MHD_HTTP_HEADER_COOKIE)))
        return true;
    if (s_param(x)) {
        *rc = s_redirect(x);
    } else {
        selfstat_add(STAT_HTTP_UNAUTHORIZED, 1);
        *rc = reply_unauthorized(x);
    }
    return false;
}

static bool
s_open(const char *path)
{
    return strcmp(path, "/-/healthy") == 0 || strcmp(path, "/-/ready") == 0;
}

// In a query '+' is a space, and in base 64 it is a digit: a token has no spaces.
static bool
s_param(const exchange_t *x)
{
    char *text = NULL;
    bool right;

    if (exchange_param(x, PARAM, &text) != 1)
        return false;
    for (char *at = text; *at != '\0'; at++)
        *at = (char) (*at == ' ' ? '+' : *at);
    right = access_token_is(exchange_services(x)->token, text);
    free(text);
    return right;
}

// To the same place of this server, whatever the path says: "//name" would be another one.
static enum MHD_Result
s_redirect(exchange_t *x)
{
    const char *path = exchange_path(x);
    struct buf to = { 0 }, cookie = { 0 };
    enum MHD_Result rc;

    if (path[0] != '/' || path[1] == '/')
        path = "/";
    url_encode_path(&to, path);
    exchange_query_without(x, PARAM, &to);
    access_token_set_cookie(exchange_services(x)->token, &cookie);
    rc = reply_see_other(x, buf_cstr(&to), buf_cstr(&cookie));
    buf_release(&to);
    explicit_bzero(cookie.at, cookie.len);
    buf_release(&cookie);
    return rc;
}

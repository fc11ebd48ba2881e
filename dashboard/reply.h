// reply - what goes back for a request, with the headers that belong to it.

#ifndef DASHBOARD_REPLY_H
#define DASHBOARD_REPLY_H

#include "dashboard/exchange.h"
#include "shared/base/buf.h"

enum MHD_Result reply_text(exchange_t *x, unsigned code, const char *text);
// Takes the bytes of `body`. Never cached.
enum MHD_Result reply_body(exchange_t *x, unsigned code, const char *type, struct buf *body);
#define REPLY_JSON    "application/json"
#define REPLY_METRICS "text/plain; version=0.0.4; charset=utf-8"

// An error of /api/: 400 bad_data, 404 not_found, 422 execution, 503 unavailable.
enum MHD_Result reply_error(exchange_t *x, unsigned code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same for a request whose status is not LINK_OK.
enum MHD_Result reply_link_error(exchange_t *x, const struct link_request *request);

// A file of the page, or 404.
enum MHD_Result reply_page(exchange_t *x);
enum MHD_Result reply_not_allowed(exchange_t *x);
// 401, and how a token is given.
enum MHD_Result reply_unauthorized(exchange_t *x);
// 303 to a path of this server, with a cookie.
enum MHD_Result reply_see_other(exchange_t *x, const char *path, const char *cookie);
enum MHD_Result reply_empty(exchange_t *x, unsigned code);
// The head of a stream without its body: for HEAD.
enum MHD_Result reply_stream_head(exchange_t *x);
// With --feed-origin, /feed may be read by that origin.
void reply_stream_headers(const exchange_t *x, struct MHD_Response *response);

#endif

// access - whether a request may come in, where a token is asked for.
//
// Order:  a bearer token or a cookie: in. A right ?token= of a GET: the token becomes a cookie, and
//         the browser asks again without it, so that it stands in no history. Anything else: 401.
//         Whether the process lives, and is ready, anybody may ask.
// Thread: the HTTP server's.

#ifndef DASHBOARD_ACCESS_H
#define DASHBOARD_ACCESS_H

#include "dashboard/exchange.h"

// True: the request goes on. False: it was answered, and *rc is what the server is told.
bool access_check(exchange_t *x, enum MHD_Result *rc);

#endif

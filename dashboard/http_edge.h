// http_edge - the HTTP server: connections, requests, and the door to the stream thread.
//
// Thread: libmicrohttpd's, one epoll loop. The functions here from main only.
// Order:  http_edge_start -> requests -> http_edge_quiesce: nobody new comes in, nothing is
//         suspended any more -> the link and the hub end, and give back what they hold
//         -> http_edge_stop. libmicrohttpd ends the process if it is stopped with a connection
//         suspended, hence the order.
// Source: libmicrohttpd(3); tested with 0.9.75.

#ifndef DASHBOARD_HTTP_EDGE_H
#define DASHBOARD_HTTP_EDGE_H

#include "dashboard/connection_book.h"
#include "dashboard/exchange.h"

typedef struct http_edge http_edge_t;

// Connections that this process may hold: what its descriptors allow, which are raised as far as
// `wanted` connections ask for.
unsigned http_edge_most_connections(unsigned wanted);

// Takes listen_fd. 0 and *ret, or ERR_CLOSED if the server would not start.
int http_edge_start(http_edge_t **ret, int listen_fd, unsigned most_connections,
                    const struct connection_limits *limits,
                    const struct exchange_services *services);
// Closes what has been saying a request for too long. From time to time, until quiesced.
void http_edge_sweep(http_edge_t *self, int64_t now_ms);
void http_edge_quiesce(http_edge_t *self);
void http_edge_stop(http_edge_t **self_p);

#endif

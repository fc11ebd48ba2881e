// http_edge_inner - what the files of the HTTP edge share, and nobody else.
//
// Thread: the HTTP server's, but for what the lock guards.

#ifndef DASHBOARD_HTTP_EDGE_INNER_H
#define DASHBOARD_HTTP_EDGE_INNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/connection_book.h"
#include "dashboard/exchange.h"
#include "dashboard/http_edge.h"

#define EXCHANGE_TAG 0x45584348u // "EXCH"

enum stream_state {
    STREAM_NONE,
    STREAM_HEAD,  // headers, then the retry line
    STREAM_READY, // both are written at the reader's next call
    STREAM_TAKEN, // the hub's, or back from it
};

struct exchange {
    uint32_t tag;
    http_edge_t *edge;
    struct MHD_Connection *connection;
    const struct route *route;
    char *path;
    bool head;
    bool begun;
    struct connection *peer; // in the book
    size_t body;             // bytes of the request's body so far, which mean nothing
    bool suspended;          // counted in edge->suspended
    bool asked;              // answer() comes next
    bool reserved;           // a place at the hub is ours to give back
    struct link_request *answer;
    enum stream_state stream;
    event_ring_t *ring;  // with one watch, until the hub takes both
    struct event *hello; // NULL: the feed
    uint64_t resume;
};

struct http_edge {
    struct MHD_Daemon *daemon;
    int listen_fd;
    struct exchange_services services;
    connection_book_t *book;
    pthread_mutex_t lock;   // guards what follows
    pthread_cond_t settled; // suspended has become 0
    unsigned suspended;
    bool stopping; // nothing is suspended any more
};

// False when stopping: then nothing has happened. Else the connection is given to the link or the
// hub, and http_edge_suspended follows: they end after `stopping` is set, and so cannot miss it.
bool http_edge_suspend(exchange_t *x);
void http_edge_suspended(exchange_t *x);
// libmicrohttpd has the connection back: it called us, from its thread.
void http_edge_resumed(exchange_t *x);

#endif

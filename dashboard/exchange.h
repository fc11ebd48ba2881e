// exchange - one HTTP request and what becomes of it.
//
// Order:  begin() of its route -> a reply; or exchange_ask, and later answer() -> a reply; or
//         exchange_stream. Exactly one of them, from the HTTP server's thread, which never waits:
//         while the collector is asked, the connection is suspended.
// Thread: the HTTP server's only.

#ifndef DASHBOARD_EXCHANGE_H
#define DASHBOARD_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "dashboard/access_token.h"
#include "dashboard/collector_link.h"
#include "dashboard/page_files.h"
#include "dashboard/permit.h"
#include "dashboard/stream_hub.h"

typedef struct exchange exchange_t;

// Borrowed; they outlive the server.
struct exchange_services {
    collector_link_t *link;
    stream_hub_t *hub;
    const page_files_t *pages;
    const permit_t *permit;
    const access_token_t *token; // that is asked for, or NULL: none is
    const char *boot;
    const char *collector; // endpoint of its data socket
    bool insecure;         // it is asked without keys
    unsigned max_streams;
    const char *feed_origin; // another origin that may read /feed, or NULL
};

typedef enum MHD_Result exchange_begin_fn(exchange_t *x);
// `request` is borrowed for the call.
typedef enum MHD_Result exchange_answer_fn(exchange_t *x, struct link_request *request);

struct route {
    const char *path;
    exchange_begin_fn *begin;
    exchange_answer_fn *answer; // NULL where the collector is not asked
};
// By a decoded path; what is none of ours is the page's affair.
const struct route *route_find(const char *path);

const struct exchange_services *exchange_services(const exchange_t *x);
const char *exchange_path(const exchange_t *x); // decoded
bool exchange_is_head(const exchange_t *x);
// As it came, or NULL.
const char *exchange_header(const exchange_t *x, const char *name);
// A parameter of the query, decoded: 1 and *ret, for free(); 0 where there is none; ERR_FORMAT if
// its escapes are wrong or it is not UTF-8.
int exchange_param(const exchange_t *x, const char *name, char **ret);
// Appends "?a=1&b=2": the query without the parameter `name`; nothing where nothing is left.
void exchange_query_without(const exchange_t *x, const char *name, struct buf *out);

// Takes the request. Its done and arg are set here.
enum MHD_Result exchange_ask(exchange_t *x, struct link_request **request_p);
// Takes the response, and adds nothing to it. Counts the code.
enum MHD_Result exchange_send(exchange_t *x, unsigned code, struct MHD_Response *response);
// A place among the streams; false if there is none. It goes with the exchange.
bool exchange_reserve(exchange_t *x);
// Sends the head of a stream and hands the connection to the hub: after exchange_reserve. Takes
// hello; takes the ring, and its watch, out of the request.
enum MHD_Result exchange_stream(exchange_t *x, struct link_request *request, struct event *hello,
                                uint64_t resume);
// The same for a stream that has nothing but the events of its ring.
enum MHD_Result exchange_feed(exchange_t *x, struct link_request *request);

#endif

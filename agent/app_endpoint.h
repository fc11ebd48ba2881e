// app_endpoint - where numbers of applications come in, as --app-sub and --app-pull say it.
//
// In:     "@tcp://127.0.0.1:5555" binds, ">tcp://127.0.0.1:5556" connects, no prefix binds: czmq's
//         prefixes. tcp:// of this machine, or ipc:// (ipc://@NAME is in the abstract space).
// Out:    the two halves; or the rule that is broken.
// Thread: any. Pure.

#ifndef AGENT_APP_ENDPOINT_H
#define AGENT_APP_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#define APP_ENDPOINT_SIZE  1024
#define APP_ENDPOINTS_MOST 16 // of all options together

struct app_endpoint {
    bool bind;
    char address[APP_ENDPOINT_SIZE]; // for sock_bind or sock_connect
};

// Those of one option, as it has them.
struct app_endpoint_list {
    const char *const *endpoints;
    size_t n;
    bool given; // asked for; else a default: one that can not be had is a warning
};

// 0 and *ret; or ERR_RANGE (not of this machine) or ERR_FORMAT, and *why_ret, a constant phrase.
int app_endpoint_parse(struct app_endpoint *ret, const char **why_ret, const char *text);
// The path of an ipc:// address, NULL for others and for those that have none.
const char *app_endpoint_path(const struct app_endpoint *endpoint);
// The same endpoints, in the same order.
bool app_endpoint_list_equal(const struct app_endpoint_list *a, const struct app_endpoint_list *b);

#endif

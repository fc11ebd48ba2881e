// app_endpoint - see the header.

#include "agent/app_endpoint.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/net/sock.h"

#define IPC        "ipc://"
#define LOCALHOST  "tcp://localhost:"
#define LOCAL_FOUR "tcp://127.0.0.1:"

int
app_endpoint_parse(struct app_endpoint *ret, const char **why_ret, const char *text)
{
    const bool prefixed = text[0] == '@' || text[0] == '>';
    const char *address = text + prefixed;
    int n;

    ret->bind = text[0] != '>';
    if (str_starts(address, "inproc://")) {
        *why_ret = "inproc:// is inside one process: no application can reach it";
        return ERR_FORMAT;
    }
    // What applications send is neither encrypted nor proved, so it may not come from elsewhere.
    if (!sock_is_local(address)) {
        *why_ret = "not an address of this machine; applications have no keys, so theirs are "
                   "loopback only";
        return ERR_RANGE;
    }
    if (str_starts(address, IPC) &&
        strlen(address + strlen(IPC)) >= sizeof((struct sockaddr_un *) NULL)->sun_path) {
        *why_ret = "a path of more than 107 bytes: the kernel takes no longer ones for a socket";
        return ERR_FORMAT;
    }
    // libzmq binds to an address or a device, never to a name.
    if (ret->bind && str_starts(address, LOCALHOST))
        n = snprintf(ret->address, sizeof ret->address, LOCAL_FOUR "%s",
                     address + strlen(LOCALHOST));
    else
        n = snprintf(ret->address, sizeof ret->address, "%s", address);
    if (n < 0 || (size_t) n >= sizeof ret->address) {
        *why_ret = "longer than an endpoint may be";
        return ERR_FORMAT;
    }
    return 0;
}

const char *
app_endpoint_path(const struct app_endpoint *endpoint)
{
    const char *path = endpoint->address + strlen(IPC);

    return str_starts(endpoint->address, IPC) && path[0] != '@' ? path : NULL;
}

bool
app_endpoint_list_equal(const struct app_endpoint_list *a, const struct app_endpoint_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->endpoints[i], b->endpoints[i]) != 0)
            return false;
    return true;
}

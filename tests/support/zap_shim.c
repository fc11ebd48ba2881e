// zap_shim - the poll of the thread that answers ZAP fails, as if its socket were broken; preloaded
// into the collector.
//
// In:     $ZAP_SHIM names a file; from when it is there on, the next poll fails. While there is one
//         named so with ".hold" behind it too, main is not told of that, nor of anything else.
// Out:    zmq_poll of the socket that is bound to ZAP's address, and poll of the main thread. All
//         others are as they are.
// Thread: any.

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

typedef int poll_fn(zmq_pollitem_t *items, int n, long timeout_ms);

typedef int plain_poll_fn(struct pollfd *items, nfds_t n, int timeout_ms);

static poll_fn *s_poll;
static plain_poll_fn *s_plain_poll;

__attribute__((constructor)) static void
s_open(void)
{
    void *at = dlsym(RTLD_NEXT, "zmq_poll");
    void *plain = dlsym(RTLD_NEXT, "poll");

    memcpy(&s_poll, &at, sizeof s_poll); // ISO C has no cast of the one to the other
    memcpy(&s_plain_poll, &plain, sizeof s_plain_poll);
}

static int
s_is_zap(void *socket)
{
    char endpoint[64] = "";
    size_t size = sizeof endpoint;

    return socket != NULL && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0 &&
           strcmp(endpoint, "inproc://zeromq.zap.01") == 0;
}

int
zmq_poll(zmq_pollitem_t *items, int n, long timeout_ms)
{
    const char *path = getenv("ZAP_SHIM");

    if (path != NULL && access(path, F_OK) == 0 && n > 0 && s_is_zap(items[0].socket)) {
        errno = EFAULT;
        return -1;
    }
    return s_poll(items, n, timeout_ms);
}

int
poll(struct pollfd *items, nfds_t n, int timeout_ms)
{
    const char *path = getenv("ZAP_SHIM");
    const int rc = s_plain_poll(items, n, timeout_ms);
    char hold[512];

    if (path == NULL || gettid() != getpid())
        return rc;
    snprintf(hold, sizeof hold, "%s.hold", path);
    while (access(path, F_OK) == 0 && access(hold, F_OK) == 0)
        (void) s_plain_poll(NULL, 0, 10);
    return rc;
}

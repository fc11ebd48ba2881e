// output - see the header.

#include "collector/ctl/output.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define WRITE_MAX 4096 // PIPE_BUF: poll's word that a pipe has room holds for so much

static bool s_stopped(int signals);

int
output_write(struct buf *out, int signals)
{
    for (size_t at = 0; at < out->len;) {
        struct pollfd items[2] = {
            { .fd = STDOUT_FILENO, .events = POLLOUT },
            { .fd = signals, .events = POLLIN },
        };
        const size_t left = out->len - at;
        ssize_t n;

        if (poll(items, 2, -1) == -1 && errno != EINTR)
            return -errno;
        if ((items[1].revents & POLLIN) != 0 && s_stopped(signals))
            return -EINTR;
        if (items[0].revents == 0)
            continue;
        n = write(STDOUT_FILENO, out->at + at, left < WRITE_MAX ? left : WRITE_MAX);
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t) n : 0;
    }
    buf_clear(out);
    return 0;
}

int
output_end(const char *command, struct buf *out, int signals)
{
    const int rc = output_write(out, signals);

    if (rc == 0 || rc == -EPIPE)
        return OPTION_EXIT_OK;
    if (rc != -EINTR)
        fprintf(stderr, "zpulse %s: standard output: %s\n", command, err_str(rc));
    return OPTION_EXIT_FAILED;
}

// A hang-up counts too: the terminal is gone.
static bool
s_stopped(int signals)
{
    bool stop = false;

    for (enum service_event event; (event = service_next(signals)) != SERVICE_NONE;)
        stop = stop || event == SERVICE_STOP || event == SERVICE_RELOAD;
    return stop;
}

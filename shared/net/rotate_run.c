// rotate_run - see the header.

#include "shared/net/rotate_run.h"

#include <errno.h>
#include <stdio.h>

#include "shared/base/buf.h"
#include "shared/net/key_watch.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define STEP_MS 10000

int
rotate_run(const char *program, const struct key_rotation *how)
{
    struct key_rotation all = *how;
    struct buf why = { 0 };
    const int signals = service_start(1);
    int64_t until_ms;
    int rc;

    all.wake_fd = signals;
    all.timeout_ms = STEP_MS;
    rc = key_rotate(&until_ms, &all, &why);
    if (rc == 0)
        printf("%s/%s.key is another one, which the collector lets in; the %s that runs takes it "
               "up within %d s\n",
               how->dir, how->name, how->name, KEY_WATCH_MS / 1000);
    else if (why.len > 0)
        fprintf(stderr, "%s: rotate: %s\n", program, buf_cstr(&why));
    buf_release(&why);
    service_end(signals);
    if (rc == 0)
        return OPTION_EXIT_OK;
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
}

// rotate_run - see the header.

#include "agent/rotate_run.h"

#include <errno.h>
#include <stdio.h>

#include "agent/enrol_run.h"
#include "agent/key_watch.h"
#include "shared/base/buf.h"
#include "shared/net/key_rotation.h"
#include "shared/net/service.h"

#define STEP_MS 10000

int
rotate_run(const struct agent_config *config)
{
    struct buf why = { 0 };
    const int signals = service_start(1);
    int64_t until_ms;
    const int rc = key_rotate(&until_ms,
                              &(struct key_rotation){ .collector = config->collector,
                                                      .dir = config->keys,
                                                      .name = ENROL_AGENT_NAME,
                                                      .door = SOCK_CONTROL,
                                                      .wake_fd = signals,
                                                      .timeout_ms = STEP_MS },
                              &why);

    if (rc == 0)
        printf("%s/" ENROL_AGENT_NAME ".key is another one, which the collector lets in; an agent "
               "that runs takes it up within %d s\n",
               config->keys, KEY_WATCH_MS / 1000);
    else if (why.len > 0)
        fprintf(stderr, "zpulse-agent: rotate: %s\n", buf_cstr(&why));
    buf_release(&why);
    service_end(signals);
    if (rc == 0)
        return OPTION_EXIT_OK;
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
}

// enrol_run - see the header.

#include "agent/enrol_run.h"

#include <errno.h>
#include <stdio.h>

#include "shared/base/buf.h"
#include "shared/net/enrol_client.h"
#include "shared/net/service.h"

#define JOIN_MS 10000

int
enrol_run(const struct agent_config *config)
{
    const options_t *options = config->options;
    struct buf why = { 0 };
    struct enrol_joined joined;
    const int signals = service_start(1);
    const int rc = enrol_join(&joined,
                              &(struct enrol_join){
                                  .collector = options_text(options, "enrol"),
                                  .server = options_text(options, "server-key"),
                                  .token = options_text(options, "token"),
                                  .role = ROLE_AGENT,
                                  .wish = config->name,
                                  .version = zpulse_version,
                                  .dir = config->keys,
                                  .name = ENROL_AGENT_NAME,
                                  .wake_fd = signals,
                                  .timeout_ms = JOIN_MS,
                              },
                              &why);

    if (rc == 0)
        printf("this host is enrolled as %s; its keys are in %s\n", joined.name, config->keys);
    else if (rc != -EINTR)
        fprintf(stderr, "zpulse-agent: enrol: %s\n", buf_cstr(&why));
    buf_release(&why);
    service_end(signals);
    if (rc == 0)
        return OPTION_EXIT_OK;
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
}

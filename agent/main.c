// main - zpulse-agent: options, and either one sample or the service.

#include <malloc.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/enrol_run.h"
#include "agent/once.h"
#include "shared/base/log.h"

int
main(int argc, char **argv)
{
    struct agent_config config;
    agent_t *agent;
    bool clean = true;
    int code;

    // One heap for all threads: libzmq's would otherwise each touch one of their own.
    mallopt(M_ARENA_MAX, 1);
    if (agent_config_load(&config, &code, argc, argv) != 0)
        return code;
    log_init("zpulse-agent", config.log_level);
    if (options_text(config.options, "enrol") != NULL) {
        code = enrol_run(&config);
    } else if (config.once) {
        code = once_run(config.rootfs, &config.families, stdout, &clean);
    } else {
        options_log_later(config.options);
        code = agent_start(&agent, &config, argc, argv);
        if (code == 0) {
            code = agent_run(agent);
            clean = agent_stop(&agent);
        }
    }
    // A thread that a dead mount keeps in the kernel may come back at any time: nothing is torn
    // down under it. All that had to be written has been.
    if (!clean)
        _exit(code);
    agent_config_release(&config);
    return code;
}

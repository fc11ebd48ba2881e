// main - zpulse-agent: options, and either one sample or the service.

#include <malloc.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/enrol_run.h"
#include "agent/once.h"
#include "shared/base/log.h"
#include "shared/net/descriptors.h"
#include "shared/net/peer_guard.h"
#include "shared/net/rotate_run.h"

#define APP_PEERS 1024 // connections of applications, of some 25 KiB each
#define FD_OWN    128  // segments of the spool, files of /proc and /sys, sockets

static void s_guard(void);

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
    } else if (options_flag(config.options, "rotate")) {
        code = rotate_run("zpulse-agent", &(struct key_rotation){ .collector = config.collector,
                                                                  .dir = config.keys,
                                                                  .name = ENROL_AGENT_NAME,
                                                                  .door = SOCK_CONTROL });
    } else if (config.once) {
        code = once_run(config.rootfs, &config.families, stdout, &clean);
    } else {
        options_log_later(config.options);
        s_guard();
        code = agent_start(&agent, &config, argc, argv);
        if (code == 0) {
            code = agent_run(agent);
            clean = agent_stop(&agent);
        }
    }
    // A thread that a dead mount or a name server keeps may come back at any time: nothing is torn
    // down under it. All that had to be written has been.
    if (!clean)
        _exit(code);
    agent_config_release(&config);
    return code;
}

// Whoever is on this machine may connect to the inputs of applications, and say what it likes.
static void
s_guard(void)
{
    const uint64_t want = descriptors_wanted(APP_PEERS, FD_OWN), limit = descriptors_raise(want);

    if (peer_guard_start(limit < want ? limit : want, FD_OWN) < 0)
        log_warn("connections are not guarded: the program is linked in a way of its own", NULL);
}

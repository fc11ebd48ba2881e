// zpulse-collector - signals, and the order of start and end.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "collector/collector.h"
#include "collector/collector_option.h"
#include "collector/collector_stat.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/net/descriptors.h"
#include "shared/net/option.h"
#include "shared/net/peer_guard.h"
#include "shared/net/reload.h"
#include "shared/net/service.h"

#define IO_THREADS 2   // libzmq's; enough for 10,000 agents at a frame a second each
#define PEERS      256 // dashboards and askers
#define FD_OWN     512 // segments, files of the store and their readers, sockets, eventfds

static int s_serve(const struct collector_options *settings, int argc, char **argv);
static int s_wait(collector_t *collector, int signals, int argc, char **argv);

int
main(int argc, char **argv)
{
    struct collector_options settings;
    options_t *options = NULL;
    int exit_code;
    int rc = options_load(&options, &exit_code, &collector_program, argc, argv, stdout, stderr);

    if (rc != 0)
        return exit_code;
    collector_options_take(&settings, options);
    log_init(collector_program.name, settings.log_level);
    options_log_later(options);
    exit_code = s_serve(&settings, argc, argv);
    options_destroy(&options);
    return exit_code;
}

static int
s_serve(const struct collector_options *settings, int argc, char **argv)
{
    const uint64_t peers = 2 * (uint64_t) settings->most_agents + PEERS;
    collector_t *collector = NULL;
    // Two connections of each agent, which may all come from one address (peer_guard keeps an
    // eighth for others); what is missing to that is said, and strangers get no more than that.
    const uint64_t want = descriptors_wanted(peers + peers / 7 + 1, FD_OWN);
    uint64_t limit;
    int exit_code;
    int signals = service_start(IO_THREADS);

    if (signals < 0) {
        log_error("signals cannot be read", "error=%s", log_quote(err_str(signals)));
        return OPTION_EXIT_FAILED;
    }
    limit = descriptors_raise(want);
    if (peer_guard_start(limit < want ? limit : want, FD_OWN) < 0)
        log_warn("connections are not guarded: the program is linked in a way of its own", NULL);
    collector_stat_init();
    if (collector_start(&collector, &exit_code, settings) == 0) {
        service_notify("READY=1");
        exit_code = s_wait(collector, signals, argc, argv);
        service_notify("STOPPING=1");
        collector_stop(&collector);
        log_info("ended", NULL);
    }
    service_end(signals);
    return exit_code;
}

// Until it is time to end; the exit code.
static int
s_wait(collector_t *collector, int signals, int argc, char **argv)
{
    struct pollfd on[] = {
        { .fd = signals, .events = POLLIN },
        { .fd = collector_ended_fd(collector), .events = POLLIN },
        { .fd = collector_shut_fd(collector), .events = POLLIN },
    };

    for (;;) {
        bool reload = false;

        if (poll(on, 3, COLLECTOR_TURN_MS) == -1 && errno != EINTR) {
            log_error("poll failed", "error=%s", log_quote(strerror(errno)));
            return OPTION_EXIT_FAILED;
        }
        if (((on[1].revents | on[2].revents) & POLLIN) != 0)
            return OPTION_EXIT_FAILED;
        for (enum service_event event; (event = service_next(signals)) != SERVICE_NONE;) {
            if (event == SERVICE_STOP)
                return OPTION_EXIT_OK;
            reload = reload || event == SERVICE_RELOAD;
        }
        collector_turn(collector, reload);
        if (reload)
            reload_log_level(&collector_program, argc, argv);
    }
}

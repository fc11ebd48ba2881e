// main - zpulse-dashboard: options, signals, and the end.

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dashboard/dashboard.h"
#include "dashboard/dashboard_option.h"
#include "dashboard/dashboard_stat.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/net/reload.h"
#include "shared/net/rotate_run.h"
#include "shared/net/service.h"

#define IO_THREADS 1
#define TURN_MS    1000 // for the manager's watchdog, and requests that take too long

static int s_serve(const struct dashboard_options *settings, int argc, char **argv);
static int s_wait(dashboard_t *dashboard, int signals, int argc, char **argv);

int
main(int argc, char **argv)
{
    struct dashboard_options settings;
    options_t *options = NULL;
    int exit_code;

    // Two heaps for all threads: events are made in one and freed in another, and each heap that
    // a thread touches stays.
    mallopt(M_ARENA_MAX, 2);
    if (options_load(&options, &exit_code, &dashboard_program, argc, argv, stdout, stderr) != 0)
        return exit_code;
    dashboard_options_take(&settings, options);
    log_init(dashboard_program.name, settings.log_level);
    options_log_later(options);
    if (settings.rotate)
        exit_code = rotate_run(dashboard_program.name,
                               &(struct key_rotation){ .collector = settings.collector,
                                                       .dir = settings.keys,
                                                       .name = DASHBOARD_KEY_NAME,
                                                       .door = SOCK_QUERY });
    else
        exit_code = s_serve(&settings, argc, argv);
    options_destroy(&options);
    return exit_code;
}

static int
s_serve(const struct dashboard_options *settings, int argc, char **argv)
{
    dashboard_t *dashboard = NULL;
    int exit_code;
    const int signals = service_start(IO_THREADS);

    if (signals < 0) {
        log_error("signals cannot be read", "error=%s", log_quote(err_str(signals)));
        return OPTION_EXIT_FAILED;
    }
    dashboard_stat_init();
    if (dashboard_start(&dashboard, &exit_code, settings, page_assets, page_assets_count) == 0) {
        log_info("listening", "address=%s", log_quote(settings->listen));
        service_notify("READY=1");
        exit_code = s_wait(dashboard, signals, argc, argv);
        service_notify("STOPPING=1");
        dashboard_stop(&dashboard);
        log_info("ended", NULL);
    }
    // A thread of libzmq that is left behind may come back at any time.
    if (!service_end(signals))
        _exit(exit_code);
    return exit_code;
}

// Until it is time to end; the exit code.
static int
s_wait(dashboard_t *dashboard, int signals, int argc, char **argv)
{
    struct pollfd on = { .fd = signals, .events = POLLIN };

    for (;;) {
        if (poll(&on, 1, TURN_MS) == -1 && errno != EINTR) {
            log_error("poll failed", "error=%s", log_quote(strerror(errno)));
            return OPTION_EXIT_FAILED;
        }
        service_notify("WATCHDOG=1");
        dashboard_sweep(dashboard);
        for (enum service_event event; (event = service_next(signals)) != SERVICE_NONE;) {
            if (event == SERVICE_STOP)
                return OPTION_EXIT_OK;
            if (event == SERVICE_RELOAD)
                reload_log_level(&dashboard_program, argc, argv);
        }
    }
}

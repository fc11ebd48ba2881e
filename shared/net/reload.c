// reload - see reload.h. Settings are loaded anew, beside the old ones, which stay.

#include "shared/net/reload.h"

#include "shared/base/log.h"

void
reload_log_level(const struct option_program *program, int argc, char **argv)
{
    options_t *options = NULL;
    enum log_level level;
    int exit_code;

    if (options_load(&options, &exit_code, program, argc, argv, stdout, stderr) != 0) {
        log_error("settings were not reloaded", "exit_code=%d", exit_code);
        return;
    }
    if (log_level_parse(&level, options_text(options, "log-level")) == 0)
        log_set_level(level);
    log_info("settings reloaded", "log_level=%s", options_text(options, "log-level"));
    options_destroy(&options);
}

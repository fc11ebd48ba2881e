// dashboard_option - the dashboard's settings.

#ifndef DASHBOARD_DASHBOARD_OPTION_H
#define DASHBOARD_DASHBOARD_OPTION_H

#include <stddef.h>

#include "shared/base/log.h"
#include "shared/net/option.h"

extern const struct option_program dashboard_program;

// Checked. Text is the options' own.
struct dashboard_options {
    const char *listen;
    const char *collector; // of its data socket
    const char *web_root;  // or NULL
    const char *const *allow_hosts;
    size_t n_allow_hosts;
    unsigned max_streams;
    enum log_level log_level;
};

// 0, or an exit code after one line on stderr.
int dashboard_options_take(struct dashboard_options *ret, const options_t *options);

#endif

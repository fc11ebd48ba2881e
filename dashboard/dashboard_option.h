// dashboard_option - the dashboard's settings.

#ifndef DASHBOARD_DASHBOARD_OPTION_H
#define DASHBOARD_DASHBOARD_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/log.h"
#include "shared/net/client_keys.h"
#include "shared/net/option.h"

extern const struct option_program dashboard_program;

#define DASHBOARD_KEY_NAME "dashboard" // of our pair in the folder of keys

// Checked. Text is the options' own.
struct dashboard_options {
    const char *listen;
    const char *collector;   // of its data socket
    const char *web_root;    // or NULL
    const char *feed_origin; // or NULL
    const char *const *public_names;
    size_t n_public_names;
    const char *token_file; // or NULL: no token is asked for
    const char *const *trusted_proxies;
    size_t n_trusted_proxies;
    unsigned max_per_address; // connections
    int64_t request_ms;       // that a request may take to come in
    unsigned max_streams;
    enum log_level log_level;
    bool rotate;                     // our key, and nothing else
    char keys[CLIENT_KEYS_DIR_SIZE]; // folder; "": insecure
};

// From options that were loaded for dashboard_program, and so hold what they should.
void dashboard_options_take(struct dashboard_options *ret, const options_t *options);

#endif

// agent_option - what the agent was told: its options, checked and in their own types.

#ifndef AGENT_AGENT_OPTION_H
#define AGENT_AGENT_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/app_endpoint.h"
#include "agent/family_list.h"
#include "shared/base/log.h"
#include "shared/net/client_keys.h"
#include "shared/net/option.h"

#define AGENT_ENDPOINT_SIZE 1024

// Texts belong to `options`; agent_config_release.
struct agent_config {
    options_t *options;
    const char *data;   // folder
    const char *keys;   // folder; NULL: insecure
    const char *name;   // of the host
    bool named;         // by an option
    const char *rootfs; // folder that holds proc/
    int64_t interval_ms;
    int64_t spool_sync_ms;
    int64_t spool_age_ms;
    uint64_t spool_bytes;
    uint64_t backlog_rate; // bytes a second
    uint64_t memory;       // bytes
    struct app_endpoint_list app_sub;
    struct app_endpoint_list app_pull;
    struct family_wishes families;
    enum log_level log_level;
    bool once;
    bool more_collectors; // some were named that are not used
    char host_name[256];
    char keys_dir[CLIENT_KEYS_DIR_SIZE];
    char collector[AGENT_ENDPOINT_SIZE]; // data endpoint, without czmq's prefix
    char control[AGENT_ENDPOINT_SIZE];   // control endpoint, beside it
};

// 0: go on. 1: answered (--help ...). Below zero: refused, and said on stderr.
// *exit_ret is the exit code unless 0.
int agent_config_load(struct agent_config *ret, int *exit_ret, int argc, char **argv);
// Whether what they differ in is taken up by a start only.
bool agent_config_wants_start(const struct agent_config *fresh, const struct agent_config *old);
void agent_config_release(struct agent_config *config);

#endif

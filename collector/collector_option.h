// collector_option - the collector's settings.

#ifndef COLLECTOR_COLLECTOR_OPTION_H
#define COLLECTOR_COLLECTOR_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/agent_limit.h"
#include "shared/base/log.h"
#include "shared/net/option.h"

#define COLLECTOR_ENDPOINT_SIZE 128

extern const struct option_program collector_program;

// Checked. Text is the options' own.
struct collector_options {
    const char *data_dir;
    char keys_dir[4096];                    // used unless `insecure`
    bool insecure;                          // nobody has a key
    char endpoint[COLLECTOR_ENDPOINT_SIZE]; // of the data socket
    uint64_t head_bytes;
    uint64_t receive_bytes; // of memory for what came and is not yet applied
    uint64_t slot_bytes;    // of memory for what one host's streams define
    struct agent_limits agent;
    int64_t keep_ms;     // of samples on the disk; 0: they stay
    uint64_t keep_bytes; // 0: no bound
    int64_t merge_ms;    // age of quiet days that are merged; 0: none is
    uint64_t journal_bytes;
    size_t most_agents;
    enum log_level log_level;
};

// From options that were loaded for collector_program, and so hold what they should.
void collector_options_take(struct collector_options *ret, const options_t *options);

#endif

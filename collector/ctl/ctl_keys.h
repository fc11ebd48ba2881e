// ctl_keys - the operator's keys of a command that asks, listens or imports.
//
// In:     the options --keys and --insecure, whose rows are CTL_KEYS_OPTIONS.
// Out:    a curve for its sockets; none with --insecure: such a collector is on this machine.
// Thread: main.

#ifndef COLLECTOR_CTL_CTL_KEYS_H
#define COLLECTOR_CTL_CTL_KEYS_H

#include "shared/net/client_keys.h"
#include "shared/net/option.h"

#define CTL_KEYS_OPTIONS                                                                     \
    { .name = "keys",                                                                        \
      .type = OPTION_TEXT,                                                                   \
      .least = 1,                                                                            \
      .meta = "DIR",                                                                         \
      .help = "folder of operator.key and collector.pub; default: the first that exists of " \
              "./run/keys, ~/.config/zpulse, /etc/zpulse/keys" },                            \
    {                                                                                        \
        .name = "insecure", .type = OPTION_FLAG,                                             \
        .help = "ask without keys, for a collector on this machine that runs so"             \
    }

// 0 and *curve, which is in *keys, or NULL; or below zero after one line on stderr.
int ctl_keys_load(struct client_keys *keys, const struct curve **curve, const char *command,
                  const options_t *options);

#endif

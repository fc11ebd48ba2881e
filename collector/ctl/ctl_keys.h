// ctl_keys - the operator's keys of a command that asks or listens.
//
// In:     the option --keys, whose row is CTL_KEYS_OPTION.
// Out:    a curve for its sockets; none without the option: a collector without keys is on this
//         machine.
// Thread: main.

#ifndef COLLECTOR_CTL_CTL_KEYS_H
#define COLLECTOR_CTL_CTL_KEYS_H

#include "shared/net/client_keys.h"
#include "shared/net/option.h"

#define CTL_KEYS_OPTION                                                               \
    {                                                                                 \
        .name = "keys", .type = OPTION_TEXT, .least = 1, .meta = "DIR",               \
        .help = "folder of operator.key and collector.pub, for a collector with keys" \
    }

// 0 and *curve, which is in *keys, or NULL; or below zero after one line on stderr.
int ctl_keys_load(struct client_keys *keys, const struct curve **curve, const char *command,
                  const options_t *options);

#endif

// up_keys - who is who of `zpulse up`, so that nobody has to enrol.
//
// In:     its folder, and who will run.
// Out:    collector/keys with the collector's key, which it finds there, and admit, which says whom
//         it lets in; keys with those of operator, dashboard and agent, and the collector's public
//         half. Made at the first start; later only what is missing is.
// Order:  before the programs start: nobody waits for anybody.
// Thread: main.

#ifndef COLLECTOR_CTL_UP_KEYS_H
#define COLLECTOR_CTL_UP_KEYS_H

#include <stdbool.h>

#include "shared/base/buf.h"

struct up_keys_options {
    const char *collector; // folder of the collector's keys
    const char *clients;   // folder of all others
    bool agent;            // one will run
};

// 0, and *made: keys are new; or below zero, and `why` is a line.
int up_keys_make(bool *made, const struct up_keys_options *options, struct buf *why);
// True, and in `say` a line: this host is called otherwise now than when its agent's key was made,
// what that means, and how to change it.
bool up_keys_renamed(struct buf *say, const struct up_keys_options *options, const char *data);

#endif

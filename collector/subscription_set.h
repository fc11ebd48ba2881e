// subscription_set - which beginnings of topics are subscribed to, and by how many.
//
// In:     what XPUB tells of each subscriber: bytes of a stranger.
// Out:    whether a topic is watched.
// Thread: one owner. Pure. A value: init it, release it.
// Limits: SUBSCRIPTION_MAX bytes each, SUBSCRIPTIONS_MOST different ones.

#ifndef COLLECTOR_SUBSCRIPTION_SET_H
#define COLLECTOR_SUBSCRIPTION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/map.h"

#define SUBSCRIPTION_MAX   240 // bytes; longer ones break libzmq 4.3.4's own encoder
#define SUBSCRIPTIONS_MOST 65536

struct subscription_set {
    map_t *texts;     // text -> uint64_t *: how many
    uint64_t open;    // sum of them
    uint64_t changes; // of the set of texts, from 1
};

void subscription_set_init(struct subscription_set *self);
void subscription_set_release(struct subscription_set *self);
// False for one that is past a limit, and not ours to serve.
bool subscription_set_join(struct subscription_set *self, const char *text, size_t n);
// One that never joined, for a limit or otherwise, is passed over.
void subscription_set_leave(struct subscription_set *self, const char *text, size_t n);
// Any beginning of the topic may be subscribed to, the empty one too. Costs a lookup a byte.
bool subscription_set_covers(const struct subscription_set *self, const char *topic);

#endif

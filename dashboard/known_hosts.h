// known_hosts - the hosts that the collector knows, as last told.
//
// In:     lists of all hosts, and single hosts whose state has changed.
// Thread: one owner. Pure.

#ifndef DASHBOARD_KNOWN_HOSTS_H
#define DASHBOARD_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/live.h"

typedef struct known_hosts known_hosts_t;

known_hosts_t *known_hosts_new(void);
void known_hosts_destroy(known_hosts_t **self_p);

// Of another collector's start than before: what is known goes.
void known_hosts_set_epoch(known_hosts_t *self, uint64_t epoch);
// Takes what *info holds. False if what is known is newer (the state began later): a list may have
// been made before a change that came first.
bool known_hosts_put(known_hosts_t *self, struct host_info *info);
size_t known_hosts_count(const known_hosts_t *self);
// By id, or NULL.
const struct host_info *known_hosts_get(const known_hosts_t *self, uint64_t host);
// By id in 16 hex digits, or by name: of several, the one heard last. NULL if there is none.
const struct host_info *known_hosts_find(const known_hosts_t *self, const char *text);

#endif

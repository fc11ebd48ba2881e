// host_table - the hosts that the collector knows, as last told.
//
// In:     lists of all hosts, and single hosts whose state has changed.
// Thread: one owner. Pure.

#ifndef DASHBOARD_HOST_TABLE_H
#define DASHBOARD_HOST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/live.h"

typedef struct host_table host_table_t;

host_table_t *host_table_new(void);
void host_table_destroy(host_table_t **self_p);

// Of another collector's start than before: what is known goes.
void host_table_set_epoch(host_table_t *self, uint64_t epoch);
// Takes what *info holds. False if what is known is newer (the state began later): a list may have
// been made before a change that came first.
bool host_table_put(host_table_t *self, struct host_info *info);
// By id, or NULL.
const struct host_info *host_table_get(const host_table_t *self, uint64_t host);
// By id in 16 hex digits, or by name: of several, the one heard last. NULL if there is none.
const struct host_info *host_table_find(const host_table_t *self, const char *text);

#endif

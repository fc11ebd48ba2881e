// try_limit - how often an address may say something that is wrong.
//
// In:     addresses with a port or without ("10.0.0.7", "2001:db8::1", "[2001:db8::1]:1"), and
//         their failures.
// Out:    whether it has to wait. An IPv6 address counts with its whole /64.
// Rule:   TRY_LIMIT_BURST failures at once, then one more each TRY_LIMIT_EVERY_MS.
// Limits: a fixed table; addresses that meet in a place of it share it, which slows, never lets in.
// Thread: one at a time. Time is a parameter.

#ifndef COLLECTOR_TRY_LIMIT_H
#define COLLECTOR_TRY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define TRY_LIMIT_BURST    10
#define TRY_LIMIT_EVERY_MS 2000

typedef struct try_limit try_limit_t;

try_limit_t *try_limit_new(void);
void try_limit_destroy(try_limit_t **self_p);
// False: it has failed too often; nothing is looked at.
bool try_limit_may(const try_limit_t *self, const char *address, int64_t now_ms);
void try_limit_failed(try_limit_t *self, const char *address, int64_t now_ms);

#endif

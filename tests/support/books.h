// books - what `zpulse ledger` says of a host: the agent's book beside the collector's.
//
// In:     a stage with a collector.
// Out:    JSON, or an answer to stage_until.
// Thread: one owner.

#ifndef TESTS_SUPPORT_BOOKS_H
#define TESTS_SUPPORT_BOOKS_H

#include <jansson.h>

#include "tests/support/stage.h"

// Of web-1, for json_decref; NULL where nothing is known.
json_t *books_get(stage_t *stage);
// Of that host, asked with the operator's keys that `keys` names ("--keys=..."); NULL: those that
// the stage's programs find.
json_t *books_get_of(stage_t *stage, const char *host, const char *keys);
json_int_t books_number(const json_t *books, const char *key);
// Of all causes of it.
json_int_t books_sum(const json_t *books, const char *key);
// For stage_until. So many samples or more are acknowledged, and none is on its way.
struct books_acked {
    const char *host;
    json_int_t least;
};
bool books_are_acked(stage_t *stage, void *acked);
// The last argument is not used.
bool books_are_settled(stage_t *stage, void *none);
bool books_have_lost(stage_t *stage, void *none);

#endif

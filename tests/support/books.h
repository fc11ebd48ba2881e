// books - what `zpulse ledger` says of web-1: the agent's book beside the collector's.
//
// In:     a stage with a collector.
// Out:    JSON, or an answer to stage_until.
// Thread: one owner.

#ifndef TESTS_SUPPORT_BOOKS_H
#define TESTS_SUPPORT_BOOKS_H

#include <jansson.h>

#include "tests/support/stage.h"

// For json_decref; NULL where nothing is known.
json_t *books_get(stage_t *stage);
json_int_t books_number(const json_t *books, const char *key);
// Of all causes of it.
json_int_t books_sum(const json_t *books, const char *key);
// For stage_until; the last argument is not used.
bool books_are_settled(stage_t *stage, void *none);
bool books_have_lost(stage_t *stage, void *none);

#endif

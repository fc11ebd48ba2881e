// journal_gather - what the journal has of the series that a question means, series by series.
//
// In:     rows, as journal_reader reads them; then series of the head.
// Out:    of each series its samples, times rising, one a time: the first that came stands, and
//         what the journal has stands before what the head has.
// Order:  new -> begin (its callbacks are in *read; the journal is read) -> finish -> merge for
// each
//         series of the head -> rest.
// Limits: samples and series of all; beyond them ERR_LIMIT.
// Thread: one owner. Pure.

#ifndef COLLECTOR_JOURNAL_GATHER_H
#define COLLECTOR_JOURNAL_GATHER_H

#include <stdbool.h>

#include "collector/journal_reader.h"
#include "collector/store/store.h"

typedef struct journal_gather journal_gather_t;

// `what` is copied; its matchers stay the caller's for as long.
journal_gather_t *journal_gather_new(const struct store_select *what, uint64_t most_samples,
                                     uint64_t most_series);
void journal_gather_destroy(journal_gather_t **self_p);

// Sets arg, host, series and row of *read.
void journal_gather_begin(journal_gather_t *self, struct journal_read *read);
// After the reading: 0, or ERR_LIMIT where there were too many series.
int journal_gather_finish(journal_gather_t *self);
// Adds to the head's series what the journal has of it; its samples are ours until the next call.
void journal_gather_merge(journal_gather_t *self, struct store_series *series);
// The next series that the head did not have; false at the end. Ours until the next call.
bool journal_gather_rest(journal_gather_t *self, struct store_series *ret);

#endif

// sample_merge - samples of one series from one tile after the other, in order of time.
//
// Thread: any. Pure.
// Cost:   that of the new ones, and of what is there and not before them: nearly always nothing,
//         since tiles come by day and, in a day, mostly by time.

#ifndef COLLECTOR_STORE_SAMPLE_MERGE_H
#define COLLECTOR_STORE_SAMPLE_MERGE_H

#include <stdint.h>

#include "shared/model/sample.h"

// Puts `n` more samples among the `n_run` that are there; times rise in both. Of equal times what
// is there stands. `run` has room for all, `room` for n_run. How many are there now.
uint32_t sample_merge(struct sample *run, uint32_t n_run, const struct sample *more, uint32_t n,
                      struct sample *room);

#endif

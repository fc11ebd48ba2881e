// export_samples - the samples of some series of an export_list, gathered answer by answer.
//
// In:     answers in the order of their windows; series that are not among those are passed over.
// Out:    of each series its samples, times rising, one a time: the first that came stands.
// Thread: one owner. Pure.

#ifndef COLLECTOR_CTL_EXPORT_SAMPLES_H
#define COLLECTOR_CTL_EXPORT_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "collector/ctl/export_list.h"
#include "shared/wire/query_msg.h"

typedef struct export_samples export_samples_t;

// Of the series [first, end); the list stays the caller's for as long.
export_samples_t *export_samples_new(const struct export_list *list, size_t first, size_t end);
void export_samples_destroy(export_samples_t **self_p);

void export_samples_add(export_samples_t *self, const struct query_series *series);
// What was added since the last keep is taken back: its answer was none.
void export_samples_drop(export_samples_t *self);
void export_samples_keep(export_samples_t *self);
uint64_t export_samples_count(const export_samples_t *self); // of all series
// Of series `at` of the list: *n_ret samples, ours until the next call.
const struct sample *export_samples_get(export_samples_t *self, size_t at, size_t *n_ret);
void export_samples_clear(export_samples_t *self);

#endif

// metric_names - the names of metrics by number, each once, so that a slot can have its name in two
// bytes.
//
// Thread: one owner.
// Limits: METRIC_NAMES_MAX; the others are number 0, which has no name. A name is cut to what is
//         told of it (QUERY_LIMIT_TEXT).

#ifndef COLLECTOR_METRIC_NAMES_H
#define COLLECTOR_METRIC_NAMES_H

#include <stdint.h>

#define METRIC_NAMES_MAX 60000u

typedef struct metric_names metric_names_t;

metric_names_t *metric_names_new(void);
void metric_names_destroy(metric_names_t **self_p);
// Its number, from 1 on; 0: there are too many.
uint16_t metric_names_put(metric_names_t *self, const char *name);
// "" for 0. The list's, for as long as it lives.
const char *metric_names_get(const metric_names_t *self, uint16_t number);

#endif

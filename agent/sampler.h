// sampler - one tick: every family of /proc into the series table.
//
// In:     a root folder, and a table between series_table_begin and series_table_end.
// Out:    values set. A family whose file is missing or malformed is absent for the tick; it is
//         said once, and malformed files are counted (AGENT_PARSE_ERRORS).
// Thread: one owner; selfstat_init comes before.

#ifndef AGENT_SAMPLER_H
#define AGENT_SAMPLER_H

#include "agent/series_table.h"

typedef struct sampler sampler_t;

// 0 and *ret; -errno if `rootfs`/proc cannot be opened.
int sampler_open(sampler_t **ret, const char *rootfs);
void sampler_close(sampler_t **self_p);
void sampler_sample(sampler_t *self, series_table_t *table);

#endif

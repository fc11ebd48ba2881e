// sampler - one tick: every family that is due into the series table.
//
// In:     a root folder, what was said of each family, and a table between series_table_begin and
//         series_table_end.
// Out:    values set. A family whose file is missing or malformed is absent for the tick; it is
//         said once, and malformed files are counted by family. A family that is not due rests.
// Thread: one owner; own_series_init comes before.

#ifndef AGENT_SAMPLER_H
#define AGENT_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/family_list.h"
#include "agent/series_table.h"

typedef struct sampler sampler_t;

// 0 and *ret; -errno if `rootfs`/proc cannot be opened. Ticks come each interval_ms. The wishes
// were checked by family_wishes_read.
int sampler_open(sampler_t **ret, const char *rootfs, int64_t interval_ms,
                 const struct family_wishes *wishes);
// True; false where a thread of a family hangs in the kernel and is left behind: the process must
// then end by _exit, since what exit tears down may be in use. NULL is fine.
bool sampler_close(sampler_t **self_p);
// Other wishes from the next tick on. What they do not touch goes on as it was; a family that is
// now off ends its series.
void sampler_set_wishes(sampler_t *self, const struct family_wishes *wishes);
// Waits up to ms for each family that would have more to tell in a moment: before a sample that
// stands alone. The service never does.
void sampler_settle(sampler_t *self, int64_t ms);
void sampler_sample(sampler_t *self, series_table_t *table);

#endif

// once - one sample of everything as exposition text: zpulse-agent --once.
//
// Source: Prometheus' text format 0.0.4: HELP and TYPE ahead of each metric, its series together.

#ifndef AGENT_ONCE_H
#define AGENT_ONCE_H

#include <stdio.h>

#include "agent/family_list.h"
#include "agent/series_table.h"
#include "shared/base/buf.h"

// Samples `rootfs` and prints, after waiting 5.5 s at most for file systems to answer. The exit
// code; what fails is said in the log. *clean_ret is false where sampler_close said so.
int once_run(const char *rootfs, const struct family_wishes *wishes, FILE *out, bool *clean_ret);
// The table's present tick as text, appended; sorted by metric, then by labels.
void once_text(struct buf *out, const series_table_t *table);

#endif

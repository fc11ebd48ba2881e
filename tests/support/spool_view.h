// spool_view - what the spool of an agent that is gone holds of one metric: whatever else happened,
// that much it had taken, and that much must arrive.
//
// In:     a folder of NUMBER.seg files; where somebody still writes, it is what was there just now.
// Out:    samples of the metric, of all its series, rising by time. Read as anybody could who knows
//         the format: with none of the agent's own code, whose mistakes it would share.
// Thread: one owner. The folder is left as it is.
// Source: shared/base/segment.h; ahead of each record one byte: 'r' for one of the stream, 'a' for
//         a TABLE or DEF beside it, which makes the segment readable alone.

#ifndef TESTS_SUPPORT_SPOOL_VIEW_H
#define TESTS_SUPPORT_SPOOL_VIEW_H

#include <stddef.h>

#include "shared/model/sample.h"

// How many there are, and *ret, for free(). None where there is no such folder.
size_t spool_view(struct sample **ret, const char *dir, const char *metric);

#endif

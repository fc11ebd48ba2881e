// live_lines - the live stream as lines of text: one for each sample that a selector matches.
//
// In:   messages of a collector (topic and body), as shared/wire/live.h has them.
// Out:  2026-01-02T03:04:05.678Z node_load1{instance="x",job="node"} 0.42
// Loss: a row whose table has not come cannot be read: the caller asks for the table.
// Thread: one owner.

#ifndef COLLECTOR_CTL_LIVE_LINES_H
#define COLLECTOR_CTL_LIVE_LINES_H

#include "shared/base/buf.h"
#include "shared/model/matcher.h"

typedef struct live_lines live_lines_t;

// `matchers` (NULL: everything) stay the caller's for as long as this lives.
live_lines_t *live_lines_new(const matchers_t *matchers);
void live_lines_destroy(live_lines_t **self_p);

// Appends the lines of one message, `most` at the most; their number. ERR_NEED_KEY and *host_ret:
// the host's tables are wanted (said at most once in a second of the rows' time). ERR_FORMAT or
// ERR_VERSION: not a message of ours.
int live_lines_take(live_lines_t *self, struct buf *out, unsigned most, uint64_t *host_ret,
                    const void *topic, size_t topic_len, const void *body, size_t body_len);

#endif

// delivery_sums - what collectors say of streams, summed up for the ledger.
//
// In:     ACKs, and the `next` of WELCOMEs.
// Out:    struct delivery_sums, over all streams; and of each stream what was said of it last,
//         since a collector counts each from its beginning.
// Thread: delivery's. Inner to it. Pure.

#ifndef AGENT_DELIVERY_SUMS_H
#define AGENT_DELIVERY_SUMS_H

#include <stdint.h>

#include "agent/delivery_stream.h"

void delivery_sums_count(struct delivery_sums *self, struct delivery_stream *s,
                         const struct ack *ack);
// What the collector had acknowledged, and has not any more: it wants `next` (wire). Those records
// are not here either, so their samples are a share of all, but where a repeat would still need
// them. Said once.
void delivery_sums_lost(struct delivery_sums *self, struct delivery_stream *s, uint64_t collector,
                        uint64_t next);

#endif

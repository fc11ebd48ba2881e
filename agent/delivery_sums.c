// delivery_sums - see the header.

#include "agent/delivery_sums.h"

void
delivery_sums_count(struct delivery_sums *self, struct delivery_stream *s, const struct ack *ack)
{
    if (s->counted) {
        self->elsewhere += ack->elsewhere - s->elsewhere;
        self->refused += ack->refused - s->refused;
    }
    s->elsewhere = ack->elsewhere;
    s->refused = ack->refused;
    s->counted = true;
}

void
delivery_sums_lost(struct delivery_sums *self, struct delivery_stream *s, uint64_t collector,
                   uint64_t next)
{
    const uint64_t acked = delivery_stream_acked_by(s, collector);
    const uint64_t to = acked < s->base ? acked : s->base;
    uint64_t from_total, to_total;

    if (s->fork.is || acked <= next || to <= next)
        return;
    from_total = delivery_stream_total(s, next);
    to_total = delivery_stream_total(s, to);
    if (from_total <= to_total && to_total != DELIVERY_TOTAL_UNKNOWN)
        self->collector_lost += to_total - from_total;
    else
        self->collector_lost += (uint64_t) ((double) s->head_total * (double) (to - next) /
                                            (double) s->head);
    delivery_stream_acked_here(s, collector, next); // said once
}

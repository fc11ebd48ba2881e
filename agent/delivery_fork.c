// delivery_fork - a stream that is sent under another id, since a collector has its own under ours.
//
// It happens to an agent that goes on from a copy of itself (a machine set back to a snapshot):
// what it makes since then has the numbers of what it had made before. The records are sent as they
// are, only renumbered, behind what makes them readable:
//
//      ours:          KEY k ... base-1 | base ...          (k: the last KEY below base)
//      on the wire:   TABLE 0.. | t ...                    t = tables, shift = t - k
//
// The samples from k to base arrive a second time, equal: a store keeps one of them.

#include <assert.h>

#include "agent/delivery_stream.h"
#include "shared/base/wbuf.h"

uint64_t
delivery_wire_id(const struct delivery_stream *s)
{
    return s->fork.is ? s->fork.as : s->id;
}

uint64_t
delivery_wire_seq(const struct delivery_stream *s, uint64_t seq)
{
    return seq + s->fork.shift;
}

uint64_t
delivery_wire_base(const struct delivery_stream *s)
{
    return s->fork.is ? s->fork.acked : s->base;
}

uint64_t
delivery_wire_head(const struct delivery_stream *s)
{
    return s->fork.is && !s->fork.laid ? s->fork.acked : delivery_wire_seq(s, s->head);
}

uint64_t
delivery_own_seq(const struct delivery_stream *s, uint64_t wire)
{
    const uint64_t seq = wire - s->fork.shift;

    if (s->fork.is && (!s->fork.laid || wire < s->fork.tables))
        return s->base;
    return seq > s->base ? seq : s->base;
}

struct record
delivery_wire_record(const struct delivery_stream *s, const struct record *record)
{
    struct record wire = *record;

    wire.stream = delivery_wire_id(s);
    wire.seq = delivery_wire_seq(s, record->seq);
    wire.total = record->total - s->fork.total_shift;
    return wire;
}

void
delivery_wire_entry(const struct delivery_stream *s, struct frame_entry *entry)
{
    uint8_t *const at = entry->frame + FRAME_PREFIX_SIZE;
    struct record record = entry->record;

    record.body = at + FRAME_RECORD_HEADER;
    record = delivery_wire_record(s, &record);
    if (record.type == RECORD_GAP) {
        struct wbuf w;

        wbuf_init(&w, at + FRAME_RECORD_HEADER, sizeof(uint64_t));
        wbuf_u64(&w, delivery_wire_seq(s, entry->last)); // `to`, its first field
    }
    (void) frame_put_record(at, entry->len - FRAME_PREFIX_SIZE, &record); // of the size it had
}

void
delivery_fork_begin(struct delivery_stream *s, uint64_t as)
{
    assert(as != 0);
    s->fork = (struct fork){ .is = true, .as = as };
    s->known = false;
    s->checking = false;
    s->counted = false;
    for (unsigned i = 0; i < DELIVERY_COLLECTORS; i++)
        s->acked_here[i].collector = s->acked_here[i].next = 0;
}

void
delivery_fork_lay(struct delivery_stream *s, const struct record *record)
{
    s->fork.shift = s->fork.tables - record->seq;
    s->fork.total_shift = record->total;
    s->fork.laid = true;
}

void
delivery_fork_take(struct delivery_stream *s, const struct record *record)
{
    struct record wire;

    if (!s->fork.laid && s->tabling) {
        wire = *record;
        wire.stream = s->fork.as;
        wire.seq = s->fork.tables++;
        wire.total = 0;
    } else {
        if (!s->fork.laid)
            delivery_fork_lay(s, record);
        wire = delivery_wire_record(s, record);
    }
    frame_list_push(&s->ahead, &wire);
}

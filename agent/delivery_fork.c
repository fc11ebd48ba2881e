// delivery_fork - a stream that is sent under another id, since a collector has its own under ours.
//
// It happens to an agent that goes on from a copy of itself (a machine set back to a snapshot):
// what it makes since then has the numbers of what it had made before. The records are sent as they
// are, only renumbered, behind what makes them readable:
//
//      ours:          KEY k ... base-1 | base ...          (k: the last KEY below base)
//      on the wire:   TABLE 0.. | t ...                    t = tables, shift = t - k
//
// The samples from k to base arrive a second time, equal: a store keeps one of them. What has been
// lost between k and base is a GAP here too: a collector takes no seq behind one that never comes.

#include <assert.h>

#include "agent/delivery_stream.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define GAP_BODY_MAX 32u

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
    s->read_total = s->said_total = DELIVERY_TOTAL_UNKNOWN; // it spoke of another's records
    for (unsigned i = 0; i < DELIVERY_COLLECTORS; i++)
        s->acked_here[i].collector = s->acked_here[i].next = 0;
}

void
delivery_fork_copy(struct delivery_stream *s)
{
    s->fork.copying = true;
    s->fork.begun = false;
    s->fork.given = 0;
    if (!s->fork.laid) {
        s->fork.tables = 0;
        return;
    }
    s->fork.copied = s->fork.tables - s->fork.shift;
    s->fork.copied_total = s->fork.total_shift;
}

void
delivery_fork_lay(struct delivery_stream *s, const struct record *record)
{
    s->fork.shift = s->fork.tables - record->seq;
    s->fork.total_shift = record->total;
    s->fork.laid = true;
    s->fork.copied = record->seq;
    s->fork.copied_total = record->total;
}

// Of the wire's seqs, `from` to `to` inclusive; `total` is theirs too.
static void
s_push_gap(struct delivery_stream *s, uint64_t from, uint64_t to, uint64_t total, uint64_t samples,
           int64_t t0_ms)
{
    const struct gap gap = { .to = to, .samples = samples, .cause = GAP_DAMAGE };
    uint8_t body[GAP_BODY_MAX];
    const struct record hole = { .type = RECORD_GAP,
                                 .stream = s->fork.as,
                                 .seq = from,
                                 .total = total,
                                 .t0_ms = t0_ms,
                                 .body = body };
    struct wbuf w;
    struct record whole = hole;

    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    whole.body_len = (uint32_t) w.len;
    frame_list_push(&s->ahead, &whole);
}

void
delivery_fork_fill(struct delivery_stream *s, const struct record *record)
{
    const uint64_t from = s->fork.copied, total = s->fork.copied_total;

    // It had more TABLEs when it was laid: the spool has lost some since.
    if (!s->fork.begun && s->fork.given < s->fork.tables)
        s_push_gap(s, s->fork.given, s->fork.tables - 1, 0, 0, record->t0_ms);
    s->fork.begun = true;
    if (from < record->seq)
        s_push_gap(s, delivery_wire_seq(s, from), delivery_wire_seq(s, record->seq - 1),
                   total - s->fork.total_shift, record->total > total ? record->total - total : 0,
                   record->t0_ms);
}

void
delivery_fork_take(struct delivery_stream *s, const struct record *record)
{
    struct record wire = *record;

    if (s->tabling) {
        // One was there already; or there are more than when it was laid.
        if (s->fork.begun || (s->fork.laid && s->fork.given == s->fork.tables))
            return;
        wire.stream = s->fork.as;
        wire.seq = s->fork.given++;
        wire.total = 0;
        if (!s->fork.laid)
            s->fork.tables = s->fork.given;
        frame_list_push(&s->ahead, &wire);
        return;
    }
    if (!s->fork.laid)
        delivery_fork_lay(s, record);
    if (record->seq < s->fork.copied) // from before where it was laid
        return;
    delivery_fork_fill(s, record);
    wire = delivery_wire_record(s, record);
    frame_list_push(&s->ahead, &wire);
    s->fork.copied = record->seq + 1;
    s->fork.copied_total = record->total + record->count;
}

// delivery_answer - what the spool says of a stream that delivery has asked for.
//
// Into:   `ahead`, where it is a repeat; `read`, from read_to on and without a hole; `behind`, what
//         is repeated behind a GAP of `read`.
// What the spool leaves out without a word becomes a GAP: the collector would ask for it for ever.

#include "agent/delivery_stream.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define DRY_MS       1000 // before the spool is asked again that had nothing
#define GAP_BODY_MAX 32u

static void s_take_repeat(struct delivery_stream *s, const struct record *record);
static void s_take_behind(struct delivery_stream *s, const struct record *record);
static void s_check(struct delivery_stream *s, const struct record *record);
static void s_take_gap(struct delivery_stream *s, const struct record *record);
static void s_fill(struct delivery_stream *s, const struct record *record);
static void s_keep(struct delivery_stream *s, const struct record *record, uint64_t last);

void
delivery_answer_take(struct delivery_stream *s, const struct record *record, bool repeat)
{
    if (s->stale > 0)
        return;
    s->tabling = record->type == RECORD_TABLE ||
                 (s->tabling && record->type == RECORD_DEF && record->seq == s->table_seq);
    s->table_seq = record->seq;
    if (repeat && s->seeking && !s->got)
        s_take_repeat(s, record);
    else if (repeat)
        s_take_behind(s, record);
    else if (record->type == RECORD_GAP)
        s_take_gap(s, record);
    else if (record->seq >= s->read_to && record->seq < s->head)
        s_fill(s, record);
}

static void
s_take_repeat(struct delivery_stream *s, const struct record *record)
{
    struct record wire;

    if (record->seq > s->place || (record->seq == s->place && !s->tabling))
        return;
    // A TABLE that a segment begins with has the number of the record that it goes ahead of: it
    // does not take that one's place where a fork copies what comes before.
    if (record->seq == s->place && s->fork.copying && s->fork.begun) {
        s_take_behind(s, record);
        return;
    }
    if (s->checking && !s->tabling && record->seq == s->check - 1)
        s_check(s, record);
    if (s->fork.copying) {
        delivery_fork_take(s, record);
        return;
    }
    wire = delivery_wire_record(s, record);
    frame_list_push(&s->ahead, &wire);
}

// It goes ahead of the record that comes next.
static void
s_take_behind(struct delivery_stream *s, const struct record *record)
{
    const struct record wire = delivery_wire_record(s, record);

    frame_list_push(&s->behind, &wire)->last = s->read_to;
}

// Whether the record that the collector has last is the one that we have.
static void
s_check(struct delivery_stream *s, const struct record *record)
{
    struct frame_list one = { 0 };

    s->checking = false;
    s->differs = frame_entry_crc(frame_list_push(&one, record)) != s->check_crc;
    frame_list_release(&one);
}

// One that begins before what is wanted was told in part: the rest has the rest of the samples, or
// its share of them where it is not known what is before.
static void
s_take_gap(struct delivery_stream *s, const struct record *record)
{
    struct record cut = *record;
    uint8_t body[GAP_BODY_MAX];
    struct gap gap;
    struct rbuf r;
    struct wbuf w;

    rbuf_init(&r, record->body, record->body_len);
    if (gap_take(&r, &gap) < 0 || gap.to < s->read_to || gap.to < record->seq || gap.to >= s->head)
        return;
    if (record->seq < s->read_to) {
        const double share = (double) (gap.to - s->read_to + 1) /
                             (double) (gap.to - record->seq + 1);
        const uint64_t end = cut.total + gap.samples, before = delivery_stream_total(s, s->read_to);
        const uint64_t samples = before >= cut.total && before <= end
                                     ? end - before
                                     : (uint64_t) ((double) gap.samples * share);

        cut.seq = s->read_to;
        cut.total += gap.samples - samples;
        gap.samples = samples;
    }
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    cut.body = body;
    cut.body_len = (uint32_t) w.len;
    s_fill(s, &cut);
    frame_list_at(&s->read, s->read.n - 1)->last = gap.to;
    delivery_wire_entry(s, frame_list_at(&s->read, s->read.n - 1));
    s->read_to = gap.to + 1;
    s->read_total = cut.total + gap.samples;
}

static void
s_fill(struct delivery_stream *s, const struct record *record)
{
    if (record->seq > s->read_to) {
        const uint64_t before = delivery_stream_total(s, s->read_to);
        const struct gap gap = { .to = record->seq - 1,
                                 .samples = before <= record->total ? record->total - before : 0,
                                 .cause = GAP_DAMAGE };
        struct record hole = { .type = RECORD_GAP,
                               .stream = s->id,
                               .seq = s->read_to,
                               .total = record->total - gap.samples,
                               .t0_ms = record->t0_ms };
        uint8_t body[GAP_BODY_MAX];
        struct wbuf w;

        wbuf_init(&w, body, sizeof body);
        gap_put(&w, &gap);
        hole.body = body;
        hole.body_len = (uint32_t) w.len;
        s_keep(s, &hole, gap.to);
    }
    s_keep(s, record, record->seq);
}

static void
s_keep(struct delivery_stream *s, const struct record *record, uint64_t last)
{
    struct frame_entry *entry;

    if (s->fork.copying && s->fork.copied != UINT64_MAX) {
        if (!s->fork.laid)
            delivery_fork_lay(s, record); // nothing of it came before
        delivery_fork_fill(s, record);
        s->fork.copied = UINT64_MAX;
    }
    entry = frame_list_push(&s->read, record);
    entry->last = last;
    if (s->fork.is)
        delivery_wire_entry(s, entry); // the frame has the wire's numbers, the list ours
    s->read_to = last + 1;
    s->read_total = record->total + record->count;
    s->got = true;
}

void
delivery_answer_end(struct delivery_stream *s, const struct delivery_common *c)
{
    if (s->asked == 0)
        return;
    s->asked--;
    if (s->stale > 0) {
        s->stale--;
        return;
    }
    // A question for what must be repeated may have nothing else for an answer.
    s->dry_ms = s->got || s->seeking ? 0 : c->now_ms + DRY_MS;
    s->seeking = false;
    s->checking = false; // the record is not there any more: nothing speaks against it
}

// delivery_world - what delivery is tested in: a writer, a spool, and what the agent says, each
// written naively from the rules. The other side is delivery_peers.h. All is in `w`, all chance is
// from its seed. A claim that fails names seed and step.

#ifndef TESTS_UNIT_AGENT_DELIVERY_WORLD_H
#define TESTS_UNIT_AGENT_DELIVERY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/delivery.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"
#include "tests/support/seeded.h"
#include "tests/unit/agent/delivery_things.h"

static struct world {
    uint64_t seed, first_seed, step;
    bool faults;
    bool gentle; // of them only losses of the spool, and connections that leave nothing behind
    int64_t now_ms;
    delivery_t *agent;
    struct made made[RECORDS];
    uint64_t n_made;
    struct stream streams[STREAMS];
    size_t n_streams;
    bool key_due;
    struct question asked[QUEUE];
    size_t n_asked;
    struct collector collectors[COLLECTORS];
    unsigned connected; // to whom; NOBODY
    struct flying flying[QUEUE];
    size_t n_flying;
    struct control_msg said[QUEUE / 16]; // to the agent
    size_t n_said;
    uint64_t ids;
    uint64_t unreadable, stale_seen;
    size_t flight; // of backlog, naively
    uint64_t forks, closes, losses, kills;
} w;

static void
failed(const char *claim)
{
    fail_msg("seed %" PRIu64 " step %" PRIu64 ": %s", w.first_seed, w.step, claim);
}

static void
claim(bool is, const char *what)
{
    if (!is)
        failed(what);
}

static bool
dice(uint32_t n)
{
    return seeded_below(&w.seed, n) == 0;
}

static struct stream *
stream_of(uint64_t id)
{
    for (size_t i = 0; i < w.n_streams; i++)
        if (w.streams[i].id == id)
            return &w.streams[i];
    return NULL;
}

static struct stream *
live(void)
{
    return &w.streams[w.n_streams - 1];
}

// Samples of the stream before the record.
static uint64_t
total_below(const struct stream *s, uint64_t seq)
{
    return seq < s->n ? w.made[s->uids[seq]].record.total : s->total;
}

// ---- the writer and the spool

static void
write_record(uint8_t type, uint32_t count)
{
    struct stream *s = live();
    struct made *m = &w.made[w.n_made];
    uint8_t body[4096] = { 0 };
    uint32_t slots = s->slots;

    claim(w.n_made < RECORDS && s->n < RECORDS / 4, "room for records");
    if (type == RECORD_DEF)
        s->slots++;
    if (type == RECORD_KEY || type == RECORD_DELTA)
        s->rows++;
    *m = (struct made){ .content = { .uid = w.n_made, .row = s->rows, .slots = s->slots } };
    m->record = (struct record){ .type = type,
                                 .count = count,
                                 .stream = s->id,
                                 .seq = s->n,
                                 .total = s->total,
                                 .body_len = (uint32_t) sizeof m->content +
                                             seeded_below(&w.seed, dice(10) ? 4000 : 200) };
    memcpy(body, &m->content, sizeof m->content);
    s->uids[s->n++] = w.n_made++;
    s->total += count;
    s->ended = type == RECORD_END;
    m->record.body = body;
    if (!delivery_produced(w.agent, &m->record, slots, w.now_ms))
        w.key_due = true;
    m->record.body = NULL;
}

static void
open_stream(void)
{
    struct stream *s = &w.streams[w.n_streams++];

    claim(w.n_streams < STREAMS, "room for streams");
    *s = (struct stream){ .id = ++w.ids };
    delivery_open(w.agent, s->id);
    w.key_due = true;
    write_record(RECORD_IDENT, 0);
}

static void
tick(void)
{
    if (w.n_made + 64 > RECORDS || live()->n + 64 > RECORDS / 4)
        return;
    if (live()->slots == 0 || dice(20))
        write_record(RECORD_DEF, 0);
    write_record(w.key_due || live()->rows == 0 || dice(16) ? RECORD_KEY : RECORD_DELTA,
                 seeded_below(&w.seed, 6));
    w.key_due = false;
}

static struct record
with_body(const struct made *m, uint8_t *body)
{
    struct record record = m->record;

    memset(body, 0, 4096);
    memcpy(body, &m->content, sizeof m->content);
    record.body = body;
    return record;
}

static void
give(const struct stream *s, uint64_t seq, bool repeat)
{
    uint8_t body[4096];
    const struct record record = with_body(&w.made[s->uids[seq]], body);

    delivery_read(w.agent, s->id, &record, repeat);
}

// The GAP of the lost record `seq`: what was handed out once stays as it is, but for what is
// acknowledged of it. The seq behind it.
static uint64_t
give_gap(const struct stream *s, uint64_t seq)
{
    const struct made *first = &w.made[s->uids[seq]];
    const bool told = first->told;
    uint64_t from = told ? first->gap_from : seq, to = seq;
    struct gap gap = { .cause = GAP_SPOOL_BYTES };
    struct record record = { .type = RECORD_GAP, .stream = s->id };
    uint8_t body[64];
    struct wbuf out;

    while (!told && to + 1 < s->written && w.made[s->uids[to + 1]].lost &&
           !w.made[s->uids[to + 1]].told)
        to++;
    to = told ? first->gap_to : to;
    from = from > s->base ? from : s->base;
    for (uint64_t i = from; i <= to; i++) {
        struct made *m = &w.made[s->uids[i]];

        m->gap_from = told ? m->gap_from : from;
        m->gap_to = to;
        m->told = true;
        gap.samples += m->record.count;
    }
    gap.to = to;
    wbuf_init(&out, body, sizeof body);
    gap_put(&out, &gap);
    record.seq = from;
    record.total = w.made[s->uids[from]].record.total;
    record.body = body;
    record.body_len = (uint32_t) out.len;
    delivery_read(w.agent, s->id, &record, false);
    return to + 1;
}

// A TABLE as it stands ahead of the record.
static void
give_table(const struct stream *s, uint64_t seq)
{
    struct content content = w.made[s->uids[seq]].content;
    struct record table = w.made[s->uids[seq]].record;

    content.slots -= table.type == RECORD_DEF ? 1 : 0;
    table.type = RECORD_TABLE;
    table.count = 0;
    table.body = (const uint8_t *) &content;
    table.body_len = sizeof content;
    delivery_read(w.agent, s->id, &table, true);
}

// Behind what is lost a segment begins, which has a TABLE of its own.
static void
answer_repeat(const struct stream *s, uint64_t from)
{
    uint64_t key = from;
    bool lost = false;

    while (key > 0) {
        const struct made *m = &w.made[s->uids[--key]];

        lost = lost || m->lost;
        if (m->record.type == RECORD_KEY && !m->lost)
            break;
    }
    if (w.made[s->uids[key]].record.type == RECORD_KEY && !w.made[s->uids[key]].lost)
        give_table(s, key);
    for (; key < from && key < s->written; key++)
        if (!w.made[s->uids[key]].lost)
            give(s, key, true);
    if (lost && from < s->written && !w.made[s->uids[from]].lost)
        give_table(s, from);
}

static void
answer(void)
{
    const struct question q = w.asked[0];
    const struct stream *s = stream_of(q.stream);
    uint64_t seq = q.from;
    size_t bytes = 0;

    memmove(w.asked, w.asked + 1, --w.n_asked * sizeof w.asked[0]);
    if (s != NULL && q.repeat && q.from > 0)
        answer_repeat(s, q.from);
    while (s != NULL && seq < s->written && bytes < q.bytes && !dice(50)) {
        bytes += w.made[s->uids[seq]].record.body_len;
        if (w.made[s->uids[seq]].lost) {
            seq = give_gap(s, seq);
        } else {
            if (seq > 0 && w.made[s->uids[seq - 1]].lost && (seq > q.from || !q.repeat))
                give_table(s, seq);
            give(s, seq, false);
            seq++;
        }
    }
    delivery_read_end(w.agent, q.stream, false, w.now_ms);
}

static void
spool_writes(void)
{
    for (size_t i = 0; i < w.n_streams; i++) {
        struct stream *s = &w.streams[i];

        if (s->written == s->n)
            continue;
        s->written += 1 + seeded_below(&w.seed, (uint32_t) (s->n - s->written));
        delivery_written(w.agent, s->id, s->written);
    }
}

// The oldest records that are not acknowledged go, of some stream.
static void
spool_loses(void)
{
    struct stream *s = &w.streams[seeded_below(&w.seed, (uint32_t) w.n_streams)];
    uint64_t from = s->base, to;

    while (from < s->written && w.made[s->uids[from]].lost)
        from++;
    if (from >= s->written || s == live() || (w.gentle && s->written < s->n))
        return;
    to = from + seeded_below(&w.seed, (uint32_t) (s->written - from));
    if (w.made[s->uids[to]].record.type == RECORD_END && to-- == from)
        return;
    for (uint64_t seq = from; seq <= to; seq++)
        w.made[s->uids[seq]].lost = true;
    w.losses++;
}

// ---- what the agent says

static bool
agent_sends(void *arg, const void *frame, size_t n)
{
    struct frame_prefix prefix;
    struct record record;
    const struct stream *s;
    struct content content = { 0 };

    (void) arg;
    if (w.n_flying == QUEUE || (w.faults && dice(20)))
        return false;
    claim(w.connected != NOBODY, "nothing is sent to nobody");
    claim(frame_take(&prefix, &record, frame, n) == 0, "a frame is whole");
    s = stream_of(record.stream);
    claim(s == NULL || ((prefix.flags & FRAME_BACKLOG) != 0) == (s != live()),
          "what is not of the live stream is backlog");
    if (s != NULL)
        claim(prefix.base == s->base, "base is what is acknowledged");
    if ((prefix.flags & FRAME_REPEAT) == 0) {
        const struct collector *c = &w.collectors[w.connected];
        bool known = false;

        for (size_t i = 0; i < c->n_lanes; i++)
            if (c->lanes[i].stream == record.stream && c->lanes[i].known) {
                known = true;
                claim(record.seq < c->lanes[i].heard, "credit is kept");
            }
        claim(known, "a stream is named before it is sent");
    }
    if (record.type != RECORD_GAP && record.type != RECORD_TABLE) {
        memcpy(&content, record.body, sizeof content);
        w.made[content.uid].sent = true;
    }
    w.flying[w.n_flying++] =
        (struct flying){ .frame = xmemdup(frame, n), .len = n, .to = w.connected };
    return true;
}

static void
agent_wants(void *arg, uint64_t stream, uint64_t from, uint64_t total, size_t bytes, bool repeat)
{
    const struct stream *s = stream_of(stream);

    (void) arg;
    claim(total == DELIVERY_TOTAL_UNKNOWN || s == NULL || total == total_below(s, from),
          "the total before what is wanted is right or unknown");
    claim(w.n_asked < 100, "the spool is not asked in a circle");
    w.asked[w.n_asked++] =
        (struct question){ .stream = stream, .from = from, .bytes = bytes / 64, .repeat = repeat };
}

// An END may stand where a collector has a record that was sent before it was written, by an agent
// that was killed then: if that record becomes durable only after WELCOME, nobody can tell them
// apart. No sample is lost by that; the collector does not learn of the end.
static bool
is_kept(const struct made *m)
{
    return m->ever || m->told || m->record.type == RECORD_END;
}

// The oracle: what is let go of is durable somewhere, or was told as lost. What was lost and not
// told had been sent before, and is acknowledged.
static void
agent_acked(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    struct stream *s = stream_of(stream);

    (void) arg;
    (void) collector;
    claim(s != NULL && next <= s->n && next > s->base, "what is acknowledged was made");
    claim(total == DELIVERY_TOTAL_UNKNOWN || total == total_below(s, next),
          "a total is right or unknown");
    for (; s->base < next; s->base++) {
        struct made *m = &w.made[s->uids[s->base]];

        claim(is_kept(m), "what is acknowledged is stored, or known lost");
        m->acked = true;
        if (m->lost && !m->told)
            m->lost = false;
    }
    s->written = s->written > next ? s->written : next;
}

static void
agent_table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    const struct content content = { .slots = slots };
    struct record table = *ahead_of;

    (void) arg;
    table.type = RECORD_TABLE;
    table.count = 0;
    table.body = (const uint8_t *) &content;
    table.body_len = sizeof content;
    delivery_table(w.agent, &table);
}

static void
agent_key(void *arg)
{
    (void) arg;
    w.key_due = true;
}

static void
agent_closes(void *arg)
{
    (void) arg;
    w.closes++;
    write_record(RECORD_END, 0);
    open_stream();
}

static uint64_t
agent_forks(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    w.forks++;
    return COPIED | ++w.ids;
}

static const struct delivery_handler handler = {
    .send = agent_sends,
    .want = agent_wants,
    .acked = agent_acked,
    .table = agent_table,
    .key = agent_key,
    .close_live = agent_closes,
    .forked = agent_forks,
};

#endif

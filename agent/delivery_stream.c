// delivery_stream - see the header.

#include "agent/delivery_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

// A run of records from KEY to KEY takes at most this part of the memory, so that keeping the run
// that is being sent leaves room for what waits.
#define RUN_SHARE        4
#define READ_MOST        DELIVERY_FLIGHT // bytes asked for at once

#define PATIENCE_MS      5000 // without an ACK, at first; doubles
#define PATIENCE_MOST_MS 60000

enum source {
    SOURCE_NONE,
    SOURCE_AHEAD,
    SOURCE_REPEAT,
    SOURCE_BEHIND,
    SOURCE_WINDOW,
    SOURCE_READ,
    SOURCE_ASK, // the spool, for what is at place
};

static bool s_window_takes(struct delivery_stream *s, const struct delivery_common *c,
                           const struct record *record);
static void s_trim_window(struct delivery_stream *s);
static bool s_repeat_window(struct delivery_stream *s, struct delivery_common *c);
static void s_ask(struct delivery_stream *s, struct delivery_common *c, uint64_t from, bool repeat);
static enum source s_source(const struct delivery_stream *s, const struct delivery_common *c);

struct delivery_stream *
delivery_stream_new(uint64_t id)
{
    struct delivery_stream *s = xcalloc(1, sizeof *s);

    assert(id != 0);
    s->id = id;
    s->read_total = s->said_total = DELIVERY_TOTAL_UNKNOWN;
    return s;
}

void
delivery_stream_destroy(struct delivery_stream **self_p)
{
    struct delivery_stream *s = *self_p;

    if (s == NULL)
        return;
    frame_list_release(&s->window);
    frame_list_release(&s->read);
    frame_list_release(&s->ahead);
    frame_list_release(&s->behind);
    free(s);
    *self_p = NULL;
}

// ---- what is made

bool
delivery_stream_push(struct delivery_stream *s, struct delivery_common *c,
                     const struct record *record, uint32_t slots)
{
    struct frame_entry *entry;

    assert(record->stream == s->id && record->seq == s->head && record->total == s->head_total);
    s->head++;
    s->head_total += record->count;
    if (!s_window_takes(s, c, record))
        return true; // it will be read from the spool, which has KEYs as it needs them
    entry = frame_list_push(&s->window, record);
    entry->slots = slots;
    entry->made_ms = c->now_ms;
    s->run = (record->type == RECORD_KEY ? 0 : s->run) + frame_list_cost(record->body_len);
    return s->run <= c->opt.memory / RUN_SHARE;
}

// The window has no holes: with one, what is behind it would wait for what is not there.
static bool
s_window_takes(struct delivery_stream *s, const struct delivery_common *c,
               const struct record *record)
{
    const size_t cost = frame_list_cost(record->body_len);
    const size_t acked = frame_list_from(&s->window, s->base);

    if (s->window.n > 0 &&
        frame_list_at(&s->window, s->window.n - 1)->record.seq + 1 != record->seq)
        return false;
    if (s->window.n - acked >= DELIVERY_WINDOW)
        return false;
    // What is kept for repeats alone can be read again.
    if (s->window.bytes + cost > c->opt.memory && s->repeat == s->place)
        frame_list_drop(&s->window, acked);
    return s->window.bytes + cost <= c->opt.memory;
}

void
delivery_stream_to_backlog(struct delivery_stream *s)
{
    size_t n = frame_list_from(&s->window, s->written); // the spool has what is before

    s->live = false;
    s->repeat = s->place;
    if (s->read.n == 0) { // the window knows it, and goes
        s->read_total = delivery_stream_total(s, s->place);
        s->read_to = s->place;
    }
    frame_list_drop(&s->window, n);
}

void
delivery_stream_ack(struct delivery_stream *s, struct delivery_common *c, uint64_t next)
{
    size_t n = 0;

    s->base = next;
    while (n < s->read.n && frame_list_at(&s->read, n)->last < next) {
        if (frame_list_at(&s->read, n)->sent)
            s->flight -= frame_list_at(&s->read, n)->len;
        n++;
    }
    frame_list_drop(&s->read, n);
    s->progress_ms = c->now_ms;
    s->patience_ms = 0;
    if (s->place < s->base && !s->checking)
        delivery_stream_rewind(s, c, s->base); // the collector had more than we knew of
    s_trim_window(s);
}

// Keeps what a repeat from base on needs.
static void
s_trim_window(struct delivery_stream *s)
{
    const uint64_t until = s->repeat < s->base ? s->repeat : s->base;
    size_t n = frame_list_from(&s->window, until);

    if (n == s->window.n && n > 0 && s->live)
        n--; // all is acknowledged: back from the last one
    while (s->live && n > 0 && frame_list_at(&s->window, n)->record.type != RECORD_KEY)
        n--;
    frame_list_drop(&s->window, n);
}

uint64_t
delivery_stream_total(const struct delivery_stream *s, uint64_t seq)
{
    const struct frame_list *const lists[] = { &s->window, &s->read };

    if (seq == s->head || seq == 0)
        return seq == 0 ? 0 : s->head_total;
    for (unsigned i = 0; i < 2; i++) {
        const struct frame_entry *at = frame_list_find(lists[i], seq);
        const struct frame_entry *before = frame_list_find(lists[i], seq - 1);

        if (at != NULL && at->record.type != RECORD_GAP) // the spool knows better about gaps
            return at->record.total;
        if (before != NULL && before->record.type != RECORD_GAP)
            return before->record.total + before->record.count;
    }
    if (seq == s->read_to && s->read_total != DELIVERY_TOTAL_UNKNOWN)
        return s->read_total;
    return seq == s->said ? s->said_total : DELIVERY_TOTAL_UNKNOWN;
}

void
delivery_stream_said(struct delivery_stream *s, uint64_t next, uint64_t total)
{
    const uint64_t own = total + s->fork.total_shift;

    s->said = delivery_own_seq(s, next);
    // Below base it is taken for base.
    s->said_total = total > 0 && own <= s->head_total && delivery_wire_seq(s, s->said) == next &&
                            (!s->fork.is || s->fork.laid)
                        ? own
                        : DELIVERY_TOTAL_UNKNOWN;
}

void
delivery_stream_acked_here(struct delivery_stream *s, uint64_t collector, uint64_t next)
{
    unsigned at = 0;

    while (at < DELIVERY_COLLECTORS - 1 && s->acked_here[at].collector != collector)
        at++;
    memmove(&s->acked_here[1], &s->acked_here[0], at * sizeof s->acked_here[0]);
    s->acked_here[0].collector = collector;
    s->acked_here[0].next = next;
}

uint64_t
delivery_stream_acked_by(const struct delivery_stream *s, uint64_t collector)
{
    for (unsigned i = 0; i < DELIVERY_COLLECTORS; i++)
        if (s->acked_here[i].collector == collector && collector != 0)
            return s->acked_here[i].next;
    return 0;
}

// ---- where it is sent from

void
delivery_stream_forget(struct delivery_stream *s)
{
    s->known = false;
    s->seeking = false;
    s->checking = false;
    s->stale = s->asked;
    s->flight = 0;
    s->dry_ms = 0;
    frame_list_clear(&s->read);
    frame_list_clear(&s->ahead);
    frame_list_clear(&s->behind);
    s->repeat = s->place;
}

void
delivery_stream_rewind(struct delivery_stream *s, struct delivery_common *c, uint64_t place)
{
    const bool known = s->known, checking = s->checking;

    assert(place >= s->base && place <= s->head);
    s->read_total = delivery_stream_total(s, place); // while it is there to be looked up
    delivery_stream_forget(s);
    s->known = known;
    s->checking = checking;
    s->place = s->repeat = s->read_to = place;
    s->progress_ms = c->now_ms;
    s->fork.copying = false;
    c->stat.rewinds++;
    if (s->fork.is && (!s->fork.laid || s->fork.acked < delivery_wire_seq(s, s->base))) {
        // From its beginning: what comes before base is no repeat, the collector never had it.
        s->read_total = s->base == place ? s->read_total : DELIVERY_TOTAL_UNKNOWN;
        s->place = s->repeat = s->read_to = s->base;
        delivery_fork_copy(s);
        s->seeking = true;
    } else if (place > 0 && (checking || !s_repeat_window(s, c))) {
        s->seeking = true;
    }
    if (s->seeking)
        s_ask(s, c, s->place, true);
}

// Where memory has what must be repeated. A TABLE goes ahead of the KEY, or of place itself where
// the stream has no KEY before it.
static bool
s_repeat_window(struct delivery_stream *s, struct delivery_common *c)
{
    const size_t end = frame_list_from(&s->window, s->place);
    size_t at = end;

    if (!s->live || s->window.n == 0 || frame_list_at(&s->window, 0)->record.seq > s->place ||
        frame_list_at(&s->window, s->window.n - 1)->record.seq + 1 < s->place)
        return false;
    while (at > 0 && frame_list_at(&s->window, at - 1)->record.type != RECORD_KEY)
        at--;
    if (at > 0)
        at--;
    else if (frame_list_at(&s->window, 0)->record.seq > 0 &&
             (end == s->window.n || frame_list_at(&s->window, end)->record.type != RECORD_KEY))
        return false;
    else
        at = end;
    if (at < end)
        s->repeat = frame_list_at(&s->window, at)->record.seq;
    if (at < s->window.n && frame_list_at(&s->window, at)->slots > 0)
        c->is.table(c->is.arg, &frame_list_at(&s->window, at)->record,
                    frame_list_at(&s->window, at)->slots);
    return true;
}

static void
s_ask(struct delivery_stream *s, struct delivery_common *c, uint64_t from, bool repeat)
{
    s->read_total = delivery_stream_total(s, from);
    s->read_to = from;
    s->got = false;
    s->asked++;
    c->is.want(c->is.arg, s->id, from, s->read_total, READ_MOST, repeat);
}

// ---- what is sent next

static enum source
s_source(const struct delivery_stream *s, const struct delivery_common *c)
{
    const struct frame_entry *entry;

    if (!s->known || s->checking)
        return SOURCE_NONE;
    if (s->ahead.n > 0)
        return s->fork.copying && frame_list_at(&s->ahead, 0)->record.seq >= s->limit
                   ? SOURCE_NONE
                   : SOURCE_AHEAD;
    if (s->repeat < s->place)
        return SOURCE_REPEAT;
    if (s->seeking || s->place >= s->head || delivery_wire_seq(s, s->place) >= s->limit)
        return SOURCE_NONE;
    if (s->behind.n > 0 && frame_list_at(&s->behind, 0)->last == s->place)
        return SOURCE_BEHIND;
    // Of a closed stream what is written is read again: the spool knows what goes behind a GAP.
    entry = frame_list_find(&s->window, s->place);
    if (entry != NULL && (s->live || s->place >= s->written))
        return !s->live || s->place < s->written ||
                       c->now_ms - entry->made_ms >= DELIVERY_UNSPOOLED_MS
                   ? SOURCE_WINDOW
                   : SOURCE_NONE;
    if (frame_list_find(&s->read, s->place) != NULL)
        return SOURCE_READ;
    // What is asked or not yet written is awaited.
    return s->asked > s->stale || s->read_to >= s->written || c->now_ms < s->dry_ms ? SOURCE_NONE
                                                                                    : SOURCE_ASK;
}

const uint8_t *
delivery_stream_next(struct delivery_stream *s, struct delivery_common *c, size_t *len_ret)
{
    struct frame_prefix prefix = { .flags = s->live ? 0 : FRAME_BACKLOG,
                                   .base = delivery_wire_base(s) };
    struct frame_entry *entry = NULL;

    switch (s_source(s, c)) {
    case SOURCE_NONE:
        return NULL;
    case SOURCE_ASK:
        s_ask(s, c, s->read_to > s->place ? s->read_to : s->place, false);
        return NULL;
    case SOURCE_AHEAD:
        entry = frame_list_at(&s->ahead, 0);
        prefix.flags |= s->fork.copying ? 0 : FRAME_REPEAT;
        break;
    case SOURCE_REPEAT:
        entry = frame_list_find(&s->window, s->repeat);
        prefix.flags |= FRAME_REPEAT;
        break;
    case SOURCE_BEHIND:
        entry = frame_list_at(&s->behind, 0);
        prefix.flags |= FRAME_REPEAT;
        break;
    case SOURCE_WINDOW:
        entry = frame_list_find(&s->window, s->place);
        if (s->fork.is) // only memory had it when its stream forked
            delivery_wire_entry(s, entry);
        break;
    case SOURCE_READ:
        entry = frame_list_find(&s->read, s->place);
        break;
    }
    assert(entry != NULL);
    frame_put_prefix(entry->frame, &prefix);
    *len_ret = entry->len;
    return entry->frame;
}

void
delivery_stream_sent(struct delivery_stream *s, struct delivery_common *c)
{
    const enum source source = s_source(s, c);
    struct frame_entry *entry;

    if (!delivery_stream_flying(s))
        s->progress_ms = c->now_ms;
    switch (source) {
    case SOURCE_AHEAD:
        frame_list_drop(&s->ahead, 1);
        return;
    case SOURCE_BEHIND:
        frame_list_drop(&s->behind, 1);
        return;
    case SOURCE_REPEAT:
        s->repeat++;
        return;
    case SOURCE_WINDOW:
        c->stat.unspooled += s->place >= s->written;
        s->place++;
        break;
    case SOURCE_READ:
        entry = frame_list_find(&s->read, s->place);
        entry->sent = true;
        s->flight += entry->len;
        s->place = entry->last + 1;
        break;
    case SOURCE_NONE:
    case SOURCE_ASK:
        assert(false);
    }
    s->repeat = s->place;
}

bool
delivery_stream_has(const struct delivery_stream *s, const struct delivery_common *c)
{
    return s_source(s, c) != SOURCE_NONE;
}

bool
delivery_stream_flying(const struct delivery_stream *s)
{
    if (s->fork.is)
        return s->known && s->fork.laid && delivery_wire_seq(s, s->place) > s->fork.acked;
    return s->known && s->place > s->base;
}

bool
delivery_stream_impatient(struct delivery_stream *s, struct delivery_common *c)
{
    const int64_t patience = s->patience_ms > 0 ? s->patience_ms : PATIENCE_MS;

    if (!delivery_stream_flying(s) || s->seeking || c->now_ms - s->progress_ms < patience)
        return false;
    s->patience_ms = patience * 2 < PATIENCE_MOST_MS ? patience * 2 : PATIENCE_MOST_MS;
    c->stat.timeouts++;
    return true;
}

bool
delivery_stream_in_memory(const struct delivery_stream *s)
{
    const size_t at = frame_list_from(&s->window, s->place);

    if (s->place >= s->head)
        return true;
    return at < s->window.n && frame_list_at(&s->window, at)->record.seq == s->place &&
           frame_list_at(&s->window, s->window.n - 1)->record.seq + 1 == s->head;
}

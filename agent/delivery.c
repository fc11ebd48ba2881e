// delivery - see the header.
//
// `known` is whether the collector that is connected has welcomed a stream: before that nothing of
// it is sent. What changes the list (a stream that is over, a live one that is closed) is done at
// the end of an input, never while the list is walked.

#include "agent/delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/delivery_list.h"
#include "agent/delivery_rate.h"
#include "agent/delivery_stream.h"
#include "agent/delivery_sums.h"
#include "shared/base/xalloc.h"

struct delivery {
    struct delivery_common c;
    struct delivery_list list;
    bool welcomed;             // there is a collector
    bool close_live;           // to be done at the end of this input
    struct delivery_rate rate; // of the backlog
    struct delivery_sums sums;
};

static void s_resume(delivery_t *self, struct delivery_stream *s, const struct welcome_stream *w);
static void s_fork(delivery_t *self, struct delivery_stream *s);
static void s_advance(delivery_t *self, struct delivery_stream *s, uint64_t wire);
static void s_settle(delivery_t *self);
static bool s_send(delivery_t *self, struct delivery_stream *s, unsigned *budget, bool *took);

delivery_t *
delivery_new(const struct delivery_options *opt, const struct delivery_handler *handler,
             const struct delivery_sums *sums)
{
    delivery_t *self = xcalloc(1, sizeof *self);

    self->c.opt = *opt;
    self->c.is = *handler;
    self->sums = *sums;
    delivery_rate_init(&self->rate, opt->backlog_rate);
    return self;
}

void
delivery_destroy(delivery_t **self_p)
{
    delivery_t *self = *self_p;

    if (self == NULL)
        return;
    delivery_list_release(&self->list);
    free(self);
    *self_p = NULL;
}

void
delivery_found(delivery_t *self, const struct delivery_found *found)
{
    struct delivery_stream *s = delivery_stream_new(found->stream);

    assert(!self->list.live && found->base <= found->head);
    s->base = s->place = s->repeat = s->read_to = found->base;
    s->head = s->written = found->head;
    s->head_total = found->head_total;
    for (unsigned i = DELIVERY_COLLECTORS; i > 0; i--)
        if (found->acked_here[i - 1].collector != 0)
            delivery_stream_acked_here(s, found->acked_here[i - 1].collector,
                                       found->acked_here[i - 1].next);
    if (found->acked_here[0].collector != 0)
        self->c.collector = found->acked_here[0].collector;
    delivery_list_add(&self->list, s);
}

void
delivery_open(delivery_t *self, uint64_t stream)
{
    struct delivery_stream *s = delivery_stream_new(stream);

    if (self->list.live) {
        struct delivery_stream *old = delivery_list_live(&self->list);

        delivery_stream_to_backlog(old);
        if (old->known && !old->checking) // what is to be repeated is not in memory now
            delivery_stream_rewind(old, &self->c, old->place);
    }
    s->live = true;
    s->counted = true;
    delivery_list_add(&self->list, s);
    self->list.live = true;
}

bool
delivery_produced(delivery_t *self, const struct record *record, uint32_t slots, int64_t now_ms)
{
    assert(self->list.live);
    self->c.now_ms = now_ms;
    return delivery_stream_push(delivery_list_live(&self->list), &self->c, record, slots);
}

void
delivery_table(delivery_t *self, const struct record *record)
{
    frame_list_push(&delivery_list_live(&self->list)->ahead, record);
}

// ---- the spool

void
delivery_written(delivery_t *self, uint64_t stream, uint64_t next)
{
    struct delivery_stream *s = delivery_list_find(&self->list, stream);

    if (s != NULL && next > s->written)
        s->written = next < s->head ? next : s->head;
}

void
delivery_read(delivery_t *self, uint64_t stream, const struct record *record, bool repeat)
{
    struct delivery_stream *s = delivery_list_find(&self->list, stream);
    bool checked;

    if (s == NULL)
        return;
    checked = s->checking;
    delivery_answer_take(s, record, repeat);
    if (checked && s->differs)
        s_fork(self, s);
    else if (checked && !s->checking)
        s_advance(self, s, s->check);
    s_settle(self);
}

void
delivery_read_end(delivery_t *self, uint64_t stream, bool gone, int64_t now_ms)
{
    struct delivery_stream *s = delivery_list_find(&self->list, stream);
    bool checked;

    if (s == NULL)
        return;
    self->c.now_ms = now_ms;
    checked = s->checking;
    delivery_answer_end(s, &self->c);
    s->gone = gone && !s->live && s->window.n == 0;
    if (checked && !s->checking)
        s_advance(self, s, s->check);
    s_settle(self);
}

// ---- the collector

uint32_t
delivery_hello(const delivery_t *self, struct hello_stream ret[CONTROL_STREAMS_MAX],
               uint64_t *collector_ret)
{
    uint32_t n = 0;

    for (size_t i = 0; i < self->list.n; i++) {
        const struct delivery_stream *s = self->list.at[i];

        if (!delivery_list_named(&self->list, i))
            continue;
        ret[n++] = (struct hello_stream){
            .stream = delivery_wire_id(s),
            .base = delivery_wire_base(s),
            .head = delivery_wire_head(s),
            .acked_here = delivery_stream_acked_by(s, self->c.collector),
        };
    }
    *collector_ret = self->c.collector;
    return n;
}

bool
delivery_hello_due(const delivery_t *self)
{
    for (size_t i = 0; i < self->list.n; i++)
        if (delivery_list_named(&self->list, i) && !self->list.at[i]->known)
            return self->welcomed;
    return false;
}

void
delivery_gone(delivery_t *self)
{
    self->welcomed = false;
    for (size_t i = 0; i < self->list.n; i++)
        delivery_stream_forget(self->list.at[i]);
}

void
delivery_welcome(delivery_t *self, const struct welcome *welcome, int64_t now_ms)
{
    struct delivery_stream *live = delivery_list_live(&self->list);

    self->c.now_ms = now_ms;
    self->c.collector = welcome->collector;
    self->welcomed = true;
    // One that is known was resumed before: HELLO goes again for those that are not.
    for (uint32_t i = 0; i < welcome->n_streams; i++) {
        struct delivery_stream *s = delivery_list_find_wire(&self->list,
                                                            welcome->streams[i].stream);

        if (s != NULL && !s->known)
            s_resume(self, s, &welcome->streams[i]);
    }
    if (live != NULL && live->known && delivery_list_backlog(&self->list) < DELIVERY_BACKLOG_MOST &&
        (live->head - live->place > DELIVERY_WINDOW || !delivery_stream_in_memory(live)))
        self->close_live = true;
    s_settle(self);
}

static void
s_resume(delivery_t *self, struct delivery_stream *s, const struct welcome_stream *w)
{
    const struct frame_entry *last;

    s->known = true;
    s->limit = w->limit;
    s->patience_ms = 0;
    if (w->next > delivery_wire_head(s)) {
        if (s->fork.is)
            self->c.stat.nonsense++;
        s_fork(self, s);
        return;
    }
    delivery_stream_said(s, w->next, w->total);
    delivery_sums_lost(&self->sums, s, self->c.collector, w->next);
    if (w->next <= delivery_wire_base(s) || s->fork.is || w->crc == 0) {
        s->place = s->repeat = delivery_own_seq(s, w->next);
        if (w->next > delivery_wire_base(s))
            s_advance(self, s, w->next);
        delivery_stream_rewind(s, &self->c, delivery_own_seq(s, w->next));
        return;
    }
    last = frame_list_find(&s->window, w->next - 1);
    if (last != NULL && frame_entry_crc(last) != w->crc) {
        s_fork(self, s);
        return;
    }
    s->differs = false;
    s->place = s->repeat = w->next;
    s->checking = last == NULL;
    s->check = w->next;
    s->check_crc = w->crc;
    if (last != NULL)
        s_advance(self, s, w->next);
    delivery_stream_rewind(s, &self->c, w->next);
}

static void
s_fork(delivery_t *self, struct delivery_stream *s)
{
    self->c.stat.forks++;
    delivery_stream_forget(s);
    delivery_fork_begin(s, self->c.is.forked(self->c.is.arg, s->id));
    if (s->live)
        self->close_live = true;
}

// All below `wire` is acknowledged; it is above what was so.
static void
s_advance(delivery_t *self, struct delivery_stream *s, uint64_t wire)
{
    const uint64_t next = delivery_own_seq(s, wire);
    uint64_t total;

    s->fork.acked = wire;
    delivery_stream_acked_here(s, self->c.collector, wire);
    if (next <= s->base)
        return;
    total = delivery_stream_total(s, next);
    // The spool is told first: what is asked next is answered as it stands then.
    self->c.is.acked(self->c.is.arg, s->id, next, total, self->c.collector);
    delivery_stream_ack(s, &self->c, next);
}

void
delivery_ack(delivery_t *self, const struct ack *ack, int64_t now_ms)
{
    struct delivery_stream *s = delivery_list_find_wire(&self->list, ack->stream);

    self->c.now_ms = now_ms;
    // Of a stream that is over, or of which WELCOME has yet to speak: it will come again.
    if (s == NULL || !s->known)
        return;
    if (ack->next > delivery_wire_head(s)) {
        self->c.stat.nonsense++;
        return;
    }
    s->limit = ack->limit > s->limit ? ack->limit : s->limit;
    if (s->checking) // so will this; but what may be sent then is told now
        return;
    delivery_stream_said(s, ack->next, ack->total);
    delivery_sums_count(&self->sums, s, ack);
    if (ack->next > delivery_wire_base(s))
        s_advance(self, s, ack->next);
    s_settle(self);
}

void
delivery_nak(delivery_t *self, const struct nak *nak, int64_t now_ms)
{
    struct delivery_stream *s = delivery_list_find_wire(&self->list, nak->stream);
    uint64_t next;

    self->c.now_ms = now_ms;
    if (s == NULL || !s->known)
        return;
    if (nak->next > delivery_wire_head(s)) {
        self->c.stat.nonsense++;
        return;
    }
    if (nak->reason == NAK_STORAGE && nak->next < s->limit)
        s->limit = nak->next;
    if (s->checking) // nothing of it is sent yet
        return;
    next = delivery_own_seq(s, nak->next);
    switch (nak->reason) {
    case NAK_KEY:
        delivery_stream_rewind(s, &self->c, s->place > s->base ? s->place : s->base);
        if (s->live)
            self->c.is.key(self->c.is.arg);
        break;
    case NAK_STORAGE:
        if (s->place > next)
            delivery_stream_rewind(s, &self->c, next);
        break;
    case NAK_NEXT:
        delivery_stream_rewind(s, &self->c, next);
        break;
    default:
        break; // of a later version, or not about a stream
    }
}

// What an input has left to be done to the list.
static void
s_settle(delivery_t *self)
{
    delivery_list_settle(&self->list);
    if (self->close_live) {
        self->close_live = false;
        self->c.is.close_live(self->c.is.arg);
    }
}

// ---- turns

bool
delivery_turn(delivery_t *self, int64_t now_ms, unsigned budget)
{
    struct delivery_stream *live = delivery_list_live(&self->list);
    bool took = true;

    self->c.now_ms = now_ms;
    if (!self->welcomed)
        return true;
    delivery_rate_turn(&self->rate, now_ms);
    for (size_t i = 0; i < self->list.n; i++)
        if (delivery_stream_impatient(self->list.at[i], &self->c))
            delivery_stream_rewind(self->list.at[i], &self->c, self->list.at[i]->base);
    if (live != NULL && live->known && !live->seeking &&
        delivery_list_backlog(&self->list) < DELIVERY_BACKLOG_MOST && live->place < live->written &&
        frame_list_find(&live->window, live->place) == NULL) {
        self->close_live = true; // memory was full: the rest is backlog
        s_settle(self);
        live = delivery_list_live(&self->list);
    }
    while (live != NULL && took && budget > 0 && s_send(self, live, &budget, &took))
        ;
    for (size_t i = 0; i < delivery_list_backlog(&self->list) && took && budget > 0; i++)
        while (took && budget > 0 && delivery_rate_allows(&self->rate) &&
               delivery_list_flight(&self->list) < DELIVERY_FLIGHT &&
               s_send(self, self->list.at[i], &budget, &took))
            ;
    return took;
}

// False where the stream has nothing that may be sent, or the socket takes no more (*took).
static bool
s_send(delivery_t *self, struct delivery_stream *s, unsigned *budget, bool *took)
{
    size_t len = 0;
    const uint8_t *frame = delivery_stream_next(s, &self->c, &len);

    if (frame == NULL)
        return false;
    *took = self->c.is.send(self->c.is.arg, frame, len);
    if (!*took)
        return false;
    delivery_stream_sent(s, &self->c);
    if (!s->live)
        delivery_rate_spend(&self->rate, len);
    (*budget)--;
    return true;
}

bool
delivery_has(const delivery_t *self, int64_t now_ms)
{
    struct delivery_common c = self->c;

    c.now_ms = now_ms;
    if (!self->welcomed)
        return false;
    if (self->list.live && delivery_stream_has(delivery_list_live(&self->list), &c))
        return true;
    if (!delivery_rate_allows(&self->rate) || delivery_list_flight(&self->list) >= DELIVERY_FLIGHT)
        return false;
    for (size_t i = 0; i < delivery_list_backlog(&self->list); i++)
        if (delivery_stream_has(self->list.at[i], &c))
            return true;
    return false;
}

static const struct frame_entry *
s_for_spool(const delivery_t *self)
{
    const struct delivery_stream *live = delivery_list_live(&self->list);

    return self->welcomed && live != NULL && live->known && live->place >= live->written
               ? frame_list_find(&live->window, live->place)
               : NULL;
}

bool
delivery_waits_for_spool(const delivery_t *self)
{
    return s_for_spool(self) != NULL;
}

int64_t
delivery_wait_ms(const delivery_t *self, int64_t now_ms)
{
    const struct frame_entry *entry = s_for_spool(self);
    int64_t wait_ms = -1, rate_ms;

    if (!self->welcomed)
        return -1;
    if (entry != NULL) // the spool may not answer in time
        wait_ms = entry->made_ms + DELIVERY_UNSPOOLED_MS - now_ms;
    if (wait_ms < 0)
        wait_ms = -1; // it waits for something else
    if (delivery_rate_allows(&self->rate))
        return wait_ms;
    rate_ms = delivery_rate_wait_ms(&self->rate);
    for (size_t i = 0; i < delivery_list_backlog(&self->list); i++)
        if (delivery_stream_has(self->list.at[i], &self->c))
            return wait_ms >= 0 && wait_ms < rate_ms ? wait_ms : rate_ms;
    return wait_ms;
}

bool
delivery_wants_ack(const delivery_t *self)
{
    for (size_t i = 0; i < delivery_list_backlog(&self->list); i++)
        if (self->list.at[i]->known)
            return true;
    return self->list.live && delivery_list_live(&self->list)->known &&
           delivery_wire_seq(delivery_list_live(&self->list),
                             delivery_list_live(&self->list)->place) >=
               delivery_list_live(&self->list)->limit;
}

uint64_t
delivery_live(const delivery_t *self, uint64_t *head_ret)
{
    const struct delivery_stream *live = delivery_list_live(&self->list);

    *head_ret = live != NULL ? live->head : 0;
    return live != NULL ? live->id : 0;
}

struct delivery_sums
delivery_sums(const delivery_t *self)
{
    return self->sums;
}

struct delivery_stat
delivery_stat(const delivery_t *self)
{
    struct delivery_stat stat = self->c.stat;
    const struct delivery_stream *live = delivery_list_live(&self->list);

    for (size_t i = 0; i < self->list.n; i++)
        stat.bytes += self->list.at[i]->window.bytes + self->list.at[i]->read.bytes +
                      self->list.at[i]->ahead.bytes + self->list.at[i]->behind.bytes;
    stat.waiting = live != NULL ? live->head - live->place : 0;
    stat.backlog = delivery_list_backlog(&self->list);
    stat.flight = delivery_list_flight(&self->list);
    return stat;
}

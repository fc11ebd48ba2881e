// send_queue - see the header.
//
//      ahead        kept: sent before       waiting
//      +-------+    +-----+---+---+---+     +-----+---+-----+---+
//      | TABLE |    | KEY | D | D | D |     |  D  | D | KEY | D |  <- push
//      +-------+    +-----+---+---+---+     +-----+---+-----+---+
//                   kept[0]     ^ repeat    ^ place       ^ fresh
//
// Order of sending: ahead; then kept[repeat..place) with REPEAT; then the GAP, if records were
// dropped; then kept[place..]. Sending a KEY frees what is kept before it, so kept[0] is a KEY, or
// the stream has no earlier one: whoever reads from there on can read all that follows.
// kept[place..fresh) was sent before, to a collector that is gone or lost it: it goes again as
// BACKLOG, stored but no news. Otherwise fresh is place.
// Dropping takes all that is kept with it, as nothing of that helps to read the KEY after the GAP:
// so a GAP that was not yet sent stands before kept[0], and place and fresh are 0.

#include "agent/send_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/wire/body.h"

#define GAP_BODY_MAX 32u
// What an entry costs beside its bytes: its place in the array (which doubles) and in the heap.
#define ENTRY_COST (2 * sizeof(struct entry) + 16)
// A run of records from KEY to KEY takes at most this part of the queue, so that keeping the run
// that is being sent always leaves room for what waits.
#define RUN_SHARE 4

// A record as its frame: room for the prefix, then the record as frame_put_record wrote it.
struct entry {
    uint8_t *frame;
    uint32_t len;
    uint32_t slots;
    struct record record; // body NULL
};

// A list that grows at its end and is freed from its front.
struct entries {
    size_t first; // place in `at` of its front
    size_t n;
    size_t size; // allocated
    struct entry *at;
};

struct send_queue {
    size_t most;
    size_t bytes; // of kept
    size_t run;   // bytes of the newest KEY and what came after it
    struct entries kept;
    size_t place;  // in kept: next to be sent
    size_t repeat; // in kept: next to be repeated; place if none
    size_t fresh;  // in kept: first that was never sent
    struct entries ahead;
    uint64_t base; // of the prefix: where the collector took up the stream
    uint64_t next; // seq after the last one pushed
    bool gap;      // a GAP is to be sent
    bool table_due;
    struct record gap_record;
    struct gap gap_body;
    uint8_t gap_frame[FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + GAP_BODY_MAX];
    uint64_t dropped_samples;
    uint64_t dropped_records;
};

enum source { SOURCE_NONE, SOURCE_AHEAD, SOURCE_REPEAT, SOURCE_GAP, SOURCE_PLACE };

static struct entry s_entry(const struct record *record, uint32_t slots);
static void s_append(struct entries *list, struct entry entry);
static struct entry *s_at(const struct entries *list, size_t i);
static void s_free_front(struct entries *list, size_t n);
static void s_drop_oldest(send_queue_t *self);
static void s_book(send_queue_t *self, const struct record *record);
static enum source s_source(const send_queue_t *self);
static const uint8_t *s_gap_frame(send_queue_t *self, size_t *len_ret);

send_queue_t *
send_queue_new(size_t most)
{
    send_queue_t *self = xcalloc(1, sizeof *self);

    self->most = most;
    return self;
}

void
send_queue_destroy(send_queue_t **self_p)
{
    send_queue_t *self = *self_p;

    if (self == NULL)
        return;
    s_free_front(&self->kept, self->kept.n);
    s_free_front(&self->ahead, self->ahead.n);
    free(self->kept.at);
    free(self->ahead.at);
    free(self);
    *self_p = NULL;
}

bool
send_queue_push(send_queue_t *self, const struct record *record, uint32_t slots)
{
    const size_t cost = FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + record->body_len + ENTRY_COST;
    const bool key = record->type == RECORD_KEY;

    self->next = record->seq + 1;
    while (self->kept.n > 0 && self->bytes + cost > self->most)
        s_drop_oldest(self);
    // With nothing before it only a KEY can be read, and a GAP is one run of numbers.
    if (cost > self->most || (self->kept.n == 0 && !key && record->seq > 0)) {
        s_book(self, record);
        return false;
    }
    s_append(&self->kept, s_entry(record, slots));
    self->bytes += cost;
    self->run = key ? cost : self->run + cost;
    return self->run <= self->most / RUN_SHARE;
}

static struct entry
s_entry(const struct record *record, uint32_t slots)
{
    const size_t size = FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + record->body_len;
    struct entry entry = {
        .frame = xmalloc(size), .len = (uint32_t) size, .slots = slots, .record = *record
    };
    const ptrdiff_t n = frame_put_record(entry.frame + FRAME_PREFIX_SIZE, size - FRAME_PREFIX_SIZE,
                                         record);

    assert(n == (ptrdiff_t) (size - FRAME_PREFIX_SIZE));
    entry.record.body = NULL;
    return entry;
}

static void
s_append(struct entries *list, struct entry entry)
{
    if (list->first + list->n == list->size && list->first > list->n) {
        memcpy(list->at, list->at + list->first, list->n * sizeof *list->at);
        list->first = 0;
    } else if (list->first + list->n == list->size) {
        list->size = list->size == 0 ? 16 : list->size * 2;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
    list->at[list->first + list->n++] = entry;
}

static struct entry *
s_at(const struct entries *list, size_t i)
{
    assert(i < list->n);
    return &list->at[list->first + i];
}

static void
s_free_front(struct entries *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(s_at(list, i)->frame);
    list->first += n;
    list->n -= n;
}

// Frees kept[0..n) and what they cost.
static void
s_forget(send_queue_t *self, size_t n)
{
    for (size_t i = 0; i < n; i++)
        self->bytes -= s_at(&self->kept, i)->len + ENTRY_COST;
    s_free_front(&self->kept, n);
    self->place -= n < self->place ? n : self->place;
    self->repeat -= n < self->repeat ? n : self->repeat;
    self->fresh -= n < self->fresh ? n : self->fresh;
}

// Everything up to the first KEY that is not the next record to be sent.
static void
s_drop_oldest(send_queue_t *self)
{
    size_t to = self->place + 1;

    while (to < self->kept.n && s_at(&self->kept, to)->record.type != RECORD_KEY)
        to++;
    if (to > self->kept.n)
        to = self->kept.n; // all of it was sent: only kept for repeating
    // Definitions may go with them, also where all were sent before and none is booked: that was to
    // another collector.
    if (self->place < to)
        self->table_due = true;
    for (size_t i = self->fresh; i < to; i++)
        s_book(self, &s_at(&self->kept, i)->record);
    s_forget(self, to);
}

// Into the GAP: the record after the last one in it, or the first of a new one.
static void
s_book(send_queue_t *self, const struct record *record)
{
    if (!self->gap) {
        self->gap = true;
        self->gap_record = *record;
        self->gap_record.type = RECORD_GAP;
        self->gap_record.count = 0;
        self->gap_body = (struct gap){ .cause = GAP_QUEUE_FULL };
    }
    self->gap_body.to = record->seq;
    self->gap_body.samples += record->count;
    self->dropped_samples += record->count;
    self->dropped_records++;
    self->table_due = true;
}

void
send_queue_resume(send_queue_t *self, uint64_t next)
{
    s_free_front(&self->ahead, self->ahead.n);
    // Nobody can have what was never sent: a larger `next` is nonsense, and nothing is skipped.
    for (self->place = 0; self->place < self->fresh; self->place++)
        if (s_at(&self->kept, self->place)->record.seq >= next)
            break;
    self->base = self->gap                    ? self->gap_record.seq
                 : self->place < self->kept.n ? s_at(&self->kept, self->place)->record.seq
                                              : self->next;
    send_queue_again(self);
}

void
send_queue_again(send_queue_t *self)
{
    self->repeat = 0;
}

bool
send_queue_head(const send_queue_t *self, struct record *ret, uint32_t *slots_ret)
{
    const size_t at = self->repeat < self->place ? self->repeat : self->place;

    if (at >= self->kept.n)
        return false;
    *ret = s_at(&self->kept, at)->record;
    *slots_ret = s_at(&self->kept, at)->slots;
    return true;
}

bool
send_queue_table_due(const send_queue_t *self)
{
    return self->table_due && self->kept.n > 0;
}

void
send_queue_put_ahead(send_queue_t *self, const struct record *record)
{
    s_append(&self->ahead, s_entry(record, 0));
    self->table_due = false;
}

static enum source
s_source(const send_queue_t *self)
{
    if (self->ahead.n > 0)
        return SOURCE_AHEAD;
    if (self->repeat < self->place)
        return SOURCE_REPEAT;
    if (self->place == self->kept.n)
        return SOURCE_NONE; // a GAP waits for its KEY: until then it can grow
    return self->gap ? SOURCE_GAP : SOURCE_PLACE;
}

const uint8_t *
send_queue_next(send_queue_t *self, size_t *len_ret)
{
    const enum source source = s_source(self);
    struct frame_prefix prefix = { .base = self->base };
    const struct entry *entry;

    if (source == SOURCE_NONE)
        return NULL;
    if (source == SOURCE_GAP)
        return s_gap_frame(self, len_ret);
    if (source != SOURCE_PLACE)
        prefix.flags = FRAME_REPEAT;
    else if (self->place < self->fresh)
        prefix.flags = FRAME_BACKLOG;
    entry = source == SOURCE_AHEAD ? s_at(&self->ahead, 0) : s_at(&self->kept, self->repeat);
    frame_put_prefix(entry->frame, &prefix);
    *len_ret = entry->len;
    return entry->frame;
}

static const uint8_t *
s_gap_frame(send_queue_t *self, size_t *len_ret)
{
    const struct frame_prefix prefix = { .base = self->base };
    uint8_t body[GAP_BODY_MAX];
    struct wbuf w;
    ptrdiff_t n;

    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &self->gap_body);
    self->gap_record.body = body;
    self->gap_record.body_len = (uint32_t) w.len;
    frame_put_prefix(self->gap_frame, &prefix);
    n = frame_put_record(self->gap_frame + FRAME_PREFIX_SIZE,
                         sizeof self->gap_frame - FRAME_PREFIX_SIZE, &self->gap_record);
    assert(n > 0);
    self->gap_record.body = NULL;
    *len_ret = FRAME_PREFIX_SIZE + (size_t) n;
    return self->gap_frame;
}

void
send_queue_sent(send_queue_t *self)
{
    switch (s_source(self)) {
    case SOURCE_AHEAD:
        s_free_front(&self->ahead, 1);
        break;
    case SOURCE_REPEAT:
        self->repeat++;
        break;
    case SOURCE_GAP:
        self->gap = false;
        break;
    case SOURCE_PLACE:
        self->place++;
        self->repeat = self->place;
        self->fresh = self->fresh > self->place ? self->fresh : self->place;
        if (s_at(&self->kept, self->place - 1)->record.type == RECORD_KEY)
            s_forget(self, self->place - 1);
        break;
    case SOURCE_NONE:
        assert(false);
    }
}

bool
send_queue_has(const send_queue_t *self)
{
    return s_source(self) != SOURCE_NONE;
}

struct send_queue_stat
send_queue_stat(const send_queue_t *self)
{
    return (struct send_queue_stat){
        .base = self->gap          ? self->gap_record.seq
                : self->kept.n > 0 ? s_at(&self->kept, 0)->record.seq
                                   : self->next,
        .next = self->next,
        .bytes = self->bytes,
        .waiting = self->kept.n - self->place,
        .dropped_samples = self->dropped_samples,
        .dropped_records = self->dropped_records,
    };
}

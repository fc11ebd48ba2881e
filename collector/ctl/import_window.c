// import_window - see the header.

#include "collector/ctl/import_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// A frame that is kept.
struct entry {
    uint8_t *frame; // ours; its prefix is made anew when it is sent
    size_t len;
    struct record record; // its body is in `frame`
    uint32_t crc;
    uint32_t slots; // before it
};

// A row of frames.
struct list {
    struct entry *at;
    size_t first, n, size; // n from `first` on; allocated
};

struct import_window {
    uint64_t stream;
    import_table_fn *table;
    void *arg;
    struct list kept;  // without a hole, up to head
    struct list ahead; // tables, to be sent before place
    uint64_t head;     // seq to be pushed next
    uint64_t base;     // lowest that is not acknowledged
    uint64_t place;    // to be sent next
    uint64_t repeat;   // next one of `kept` to be repeated before that; place: none
    uint64_t limit;    // may not be sent
    uint64_t flown;    // highest that was sent, and one
    uint64_t fresh;    // samples
    size_t bytes;      // of entries from base on
    bool known;        // the collector has said WELCOME
    bool begin;        // a TABLE and repeats are due before place
    bool checking;     // record base - 1 of the last WELCOME is to be compared, once it is made
    uint64_t check;
    uint32_t check_crc;
    bool ended;      // END is at head - 1
    unsigned closed; // ACKs that said that all is acknowledged
    struct ack told;
};

static struct entry *s_entry(const import_window_t *self, uint64_t seq);
static void s_push(struct list *list, const struct record *record, uint8_t flags, uint32_t slots);
static void s_pop(struct list *list);
static void s_trim(import_window_t *self);
static void s_prepare(import_window_t *self);

import_window_t *
import_window_new(uint64_t stream, import_table_fn *table, void *arg)
{
    import_window_t *self = xcalloc(1, sizeof *self);

    self->stream = stream;
    self->table = table;
    self->arg = arg;
    return self;
}

void
import_window_destroy(import_window_t **self_p)
{
    import_window_t *self = *self_p;

    if (self == NULL)
        return;
    while (self->kept.n > 0)
        s_pop(&self->kept);
    while (self->ahead.n > 0)
        s_pop(&self->ahead);
    free(self->kept.at);
    free(self->ahead.at);
    free(self);
    *self_p = NULL;
}

int
import_window_push(import_window_t *self, const struct record *record, uint32_t slots)
{
    const struct entry *entry;

    assert(record->seq == self->head && !self->ended);
    s_push(&self->kept, record, 0, slots);
    entry = &self->kept.at[self->kept.first + self->kept.n - 1];
    self->head++;
    self->ended = record->type == RECORD_END;
    if (record->seq >= self->base)
        self->bytes += entry->len;
    if (self->checking && record->seq == self->check) {
        self->checking = false;
        if (self->check_crc != 0 && self->check_crc != entry->crc)
            return ERR_CLOSED;
    }
    s_trim(self);
    if (self->ended && self->base == self->head)
        import_window_rewind(self);
    // More than we will ever have: those are not our records.
    return self->ended && self->base > self->head ? ERR_CLOSED : 0;
}

void
import_window_table(import_window_t *self, const struct record *record)
{
    s_push(&self->ahead, record, FRAME_REPEAT, 0);
}

// What is below is acknowledged.
static void
s_base(import_window_t *self, uint64_t next)
{
    for (uint64_t seq = self->base; seq < next && seq < self->head; seq++)
        self->bytes -= s_entry(self, seq)->len;
    self->base = next;
    if (self->place < next) {
        self->place = next;
        self->begin = true;
    }
    if (self->repeat > self->place)
        self->repeat = self->place;
    s_trim(self);
}

int
import_window_welcome(import_window_t *self, const struct welcome_stream *w, bool anew)
{
    const bool begins = anew || !self->known;

    if (w->next < self->base || (self->ended && w->next > self->head))
        return ERR_CLOSED;
    if (w->next > 0) {
        const struct entry *before = s_entry(self, w->next - 1);

        if (before != NULL && w->crc != 0 && before->crc != w->crc)
            return ERR_CLOSED;
        self->checking = w->next > self->head;
        self->check = w->next - 1;
        self->check_crc = w->crc;
    }
    self->known = true;
    s_base(self, w->next);
    self->limit = anew || w->limit > self->limit ? w->limit : self->limit;
    if (begins)
        import_window_rewind(self);
    return 0;
}

int
import_window_ack(import_window_t *self, const struct ack *ack)
{
    if (!self->known || ack->next < self->base) // of before
        return 0;
    if (ack->next > self->head && ack->next > self->base)
        return ERR_CLOSED;
    s_base(self, ack->next);
    self->limit = ack->limit > self->limit ? ack->limit : self->limit;
    self->told = *ack;
    if (!self->ended || self->base < self->head)
        return 0;
    // The first of them was said before the last records were applied: asked once more.
    self->closed++;
    if (self->closed == 1)
        import_window_rewind(self);
    return 0;
}

void
import_window_nak(import_window_t *self, const struct nak *nak)
{
    const uint64_t next = nak->next > self->base ? nak->next : self->base;

    if (!self->known || nak->reason == NAK_HELLO)
        return;
    if (nak->reason == NAK_STORAGE)
        self->limit = next;
    if (nak->reason != NAK_KEY && next < self->place)
        self->place = next;
    self->repeat = self->place;
    self->begin = true;
}

void
import_window_rewind(import_window_t *self)
{
    self->place = self->base;
    // END once more, where all else is acknowledged: for what its ACK tells.
    if (self->ended && self->place == self->head)
        self->place = self->head - 1;
    self->repeat = self->place;
    self->begin = true;
    while (self->ahead.n > 0)
        s_pop(&self->ahead);
}

void
import_window_gone(import_window_t *self)
{
    self->known = false;
    import_window_rewind(self);
}

const uint8_t *
import_window_next(import_window_t *self, size_t *len_ret)
{
    struct frame_prefix prefix = { .flags = FRAME_IMPORT | FRAME_BACKLOG, .base = self->base };
    const struct entry *entry;

    if (!self->known || self->place >= self->head)
        return NULL;
    // END alone may go where nothing is wanted any more.
    if (self->place >= self->limit && self->place >= self->base)
        return NULL;
    s_prepare(self);
    if (self->ahead.n > 0)
        entry = &self->ahead.at[self->ahead.first];
    else
        entry = s_entry(self, self->repeat < self->place ? self->repeat : self->place);
    assert(entry != NULL);
    if (self->ahead.n > 0 || self->repeat < self->place)
        prefix.flags |= FRAME_REPEAT;
    frame_put_prefix(entry->frame, &prefix);
    *len_ret = entry->len;
    return entry->frame;
}

void
import_window_sent(import_window_t *self)
{
    if (self->ahead.n > 0) {
        s_pop(&self->ahead);
    } else if (self->repeat < self->place) {
        self->repeat++;
    } else {
        const struct entry *entry = s_entry(self, self->place);

        self->repeat = ++self->place;
        if (self->place > self->flown) {
            self->flown = self->place;
            self->fresh += entry->record.count;
        }
    }
}

// The last KEY at or before `seq`, or NULL.
static const struct entry *
s_key(const import_window_t *self, uint64_t seq)
{
    for (size_t i = self->kept.n; i-- > 0;) {
        const struct entry *entry = &self->kept.at[self->kept.first + i];

        if (entry->record.seq <= seq && entry->record.type == RECORD_KEY)
            return entry;
    }
    return NULL;
}

// What goes before place, where sending begins there.
static void
s_prepare(import_window_t *self)
{
    const struct entry *at = s_entry(self, self->place), *key;

    if (!self->begin)
        return;
    self->begin = false;
    self->repeat = self->place;
    while (self->ahead.n > 0)
        s_pop(&self->ahead);
    if (self->place < self->base) // END once more: nobody reads anything
        return;
    key = s_key(self, self->place);
    if (key != NULL)
        self->repeat = key->record.seq;
    else
        key = at;
    if (self->place > 0 && key->slots > 0)
        self->table(self->arg, &key->record, key->slots);
}

size_t
import_window_bytes(const import_window_t *self)
{
    return self->bytes;
}

bool
import_window_flying(const import_window_t *self)
{
    return self->known && (self->place > self->base || (self->ended && self->closed < 2));
}

bool
import_window_wants(const import_window_t *self)
{
    return self->head > self->base || (self->ended && self->closed < 2);
}

bool
import_window_done(const import_window_t *self)
{
    return self->ended && self->base == self->head && self->closed >= 2;
}

const struct ack *
import_window_told(const import_window_t *self)
{
    return &self->told;
}

struct hello_stream
import_window_hello(const import_window_t *self)
{
    return (struct hello_stream){ .stream = self->stream,
                                  .base = self->base,
                                  .head = self->head > self->base ? self->head : self->base };
}

uint64_t
import_window_fresh(const import_window_t *self)
{
    return self->fresh;
}

static struct entry *
s_entry(const import_window_t *self, uint64_t seq)
{
    const struct list *kept = &self->kept;

    if (kept->n == 0 || seq < self->head - kept->n || seq >= self->head)
        return NULL;
    return &kept->at[kept->first + (size_t) (seq - (self->head - kept->n))];
}

static void
s_push(struct list *list, const struct record *record, uint8_t flags, uint32_t slots)
{
    const size_t len = FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + record->body_len;
    const struct frame_prefix prefix = { .flags = flags };
    struct entry entry = { .frame = xmalloc(len), .len = len, .record = *record, .slots = slots };
    const ptrdiff_t n = frame_put_record(entry.frame + FRAME_PREFIX_SIZE, len - FRAME_PREFIX_SIZE,
                                         record);

    assert(n > 0 && (size_t) n == len - FRAME_PREFIX_SIZE);
    frame_put_prefix(entry.frame, &prefix);
    entry.record.body = entry.frame + FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER;
    for (unsigned i = 0; i < 4; i++) // as it stands in the header, lowest byte first
        entry.crc |= (uint32_t) entry.frame[FRAME_PREFIX_SIZE + 4 + i] << 8 * i;
    if (list->first > 0 && list->first + list->n == list->size) {
        memmove(list->at, list->at + list->first, list->n * sizeof *list->at);
        list->first = 0;
    }
    if (list->n == list->size) {
        list->size = list->size == 0 ? 16 : 2 * list->size;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
    list->at[list->first + list->n++] = entry;
}

// The first of it.
static void
s_pop(struct list *list)
{
    free(list->at[list->first].frame);
    list->first++;
    list->n--;
    if (list->n == 0)
        list->first = 0;
}

// Keeps what is not acknowledged, from the KEY before it on, and END.
static void
s_trim(import_window_t *self)
{
    const struct entry *key = s_key(self, self->base);
    uint64_t from = key != NULL ? key->record.seq : self->base;

    if (self->ended && from >= self->head)
        from = self->head - 1;
    while (self->kept.n > 0 && self->kept.at[self->kept.first].record.seq < from)
        s_pop(&self->kept);
}

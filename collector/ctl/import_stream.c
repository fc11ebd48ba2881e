// import_stream - see the header.

#include "collector/ctl/import_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/import_text.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/row_codec.h"

#define RECORD_BYTES  (64u * 1024u) // of blocks, before a record is full
#define RECORD_COUNT  16384u        // samples of a record
#define PIECE_MOST    8192u         // of a block: with 14 bytes each it still fits a record
#define HEAD_MAX      10u           // two varints of 32 bits at most, ahead of a body
#define DECIMALS_MOST 9u            // of a form: values with more travel as doubles
#define KEY_BYTES     8u            // slots for each byte of a KEY, at most

struct slot {
    struct label_set labels; // ours
    enum metric_kind kind;
    struct metric_form form; // settled once it is defined
};

// One that waits.
struct sample_in {
    int64_t time_ms;
    double value;
    uint32_t slot;
    uint32_t order; // of arrival
};

struct import_stream {
    uint64_t stream;
    struct identity id;
    import_record_fn *fn;
    void *arg;
    uint64_t next;  // seq
    uint64_t total; // samples of the records before it
    uint64_t twice, conflicts;
    int64_t newest_ms; // of all samples
    struct slot *slots;
    uint32_t n_slots;
    uint32_t slots_size; // allocated
    uint32_t defined;    // of them
    struct sample_in *waiting;
    uint32_t n_waiting;
    uint32_t waiting_size; // allocated
    bool keyed;            // a first KEY was given
    struct row_state row;  // its width alone matters: no dense row is ever made
    // The samples of one time.
    uint32_t *block_slots;
    struct cell *block_cells;
    uint32_t block_size; // allocated, of both
    // The record at hand.
    struct wbuf w; // its blocks, behind room for a head
    uint32_t count;
    int64_t t0_ms;
    uint8_t *body; // HEAD_MAX and FRAME_BODY_MAX
};

static void s_define(import_stream_t *self, int64_t time_ms);
static void s_records(import_stream_t *self);
static int s_by_time(const void *a, const void *b);

import_stream_t *
import_stream_new(uint64_t stream, const struct identity *id, import_record_fn *fn, void *arg)
{
    import_stream_t *self = xcalloc(1, sizeof *self);

    self->stream = stream;
    self->id = *id;
    self->fn = fn;
    self->arg = arg;
    self->newest_ms = INT64_MIN;
    return self;
}

void
import_stream_destroy(import_stream_t **self_p)
{
    import_stream_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n_slots; i++)
        label_set_release(&self->slots[i].labels);
    row_state_release(&self->row);
    free(self->slots);
    free(self->waiting);
    free(self->block_slots);
    free(self->block_cells);
    free(self->body);
    free(self);
    *self_p = NULL;
}

uint32_t
import_stream_slot(import_stream_t *self, struct label_set *labels, enum metric_kind kind)
{
    assert(self->n_slots < BODY_SLOTS_MAX);
    if (self->n_slots == self->slots_size) {
        self->slots_size = self->slots_size == 0 ? 64 : 2 * self->slots_size;
        self->slots = xrealloc(self->slots, self->slots_size, sizeof *self->slots);
    }
    self->slots[self->n_slots] =
        (struct slot){ .labels = *labels, .kind = kind, .form = { .exponent = 0, .unit = 1 } };
    *labels = (struct label_set){ 0 };
    return self->n_slots++;
}

// Until a slot is defined, its form is that of the most decimals that were seen.
void
import_stream_add(import_stream_t *self, uint32_t slot, int64_t time_ms, double value,
                  uint8_t decimals)
{
    struct metric_form *form = &self->slots[slot].form;

    if (slot >= self->defined && decimals <= DECIMALS_MOST && decimals > form->exponent)
        form->exponent = decimals;
    assert(self->n_waiting < IMPORT_WAITING_MOST);
    if (self->n_waiting == self->waiting_size) {
        self->waiting_size = self->waiting_size == 0 ? 256 : 2 * self->waiting_size;
        self->waiting = xrealloc(self->waiting, self->waiting_size, sizeof *self->waiting);
    }
    self->waiting[self->n_waiting] = (struct sample_in){
        .time_ms = time_ms, .value = value, .slot = slot, .order = self->n_waiting
    };
    self->n_waiting++;
}

size_t
import_stream_waiting(const import_stream_t *self)
{
    return self->n_waiting;
}

static void
s_give(import_stream_t *self, uint8_t type, uint32_t count, int64_t time_ms, const uint8_t *body,
       size_t len)
{
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = self->stream,
                                   .seq = self->next,
                                   .total = self->total,
                                   .t0_ms = time_ms,
                                   .body = body,
                                   .body_len = (uint32_t) len };
    const uint32_t slots = self->defined;

    self->next++;
    self->total += count;
    self->fn(self->arg, &record, slots);
}

// Once there is something to say.
static void
s_begin(import_stream_t *self, int64_t time_ms)
{
    struct wbuf w;

    if (self->body != NULL)
        return;
    self->body = xmalloc(HEAD_MAX + FRAME_BODY_MAX);
    wbuf_init(&w, self->body, FRAME_BODY_MAX);
    identity_put(&w, &self->id);
    assert(wbuf_finish(&w) > 0);
    s_give(self, RECORD_IDENT, 0, time_ms, self->body, w.len);
}

void
import_stream_flush(import_stream_t *self)
{
    if (self->n_waiting == 0)
        return;
    qsort(self->waiting, self->n_waiting, sizeof *self->waiting, s_by_time);
    s_begin(self, self->waiting[0].time_ms);
    s_define(self, self->waiting[0].time_ms);
    s_records(self);
    self->n_waiting = 0;
}

void
import_stream_end(import_stream_t *self)
{
    import_stream_flush(self);
    if (self->body != NULL)
        s_give(self, RECORD_END, 0, self->newest_ms, NULL, 0);
}

static int
s_by_time(const void *a, const void *b)
{
    const struct sample_in *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

// The body of a TABLE or DEF with as many of the slots from..to as fit, and where in `body` it
// begins; the first slot that did not.
static uint32_t
s_fill_defs(import_stream_t *self, uint8_t type, uint32_t from, uint32_t to, uint8_t **at_ret,
            size_t *len_ret)
{
    uint8_t bytes[HEAD_MAX];
    struct wbuf w, head;
    uint32_t at = from;
    size_t used = 0;

    wbuf_init(&w, self->body + HEAD_MAX, FRAME_BODY_MAX - HEAD_MAX);
    for (; at < to; at++) {
        const struct slot_def def = { .slot = at,
                                      .kind = self->slots[at].kind,
                                      .form = self->slots[at].form,
                                      .labels = self->slots[at].labels };

        slot_def_put(&w, &def);
        if (wbuf_finish(&w) < 0)
            break;
        used = w.len;
    }
    assert(at > from || from == to); // one definition always fits
    wbuf_init(&head, bytes, sizeof bytes);
    if (type == RECORD_TABLE)
        wbuf_varint(&head, to);
    wbuf_varint(&head, at - from);
    *at_ret = self->body + HEAD_MAX - head.len;
    memcpy(*at_ret, bytes, head.len);
    *len_ret = head.len + used;
    return at;
}

static void
s_define(import_stream_t *self, int64_t time_ms)
{
    while (self->defined < self->n_slots) {
        uint8_t *at;
        size_t len;
        const uint32_t to = s_fill_defs(self, RECORD_DEF, self->defined, self->n_slots, &at, &len);

        s_give(self, RECORD_DEF, 0, time_ms, at, len);
        self->defined = to;
    }
    row_state_grow(&self->row, self->defined);
}

void
import_stream_table(import_stream_t *self, uint32_t slots, const struct record *ahead_of,
                    import_record_fn *fn, void *arg)
{
    struct record record = *ahead_of;
    uint32_t at = 0;

    assert(slots <= self->defined && self->count == 0);
    record.type = RECORD_TABLE;
    record.count = 0;
    do {
        uint8_t *body;
        size_t len;

        at = s_fill_defs(self, record.type, at, slots, &body, &len);
        record.body = body;
        record.body_len = (uint32_t) len;
        fn(arg, &record, slots);
        record.type = RECORD_DEF;
    } while (at < slots);
}

static void
s_begin_record(import_stream_t *self, int64_t time_ms)
{
    wbuf_init(&self->w, self->body + HEAD_MAX, FRAME_BODY_MAX - HEAD_MAX);
    self->t0_ms = time_ms;
}

static void
s_end_record(import_stream_t *self)
{
    const uint32_t count = self->count;
    uint8_t bytes[HEAD_MAX];
    struct wbuf head;
    uint8_t *at = self->body + HEAD_MAX;
    const bool key = self->row.slots <= KEY_BYTES * self->w.len;

    if (count == 0)
        return;
    // All slots that are defined by then have a sample in the records that follow: so it is large.
    assert(wbuf_finish(&self->w) >= 0 && (key || self->keyed));
    if (key) {
        wbuf_init(&head, bytes, sizeof bytes);
        wbuf_varint(&head, self->row.slots);
        at -= head.len;
        memcpy(at, bytes, head.len);
    }
    self->keyed = true;
    self->count = 0;
    s_give(self, key ? RECORD_KEY : RECORD_DELTA, count, self->t0_ms, at,
           (size_t) (self->body + HEAD_MAX - at) + self->w.len);
}

static struct cell
s_cell(const struct slot *slot, double value)
{
    struct cell cell = { .state = CELL_INTEGER };

    if (!metric_mantissa(slot->form, value, &cell.m))
        cell = (struct cell){ .state = CELL_RAW, .bits = sample_bits(value) };
    return cell;
}

// The samples from `first` on that have one time, each series once, as a block. Where the next time
// begins.
static uint32_t
s_block(import_stream_t *self, uint32_t first, uint32_t *n_ret)
{
    const int64_t time_ms = self->waiting[first].time_ms;
    uint32_t n = 0, i = first;

    for (; i < self->n_waiting && self->waiting[i].time_ms == time_ms; i++) {
        const struct sample_in *in = &self->waiting[i];

        if (i > first && in->slot == self->waiting[i - 1].slot) {
            const bool same = sample_bits(in->value) == sample_bits(self->waiting[i - 1].value);

            self->twice += same;
            self->conflicts += !same;
            // The one before stands; what comes next is compared with it.
            self->waiting[i] = self->waiting[i - 1];
            continue;
        }
        if (n == self->block_size) {
            self->block_size = n == 0 ? 64 : 2 * n;
            self->block_slots = xrealloc(self->block_slots, self->block_size, sizeof(uint32_t));
            self->block_cells = xrealloc(self->block_cells, self->block_size, sizeof(struct cell));
        }
        self->block_slots[n] = in->slot;
        self->block_cells[n++] = s_cell(&self->slots[in->slot], in->value);
    }
    *n_ret = n;
    return i;
}

// In pieces: a row of very many series is more than a record holds.
static void
s_put_block(import_stream_t *self, int64_t time_ms, uint32_t n)
{
    for (uint32_t at = 0; at < n;) {
        const uint32_t piece = n - at < PIECE_MOST ? n - at : PIECE_MOST;

        if (self->w.len >= RECORD_BYTES || self->count + piece > RECORD_COUNT) {
            s_end_record(self);
            s_begin_record(self, time_ms);
        }
        row_put_sparse(&self->row, &self->w, time_ms - self->t0_ms, self->block_slots + at,
                       self->block_cells + at, piece);
        self->count += piece;
        at += piece;
    }
}

static void
s_records(import_stream_t *self)
{
    s_begin_record(self, self->waiting[0].time_ms);
    for (uint32_t at = 0; at < self->n_waiting;) {
        const int64_t time_ms = self->waiting[at].time_ms;
        uint32_t n;

        at = s_block(self, at, &n);
        s_put_block(self, time_ms, n);
        if (time_ms > self->newest_ms)
            self->newest_ms = time_ms;
    }
    s_end_record(self);
}

uint64_t
import_stream_total(const import_stream_t *self)
{
    return self->total;
}

uint64_t
import_stream_twice(const import_stream_t *self)
{
    return self->twice;
}

uint64_t
import_stream_conflicts(const import_stream_t *self)
{
    return self->conflicts;
}

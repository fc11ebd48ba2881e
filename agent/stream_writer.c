// stream_writer - see the header.
//
// The codec's state (`row`) is that of a reader who has read every record so far. A KEY resets it
// on both sides. What a reader lacks who has missed records is the queue's affair: this file makes
// each record once, and never looks back.

#include "agent/stream_writer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

// Of a DEF or TABLE body, ahead of its definitions: two varints of 32 bits at most.
#define DEF_HEAD_MAX 10u
// Of a message, what is not its record's body.
#define FRAME_HEAD (FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER)

struct stream_writer {
    uint64_t stream;
    uint64_t next;      // seq
    uint64_t total;     // samples of all records so far
    uint32_t slots;     // defined so far
    uint32_t count;     // samples in the record at hand
    uint8_t type;       // of the record at hand: RECORD_KEY or RECORD_DELTA
    unsigned until_key; // records that may still come before the next KEY
    bool key_due;       // the next record of values is a KEY
    bool had_values;    // a first KEY was given
    unsigned phase;     // records from the first KEY to the second, less one
    struct row_state row;
    struct row_state before; // the row, while it is not known whether the next one fits
    uint32_t most;           // bytes of a body
    uint32_t largest;        // of those of names and values so far; what could not be less is less
    stream_writer_fn *fn;
    void *arg;
    uint8_t *body; // FRAME_BODY_MAX, used from its front: the rest never becomes memory
    struct wbuf w; // the record at hand, in `body`
};

static void s_give(stream_writer_t *self, uint8_t type, uint32_t count, int64_t time_ms,
                   size_t len);
static void s_define(stream_writer_t *self, const series_table_t *table, int64_t time_ms);
static void s_row(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
                  const struct app_block *blocks, size_t n_blocks);
static bool s_row_apart(stream_writer_t *self, const series_table_t *table, int64_t time_ms);
static uint32_t s_fill_defs(stream_writer_t *self, uint8_t type, const series_table_t *table,
                            uint32_t from, uint32_t to, size_t *len_ret);

stream_writer_t *
stream_writer_new(const struct stream_writer_options *opt, stream_writer_fn *fn, void *arg)
{
    stream_writer_t *self = xcalloc(1, sizeof *self);
    struct wbuf w;

    assert(opt->stream != 0 && fn != NULL);
    self->stream = opt->stream;
    self->phase = opt->phase % STREAM_KEY_EVERY;
    self->key_due = true;
    self->fn = fn;
    self->arg = arg;
    self->most = FRAME_BODY_MAX;
    self->body = xmalloc(FRAME_BODY_MAX);
    wbuf_init(&w, self->body, FRAME_BODY_MAX);
    identity_put(&w, &opt->id);
    assert(wbuf_finish(&w) >= 0); // names have limits far below a frame
    s_give(self, RECORD_IDENT, 0, opt->now_ms, w.len);
    return self;
}

void
stream_writer_destroy(stream_writer_t **self_p)
{
    stream_writer_t *self = *self_p;

    if (self == NULL)
        return;
    row_state_release(&self->row);
    row_state_release(&self->before);
    free(self->body);
    free(self);
    *self_p = NULL;
}

static void
s_give(stream_writer_t *self, uint8_t type, uint32_t count, int64_t time_ms, size_t len)
{
    const struct record record = {
        .type = type,
        .count = count,
        .stream = self->stream,
        .seq = self->next,
        .total = self->total,
        .t0_ms = time_ms,
        .body = self->body,
        .body_len = (uint32_t) len,
    };

    if (type == RECORD_DEF || type == RECORD_KEY || type == RECORD_DELTA) {
        const uint32_t size = len < self->most ? (uint32_t) len : self->most;

        self->largest = size > self->largest ? size : self->largest;
    }
    self->next++;
    self->total += count;
    if (self->until_key > 0)
        self->until_key--;
    self->fn(self->arg, &record, self->slots);
}

void
stream_writer_row(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
                  const struct app_block *blocks, size_t n_blocks)
{
    s_define(self, table, time_ms);
    if (self->slots > 0)
        s_row(self, table, time_ms, blocks, n_blocks);
}

// DEFs of the slots that are new.
static void
s_define(stream_writer_t *self, const series_table_t *table, int64_t time_ms)
{
    const uint32_t slots = series_table_count(table);

    while (self->slots < slots) {
        size_t len;
        const uint32_t to = s_fill_defs(self, RECORD_DEF, table, self->slots, slots, &len);

        s_give(self, RECORD_DEF, 0, time_ms, len);
        self->slots = to;
    }
    row_state_grow(&self->row, self->slots);
}

// A record of values begins. The second KEY comes after `phase` records, all others at the full
// distance: agents that were started together, as after a power cut, so do not send their large
// records together for ever.
static void
s_begin(stream_writer_t *self)
{
    const bool key = self->key_due || self->until_key == 0;

    wbuf_init(&self->w, self->body, self->most);
    self->count = 0;
    self->type = key ? RECORD_KEY : RECORD_DELTA;
    if (!key)
        return;
    row_put_key(&self->row, &self->w);
    self->until_key = self->had_values ? STREAM_KEY_EVERY : self->phase + 1;
    self->had_values = true;
    self->key_due = false;
}

static void
s_end(stream_writer_t *self, int64_t time_ms)
{
    assert(wbuf_finish(&self->w) >= 0); // SERIES_TABLE_MAX is chosen so
    s_give(self, self->type, self->count, time_ms, self->w.len);
}

// Puts so many of the block's samples, from the first one on, if they fit.
static bool
s_put(stream_writer_t *self, const struct app_block *block, int64_t time_ms, uint32_t from,
      uint32_t n)
{
    const size_t len = self->w.len;

    row_put_sparse(&self->row, &self->w, block->time_ms - time_ms, block->slots + from,
                   block->cells + from, n);
    if (wbuf_finish(&self->w) < 0) {
        self->w = (struct wbuf){ .at = self->body, .size = self->most, .len = len };
        return false;
    }
    self->count += n;
    return true;
}

// Samples with times of their own. What does not fit goes on in another record, which is a KEY or
// DELTA like any other, since these blocks leave the row as it is. A block that is too large for
// any is parted.
static void
s_sparse(stream_writer_t *self, const struct app_block *block, int64_t time_ms)
{
    uint32_t from = 0, n = block->n;

    while (from < block->n) {
        if (s_put(self, block, time_ms, from, n)) {
            from += n;
            n = block->n - from;
        } else if (self->count > 0) {
            s_end(self, time_ms);
            s_begin(self);
        } else {
            assert(n > 1); // one sample fits a record of any size
            n /= 2;
        }
    }
}

static void
s_blocks(stream_writer_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    for (size_t i = 0; i < n_blocks; i++) {
        assert(i == 0 || blocks[i].time_ms >= blocks[i - 1].time_ms);
        s_sparse(self, &blocks[i], time_ms);
    }
}

static void
s_row(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
      const struct app_block *blocks, size_t n_blocks)
{
    const uint32_t row = ROW_HEAD_MOST + ROW_SLOT_MOST * self->slots;

    s_begin(self);
    s_blocks(self, time_ms, blocks, n_blocks);
    // Asked before the row is put, since putting it moves the state on.
    if (self->most - self->w.len < row && self->count > 0) {
        s_end(self, time_ms);
        s_begin(self);
    }
    if (self->most - self->w.len >= row)
        self->count += row_put(&self->row, &self->w, 0, series_table_cells(table));
    else if (!s_row_apart(self, table, time_ms))
        return;
    s_end(self, time_ms);
}

// A row that may not fit a record of its own: where it does not, its samples, and the state is that
// of before. False: there is nothing of it to be given.
static bool
s_row_apart(stream_writer_t *self, const series_table_t *table, int64_t time_ms)
{
    const struct cell *cells = series_table_cells(table);
    const size_t len = self->w.len;
    struct app_block block = { .time_ms = time_ms };
    uint32_t count, *slots;
    struct cell *present;

    row_state_grow(&self->before, self->slots);
    memcpy(self->before.prev, self->row.prev, self->slots * sizeof *self->row.prev);
    memcpy(self->before.absent, self->row.absent, self->slots * sizeof *self->row.absent);
    count = row_put(&self->row, &self->w, 0, cells);
    if (wbuf_finish(&self->w) >= 0) {
        self->count += count;
        return true;
    }
    self->w = (struct wbuf){ .at = self->body, .size = self->most, .len = len };
    memcpy(self->row.prev, self->before.prev, self->slots * sizeof *self->row.prev);
    memcpy(self->row.absent, self->before.absent, self->slots * sizeof *self->row.absent);
    if (count == 0) { // that none has a value is told with the next that has
        self->key_due = self->key_due || self->type == RECORD_KEY;
        return false;
    }
    slots = xcalloc(count, sizeof *slots);
    present = xcalloc(count, sizeof *present);
    for (uint32_t slot = 0; slot < self->slots; slot++)
        if (cells[slot].state != CELL_ABSENT) {
            slots[block.n] = slot;
            present[block.n++] = cells[slot];
        }
    block.slots = slots;
    block.cells = present;
    s_sparse(self, &block, time_ms);
    free(slots);
    free(present);
    return true;
}

void
stream_writer_apps(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
                   const struct app_block *blocks, size_t n_blocks)
{
    if (n_blocks == 0)
        return;
    s_define(self, table, time_ms);
    s_begin(self);
    s_blocks(self, time_ms, blocks, n_blocks);
    s_end(self, time_ms);
}

void
stream_writer_event(stream_writer_t *self, int64_t time_ms, const struct host_event *event)
{
    struct wbuf w;

    wbuf_init(&w, self->body, HOST_EVENT_BODY_MAX);
    host_event_put(&w, event);
    assert(wbuf_finish(&w) > 0);
    s_give(self, RECORD_EVENT, 0, time_ms, w.len);
}

// Of a body, in messages of so many bytes.
static uint32_t
s_body_most(uint32_t frame_bytes)
{
    if (frame_bytes < STREAM_FRAME_LEAST)
        frame_bytes = STREAM_FRAME_LEAST;
    return (frame_bytes > FRAME_MAX ? FRAME_MAX : frame_bytes) - FRAME_HEAD;
}

void
stream_writer_bound(stream_writer_t *self, uint32_t frame_bytes)
{
    self->most = s_body_most(frame_bytes);
}

bool
stream_writer_fits(const stream_writer_t *self, uint32_t frame_bytes)
{
    return self->largest <= s_body_most(frame_bytes);
}

void
stream_writer_key_due(stream_writer_t *self)
{
    self->key_due = true;
}

// The body of a TABLE or DEF with as many of the slots from..to as fit; the first one that did not.
// A definition that is too large goes alone, for who takes it to say so by its name.
static uint32_t
s_fill_defs(stream_writer_t *self, uint8_t type, const series_table_t *table, uint32_t from,
            uint32_t to, size_t *len_ret)
{
    struct wbuf w, head;
    size_t used = 0;
    uint32_t at = from;

    // The definitions first, behind the longest head, since the head tells their number.
    wbuf_init(&w, self->body + DEF_HEAD_MAX, self->most - DEF_HEAD_MAX);
    for (; at < to; at++) {
        slot_def_put(&w, series_table_def(table, at));
        if (wbuf_finish(&w) < 0 && at == from) {
            wbuf_init(&w, self->body + DEF_HEAD_MAX, FRAME_BODY_MAX - DEF_HEAD_MAX);
            slot_def_put(&w, series_table_def(table, at));
        }
        if (wbuf_finish(&w) < 0)
            break;
        used = w.len;
        if (used > self->most - DEF_HEAD_MAX) { // nothing goes beside it
            at++;
            break;
        }
    }
    assert(at > from || from == to); // one definition always fits
    wbuf_init(&head, self->body, DEF_HEAD_MAX);
    if (type == RECORD_TABLE)
        wbuf_varint(&head, to); // its width, also where it does not hold all of it
    wbuf_varint(&head, at - from);
    memmove(self->body + head.len, self->body + DEF_HEAD_MAX, used);
    *len_ret = head.len + used;
    return at;
}

void
stream_writer_table(stream_writer_t *self, const series_table_t *table, uint32_t slots,
                    const struct record *ahead_of, stream_writer_fn *fn, void *arg)
{
    struct record record = *ahead_of;
    uint32_t at = 0;

    record.type = RECORD_TABLE;
    record.count = 0;
    record.body = self->body;
    do {
        size_t len;

        at = s_fill_defs(self, record.type, table, at, slots, &len);
        record.body_len = (uint32_t) len;
        fn(arg, &record, slots);
        record.type = RECORD_DEF;
    } while (at < slots);
}

void
stream_writer_end(stream_writer_t *self, int64_t time_ms)
{
    s_give(self, RECORD_END, 0, time_ms, 0);
}

uint64_t
stream_writer_stream(const stream_writer_t *self)
{
    return self->stream;
}

uint64_t
stream_writer_next(const stream_writer_t *self)
{
    return self->next;
}

uint32_t
stream_writer_slots(const stream_writer_t *self)
{
    return self->slots;
}

uint64_t
stream_writer_total(const stream_writer_t *self)
{
    return self->total;
}

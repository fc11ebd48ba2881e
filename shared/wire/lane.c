// lane - the receiving end of one stream: what a record means, given those before it.
// More than 500 lines, since what a record does to the rest of the state is best seen in one place.
//
// What the lane holds, and what a record does to it:
//   next   lowest seq not yet accepted. Only staged records (without REPEAT) move it.
//   chain  the seq that continues what was read last, repeated records included. A record with
//          another seq means that something between is missing: values then wait for a KEY.
//   table  slot -> series. A slot is never used twice, so a hole can leave the table incomplete,
//          never wrong, and that shows itself: a value stands in a slot that nobody defined. Only
//          a TABLE mends it.
//   width  slots of a row, kept by the decoder. A KEY sets it, definitions after it raise it.
//   room   slots that there may be memory for, in table and decoder. It only rises: what was taken
//          once is kept for as long as the lane lives.

#include "shared/wire/lane.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"

#define DEF_LEAST 5 // bytes of a definition: slot, kind, exponent, unit, a count of labels

enum slot_state {
    SLOT_UNKNOWN = 0, // dead before the TABLE, or its DEF was lost
    SLOT_DEFINED = 1,
    SLOT_REFUSED = 2, // by the handler
};

struct slot {
    uint8_t state; // enum slot_state
    struct metric_form form;
};

struct lane {
    uint64_t stream;
    struct lane_handler handler;
    row_decoder_t *decoder;
    uint64_t next;
    uint64_t total; // samples before `next`, by the sender's count
    uint64_t chain;
    bool staged;   // the record at hand counts: it is no repeat
    bool whole;    // its definitions carry `instance`, else none does
    bool joined;   // a record was staged
    bool readable; // the decoder's state is that of the row before `chain`
    bool apart;    // what left it so was not the staged record of values that was read last
    bool narrow;   // why it is not: the rows are wider than there is room for
    bool ended;
    uint32_t block;   // of the record, that is at hand
    uint32_t room;    // slots that the handler has granted
    uint32_t n_slots; // of the table: all above are SLOT_UNKNOWN
    uint32_t n_odd;   // of these: without a series, or without a form for integers
    uint32_t size;    // allocated
    struct slot *table;
    uint32_t row_size;  // allocated, both
    uint32_t *row_slot; // one row as the handler gets it
    double *row_value;
    struct lane_counters counters;
};

_Static_assert(sizeof(struct slot) + ROW_STATE_SLOT_BYTES == LANE_SLOT_BYTES, "as is said");

static int s_stage(lane_t *self, uint64_t base, const struct record *record);
static int s_duplicate(lane_t *self, const struct record *record);
static int s_damaged(lane_t *self);
static bool s_aside(const lane_t *self, const struct record *record);
static bool s_needless(const lane_t *self, const struct record *record);
static int s_read(lane_t *self, const struct record *record);

lane_t *
lane_new(uint64_t stream, const struct lane_handler *handler)
{
    lane_t *self = xcalloc(1, sizeof *self);

    assert(handler->define != NULL && handler->gap != NULL);
    assert(handler->row != NULL || (handler->block != NULL && handler->values != NULL));
    self->stream = stream;
    self->handler = *handler;
    self->decoder = row_decoder_new(handler->block_room);
    return self;
}

void
lane_destroy(lane_t **self_p)
{
    lane_t *self = *self_p;

    if (self == NULL)
        return;
    row_decoder_destroy(&self->decoder);
    free(self->table);
    free(self->row_slot);
    free(self->row_value);
    free(self);
    *self_p = NULL;
}

int
lane_accept(lane_t *self, const struct frame_prefix *prefix, const struct record *record)
{
    if (record->stream != self->stream)
        return ERR_UNKNOWN;
    if (record->seq == UINT64_MAX) // nothing could come after it
        return s_damaged(self);
    self->staged = (prefix->flags & FRAME_REPEAT) == 0;
    self->whole = (prefix->flags & FRAME_IMPORT) != 0;
    if (self->staged) {
        int rc = s_stage(self, prefix->base, record);

        if (rc == 1)
            return s_duplicate(self, record);
        if (rc < 0)
            return rc;
    }
    if (s_needless(self, record))
        return 0;
    if (!s_aside(self, record)) {
        if (record->seq != self->chain)
            self->readable = false;
        self->chain = record->seq + 1;
    }
    return s_read(self, record);
}

uint64_t
lane_next(const lane_t *self)
{
    return self->next;
}

bool
lane_ended(const lane_t *self)
{
    return self->ended;
}

const struct lane_counters *
lane_counters(const lane_t *self)
{
    return &self->counters;
}

const struct metric_form *
lane_form(const lane_t *self, uint32_t slot)
{
    return slot < self->n_slots && self->table[slot].state == SLOT_DEFINED ? &self->table[slot].form
                                                                           : NULL;
}

uint32_t
lane_width(const lane_t *self)
{
    return row_decoder_state(self->decoder)->slots;
}

uint32_t
lane_block(const lane_t *self)
{
    return self->block;
}

size_t
lane_bytes(const lane_t *self)
{
    const size_t row = ROW_STATE_SLOT_BYTES +
                       (self->handler.block_room == NULL ? ROW_ROOM_SLOT_BYTES : 0);

    return self->size * sizeof *self->table + row_decoder_state(self->decoder)->size * row +
           self->row_size * (sizeof *self->row_slot + sizeof *self->row_value);
}

// Books a record that is not a repeat. 0, or 1 for a duplicate, or ERR_FORMAT after END.
static int
s_stage(lane_t *self, uint64_t base, const struct record *record)
{
    if (record->seq < self->next) {
        self->counters.duplicates++;
        return 1;
    }
    if (self->ended)
        return s_damaged(self);
    // A base past the record is nonsense, and must not carry `next` with it.
    if (!self->joined && base > 0) {
        // Who joins late has no claim to what was acknowledged before.
        self->next = base < record->seq ? base : record->seq;
        self->total = record->total;
    }
    if (record->seq > self->next) {
        struct gap gap = { .to = record->seq - 1 };

        // `total` tells how many samples the missing records had, though nobody saw them.
        gap.samples = record->total > self->total ? record->total - self->total : 0;
        self->counters.holes += record->seq - self->next;
        self->handler.gap(self->handler.arg, self->next, &gap);
    }
    self->joined = true;
    self->next = record->seq + 1;
    self->total = record->total + record->count;
    self->counters.records++;
    return 0;
}

// Known already, but right behind what was repeated: a sender that was told an older `next` than
// ours goes on from there, and what is new comes after these. So they carry the state on, as
// repeats do; and definitions are read wherever they come, since the TABLE that was repeated is
// older than they are. Any other duplicate is left alone.
static int
s_duplicate(lane_t *self, const struct record *record)
{
    const bool leads = record->seq == self->chain;

    if (leads || record->type == RECORD_DEF) {
        self->staged = false;
        self->chain += leads;
        if (s_read(self, record) == ERR_FORMAT)
            return ERR_FORMAT;
    }
    return 1;
}

// A body that is not right, or a record that can not be: the state is not to be trusted any more.
static int
s_damaged(lane_t *self)
{
    self->counters.malformed++;
    self->readable = false;
    return ERR_FORMAT;
}

// What a repeat could not be read for was booked when the record itself came.
static int
s_unreadable(lane_t *self, uint64_t samples)
{
    if (self->staged)
        self->counters.unreadable += samples;
    return ERR_NEED_KEY;
}

// Definitions made for repeating alone have no place of their own in the run of records: they are
// read, and the chain goes on as if they had not been there.
static bool
s_aside(const lane_t *self, const struct record *record)
{
    return !self->staged && record->seq != self->chain &&
           (record->type == RECORD_TABLE || record->type == RECORD_DEF);
}

// A row repeated to a lane that has read all there is. After a connection was lost, what had been
// on its way may come between repeats and new records: the state must not go back then.
static bool
s_needless(const lane_t *self, const struct record *record)
{
    return !self->staged && self->readable && self->chain == self->next &&
           record->seq < self->next && record->type != RECORD_TABLE && record->type != RECORD_DEF;
}

// Whether there may be so many slots.
static bool
s_has_room(lane_t *self, uint32_t slots)
{
    if (slots <= self->room)
        return true;
    if (self->handler.room != NULL && !self->handler.room(self->handler.arg, slots))
        return false;
    self->room = slots;
    return true;
}

// A row that there is no room for. Nobody is asked for a KEY: it would be as wide.
static int
s_refuse(lane_t *self, const struct record *record)
{
    self->readable = false;
    self->narrow = true;
    if (self->staged)
        self->counters.refused += record->count;
    return 0;
}

static void
s_widen_table(lane_t *self, uint32_t slots)
{
    if (slots > self->size) {
        uint32_t size = slots < 2 * self->size ? 2 * self->size : slots;

        self->table = xrealloc(self->table, size, sizeof *self->table);
        self->size = size;
    }
    for (; self->n_slots < slots; self->n_slots++, self->n_odd++)
        self->table[self->n_slots] = (struct slot){ .state = SLOT_UNKNOWN };
}

// Whether a value of the slot needs a second look.
static bool
s_is_odd(const struct slot *slot)
{
    return slot->state != SLOT_DEFINED || slot->form.exponent == METRIC_RAW;
}

static void
s_set_slot(lane_t *self, uint32_t at, struct slot slot)
{
    s_widen_table(self, at + 1);
    self->n_odd -= s_is_odd(&self->table[at]);
    self->n_odd += s_is_odd(&slot);
    self->table[at] = slot;
}

// Definitions, rising by slot and below `slots`, up to the end of the body.
static int
s_read_defs(lane_t *self, struct rbuf *r, uint32_t slots)
{
    uint64_t n = rbuf_count(r, rbuf_left(r) / DEF_LEAST);
    uint32_t least = 0;

    for (; n > 0; n--) {
        struct slot_def def;
        bool refused;

        if (slot_def_take(r, &def) < 0)
            return ERR_FORMAT;
        // `instance` is the receiver's to give, from the identity: who may not import can not
        // speak for another.
        if (def.slot < least || def.slot >= slots ||
            (label_set_get(&def.labels, "instance") != NULL) != self->whole) {
            label_set_release(&def.labels);
            return ERR_FORMAT;
        }
        least = def.slot + 1;
        if (!s_has_room(self, least)) {
            label_set_release(&def.labels);
            continue;
        }
        // Told again after every TABLE: the handler finds what it knows by labels.
        refused = self->handler.define(self->handler.arg, &def) < 0;
        label_set_release(&def.labels);
        s_set_slot(
            self, def.slot,
            (struct slot){ .state = refused ? SLOT_REFUSED : SLOT_DEFINED, .form = def.form });
    }
    return rbuf_finish(r) < 0 ? ERR_FORMAT : (int) least;
}

static void
s_begin_table(lane_t *self)
{
    self->n_slots = 0;
    self->n_odd = 0;
    if (self->handler.table != NULL)
        self->handler.table(self->handler.arg);
}

// TABLE and DEF. In the chain they also say how wide the rows after them are. A TABLE that is
// repeated may be older than what is known, with rows of that still on their way: it only adds.
static int
s_read_table(lane_t *self, const struct record *record, struct rbuf *r)
{
    uint32_t slots = BODY_SLOTS_MAX;
    int width;

    if (record->type == RECORD_TABLE) {
        slots = (uint32_t) rbuf_count(r, BODY_SLOTS_MAX);
        if (self->staged)
            s_begin_table(self);
    }
    width = s_read_defs(self, r, slots);
    if (width < 0)
        return s_damaged(self);
    if (record->type == RECORD_TABLE)
        width = (int) slots;
    // One that stands aside may be newer than the rows on their way, and wider.
    if (!self->readable || self->chain != record->seq + 1)
        return 0;
    if (!s_has_room(self, (uint32_t) width))
        return s_refuse(self, record);
    row_state_grow(row_decoder_state(self->decoder), (uint32_t) width);
    return 0;
}

// What a block holds: cells of series, and such that were refused; the others nobody can name.
struct sorted {
    uint32_t given;
    uint32_t refused;
};

// ERR_FORMAT for an integer of a series that has only doubles: without an exponent it says nothing.
static int
s_sort(const lane_t *self, const struct row_block *block, struct sorted *ret)
{
    *ret = (struct sorted){ .given = block->n };
    if (self->n_odd == 0)
        return 0;
    ret->given = 0;
    for (uint32_t i = 0; i < block->n; i++) {
        const struct slot *slot = &self->table[block->slots[i]];

        ret->given += slot->state == SLOT_DEFINED;
        ret->refused += slot->state == SLOT_REFUSED;
        if (slot->state == SLOT_REFUSED && self->staged && self->handler.refused != NULL)
            self->handler.refused(self->handler.arg, block->slots[i]);
        if (slot->state == SLOT_DEFINED && slot->form.exponent == METRIC_RAW &&
            block->cells[i].state == CELL_INTEGER)
            return ERR_FORMAT;
    }
    return 0;
}

// The cells of series as doubles.
static void
s_give_row(lane_t *self, int64_t time_ms, const struct row_block *block)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < block->n; i++) {
        const struct cell *cell = &block->cells[i];
        const struct slot *slot = &self->table[block->slots[i]];

        if (slot->state != SLOT_DEFINED)
            continue;
        self->row_slot[n] = block->slots[i];
        self->row_value[n++] = cell->state == CELL_INTEGER ? metric_value(slot->form, cell->m)
                                                           : sample_from_bits(cell->bits);
    }
    self->handler.row(self->handler.arg, time_ms, self->row_slot, self->row_value, n);
}

// One block to the handler, unless it is repeated. Samples in it that nobody can name, or
// ERR_FORMAT.
static int64_t
s_give(lane_t *self, int64_t t0_ms, const struct row_block *block)
{
    struct sorted is;
    int64_t time_ms;

    if (__builtin_add_overflow(t0_ms, block->offset_ms, &time_ms) || s_sort(self, block, &is) < 0)
        return ERR_FORMAT;
    if (self->staged) {
        self->counters.samples += is.given;
        self->counters.refused += is.refused;
        if (is.given > 0 && self->handler.block != NULL)
            self->handler.block(self->handler.arg, time_ms, block);
        else if (is.given > 0)
            s_give_row(self, time_ms, block);
    }
    return block->n - is.given - is.refused;
}

// All blocks of a KEY or DELTA whose state is at hand.
static int
s_read_rows(lane_t *self, const struct record *record, struct rbuf *r)
{
    uint32_t width = row_decoder_state(self->decoder)->slots;
    struct row_block block;
    uint64_t samples = 0;
    uint64_t unknown = 0;
    int rc;

    // So that every slot of a row has an entry, if only to say that it is unknown.
    s_widen_table(self, width);
    if (self->handler.block == NULL && width > self->row_size) {
        self->row_slot = xrealloc(self->row_slot, self->size, sizeof *self->row_slot);
        self->row_value = xrealloc(self->row_value, self->size, sizeof *self->row_value);
        self->row_size = self->size;
    }
    if (self->staged && self->handler.block != NULL)
        self->handler.values(self->handler.arg, row_decoder_state(self->decoder), self->apart);
    self->apart = true;
    self->block = 0;
    for (; (rc = row_decoder_next(self->decoder, r, &block)) == 1; self->block++) {
        int64_t n = s_give(self, record->t0_ms, &block);

        if (n < 0)
            return s_damaged(self);
        samples += block.n;
        unknown += (uint64_t) n;
    }
    // All bookkeeping rests on the count: a sender that tells it wrong is not believed.
    if (rc < 0 || samples != record->count)
        return s_damaged(self);
    // The row is right even where some of it has no name yet: a TABLE alone will do then.
    self->readable = true;
    self->apart = !self->staged;
    return unknown > 0 ? s_unreadable(self, unknown) : 0;
}

// A KEY begins with its width, and all its state is its own: a hole before it does not matter.
static int
s_read_key(lane_t *self, const struct record *record, struct rbuf *r)
{
    struct row_state *state = row_decoder_state(self->decoder);
    const uint64_t width = rbuf_count(r, BODY_SLOTS_MAX);

    // Memory for a row only against bytes: its bitmap has them, or the definitions before had. One
    // of sparse blocks alone is as wide as any, and may be of one sample.
    if (rbuf_rc(r) < 0 || (width > self->room && width / 8 > rbuf_left(r)))
        return s_damaged(self);
    if (!s_has_room(self, (uint32_t) width))
        return s_refuse(self, record);
    self->narrow = false;
    state->slots = 0;
    row_state_grow(state, (uint32_t) width);
    return s_read_rows(self, record, r);
}

static int
s_read_gap(lane_t *self, const struct record *record, struct rbuf *r)
{
    struct gap gap;

    if (gap_take(r, &gap) < 0 || gap.to < record->seq || gap.to == UINT64_MAX)
        return s_damaged(self);
    // Definitions and keys may have been in it.
    self->readable = false;
    self->chain = gap.to + 1;
    if (!self->staged)
        return 0;
    self->next = gap.to + 1;
    self->total += gap.samples;
    self->counters.holes += gap.to - record->seq + 1;
    self->handler.gap(self->handler.arg, record->seq, &gap);
    return 0;
}

static int
s_read(lane_t *self, const struct record *record)
{
    struct identity id;
    struct rbuf r;

    rbuf_init(&r, record->body, record->body_len);
    switch (record->type) {
    case RECORD_IDENT: // said once, ahead of all else
        return record->seq != 0 || identity_take(&r, &id) < 0 ? s_damaged(self) : 0;
    case RECORD_TABLE:
    case RECORD_DEF:
        return s_read_table(self, record, &r);
    case RECORD_KEY:
        return s_read_key(self, record, &r);
    case RECORD_DELTA:
        if (self->narrow)
            return s_refuse(self, record);
        return self->readable ? s_read_rows(self, record, &r) : s_unreadable(self, record->count);
    case RECORD_GAP:
        return s_read_gap(self, record, &r);
    case RECORD_END:
        self->ended = self->ended || self->staged;
        return 0;
    case RECORD_EVENT: // says nothing about rows, whatever its body is
        if (self->staged && self->handler.event != NULL)
            self->handler.event(self->handler.arg, record);
        return 0;
    default: // of a later minor version: counted, and in the chain like any other
        self->counters.unknown += self->staged;
        return 0;
    }
}

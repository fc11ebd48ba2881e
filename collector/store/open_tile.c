// open_tile - see the header. Some lines past 500: both ends of one layout stand together.
//
// The bytes of a record, in a row over the pieces:
//   u8 flags, [svarint until_ms - t0_ms], [varint seq - expected], [varint width],
//   [varint n, n varints: 0 for a whole block, else 1 + its first slot that is left out],
//   svarint t0_ms - that of the record before, varint length, body
// What stands in brackets is there where its flag is set: hardly ever.

#include "collector/store/open_tile.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"
#include "shared/wire/row_pick.h"

enum kept_flag {
    KEPT_KEY = 1 << 0,
    KEPT_STATE = 1 << 1, // a KEY that sets the decoder and has no samples
    KEPT_UNTIL = 1 << 2,
    KEPT_SEQ = 1 << 3,
    KEPT_WIDTH = 1 << 4,
    KEPT_PART = 1 << 5,
};

#define HEAD_MOST         48u // bytes of a record's head
#define PIECE_ROOM        ((uint32_t) sizeof(((struct piece *) 0)->at))
#define STATE_MOST(slots) (64u + 16u * (size_t) (slots))

struct open_tile {
    struct open_tile_origin origin;
    piece_pool_t *pool;
    atomic_uint holders;
    pthread_mutex_t lock; // over `stat` and `map`: what cursors take when they are made
    struct open_tile_stat stat;
    struct slot_map *map; // NULL: none yet
    // The appender's alone:
    struct piece *first;
    struct piece *last;
    uint32_t used;  // of the last piece
    int64_t t0_ms;  // of the newest record
    uint32_t width; // slots of a reader's state after it
    bool begun;     // it has a KEY
};

struct open_cursor {
    open_tile_t *tile; // held
    struct open_tile_stat stat;
    struct slot_map *map; // held; NULL: none
    row_decoder_t *decoder;
    row_picker_t *picker; // in its place, where some slots were chosen; else NULL
    const struct piece *piece;
    uint32_t at;      // in the piece
    uint64_t left;    // bytes of the tile to come
    int64_t t0_ms;    // of the record at hand
    int64_t until_ms; // likewise
    uint64_t seq;     // likewise
    uint64_t due;     // seq of the next record, if nothing is left out
    bool state_only;  // likewise
    struct rbuf body; // likewise
    uint32_t *keep;   // likewise, as struct open_record has it; ours
    uint32_t n_keep;
    uint32_t keep_size; // allocated
    uint32_t block;     // of the record, that comes next
    struct buf joined;  // a body that spans pieces
};

static void s_keep(open_tile_t *self, const struct open_record *record, bool state_only);
static void s_put(open_tile_t *self, const uint8_t *at, size_t len);
static int64_t s_minus(int64_t a, int64_t b);
static int s_next_record(open_cursor_t *self);
static uint32_t s_put_keep(open_tile_t *self, const struct open_record *record);
static void s_take_keep(open_cursor_t *self);

open_tile_t *
open_tile_new(piece_pool_t *pool, const struct open_tile_origin *origin)
{
    open_tile_t *self = xcalloc(1, sizeof *self);

    self->origin = *origin;
    self->pool = pool;
    atomic_init(&self->holders, 1);
    pthread_mutex_init(&self->lock, NULL);
    self->stat.first_ms = INT64_MAX;
    self->stat.last_ms = INT64_MIN;
    return self;
}

open_tile_t *
open_tile_hold(open_tile_t *self)
{
    atomic_fetch_add_explicit(&self->holders, 1, memory_order_relaxed);
    return self;
}

void
open_tile_drop(open_tile_t **self_p)
{
    open_tile_t *self = *self_p;

    *self_p = NULL;
    if (self == NULL || atomic_fetch_sub_explicit(&self->holders, 1, memory_order_acq_rel) > 1)
        return;
    piece_pool_give(self->pool, self->first);
    slot_map_drop(self->map);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

const struct open_tile_origin *
open_tile_origin(const open_tile_t *self)
{
    return &self->origin;
}

struct open_tile_stat
open_tile_stat(open_tile_t *self)
{
    struct open_tile_stat stat;

    pthread_mutex_lock(&self->lock);
    stat = self->stat;
    pthread_mutex_unlock(&self->lock);
    return stat;
}

// As a KEY of two rows: the first says the last integer of every slot, the second which of them
// have no value just now. Both ends hold exactly that.
void
open_tile_begin(open_tile_t *self, const struct row_state *state)
{
    struct cell *cells = xcalloc(state->slots + 1, sizeof *cells);
    struct row_state fresh = { 0 };
    uint8_t *body = xmalloc(STATE_MOST(state->slots));
    struct wbuf w;

    assert(!self->begun);
    wbuf_init(&w, body, STATE_MOST(state->slots));
    row_state_grow(&fresh, state->slots);
    row_put_key(&fresh, &w);
    for (uint32_t i = 0; i < state->slots; i++)
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = state->prev[i] };
    row_put(&fresh, &w, 0, cells);
    for (uint32_t i = 0; i < state->slots; i++)
        cells[i].state = state->absent[i] != 0 ? CELL_ABSENT : CELL_INTEGER;
    row_put(&fresh, &w, 0, cells);
    assert(wbuf_finish(&w) > 0);
    s_keep(self,
           &(struct open_record){ .key = true,
                                  .until_ms = INT64_MAX,
                                  .width = state->slots,
                                  .body = body,
                                  .body_len = (uint32_t) w.len },
           true);
    row_state_release(&fresh);
    free(body);
    free(cells);
}

void
open_tile_map(open_tile_t *self, struct slot_map *map)
{
    struct slot_map *before;
    uint32_t series = 0;

    slot_map_hold(map);
    for (uint32_t i = 0; i < map->n; i++)
        series += slot_map_at(map, i)->id != 0;
    pthread_mutex_lock(&self->lock);
    before = self->map;
    self->map = map;
    self->stat.series = series;
    pthread_mutex_unlock(&self->lock);
    slot_map_drop(before);
}

void
open_tile_append(open_tile_t *self, const struct open_record *record)
{
    assert(self->begun || record->key);
    assert(self->stat.records == 0 || record->seq >= self->stat.next_seq);
    s_keep(self, record, false);
}

// What cursors see grows by the whole record at once.
static void
s_keep(open_tile_t *self, const struct open_record *record, bool state_only)
{
    const bool first = self->stat.records == 0;
    const uint64_t due = first ? 0 : self->stat.next_seq;
    uint8_t head[HEAD_MOST];
    unsigned flags = 0;
    uint32_t bytes;
    struct wbuf w;

    flags |= record->key ? KEPT_KEY : 0;
    flags |= state_only ? KEPT_STATE : 0;
    flags |= record->until_ms < INT64_MAX ? KEPT_UNTIL : 0;
    flags |= record->seq != due ? KEPT_SEQ : 0;
    flags |= !record->key && record->width != self->width ? KEPT_WIDTH : 0;
    flags |= record->n_keep > 0 ? KEPT_PART : 0;
    wbuf_init(&w, head, sizeof head);
    wbuf_u8(&w, (uint8_t) flags);
    if ((flags & KEPT_UNTIL) != 0)
        wbuf_svarint(&w, s_minus(record->until_ms, record->t0_ms));
    if ((flags & KEPT_SEQ) != 0)
        wbuf_varint(&w, record->seq - due);
    if ((flags & KEPT_WIDTH) != 0)
        wbuf_varint(&w, record->width);
    s_put(self, head, w.len);
    bytes = (uint32_t) w.len + s_put_keep(self, record);
    wbuf_init(&w, head, sizeof head);
    wbuf_svarint(&w, s_minus(record->t0_ms, self->t0_ms));
    wbuf_varint(&w, record->body_len);
    s_put(self, head, w.len);
    s_put(self, record->body, record->body_len);
    bytes += (uint32_t) w.len + record->body_len;
    self->t0_ms = record->t0_ms;
    self->width = record->width;
    self->begun = true;

    pthread_mutex_lock(&self->lock);
    self->stat.bytes += bytes;
    if (!state_only) {
        self->stat.first_seq = first ? record->seq : self->stat.first_seq;
        self->stat.next_seq = record->seq + 1;
        self->stat.records++;
        self->stat.samples += record->samples;
        if (record->samples > 0 && record->first_ms < self->stat.first_ms)
            self->stat.first_ms = record->first_ms;
        if (record->samples > 0 && record->last_ms > self->stat.last_ms)
            self->stat.last_ms = record->last_ms;
    }
    pthread_mutex_unlock(&self->lock);
}

// The bytes that it takes: none but for what was cut.
static uint32_t
s_put_keep(open_tile_t *self, const struct open_record *record)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; record->n_keep > 0 && i <= record->n_keep; i++) {
        uint8_t one[10];
        struct wbuf w;

        wbuf_init(&w, one, sizeof one);
        if (i == 0)
            wbuf_varint(&w, record->n_keep);
        else
            wbuf_varint(&w, (uint32_t) (record->keep[i - 1] + 1)); // OPEN_WHOLE becomes 0
        s_put(self, one, w.len);
        bytes += (uint32_t) w.len;
    }
    return bytes;
}

// Times are a stranger's: their differences wrap, on both ways alike.
static int64_t
s_minus(int64_t a, int64_t b)
{
    return (int64_t) ((uint64_t) a - (uint64_t) b);
}

static int64_t
s_plus(int64_t a, int64_t b)
{
    return (int64_t) ((uint64_t) a + (uint64_t) b);
}

static void
s_put(open_tile_t *self, const uint8_t *at, size_t len)
{
    while (len > 0) {
        size_t n;

        if (self->last == NULL || self->used == PIECE_ROOM) {
            struct piece *piece = piece_pool_take(self->pool);

            if (self->last == NULL)
                self->first = piece;
            else
                self->last->next = piece;
            self->last = piece;
            self->used = 0;
        }
        n = PIECE_ROOM - self->used < len ? PIECE_ROOM - self->used : len;
        memcpy(self->last->at + self->used, at, n);
        self->used += (uint32_t) n;
        at += n;
        len -= n;
    }
}

// `first` is set before a cursor can see a byte, and never again.
open_cursor_t *
open_cursor_new(open_tile_t *tile)
{
    open_cursor_t *self = xcalloc(1, sizeof *self);

    self->tile = open_tile_hold(tile);
    pthread_mutex_lock(&tile->lock);
    self->stat = tile->stat;
    self->map = tile->map == NULL ? NULL : slot_map_hold(tile->map);
    pthread_mutex_unlock(&tile->lock);
    self->decoder = row_decoder_new(NULL);
    self->left = self->stat.bytes;
    self->piece = self->left > 0 ? tile->first : NULL;
    if (self->map == NULL)
        self->map = slot_map_new(NULL, 0);
    return self;
}

void
open_cursor_destroy(open_cursor_t **self_p)
{
    open_cursor_t *self = *self_p;

    if (self == NULL)
        return;
    row_decoder_destroy(&self->decoder);
    row_picker_destroy(&self->picker);
    slot_map_drop(self->map);
    open_tile_drop(&self->tile);
    buf_release(&self->joined);
    free(self->keep);
    free(self);
    *self_p = NULL;
}

void
open_cursor_choose(open_cursor_t *self, const uint32_t *slots, uint32_t n)
{
    assert(self->picker == NULL && self->left == self->stat.bytes);
    self->picker = row_picker_new(slots, n);
}

const struct open_tile_stat *
open_cursor_stat(const open_cursor_t *self)
{
    return &self->stat;
}

const struct slot_map *
open_cursor_map(const open_cursor_t *self)
{
    return self->map;
}

int
open_cursor_next(open_cursor_t *self, struct open_block *ret)
{
    struct row_block block;
    uint32_t most;
    int rc;

    for (;;) {
        rc = self->picker != NULL ? row_picker_next(self->picker, &self->body, &block)
                                  : row_decoder_next(self->decoder, &self->body, &block);
        if (rc < 0)
            return rc;
        if (rc == 0) {
            rc = s_next_record(self);
            if (rc != 1)
                return rc;
            continue;
        }
        ret->time_ms = s_plus(self->t0_ms, block.offset_ms);
        most = self->block < self->n_keep ? self->keep[self->block] : OPEN_WHOLE;
        self->block++;
        if (!self->state_only && ret->time_ms <= self->until_ms && most > 0)
            break;
    }
    ret->seq = self->seq;
    ret->dense = !block.sparse;
    for (ret->n = block.n; ret->n > 0 && block.slots[ret->n - 1] >= most;)
        ret->n--;
    ret->slots = block.slots;
    ret->cells = block.cells;
    return 1;
}

// The next `n` bytes in one piece, copied only where they span two; on to what is behind them.
static const uint8_t *
s_bytes(open_cursor_t *self, size_t n)
{
    const uint8_t *at;

    if (n > self->left)
        return NULL;
    self->left -= n;
    if (self->at == PIECE_ROOM && n > 0) {
        self->piece = self->piece->next;
        self->at = 0;
    }
    at = self->piece->at + self->at;
    if (n <= PIECE_ROOM - self->at) {
        self->at += (uint32_t) n;
        return at;
    }
    buf_clear(&self->joined);
    for (size_t some; n > 0; n -= some) {
        if (self->at == PIECE_ROOM) {
            self->piece = self->piece->next;
            self->at = 0;
        }
        some = n < PIECE_ROOM - self->at ? n : PIECE_ROOM - self->at;
        buf_bytes(&self->joined, self->piece->at + self->at, some);
        self->at += (uint32_t) some;
    }
    return self->joined.at;
}

static uint64_t
s_varint(open_cursor_t *self)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = s_bytes(self, 1);

        if (byte == NULL)
            break;
        v |= (uint64_t) (*byte & 0x7fu) << shift;
        if (*byte < 0x80)
            break;
    }
    return v;
}

static int64_t
s_svarint(open_cursor_t *self)
{
    const uint64_t z = s_varint(self);

    return (int64_t) ((z >> 1) ^ (0 - (z & 1)));
}

// Of the record at hand; 0 of one that is no KEY: as before.
static void
s_set_width(open_cursor_t *self, bool key, uint32_t width)
{
    struct row_state *state = row_decoder_state(self->decoder);

    if (self->picker != NULL && key) {
        row_picker_key(self->picker, width);
    } else if (self->picker != NULL) {
        row_picker_widen(self->picker, width);
    } else {
        state->slots = key ? 0 : state->slots;
        row_state_grow(state, width);
    }
}

static void
s_take_keep(open_cursor_t *self)
{
    self->n_keep = (uint32_t) s_varint(self);
    if (self->n_keep > self->keep_size) {
        self->keep = xrealloc(self->keep, self->n_keep, sizeof *self->keep);
        self->keep_size = self->n_keep;
    }
    for (uint32_t i = 0; i < self->n_keep; i++)
        self->keep[i] = (uint32_t) s_varint(self) - 1;
}

// 1, or 0 at the end; the head is our own and believed.
static int
s_next_record(open_cursor_t *self)
{
    int64_t until_ms = INT64_MAX;
    const uint8_t *at;
    uint32_t width = 0;
    unsigned flags;
    size_t len;

    if (self->left == 0)
        return 0;
    flags = *s_bytes(self, 1);
    if ((flags & KEPT_UNTIL) != 0)
        until_ms = s_svarint(self);
    self->seq = self->due + ((flags & KEPT_SEQ) != 0 ? s_varint(self) : 0);
    if ((flags & KEPT_WIDTH) != 0)
        width = (uint32_t) s_varint(self);
    self->block = self->n_keep = 0;
    if ((flags & KEPT_PART) != 0)
        s_take_keep(self);
    self->t0_ms = s_plus(self->t0_ms, s_svarint(self));
    self->until_ms = (flags & KEPT_UNTIL) != 0 ? s_plus(self->t0_ms, until_ms) : INT64_MAX;
    self->state_only = (flags & KEPT_STATE) != 0;
    if (!self->state_only)
        self->due = self->seq + 1;
    len = (size_t) s_varint(self);
    at = s_bytes(self, len);
    if (at == NULL)
        return ERR_FORMAT;
    rbuf_init(&self->body, at, len);
    if ((flags & KEPT_KEY) != 0)
        width = (uint32_t) rbuf_count(&self->body, BODY_SLOTS_MAX);
    s_set_width(self, (flags & KEPT_KEY) != 0, width);
    return 1;
}

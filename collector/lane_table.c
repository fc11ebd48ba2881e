// lane_table - see the header.
//
// Some 570 lines: booking, and the checkpoint that says all of it again, know the same fields.

#include "collector/lane_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"

#define DEFS_MOST 4096 // places of one lane in a checkpoint; the journal gathers them long before
#define OPEN_MS   (30 * INT64_C(86400000)) // a stream without END is known for so much longer
#define LANE_SIZE 256                      // bytes of a lane without its places, at most
#define DEF_SIZE  20                       // bytes of a place, at most
#define HOST_SIZE 41                       // bytes of a host's counts, at most

enum item { ITEM_SEGMENT = 1, ITEM_HOST = 2, ITEM_LANE = 3 };
enum lane_flag { LANE_ENDED = 1, LANE_BACKLOG = 2 };

struct lane_key {
    uint64_t host, stream;
};

struct lane_table {
    map_t *lanes; // struct lane_key -> struct lane_entry
    map_t *hosts; // host -> struct lane_host
};

static void s_clear(lane_table_t *self);
static void s_book_record(struct lane_entry *lane, const struct journal_entry *e,
                          struct segment_place place);
static void s_book_chain(struct lane_entry *lane, const struct journal_entry *e,
                         struct segment_place place);
static void s_book_basis(struct lane_entry *lane, const struct journal_entry *e,
                         struct segment_place place);
static void s_add_def(struct lane_entry *lane, struct segment_place place);
static struct lane_host *s_host(lane_table_t *self, uint64_t host);
static void s_name(lane_table_t *self, uint64_t host, const char *name, size_t len);
static void s_host_free(struct lane_host *host);
static void s_put_host(struct buf *out, const void *key, const struct lane_host *host);
static int s_load_host(lane_table_t *self, struct rbuf *r);
static void s_forget(lane_table_t *self, struct lane_entry *lane);
static void s_put_lane(struct buf *out, const struct lane_entry *lane);
static int s_load_lane(lane_table_t *self, struct rbuf *r);

lane_table_t *
lane_table_new(void)
{
    lane_table_t *self = xcalloc(1, sizeof *self);

    self->lanes = map_new();
    self->hosts = map_new();
    return self;
}

void
lane_table_destroy(lane_table_t **self_p)
{
    lane_table_t *self = *self_p;

    if (self == NULL)
        return;
    s_clear(self);
    free(self);
    *self_p = NULL;
}

static void
s_clear(lane_table_t *self)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->lanes, &at, &entry)) {
        free(((struct lane_entry *) entry.value)->defs);
        free(entry.value);
    }
    at = 0;
    while (map_next(self->hosts, &at, &entry))
        s_host_free(entry.value);
    map_destroy(&self->lanes);
    map_destroy(&self->hosts);
}

void
lane_table_copy(lane_table_t *self, const lane_table_t *from)
{
    struct map_entry entry;
    const struct lane_entry *lane;
    size_t at = 0;

    s_clear(self);
    self->lanes = map_new();
    self->hosts = map_new();
    while ((lane = lane_table_next(from, &at)) != NULL) {
        struct lane_entry *copy = lane_table_add(self, lane->host, lane->stream);

        *copy = *lane;
        copy->defs_size = lane->n_defs;
        copy->defs = lane->n_defs == 0 ? NULL
                                       : xmemdup(lane->defs, lane->n_defs * sizeof *copy->defs);
    }
    at = 0;
    while (map_next(from->hosts, &at, &entry)) {
        const struct lane_host *host = entry.value;
        struct lane_host *copy;
        uint64_t id;

        memcpy(&id, entry.key, sizeof id);
        copy = s_host(self, id);
        *copy = *host;
        copy->name = host->name == NULL ? NULL : xstrdup(host->name);
    }
}

void
lane_table_book(lane_table_t *self, const struct journal_entry *e, struct segment_place place)
{
    struct lane_host *host;
    struct lane_entry *lane;

    switch (e->kind) {
    case JOURNAL_RECORD:
        lane = lane_table_add(self, e->host, e->record.stream);
        host = s_host(self, e->host);
        host->taken -= lane->taken;
        host->elsewhere -= lane->elsewhere;
        s_book_record(lane, e, place);
        host->taken += lane->taken;
        host->elsewhere += lane->elsewhere;
        break;
    case JOURNAL_BEFORE:
        host = s_host(self, e->host);
        host->before = e->samples;
        host->settled = true;
        break;
    case JOURNAL_HOST:
        s_name(self, e->host, e->name, e->name_len);
        break;
    case JOURNAL_BASIS:
        s_book_basis(lane_table_add(self, e->host, e->stream), e, place);
        break;
    case JOURNAL_REFUSED:
        lane = lane_table_add(self, e->host, e->stream);
        lane_table_refuse(self, lane, e->samples - lane->refused);
        break;
    default:
        break;
    }
}

static void
s_book_record(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    const struct record *record = &e->record;
    struct gap gap = { 0 };
    struct rbuf r;

    if ((e->flags & FRAME_REPEAT) != 0) {
        s_book_chain(lane, e, place);
        return;
    }
    if (record->seq < lane->next || record->seq == UINT64_MAX)
        return;
    if (record->seq > lane->next && record->total > lane->total)
        lane->elsewhere += record->total - lane->total;
    s_book_chain(lane, e, place);
    lane->next = record->seq + 1;
    lane->total = record->total + record->count;
    lane->taken += record->count;
    lane->crc = e->crc;
    lane->heard_ms = e->received_ms;
    lane->ended = lane->ended || record->type == RECORD_END;
    rbuf_init(&r, record->body, record->body_len);
    if (record->type == RECORD_GAP && gap_take(&r, &gap) == 0 && gap.to >= record->seq &&
        gap.to != UINT64_MAX) {
        lane->next = gap.to + 1;
        lane->chain = lane->next;
        lane->total += gap.samples;
        lane->crc = 0; // the sender makes another one of it where neighbours are merged
    }
    if ((e->flags & FRAME_BACKLOG) == 0 || record->count == 0)
        return;
    if (!lane->backlog || record->t0_ms < lane->from_ms)
        lane->from_ms = record->t0_ms;
    if (!lane->backlog || record->t0_ms > lane->to_ms)
        lane->to_ms = record->t0_ms;
    lane->backlog = true;
}

// What can be read from the journal alone, as the lane that decodes it will see it.
static void
s_book_chain(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    const struct record *record = &e->record;
    const bool repeat = (e->flags & FRAME_REPEAT) != 0;

    if (record->type == RECORD_TABLE)
        lane->n_defs = 0;
    if (record->type == RECORD_TABLE || record->type == RECORD_DEF) {
        s_add_def(lane, place);
        if (repeat &&
            record->seq != lane->chain) // made for repeating alone: of no place in the run
            return;
    }
    if (record->type == RECORD_KEY)
        lane->key = place;
    else if (record->seq != lane->chain || record->type == RECORD_GAP)
        lane->key.segment = 0;
    lane->chain = record->seq + 1;
}

static void
s_book_basis(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < lane->n_defs; i++)
        if (lane->defs[i].segment >= e->below)
            lane->defs[kept++] = lane->defs[i];
    lane->n_defs = kept;
    s_add_def(lane, place);
}

static void
s_add_def(struct lane_entry *lane, struct segment_place place)
{
    if (lane->n_defs == lane->defs_size) {
        lane->defs_size = lane->defs_size == 0 ? 4 : 2 * lane->defs_size;
        lane->defs = xrealloc(lane->defs, lane->defs_size, sizeof *lane->defs);
    }
    lane->defs[lane->n_defs++] = place;
}

static void
s_name(lane_table_t *self, uint64_t host, const char *name, size_t len)
{
    struct lane_host *entry = s_host(self, host);

    free(entry->name);
    entry->name = xstrndup(name, len);
}

// Made where it is missing.
static struct lane_host *
s_host(lane_table_t *self, uint64_t id)
{
    struct lane_host *host = map_get_u64(self->hosts, id);

    if (host == NULL) {
        host = xcalloc(1, sizeof *host);
        map_put_u64(self->hosts, id, host);
    }
    return host;
}

static void
s_host_free(struct lane_host *host)
{
    if (host == NULL)
        return;
    free(host->name);
    free(host);
}

// The sum of the host's streams moves with the stream's.
void
lane_table_refuse(lane_table_t *self, struct lane_entry *lane, uint64_t samples)
{
    lane->refused += samples;
    s_host(self, lane->host)->refused += samples;
}

void
lane_table_trim(lane_table_t *self, uint64_t oldest)
{
    struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(self, &at)) != NULL) {
        uint32_t kept = 0;

        if (lane->key.segment < oldest)
            lane->key.segment = 0;
        for (uint32_t i = 0; i < lane->n_defs; i++)
            if (lane->defs[i].segment >= oldest)
                lane->defs[kept++] = lane->defs[i];
        lane->n_defs = kept;
    }
}

void
lane_table_expire(lane_table_t *self, int64_t before_ms)
{
    const size_t n = lane_table_count(self);
    struct lane_entry **gone = xcalloc(n + 1, sizeof(struct lane_entry *));
    map_t *hosts = map_new();
    struct lane_entry *lane;
    size_t at = 0, n_gone = 0;

    while ((lane = lane_table_next(self, &at)) != NULL) {
        if (lane->heard_ms < (lane->ended ? before_ms : before_ms - OPEN_MS))
            gone[n_gone++] = lane;
        else
            map_put_u64(hosts, lane->host, lane);
    }
    for (size_t i = 0; i < n_gone; i++) {
        const uint64_t host = gone[i]->host;

        s_forget(self, gone[i]);
        if (map_get_u64(hosts, host) == NULL)
            s_host_free(map_remove_u64(self->hosts, host));
    }
    map_destroy(&hosts);
    free(gone);
}

static void
s_forget(lane_table_t *self, struct lane_entry *lane)
{
    const struct lane_key key = { lane->host, lane->stream };

    map_remove(self->lanes, &key, sizeof key);
    free(lane->defs);
    free(lane);
}

struct lane_entry *
lane_table_find(const lane_table_t *self, uint64_t host, uint64_t stream)
{
    const struct lane_key key = { host, stream };

    return map_get(self->lanes, &key, sizeof key);
}

struct lane_entry *
lane_table_add(lane_table_t *self, uint64_t host, uint64_t stream)
{
    const struct lane_key key = { host, stream };
    struct lane_entry *lane = map_get(self->lanes, &key, sizeof key);

    if (lane == NULL) {
        lane = xcalloc(1, sizeof *lane);
        lane->host = host;
        lane->stream = stream;
        map_put(self->lanes, &key, sizeof key, lane);
    }
    return lane;
}

const char *
lane_table_name(const lane_table_t *self, uint64_t host)
{
    const struct lane_host *entry = map_get_u64(self->hosts, host);

    return entry == NULL ? NULL : entry->name;
}

const struct lane_host *
lane_table_host(const lane_table_t *self, uint64_t host)
{
    return map_get_u64(self->hosts, host);
}

size_t
lane_table_count(const lane_table_t *self)
{
    return map_count(self->lanes);
}

struct lane_entry *
lane_table_next(const lane_table_t *self, size_t *at)
{
    struct map_entry entry;

    return map_next(self->lanes, at, &entry) ? entry.value : NULL;
}

// The map keeps a number as this machine does; the file is little endian.
static void
s_put_u64(struct buf *out, const void *key)
{
    uint8_t bytes[8];
    uint64_t number;
    struct wbuf w;

    memcpy(&number, key, sizeof number);
    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u64(&w, number);
    buf_bytes(out, bytes, sizeof bytes);
}

int
lane_table_save(const lane_table_t *self, struct buf *first, lane_emit_fn *emit, void *arg)
{
    const struct lane_entry *lane;
    struct map_entry entry;
    uint8_t flags = JOURNAL_FIRST;
    size_t at = 0;

    while (map_next(self->hosts, &at, &entry)) {
        s_put_host(first, entry.key, entry.value);
    }
    at = 0;
    while ((lane = lane_table_next(self, &at)) != NULL) {
        if (first->len >= LANE_PIECE_BYTES) {
            const int rc = emit(arg, first, flags);

            if (rc < 0)
                return rc;
            flags = 0;
            buf_clear(first);
        }
        s_put_lane(first, lane);
    }
    return emit(arg, first, (uint8_t) (flags | JOURNAL_LAST));
}

static void
s_put_host(struct buf *out, const void *key, const struct lane_host *host)
{
    uint8_t bytes[HOST_SIZE];
    struct wbuf w;

    buf_byte(out, ITEM_HOST);
    s_put_u64(out, key);
    journal_name_put(out, host->name == NULL ? "" : host->name);
    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_varint(&w, host->taken);
    wbuf_varint(&w, host->elsewhere);
    wbuf_varint(&w, host->refused);
    wbuf_u8(&w, host->settled);
    wbuf_varint(&w, host->before);
    buf_bytes(out, bytes, (size_t) wbuf_finish(&w));
}

static void
s_put_lane(struct buf *out, const struct lane_entry *lane)
{
    const uint32_t n = lane->n_defs < DEFS_MOST ? lane->n_defs : DEFS_MOST;
    const size_t size = LANE_SIZE + (size_t) n * DEF_SIZE;
    struct wbuf w;

    buf_reserve(out, size);
    wbuf_init(&w, out->at + out->len, size);
    wbuf_u8(&w, ITEM_LANE);
    wbuf_u64(&w, lane->host);
    wbuf_u64(&w, lane->stream);
    wbuf_u8(&w, (uint8_t) ((lane->ended ? LANE_ENDED : 0) | (lane->backlog ? LANE_BACKLOG : 0)));
    wbuf_varint(&w, lane->next);
    wbuf_varint(&w, lane->total);
    wbuf_u32(&w, lane->crc);
    wbuf_varint(&w, lane->taken);
    wbuf_varint(&w, lane->elsewhere);
    wbuf_varint(&w, lane->refused);
    wbuf_svarint(&w, lane->heard_ms);
    wbuf_svarint(&w, lane->from_ms);
    wbuf_svarint(&w, lane->to_ms);
    wbuf_varint(&w, lane->chain);
    wbuf_varint(&w, lane->key.segment);
    wbuf_varint(&w, lane->key.offset);
    wbuf_varint(&w, n);
    for (uint32_t i = 0; i < n; i++) {
        wbuf_varint(&w, lane->defs[i].segment);
        wbuf_varint(&w, lane->defs[i].offset);
    }
    assert(wbuf_finish(&w) > 0);
    out->len += (size_t) wbuf_finish(&w);
}

void
lane_table_put_segment(struct buf *out, uint64_t number, int64_t needed_ms)
{
    uint8_t bytes[32];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, ITEM_SEGMENT);
    wbuf_varint(&w, number);
    wbuf_svarint(&w, needed_ms);
    buf_bytes(out, bytes, (size_t) wbuf_finish(&w));
}

int
lane_table_load(lane_table_t *self, const uint8_t *items, size_t len, lane_segment_fn *segment,
                void *arg)
{
    struct rbuf r;
    int rc = 0;

    rbuf_init(&r, items, len);
    while (rc == 0 && rbuf_left(&r) > 0) {
        const uint8_t item = rbuf_u8(&r);

        if (item == ITEM_SEGMENT) {
            const uint64_t number = rbuf_varint(&r);
            const int64_t needed_ms = rbuf_svarint(&r);

            if (rbuf_rc(&r) == 0)
                segment(arg, number, needed_ms);
        } else if (item == ITEM_HOST) {
            rc = s_load_host(self, &r);
        } else {
            rc = item == ITEM_LANE ? s_load_lane(self, &r) : ERR_FORMAT;
        }
        rc = rc < 0 ? rc : rbuf_rc(&r);
    }
    return rc;
}

static int
s_load_host(lane_table_t *self, struct rbuf *r)
{
    const uint64_t id = rbuf_u64(r);
    struct lane_host *host;
    size_t n;
    const char *name = rbuf_str(r, BODY_NAME_MAX, &n);

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    host = s_host(self, id);
    if (n > 0)
        s_name(self, id, name, n);
    host->taken = rbuf_varint(r);
    host->elsewhere = rbuf_varint(r);
    host->refused = rbuf_varint(r);
    host->settled = rbuf_u8(r) != 0;
    host->before = rbuf_varint(r);
    return rbuf_rc(r);
}

static int
s_load_lane(lane_table_t *self, struct rbuf *r)
{
    const uint64_t host = rbuf_u64(r);
    const uint64_t stream = rbuf_u64(r);
    const uint8_t flags = rbuf_u8(r);
    struct lane_entry *lane;
    uint64_t n;

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    lane = lane_table_add(self, host, stream);
    lane->n_defs = 0;
    lane->ended = (flags & LANE_ENDED) != 0;
    lane->backlog = (flags & LANE_BACKLOG) != 0;
    lane->next = rbuf_varint(r);
    lane->total = rbuf_varint(r);
    lane->crc = rbuf_u32(r);
    lane->taken = rbuf_varint(r);
    lane->elsewhere = rbuf_varint(r);
    lane->refused = rbuf_varint(r);
    lane->heard_ms = rbuf_svarint(r);
    lane->from_ms = rbuf_svarint(r);
    lane->to_ms = rbuf_svarint(r);
    lane->chain = rbuf_varint(r);
    lane->key.segment = rbuf_varint(r);
    lane->key.offset = (uint32_t) rbuf_count(r, UINT32_MAX);
    n = rbuf_count(r, DEFS_MOST);
    for (; n > 0 && rbuf_rc(r) == 0; n--) {
        struct segment_place place = { .segment = rbuf_varint(r) };

        place.offset = (uint32_t) rbuf_count(r, UINT32_MAX);
        if (rbuf_rc(r) == 0)
            s_add_def(lane, place);
    }
    return rbuf_rc(r);
}

// lane_checkpoint - see the header.

#include "collector/lane_checkpoint.h"

#include <assert.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define DEFS_MOST 4096 // places of one lane in a checkpoint; the journal gathers them long before
#define LANE_SIZE 256  // bytes of a lane without its places, at most
#define DEF_SIZE  20   // bytes of a place, at most
#define HOST_SIZE 41   // bytes of a host's counts, at most

// 1 was in use once.
enum item { ITEM_HOST = 2, ITEM_LANE = 3, ITEM_SEGMENT = 4, ITEM_LIMITS = 5 };
enum lane_flag { LANE_ENDED = 1, LANE_BACKLOG = 2, LANE_TORN = 4 };

static void s_put_host(struct buf *out, uint64_t id, const struct lane_host *host);
static void s_put_lane(struct buf *out, const struct lane_entry *lane);
static void s_put_limits(struct buf *out, const struct lane_entry *lane);
static int s_load_host(lane_table_t *table, struct rbuf *r);
static int s_load_lane(lane_table_t *table, struct rbuf *r);
static int s_load_limits(lane_table_t *table, struct rbuf *r);

// Of hosts there may be thousands, each with a name of some kilobytes: they come in pieces too.
static int
s_emit_full(struct buf *items, uint8_t *flags, lane_emit_fn *emit, void *arg)
{
    int rc;

    if (items->len < LANE_PIECE_BYTES)
        return 0;
    rc = emit(arg, items, *flags);
    *flags = 0;
    buf_clear(items);
    return rc;
}

int
lane_checkpoint_save(const lane_table_t *table, struct buf *first, lane_emit_fn *emit, void *arg)
{
    const struct lane_entry *lane;
    const struct lane_host *host;
    uint8_t flags = JOURNAL_FIRST;
    uint64_t id;
    size_t at = 0;
    int rc = 0;

    while (rc >= 0 && (host = lane_table_next_host(table, &at, &id)) != NULL) {
        rc = s_emit_full(first, &flags, emit, arg);
        s_put_host(first, id, host);
    }
    at = 0;
    while (rc >= 0 && (lane = lane_table_next(table, &at)) != NULL) {
        rc = s_emit_full(first, &flags, emit, arg);
        s_put_lane(first, lane);
        if (lane->decided.below > 0)
            s_put_limits(first, lane);
    }
    return rc < 0 ? rc : emit(arg, first, (uint8_t) (flags | JOURNAL_LAST));
}

static void
s_put_host(struct buf *out, uint64_t id, const struct lane_host *host)
{
    uint8_t bytes[HOST_SIZE];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, ITEM_HOST);
    wbuf_u64(&w, id);
    buf_bytes(out, bytes, (size_t) wbuf_finish(&w));
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
    wbuf_u8(&w, (uint8_t) ((lane->ended ? LANE_ENDED : 0) | (lane->backlog ? LANE_BACKLOG : 0) |
                           (lane->torn ? LANE_TORN : 0)));
    wbuf_varint(&w, lane->next);
    wbuf_varint(&w, lane->total);
    wbuf_u32(&w, lane->crc);
    wbuf_varint(&w, lane->taken);
    wbuf_varint(&w, lane->elsewhere);
    wbuf_varint(&w, lane->refused);
    wbuf_varint(&w, lane->refused_next);
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

// Behind its lane, as an entry of its own: what a reader knows of lanes stays as it was.
static void
s_put_limits(struct buf *out, const struct lane_entry *lane)
{
    uint8_t bytes[9];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, ITEM_LIMITS);
    wbuf_u64(&w, lane->host);
    buf_bytes(out, bytes, sizeof bytes);
    journal_limits_put(out, lane->stream, &lane->decided);
}

void
lane_checkpoint_put_segment(struct buf *out, uint64_t number, uint64_t needed_by)
{
    uint8_t bytes[32];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, ITEM_SEGMENT);
    wbuf_varint(&w, number);
    wbuf_varint(&w, needed_by);
    buf_bytes(out, bytes, (size_t) wbuf_finish(&w));
}

int
lane_checkpoint_load(lane_table_t *table, const uint8_t *items, size_t len,
                     lane_segment_fn *segment, void *arg)
{
    struct rbuf r;
    int rc = 0;

    rbuf_init(&r, items, len);
    while (rc == 0 && rbuf_left(&r) > 0) {
        const uint8_t item = rbuf_u8(&r);

        if (item == ITEM_SEGMENT) {
            const uint64_t number = rbuf_varint(&r);
            const uint64_t needed_by = rbuf_varint(&r);

            if (rbuf_rc(&r) == 0)
                segment(arg, number, needed_by);
        } else if (item == ITEM_HOST) {
            rc = s_load_host(table, &r);
        } else if (item == ITEM_LIMITS) {
            rc = s_load_limits(table, &r);
        } else {
            rc = item == ITEM_LANE ? s_load_lane(table, &r) : ERR_FORMAT;
        }
        rc = rc < 0 ? rc : rbuf_rc(&r);
    }
    return rc;
}

static int
s_load_host(lane_table_t *table, struct rbuf *r)
{
    const uint64_t id = rbuf_u64(r);
    struct lane_host *host;
    size_t n;
    const char *name = rbuf_str(r, BODY_NAME_MAX, &n);

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    host = lane_table_add_host(table, id);
    if (n > 0)
        lane_table_set_name(table, id, name, n);
    host->taken = rbuf_varint(r);
    host->elsewhere = rbuf_varint(r);
    host->refused = rbuf_varint(r);
    host->settled = rbuf_u8(r) != 0;
    host->before = rbuf_varint(r);
    return rbuf_rc(r);
}

static int
s_load_lane(lane_table_t *table, struct rbuf *r)
{
    const uint64_t host = rbuf_u64(r);
    const uint64_t stream = rbuf_u64(r);
    const uint8_t flags = rbuf_u8(r);
    struct lane_entry *lane;
    uint64_t n;

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    lane = lane_table_add(table, host, stream);
    lane->n_defs = 0;
    lane->ended = (flags & LANE_ENDED) != 0;
    lane->backlog = (flags & LANE_BACKLOG) != 0;
    lane->torn = (flags & LANE_TORN) != 0;
    lane->next = rbuf_varint(r);
    lane->total = rbuf_varint(r);
    lane->crc = rbuf_u32(r);
    lane->taken = rbuf_varint(r);
    lane->elsewhere = rbuf_varint(r);
    lane->refused = rbuf_varint(r);
    lane->refused_next = rbuf_varint(r);
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
            lane_entry_add_def(lane, place);
    }
    return rbuf_rc(r);
}

static int
s_load_limits(lane_table_t *table, struct rbuf *r)
{
    const uint64_t host = rbuf_u64(r);
    const uint64_t stream = rbuf_u64(r);

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    return slot_decisions_take(r, &lane_table_add(table, host, stream)->decided);
}

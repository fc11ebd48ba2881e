// journal_entry - see the header.

#include "collector/journal_entry.h"

#include <assert.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"
#include "shared/wire/row_codec.h"

#define RECORD_CRC_AT 4u // in a record's header

static int s_take_record(struct journal_entry *ret, struct rbuf *r);

void
journal_head_put(uint8_t out[JOURNAL_HEAD_BYTES], uint8_t kind, uint8_t flags, uint64_t host,
                 int64_t received_ms)
{
    struct wbuf w;

    wbuf_init(&w, out, JOURNAL_HEAD_BYTES);
    wbuf_u8(&w, kind);
    wbuf_u8(&w, flags);
    wbuf_u64(&w, host);
    wbuf_u64(&w, (uint64_t) received_ms);
}

static void
s_two(struct buf *out, uint64_t a, uint64_t b)
{
    uint8_t bytes[16];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u64(&w, a);
    wbuf_u64(&w, b);
    buf_bytes(out, bytes, sizeof bytes);
}

void
journal_name_put(struct buf *out, const char *name)
{
    uint8_t bytes[16 + BODY_NAME_MAX];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_str(&w, name);
    if (wbuf_finish(&w) > 0) // a longer one was refused at its HELLO
        buf_bytes(out, bytes, (size_t) wbuf_finish(&w));
}

void
journal_basis_put(struct buf *out, uint64_t stream, uint64_t below)
{
    s_two(out, stream, below);
}

void
journal_refused_put(struct buf *out, uint64_t stream, uint64_t samples, uint64_t next)
{
    s_two(out, stream, samples);
    journal_before_put(out, next);
}

void
journal_stands_put(struct buf *out, uint64_t stream, uint64_t next, uint64_t total)
{
    s_two(out, stream, next);
    journal_before_put(out, total);
}

void
journal_before_put(struct buf *out, uint64_t samples)
{
    uint8_t bytes[8];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u64(&w, samples);
    buf_bytes(out, bytes, sizeof bytes);
}

void
journal_limits_put(struct buf *out, uint64_t stream, const struct slot_decisions *decisions)
{
    const size_t size = SLOT_DECISIONS_BYTES(decisions->refusals.n);
    struct wbuf w;

    journal_before_put(out, stream);
    buf_reserve(out, size);
    wbuf_init(&w, out->at + out->len, size);
    slot_decisions_put(&w, decisions);
    assert(wbuf_finish(&w) > 0);
    out->len += (size_t) wbuf_finish(&w);
}

void
journal_share_put(struct buf *out, const struct record_share *share)
{
    uint8_t bytes[JOURNAL_SHARE_BYTES];
    struct wbuf w;

    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, share->limit);
    wbuf_u32(&w, share->samples);
    buf_bytes(out, bytes, sizeof bytes);
}

int
journal_entry_take(struct journal_entry *ret, const void *at, size_t n)
{
    struct rbuf r;

    rbuf_init(&r, at, n);
    *ret = (struct journal_entry){ .kind = rbuf_u8(&r) };
    ret->flags = rbuf_u8(&r);
    ret->host = rbuf_u64(&r);
    ret->received_ms = (int64_t) rbuf_u64(&r);
    if (rbuf_rc(&r) < 0)
        return ERR_FORMAT;
    return journal_entry_take_body(ret, r.at, rbuf_left(&r));
}

int
journal_entry_take_body(struct journal_entry *ret, const void *at, size_t n)
{
    struct rbuf r;

    rbuf_init(&r, at, n);
    switch (ret->kind) {
    case JOURNAL_RECORD:
        return s_take_record(ret, &r);
    case JOURNAL_HOST:
        ret->name = rbuf_str(&r, BODY_NAME_MAX, &ret->name_len);
        return rbuf_finish(&r);
    case JOURNAL_BASIS:
        ret->stream = rbuf_u64(&r);
        ret->below = rbuf_u64(&r);
        break;
    case JOURNAL_REFUSED:
        ret->stream = rbuf_u64(&r);
        ret->samples = rbuf_u64(&r);
        ret->next = rbuf_u64(&r);
        return rbuf_finish(&r);
    case JOURNAL_STANDS:
        ret->stream = rbuf_u64(&r);
        ret->next = rbuf_u64(&r);
        ret->samples = rbuf_u64(&r);
        return rbuf_finish(&r);
    case JOURNAL_BEFORE:
        ret->samples = rbuf_u64(&r);
        return rbuf_finish(&r);
    case JOURNAL_LIMITS:
        ret->stream = rbuf_u64(&r);
        break;
    case JOURNAL_CHECKPOINT:
        break;
    default:
        return ERR_UNKNOWN;
    }
    ret->bytes = r.at;
    ret->len = rbuf_left(&r);
    return rbuf_rc(&r);
}

static int
s_take_record(struct journal_entry *ret, struct rbuf *r)
{
    const uint8_t *at;
    struct rbuf crc;
    size_t n, used;

    if ((ret->flags & JOURNAL_SHARE) != 0) {
        ret->share.limit = rbuf_u8(r);
        ret->share.samples = rbuf_u32(r);
        if (rbuf_rc(r) < 0 || ret->share.limit == 0)
            return ERR_FORMAT;
    }
    at = r->at;
    n = rbuf_left(r);
    if (frame_take_record(&ret->record, at, n, &used) < 0 || used != n)
        return ERR_FORMAT;
    rbuf_init(&crc, at + RECORD_CRC_AT, sizeof ret->crc);
    ret->crc = rbuf_u32(&crc);
    ret->bytes = at;
    ret->len = n;
    return 0;
}

int
journal_basis_next(struct journal_entry *entry, struct record *ret, const uint8_t **at_ret,
                   size_t *len_ret)
{
    size_t used;

    if (entry->len == 0)
        return 0;
    if (frame_take_record(ret, entry->bytes, entry->len, &used) < 0 || ret->stream != entry->stream)
        return ERR_FORMAT;
    *at_ret = entry->bytes;
    *len_ret = used;
    entry->bytes += used;
    entry->len -= used;
    return 1;
}

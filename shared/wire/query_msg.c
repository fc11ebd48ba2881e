// query_msg - questions to the collector and their answers: DEALER to ROUTER, one part a message.
//
// Request:  u8 version, u8 type, u64 id, u64 host, i64 start, i64 end, varint n, n selectors.
// Reply:    u8 version, u8 type, u8 flags, u8 status, u32 n, u64 id, u64 collector, u64 epoch,
//           i64 now, u64 upto, text; then n hosts (as LIVE_HOST has them), n ledgers
//           (query_ledger), n events (host_event), n numbers (query_number), n counts
//           (query_count) or n series.
// Series:   varint id, u8 kind, u64 host, label set, varint n; if n > 0: i64 first time, n - 1 x
//           varint distance to the next (1 or more), n x double.
//
// Times apart from values: an even second is two bytes, and values can be copied as they stand.

#include "shared/wire/query_msg.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"
#include "shared/wire/append.h"

#define QUERY_TYPE_MAX QUERY_AWAY
#define REPLY_FLAGS_AT 2 // in a reply: what query_patch_reply sets
#define REPLY_N_AT     4
#define REPLY_FIXED    48 // bytes of a reply's header before its text
#define SERIES_FIXED   (3 * APPEND_VARINT_MAX + 2 * sizeof(uint64_t) + 1)
#define SAMPLE_LEAST   9     // bytes: distance and double
#define UTF8_NEXT      0x80u // a byte that goes on with a character
#define UTF8_NEXT_MASK 0xc0u

static size_t s_fitting(const char *text);
static int s_take_times(struct rbuf *r, struct sample *samples, uint32_t n);
static int s_take_values(struct rbuf *r, struct sample *samples, uint32_t n);

void
query_series_release(struct query_series *s)
{
    label_set_release(&s->labels);
    free(s->samples);
    *s = (struct query_series){ 0 };
}

ptrdiff_t
query_put_request(void *out, size_t size, const struct query_request *q)
{
    struct wbuf w;

    assert(q->n_selectors <= QUERY_SELECTORS_MAX);
    wbuf_init(&w, out, size < QUERY_REQUEST_MAX ? size : QUERY_REQUEST_MAX);
    wbuf_u8(&w, QUERY_VERSION_MAJOR << 4 | QUERY_VERSION_MINOR);
    wbuf_u8(&w, q->type);
    wbuf_u64(&w, q->id);
    wbuf_u64(&w, q->host);
    wbuf_u64(&w, (uint64_t) q->start_ms);
    wbuf_u64(&w, (uint64_t) q->end_ms);
    wbuf_varint(&w, q->n_selectors);
    for (uint32_t i = 0; i < q->n_selectors; i++)
        wbuf_str(&w, q->selectors[i]);
    return wbuf_finish(&w);
}

int
query_take_request(struct query_request *ret, const void *at, size_t n)
{
    struct rbuf r;
    uint8_t major;

    if (n > QUERY_REQUEST_MAX)
        return ERR_LIMIT;
    rbuf_init(&r, at, n);
    major = rbuf_u8(&r) >> 4;
    if (major > QUERY_VERSION_MAJOR)
        return ERR_VERSION;
    ret->type = rbuf_u8(&r);
    ret->id = rbuf_u64(&r);
    // Type and id stand in front for this: who asks a later version's question gets an answer.
    if (rbuf_rc(&r) < 0 || major < QUERY_VERSION_MAJOR)
        return ERR_FORMAT;
    if (ret->type == 0 || ret->type > QUERY_TYPE_MAX)
        return ERR_UNKNOWN;
    ret->host = rbuf_u64(&r);
    ret->start_ms = (int64_t) rbuf_u64(&r);
    ret->end_ms = (int64_t) rbuf_u64(&r);
    ret->n_selectors = (uint32_t) rbuf_count(&r, QUERY_SELECTORS_MAX);
    for (uint32_t i = 0; i < ret->n_selectors; i++)
        ret->selectors[i] = rbuf_str(&r, MATCHERS_TEXT_MAX, &ret->selector_len[i]);
    return rbuf_rc(&r);
}

void
query_put_reply(struct buf *out, const struct query_reply *reply)
{
    const char *text = reply->text != NULL ? reply->text : "";
    struct wbuf w;

    append_begin(&w, out, REPLY_FIXED + APPEND_VARINT_MAX + QUERY_TEXT_MAX);
    wbuf_u8(&w, QUERY_VERSION_MAJOR << 4 | QUERY_VERSION_MINOR);
    wbuf_u8(&w, reply->type);
    wbuf_u8(&w, reply->flags);
    wbuf_u8(&w, reply->status);
    wbuf_u32(&w, reply->n);
    wbuf_u64(&w, reply->id);
    wbuf_u64(&w, reply->collector);
    wbuf_u64(&w, reply->epoch);
    wbuf_u64(&w, (uint64_t) reply->now_ms);
    wbuf_u64(&w, reply->upto);
    wbuf_strn(&w, text, s_fitting(text));
    append_end(out, &w);
}

void
query_patch_reply(struct buf *out, size_t at, uint32_t n, uint8_t flags)
{
    struct wbuf w;

    assert(at + REPLY_FIXED <= out->len);
    out->at[at + REPLY_FLAGS_AT] = flags;
    wbuf_init(&w, out->at + at + REPLY_N_AT, sizeof n);
    wbuf_u32(&w, n);
}

void
query_put_series(struct buf *out, const struct query_series *s)
{
    size_t most = (size_t) s->n * (APPEND_VARINT_MAX + sizeof(double));
    struct wbuf w;

    // Room for the worst; what was not needed is the next series' room.
    append_begin(&w, out, SERIES_FIXED + append_labels_most(&s->labels) + most);
    wbuf_varint(&w, s->id);
    wbuf_u8(&w, (uint8_t) s->kind);
    wbuf_u64(&w, s->host);
    label_set_put(&w, &s->labels);
    wbuf_varint(&w, s->n);
    if (s->n > 0)
        wbuf_u64(&w, (uint64_t) s->samples[0].time_ms);
    for (uint32_t i = 1; i < s->n; i++) {
        assert(s->samples[i].time_ms > s->samples[i - 1].time_ms);
        wbuf_varint(&w, (uint64_t) s->samples[i].time_ms - (uint64_t) s->samples[i - 1].time_ms);
    }
    for (uint32_t i = 0; i < s->n; i++)
        wbuf_f64(&w, s->samples[i].value);
    append_end(out, &w);
}

int
query_take_reply(struct query_reply *ret, struct rbuf *r, const void *at, size_t n)
{
    uint8_t major;

    if (n > QUERY_REPLY_MAX)
        return ERR_LIMIT;
    rbuf_init(r, at, n);
    major = rbuf_u8(r) >> 4;
    if (major > QUERY_VERSION_MAJOR)
        return ERR_VERSION;
    ret->type = rbuf_u8(r);
    ret->flags = rbuf_u8(r);
    ret->status = rbuf_u8(r);
    ret->n = rbuf_u32(r);
    ret->id = rbuf_u64(r);
    ret->collector = rbuf_u64(r);
    ret->epoch = rbuf_u64(r);
    ret->now_ms = (int64_t) rbuf_u64(r);
    ret->upto = rbuf_u64(r);
    ret->text = rbuf_str(r, QUERY_TEXT_MAX, &ret->text_len);
    // Every item has bytes: a count of more is a lie that nobody should make room for.
    if (major < QUERY_VERSION_MAJOR || ret->n > rbuf_left(r))
        rbuf_fail(r);
    return rbuf_rc(r);
}

int
query_take_series(struct rbuf *r, struct query_series *s)
{
    uint8_t kind;

    *s = (struct query_series){ .id = (uint32_t) rbuf_count(r, UINT32_MAX) };
    kind = rbuf_u8(r);
    s->host = rbuf_u64(r);
    if (kind > METRIC_KIND_MAX)
        rbuf_fail(r);
    s->kind = (enum metric_kind) kind;
    if (rbuf_rc(r) < 0 || label_set_take(r, &s->labels) < 0)
        return ERR_FORMAT;
    s->n = (uint32_t) rbuf_count(r, rbuf_left(r) / SAMPLE_LEAST);
    if (s->n > 0) {
        s->samples = xmalloc(s->n * sizeof *s->samples);
        if (s_take_times(r, s->samples, s->n) < 0 || s_take_values(r, s->samples, s->n) < 0)
            rbuf_fail(r);
    }
    if (rbuf_rc(r) < 0)
        query_series_release(s);
    return rbuf_rc(r);
}

// Bytes of text that a reply has room for, cut between characters.
static size_t
s_fitting(const char *text)
{
    size_t n = strnlen(text, QUERY_TEXT_MAX + 1);

    if (n <= QUERY_TEXT_MAX)
        return n;
    for (n = QUERY_TEXT_MAX; n > 0 && ((uint8_t) text[n] & UTF8_NEXT_MASK) == UTF8_NEXT;)
        n--;
    return n;
}

// Strictly rising.
static int
s_take_times(struct rbuf *r, struct sample *samples, uint32_t n)
{
    int64_t time_ms = (int64_t) rbuf_u64(r);

    samples[0].time_ms = time_ms;
    for (uint32_t i = 1; i < n; i++) {
        uint64_t distance = rbuf_varint(r);

        // A time twice would be two values at one place of a chart; a sum past the end, a lie.
        if (distance == 0 || __builtin_add_overflow(time_ms, distance, &time_ms))
            return ERR_FORMAT;
        samples[i].time_ms = time_ms;
    }
    return rbuf_rc(r);
}

static int
s_take_values(struct rbuf *r, struct sample *samples, uint32_t n)
{
    const uint8_t *at = rbuf_bytes(r, (size_t) n * sizeof(double));

    if (at == NULL)
        return ERR_FORMAT;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;

        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        samples[i].value = sample_from_bits(le64toh(bits));
    }
    return 0;
}

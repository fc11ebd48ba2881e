// host_event - see the header.
//
// Body: text kind, u8 severity, text, labels.
// Item: varint length of what follows, u64 host, u64 stream, u64 seq, i64 time, body.

#include "shared/wire/host_event.h"

#include <assert.h>

#include "shared/base/err.h"
#include "shared/wire/append.h"

#define ITEM_FIXED 32u // bytes of an item before the body

const char *
event_severity_str(uint8_t severity)
{
    static const char *const names[] = {
        [EVENT_INFO] = "info", [EVENT_WARNING] = "warning", [EVENT_CRITICAL] = "critical"
    };

    return names[severity < EVENT_CRITICAL ? severity : EVENT_CRITICAL];
}

void
host_event_release(struct host_event *event)
{
    label_set_release(&event->fields);
}

void
host_event_put(struct wbuf *w, const struct host_event *event)
{
    wbuf_strn(w, event->kind, event->kind_len);
    wbuf_u8(w, event->severity);
    wbuf_strn(w, event->text, event->text_len);
    label_set_put(w, &event->fields);
}

int
host_event_take(struct host_event *ret, const void *at, size_t n)
{
    struct rbuf r;

    if (n > HOST_EVENT_BODY_MAX)
        return ERR_FORMAT;
    rbuf_init(&r, at, n);
    ret->kind = rbuf_str(&r, HOST_EVENT_KIND_MAX, &ret->kind_len);
    ret->severity = rbuf_u8(&r);
    ret->text = rbuf_str(&r, HOST_EVENT_TEXT_MAX, &ret->text_len);
    ret->fields = (struct label_set){ 0 };
    if (ret->kind_len == 0)
        rbuf_fail(&r);
    if (rbuf_rc(&r) < 0 || label_set_take(&r, &ret->fields) < 0)
        return ERR_FORMAT;
    return 0;
}

void
host_event_put_item(struct buf *out, const struct host_event *of, const void *body, size_t n)
{
    struct wbuf w;

    assert(n <= HOST_EVENT_BODY_MAX);
    append_begin(&w, out, APPEND_VARINT_MAX + ITEM_FIXED + n);
    wbuf_varint(&w, ITEM_FIXED + n);
    wbuf_u64(&w, of->host);
    wbuf_u64(&w, of->stream);
    wbuf_u64(&w, of->seq);
    wbuf_u64(&w, (uint64_t) of->time_ms);
    wbuf_bytes(&w, body, n);
    append_end(out, &w);
}

int
host_event_take_item(struct rbuf *r, struct host_event *ret)
{
    const size_t n = (size_t) rbuf_count(r, ITEM_FIXED + HOST_EVENT_BODY_MAX);
    const uint8_t *at = rbuf_bytes(r, n);
    struct rbuf in;

    *ret = (struct host_event){ 0 };
    if (at == NULL || n < ITEM_FIXED) {
        rbuf_fail(r);
        return ERR_FORMAT;
    }
    rbuf_init(&in, at, n);
    ret->host = rbuf_u64(&in);
    ret->stream = rbuf_u64(&in);
    ret->seq = rbuf_u64(&in);
    ret->time_ms = (int64_t) rbuf_u64(&in);
    if (host_event_take(ret, at + ITEM_FIXED, n - ITEM_FIXED) < 0)
        rbuf_fail(r);
    return rbuf_rc(r);
}

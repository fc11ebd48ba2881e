// host_event - something that happened on a host: the body of an EVENT, and how it is passed on.
//
// In:     fields; or bytes of a stranger, at most HOST_EVENT_BODY_MAX.
// Out:    bytes; or fields, checked. A kind that a reader does not know still has its text.
// An event is a record of a stream, so stream and seq name it for ever: it is one however often it
// is told.
// Source: shared/wire/FORMAT.md, "EVENT" and "An event".

#ifndef SHARED_WIRE_HOST_EVENT_H
#define SHARED_WIRE_HOST_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/model/label.h"

#define HOST_EVENT_KIND_MAX 64   // bytes
#define HOST_EVENT_TEXT_MAX 1024 // bytes
#define HOST_EVENT_BODY_MAX 4096 // bytes, fields and all

// Kinds that our programs tell. Others are as good: a kind is a word for machines.
#define HOST_EVENT_CLOCK_STEP "clock-step"

enum event_severity {
    EVENT_INFO = 0,
    EVENT_WARNING = 1,
    EVENT_CRITICAL = 2,
};
// "info", "warning", "critical"; what a later version may have beyond them is "critical".
const char *event_severity_str(uint8_t severity);

// Text is borrowed when taken, and not terminated: use the lengths.
struct host_event {
    uint64_t host;   // this and the next three: of the item, not of the body
    uint64_t stream; // the record's
    uint64_t seq;    // likewise
    int64_t time_ms; // since the epoch
    uint8_t severity;
    const char *kind; // for machines, 1 byte or more
    size_t kind_len;
    const char *text; // for people, one sentence without a full stop
    size_t text_len;
    struct label_set fields; // what the text is made of; held: host_event_release
};
void host_event_release(struct host_event *event);

// The body; ask wbuf_finish. Kind, text and fields within their limits.
void host_event_put(struct wbuf *w, const struct host_event *event);
// A whole body of `n` bytes: 0, and *ret is the caller's to release; or ERR_FORMAT: empty, too long
// or not right. Bytes behind what we know are a later version's. The first four members are left.
int host_event_take(struct host_event *ret, const void *at, size_t n);

// An event as live stream and queries have it: whose and when, and the body as it came.
void host_event_put_item(struct buf *out, const struct host_event *of, const void *body, size_t n);
// 0, and *ret is the caller's to release; or ERR_FORMAT.
int host_event_take_item(struct rbuf *r, struct host_event *ret);

#endif

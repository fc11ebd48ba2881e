// http - as much of an HTTP client as the flow tests need, and a reader of server-sent events.
//
// In:     a port on 127.0.0.1 and a path.
// Out:    whole answers; or events, one at a time, as they arrive.
// Source: RFC 9112; WHATWG HTML, "Server-sent events".

#ifndef TESTS_SUPPORT_HTTP_H
#define TESTS_SUPPORT_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_reply {
    int status;  // 0: nobody answered
    char *head;  // all header lines
    char *body;  // NUL after its last byte
    size_t size; // of the body
};

// "GET", "HEAD", "POST"... One request, one connection. False if nobody answered within 15 s.
bool http_request(struct http_reply *ret, const char *method, uint16_t port, const char *path);
bool http_get(struct http_reply *ret, uint16_t port, const char *path);
void http_reply_release(struct http_reply *reply);
// The value of a header in the caller's buffer, "" where it is missing.
const char *http_header(const struct http_reply *reply, const char *name, char *out, size_t size);
// The body of a 200 answer as JSON, for json_decref; NULL for anything else.
json_t *http_json(uint16_t port, const char *path);

// A TCP connection to the port, or -1. The second takes at most so many bytes that it has not read;
// 0: as many as the kernel likes.
int http_connect(uint16_t port);
int http_connect_small(uint16_t port, int window);

typedef struct sse sse_t;

struct sse_event {
    const char *event; // "message" where the stream does not say
    const char *data;
    const char *id; // the last one seen
};

// Asks for the stream; last_event_id may be NULL. NULL if nobody listens.
sse_t *sse_open(uint16_t port, const char *path, const char *last_event_id);
// The same through a small window, for readers that stall.
sse_t *sse_open_small(uint16_t port, const char *path, int window);
void sse_close(sse_t **self_p);
// The status of the answer; waits for its head. 0 if none came within 15 s.
int sse_status(sse_t *self);
const char *sse_head(sse_t *self);
// The next event, borrowed until the next call. False at the end of the stream, or if none came in
// time.
bool sse_next(sse_t *self, struct sse_event *ret, int timeout_ms);
// The next event of this name; others are passed over.
bool sse_next_of(sse_t *self, const char *event, struct sse_event *ret, int timeout_ms);
// The same, and its data as JSON for json_decref, or NULL.
json_t *sse_next_json(sse_t *self, const char *event, int timeout_ms);
// The next tick of a view, likewise. Each event of a view has a number, its hosts' and notes' too:
// NULL also where one is missing behind number *seq (0: any), which becomes the tick's.
json_t *sse_next_tick(sse_t *self, json_int_t *seq, int timeout_ms);
bool sse_ended(const sse_t *self);
int sse_fd(const sse_t *self);

#endif

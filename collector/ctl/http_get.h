// http_get - one GET on this machine, with a deadline: is the dashboard there, and what does it
// say?
//
// Source: RFC 9110 and 9112. Asks as HTTP/1.0, so that the answer ends with the connection and is
// never chunked.
// Thread: any; blocks for `timeout_ms` at most.

#ifndef COLLECTOR_CTL_HTTP_GET_H
#define COLLECTOR_CTL_HTTP_GET_H

#include "shared/base/buf.h"

#define HTTP_GET_MAX (4u * 1024u * 1024u) // bytes of an answer

// GET `path` of the server at `address` (HOST:PORT). 0, the status and the body; -errno
// (-ECONNREFUSED, -ETIMEDOUT), ERR_FORMAT (no HTTP), ERR_LIMIT (more than HTTP_GET_MAX).
int http_get(unsigned *status_ret, struct buf *body, const char *address, const char *path,
             int timeout_ms);
// The parser alone: status and where the body begins, of a whole answer. 0 or ERR_FORMAT.
int http_get_parse(unsigned *status_ret, size_t *body_at_ret, const void *at, size_t n);

#endif

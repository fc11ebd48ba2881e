// sized - an item of a reply with its length ahead, so that a reader passes over what a later
// version has behind the fields that it knows. Inner to shared/wire.

#ifndef SHARED_WIRE_SIZED_H
#define SHARED_WIRE_SIZED_H

#include <stdbool.h>

#include "shared/base/rbuf.h"
#include "shared/wire/append.h"

// Fields that were written aside, since the length goes ahead.
static inline void
sized_put(struct buf *out, const uint8_t *fields, size_t n)
{
    struct wbuf w;

    append_begin(&w, out, APPEND_VARINT_MAX + n);
    wbuf_varint(&w, n);
    wbuf_bytes(&w, fields, n);
    append_end(out, &w);
}

// The next item's fields, to be read from *ret. False where its length is not true.
static inline bool
sized_take(struct rbuf *r, struct rbuf *ret)
{
    const size_t n = (size_t) rbuf_count(r, rbuf_left(r));
    const uint8_t *fields = rbuf_bytes(r, n);

    if (fields == NULL)
        return false;
    rbuf_init(ret, fields, n);
    return true;
}

#endif

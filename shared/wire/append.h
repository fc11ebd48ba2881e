// append - what wbuf writes, at the end of a buf that grows.
//
// For messages without a limit of their own: ask for the most that a part can need, write it,
// keep what was used. Inner to shared/wire.

#ifndef SHARED_WIRE_APPEND_H
#define SHARED_WIRE_APPEND_H

#include <assert.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/wbuf.h"
#include "shared/model/label.h"

#define APPEND_VARINT_MAX 10 // bytes

// w writes behind what is in `out`, at most `most` bytes.
static inline void
append_begin(struct wbuf *w, struct buf *out, size_t most)
{
    buf_reserve(out, most);
    wbuf_init(w, out->at + out->len, most);
}

static inline void
append_end(struct buf *out, const struct wbuf *w)
{
    ptrdiff_t n = wbuf_finish(w);

    assert(n >= 0);
    out->len += (size_t) n;
}

// The most bytes that label_set_put can write.
static inline size_t
append_labels_most(const struct label_set *set)
{
    size_t most = APPEND_VARINT_MAX;

    for (size_t i = 0; i < set->count; i++) {
        most += 2 * APPEND_VARINT_MAX;
        most += strlen(set->at[i].name) + strlen(set->at[i].value);
    }
    return most;
}

#endif

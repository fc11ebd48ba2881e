// query_count - see the header.
//
// varint length of what follows, u8 of, u64 host, text, varints series, made, values, values made.

#include "shared/wire/query_count.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/label.h"
#include "shared/wire/sized.h"

// The longest of what a text may be.
#define TEXT_MAX   LABEL_VALUE_MAX
#define FIXED_SIZE (1u + 8u + 5u * APPEND_VARINT_MAX)

void
query_count_release(struct query_count *count)
{
    free(count->text);
    count->text = NULL;
}

void
query_put_count(struct buf *out, const struct query_count *count)
{
    const char *text = count->text != NULL ? count->text : "";
    uint8_t bytes[FIXED_SIZE + TEXT_MAX];
    struct wbuf w;
    ptrdiff_t n;

    // Aside first, since the length goes ahead.
    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, count->of);
    wbuf_u64(&w, count->host);
    wbuf_strn(&w, text, strnlen(text, TEXT_MAX));
    wbuf_varint(&w, count->series);
    wbuf_varint(&w, count->made);
    wbuf_varint(&w, count->values);
    wbuf_varint(&w, count->values_made);
    n = wbuf_finish(&w);
    sized_put(out, bytes, (size_t) n);
}

// What a later version has behind them is passed over.
int
query_take_count(struct rbuf *r, struct query_count *ret)
{
    const char *text;
    struct rbuf in;
    size_t len;

    *ret = (struct query_count){ 0 };
    if (!sized_take(r, &in))
        return ERR_FORMAT;
    ret->of = rbuf_u8(&in);
    ret->host = rbuf_u64(&in);
    text = rbuf_str(&in, TEXT_MAX, &len);
    ret->series = rbuf_varint(&in);
    ret->made = rbuf_varint(&in);
    ret->values = rbuf_varint(&in);
    ret->values_made = rbuf_varint(&in);
    if (rbuf_rc(&in) < 0) {
        rbuf_fail(r);
        return ERR_FORMAT;
    }
    ret->text = xstrndup(text, len);
    return 0;
}

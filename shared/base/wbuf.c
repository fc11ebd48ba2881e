// wbuf - append bytes to a fixed place, ask once at the end whether it all fitted.

#include "shared/base/wbuf.h"

#include <string.h>

#include "shared/base/err.h"

#define VARINT_MAX 10 // bytes of a 64-bit varint

static void s_put(struct wbuf *w, uint64_t v, size_t n);

void
wbuf_init(struct wbuf *w, void *at, size_t size)
{
    *w = (struct wbuf){ .at = at, .size = size };
}

void
wbuf_u8(struct wbuf *w, uint8_t v)
{
    s_put(w, v, sizeof v);
}

void
wbuf_u16(struct wbuf *w, uint16_t v)
{
    s_put(w, v, sizeof v);
}

void
wbuf_u32(struct wbuf *w, uint32_t v)
{
    s_put(w, v, sizeof v);
}

void
wbuf_u64(struct wbuf *w, uint64_t v)
{
    s_put(w, v, sizeof v);
}

void
wbuf_f64(struct wbuf *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    s_put(w, bits, sizeof bits);
}

void
wbuf_varint(struct wbuf *w, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t) (v | 0x80);
    bytes[n++] = (uint8_t) v;
    wbuf_bytes(w, bytes, n);
}

void
wbuf_svarint(struct wbuf *w, int64_t v)
{
    wbuf_varint(w, ((uint64_t) v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void
wbuf_bytes(struct wbuf *w, const void *at, size_t n)
{
    uint8_t *to = wbuf_reserve(w, n);

    if (to != NULL && n > 0)
        memcpy(to, at, n);
}

void
wbuf_str(struct wbuf *w, const char *text)
{
    wbuf_strn(w, text, strlen(text));
}

void
wbuf_strn(struct wbuf *w, const char *text, size_t n)
{
    wbuf_varint(w, n);
    wbuf_bytes(w, text, n);
}

uint8_t *
wbuf_reserve(struct wbuf *w, size_t n)
{
    uint8_t *to;

    if (w->rc == 0 && n > w->size - w->len)
        w->rc = ERR_LIMIT;
    if (w->rc != 0)
        return NULL;
    to = w->at + w->len;
    w->len += n;
    return to;
}

ptrdiff_t
wbuf_finish(const struct wbuf *w)
{
    return w->rc != 0 ? w->rc : (ptrdiff_t) w->len;
}

// The low `n` bytes of v, lowest first: the same on every machine.
static void
s_put(struct wbuf *w, uint64_t v, size_t n)
{
    uint8_t *to = wbuf_reserve(w, n);

    for (size_t i = 0; to != NULL && i < n; i++)
        to[i] = (uint8_t) (v >> (8 * i));
}

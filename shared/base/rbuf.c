// rbuf - read bytes of a stranger, ask once at the end whether they were all there.

#include "shared/base/rbuf.h"

#include <string.h>

#include "shared/base/err.h"
#include "shared/base/str.h"

#define VARINT_TOP 63 // shift of the tenth byte, which holds the one bit that is left

static uint64_t s_get(struct rbuf *r, size_t n);

void
rbuf_init(struct rbuf *r, const void *at, size_t n)
{
    *r = (struct rbuf){ .at = at, .end = n > 0 ? (const uint8_t *) at + n : at };
}

uint8_t
rbuf_u8(struct rbuf *r)
{
    return (uint8_t) s_get(r, sizeof(uint8_t));
}

uint16_t
rbuf_u16(struct rbuf *r)
{
    return (uint16_t) s_get(r, sizeof(uint16_t));
}

uint32_t
rbuf_u32(struct rbuf *r)
{
    return (uint32_t) s_get(r, sizeof(uint32_t));
}

uint64_t
rbuf_u64(struct rbuf *r)
{
    return s_get(r, sizeof(uint64_t));
}

double
rbuf_f64(struct rbuf *r)
{
    uint64_t bits = s_get(r, sizeof bits);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

uint64_t
rbuf_varint(struct rbuf *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; r->rc == 0 && shift <= VARINT_TOP; shift += 7) {
        uint8_t byte;

        if (r->at == r->end)
            break;
        byte = *r->at++;
        // A tenth byte above 1 is a value past 64 bits, or a varint that goes on.
        if (shift == VARINT_TOP && byte > 1)
            break;
        v |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    rbuf_fail(r);
    return 0;
}

int64_t
rbuf_svarint(struct rbuf *r)
{
    uint64_t v = rbuf_varint(r);

    return (int64_t) ((v >> 1) ^ (0 - (v & 1)));
}

uint64_t
rbuf_count(struct rbuf *r, uint64_t most)
{
    uint64_t v = rbuf_varint(r);

    if (v <= most)
        return v;
    rbuf_fail(r);
    return 0;
}

const uint8_t *
rbuf_bytes(struct rbuf *r, size_t n)
{
    const uint8_t *at = r->at;

    if (r->rc != 0 || n > rbuf_left(r)) {
        rbuf_fail(r);
        return NULL;
    }
    if (n > 0)
        r->at += n;
    // No bytes of an empty input are there: still not the NULL that means failure.
    return at != NULL ? at : (const uint8_t *) "";
}

const char *
rbuf_str(struct rbuf *r, size_t most, size_t *len_ret)
{
    size_t len = (size_t) rbuf_count(r, most);
    const char *text = (const char *) rbuf_bytes(r, len);

    if (text != NULL && !str_is_utf8(text, len)) {
        rbuf_fail(r);
        text = NULL;
    }
    *len_ret = text != NULL ? len : 0;
    return text;
}

size_t
rbuf_left(const struct rbuf *r)
{
    return r->rc != 0 ? 0 : (size_t) (r->end - r->at);
}

void
rbuf_fail(struct rbuf *r)
{
    r->rc = ERR_FORMAT;
}

int
rbuf_rc(const struct rbuf *r)
{
    return r->rc;
}

int
rbuf_finish(const struct rbuf *r)
{
    return r->rc != 0 || r->at != r->end ? ERR_FORMAT : 0;
}

// `n` bytes, lowest first, as a number; 0 if they are not there.
static uint64_t
s_get(struct rbuf *r, size_t n)
{
    const uint8_t *at = rbuf_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = 0; at != NULL && i < n; i++)
        v |= (uint64_t) at[i] << (8 * i);
    return v;
}

// wbuf - append bytes to a fixed place, ask once at the end whether it all fitted.
//
// The first failure sticks: later appends do nothing, and wbuf_finish reports it. So an
// encoder is a straight run of lines, with one test after the last. Integers are little
// endian. Varints are LEB128, at most ten bytes.

#ifndef SHARED_BASE_WBUF_H
#define SHARED_BASE_WBUF_H

#include <stddef.h>
#include <stdint.h>

struct wbuf {
    uint8_t *at; // the place; the caller's
    size_t size; // its size
    size_t len;  // used
    int rc;      // 0, or ERR_LIMIT once something did not fit
};

void wbuf_init(struct wbuf *w, void *at, size_t size);
void wbuf_u8(struct wbuf *w, uint8_t v);
void wbuf_u16(struct wbuf *w, uint16_t v);
void wbuf_u32(struct wbuf *w, uint32_t v);
void wbuf_u64(struct wbuf *w, uint64_t v);
void wbuf_f64(struct wbuf *w, double v);
void wbuf_varint(struct wbuf *w, uint64_t v);
// Zigzag, then varint.
void wbuf_svarint(struct wbuf *w, int64_t v);
void wbuf_bytes(struct wbuf *w, const void *at, size_t n);
// A varint length, then the bytes.
void wbuf_str(struct wbuf *w, const char *text);
void wbuf_strn(struct wbuf *w, const char *text, size_t n);
// `n` bytes to be filled in later, or NULL when they did not fit.
uint8_t *wbuf_reserve(struct wbuf *w, size_t n);
// The number of bytes used, or ERR_LIMIT.
ptrdiff_t wbuf_finish(const struct wbuf *w);

#endif

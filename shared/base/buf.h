// buf - bytes that grow.
//
// A value: zero is an empty buf. `at` is NULL only while nothing was ever appended;
// buf_cstr makes it a string. Release with buf_release.
// Loss: none; out of memory ends the process.

#ifndef SHARED_BASE_BUF_H
#define SHARED_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *at; // the bytes; ours
    size_t len;  // used
    size_t size; // allocated
};

// Room for `n` more bytes after len.
void buf_reserve(struct buf *b, size_t n);
void buf_bytes(struct buf *b, const void *at, size_t n);
void buf_byte(struct buf *b, uint8_t byte);
void buf_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
// m / 10^decimals (at most 19) with neither an exponent nor zeros at the end of a fraction.
void buf_decimal(struct buf *b, int64_t m, unsigned decimals);
// The shortest decimal text that reads back as exactly `value`; NaN, +Inf, -Inf as
// Prometheus' text format spells them.
void buf_double(struct buf *b, double value);
// The bytes as a NUL-terminated string (the NUL is not counted in len); valid until the
// next append.
const char *buf_cstr(struct buf *b);
// Empty again, memory kept.
void buf_clear(struct buf *b);
void buf_release(struct buf *b);
// The bytes become the caller's, for free(); *len_ret their number; b is empty.
uint8_t *buf_detach(struct buf *b, size_t *len_ret);

#endif

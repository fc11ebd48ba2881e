// str - text from people and files into numbers, and back.
//
// Parsers take all of the text or nothing: leading or trailing space, signs and empty text are
// ERR_FORMAT; too large is ERR_RANGE.

#ifndef SHARED_BASE_STR_H
#define SHARED_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Digits only.
int str_u64(uint64_t *ret, const char *text, size_t len);
// "250ms" "1s" "5m" "24h" "7d"; a bare number is refused, except 0. Into milliseconds.
int str_duration_ms(int64_t *ret, const char *text);
// "4096" "64KiB" "256MiB" "1GiB" (and KB MB GB as powers of ten, "B"). Into bytes.
int str_bytes(uint64_t *ret, const char *text);
// Sixteen lower-case hex digits, exactly.
int str_hex64(uint64_t *ret, const char *text, size_t len);
#define STR_HEX64_SIZE 17
const char *str_hex64_put(char out[STR_HEX64_SIZE], uint64_t v);
bool str_is_utf8(const char *text, size_t len); // false for NUL bytes too
// Bytes of the UTF-8 character that `left` bytes of text (1 or more) begin with; 0 if it is none.
size_t str_utf8_len(const char *text, size_t left);
// Edits (insert, drop, replace, swap neighbours) between two words, at most 64 bytes looked at.
unsigned str_distance(const char *a, const char *b);
bool str_starts(const char *text, const char *with);

#endif

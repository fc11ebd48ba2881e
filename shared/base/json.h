// json - a writer that cannot write wrong JSON. RFC 8259.
//
// Appends to a buf; commas are its affair. Strings are UTF-8: invalid bytes become U+FFFD,
// control characters, quotes, backslashes, U+2028 and U+2029 are escaped. A double that is not
// finite is null; integers above 2^53 are written whole. Nesting at most 32, asserted.

#ifndef SHARED_BASE_JSON_H
#define SHARED_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

struct json {
    struct buf *out; // the caller's
    uint32_t comma;  // one bit a level: something stands before
    unsigned depth;
    bool after_key;
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j); // {
void json_object_end(struct json *j);
void json_array(struct json *j); // [
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_str(struct json *j, const char *text);
void json_strn(struct json *j, const char *text, size_t n);
void json_int(struct json *j, int64_t v);
void json_uint(struct json *j, uint64_t v);
// Shortest text that reads back the same.
void json_double(struct json *j, double v);
// At most `decimals` (0 to 9) after the point, trailing zeros cut.
void json_fixed(struct json *j, double v, unsigned decimals);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

#endif

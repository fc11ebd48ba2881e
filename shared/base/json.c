// json - a writer that cannot write wrong JSON.

#include "shared/base/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "shared/base/str.h"

#define DEPTH_MAX    32
#define DECIMALS_MAX 9
#define REPLACEMENT  "\xef\xbf\xbd" // U+FFFD

static void s_before(struct json *j);
static void s_open(struct json *j, char bracket);
static void s_close(struct json *j, char bracket);
static void s_quote(struct buf *out, const char *text, size_t n);
static size_t s_plain_len(const char *at, size_t left);
static size_t s_escape(struct buf *out, const char *at, size_t left);

void
json_init(struct json *j, struct buf *out)
{
    *j = (struct json){ .out = out };
}

void
json_object(struct json *j)
{
    s_open(j, '{');
}

void
json_object_end(struct json *j)
{
    s_close(j, '}');
}

void
json_array(struct json *j)
{
    s_open(j, '[');
}

void
json_array_end(struct json *j)
{
    s_close(j, ']');
}

void
json_key(struct json *j, const char *key)
{
    assert(j->depth > 0 && !j->after_key);
    s_before(j);
    s_quote(j->out, key, strlen(key));
    buf_byte(j->out, ':');
    j->after_key = true;
}

void
json_str(struct json *j, const char *text)
{
    json_strn(j, text, strlen(text));
}

void
json_strn(struct json *j, const char *text, size_t n)
{
    s_before(j);
    s_quote(j->out, text, n);
}

void
json_int(struct json *j, int64_t v)
{
    s_before(j);
    buf_decimal(j->out, v, 0);
}

void
json_uint(struct json *j, uint64_t v)
{
    s_before(j);
    if (v <= INT64_MAX)
        buf_decimal(j->out, (int64_t) v, 0);
    else
        buf_printf(j->out, "%llu", (unsigned long long) v);
}

void
json_double(struct json *j, double v)
{
    s_before(j);
    if (isfinite(v))
        buf_double(j->out, v);
    else
        buf_str(j->out, "null");
}

void
json_fixed(struct json *j, double v, unsigned decimals)
{
    double scale = 1;

    assert(decimals <= DECIMALS_MAX);
    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    // From 2^53 on, neighbouring doubles are further apart than the last decimal asked for, so
    // the shortest text has no more of them.
    if (fabs(v * scale) < 0x1p53) {
        s_before(j);
        buf_decimal(j->out, llrint(v * scale), decimals);
    } else {
        json_double(j, v);
    }
}

void
json_bool(struct json *j, bool v)
{
    s_before(j);
    buf_str(j->out, v ? "true" : "false");
}

void
json_null(struct json *j)
{
    s_before(j);
    buf_str(j->out, "null");
}

// What must stand before a value or a key: a comma, unless it is a level's first or has its key.
static void
s_before(struct json *j)
{
    uint32_t bit = j->depth > 0 ? UINT32_C(1) << (j->depth - 1) : 0;

    if (j->after_key)
        j->after_key = false;
    else if (j->comma & bit)
        buf_byte(j->out, ',');
    j->comma |= bit;
}

static void
s_open(struct json *j, char bracket)
{
    assert(j->depth < DEPTH_MAX);
    s_before(j);
    buf_byte(j->out, (uint8_t) bracket);
    j->comma &= ~(UINT32_C(1) << j->depth);
    j->depth++;
}

static void
s_close(struct json *j, char bracket)
{
    assert(j->depth > 0 && !j->after_key);
    j->depth--;
    buf_byte(j->out, (uint8_t) bracket);
}

// Runs of characters that stand for themselves are copied whole: nearly every string is one run.
static void
s_quote(struct buf *out, const char *text, size_t n)
{
    size_t run = 0; // where the characters begin that are not yet copied

    buf_byte(out, '"');
    for (size_t i = 0; i < n;) {
        size_t plain = s_plain_len(text + i, n - i);

        if (plain > 0) {
            i += plain;
            continue;
        }
        buf_bytes(out, text + run, i - run);
        i += s_escape(out, text + i, n - i);
        run = i;
    }
    buf_bytes(out, text + run, n - run);
    buf_byte(out, '"');
}

// Bytes of the character at `at` if it may stand in a string as it is, else 0.
static size_t
s_plain_len(const char *at, size_t left)
{
    unsigned char c = (unsigned char) at[0];
    size_t len;

    if (c < 0x80)
        return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
    len = str_utf8_len(at, left);
    // U+2028 and U+2029 end a line in JavaScript before ES2019.
    return len == 3 && (memcmp(at, "\u2028", 3) == 0 || memcmp(at, "\u2029", 3) == 0) ? 0 : len;
}

// Appends what stands for the character at `at`; returns its bytes.
static size_t
s_escape(struct buf *out, const char *at, size_t left)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    unsigned char c = (unsigned char) at[0];
    const char *named = c != '\0' ? strchr(from, c) : NULL;
    size_t len = 1;

    if (named != NULL) {
        buf_byte(out, '\\');
        buf_byte(out, (uint8_t) to[named - from]);
    } else if (c < 0x80) {
        buf_printf(out, "\\u%04x", c);
    } else {
        len = str_utf8_len(at, left);
        buf_str(out, len == 0 ? REPLACEMENT : at[2] == '\xa8' ? "\\u2028" : "\\u2029");
    }
    return len > 0 ? len : 1;
}

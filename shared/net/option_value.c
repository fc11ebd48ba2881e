// option_value - what a setting may say, and how we say what it may.

#include <netinet/in.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/net/option_inner.h"

static int s_check_flag(uint64_t *ret, const struct option *o, const char *text);
static int s_check_text(uint64_t *ret, const struct option *o, const char *text);
static size_t s_text_most(const struct option *o);
static int s_check_uint(uint64_t *ret, const struct option *o, const char *text);
static int s_check_duration(uint64_t *ret, const struct option *o, const char *text);
static int s_check_bytes(uint64_t *ret, const struct option *o, const char *text);
static int s_check_endpoint(uint64_t *ret, const struct option *o, const char *text);
static int s_check_address(uint64_t *ret, const struct option *o, const char *text);
static int s_check_choice(uint64_t *ret, const struct option *o, const char *text);
static void s_put_uint(struct buf *out, uint64_t v);
static void s_put_duration(struct buf *out, uint64_t ms);
static void s_put_bytes(struct buf *out, uint64_t bytes);

typedef int check_fn(uint64_t *ret, const struct option *o, const char *text);
typedef void put_fn(struct buf *out, uint64_t v);

static const struct kind {
    check_fn *check;
    const char *rule;
    put_fn *put; // writes least and most; NULL where there are none
} s_kinds[] = {
    [OPTION_FLAG] = { s_check_flag, "true or false", NULL },
    [OPTION_TEXT] = { s_check_text, "text without control characters", NULL },
    [OPTION_UINT] = { s_check_uint, "a whole number", s_put_uint },
    [OPTION_DURATION] = { s_check_duration, "a duration such as 250ms, 1s or 5m", s_put_duration },
    [OPTION_BYTES] = { s_check_bytes, "a size such as 64KiB, 256MiB or 1GiB", s_put_bytes },
    [OPTION_ENDPOINT] = { s_check_endpoint,
                          "an endpoint such as tcp://127.0.0.1:5560 or ipc:///run/zpulse/data",
                          NULL },
    [OPTION_ADDRESS] = { s_check_address, "an address such as 127.0.0.1:8088 or [::1]:8088", NULL },
    [OPTION_CHOICE] = { s_check_choice, "one of ", NULL },
};

int
option_value_check(uint64_t *number_ret, const struct option *o, const char *text)
{
    const size_t len = strlen(text);

    // Values end up in log lines, ZPL files and command lines: none may break those.
    *number_ret = 0;
    if (len > OPTION_VALUE_MAX || !str_is_utf8(text, len))
        return ERR_FORMAT;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) text[i] < ' ' || text[i] == 0x7f)
            return ERR_FORMAT;
    }
    if (len == 0) {
        const bool may_be_empty = o->type == OPTION_TEXT || o->type == OPTION_ENDPOINT ||
                                  o->type == OPTION_ADDRESS;

        return may_be_empty && o->least == 0 ? 0 : ERR_FORMAT;
    }
    return s_kinds[o->type].check(number_ret, o, text);
}

void
option_value_rule(struct buf *out, const struct option *o)
{
    const struct kind *kind = &s_kinds[o->type];

    buf_str(out, kind->rule);
    if (o->type == OPTION_CHOICE) {
        for (const char *at = o->choices; *at != '\0'; at++)
            *at == '|' ? buf_str(out, ", ") : buf_byte(out, (uint8_t) *at);
    }
    if (kind->put != NULL && (o->least > 0 || o->most > 0)) {
        buf_str(out, ", from ");
        kind->put(out, o->least);
        buf_str(out, o->most > 0 ? " to " : " up");
        if (o->most > 0)
            kind->put(out, o->most);
    }
    if (o->type == OPTION_TEXT && o->least > 1 && o->least == o->most)
        buf_printf(out, ", %zu bytes", (size_t) o->most);
    else if (o->type == OPTION_TEXT && o->least > 1)
        buf_printf(out, ", at least %zu and at most %zu bytes", (size_t) o->least, s_text_most(o));
    else if (o->type == OPTION_TEXT)
        buf_printf(out, ", %sat most %zu bytes", o->least > 0 ? "at least one and " : "",
                   s_text_most(o));
    if ((o->type == OPTION_ENDPOINT || o->type == OPTION_ADDRESS) && o->least == 0)
        buf_str(out, "; '' turns it off");
}

static int
s_check_flag(uint64_t *ret, const struct option *o, const char *text)
{
    (void) o;
    *ret = strcmp(text, "true") == 0;
    return *ret == 1 || strcmp(text, "false") == 0 ? 0 : ERR_FORMAT;
}

// Bytes. Every value has room for them, so that none is ever cut.
static size_t
s_text_most(const struct option *o)
{
    return o->most > 0 ? (size_t) o->most : OPTION_VALUE_MAX;
}

static int
s_check_text(uint64_t *ret, const struct option *o, const char *text)
{
    const size_t len = strlen(text);

    (void) ret;
    return len >= o->least && len <= s_text_most(o) ? 0 : ERR_FORMAT;
}

// A limit of 0 is none: no setting has a range that ends at 0.
static int
s_within(uint64_t v, const struct option *o)
{
    return v >= o->least && (o->most == 0 || v <= o->most) ? 0 : ERR_FORMAT;
}

static int
s_check_uint(uint64_t *ret, const struct option *o, const char *text)
{
    return str_u64(ret, text, strlen(text)) < 0 ? ERR_FORMAT : s_within(*ret, o);
}

static int
s_check_duration(uint64_t *ret, const struct option *o, const char *text)
{
    int64_t ms;

    if (str_duration_ms(&ms, text) < 0 || ms < 0)
        return ERR_FORMAT;
    *ret = (uint64_t) ms;
    return s_within(*ret, o);
}

static int
s_check_bytes(uint64_t *ret, const struct option *o, const char *text)
{
    return str_bytes(ret, text) < 0 ? ERR_FORMAT : s_within(*ret, o);
}

// The place in the list is what it says.
static int
s_check_choice(uint64_t *ret, const struct option *o, const char *text)
{
    const size_t len = strlen(text);

    for (const char *at = o->choices; at != NULL;) {
        const size_t n = strcspn(at, "|");

        if (n == len && strncmp(at, text, n) == 0)
            return 0;
        at = at[n] == '|' ? at + n + 1 : NULL;
        ++*ret;
    }
    return ERR_FORMAT;
}

// czmq's prefixes, '@' to bind and '>' to connect, are allowed.
static int
s_check_endpoint(uint64_t *ret, const struct option *o, const char *text)
{
    text += text[0] == '@' || text[0] == '>';
    if (str_starts(text, "tcp://"))
        return s_check_address(ret, o, text + strlen("tcp://"));
    if (str_starts(text, "ipc://") || str_starts(text, "inproc://"))
        return text[strcspn(text, "/") + 2] != '\0' ? 0 : ERR_FORMAT;
    return ERR_FORMAT;
}

static int
s_check_address(uint64_t *ret, const struct option *o, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    size_t host;

    (void) ret;
    (void) o;
    if (colon == NULL || colon == text)
        return ERR_FORMAT;
    host = (size_t) (colon - text);
    // More than one colon is an IPv6 address, which stands in brackets.
    if (text[0] == '[' ? text[host - 1] != ']' || host < 3 : memchr(text, ':', host) != NULL)
        return ERR_FORMAT;
    // ';' is ZeroMQ's source address, ',' our list in a variable; neither is part of a name.
    if (strcspn(text, " /@,;\"'") < strlen(text))
        return ERR_FORMAT;
    return str_u64(&port, colon + 1, strlen(colon + 1)) == 0 && port >= 1 && port <= UINT16_MAX
               ? 0
               : ERR_FORMAT;
}

static void
s_put_uint(struct buf *out, uint64_t v)
{
    buf_printf(out, "%llu", (unsigned long long) v);
}

// In the largest unit that holds it exactly.
static void
s_put_scaled(struct buf *out, uint64_t v, const uint64_t *sizes, const char *const *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v % sizes[i] == 0 && (v > 0 || i == n - 1)) {
            buf_printf(out, "%llu%s", (unsigned long long) (v / sizes[i]), units[i]);
            return;
        }
    }
}

static void
s_put_duration(struct buf *out, uint64_t ms)
{
    static const uint64_t sizes[] = { 86400000, 3600000, 60000, 1000, 1 };
    static const char *const units[] = { "d", "h", "m", "s", "ms" };

    s_put_scaled(out, ms, sizes, units, sizeof sizes / sizeof sizes[0]);
}

static void
s_put_bytes(struct buf *out, uint64_t bytes)
{
    static const uint64_t sizes[] = { UINT64_C(1) << 30, 1u << 20, 1u << 10, 1 };
    static const char *const units[] = { "GiB", "MiB", "KiB", "" };

    s_put_scaled(out, bytes, sizes, units, sizeof sizes / sizeof sizes[0]);
}

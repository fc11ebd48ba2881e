// selector - the text of a selector, taken apart.

#include "shared/model/selector.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"
#define SPACES  " \t\r\n"

struct reader {
    const char *text;
    const char *at; // the next character
    char *error;    // MATCHERS_ERROR_SIZE bytes
    bool named;     // a metric's name stood before the braces
    struct selector *into;
};

// The longer first: "=" begins "=~".
static const struct {
    const char *text;
    enum matcher_op op;
} operators[] = {
    { "=~", MATCHER_REGEX },
    { "!~", MATCHER_NOT_REGEX },
    { "!=", MATCHER_NOT_EQUAL },
    { "=", MATCHER_EQUAL },
};
#define N_OPERATORS (sizeof operators / sizeof operators[0])

// Escapes that say a character's number, by the letter behind the backslash.
static const struct number_escape {
    char letter; // 0: the digits follow the backslash itself
    int base;
    size_t digits;  // exactly so many
    bool character; // a Unicode character, written as UTF-8; else one byte
} number_escapes[] = {
    { 'x', 16, 2, false },
    { 'u', 16, 4, true },
    { 'U', 16, 8, true },
    { '\0', 8, 3, false },
};
#define N_NUMBER_ESCAPES (sizeof number_escapes / sizeof number_escapes[0])

static int s_whole(struct reader *r);
static int s_braces(struct reader *r);
static int s_term(struct reader *r);
static int s_check_name(struct reader *r, const char *name, const char *start);
static int s_operator(struct reader *r, enum matcher_op *ret);
static void s_add(struct reader *r, char *name, enum matcher_op op, char *value, const char *at);
static char *s_name(struct reader *r, bool colons);
static int s_value(struct reader *r, struct buf *out);
static int s_raw(struct reader *r, struct buf *out);
static int s_quoted(struct reader *r, struct buf *out);
static int s_escape(struct reader *r, struct buf *out, char quote);
static int s_number(struct reader *r, struct buf *out, const struct number_escape *form);
static void s_put_utf8(struct buf *out, uint32_t c);
static void s_space(struct reader *r);
static int s_expected(struct reader *r, const char *what);
static int s_fail(struct reader *r, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int
selector_parse(struct selector *ret, const char *text, char error[MATCHERS_ERROR_SIZE])
{
    struct reader r = { .text = text, .at = text, .error = error, .into = ret };
    int rc;

    *ret = (struct selector){ 0 };
    if (strnlen(text, MATCHERS_TEXT_MAX + 1) > MATCHERS_TEXT_MAX)
        return s_fail(&r, ERR_LIMIT, "a selector has at most %d bytes", MATCHERS_TEXT_MAX);
    rc = s_whole(&r);
    if (rc < 0)
        selector_release(ret);
    return rc;
}

void
selector_release(struct selector *selector)
{
    for (size_t i = 0; i < selector->count; i++) {
        free(selector->terms[i].name);
        free(selector->terms[i].value);
    }
    *selector = (struct selector){ 0 };
}

static int
s_whole(struct reader *r)
{
    const char *start;
    char *metric;
    int rc = 0;

    s_space(r);
    start = r->at;
    metric = s_name(r, true);
    r->named = metric != NULL;
    if (metric != NULL)
        s_add(r, xstrdup(LABEL_METRIC), MATCHER_EQUAL, metric, start);
    s_space(r);
    if (*r->at == '{')
        rc = s_braces(r);
    else if (metric == NULL)
        rc = s_expected(r, "a metric's name or '{'");
    s_space(r);
    if (rc == 0 && *r->at != '\0')
        rc = s_expected(r, "the end of the selector");
    return rc;
}

// { term, term, ... } where the last may have a comma too.
static int
s_braces(struct reader *r)
{
    r->at++;
    for (;;) {
        int rc;

        s_space(r);
        if (*r->at == '}')
            break;
        rc = s_term(r);
        if (rc < 0)
            return rc;
        s_space(r);
        if (*r->at == ',')
            r->at++;
        else if (*r->at != '}')
            return s_expected(r, "',' or '}'");
    }
    r->at++;
    return 0;
}

static int
s_term(struct reader *r)
{
    const char *start = r->at;
    struct buf value = { 0 };
    enum matcher_op op = MATCHER_EQUAL;
    size_t len;
    char *name;
    int rc;

    if (r->into->count == SELECTOR_TERMS_MAX)
        return s_fail(r, ERR_LIMIT, "a selector has at most %d matchers", SELECTOR_TERMS_MAX);
    name = s_name(r, false);
    if (name == NULL)
        return s_expected(r, "a label's name or '}'");
    rc = s_check_name(r, name, start);
    s_space(r);
    if (rc == 0)
        rc = s_operator(r, &op);
    s_space(r);
    start = r->at;
    if (rc == 0)
        rc = s_value(r, &value);
    if (rc == 0) {
        buf_cstr(&value);
        s_add(r, name, op, (char *) buf_detach(&value, &len), start);
        return 0;
    }
    free(name);
    buf_release(&value);
    return rc;
}

// A longer name is no label's, so it is a slip of the pen and not a question.
static int
s_check_name(struct reader *r, const char *name, const char *start)
{
    if (strlen(name) > LABEL_NAME_MAX) {
        r->at = start;
        return s_fail(r, ERR_LIMIT, "a label's name has at most %d bytes", LABEL_NAME_MAX);
    }
    if (r->named && strcmp(name, LABEL_METRIC) == 0) {
        r->at = start;
        return s_fail(r, ERR_FORMAT, "the metric's name must not be given twice");
    }
    return 0;
}

static int
s_operator(struct reader *r, enum matcher_op *ret)
{
    for (size_t i = 0; i < N_OPERATORS; i++) {
        if (!str_starts(r->at, operators[i].text))
            continue;
        r->at += strlen(operators[i].text);
        *ret = operators[i].op;
        return 0;
    }
    return s_expected(r, "one of = != =~ !~");
}

// Takes name and value.
static void
s_add(struct reader *r, char *name, enum matcher_op op, char *value, const char *at)
{
    r->into->terms[r->into->count++] = (struct selector_term){
        .op = op,
        .name = name,
        .value = value,
        .column = (size_t) (at - r->text) + 1,
    };
}

// NULL if there is none here.
static char *
s_name(struct reader *r, bool colons)
{
    size_t first = strspn(r->at, colons ? LETTERS ":" : LETTERS);
    size_t len = first > 0 ? strspn(r->at, colons ? LETTERS DIGITS ":" : LETTERS DIGITS) : 0;
    const char *start = r->at;

    r->at += len;
    return len > 0 ? xstrndup(start, len) : NULL;
}

static int
s_value(struct reader *r, struct buf *out)
{
    const char *start = r->at;
    int rc;

    if (*r->at == '`')
        rc = s_raw(r, out);
    else if (*r->at == '"' || *r->at == '\'')
        rc = s_quoted(r, out);
    else
        rc = s_expected(r, "a value in quotes");
    if (rc < 0)
        return rc;
    if (!str_is_utf8((const char *) out->at, out->len)) {
        r->at = start;
        return s_fail(r, ERR_FORMAT, "a value must be UTF-8 without NUL");
    }
    return 0;
}

static int
s_raw(struct reader *r, struct buf *out)
{
    const char *end = strchr(r->at + 1, '`');

    if (end == NULL)
        return s_fail(r, ERR_FORMAT, "this ` is never closed");
    buf_bytes(out, r->at + 1, (size_t) (end - r->at) - 1);
    r->at = end + 1;
    return 0;
}

static int
s_quoted(struct reader *r, struct buf *out)
{
    const char *start = r->at;
    const char quote = *r->at++;

    while (*r->at != quote) {
        int rc = 0;

        if (*r->at == '\0' || *r->at == '\n') {
            r->at = start;
            return s_fail(r, ERR_FORMAT, "this %c is not closed on its line", quote);
        }
        if (*r->at == '\\')
            rc = s_escape(r, out, quote);
        else
            buf_byte(out, (uint8_t) *r->at++);
        if (rc < 0)
            return rc;
    }
    r->at++;
    return 0;
}

// Go's escapes: of the two quotes only the one that encloses the string may be escaped.
static int
s_escape(struct reader *r, struct buf *out, char quote)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    const char letter = r->at[1];
    const char *named = letter != '\0' ? strchr(from, letter) : NULL;

    if (named != NULL || letter == quote) {
        buf_byte(out, (uint8_t) (named != NULL ? to[named - from] : quote));
        r->at += 2;
        return 0;
    }
    for (size_t i = 0; i < N_NUMBER_ESCAPES; i++) {
        const struct number_escape *form = &number_escapes[i];

        if (form->letter != '\0' ? letter == form->letter : letter >= '0' && letter <= '7')
            return s_number(r, out, form);
    }
    return s_fail(r, ERR_FORMAT, "no such escape; a \\ itself is written \\\\");
}

// The digits are counted first: "\x1" must not take the character behind it for a digit.
static int
s_number(struct reader *r, struct buf *out, const struct number_escape *form)
{
    const char *digits = r->at + 1 + (form->letter != '\0');
    const char *set = form->base == 8 ? "01234567" : DIGITS "abcdefABCDEF";
    char text[sizeof "00000000"] = "";
    unsigned long v;

    if (strspn(digits, set) < form->digits)
        return s_fail(r, ERR_FORMAT, "this escape needs %zu digits", form->digits);
    memcpy(text, digits, form->digits);
    v = strtoul(text, NULL, form->base);
    // U+D800 to U+DFFF, whose upper bits are 0x1b, are halves of UTF-16 pairs.
    if (v > (form->character ? 0x10ffff : 0xff) || (form->character && v >> 11 == 0x1b))
        return s_fail(r, ERR_FORMAT, "this escape is no %s",
                      form->character ? "character" : "byte");
    if (form->character)
        s_put_utf8(out, (uint32_t) v);
    else
        buf_byte(out, (uint8_t) v);
    r->at = digits + form->digits;
    return 0;
}

// `c` is at most U+10FFFF and no surrogate.
static void
s_put_utf8(struct buf *out, uint32_t c)
{
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; // bytes after the first
    static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

    buf_byte(out, (uint8_t) (lead[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_byte(out, (uint8_t) (0x80 | (c >> (6 * more) & 0x3f)));
}

static void
s_space(struct reader *r)
{
    r->at += strspn(r->at, SPACES);
}

// The text may be a stranger's and the sentence goes to a log or a page: only what prints is shown.
static int
s_expected(struct reader *r, const char *what)
{
    const unsigned char c = (unsigned char) *r->at;

    if (c == '\0')
        return s_fail(r, ERR_FORMAT, "expected %s, but the selector ends", what);
    if (c > 0x20 && c < 0x7f)
        return s_fail(r, ERR_FORMAT, "expected %s, found '%c'", what, c);
    return s_fail(r, ERR_FORMAT, "expected %s, found byte 0x%02x", what, c);
}

// Says where the reader stands; columns count bytes from 1.
static int
s_fail(struct reader *r, int rc, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->error, MATCHERS_ERROR_SIZE, "column %td: ", r->at - r->text + 1);

    va_start(args, format);
    vsnprintf(r->error + n, MATCHERS_ERROR_SIZE - (size_t) n, format, args);
    va_end(args);
    return rc;
}

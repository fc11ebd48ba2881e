// import_csv - see the header.

#include "collector/ctl/import_csv.h"

#include <string.h>

#include "collector/ctl/export_text.h"
#include "collector/ctl/import_number.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

#define HEAD_LEN (sizeof EXPORT_CSV_HEAD - 2) // without its end of line

static const char s_head_rule[] = "a CSV of samples begins with the line time_ms,series,value";

static int
s_fault(struct import_fault *fault, const char *rule, const char *at, size_t len)
{
    *fault = (struct import_fault){ .rule = rule, .value = at, .len = len };
    return ERR_FORMAT;
}

void
import_csv_release(struct import_csv *self)
{
    buf_release(&self->text);
}

// A quoted field from behind its first quote: its text is in self->text, and what follows its last
// quote is returned; NULL if there is none.
static const char *
s_take_quoted(struct import_csv *self, const char *at, const char *end)
{
    buf_clear(&self->text);
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t) (end - at));

        if (quote == NULL)
            return NULL;
        buf_bytes(&self->text, at, (size_t) (quote - at));
        if (quote + 1 == end || quote[1] != '"')
            return quote + 1;
        buf_byte(&self->text, '"');
        at = quote + 2;
    }
    return NULL;
}

// The second field; what stands behind the comma after it, or NULL.
static const char *
s_take_series(struct import_csv *self, const char *at, const char *end, struct import_line *ret)
{
    const char *comma;

    if (at < end && *at == '"') {
        comma = s_take_quoted(self, at + 1, end);
        ret->series = (const char *) self->text.at;
        ret->series_len = self->text.len;
        return comma != NULL && comma < end && *comma == ',' ? comma + 1 : NULL;
    }
    comma = memchr(at, ',', (size_t) (end - at));
    if (comma == NULL || memchr(at, '"', (size_t) (comma - at)) != NULL)
        return NULL;
    ret->series = at;
    ret->series_len = (size_t) (comma - at);
    return comma + 1;
}

static bool
s_ends_in(const char *at, size_t n, const char *ending)
{
    const size_t len = strlen(ending);

    return n > len && memcmp(at + n - len, ending, len) == 0;
}

static enum metric_kind
s_kind(const struct import_line *line)
{
    const char *brace = memchr(line->series, '{', line->series_len);
    const size_t n = brace != NULL ? (size_t) (brace - line->series) : line->series_len;
    const bool counts = s_ends_in(line->series, n, "_total") ||
                        s_ends_in(line->series, n, "_count") ||
                        s_ends_in(line->series, n, "_bucket");

    if (s_ends_in(line->series, n, "_info"))
        return METRIC_INFO;
    return counts ? METRIC_COUNTER : METRIC_UNTYPED;
}

static int
s_take_number(struct import_line *ret, const char *at, size_t n, struct import_fault *fault)
{
    int rc;

    if (n == 4 && memcmp(at, "-NaN", 4) == 0) {
        ret->value = sample_from_bits(SAMPLE_STALE_BITS);
        ret->decimals = IMPORT_DECIMALS_NONE;
        return 0;
    }
    rc = import_value(&ret->value, &ret->decimals, at, n);
    if (rc == ERR_RANGE)
        return s_fault(fault, "a value is no larger than a double can be", at, n);
    if (rc == ERR_LIMIT)
        return s_fault(fault, "a number has at most 400 characters", at, n);
    if (rc < 0)
        return s_fault(fault, "the third field is a value: decimal, NaN, +Inf, -Inf or -NaN", at,
                       n);
    return 0;
}

static int
s_take_sample(struct import_csv *self, const char *at, size_t n, struct import_line *ret,
              struct import_fault *fault)
{
    const char *end = at + n;
    const char *comma = memchr(at, ',', n);
    const char *value;
    int rc;

    if (comma == NULL)
        return s_fault(fault, "a line has three fields: time_ms,series,value", at, n);
    rc = import_ms(&ret->time_ms, at, (size_t) (comma - at));
    if (rc == ERR_RANGE)
        return s_fault(fault, "a time is in the years 1970 to 9999", at, (size_t) (comma - at));
    if (rc < 0)
        return s_fault(fault, "the first field is a time: milliseconds since 1970, all digits", at,
                       (size_t) (comma - at));
    value = s_take_series(self, comma + 1, end, ret);
    if (value == NULL || ret->series_len == 0)
        return s_fault(fault, "the second field is a series, quoted where quotes are in it",
                       comma + 1, (size_t) (end - comma - 1));
    ret->sample = true;
    ret->kind = s_kind(ret);
    return s_take_number(ret, value, (size_t) (end - value), fault);
}

int
import_csv_line(struct import_csv *self, const char *at, size_t n, struct import_line *ret,
                struct import_fault *fault)
{
    *ret = (struct import_line){ 0 };
    if (n > 0 && at[n - 1] == '\r')
        n--;
    if (self->begun)
        return s_take_sample(self, at, n, ret, fault);
    if (n != HEAD_LEN || memcmp(at, EXPORT_CSV_HEAD, HEAD_LEN) != 0)
        return s_fault(fault, s_head_rule, at, n);
    self->begun = true;
    return 0;
}

int
import_csv_end(const struct import_csv *self, struct import_fault *fault)
{
    return self->begun ? 0 : s_fault(fault, s_head_rule, NULL, 0);
}

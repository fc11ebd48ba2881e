// import_openmetrics - see the header.

#include "collector/ctl/import_openmetrics.h"

#include <string.h>

#include "collector/ctl/import_number.h"
#include "collector/ctl/import_series.h"
#include "shared/base/err.h"

static const struct type {
    const char *word;
    enum import_type type;
} s_types[] = {
    { "unknown", IMPORT_UNKNOWN },   { "untyped", IMPORT_UNKNOWN },
    { "gauge", IMPORT_GAUGE },       { "counter", IMPORT_COUNTER },
    { "info", IMPORT_INFO },         { "histogram", IMPORT_HISTOGRAM },
    { "summary", IMPORT_HISTOGRAM }, { "gaugehistogram", IMPORT_UNKNOWN },
    { "stateset", IMPORT_UNKNOWN },
};

// What a family's samples are called behind its name, and what they are then.
static const struct ending {
    enum import_type type;
    const char *ending;
    enum metric_kind kind;
} s_endings[] = {
    { IMPORT_GAUGE, "", METRIC_GAUGE },
    { IMPORT_COUNTER, "_total", METRIC_COUNTER },
    { IMPORT_COUNTER, "", METRIC_COUNTER }, // the older text format calls them so
    { IMPORT_INFO, "_info", METRIC_INFO },
    { IMPORT_HISTOGRAM, "_bucket", METRIC_COUNTER },
    { IMPORT_HISTOGRAM, "_count", METRIC_COUNTER },
    { IMPORT_HISTOGRAM, "_sum", METRIC_COUNTER },
};

static int
s_fault(struct import_fault *fault, const char *rule, const char *at, size_t len)
{
    *fault = (struct import_fault){ .rule = rule, .value = at, .len = len };
    return ERR_FORMAT;
}

void
import_openmetrics_release(struct import_openmetrics *self)
{
    buf_release(&self->family);
}

static bool
s_is(const char *at, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(at, word, n) == 0;
}

// The word that stands at `at`, and the space behind it.
static size_t
s_word(const char *at, const char *end)
{
    const char *space = memchr(at, ' ', (size_t) (end - at));

    return (size_t) ((space != NULL ? space : end) - at);
}

// # TYPE family type
static int
s_take_type(struct import_openmetrics *self, const char *at, const char *end,
            struct import_fault *fault)
{
    const size_t n = s_word(at, end);
    const char *word = at + n + 1;

    if (n == 0 || word >= end)
        return s_fault(fault, "TYPE has a family and its type", at, (size_t) (end - at));
    for (size_t i = 0; i < sizeof s_types / sizeof s_types[0]; i++) {
        if (!s_is(word, (size_t) (end - word), s_types[i].word))
            continue;
        self->type = s_types[i].type;
        buf_clear(&self->family);
        buf_bytes(&self->family, at, n);
        return 0;
    }
    return s_fault(fault,
                   "a type is counter, gauge, histogram, gaugehistogram, stateset, info, summary "
                   "or unknown",
                   word, (size_t) (end - word));
}

static int
s_take_comment(struct import_openmetrics *self, const char *at, size_t n,
               struct import_fault *fault)
{
    if (s_is(at, n, "# EOF"))
        self->ended = true;
    else if (n > 7 && memcmp(at, "# TYPE ", 7) == 0)
        return s_take_type(self, at + 7, at + n, fault);
    return 0;
}

static enum metric_kind
s_kind(const struct import_openmetrics *self, const char *series, size_t n)
{
    const char *brace = memchr(series, '{', n);
    const size_t name = brace != NULL ? (size_t) (brace - series) : n;
    const size_t family = self->family.len;

    if (family == 0 || name < family || memcmp(series, self->family.at, family) != 0)
        return METRIC_UNTYPED;
    for (size_t i = 0; i < sizeof s_endings / sizeof s_endings[0]; i++)
        if (s_endings[i].type == self->type &&
            s_is(series + family, name - family, s_endings[i].ending))
            return s_endings[i].kind;
    return METRIC_UNTYPED;
}

static int
s_take_value(struct import_line *ret, const char *at, size_t n, struct import_fault *fault)
{
    const int rc = import_value(&ret->value, &ret->decimals, at, n);

    if (rc == ERR_RANGE)
        return s_fault(fault, "a value is no larger than a double can be", at, n);
    if (rc == ERR_LIMIT)
        return s_fault(fault, "a number has at most 400 characters", at, n);
    if (rc < 0)
        return s_fault(fault, "behind its series a sample has a value: decimal, NaN, +Inf or -Inf",
                       at, n);
    return 0;
}

// From behind the value.
static int
s_take_time(struct import_line *ret, const char *at, const char *end, struct import_fault *fault)
{
    size_t n;
    int rc;

    at += at < end; // the space
    n = s_word(at, end);
    if (n == 0 || *at == '#')
        return s_fault(fault, "a sample to be imported has a time: seconds, behind its value",
                       ret->series, ret->series_len);
    rc = import_seconds(&ret->time_ms, at, n);
    if (rc == ERR_RANGE)
        return s_fault(fault, "a time is in seconds, and in the years 1970 to 9999", at, n);
    if (rc < 0)
        return s_fault(fault, "a time is a decimal number of seconds since 1970", at, n);
    if (at + n < end && (end - at - (ptrdiff_t) n < 4 || memcmp(at + n, " # {", 4) != 0))
        return s_fault(fault, "behind its time a sample has nothing but an exemplar: # {...}",
                       at + n, (size_t) (end - at) - n);
    return 0;
}

static int
s_take_sample(struct import_openmetrics *self, const char *at, size_t n, struct import_line *ret,
              struct import_fault *fault)
{
    const size_t series = import_series_span(at, n);
    const char *end = at + n;
    const char *value = at + series + 1;
    size_t len;

    if (series == 0 || value >= end || at[series] != ' ')
        return s_fault(fault, "a line is a series, its value and its time, one space between", at,
                       n);
    ret->series = at;
    ret->series_len = series;
    len = s_word(value, end);
    if (s_take_value(ret, value, len, fault) < 0)
        return ERR_FORMAT;
    if (s_take_time(ret, value + len, end, fault) < 0)
        return ERR_FORMAT;
    ret->kind = s_kind(self, at, series);
    ret->sample = true;
    return 0;
}

int
import_openmetrics_line(struct import_openmetrics *self, const char *at, size_t n,
                        struct import_line *ret, struct import_fault *fault)
{
    *ret = (struct import_line){ 0 };
    if (self->ended)
        return s_fault(fault, "# EOF is the last line", at, n);
    if (n == 0)
        return 0;
    return at[0] == '#' ? s_take_comment(self, at, n, fault)
                        : s_take_sample(self, at, n, ret, fault);
}

int
import_openmetrics_end(const struct import_openmetrics *self, struct import_fault *fault)
{
    return self->ended
               ? 0
               : s_fault(fault, "OpenMetrics ends with the line # EOF: this was cut", NULL, 0);
}

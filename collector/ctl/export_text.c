// export_text - see the header.

#include "collector/ctl/export_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "shared/model/matcher.h"

#define TERMS_MAX 30  // of a selector: matcher.h takes two more
#define VALUE_MAX 120 // bytes of a label's value in one: so that all fit

static void s_put_term(struct buf *out, const char *name, const char *value);

void
export_put_family(struct buf *out, const struct export_series *s)
{
    buf_printf(out, "# TYPE %s %s\n", s->family, s->type);
}

bool
export_put_openmetrics(struct buf *out, const char *series, const struct sample *sample)
{
    if (sample_is_stale(sample->value))
        return false;
    buf_str(out, series);
    buf_byte(out, ' ');
    buf_double(out, sample->value);
    buf_byte(out, ' ');
    buf_decimal(out, sample->time_ms, 3);
    buf_byte(out, '\n');
    return true;
}

void
export_put_csv(struct buf *out, const char *series, const struct sample *sample)
{
    buf_printf(out, "%" PRId64 ",\"", sample->time_ms);
    for (const char *at = series; *at != '\0'; at++) {
        if (*at == '"')
            buf_byte(out, '"');
        buf_byte(out, (uint8_t) *at);
    }
    buf_str(out, "\",");
    if (sample_is_stale(sample->value))
        buf_str(out, "-NaN");
    else
        buf_double(out, sample->value);
    buf_byte(out, '\n');
}

// `{...}` gets two terms more; one that begins with a name has the first of them already.
void
export_put_unit_selector(struct buf *out, const char *match, const struct export_series *s)
{
    size_t n = strlen(match);
    const bool named = match[strspn(match, " \t\n")] != '{';
    bool comma, braces;

    while (n > 0 && isspace((unsigned char) match[n - 1]))
        n--;
    braces = n > 0 && match[n - 1] == '}';
    if (braces)
        n--;
    buf_bytes(out, match, n);
    while (n > 0 && isspace((unsigned char) match[n - 1]))
        n--;
    comma = braces && n > 0 && match[n - 1] != '{' && match[n - 1] != ',';
    buf_str(out, !braces ? "{" : comma ? "," : "");
    if (!named) {
        s_put_term(out, LABEL_METRIC, s->name);
        buf_byte(out, ',');
    }
    s_put_term(out, "instance", s->instance);
    buf_byte(out, '}');
}

void
export_put_series_selector(struct buf *out, const struct export_series *s)
{
    size_t terms = 0;

    buf_byte(out, '{');
    for (size_t i = 0; i < s->labels.count && terms < TERMS_MAX; i++) {
        if (strlen(s->labels.at[i].value) > VALUE_MAX)
            continue;
        if (terms++ > 0)
            buf_byte(out, ',');
        s_put_term(out, s->labels.at[i].name, s->labels.at[i].value);
    }
    buf_byte(out, '}');
}

static void
s_put_term(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\n') {
            buf_str(out, "\\n");
            continue;
        }
        if (*at == '"' || *at == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t) *at);
    }
    buf_byte(out, '"');
}

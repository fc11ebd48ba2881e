// import_series - see the header.

#include "collector/ctl/import_series.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"

// Text that is being read.
struct cursor {
    const char *at;
    const char *end;
};

// Labels with their text in one buf, where it still moves: so their places, until it is whole.
struct gathered {
    struct buf text;
    size_t name[LABEL_SET_MAX], value[LABEL_SET_MAX];
    size_t n;
};

static int
s_fault(struct import_fault *fault, int rc, const char *rule, const char *at, size_t len)
{
    *fault = (struct import_fault){ .rule = rule, .value = at, .len = len };
    return rc;
}

size_t
import_series_span(const char *at, size_t n)
{
    bool quoted = false;
    size_t i = 0;

    while (i < n && at[i] != '{' && at[i] != ' ')
        i++;
    if (i == n || at[i] == ' ')
        return i;
    for (; i < n; i++) {
        if (quoted && at[i] == '\\')
            i++;
        else if (at[i] == '"')
            quoted = !quoted;
        else if (at[i] == '}' && !quoted)
            return i + 1;
    }
    return n;
}

static void
s_add(struct gathered *g, const char *name, size_t n)
{
    g->name[g->n] = g->text.len;
    buf_bytes(&g->text, name, n);
    buf_byte(&g->text, '\0');
    g->value[g->n++] = g->text.len;
}

// A value behind its first quote, up to behind its last.
static int
s_take_value(struct gathered *g, struct cursor *c, struct import_fault *fault)
{
    const char *from = c->at;

    for (; c->at < c->end && *c->at != '"'; c->at++) {
        char byte = *c->at;

        if (byte == '\0' || byte == '\n')
            return s_fault(fault, ERR_FORMAT, "a label's value has no NUL and no line in it", from,
                           (size_t) (c->at - from));
        if (byte == '\\') {
            c->at++;
            byte = c->at < c->end ? *c->at : '\0';
            if (byte != '\\' && byte != '"' && byte != 'n')
                return s_fault(fault, ERR_FORMAT,
                               "in a label's value only \\\\, \\\" and \\n follow a backslash",
                               from, (size_t) (c->at - from));
            byte = byte == 'n' ? '\n' : byte;
        }
        buf_byte(&g->text, (uint8_t) byte);
    }
    if (c->at == c->end)
        return s_fault(fault, ERR_FORMAT, "a label's value ends with a quote", from,
                       (size_t) (c->end - from));
    c->at++;
    buf_byte(&g->text, '\0');
    return 0;
}

static int
s_take_label(struct gathered *g, struct cursor *c, struct import_fault *fault)
{
    const char *name = c->at;
    const char *equals = memchr(c->at, '=', (size_t) (c->end - c->at));
    int rc;

    if (equals == NULL || equals + 1 == c->end || equals[1] != '"')
        return s_fault(fault, ERR_FORMAT, "labels are name=\"value\", with commas between them",
                       name, (size_t) (c->end - name));
    if (g->n == LABEL_SET_MAX)
        return s_fault(fault, ERR_LIMIT, "a series has at most 64 labels, its name among them",
                       name, (size_t) (equals - name));
    s_add(g, name, (size_t) (equals - name));
    c->at = equals + 2;
    rc = s_take_value(g, c, fault);
    // A name with NUL in it would be taken for a shorter one.
    if (rc == 0 && memchr(name, '\0', (size_t) (equals - name)) != NULL)
        rc = s_fault(fault, ERR_FORMAT, "a label's name is [a-zA-Z_][a-zA-Z0-9_]*", name,
                     (size_t) (equals - name));
    return rc;
}

// What stands in the braces, behind the first of them.
static int
s_take_labels(struct gathered *g, struct cursor *c, struct import_fault *fault)
{
    const char *from = c->at;
    int rc;

    while (c->at < c->end && *c->at != '}') {
        rc = s_take_label(g, c, fault);
        if (rc < 0)
            return rc;
        if (c->at < c->end && *c->at == ',')
            c->at++;
        else if (c->at < c->end && *c->at != '}')
            return s_fault(fault, ERR_FORMAT, "labels have commas between them", c->at,
                           (size_t) (c->end - c->at));
    }
    if (c->at == c->end || c->at[-1] == ',')
        return s_fault(fault, ERR_FORMAT, "labels end with a brace", from,
                       (size_t) (c->end - from));
    c->at++;
    if (c->at < c->end)
        return s_fault(fault, ERR_FORMAT, "a series ends with its braces", c->at,
                       (size_t) (c->end - c->at));
    return 0;
}

static int
s_finish(struct label_set *ret, struct gathered *g, const char *at, size_t n,
         struct import_fault *fault)
{
    struct label labels[LABEL_SET_MAX];
    int rc;

    for (size_t i = 0; i < g->n; i++)
        labels[i] = (struct label){ .name = (const char *) g->text.at + g->name[i],
                                    .value = (const char *) g->text.at + g->value[i] };
    rc = label_set_init(ret, labels, g->n);
    if (rc == ERR_LIMIT)
        return s_fault(fault, rc,
                       "a label's name has at most 128 bytes, its value 16384, a series 32768", at,
                       n);
    if (rc < 0)
        return s_fault(fault, rc,
                       "a series has names of [a-zA-Z_][a-zA-Z0-9_]*, each once, and UTF-8", at, n);
    if (label_set_metric(ret)[0] != '\0')
        return 0;
    label_set_release(ret);
    return s_fault(fault, ERR_FORMAT, "a series begins with its name", at, n);
}

int
import_series_parse(struct label_set *ret, const char *at, size_t n, struct import_fault *fault)
{
    const char *brace = memchr(at, '{', n);
    const size_t name = brace != NULL ? (size_t) (brace - at) : n;
    struct cursor c = { .at = brace != NULL ? brace + 1 : NULL, .end = at + n };
    struct gathered g = { .n = 0 };
    int rc = 0;

    *ret = (struct label_set){ 0 };
    if (memchr(at, '\0', name) != NULL)
        return s_fault(fault, ERR_FORMAT, "a name is [a-zA-Z_:][a-zA-Z0-9_:]*", at, name);
    s_add(&g, LABEL_METRIC, strlen(LABEL_METRIC));
    buf_bytes(&g.text, at, name);
    buf_byte(&g.text, '\0');
    if (brace != NULL)
        rc = s_take_labels(&g, &c, fault);
    if (rc == 0)
        rc = s_finish(ret, &g, at, n, fault);
    buf_release(&g.text);
    return rc;
}

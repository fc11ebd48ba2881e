// view_id - names of columns: from the labels of a series, and back from what somebody asks for.

#include <stdio.h>
#include <string.h>

#include "dashboard/view_inner.h"
#include "shared/base/str.h"

#define INSTANCE_MAX 6  // digits of a core's number
#define SHOWN_MAX    80 // bytes of an id in a sentence

static bool s_put_name(struct buf *name, const struct view_each *each,
                       const struct label_set *labels);
static void s_put_escaped(struct buf *id, const char *text);
static bool s_is_escaped(unsigned char c);
static bool s_id_is_of(const struct view_def *def, const char *id);
static bool s_escapes_are_ours(const char *text);
static int s_hex(char c);
static bool s_digits(const char *text);

bool
view_id_make(struct buf *id, struct buf *name, const struct view_def *def,
             const struct label_set *labels)
{
    buf_str(id, def->id);
    if (def->each.label == NULL)
        return true;
    if (!s_put_name(name, &def->each, labels))
        return false;
    if (view_def_names_metric(def)) {
        buf_byte(id, '.');
        buf_str(id, label_set_metric(labels));
    }
    buf_byte(id, '.');
    s_put_escaped(id, buf_cstr(name));
    return id->len < VIEW_ID_SIZE;
}

const struct view_def *
view_id_def(const char *id)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);

    if (strlen(id) >= VIEW_ID_SIZE || !s_escapes_are_ours(id))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (s_id_is_of(&defs[i], id))
            return &defs[i];
    return NULL;
}

// What follows the table's part of an id.
static const char *
s_suffix(const struct view_def *def)
{
    if (def->each.label == NULL)
        return "";
    if (def->each.number)
        return ".0";
    return view_def_names_metric(def) ? ".METRIC.NAME" : ".NAME";
}

void
view_id_nearest(char error[VIEW_ERROR_SIZE], const char *id)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);
    unsigned best = UINT32_MAX;
    const char *nearest = "";
    const char *suffix = "";
    size_t family = strlen(id);

    for (size_t i = 0; i < n; i++) {
        const char *rest = strrchr(id, '.');
        unsigned distance = str_distance(defs[i].id, id);

        // Of a family only the beginning is ours: what follows its last point is a name.
        if (defs[i].each.label != NULL && rest != NULL && (size_t) (rest - id) < family) {
            char begin[VIEW_ID_SIZE];
            unsigned shorter;

            snprintf(begin, sizeof begin, "%.*s", (int) (rest - id), id);
            shorter = str_distance(defs[i].id, begin);
            distance = shorter < distance ? shorter : distance;
        }
        if (distance < best) {
            best = distance;
            nearest = defs[i].id;
            suffix = s_suffix(&defs[i]);
        }
    }
    snprintf(error, VIEW_ERROR_SIZE, "c: \"%.*s\" is no column; the nearest is \"%s%s\"", SHOWN_MAX,
             id, nearest, suffix);
}

void
view_id_name(struct buf *name, const struct view_def *def, const char *id)
{
    const char *at = id + strlen(def->id) + 1;

    if (view_def_names_metric(def))
        at = strchr(at, '.') + 1;
    for (; *at != '\0'; at++) {
        if (*at == '%') {
            buf_byte(name, (uint8_t) (s_hex(at[1]) * 16 + s_hex(at[2])));
            at += 2;
        } else {
            buf_byte(name, (uint8_t) *at);
        }
    }
}

bool
view_def_begins(const struct view_def *def, const char *begin)
{
    const size_t n = strlen(def->id), asked = strlen(begin);

    if (asked <= n)
        return strncmp(def->id, begin, asked) == 0;
    return def->each.label != NULL && strncmp(def->id, begin, n) == 0 && begin[n] == '.';
}

static bool
s_put_name(struct buf *name, const struct view_each *each, const struct label_set *labels)
{
    const char *value = label_set_get(labels, each->label);
    const char *second = each->second != NULL ? label_set_get(labels, each->second) : NULL;

    if (value == NULL || (each->second != NULL && second == NULL))
        return false;
    if (each->number && !s_digits(value))
        return false;
    buf_str(name, value);
    if (second != NULL) {
        buf_byte(name, (uint8_t) each->joiner);
        buf_str(name, second);
    }
    return true;
}

static void
s_put_escaped(struct buf *id, const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char) *text;

        if (s_is_escaped(c))
            buf_printf(id, "%%%02X", c);
        else
            buf_byte(id, c);
    }
}

static bool
s_is_escaped(unsigned char c)
{
    return c == '%' || c == ',' || c < ' ' || c == 0x7f;
}

static bool
s_id_is_of(const struct view_def *def, const char *id)
{
    const size_t n = strlen(def->id);
    const char *rest = id + n;

    if (strncmp(id, def->id, n) != 0)
        return false;
    if (def->each.label == NULL)
        return *rest == '\0';
    if (*rest++ != '.')
        return false;
    if (def->each.number)
        return s_digits(rest);
    if (view_def_names_metric(def)) {
        const char *point = strchr(rest, '.');

        // Which unit it has, its metric says.
        if (point == NULL || point == rest)
            return false;
        rest = point + 1;
    }
    return *rest != '\0';
}

// Only what must be escaped is, and in capitals: a column has one id.
static bool
s_escapes_are_ours(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '%') {
            const int high = s_hex(text[1]);
            const int low = high >= 0 ? s_hex(text[2]) : -1;

            if (low < 0 || !s_is_escaped((unsigned char) (high * 16 + low)) || high + low == 0)
                return false;
            text += 2;
        } else if (s_is_escaped((unsigned char) *text)) {
            return false;
        }
    }
    return true;
}

static int
s_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// A number as the kernel writes it.
static bool
s_digits(const char *text)
{
    const size_t n = strspn(text, "0123456789");

    return n > 0 && n <= INSTANCE_MAX && text[n] == '\0' && (n == 1 || text[0] != '0');
}

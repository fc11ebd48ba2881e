// label - the names and values that tell one series from another.
//
// A set is one allocation: the array of pairs, then all names and values in order, each with
// its NUL. Two equal sets have equal text, byte for byte.

#include "shared/model/label.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

// A pair that is not yet ours.
struct pair {
    const char *name, *value; // borrowed, not terminated
    size_t name_len, value_len;
};

static int s_check(const struct pair *pair);
static bool s_name_is_valid(const char *name, size_t len, bool colons);
static int s_order(const void *a, const void *b);
static bool s_is_in_order(const struct pair *pairs, size_t n);
static int s_build(struct label_set *set, const struct pair *pairs, size_t n);
static const char *s_append(char **to, const char *text, size_t len);
static size_t s_text_len(const struct label_set *set);
static void s_escape(struct buf *out, const char *value);

int
label_set_init(struct label_set *set, const struct label *labels, size_t n)
{
    struct pair pairs[LABEL_SET_MAX];
    size_t count = 0;

    *set = (struct label_set){ 0 };
    for (size_t i = 0; i < n; i++) {
        struct pair pair = {
            .name = labels[i].name,
            .value = labels[i].value,
            .name_len = strnlen(labels[i].name, LABEL_NAME_MAX + 1),
            .value_len = strnlen(labels[i].value, LABEL_VALUE_MAX + 1),
        };
        int rc = s_check(&pair);

        if (rc < 0)
            return rc;
        if (pair.value_len == 0)
            continue;
        if (count == LABEL_SET_MAX)
            return ERR_LIMIT;
        pairs[count++] = pair;
    }
    if (!s_is_in_order(pairs, count))
        qsort(pairs, count, sizeof pairs[0], s_order);
    return s_build(set, pairs, count);
}

void
label_set_known(struct label_set *set, const struct label *labels, size_t n)
{
    struct pair pairs[LABEL_SET_MAX];

    *set = (struct label_set){ 0 };
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (struct pair){ .name = labels[i].name,
                                  .value = labels[i].value,
                                  .name_len = strlen(labels[i].name),
                                  .value_len = strlen(labels[i].value) };
    }
    (void) s_build(set, pairs, n); // it was within every limit before
}

void
label_set_release(struct label_set *set)
{
    free(set->at);
    *set = (struct label_set){ 0 };
}

void
label_set_copy(struct label_set *set, const struct label_set *from)
{
    size_t array = from->count * sizeof from->at[0];
    ptrdiff_t moved; // from the old text to the new, bytes

    *set = *from;
    if (from->count == 0)
        return;
    set->at = xmemdup(from->at, array + s_text_len(from));
    moved = (const char *) set->at - (const char *) from->at;
    for (size_t i = 0; i < set->count; i++) {
        set->at[i].name += moved;
        set->at[i].value += moved;
    }
}

int
label_set_with(struct label_set *set, const struct label_set *from, const char *name,
               const char *value)
{
    struct label labels[LABEL_SET_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < from->count; i++)
        if (strcmp(from->at[i].name, name) != 0)
            labels[n++] = from->at[i];
    labels[n++] = (struct label){ .name = name, .value = value };
    return label_set_init(set, labels, n);
}

bool
label_set_equal(const struct label_set *a, const struct label_set *b)
{
    size_t len;

    if (a->count != b->count || a->hash != b->hash)
        return false;
    len = s_text_len(a);
    return len == s_text_len(b) && (len == 0 || memcmp(a->at[0].name, b->at[0].name, len) == 0);
}

int
label_set_compare(const struct label_set *a, const struct label_set *b)
{
    size_t both = a->count < b->count ? a->count : b->count;

    for (size_t i = 0; i < both; i++) {
        int order = strcmp(a->at[i].name, b->at[i].name);

        if (order == 0)
            order = strcmp(a->at[i].value, b->at[i].value);
        if (order != 0)
            return order;
    }
    return (a->count > b->count) - (a->count < b->count);
}

const char *
label_set_get(const struct label_set *set, const char *name)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(set->at[middle].name, name);

        if (order == 0)
            return set->at[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *
label_set_metric(const struct label_set *set)
{
    const char *metric = label_set_get(set, LABEL_METRIC);

    return metric != NULL ? metric : "";
}

void
label_set_put(struct wbuf *w, const struct label_set *set)
{
    wbuf_varint(w, set->count);
    for (size_t i = 0; i < set->count; i++) {
        wbuf_str(w, set->at[i].name);
        wbuf_str(w, set->at[i].value);
    }
}

// A set has one encoding: what is not in order, or has an empty value, is not ours.
int
label_set_take(struct rbuf *r, struct label_set *set)
{
    struct pair pairs[LABEL_SET_MAX];
    size_t n = (size_t) rbuf_count(r, LABEL_SET_MAX);

    *set = (struct label_set){ 0 };
    for (size_t i = 0; i < n; i++) {
        struct pair *pair = &pairs[i];

        pair->name = rbuf_str(r, LABEL_NAME_MAX, &pair->name_len);
        pair->value = rbuf_str(r, LABEL_VALUE_MAX, &pair->value_len);
        if (rbuf_rc(r) < 0 || pair->value_len == 0 || s_check(pair) < 0 ||
            (i > 0 && s_order(&pairs[i - 1], pair) >= 0)) {
            rbuf_fail(r);
            return rbuf_rc(r);
        }
    }
    if (rbuf_rc(r) == 0 && s_build(set, pairs, n) < 0)
        rbuf_fail(r);
    return rbuf_rc(r);
}

void
label_set_text(struct buf *out, const struct label_set *set)
{
    const char *metric = label_set_metric(set);
    bool open = false;

    buf_str(out, metric);
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->at[i].name, LABEL_METRIC) == 0)
            continue;
        buf_byte(out, open ? ',' : '{');
        open = true;
        buf_str(out, set->at[i].name);
        s_escape(out, set->at[i].value);
    }
    if (open)
        buf_byte(out, '}');
    else if (*metric == '\0')
        buf_str(out, "{}");
}

// 0, or which rule the pair breaks. An empty value passes.
static int
s_check(const struct pair *pair)
{
    bool is_metric;

    if (pair->name_len > LABEL_NAME_MAX || pair->value_len > LABEL_VALUE_MAX)
        return ERR_LIMIT;
    if (!s_name_is_valid(pair->name, pair->name_len, false))
        return ERR_FORMAT;
    is_metric = pair->name_len == sizeof LABEL_METRIC - 1 &&
                memcmp(pair->name, LABEL_METRIC, pair->name_len) == 0;
    if (pair->value_len == 0)
        return 0;
    if (is_metric ? !s_name_is_valid(pair->value, pair->value_len, true)
                  : !str_is_utf8(pair->value, pair->value_len))
        return ERR_FORMAT;
    return 0;
}

// [a-zA-Z_][a-zA-Z0-9_]*, and ':' anywhere where colons are. Not isalpha: that has a locale.
static bool
s_name_is_valid(const char *name, size_t len, bool colons)
{
    if (len == 0 || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || (c == ':' && colons)))
            return false;
    }
    return true;
}

// By name, as strcmp does: names have no NUL.
static int
s_order(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    size_t both = left->name_len < right->name_len ? left->name_len : right->name_len;
    int order = memcmp(left->name, right->name, both);

    if (order != 0)
        return order;
    return (left->name_len > right->name_len) - (left->name_len < right->name_len);
}

// As labels are that come from another set.
static bool
s_is_in_order(const struct pair *pairs, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (s_order(&pairs[i - 1], &pairs[i]) > 0)
            return false;
    return true;
}

// From checked pairs in order.
static int
s_build(struct label_set *set, const struct pair *pairs, size_t n)
{
    size_t array = n * sizeof set->at[0], bytes = 0;
    char *to;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && s_order(&pairs[i - 1], &pairs[i]) == 0)
            return ERR_FORMAT;
        bytes += pairs[i].name_len + pairs[i].value_len;
    }
    if (bytes > LABEL_BYTES_MAX)
        return ERR_LIMIT;
    if (n == 0)
        return 0;
    set->at = xmalloc(array + bytes + 2 * n);
    set->count = n;
    to = (char *) set->at + array;
    for (size_t i = 0; i < n; i++) {
        set->at[i].name = s_append(&to, pairs[i].name, pairs[i].name_len);
        set->at[i].value = s_append(&to, pairs[i].value, pairs[i].value_len);
    }
    set->hash = (uint32_t) map_hash(set->at[0].name, s_text_len(set));
    return 0;
}

// Text and its NUL at *to, which moves behind them; returns where it stands.
static const char *
s_append(char **to, const char *text, size_t len)
{
    char *at = *to;

    memcpy(at, text, len);
    at[len] = '\0';
    *to = at + len + 1;
    return at;
}

// Bytes of all names and values with their NULs, which begin at the first name.
static size_t
s_text_len(const struct label_set *set)
{
    const char *last;

    if (set->count == 0)
        return 0;
    last = set->at[set->count - 1].value;
    return (size_t) (last - set->at[0].name) + strlen(last) + 1;
}

// The three characters that exposition text escapes, and no other.
static void
s_escape(struct buf *out, const char *value)
{
    buf_str(out, "=\"");
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            buf_byte(out, '\\');
        if (*value == '\n')
            buf_str(out, "\\n");
        else
            buf_byte(out, (uint8_t) *value);
    }
    buf_byte(out, '"');
}

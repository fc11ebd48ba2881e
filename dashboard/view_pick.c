// view_pick - which columns somebody asks for, and the selectors of the series behind them.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/view_inner.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"

#define EXACT_BYTES_MAX (32u * 1024u) // of selectors: they share a question of 64 KiB
#define NAMES_BYTES_MAX 3800u         // of names in one selector, which has 4,096 at most
#define PREFIX          "node_"       // of every metric in the table
#define ALL_APPS        "{job=\"app\"}"

// They are sampled at every tick, by three families of the agent.
static const char *const tick_metrics[] = { "node_load1", "node_context_switches_total",
                                            "node_memory_MemTotal_bytes" };
#define N_TICK_METRICS (sizeof tick_metrics / sizeof tick_metrics[0])

// Selectors, or names of metrics, each once.
struct list {
    struct buf *text; // each NUL-terminated
    size_t *starts;
    size_t n, size;
    map_t *known;
};

static int s_add(struct view_pick *pick, const char *id, char error[VIEW_ERROR_SIZE]);
static bool s_begins_something(const char *begin);
static void s_list_init(struct list *list, struct buf *text);
static void s_list_release(struct list *list);
static void s_list_end(struct list *list, size_t start);
static void s_put_exact(struct list *list, const struct view_pick *pick);
static void s_put_def(struct list *list, const struct view_def *def, const char *id);
static void s_put_term(struct list *list, const struct view_def *def, const struct view_term *term,
                       const struct buf *name);
static void s_put_app(struct list *list, const struct view_def *def, const char *id);
static void s_put_quoted(struct buf *text, const char *value);
static void s_put_ticks(struct list *list);
static void s_put_by_names(struct list *list, const struct view_pick *pick);
static bool s_def_picked(const struct view_pick *pick, const struct view_def *def);
static void s_name(struct list *names, const char *metric);

int
view_pick_parse(struct view_pick *pick, const char *text, char error[VIEW_ERROR_SIZE])
{
    *pick = (struct view_pick){ 0 };
    for (const char *at = text, *end; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        char id[VIEW_ID_SIZE + 1];
        int rc;

        end = strchrnul(at, ',');
        snprintf(id, sizeof id, "%.*s", (int) (end - at < VIEW_ID_SIZE ? end - at : VIEW_ID_SIZE),
                 at);
        rc = s_add(pick, id, error);
        if (rc < 0) {
            view_pick_release(pick);
            return rc;
        }
    }
    return 0;
}

void
view_pick_release(struct view_pick *pick)
{
    map_destroy(&pick->exact);
    for (size_t i = 0; i < pick->n_begins; i++)
        free(pick->begins[i]);
    free(pick->begins);
    *pick = (struct view_pick){ 0 };
}

void
view_pick_copy(struct view_pick *pick, const struct view_pick *from)
{
    struct map_entry entry;

    *pick = (struct view_pick){ .n = from->n, .n_begins = from->n_begins };
    if (from->exact != NULL)
        pick->exact = map_new();
    for (size_t at = 0; from->exact != NULL && map_next(from->exact, &at, &entry);)
        map_put(pick->exact, entry.key, entry.len, entry.value);
    pick->begins = xcalloc(from->n_begins + 1, sizeof *pick->begins);
    for (size_t i = 0; i < from->n_begins; i++)
        pick->begins[i] = xstrdup(from->begins[i]);
}

bool
view_pick_has(const struct view_pick *pick, const char *id)
{
    if (pick->n == 0)
        return true;
    if (pick->exact != NULL && map_get(pick->exact, id, strlen(id)) != NULL)
        return true;
    for (size_t i = 0; i < pick->n_begins; i++)
        if (strncmp(id, pick->begins[i], strlen(pick->begins[i])) == 0)
            return true;
    return false;
}

size_t
view_selectors(const struct view_pick *pick, struct buf *text, const char **ret, size_t most)
{
    struct list list;
    size_t n;

    assert(most >= 4);
    s_list_init(&list, text);
    if (pick != NULL && pick->n > 0)
        s_put_exact(&list, pick);
    // Too many of them, or all: by their names alone, whatever the labels.
    if (list.n == 0 || list.n > most || text->len > EXACT_BYTES_MAX) {
        s_list_release(&list);
        s_list_init(&list, text);
        s_put_by_names(&list, pick);
    }
    assert(list.n <= most);
    n = list.n;
    for (size_t k = 0; k < n; k++)
        ret[k] = (const char *) text->at + list.starts[k];
    s_list_release(&list);
    return n;
}

static int
s_add(struct view_pick *pick, const char *id, char error[VIEW_ERROR_SIZE])
{
    const size_t n = strlen(id);
    const bool begins = n > 0 && id[n - 1] == '*';
    // The id itself is the key's; the table says of which family it is.
    const struct view_def *def = begins ? NULL : view_id_def(id);
    char begin[VIEW_ID_SIZE + 1];

    snprintf(begin, sizeof begin, "%.*s", (int) (begins ? n - 1 : n), id);
    if (begins ? !s_begins_something(begin) : def == NULL) {
        view_id_nearest(error, begin);
        return ERR_UNKNOWN;
    }
    if (pick->n == VIEW_PICK_MAX) {
        snprintf(error, VIEW_ERROR_SIZE, "c: more than %d columns", VIEW_PICK_MAX);
        return ERR_LIMIT;
    }
    if (begins) {
        pick->begins = xrealloc(pick->begins, pick->n_begins + 1, sizeof *pick->begins);
        pick->begins[pick->n_begins++] = xstrdup(begin);
        pick->n++;
        return 0;
    }
    if (pick->exact == NULL)
        pick->exact = map_new();
    if (map_put(pick->exact, id, n, (void *) (uintptr_t) def) == NULL)
        pick->n++;
    return 0;
}

static bool
s_begins_something(const char *begin)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);

    for (size_t i = 0; i < n; i++)
        if (view_def_begins(&defs[i], begin))
            return true;
    return false;
}

static void
s_list_init(struct list *list, struct buf *text)
{
    *list = (struct list){ .text = text, .known = map_new() };
    buf_clear(text);
}

static void
s_list_release(struct list *list)
{
    map_destroy(&list->known);
    free(list->starts);
}

// What was appended since `start` is an item; one that is there already is taken back.
static void
s_list_end(struct list *list, size_t start)
{
    struct buf *text = list->text;

    if (map_put(list->known, text->at + start, text->len - start, list) != NULL) {
        text->len = start;
        return;
    }
    buf_byte(text, '\0');
    if (list->n == list->size) {
        list->size = list->size == 0 ? 32 : list->size * 2;
        list->starts = xrealloc(list->starts, list->size, sizeof *list->starts);
    }
    list->starts[list->n++] = start;
}

static void
s_put_exact(struct list *list, const struct view_pick *pick)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);
    struct map_entry entry;

    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < pick->n_begins; b++)
            if (view_def_begins(&defs[i], pick->begins[b]))
                s_put_def(list, &defs[i], NULL);
    for (size_t at = 0; pick->exact != NULL && map_next(pick->exact, &at, &entry);) {
        char id[VIEW_ID_SIZE];

        snprintf(id, sizeof id, "%.*s", (int) entry.len, (const char *) entry.key);
        s_put_def(list, entry.value, id);
    }
    s_put_ticks(list);
}

// id NULL: all of its columns.
static void
s_put_def(struct list *list, const struct view_def *def, const char *id)
{
    struct buf name = { 0 };

    if (def->terms[0].metric == NULL) {
        s_put_app(list, def, id);
        return;
    }
    // Which of two labels holds what in "a/b/c", the text does not say.
    if (id != NULL && def->each.label != NULL && def->each.second == NULL)
        view_id_name(&name, def, id);
    for (size_t t = 0; t < VIEW_TERMS_MAX && def->terms[t].metric != NULL; t++)
        s_put_term(list, def, &def->terms[t], &name);
    if (def->each.second != NULL && def->each.joiner == '/') {
        const size_t start = list->text->len;

        buf_str(list->text, VIEW_SENSOR_METRIC "{job=\"node\"}");
        s_list_end(list, start);
    }
    buf_release(&name);
}

static void
s_put_term(struct list *list, const struct view_def *def, const struct view_term *term,
           const struct buf *name)
{
    struct buf *text = list->text;
    const size_t start = text->len;

    buf_printf(text, "%s{job=\"node\"", term->metric);
    // The values of our table are plain words, so nothing of them needs escaping.
    if (term->label != NULL)
        buf_printf(text, ",%s%s\"%s\"", term->label, strchr(term->values, '|') != NULL ? "=~" : "=",
                   term->values);
    if (name->len > 0) {
        struct buf copy = { 0 };

        buf_bytes(&copy, name->at, name->len);
        buf_printf(text, ",%s=", def->each.label);
        s_put_quoted(text, buf_cstr(&copy));
        buf_release(&copy);
    }
    buf_str(text, "}");
    s_list_end(list, start);
}

static void
s_put_app(struct list *list, const struct view_def *def, const char *id)
{
    struct buf *text = list->text;
    const size_t start = text->len;
    struct buf name = { 0 };

    if (id == NULL) {
        buf_str(text, ALL_APPS);
    } else {
        view_id_name(&name, def, id);
        buf_str(text, "{job=\"app\",app=");
        s_put_quoted(text, buf_cstr(&name));
        buf_str(text, "}");
        buf_release(&name);
    }
    s_list_end(list, start);
}

// As PromQL reads it: escapes of Go.
static void
s_put_quoted(struct buf *text, const char *value)
{
    buf_byte(text, '"');
    for (; *value != '\0'; value++) {
        const unsigned char c = (unsigned char) *value;

        if (c == '"' || c == '\\')
            buf_printf(text, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            buf_printf(text, "\\x%02x", c);
        else
            buf_byte(text, c);
    }
    buf_byte(text, '"');
}

static void
s_put_ticks(struct list *list)
{
    const size_t start = list->text->len;

    buf_str(list->text, "{job=\"node\",__name__=~\"");
    for (size_t i = 0; i < N_TICK_METRICS; i++)
        buf_printf(list->text, "%s%s", i > 0 ? "|" : "", tick_metrics[i]);
    buf_str(list->text, "\"}");
    s_list_end(list, start);
}

// One selector with all names, or a few where that is too long; and one for all applications.
static void
s_put_by_names(struct list *list, const struct view_pick *pick)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);
    struct buf text = { 0 };
    struct list names;
    bool apps = false;

    s_list_init(&names, &text);
    for (size_t i = 0; i < n; i++) {
        if (!s_def_picked(pick, &defs[i]))
            continue;
        apps = apps || defs[i].terms[0].metric == NULL;
        for (size_t t = 0; t < VIEW_TERMS_MAX && defs[i].terms[t].metric != NULL; t++)
            s_name(&names, defs[i].terms[t].metric);
    }
    for (size_t i = 0; i < N_TICK_METRICS; i++)
        s_name(&names, tick_metrics[i]);
    s_name(&names, VIEW_SENSOR_METRIC);
    for (size_t i = 0; pick == NULL && view_fact_metrics[i] != NULL; i++)
        s_name(&names, view_fact_metrics[i]);
    for (size_t i = 0; i < names.n;) {
        const size_t start = list->text->len;

        buf_str(list->text, "{job=\"node\",__name__=~\"" PREFIX "(");
        for (size_t first = i; i < names.n && list->text->len - start < NAMES_BYTES_MAX; i++)
            buf_printf(list->text, "%s%s", i > first ? "|" : "",
                       (const char *) text.at + names.starts[i]);
        buf_str(list->text, ")\"}");
        s_list_end(list, start);
    }
    s_list_release(&names);
    buf_release(&text);
    if (apps) {
        const size_t start = list->text->len;

        buf_str(list->text, ALL_APPS);
        s_list_end(list, start);
    }
}

static bool
s_def_picked(const struct view_pick *pick, const struct view_def *def)
{
    struct map_entry entry;

    if (pick == NULL || pick->n == 0)
        return true;
    for (size_t b = 0; b < pick->n_begins; b++)
        if (view_def_begins(def, pick->begins[b]))
            return true;
    for (size_t at = 0; pick->exact != NULL && map_next(pick->exact, &at, &entry);)
        if (entry.value == def)
            return true;
    return false;
}

static void
s_name(struct list *names, const char *metric)
{
    const size_t start = names->text->len;

    assert(strncmp(metric, PREFIX, strlen(PREFIX)) == 0);
    buf_str(names->text, metric + strlen(PREFIX));
    s_list_end(names, start);
}

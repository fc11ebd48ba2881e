// export_list - see the header.

#include "collector/ctl/export_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

static const struct suffix {
    enum metric_kind kind;
    const char *ending; // of its names, and not of its family
    const char *type;
} s_suffixes[] = {
    { METRIC_COUNTER, "_total", "counter" },
    { METRIC_INFO, "_info", "info" },
};

static void s_plain(struct export_series *s, const char *type);
static void s_set_family(struct export_series *s);
static bool s_untangle(struct export_list *list);
static int s_compare(const void *a, const void *b);

void
export_list_add(struct export_list *list, const struct label_set *labels, enum metric_kind kind)
{
    const char *instance = label_set_get(labels, "instance");
    struct buf text = { 0 };
    struct export_series *s;

    label_set_text(&text, labels);
    if (list->texts == NULL)
        list->texts = map_new();
    if (map_get(list->texts, text.at, text.len) != NULL) {
        buf_release(&text); // of a host that was set up anew, say
        return;
    }
    if (list->n == list->size) {
        list->size = list->size == 0 ? 256 : 2 * list->size;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
    s = &list->at[list->n++];
    *s = (struct export_series){ .kind = kind };
    s->text = xstrdup(buf_cstr(&text));
    s->name = xstrdup(label_set_metric(labels));
    s->instance = xstrdup(instance != NULL ? instance : "");
    label_set_copy(&s->labels, labels);
    map_put(list->texts, text.at, text.len, s->text);
    buf_release(&text);
}

void
export_list_finish(struct export_list *list, bool families)
{
    for (size_t i = 0; i < list->n && families; i++)
        s_set_family(&list->at[i]);
    for (size_t i = 0; i < list->n && !families; i++)
        s_plain(&list->at[i], "unknown");
    if (list->n == 0)
        return;
    do
        qsort(list->at, list->n, sizeof *list->at, s_compare);
    while (s_untangle(list));
}

static void
s_set_family(struct export_series *s)
{
    const size_t len = strlen(s->name);

    for (size_t i = 0; i < sizeof s_suffixes / sizeof s_suffixes[0]; i++) {
        const struct suffix *suffix = &s_suffixes[i];
        const size_t n = strlen(suffix->ending);

        if (s->kind == suffix->kind && len > n && strcmp(s->name + len - n, suffix->ending) == 0) {
            s->family = xstrndup(s->name, len - n);
            s->type = suffix->type;
            return;
        }
    }
    s_plain(s, s->kind == METRIC_GAUGE ? "gauge" : "unknown");
}

static void
s_plain(struct export_series *s, const char *type)
{
    free(s->family);
    s->family = xstrdup(s->name);
    s->type = type;
}

// Families of two names or types become those of their names, of type unknown. True if any became
// another: then all are to be sorted again.
static bool
s_untangle(struct export_list *list)
{
    bool changed = false;

    for (size_t first = 0, end; first < list->n; first = end) {
        const struct export_series *a = &list->at[first];
        bool mixed = false;

        for (end = first + 1; end < list->n; end++) {
            const struct export_series *b = &list->at[end];

            if (strcmp(a->family, b->family) != 0)
                break;
            mixed = mixed || strcmp(a->type, b->type) != 0 || strcmp(a->name, b->name) != 0;
        }
        for (size_t i = first; i < end && mixed; i++) {
            struct export_series *s = &list->at[i];

            changed = changed || strcmp(s->family, s->name) != 0;
            s_plain(s, "unknown");
        }
    }
    return changed;
}

static int
s_compare(const void *a, const void *b)
{
    const struct export_series *x = a, *y = b;
    int rc = strcmp(x->family, y->family);

    rc = rc != 0 ? rc : strcmp(x->name, y->name);
    rc = rc != 0 ? rc : strcmp(x->instance, y->instance);
    return rc != 0 ? rc : strcmp(x->text, y->text);
}

void
export_list_release(struct export_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->at[i].text);
        free(list->at[i].name);
        free(list->at[i].instance);
        free(list->at[i].family);
        label_set_release(&list->at[i].labels);
    }
    free(list->at);
    map_destroy(&list->texts);
    *list = (struct export_list){ 0 };
}

size_t
export_list_unit(const struct export_list *list, size_t first)
{
    size_t end = first + 1;

    while (end < list->n && strcmp(list->at[end].name, list->at[first].name) == 0 &&
           strcmp(list->at[end].instance, list->at[first].instance) == 0)
        end++;
    return end;
}

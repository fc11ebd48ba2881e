// export_samples - see the header.

#include "collector/ctl/export_samples.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

struct entry {
    struct sample *at;
    size_t n;
    size_t kept; // of them
    size_t size; // allocated
    bool mixed;  // times do not rise
};

struct export_samples {
    const struct export_list *list;
    size_t first, end;
    map_t *by_text; // text of a series -> struct entry
    struct entry *entries;
    uint64_t count;
    uint64_t kept; // of count
};

static void s_sort(export_samples_t *self, struct entry *e);
static size_t s_merge(export_samples_t *self, struct entry *e, size_t end, size_t run);

export_samples_t *
export_samples_new(const struct export_list *list, size_t first, size_t end)
{
    export_samples_t *self = xcalloc(1, sizeof *self);

    self->list = list;
    self->first = first;
    self->end = end;
    self->by_text = map_new();
    self->entries = xcalloc(end - first, sizeof *self->entries);
    for (size_t i = first; i < end; i++)
        map_put(self->by_text, list->at[i].text, strlen(list->at[i].text),
                &self->entries[i - first]);
    return self;
}

void
export_samples_destroy(export_samples_t **self_p)
{
    export_samples_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->end - self->first; i++)
        free(self->entries[i].at);
    free(self->entries);
    map_destroy(&self->by_text);
    free(self);
    *self_p = NULL;
}

void
export_samples_add(export_samples_t *self, const struct query_series *series)
{
    struct buf text = { 0 };
    struct entry *e;

    if (series->n == 0)
        return;
    label_set_text(&text, &series->labels);
    e = map_get(self->by_text, text.at, text.len);
    buf_release(&text);
    if (e == NULL)
        return;
    if (e->n + series->n > e->size) {
        e->size = e->n + series->n > 2 * e->size ? e->n + series->n : 2 * e->size;
        e->at = xrealloc(e->at, e->size, sizeof *e->at);
    }
    if (e->n > 0 && series->samples[0].time_ms <= e->at[e->n - 1].time_ms)
        e->mixed = true;
    memcpy(e->at + e->n, series->samples, series->n * sizeof *e->at);
    e->n += series->n;
    self->count += series->n;
}

void
export_samples_drop(export_samples_t *self)
{
    for (size_t i = 0; i < self->end - self->first; i++)
        self->entries[i].n = self->entries[i].kept;
    self->count = self->kept;
}

void
export_samples_keep(export_samples_t *self)
{
    for (size_t i = 0; i < self->end - self->first; i++)
        self->entries[i].kept = self->entries[i].n;
    self->kept = self->count;
}

uint64_t
export_samples_count(const export_samples_t *self)
{
    return self->count;
}

const struct sample *
export_samples_get(export_samples_t *self, size_t at, size_t *n_ret)
{
    struct entry *e;

    assert(at >= self->first && at < self->end);
    e = &self->entries[at - self->first];
    if (e->mixed)
        s_sort(self, e);
    *n_ret = e->n;
    return e->at;
}

void
export_samples_clear(export_samples_t *self)
{
    for (size_t i = 0; i < self->end - self->first; i++) {
        self->entries[i].n = self->entries[i].kept = 0;
        self->entries[i].mixed = false;
    }
    self->count = self->kept = 0;
}

// Merges the runs that came one after the other: few, and each of them in order.
static void
s_sort(export_samples_t *self, struct entry *e)
{
    size_t end = 1; // what is before it is in order

    while (end < e->n) {
        size_t run = end + 1;

        if (e->at[end].time_ms > e->at[end - 1].time_ms) {
            end++;
            continue;
        }
        while (run < e->n && e->at[run].time_ms > e->at[run - 1].time_ms)
            run++;
        end = s_merge(self, e, end, run);
    }
    e->mixed = false;
    e->kept = e->n;
    self->kept = self->count;
}

// [0, end) and [end, run) into one, of which the length is returned.
static size_t
s_merge(export_samples_t *self, struct entry *e, size_t end, size_t run)
{
    struct sample *merged = xcalloc(run, sizeof *merged);
    size_t a = 0, b = end, n = 0;

    while (a < end || b < run) {
        const bool first = b == run || (a < end && e->at[a].time_ms <= e->at[b].time_ms);

        if (first && b < run && e->at[a].time_ms == e->at[b].time_ms)
            b++;
        merged[n++] = first ? e->at[a++] : e->at[b++];
    }
    memcpy(e->at, merged, n * sizeof *merged);
    memmove(e->at + n, e->at + run, (e->n - run) * sizeof *e->at);
    self->count -= run - n;
    e->n -= run - n;
    free(merged);
    return n;
}

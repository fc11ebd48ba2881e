// journal_gather - see the header.

#include "collector/journal_gather.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define SIZE_FIRST 32u // samples

struct gathered {
    uint64_t host;
    enum metric_kind kind;
    struct label_set labels;
    struct sample *at;
    uint32_t n;
    uint32_t size; // allocated
    bool mixed;    // times do not rise
    bool given;    // with the head's
};

struct journal_gather {
    struct store_select what;
    uint64_t most_samples;
    uint64_t most_series;
    map_t *by_key;         // host and labels -> gathered
    struct gathered **all; // in the order in which they were met
    size_t n;
    size_t size;           // allocated
    size_t next;           // of `all`, to be given
    uint64_t samples;      // held
    bool too_many;         // series
    struct buf key;        // of the series at hand
    struct sample *at;     // merged, given last
    struct gathered *last; // given last of the rest
};

static bool s_host(void *arg, uint64_t host, const char *name);
static bool s_series(void *arg, uint64_t host, struct journal_series *series);
static int s_row(void *arg, const struct journal_row *row);
static struct gathered *s_find(journal_gather_t *self, uint64_t host,
                               const struct label_set *labels);
static void s_add(struct gathered *g, struct sample sample);
static void s_sort(struct gathered *g);
static uint32_t s_merge(struct sample *out, const struct sample *a, uint32_t n_a,
                        const struct sample *b, uint32_t n_b);

journal_gather_t *
journal_gather_new(const struct store_select *what, uint64_t most_samples, uint64_t most_series)
{
    journal_gather_t *self = xcalloc(1, sizeof *self);

    self->what = *what;
    self->most_samples = most_samples;
    self->most_series = most_series;
    self->by_key = map_new();
    return self;
}

void
journal_gather_destroy(journal_gather_t **self_p)
{
    journal_gather_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        label_set_release(&self->all[i]->labels);
        free(self->all[i]->at);
        free(self->all[i]);
    }
    map_destroy(&self->by_key);
    buf_release(&self->key);
    free(self->all);
    free(self->at);
    free(self);
    *self_p = NULL;
}

void
journal_gather_begin(journal_gather_t *self, struct journal_read *read)
{
    read->arg = self;
    read->host = s_host;
    read->series = s_series;
    read->row = s_row;
}

int
journal_gather_finish(journal_gather_t *self)
{
    if (self->too_many)
        return ERR_LIMIT;
    for (size_t i = 0; i < self->n; i++)
        if (self->all[i]->mixed)
            s_sort(self->all[i]);
    return 0;
}

void
journal_gather_merge(journal_gather_t *self, struct store_series *series)
{
    struct gathered *g = s_find(self, series->host, series->labels);

    free(self->at);
    self->at = NULL;
    if (g == NULL)
        return;
    g->given = true;
    if (g->n == 0)
        return;
    self->at = xmalloc(((size_t) g->n + series->n) * sizeof *self->at);
    series->n = s_merge(self->at, g->at, g->n, series->samples, series->n);
    series->samples = self->at;
    free(g->at); // asked for once
    g->at = NULL;
    g->n = g->size = 0;
}

bool
journal_gather_rest(journal_gather_t *self, struct store_series *ret)
{
    if (self->last != NULL)
        free(self->last->at);
    if (self->last != NULL)
        self->last->at = NULL;
    self->last = NULL;
    while (self->next < self->n) {
        struct gathered *g = self->all[self->next++];

        if (g->given || (g->n == 0 && !self->what.labels_only))
            continue;
        self->last = g;
        *ret = (struct store_series){
            .kind = g->kind, .host = g->host, .labels = &g->labels, .samples = g->at, .n = g->n
        };
        return true;
    }
    return false;
}

static bool
s_host(void *arg, uint64_t host, const char *name)
{
    const struct store_select *what = &((journal_gather_t *) arg)->what;

    if (what->host != 0 && what->host != host)
        return false;
    for (uint32_t i = 0; i < what->n_matchers; i++)
        if (matchers_allow(what->matchers[i], "instance", name))
            return true;
    return what->n_matchers == 0;
}

static bool
s_series(void *arg, uint64_t host, struct journal_series *series)
{
    journal_gather_t *self = arg;
    const struct store_select *what = &self->what;
    bool wanted = what->n_matchers == 0;
    struct gathered *g;

    if (what->host != 0 && what->host != host)
        return false;
    for (uint32_t i = 0; i < what->n_matchers && !wanted; i++)
        wanted = matchers_match(what->matchers[i], &series->labels);
    if (!wanted)
        return false;
    g = s_find(self, host, &series->labels);
    if (g == NULL && self->n >= self->most_series) {
        self->too_many = true;
        return false;
    }
    if (g == NULL) {
        if (self->n == self->size) {
            self->size = self->size == 0 ? 64 : 2 * self->size;
            self->all = xrealloc(self->all, self->size, sizeof(struct gathered *));
        }
        g = xcalloc(1, sizeof *g);
        g->host = host;
        g->kind = series->kind;
        label_set_copy(&g->labels, &series->labels);
        self->all[self->n++] = g;
        map_put(self->by_key, self->key.at, self->key.len, g);
    }
    series->mine = g;
    return true;
}

static int
s_row(void *arg, const struct journal_row *row)
{
    journal_gather_t *self = arg;

    for (uint32_t i = 0; i < row->n; i++)
        s_add(row->series[i]->mine, (struct sample){ row->time_ms, row->values[i] });
    self->samples += row->n;
    return self->samples > self->most_samples || self->too_many ? ERR_LIMIT : 0;
}

// Leaves its key in self->key.
static struct gathered *
s_find(journal_gather_t *self, uint64_t host, const struct label_set *labels)
{
    buf_clear(&self->key);
    buf_bytes(&self->key, &host, sizeof host);
    label_set_text(&self->key, labels);
    return map_get(self->by_key, self->key.at, self->key.len);
}

static void
s_add(struct gathered *g, struct sample sample)
{
    if (g->n == g->size) {
        g->size = g->size == 0 ? SIZE_FIRST : g->size + g->size / 2;
        g->at = xrealloc(g->at, g->size, sizeof *g->at);
    }
    g->mixed = g->mixed || (g->n > 0 && sample.time_ms <= g->at[g->n - 1].time_ms);
    g->at[g->n++] = sample;
}

static uint32_t
s_run_end(const struct sample *at, uint32_t from, uint32_t n)
{
    uint32_t end = from + 1;

    while (end < n && at[end].time_ms > at[end - 1].time_ms)
        end++;
    return end;
}

// Of runs that rise; neighbours are merged until one is left. What came first is in the earlier run
// throughout, so it stands.
static void
s_sort(struct gathered *g)
{
    struct sample *spare = xmalloc(g->n * sizeof *spare), *swap;

    g->size = g->n; // as large as both are
    for (bool one = false; !one;) {
        const struct sample *from = g->at;
        const uint32_t n = g->n;

        one = true;
        g->n = 0;
        for (uint32_t a = 0, b, end; a < n; a = end) {
            b = s_run_end(from, a, n);
            end = b < n ? s_run_end(from, b, n) : n;
            one = one && a == 0 && end == n;
            g->n += s_merge(spare + g->n, from + a, b - a, from + b, end - b);
        }
        swap = g->at;
        g->at = spare;
        spare = swap;
    }
    free(spare);
    g->mixed = false;
}

// Times rise in both; where both have one, a's stands. How many there are.
static uint32_t
s_merge(struct sample *out, const struct sample *a, uint32_t n_a, const struct sample *b,
        uint32_t n_b)
{
    uint32_t i = 0, k = 0, n = 0;

    while (i < n_a || k < n_b) {
        const bool first = k == n_b || (i < n_a && a[i].time_ms <= b[k].time_ms);

        if (first && k < n_b && a[i].time_ms == b[k].time_ms)
            k++;
        out[n++] = first ? a[i++] : b[k++];
    }
    return n;
}

// view_row - rows of series to rows of columns: rates between neighbours, and sums.

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/view_inner.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

struct series {
    struct label_set labels;
    size_t next_alike;    // 1 + another series with the same hash, 0: none
    int64_t last_time_ms; // of the newest sample
    double last;          // its value; NaN before the first
    double now;           // of this row, or NaN
    double rate;          // of this row, per second, or NaN
};

struct column {
    struct view_column seen;
    const struct view_def *def;
    unsigned long instance; // of def->each
    size_t first;           // of its bindings, once sealed
    size_t n;
};

// One series in one term of one column.
struct binding {
    uint32_t column;
    uint32_t term;
    uint32_t series;
};

struct view {
    int64_t interval_ms;
    struct view_pick pick;
    map_t *by_hash; // of labels: 1 + place of the first such series, as a pointer
    struct series *series;
    size_t n_series, series_size;
    struct column *columns; // in the table's order once sealed
    struct view_column *seen;
    size_t n_columns, columns_size;
    struct binding *bindings; // by column, then term, once sealed
    size_t n_bindings, bindings_size;
    bool sealed;
};

static void s_bind(view_t *self, const struct view_hit *hit, const struct label_set *labels);
static size_t s_column(view_t *self, const struct view_hit *hit);
static size_t s_place(view_t *self, const struct label_set *labels);
static int s_compare_columns(const void *a, const void *b);
static int s_compare_bindings(const void *a, const void *b);
static void s_take_row(view_t *self, int64_t time_ms, const double *values);
static double s_rate(const struct series *s, int64_t time_ms, double v, int64_t interval_ms);
static double s_evaluate(const view_t *self, const struct column *c);

view_t *
view_new(const struct view_pick *pick, int64_t interval_ms)
{
    view_t *self = xcalloc(1, sizeof *self);

    assert(interval_ms > 0);
    self->interval_ms = interval_ms;
    self->by_hash = map_new();
    if (pick != NULL && pick->n > 0) {
        self->pick.n = pick->n;
        self->pick.ids = xmemdup(pick->ids, pick->n * sizeof *pick->ids);
    }
    return self;
}

void
view_destroy(view_t **self_p)
{
    view_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n_series; i++)
        label_set_release(&self->series[i].labels);
    map_destroy(&self->by_hash);
    view_pick_release(&self->pick);
    free(self->series);
    free(self->columns);
    free(self->seen);
    free(self->bindings);
    free(self);
    *self_p = NULL;
}

bool
view_add(view_t *self, const struct label_set *labels)
{
    struct view_hit hits[VIEW_HITS_MAX];
    size_t n;

    assert(!self->sealed);
    if (view_find(self, labels) >= 0)
        return true;
    n = view_match(hits, &self->pick, labels);
    for (size_t i = 0; i < n; i++)
        s_bind(self, &hits[i], labels);
    return n > 0;
}

void
view_seal(view_t *self)
{
    uint32_t *moved = xcalloc(self->n_columns + 1, sizeof *moved);

    assert(!self->sealed);
    // `first` holds the old place while the columns change theirs.
    for (size_t i = 0; i < self->n_columns; i++)
        self->columns[i].first = i;
    if (self->n_columns > 0)
        qsort(self->columns, self->n_columns, sizeof *self->columns, s_compare_columns);
    self->seen = xcalloc(self->n_columns + 1, sizeof *self->seen);
    for (size_t i = 0; i < self->n_columns; i++) {
        moved[self->columns[i].first] = (uint32_t) i;
        self->seen[i] = self->columns[i].seen;
    }
    for (size_t i = 0; i < self->n_bindings; i++)
        self->bindings[i].column = moved[self->bindings[i].column];
    if (self->n_bindings > 0)
        qsort(self->bindings, self->n_bindings, sizeof *self->bindings, s_compare_bindings);
    for (size_t i = self->n_bindings; i-- > 0;) {
        struct column *c = &self->columns[self->bindings[i].column];

        c->first = i;
        c->n++;
    }
    free(moved);
    self->sealed = true;
}

ptrdiff_t
view_find(const view_t *self, const struct label_set *labels)
{
    size_t at = (size_t) (uintptr_t) map_get_u64(self->by_hash, labels->hash);

    while (at != 0 && !label_set_equal(&self->series[at - 1].labels, labels))
        at = self->series[at - 1].next_alike;
    return (ptrdiff_t) at - 1;
}

size_t
view_series(const view_t *self)
{
    return self->n_series;
}

size_t
view_columns(const view_t *self, const struct view_column **ret)
{
    assert(self->sealed);
    *ret = self->seen;
    return self->n_columns;
}

void
view_push(view_t *self, int64_t time_ms, const double *values, double *out)
{
    assert(self->sealed);
    s_take_row(self, time_ms, values);
    for (size_t i = 0; i < self->n_columns; i++)
        out[i] = s_evaluate(self, &self->columns[i]);
}

static void
s_bind(view_t *self, const struct view_hit *hit, const struct label_set *labels)
{
    if (self->n_bindings == self->bindings_size) {
        self->bindings_size = self->bindings_size == 0 ? 128 : self->bindings_size * 2;
        self->bindings = xrealloc(self->bindings, self->bindings_size, sizeof *self->bindings);
    }
    self->bindings[self->n_bindings++] = (struct binding){
        .column = (uint32_t) s_column(self, hit),
        .term = hit->term,
        .series = (uint32_t) s_place(self, labels),
    };
}

static size_t
s_column(view_t *self, const struct view_hit *hit)
{
    struct column *c;

    // From the newest: the series of one core come together.
    for (size_t i = self->n_columns; i-- > 0;)
        if (self->columns[i].def == hit->def && self->columns[i].instance == hit->instance)
            return i;
    if (self->n_columns == self->columns_size) {
        self->columns_size = self->columns_size == 0 ? 64 : self->columns_size * 2;
        self->columns = xrealloc(self->columns, self->columns_size, sizeof *self->columns);
    }
    c = &self->columns[self->n_columns++];
    *c = (struct column){ .def = hit->def, .instance = hit->instance };
    c->seen.unit = hit->def->unit;
    memcpy(c->seen.id, hit->id, sizeof hit->id);
    return self->n_columns - 1;
}

static size_t
s_place(view_t *self, const struct label_set *labels)
{
    const ptrdiff_t known = view_find(self, labels);
    struct series *s;

    if (known >= 0)
        return (size_t) known;
    if (self->n_series == self->series_size) {
        self->series_size = self->series_size == 0 ? 128 : self->series_size * 2;
        self->series = xrealloc(self->series, self->series_size, sizeof *self->series);
    }
    s = &self->series[self->n_series++];
    *s = (struct series){ .last = NAN, .now = NAN, .rate = NAN };
    label_set_copy(&s->labels, labels);
    s->next_alike = (size_t) (uintptr_t) map_put_u64(self->by_hash, labels->hash,
                                                     (void *) (uintptr_t) self->n_series);
    return self->n_series - 1;
}

static int
s_compare_columns(const void *a, const void *b)
{
    const struct column *x = a, *y = b;

    if (x->def != y->def)
        return x->def < y->def ? -1 : 1;
    return (x->instance > y->instance) - (x->instance < y->instance);
}

static int
s_compare_bindings(const void *a, const void *b)
{
    const struct binding *x = a, *y = b;

    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->term != y->term)
        return x->term < y->term ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

static void
s_take_row(view_t *self, int64_t time_ms, const double *values)
{
    for (size_t i = 0; i < self->n_series; i++) {
        struct series *s = &self->series[i];
        const double v = values[i];

        s->now = v;
        s->rate = NAN;
        if (isnan(v)) // no sample, or the mark that the series has ended
            continue;
        s->rate = s_rate(s, time_ms, v, self->interval_ms);
        s->last = v;
        s->last_time_ms = time_ms;
    }
}

static double
s_rate(const struct series *s, int64_t time_ms, double v, int64_t interval_ms)
{
    int64_t distance_ms;

    // Written so that a first sample, whose `last` is NaN, fails too.
    if (!(v >= s->last))
        return NAN;
    distance_ms = time_ms - s->last_time_ms;
    if (distance_ms * 2 > interval_ms * 3 || distance_ms * 20 < interval_ms)
        return NAN;
    return (v - s->last) * 1000 / (double) distance_ms;
}

static double
s_evaluate(const view_t *self, const struct column *c)
{
    const struct binding *b = &self->bindings[c->first], *end = b + c->n;
    double total = 0;

    for (uint32_t t = 0; t < VIEW_TERMS_MAX && c->def->terms[t].metric != NULL; t++) {
        double sum = 0;
        size_t n = 0;

        for (; b < end && b->term == t; b++) {
            const struct series *s = &self->series[b->series];
            const double v = c->def->take == VIEW_RATE ? s->rate : s->now;

            // A sum with a summand missing would be a wrong number; a mean is still a mean.
            if (isnan(v) && !isnan(s->now) && c->def->fold == VIEW_SUM)
                return NAN;
            if (!isnan(v)) {
                sum += v;
                n++;
            }
        }
        if (n == 0 && !c->def->terms[t].optional)
            return NAN;
        if (n > 0)
            total += c->def->terms[t].sign * (c->def->fold == VIEW_MEAN ? sum / (double) n : sum);
    }
    total = total * c->def->scale + 0.0; // -0 becomes 0
    return c->def->most > 0 && total > c->def->most ? c->def->most : total;
}

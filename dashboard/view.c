// view - the columns of one host: which there are, and which series each is made from.

#include "dashboard/view.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/view_inner.h"
#include "shared/base/xalloc.h"

static bool s_add_fact(view_t *self, const struct label_set *labels);
static void s_note_sensor(view_t *self, const struct label_set *labels);
static bool s_bind(view_t *self, const struct view_hit *hit, const struct label_set *labels);
static size_t s_column(view_t *self, const struct view_def *def, struct buf *id, struct buf *name,
                       size_t place);
static size_t s_place(view_t *self, const struct label_set *labels);
static void s_drop_incomplete(view_t *self);
static bool s_is_complete(const struct view_def *def, unsigned terms);
static void s_sort_columns(view_t *self);
static int s_compare_columns(const void *a, const void *b);
static int s_compare_bindings(const void *a, const void *b, void *view);
static void s_set_runs(view_t *self);
static void s_show(view_t *self);

int64_t
view_back_ms(int64_t interval_ms)
{
    return 2 * (2 * interval_ms > VIEW_HOLD_MS ? 2 * interval_ms : VIEW_HOLD_MS);
}

view_t *
view_new(const struct view_pick *pick, int64_t interval_ms)
{
    view_t *self = xcalloc(1, sizeof *self);

    assert(interval_ms > 0);
    self->interval_ms = interval_ms;
    self->hold_ms = view_back_ms(interval_ms) / 2;
    self->by_hash = map_new();
    self->by_id = map_new();
    self->sensors = map_new();
    if (pick != NULL)
        view_pick_copy(&self->pick, pick);
    return self;
}

void
view_destroy(view_t **self_p)
{
    view_t *self = *self_p;
    struct map_entry entry;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n_series; i++)
        label_set_release(&self->labels[i]);
    for (size_t i = 0; i < self->n_sums; i++) {
        free(self->sums[i].id);
        free(self->sums[i].name);
    }
    for (size_t at = 0; map_next(self->sensors, &at, &entry);)
        free(entry.value);
    map_destroy(&self->by_hash);
    map_destroy(&self->by_id);
    map_destroy(&self->sensors);
    view_pick_release(&self->pick);
    free(self->labels);
    free(self->next_alike);
    free(self->series);
    free(self->standing);
    free(self->sums);
    free(self->seen);
    free(self->bindings);
    free(self->bound);
    free(self);
    *self_p = NULL;
}

bool
view_add(view_t *self, const struct label_set *labels)
{
    struct view_hit hits[VIEW_HITS_MAX];
    size_t n;
    bool used = false;

    assert(!self->sealed);
    if (view_find(self, labels) >= 0)
        return true;
    n = view_match(hits, labels);
    for (size_t i = 0; i < n; i++)
        used = s_bind(self, &hits[i], labels) || used;
    return used || (n == 0 && s_add_fact(self, labels));
}

void
view_seal(view_t *self)
{
    assert(!self->sealed);
    s_drop_incomplete(self);
    s_sort_columns(self);
    if (self->n_bindings > 0)
        qsort_r(self->bindings, self->n_bindings, sizeof *self->bindings, s_compare_bindings, self);
    s_set_runs(self);
    s_show(self);
    self->sealed = true;
}

ptrdiff_t
view_find(const view_t *self, const struct label_set *labels)
{
    size_t at = (size_t) (uintptr_t) map_get_u64(self->by_hash, labels->hash);

    while (at != 0 && !label_set_equal(&self->labels[at - 1], labels))
        at = self->next_alike[at - 1];
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
    return self->n_sums;
}

// No column is made from it, but something is told by it.
static bool
s_add_fact(view_t *self, const struct label_set *labels)
{
    if (!view_uses(labels))
        return false;
    if (strcmp(label_set_metric(labels), VIEW_SENSOR_METRIC) == 0)
        s_note_sensor(self, labels);
    s_place(self, labels);
    return true;
}

static void
s_note_sensor(view_t *self, const struct label_set *labels)
{
    const char *chip = label_set_get(labels, "chip"), *sensor = label_set_get(labels, "sensor");
    const char *label = label_set_get(labels, "label");
    struct buf key = { 0 };

    if (chip == NULL || sensor == NULL || label == NULL)
        return;
    buf_printf(&key, "%s/%s", chip, sensor);
    free(map_put(self->sensors, key.at, key.len, xstrdup(label)));
    buf_release(&key);
}

// False if the column is not picked, or there is none of such a name.
static bool
s_bind(view_t *self, const struct view_hit *hit, const struct label_set *labels)
{
    struct buf id = { 0 }, name = { 0 };
    const bool wanted = view_id_make(&id, &name, hit->def, labels) &&
                        view_pick_has(&self->pick, buf_cstr(&id));

    if (wanted) {
        const size_t place = s_place(self, labels);

        if (self->n_bindings == self->bindings_size) {
            self->bindings_size = self->bindings_size == 0 ? 128 : self->bindings_size * 2;
            self->bindings = xrealloc(self->bindings, self->bindings_size, sizeof *self->bindings);
        }
        self->bindings[self->n_bindings++] = (struct view_binding){
            .column = (uint32_t) s_column(self, hit->def, &id, &name, place),
            .term = hit->term,
            .series = (uint32_t) place,
        };
    }
    buf_release(&id);
    buf_release(&name);
    return wanted;
}

static size_t
s_column(view_t *self, const struct view_def *def, struct buf *id, struct buf *name, size_t place)
{
    size_t known = (size_t) (uintptr_t) map_get(self->by_id, id->at, id->len);

    if (known > 0)
        return known - 1;
    if (self->n_sums == self->sums_size) {
        self->sums_size = self->sums_size == 0 ? 64 : self->sums_size * 2;
        self->sums = xrealloc(self->sums, self->sums_size, sizeof *self->sums);
    }
    self->sums[self->n_sums++] = (struct view_sum){
        .def = def,
        .id = xstrdup(buf_cstr(id)),
        .name = def->each.label != NULL ? xstrdup(buf_cstr(name)) : NULL,
        .place = place,
    };
    map_put(self->by_id, id->at, id->len, (void *) (uintptr_t) self->n_sums);
    return self->n_sums - 1;
}

static size_t
s_place(view_t *self, const struct label_set *labels)
{
    const ptrdiff_t known = view_find(self, labels);
    const size_t i = self->n_series;

    if (known >= 0)
        return (size_t) known;
    if (i == self->series_size) {
        self->series_size = i == 0 ? 128 : i * 2;
        self->labels = xrealloc(self->labels, self->series_size, sizeof *self->labels);
        self->next_alike = xrealloc(self->next_alike, self->series_size, sizeof *self->next_alike);
        self->series = xrealloc(self->series, self->series_size, sizeof *self->series);
        self->standing = xrealloc(self->standing, self->series_size, sizeof *self->standing);
    }
    label_set_copy(&self->labels[i], labels);
    self->series[i] = (struct view_series){ .app = view_is_app(labels),
                                            .time_ms = INT64_MIN,
                                            .until_ms = INT64_MIN,
                                            .last = NAN,
                                            .base = NAN };
    self->standing[i] = (struct view_standing){ .value = NAN, .rate = NAN };
    self->n_series++;
    self->next_alike[i] = (size_t) (uintptr_t) map_put_u64(self->by_hash, labels->hash,
                                                           (void *) (uintptr_t) (i + 1));
    return i;
}

// A column that lacks all series of a term could never have a number.
static void
s_drop_incomplete(view_t *self)
{
    unsigned *terms = xcalloc(self->n_sums + 1, sizeof *terms); // bits
    uint32_t *moved = xcalloc(self->n_sums + 1, sizeof *moved);
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < self->n_bindings; i++)
        terms[self->bindings[i].column] |= 1u << self->bindings[i].term;
    for (size_t i = 0; i < self->n_sums; i++) {
        moved[i] = (uint32_t) n;
        if (s_is_complete(self->sums[i].def, terms[i])) {
            self->sums[n++] = self->sums[i];
            continue;
        }
        moved[i] = UINT32_MAX;
        free(self->sums[i].id);
        free(self->sums[i].name);
    }
    for (size_t i = 0; i < self->n_bindings; i++) {
        const uint32_t to = moved[self->bindings[i].column];

        if (to == UINT32_MAX)
            continue;
        self->bindings[kept] = self->bindings[i];
        self->bindings[kept++].column = to;
    }
    self->n_sums = n;
    self->n_bindings = kept;
    free(terms);
    free(moved);
}

static bool
s_is_complete(const struct view_def *def, unsigned terms)
{
    for (unsigned t = 0; t < VIEW_TERMS_MAX && def->terms[t].metric != NULL; t++)
        if (!def->terms[t].optional && (terms & 1u << t) == 0)
            return false;
    return true;
}

static void
s_sort_columns(view_t *self)
{
    uint32_t *moved = xcalloc(self->n_sums + 1, sizeof *moved);

    // `first` holds the old place while the columns change theirs.
    for (size_t i = 0; i < self->n_sums; i++)
        self->sums[i].first = i;
    if (self->n_sums > 0)
        qsort(self->sums, self->n_sums, sizeof *self->sums, s_compare_columns);
    for (size_t i = 0; i < self->n_sums; i++)
        moved[self->sums[i].first] = (uint32_t) i;
    for (size_t i = 0; i < self->n_bindings; i++)
        self->bindings[i].column = moved[self->bindings[i].column];
    free(moved);
}

// As the table has them; those of one definition as people count: sda2 before sda10.
static int
s_compare_columns(const void *a, const void *b)
{
    const struct view_sum *x = a, *y = b;
    int order;

    if (x->def != y->def)
        return x->def < y->def ? -1 : 1;
    order = strverscmp(x->id, y->id);
    return order != 0 ? order : strcmp(x->id, y->id);
}

// The order in which a sum is taken must not depend on that in which series came, or live and
// history would differ in the last bit: so it is that of their labels.
static int
s_compare_bindings(const void *a, const void *b, void *view)
{
    const struct view_binding *x = a, *y = b;
    const view_t *self = view;

    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->term != y->term)
        return x->term < y->term ? -1 : 1;
    return label_set_compare(&self->labels[x->series], &self->labels[y->series]);
}

static void
s_set_runs(view_t *self)
{
    self->bound = xcalloc(self->n_bindings + 1, sizeof *self->bound);
    for (size_t i = self->n_bindings; i-- > 0;) {
        const struct view_binding *b = &self->bindings[i];
        struct view_sum *sum = &self->sums[b->column];

        self->bound[i] = b->series;
        sum->first = i;
        sum->runs[b->term].n++;
    }
    for (size_t i = 0; i < self->n_sums; i++) {
        struct view_sum *sum = &self->sums[i];

        for (sum->terms = 0; sum->terms < VIEW_TERMS_MAX; sum->terms++) {
            const struct view_term *term = &sum->def->terms[sum->terms];

            if (term->metric == NULL)
                break;
            sum->runs[sum->terms].sign = term->sign;
            sum->runs[sum->terms].optional = term->optional;
        }
        // An application's column is its series.
        if (sum->terms == 0) {
            sum->terms = 1;
            sum->runs[0].sign = 1;
        }
    }
}

static void
s_show(view_t *self)
{
    self->seen = xcalloc(self->n_sums + 1, sizeof *self->seen);
    for (size_t i = 0; i < self->n_sums; i++) {
        const struct view_sum *sum = &self->sums[i];
        const char *sensor = NULL;

        if (sum->def->each.second != NULL && sum->def->each.joiner == '/')
            sensor = map_get(self->sensors, sum->name, strlen(sum->name));
        self->seen[i] = (struct view_column){
            .id = sum->id,
            .unit = sum->def->unit,
            .name = sensor != NULL ? sensor : sum->name,
        };
        if (view_def_names_metric(sum->def))
            self->seen[i].metric = label_set_metric(&self->labels[sum->place]);
        if (sum->def->terms[0].metric == NULL)
            self->seen[i].color = label_set_get(&self->labels[sum->place], "color");
    }
}

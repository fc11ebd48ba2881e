// seal_settle - of one series and time the sample that came first stands, whether it is of a row or
// beside one; the others are counted where they say something else.
//
// An honest stream says each once. So all of this is to find that nothing is to be done, quickly:
// rows rise, and a sample beside them has a time that no row has.

#include <stdlib.h>
#include <string.h>

#include "collector/store/sealer_inner.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"

static int
s_by_time(const void *a, const void *b)
{
    const struct seal_row *x = a;
    const struct seal_row *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int
s_by_column_and_time(const void *a, const void *b)
{
    const struct seal_sample *x = a;
    const struct seal_sample *y = b;

    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->came > y->came) - (x->came < y->came);
}

static int
s_by_series_and_time(const void *a, const void *b)
{
    const struct seal_again *x = a;
    const struct seal_again *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static uint64_t
s_bits(const struct seal_column *column, const struct cell *cell)
{
    return cell->state == CELL_INTEGER ? sample_bits(metric_value(column->form, cell->m))
                                       : cell->bits;
}

void
seal_again(struct sealer *self, uint32_t column, int64_t time_ms, const struct cell *cell,
           const struct cell *stands)
{
    const struct seal_again again = { .id = self->columns[column].id,
                                      .time_ms = time_ms,
                                      .bits = s_bits(&self->columns[column], cell),
                                      .stands = s_bits(&self->columns[column], stands) };

    self->conflicts += again.bits != again.stands;
    if (self->n_again == SEALER_AGAIN_MOST)
        return;
    if (self->n_again == self->again_size) {
        self->again_size = self->again_size == 0 ? 64 : 2 * self->again_size;
        self->again = xrealloc(self->again, self->again_size, sizeof *self->again);
    }
    self->again[self->n_again++] = again;
    self->again_sorted = false;
}

static struct cell
s_cell(const struct sealer *self, const struct seal_row *row, uint32_t column)
{
    const size_t at = (size_t) row->order * self->n_columns + column;

    return (struct cell){ .state = self->states[at], .m = self->matrix[at] };
}

// Rows that lack something are not written as rows of integers alone.
static void
s_take_out(struct sealer *self, const struct seal_row *row, uint32_t column)
{
    self->states[(size_t) row->order * self->n_columns + column] = CELL_ABSENT;
    self->integers = 0;
}

// Of `n` rows of one time.
static void
s_settle_rows(struct sealer *self, const struct seal_row *rows, uint32_t n)
{
    for (uint32_t column = 0; column < self->n_columns; column++) {
        struct cell stands = { .state = CELL_ABSENT };

        for (uint32_t i = 0; i < n; i++) {
            const struct cell cell = s_cell(self, &rows[i], column);

            if (cell.state == CELL_ABSENT)
                continue;
            if (stands.state == CELL_ABSENT) {
                stands = cell;
                continue;
            }
            seal_again(self, column, rows[i].time_ms, &cell, &stands);
            s_take_out(self, &rows[i], column);
        }
    }
}

static void
s_rows(struct sealer *self)
{
    for (uint32_t from = 0, to; from < self->n_rows; from = to) {
        for (to = from + 1; to < self->n_rows && self->rows[to].time_ms == self->rows[from].time_ms;
             to++)
            ;
        if (to - from > 1)
            s_settle_rows(self, self->rows + from, to - from);
    }
}

// False: they rose, and no two have one time.
static bool
s_sort_rows(struct sealer *self)
{
    uint32_t i = 1;

    while (i < self->n_rows && self->rows[i].time_ms > self->rows[i - 1].time_ms)
        i++;
    if (i >= self->n_rows)
        return false;
    qsort(self->rows, self->n_rows, sizeof *self->rows, s_by_time);
    return true;
}

// The first row of that time or a later one.
static uint32_t
s_find(const struct sealer *self, int64_t time_ms)
{
    uint32_t at = 0;

    for (uint32_t end = self->n_rows; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (self->rows[middle].time_ms < time_ms)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

// `n` samples of one series and time, in the order in which they came. Whether the first of them
// stands, before rows of that time as well.
static bool
s_settle_samples(struct sealer *self, const struct seal_sample *samples, uint32_t n)
{
    const uint32_t column = samples->column;
    struct cell stands = samples->cell;
    bool is_row = false;

    for (uint32_t at = s_find(self, samples->time_ms);
         at < self->n_rows && self->rows[at].time_ms == samples->time_ms; at++) {
        const struct cell cell = s_cell(self, &self->rows[at], column);

        if (cell.state == CELL_ABSENT)
            continue;
        if (!is_row && self->rows[at].came < samples->came) {
            is_row = true;
            stands = cell;
            continue;
        }
        seal_again(self, column, samples->time_ms, &cell, &stands);
        s_take_out(self, &self->rows[at], column);
    }
    for (uint32_t i = is_row ? 0 : 1; i < n; i++)
        seal_again(self, column, samples->time_ms, &samples[i].cell, &stands);
    return !is_row;
}

static void
s_samples(struct sealer *self)
{
    uint32_t kept = 0;

    for (uint32_t from = 0, to; from < self->n_samples; from = to) {
        const struct seal_sample *first = &self->samples[from];

        for (to = from + 1; to < self->n_samples && self->samples[to].column == first->column &&
                            self->samples[to].time_ms == first->time_ms;
             to++)
            ;
        if (s_settle_samples(self, first, to - from))
            self->samples[kept++] = *first;
    }
    self->n_samples = kept;
}

// Samples go first: of what is left of rows then, one has a time and series that no sample has.
void
seal_settle(struct sealer *self)
{
    const bool mixed = s_sort_rows(self);

    if (self->n_samples > 0)
        qsort(self->samples, self->n_samples, sizeof *self->samples, s_by_column_and_time);
    s_samples(self);
    if (mixed)
        s_rows(self);
}

uint64_t
sealer_conflicts(const sealer_t *self)
{
    return self->conflicts;
}

bool
sealer_went_on(const sealer_t *self)
{
    return self->flushes > 1;
}

int64_t
sealer_conflicts_with(sealer_t *self, series_id id, int64_t time_ms, uint64_t stands,
                      uint64_t other)
{
    const struct seal_again key = { .id = id, .time_ms = time_ms };
    uint32_t at = 0;
    int64_t more = 0;

    if (!self->again_sorted && self->n_again > 0)
        qsort(self->again, self->n_again, sizeof *self->again, s_by_series_and_time);
    self->again_sorted = true;
    for (uint32_t end = self->n_again; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (s_by_series_and_time(&self->again[middle], &key) < 0)
            at = middle + 1;
        else
            end = middle;
    }
    for (; at < self->n_again && s_by_series_and_time(&self->again[at], &key) == 0; at++)
        if (self->again[at].stands == stands)
            more += (self->again[at].bits != other) - (self->again[at].bits != stands);
    return more;
}

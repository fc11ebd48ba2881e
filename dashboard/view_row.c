// view_row - rows of series to rows of columns: what stands, rates between neighbours, and sums.

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "dashboard/view_inner.h"

static void s_set_base(const view_t *self, struct view_series *s, double value);
static double s_rate(const view_t *self, const struct view_series *s, int64_t time_ms,
                     double value);
static void s_set_until(const view_t *self, struct view_series *s, int64_t time_ms);
static bool s_within(int64_t distance_ms, int64_t limit_ms);
static double s_evaluate(const view_t *self, const struct view_sum *sum);
static double s_sum_up(const view_t *self, const struct view_sum *sum, uint32_t first, uint32_t end,
                       size_t bound);
static bool s_fold(const view_t *self, const struct view_sum *sum, const uint32_t *bound,
                   uint32_t n, double *ret);

void
view_begin(view_t *self, int64_t time_ms)
{
    const int64_t distance_ms = time_ms - self->row_ms;

    assert(self->sealed);
    if (!self->begun || distance_ms * 2 > self->interval_ms * 3)
        self->unbroken_ms = time_ms;
    self->begun = true;
    self->row_ms = time_ms;
}

void
view_take(view_t *self, size_t place, int64_t time_ms, double value)
{
    struct view_series *s = &self->series[place];
    struct view_standing *standing = &self->standing[place];

    assert(place < self->n_series);
    if (time_ms <= s->time_ms)
        return;
    s_set_base(self, s, value);
    standing->rate = s_rate(self, s, time_ms, value);
    standing->value = value;
    s_set_until(self, s, time_ms);
    s->last = value;
    s->time_ms = time_ms;
    s->row_ms = self->row_ms;
}

void
view_end(view_t *self, double *out)
{
    for (size_t i = 0; i < self->n_series; i++)
        if (self->series[i].until_ms < self->row_ms)
            self->standing[i] = (struct view_standing){ .value = NAN, .rate = NAN };
    for (size_t i = 0; i < self->n_sums; i++)
        out[i] = s_evaluate(self, &self->sums[i]);
}

// The rate of a row is that since the newest sample of the rows before: an application may have
// many in a row. Written so that a first sample, one after the end of a series, whose `last` is
// NaN, and the end itself leave no base, as a reset does.
static void
s_set_base(const view_t *self, struct view_series *s, double value)
{
    if (s->row_ms != self->row_ms) {
        s->base = s->last;
        s->base_ms = s->time_ms;
        s->base_row_ms = s->row_ms;
    }
    if (!(value >= s->last))
        s->base = NAN;
}

static double
s_rate(const view_t *self, const struct view_series *s, int64_t time_ms, double value)
{
    int64_t distance_ms;

    if (isnan(s->base) || s->base_row_ms < self->unbroken_ms)
        return NAN;
    distance_ms = time_ms - s->base_ms;
    if (distance_ms > self->hold_ms || distance_ms * 20 < self->interval_ms)
        return NAN;
    return (value - s->base) * 1000 / (double) distance_ms;
}

// Until when the new sample stands.
static void
s_set_until(const view_t *self, struct view_series *s, int64_t time_ms)
{
    int64_t stands_ms = self->hold_ms;

    s->spacing_ms = 0;
    if (s->app) {
        if (!isnan(s->last) && s_within(time_ms - s->time_ms, self->hold_ms))
            s->spacing_ms = time_ms - s->time_ms;
        stands_ms = s->spacing_ms > self->interval_ms ? s->spacing_ms : self->interval_ms;
        stands_ms += stands_ms / 2;
        if (stands_ms > self->hold_ms)
            stands_ms = self->hold_ms;
    }
    s->until_ms = time_ms + stands_ms;
}

static bool
s_within(int64_t distance_ms, int64_t limit_ms)
{
    return distance_ms > 0 && distance_ms <= limit_ms;
}

static double
s_evaluate(const view_t *self, const struct view_sum *sum)
{
    const struct view_def *def = sum->def;
    const uint32_t end = def->over > 0 ? def->over : sum->terms;
    double total;

    // Most columns are one series.
    if (sum->terms == 1 && sum->runs[0].n == 1) {
        const struct view_standing *s = &self->standing[self->bound[sum->first]];

        total = def->take == VIEW_RATE ? s->rate : s->value;
    } else {
        total = s_sum_up(self, sum, 0, end, sum->first);
    }
    if (def->over > 0) {
        size_t bound = sum->first;

        for (uint32_t t = 0; t < def->over; t++)
            bound += sum->runs[t].n;
        total /= s_sum_up(self, sum, def->over, sum->terms, bound);
        if (!isfinite(total)) // nothing happened, so there is no share of it
            return NAN;
    }
    total = total * def->scale + 0.0; // -0 becomes 0
    return def->most > 0 && total > def->most ? def->most : total;
}

// Terms first to end (exclusive), whose bindings begin at `bound`; NaN if one is not known.
static double
s_sum_up(const view_t *self, const struct view_sum *sum, uint32_t first, uint32_t end, size_t bound)
{
    double total = 0;

    for (uint32_t t = first; t < end; t++) {
        const struct view_run *run = &sum->runs[t];
        double folded;

        if (s_fold(self, sum, self->bound + bound, run->n, &folded))
            total += run->sign * folded;
        else if (!run->optional || isnan(folded))
            return NAN;
        bound += run->n;
    }
    return total;
}

// False if no series of the term has a number; *ret is then 0, or NaN if one should have.
static bool
s_fold(const view_t *self, const struct view_sum *sum, const uint32_t *bound, uint32_t n,
       double *ret)
{
    const bool rate = sum->def->take == VIEW_RATE;
    double total = 0;
    uint32_t known = 0;

    *ret = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct view_standing *s = &self->standing[bound[i]];
        const double v = rate ? s->rate : s->value;

        // A sum with a summand missing would be a wrong number; a mean is still a mean.
        if (isnan(v) && !isnan(s->value) && sum->def->fold == VIEW_SUM) {
            *ret = NAN;
            return false;
        }
        if (!isnan(v)) {
            total += v;
            known++;
        }
    }
    if (known > 0)
        *ret = sum->def->fold == VIEW_MEAN ? total / known : total;
    return known > 0;
}

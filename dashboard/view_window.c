// view_window - rows of columns over a stretch of time, and how samples of a store become such.

#include "dashboard/view_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/wire/query_msg.h"

// One series of an answer while its samples are merged with the others'.
struct source {
    const struct query_series *series;
    ptrdiff_t place; // in the view, or -1
    uint32_t at;     // next sample
    bool tick;       // its times are rows
};

static size_t s_sources(struct source *sources, const view_t *view,
                        const struct query_series *series, size_t n);
static void s_choose_ticks(struct source *sources, size_t n, int64_t before_ms);
static int64_t s_next_time(const struct source *sources, size_t n, int64_t before_ms);
static void s_take(struct source *sources, size_t n, view_t *view, int64_t time_ms);

void
view_window_init(struct view_window *w, size_t columns)
{
    *w = (struct view_window){ .columns = columns };
}

void
view_window_release(struct view_window *w)
{
    free(w->times_ms);
    free(w->values);
    *w = (struct view_window){ 0 };
}

size_t
view_window_rows(const struct view_window *w)
{
    return w->end - w->first;
}

int64_t
view_window_time(const struct view_window *w, size_t i)
{
    assert(i < w->end - w->first);
    return w->times_ms[w->first + i];
}

const double *
view_window_row(const struct view_window *w, size_t i)
{
    assert(i < w->end - w->first);
    return w->values + (w->first + i) * w->columns;
}

double *
view_window_append(struct view_window *w, int64_t time_ms)
{
    if (w->end == w->size && w->first > w->size / 2) {
        memmove(w->times_ms, w->times_ms + w->first, (w->end - w->first) * sizeof *w->times_ms);
        memmove(w->values, w->values + w->first * w->columns,
                (w->end - w->first) * w->columns * sizeof *w->values);
        w->end -= w->first;
        w->first = 0;
    } else if (w->end == w->size) {
        w->size = w->size == 0 ? 64 : w->size * 2;
        w->times_ms = xrealloc(w->times_ms, w->size, sizeof *w->times_ms);
        // A view without columns has rows all the same: times at which the host spoke.
        w->values = xrealloc(w->values, w->size, (w->columns + 1) * sizeof *w->values);
    }
    w->times_ms[w->end] = time_ms;
    return w->values + w->end++ * w->columns;
}

void
view_window_trim(struct view_window *w, int64_t oldest_ms, size_t most)
{
    while (w->first < w->end && (w->times_ms[w->first] < oldest_ms || w->end - w->first > most))
        w->first++;
}

void
view_window_load(struct view_window *w, view_t *view, const struct query_series *series, size_t n,
                 int64_t from_ms, int64_t before_ms)
{
    struct source *sources = xcalloc(n + 1, sizeof *sources);
    double *passed = xcalloc(w->columns + 1, sizeof *passed);
    const size_t used = s_sources(sources, view, series, n);

    s_choose_ticks(sources, used, before_ms);
    for (;;) {
        const int64_t time_ms = s_next_time(sources, used, before_ms);

        if (time_ms == before_ms)
            break;
        view_begin(view, time_ms);
        s_take(sources, used, view, time_ms);
        view_end(view, time_ms >= from_ms ? view_window_append(w, time_ms) : passed);
    }
    free(passed);
    free(sources);
}

// Those that have a place, and those that tell a tick.
static size_t
s_sources(struct source *sources, const view_t *view, const struct query_series *series, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        const ptrdiff_t place = view_find(view, &series[i].labels);
        const bool tick = view_is_tick(&series[i].labels);

        if (place >= 0 || tick)
            sources[used++] = (struct source){ .series = &series[i], .place = place, .tick = tick };
    }
    return used;
}

static void
s_choose_ticks(struct source *sources, size_t n, int64_t before_ms)
{
    if (s_next_time(sources, n, before_ms) != before_ms)
        return;
    for (size_t i = 0; i < n; i++)
        sources[i].tick = true;
}

// The oldest tick not yet taken, or before_ms if there is none below it.
static int64_t
s_next_time(const struct source *sources, size_t n, int64_t before_ms)
{
    int64_t next_ms = before_ms;

    for (size_t i = 0; i < n; i++) {
        const struct query_series *s = sources[i].series;

        if (sources[i].tick && sources[i].at < s->n && s->samples[sources[i].at].time_ms < next_ms)
            next_ms = s->samples[sources[i].at].time_ms;
    }
    return next_ms;
}

static void
s_take(struct source *sources, size_t n, view_t *view, int64_t time_ms)
{
    for (size_t i = 0; i < n; i++) {
        struct source *s = &sources[i];

        // At or before: applications have times of their own, and times that do not rise are a
        // sender's fault, and must not stop us.
        while (s->at < s->series->n && s->series->samples[s->at].time_ms <= time_ms) {
            const struct sample *sample = &s->series->samples[s->at++];

            if (s->place >= 0)
                view_take(view, (size_t) s->place, sample->time_ms, sample->value);
        }
    }
}

// view_window - rows of columns over a stretch of time, and how samples of a store become such.
//
// A value: zero is empty. Times rise. Holds memory: view_window_release.

#ifndef DASHBOARD_VIEW_WINDOW_H
#define DASHBOARD_VIEW_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "dashboard/view.h"

struct query_series;

struct view_window {
    size_t columns; // numbers a row; set by view_window_init
    size_t first;   // rows before it are cut off, their room not yet used again
    size_t end;     // one past the last row
    size_t size;    // rows allocated
    int64_t *times_ms;
    double *values; // row r begins at r * columns; NaN where there is no number
};

void view_window_init(struct view_window *w, size_t columns);
void view_window_release(struct view_window *w);
size_t view_window_rows(const struct view_window *w);
// Row i of what is left, 0 the oldest.
int64_t view_window_time(const struct view_window *w, size_t i);
const double *view_window_row(const struct view_window *w, size_t i);
// Room for one row more, at its end; the caller fills it in before the next call.
double *view_window_append(struct view_window *w, int64_t time_ms);
// Cuts off the rows older than this, and the oldest ones above `most` rows.
void view_window_trim(struct view_window *w, int64_t oldest_ms, size_t most);

// Takes all samples of `series` (added to the view before) through it, a row for each tick of the
// host among them (whether a column needs that series or not), and appends the rows from from_ms to
// before_ms (exclusive); those before serve for what stands at from_ms. Without a tick at all, the
// times of applications make the rows. Samples at or after before_ms, and those of applications
// after the last row, are left alone.
void view_window_load(struct view_window *w, view_t *view, const struct query_series *series,
                      size_t n, int64_t from_ms, int64_t before_ms);

#endif

// live_kept - what waits in a live feed: rows for their window, and samples for their tick.

#include "dashboard/live_kept.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

void
live_rows_add(struct live_rows *rows, char kind, const struct live_header *h,
              struct live_row *cells)
{
    if (rows->n == LIVE_ROWS_MAX) {
        const size_t half = LIVE_ROWS_MAX / 2;

        for (size_t i = 0; i < half; i++)
            live_row_release(&rows->at[i].cells);
        memmove(&rows->at[0], &rows->at[half], (LIVE_ROWS_MAX - half) * sizeof rows->at[0]);
        rows->n -= half;
    }
    if (rows->n == rows->size) {
        rows->size = rows->size == 0 ? 64 : rows->size * 2;
        rows->at = xrealloc(rows->at, rows->size, sizeof *rows->at);
    }
    rows->at[rows->n++] = (struct live_kept){ .kind = kind, .header = *h, .cells = *cells };
    *cells = (struct live_row){ 0 };
}

void
live_rows_clear(struct live_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        live_row_release(&rows->at[i].cells);
    rows->n = 0;
}

void
live_rows_release(struct live_rows *rows)
{
    live_rows_clear(rows);
    free(rows->at);
    *rows = (struct live_rows){ 0 };
}

bool
live_pending_add(struct live_pending *p, size_t place, int64_t time_ms, double value)
{
    if (p->n == LIVE_PENDING_MAX)
        return false;
    if (p->n == p->size) {
        p->size = p->size == 0 ? 64 : p->size * 2;
        p->at = xrealloc(p->at, p->size, sizeof *p->at);
    }
    p->at[p->n++] = (struct live_sample){ .place = place, .time_ms = time_ms, .value = value };
    return true;
}

void
live_pending_take(struct live_pending *p, view_t *view, int64_t time_ms)
{
    size_t left = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct live_sample *s = &p->at[i];

        if (s->time_ms <= time_ms)
            view_take(view, s->place, s->time_ms, s->value);
        else
            p->at[left++] = *s;
    }
    p->n = left;
}

void
live_pending_release(struct live_pending *p)
{
    free(p->at);
    *p = (struct live_pending){ 0 };
}

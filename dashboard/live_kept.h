// live_kept - what waits in a live feed: rows for their window, and samples for their tick.
//
// Values: zero is empty. Both hold memory: live_rows_release, live_pending_release.
// Loss:   of rows beyond LIVE_ROWS_MAX the oldest half goes; of samples beyond LIVE_PENDING_MAX the
//         newest is not taken.

#ifndef DASHBOARD_LIVE_KEPT_H
#define DASHBOARD_LIVE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/view.h"
#include "shared/wire/live.h"

#define LIVE_ROWS_MAX    4096
#define LIVE_PENDING_MAX 65536

// A row of one of the host's topics, as it came.
struct live_kept {
    char kind; // of the topic
    struct live_header header;
    struct live_row cells; // owned
};

struct live_rows {
    struct live_kept *at; // in the order they came
    size_t n, size;
};

// Takes the cells.
void live_rows_add(struct live_rows *rows, char kind, const struct live_header *h,
                   struct live_row *cells);
void live_rows_clear(struct live_rows *rows);
void live_rows_release(struct live_rows *rows);

// Samples of applications that belong to the next tick of the host.
struct live_sample {
    size_t place; // in the view
    int64_t time_ms;
    double value;
};

struct live_pending {
    struct live_sample *at; // in the order they came
    size_t n, size;
};

// False if there is no room: a host without ticks, or a clock far ahead.
bool live_pending_add(struct live_pending *p, size_t place, int64_t time_ms, double value);
// Those up to this time go into the row that the view has begun.
void live_pending_take(struct live_pending *p, view_t *view, int64_t time_ms);
void live_pending_release(struct live_pending *p);

#endif

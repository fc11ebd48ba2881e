// live_places - the table of a topic: from the collector's ids to places in a view.
//
// In:     TABLEs of one topic; cells of its rows.
// Out:    which cells a view takes, and where.
// A value: zero is empty. Holds memory: live_places_release.

#ifndef DASHBOARD_LIVE_PLACES_H
#define DASHBOARD_LIVE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/view.h"
#include "shared/wire/live.h"

// A series that some column needs, or whose samples are ticks of the host.
struct live_place {
    uint32_t id;             // the collector's
    bool used;               // a column needs it
    ptrdiff_t place;         // in the view; -1 before it is built, and where it is not used
    struct label_set labels; // owned; empty where it is not used
};

struct live_places {
    struct live_place *at; // by id, rising
    size_t n;
    bool ticks; // some are ticks of the host
};

// Replaces what is there. Takes labels out of `series`.
void live_places_set(struct live_places *p, struct live_series *series, uint32_t n);
void live_places_release(struct live_places *p);
// Adds the used ones to a view that is not sealed.
void live_places_add(const struct live_places *p, view_t *view);
// Finds each in a sealed view. False if it lacks a used one.
bool live_places_map(struct live_places *p, const view_t *view);
// Some cell is one of these.
bool live_places_have(const struct live_places *p, const struct live_row *cells);

// The cells that have a place, in the order of ids: start with zeros; false at the end.
struct live_walk {
    size_t place; // the next of the places
    size_t cell;  // the next of the cells
};
bool live_places_next(const struct live_places *p, const struct live_row *cells,
                      struct live_walk *walk, size_t *place_ret, double *value_ret);

#endif

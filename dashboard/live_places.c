// live_places - the table of a topic: from the collector's ids to places in a view.

#include "dashboard/live_places.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"

static int s_compare(const void *a, const void *b);

void
live_places_set(struct live_places *p, struct live_series *series, uint32_t n)
{
    live_places_release(p);
    p->at = xcalloc((size_t) n + 1, sizeof *p->at);
    for (uint32_t i = 0; i < n; i++) {
        struct live_place *place = &p->at[p->n];
        const bool tick = view_is_tick(&series[i].labels);

        *place = (struct live_place){ .id = series[i].id, .place = -1 };
        if (view_uses(&series[i].labels)) {
            place->used = true;
            place->labels = series[i].labels;
            series[i].labels = (struct label_set){ 0 }; // moved
        } else if (!tick) {
            continue;
        }
        p->ticks = p->ticks || tick;
        p->n++;
    }
    qsort(p->at, p->n, sizeof *p->at, s_compare);
}

void
live_places_release(struct live_places *p)
{
    for (size_t i = 0; i < p->n; i++)
        label_set_release(&p->at[i].labels);
    free(p->at);
    *p = (struct live_places){ 0 };
}

void
live_places_add(const struct live_places *p, view_t *view)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].used)
            view_add(view, &p->at[i].labels);
}

bool
live_places_map(struct live_places *p, const view_t *view)
{
    bool all = true;

    for (size_t i = 0; i < p->n; i++) {
        if (!p->at[i].used)
            continue;
        p->at[i].place = view_find(view, &p->at[i].labels);
        all = all && p->at[i].place >= 0;
    }
    return all;
}

bool
live_places_have(const struct live_places *p, const struct live_row *cells)
{
    // Both rise.
    for (size_t i = 0, c = 0; i < p->n && c < cells->n;) {
        if (cells->ids[c] == p->at[i].id)
            return true;
        if (cells->ids[c] < p->at[i].id)
            c++;
        else
            i++;
    }
    return false;
}

bool
live_places_next(const struct live_places *p, const struct live_row *cells, struct live_walk *walk,
                 size_t *place_ret, double *value_ret)
{
    while (walk->place < p->n && walk->cell < cells->n) {
        const struct live_place *place = &p->at[walk->place];
        const uint32_t id = cells->ids[walk->cell];

        if (id < place->id) {
            walk->cell++;
        } else if (id > place->id) {
            walk->place++;
        } else {
            *value_ret = cells->values[walk->cell++];
            walk->place++;
            if (place->place < 0)
                continue;
            *place_ret = (size_t) place->place;
            return true;
        }
    }
    return false;
}

static int
s_compare(const void *a, const void *b)
{
    const struct live_place *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

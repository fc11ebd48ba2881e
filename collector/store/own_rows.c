// own_rows - rows given as doubles, for the collector's own numbers: into a stream of the store's
// own, a sparse record each.

#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "shared/base/xalloc.h"

#define FORM   ((struct metric_form){ .exponent = 0, .unit = 1 })
#define STREAM 0 // no agent's: theirs are never 0

static struct own_rows *
s_new(struct local_store *store, struct local_host *host)
{
    struct own_rows *own = xcalloc(1, sizeof *own);

    own->lane = store_lane_make(store, host, STREAM);
    own->slot_of = map_new();
    return own;
}

void
own_rows_destroy(struct own_rows **own_p)
{
    struct own_rows *own = *own_p;

    if (own == NULL)
        return;
    store_lane_free(&own->lane);
    map_destroy(&own->slot_of);
    row_state_release(&own->state);
    buf_release(&own->body);
    free(own->pairs);
    free(own->slots);
    free(own->cells);
    free(own);
    *own_p = NULL;
}

static uint32_t
s_slot(struct own_rows *own, series_id id)
{
    const uintptr_t known = (uintptr_t) map_get_u64(own->slot_of, id);

    if (known != 0)
        return (uint32_t) (known - 1);
    store_lane_set(own->lane, own->n_slots, id, FORM, own->seq);
    map_put_u64(own->slot_of, id, (void *) (uintptr_t) (own->n_slots + 1));
    return own->n_slots++;
}

static int
s_by_slot(const void *a, const void *b)
{
    const uint32_t x = ((const struct own_pair *) a)->slot;
    const uint32_t y = ((const struct own_pair *) b)->slot;

    return (x > y) - (x < y);
}

// Into slots and cells, slots rising.
static void
s_fill(struct own_rows *own, const struct store_row *row)
{
    bool rising = true;

    if (row->n > own->size) {
        own->size = row->n;
        own->pairs = xrealloc(own->pairs, own->size, sizeof *own->pairs);
        own->slots = xrealloc(own->slots, own->size, sizeof *own->slots);
        own->cells = xrealloc(own->cells, own->size, sizeof *own->cells);
    }
    for (uint32_t i = 0; i < row->n; i++) {
        struct own_pair *pair = &own->pairs[i];

        pair->slot = s_slot(own, row->series[i]);
        if (metric_mantissa(FORM, row->values[i], &pair->cell.m))
            pair->cell.state = CELL_INTEGER;
        else
            pair->cell = (struct cell){ .state = CELL_RAW, .bits = sample_bits(row->values[i]) };
        rising = rising && (i == 0 || own->pairs[i - 1].slot < pair->slot);
    }
    if (!rising)
        qsort(own->pairs, row->n, sizeof *own->pairs, s_by_slot);
    for (uint32_t i = 0; i < row->n; i++) {
        own->slots[i] = own->pairs[i].slot;
        own->cells[i] = own->pairs[i].cell;
    }
}

uint64_t
own_rows_append(struct local_store *self, struct local_host *host, const struct store_row *row)
{
    struct open_record record = { .key = true,
                                  .t0_ms = row->time_ms,
                                  .until_ms = INT64_MAX,
                                  .samples = row->n,
                                  .first_ms = row->time_ms,
                                  .last_ms = row->time_ms };
    struct own_rows *own;
    struct wbuf w;

    if (host->own == NULL)
        host->own = s_new(self, host);
    own = host->own;
    s_fill(own, row);
    row_state_grow(&own->state, own->n_slots);
    buf_clear(&own->body);
    buf_reserve(&own->body, ROW_HEAD_MOST + (size_t) ROW_SLOT_MOST * (row->n + 1));
    wbuf_init(&w, own->body.at, own->body.size);
    row_put_key(&own->state, &w);
    if (row->n > 0)
        row_put_sparse(&own->state, &w, 0, own->slots, own->cells, row->n);
    record.seq = own->seq++;
    record.width = own->n_slots;
    record.body = own->body.at;
    record.body_len = (uint32_t) w.len;
    store_lane_make_ready(own->lane, (struct store_place){ .seq = record.seq }, NULL, false);
    return store_lane_put(own->lane, &record, 1);
}

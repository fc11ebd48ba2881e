// row_builder - series and values in any order into the columns of a store's row.

#include "collector/row_builder.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"

struct pair {
    series_id id;
    double value;
};

static void s_sort(struct row_builder *b);

void
row_builder_begin(struct row_builder *b)
{
    b->n = 0;
    b->rising = true;
}

void
row_builder_add(struct row_builder *b, series_id id, double value)
{
    if (b->n == b->size) {
        b->size = b->size > 0 ? b->size * 2 : 128;
        b->ids = xrealloc(b->ids, b->size, sizeof *b->ids);
        b->values = xrealloc(b->values, b->size, sizeof *b->values);
    }
    b->rising = b->rising && (b->n == 0 || b->ids[b->n - 1] < id);
    b->ids[b->n] = id;
    b->values[b->n++] = value;
}

void
row_builder_finish(struct row_builder *b, struct store_row *row)
{
    if (!b->rising)
        s_sort(b);
    row->n = b->n;
    row->series = b->ids;
    row->values = b->values;
}

void
row_builder_release(struct row_builder *b)
{
    free(b->ids);
    free(b->values);
    *b = (struct row_builder){ 0 };
}

static int
s_by_id(const void *a, const void *b)
{
    series_id x = ((const struct pair *) a)->id;
    series_id y = ((const struct pair *) b)->id;

    return (x > y) - (x < y);
}

// Rare: a series was given up and made again, or two slots have the same labels.
static void
s_sort(struct row_builder *b)
{
    struct pair *pairs = xmalloc(b->n * sizeof *pairs);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < b->n; i++)
        pairs[i] = (struct pair){ .id = b->ids[i], .value = b->values[i] };
    qsort(pairs, b->n, sizeof *pairs, s_by_id);
    for (uint32_t i = 0; i < b->n; i++) {
        if (kept > 0 && b->ids[kept - 1] == pairs[i].id)
            continue;
        b->ids[kept] = pairs[i].id;
        b->values[kept++] = pairs[i].value;
    }
    b->n = kept;
    free(pairs);
}

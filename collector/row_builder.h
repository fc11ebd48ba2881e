// row_builder - series and values in any order into the columns of a store's row.
//
// Out: ids rising, each once; of two values for one series one stands.
// A value: zero is empty. Holds memory: row_builder_release.

#ifndef COLLECTOR_ROW_BUILDER_H
#define COLLECTOR_ROW_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/store.h"

struct row_builder {
    uint32_t n;    // added
    uint32_t size; // allocated, each
    bool rising;   // so far: the usual case, in which nothing is sorted
    series_id *ids;
    double *values;
};

void row_builder_begin(struct row_builder *b);
void row_builder_add(struct row_builder *b, series_id id, double value);
// Points row->series, values and n at what was added; borrowed until the next begin.
void row_builder_finish(struct row_builder *b, struct store_row *row);
void row_builder_release(struct row_builder *b);

#endif

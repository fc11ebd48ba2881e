// row_list - the rows of one record, kept until all of them are known.
//
// In:  rows of one host, each with a mark of the caller's. They are copied.
// Out: the same rows in the same order; they hold until the next row_list_clear or row_list_add.
// A value: zero is empty. Holds memory, kept from record to record unless one was very large:
// row_list_release.

#ifndef COLLECTOR_ROW_LIST_H
#define COLLECTOR_ROW_LIST_H

#include <stdint.h>

#include "collector/store/store.h"

struct row_list_item {
    int64_t time_ms;
    int mark;
    uint32_t from; // place of its first series in the columns below
    uint32_t n;
};

struct row_list {
    uint32_t n;    // rows
    uint32_t size; // allocated
    struct row_list_item *items;
    uint32_t cells;      // of all rows
    uint32_t cells_size; // allocated, each
    series_id *series;   // row after row
    double *values;      // beside them
};

void row_list_clear(struct row_list *list);
void row_list_add(struct row_list *list, int mark, const struct store_row *row);
// The i-th row, below n, as one of `host`; its mark is the result.
int row_list_get(const struct row_list *list, uint32_t i, uint64_t host, struct store_row *ret);
void row_list_release(struct row_list *list);

#endif

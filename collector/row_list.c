// row_list - the rows of one record, kept until all of them are known.

#include "collector/row_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

// Cells kept from record to record: many times an agent's. A stranger's frame may have millions.
#define KEEP_MAX 262144u

static void s_make_room(struct row_list *list, uint32_t cells);

void
row_list_clear(struct row_list *list)
{
    if (list->cells_size > KEEP_MAX)
        row_list_release(list);
    list->n = 0;
    list->cells = 0;
}

void
row_list_add(struct row_list *list, int mark, const struct store_row *row)
{
    if (row->n == 0)
        return;
    s_make_room(list, row->n);
    memcpy(list->series + list->cells, row->series, row->n * sizeof *row->series);
    memcpy(list->values + list->cells, row->values, row->n * sizeof *row->values);
    list->items[list->n++] = (struct row_list_item){
        .time_ms = row->time_ms, .mark = mark, .from = list->cells, .n = row->n
    };
    list->cells += row->n;
}

int
row_list_get(const struct row_list *list, uint32_t i, uint64_t host, struct store_row *ret)
{
    const struct row_list_item *item = &list->items[i];

    assert(i < list->n);
    *ret = (struct store_row){ .host = host,
                               .time_ms = item->time_ms,
                               .n = item->n,
                               .series = list->series + item->from,
                               .values = list->values + item->from };
    return item->mark;
}

void
row_list_release(struct row_list *list)
{
    free(list->items);
    free(list->series);
    free(list->values);
    *list = (struct row_list){ 0 };
}

// One row and `cells` more. A frame has at most eight cells a byte, so 32 bits are enough.
static void
s_make_room(struct row_list *list, uint32_t cells)
{
    if (list->n == list->size) {
        list->size = list->size > 0 ? 2 * list->size : 16;
        list->items = xrealloc(list->items, list->size, sizeof *list->items);
    }
    if (list->cells + cells > list->cells_size) {
        list->cells_size = 2 * (list->cells + cells);
        list->series = xrealloc(list->series, list->cells_size, sizeof *list->series);
        list->values = xrealloc(list->values, list->cells_size, sizeof *list->values);
    }
}

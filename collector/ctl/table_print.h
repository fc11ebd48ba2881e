// table_print - rows of text as columns for a terminal, or as CSV.
//
// In:     cells of UTF-8 from anywhere: control characters become '?', so that no peer's name moves
//         a cursor.
// Source: CSV as RFC 4180, with LF.

#ifndef COLLECTOR_CTL_TABLE_PRINT_H
#define COLLECTOR_CTL_TABLE_PRINT_H

#include <stdbool.h>

#include "shared/base/buf.h"

struct table_column {
    const char *title;
    bool right; // numbers line up at the right
};

typedef struct table table_t;

// `columns` stay the caller's for as long as the table.
table_t *table_new(const struct table_column *columns, unsigned n);
void table_destroy(table_t **self_p);
// One cell a column; copied.
void table_add(table_t *self, const char *const *cells);
// Titles and rows, two spaces between columns.
void table_put_text(const table_t *self, struct buf *out);
void table_put_csv(const table_t *self, struct buf *out);

#endif

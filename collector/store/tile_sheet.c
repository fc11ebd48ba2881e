// tile_sheet - room for the cells of a tile, column behind column.

#include "collector/store/tile_sheet.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define LINE_CELLS 8u // in a line of a cache

void
tile_sheet_begin(struct tile_sheet *s, uint32_t columns, uint32_t rows)
{
    size_t cells, maps;

    assert(rows > 0 && rows <= TILE_ROWS_MAX);
    s->columns = columns;
    s->rows = 0;
    s->size = rows;
    s->words = COLUMN_WORDS(rows);
    s->doubles = false;
    // An odd number of lines: a row's cells are then spread over the whole cache, where columns of
    // 128 or 1,024 rows would all want the same places in it.
    s->stride = ((rows + LINE_CELLS - 1) / LINE_CELLS | 1) * LINE_CELLS;
    cells = (size_t) columns * s->stride;
    maps = (size_t) columns * s->words;
    if (cells > s->cells_size) {
        s->cells = xrealloc(s->cells, cells, sizeof *s->cells);
        s->cells_size = cells;
    }
    if (maps > s->maps_size) {
        s->present = xrealloc(s->present, maps, sizeof *s->present);
        s->raw = xrealloc(s->raw, maps, sizeof *s->raw);
        s->maps_size = maps;
    }
    // Cells are read only where there is a bit.
    if (maps > 0) {
        memset(s->present, 0, maps * sizeof *s->present);
        memset(s->raw, 0, maps * sizeof *s->raw);
    }
}

void
tile_sheet_release(struct tile_sheet *s)
{
    free(s->cells);
    free(s->present);
    free(s->raw);
    *s = (struct tile_sheet){ 0 };
}

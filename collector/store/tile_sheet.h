// tile_sheet - rows of a tile that are turned into its columns.
//
// In:     rows as they come, times rising; in each, cells by column: integers or doubles' bits.
// Out:    the same by column, as tile_writer_add takes it.
// Thread: one owner. A value; release it.
// Cost:   8 bytes and a bit for each column of each row there is room for, kept from tile to tile
//         and grown only; 1 to 3 ns a cell.

#ifndef COLLECTOR_STORE_TILE_SHEET_H
#define COLLECTOR_STORE_TILE_SHEET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/tile.h"

// Zero is valid: no room.
struct tile_sheet {
    uint32_t columns; // there is room for
    uint32_t rows;    // there are
    uint32_t size;    // rows there is room for
    uint32_t stride;  // cells from a column to the next
    uint32_t words;   // of a column's bitmap
    bool doubles;     // some cell is a double
    int64_t times[TILE_ROWS_MAX];
    int64_t *cells;    // by column, then row
    uint64_t *present; // by column: the rows that have a cell
    uint64_t *raw;     // the same: those of them that are doubles
    size_t cells_size; // allocated, in cells
    size_t maps_size;  // allocated, in words, each of both
};

// Empties it and makes room for so many columns and rows (at most TILE_ROWS_MAX).
void tile_sheet_begin(struct tile_sheet *s, uint32_t columns, uint32_t rows);
void tile_sheet_release(struct tile_sheet *s);

// Begins the next row, later than the one before (asserted, as is that there is room). All its
// cells are absent.
static inline void
tile_sheet_row(struct tile_sheet *s, int64_t time_ms)
{
    assert(s->rows < s->size && (s->rows == 0 || time_ms > s->times[s->rows - 1]));
    s->times[s->rows++] = time_ms;
}

// The cell of a column in the row that was begun last; again: the last one stands.
static inline void
tile_sheet_put(struct tile_sheet *s, uint32_t column, int64_t m)
{
    const uint32_t row = s->rows - 1;

    s->cells[(size_t) column * s->stride + row] = m;
    s->present[(size_t) column * s->words + row / 64] |= UINT64_C(1) << row % 64;
}

// The same for the bits of a double among integers.
static inline void
tile_sheet_put_double(struct tile_sheet *s, uint32_t column, uint64_t bits)
{
    const uint32_t row = s->rows - 1;

    tile_sheet_put(s, column, (int64_t) bits);
    s->raw[(size_t) column * s->words + row / 64] |= UINT64_C(1) << row % 64;
    s->doubles = true;
}

// Column `column` of all rows, as series `series`: for tile_writer_add after a tile_writer_begin
// with s->times and s->rows. Borrowed until the next tile_sheet_begin.
static inline struct tile_cells
tile_sheet_column(const struct tile_sheet *s, uint32_t column, uint64_t series,
                  struct metric_form form)
{
    return (struct tile_cells){
        .series = series,
        .form = form,
        .cells = s->cells + (size_t) column * s->stride,
        .raw = s->doubles ? s->raw + (size_t) column * s->words : NULL,
        .present = s->present + (size_t) column * s->words,
    };
}

#endif

// tile - some minutes of one host, sealed: rows that share their times, one column a series.
//
// In:     for writing, the times of up to 1,024 rows and then columns, series rising, each with a
//         cell a row: integers of the wire's form, single doubles among them, or doubles alone. A
//         row may lack a value in any column.
// Out:    one run of bytes that stands alone and never changes, and from it columns by series and
//         samples by time. Times are milliseconds since the epoch.
// Loss:   none. Damage is found by checksums; bytes that pass them are still a stranger's: no read
//         leaves them, and none decides how much memory is taken.
// Thread: a writer has one owner; a tile is read by any number.
// Cost:   state of a writer: the bytes of the tile twice, and 30 KiB; writing 3 to 7 ns a sample.
//         Opening 0.12 ns a byte and 6 ns a column; finding 6 ns for each column before.
// Source: collector/store/FORMAT.md, "Tile".

#ifndef COLLECTOR_STORE_TILE_H
#define COLLECTOR_STORE_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/column.h"
#include "shared/model/metric.h"
#include "shared/model/sample.h"

#define TILE_ROWS_MAX     COLUMN_VALUES_MAX
#define TILE_COLUMNS_MAX  65535u
#define TILE_SERIES_MAX   (UINT64_MAX >> 2) // highest id of a series
#define TILE_HEADER_BYTES 56u               // of the head, whose length they say

// One column to be written. Arrays have a cell, or a bit, for each row.
struct tile_cells {
    uint64_t series;         // above that of the column before
    struct metric_form form; // of the integers
    const int64_t *cells;    // an integer, or the bits of a double where `raw` says so; in all rows
                             // where form.exponent is METRIC_RAW
    const uint64_t *raw;     // bitmap as COLUMN_WORDS; NULL: none
    const uint64_t *present; // the rows that have a value; NULL: all
};

typedef struct tile_writer tile_writer_t;

tile_writer_t *tile_writer_new(void);
void tile_writer_destroy(tile_writer_t **self_p);
// Begins a tile of `rows` rows (1 to TILE_ROWS_MAX) at these times, which rise (asserted). What was
// written before is given up.
void tile_writer_begin(tile_writer_t *self, uint64_t host, uint8_t class, const int64_t *times_ms,
                       uint32_t rows);
// Adds a column; one without any value is left out. At most TILE_COLUMNS_MAX (asserted). The number
// of samples it has.
uint32_t tile_writer_add(tile_writer_t *self, const struct tile_cells *cells);
// The same from doubles. `present` may be NULL.
uint32_t tile_writer_add_doubles(tile_writer_t *self, uint64_t series, const double *values,
                                 const uint64_t *present);
// The whole tile, ours until the next tile_writer_begin or the end of the writer. Once a tile.
const uint8_t *tile_writer_finish(tile_writer_t *self, size_t *len_ret);

// A part of the head; borrowed.
struct tile_part {
    const uint8_t *at;
    size_t len;
};

// A tile that is read. A value; it borrows the bytes.
struct tile {
    uint64_t host;
    uint8_t class;
    int64_t first_ms; // of the first row
    int64_t last_ms;  // of the last row
    uint32_t rows;
    uint32_t columns;
    uint32_t head_bytes;
    uint32_t body_bytes;
    const uint8_t *body;        // columns; NULL: only the head is here
    uint32_t ranges;            // presences that are one run of rows
    uint32_t bitmaps;           // other presences
    struct tile_part range;     // TILE_RANGE_BYTES each
    struct tile_part bitmap;    // a bit a row each, filled up to a byte
    struct tile_part times;     // a column of integers, from first_ms
    struct tile_part series;    // runs of ids
    struct tile_part lengths;   // of columns
    struct tile_part presences; // runs of numbers: which presence a column has
};

// One column that was found.
struct tile_column {
    uint64_t series;
    uint32_t offset;   // of its bytes, from the tile's first one
    uint32_t len;      // of its bytes
    const uint8_t *at; // its bytes; NULL where only the head was opened: then the caller sets it
    uint32_t presence; // which rows it has; the tile's own number
    uint32_t n;        // samples
};

// Opens a whole tile: checks both checksums and the directory. 0; or ERR_FORMAT, or ERR_VERSION for
// a newer one; then *ret holds nothing to be read.
int tile_open(struct tile *ret, const uint8_t *at, size_t len);
// Bytes of the head that begins with these TILE_HEADER_BYTES, or ERR_FORMAT, ERR_VERSION.
ptrdiff_t tile_head_bytes(const uint8_t at[TILE_HEADER_BYTES]);
// Opens a head alone, for who reads single columns from a file: only the head's checksum is
// compared, so that a column's values are as good as the file is.
int tile_open_head(struct tile *ret, const uint8_t *at, size_t len);

// All columns, series rising.
struct tile_cursor {
    const struct tile *tile; // borrowed
    uint32_t column;         // next
    uint64_t series;         // next, where run > 0; else that after the one before
    uint64_t run;            // columns left of a run of ids
    uint32_t offset;         // next, from the tile's first byte
    uint32_t presence;       // of the run at hand
    uint32_t presence_run;   // columns left of it
    const uint8_t *series_at, *length_at, *presence_at;
};
void tile_cursor_init(struct tile_cursor *ret, const struct tile *tile);
// 1 and the next column, 0 at the end, or ERR_FORMAT (never for a tile that was opened).
int tile_cursor_next(struct tile_cursor *self, struct tile_column *ret);
// 1 and the column of this series, or 0.
int tile_find(const struct tile *tile, uint64_t series, struct tile_column *ret);

// Times of all rows, rising: tile->rows of them (room for TILE_ROWS_MAX is enough). 0 or
// ERR_FORMAT.
int tile_times(const struct tile *tile, int64_t *ret);
// The rows from start_ms to end_ms, both inclusive: the first into *first_ret, and their number.
uint32_t tile_rows(const int64_t *times, uint32_t rows, int64_t start_ms, int64_t end_ms,
                   uint32_t *first_ret);
// Samples of a column in `count` rows from `first` on, with times as tile_times gives them: into
// `out`, which has room for `count`. Their number; or ERR_FORMAT, or ERR_VERSION for a codec that
// is not known.
int tile_samples(const struct tile *tile, const struct tile_column *column, const int64_t *times,
                 uint32_t first, uint32_t count, struct sample *out);

#endif

// sealer_inner - the two halves of the sealer: rows, and samples beside them.

#ifndef COLLECTOR_STORE_SEALER_INNER_H
#define COLLECTOR_STORE_SEALER_INNER_H

#include "collector/store/sealer.h"
#include "collector/store/tile.h"

// One column to be: a series.
struct seal_column {
    series_id id;
    struct metric_form form; // of its first slot
};

// A sample beside the rows.
struct seal_sample {
    uint32_t column;
    uint32_t order; // of arrival
    int64_t time_ms;
    struct cell cell; // in the column's form
};

struct seal_row {
    int64_t time_ms;
    uint32_t order; // of arrival, and its place in the matrix
};

struct sealer {
    tile_writer_t *writer;
    // Of the tile at hand:
    uint64_t host;
    uint64_t number; // of the next tile that is given
    void (*out)(void *arg, struct sealed_tile *tile);
    void *arg;
    uint32_t n_wanted;
    const series_id *wanted; // rising; NULL: all
    // No two slots are one series, and all of them hold for records from one seq up to another.
    bool straight;
    uint64_t from_seq, to_seq;
    uint32_t n_columns;
    uint32_t columns_size;       // allocated
    struct seal_column *columns; // series rising
    uint32_t slots_size;         // allocated
    uint32_t *column_of;         // by slot; SEAL_NONE
    uint32_t n_rows;
    uint32_t rows_size; // allocated, of both
    struct seal_row *rows;
    size_t matrix_size; // cells allocated, of both
    int64_t *matrix;    // a row of n_columns for each of `rows`
    uint8_t *states;    // beside it, enum cell_state
    uint64_t integers;  // of the cells of all rows
    uint32_t n_samples;
    uint32_t samples_size; // allocated
    struct seal_sample *samples;
    uint64_t given;     // samples of the tile that is being written
    uint64_t conflicts; // of the open tile
};

#define SEAL_NONE UINT32_MAX

// Rows of the matrix into tiles.
void seal_rows(struct sealer *self);
// Samples beside them into tiles.
void seal_samples(struct sealer *self);
// One tile is written: gives it on.
void seal_give(struct sealer *self, const int64_t *times, uint32_t rows, uint32_t series);

#endif

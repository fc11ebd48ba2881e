// sealer_inner - the parts of the sealer: what stands, rows, and samples beside them.

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
    uint32_t came; // order of arrival, rows among them
    int64_t time_ms;
    struct cell cell; // in the column's form
};

struct seal_row {
    int64_t time_ms;
    uint32_t order; // of arrival among rows, and its place in the matrix
    uint32_t came;  // of arrival among rows and samples
};

// A sample that did not stand, and the one that did.
struct seal_again {
    series_id id;
    int64_t time_ms;
    uint64_t bits;
    uint64_t stands;
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
    uint64_t given; // samples of the tile that is being written
    // Of the open tile:
    uint32_t came;      // rows and samples
    uint32_t flushes;   // times that what was gathered was given
    uint64_t conflicts; // samples that did not stand and say otherwise
    uint32_t n_again;
    uint32_t again_size; // allocated
    bool again_sorted;
    struct seal_again *again;
    bool (*leaves_out)(void *arg, int64_t day); // NULL: none
    void *leaves_arg;
    int64_t day;   // asked for last
    bool day_left; // what was said of it
};

#define SEAL_NONE UINT32_MAX

// Sorts rows and samples by time, and of each series and time takes out all but what came first:
// cells of rows become absent.
void seal_settle(struct sealer *self);
// A sample did not stand: counted where it says otherwise, and remembered.
void seal_again(struct sealer *self, uint32_t column, int64_t time_ms, const struct cell *cell,
                const struct cell *stands);
// Rows of the matrix into tiles.
void seal_rows(struct sealer *self);
// Samples beside them into tiles.
void seal_samples(struct sealer *self);
// One tile is written: gives it on.
void seal_give(struct sealer *self, const int64_t *times, uint32_t rows, uint32_t series);

#endif

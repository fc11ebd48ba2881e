// seal_rows - rows of a host, in the order of their times, into tiles.
//
// Nearly always all rows rise and fall into one day: then they are one tile. A clock that was set
// back, or an edge of two days, makes more of them. Of rows with one time the first goes first, and
// what is left of the others, which is what it did not have, into a tile behind it.

#include "collector/store/sealer_inner.h"

struct rows {
    uint32_t n;
    uint32_t order[TILE_ROWS_MAX]; // places in the matrix
    int64_t times[TILE_ROWS_MAX];  // rising
};

// Of rows that all have an integer in every column.
static void
s_write_integers(struct sealer *self, const struct rows *rows, uint32_t column)
{
    const int64_t *from = self->matrix + column;
    int64_t cells[TILE_ROWS_MAX];

    for (uint32_t i = 0; i < rows->n; i++)
        cells[i] = from[(size_t) rows->order[i] * self->n_columns];
    self->given += tile_writer_add(self->writer,
                                   &(struct tile_cells){ .series = self->columns[column].id,
                                                         .form = self->columns[column].form,
                                                         .cells = cells });
}

static void
s_write_column(struct sealer *self, const struct rows *rows, uint32_t column, uint32_t *series)
{
    uint64_t present[COLUMN_WORDS(TILE_ROWS_MAX)] = { 0 };
    uint64_t raw[COLUMN_WORDS(TILE_ROWS_MAX)] = { 0 };
    int64_t cells[TILE_ROWS_MAX];
    uint32_t n_present = 0;
    uint32_t n_raw = 0;
    uint32_t given;

    for (uint32_t i = 0; i < rows->n; i++) {
        const size_t at = (size_t) rows->order[i] * self->n_columns + column;
        const uint8_t state = self->states[at];

        cells[i] = state != CELL_ABSENT ? self->matrix[at] : 0;
        present[i / 64] |= (uint64_t) (state != CELL_ABSENT) << i % 64;
        raw[i / 64] |= (uint64_t) (state == CELL_RAW) << i % 64;
        n_present += state != CELL_ABSENT;
        n_raw += state == CELL_RAW;
    }
    if (n_present == 0)
        return;
    given = tile_writer_add(self->writer, &(struct tile_cells){
                                              .series = self->columns[column].id,
                                              .form = self->columns[column].form,
                                              .cells = cells,
                                              .raw = n_raw > 0 ? raw : NULL,
                                              .present = n_present < rows->n ? present : NULL,
                                          });
    self->given += given;
    (*series)++;
}

// More series than a tile has columns make another one of the same rows.
static void
s_write(struct sealer *self, const struct rows *rows)
{
    const bool plain = self->integers == (uint64_t) self->n_rows * self->n_columns;

    for (uint32_t column = 0; column < self->n_columns;) {
        uint32_t series = 0;

        self->given = 0;
        tile_writer_begin(self->writer, self->host, 0, rows->times, rows->n);
        for (; plain && column < self->n_columns && series < TILE_COLUMNS_MAX; column++, series++)
            s_write_integers(self, rows, column);
        for (; !plain && column < self->n_columns && series < TILE_COLUMNS_MAX; column++)
            s_write_column(self, rows, column, &series);
        seal_give(self, rows->times, rows->n, series);
    }
}

// Takes from `rows` the next that fit into one tile; those with a time twice stay for later.
static uint32_t
s_next(struct seal_row *rows, uint32_t n, struct rows *ret)
{
    const int64_t day = partition_of(rows[0].time_ms);
    uint32_t kept = 0;
    uint32_t i;

    ret->n = 0;
    for (i = 0; i < n && ret->n < TILE_ROWS_MAX && partition_of(rows[i].time_ms) == day; i++) {
        if (ret->n > 0 && rows[i].time_ms == ret->times[ret->n - 1]) {
            rows[kept++] = rows[i];
            continue;
        }
        ret->order[ret->n] = rows[i].order;
        ret->times[ret->n++] = rows[i].time_ms;
    }
    for (; i < n; i++)
        rows[kept++] = rows[i];
    return kept;
}

void
seal_rows(struct sealer *self)
{
    uint32_t left = self->n_rows;
    struct rows rows;

    while (left > 0) {
        left = s_next(self->rows, left, &rows);
        s_write(self, &rows);
    }
}

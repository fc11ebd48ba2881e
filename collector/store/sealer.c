// sealer - see the header.
//
// Rows are spread over a matrix of a column for each series, and read from it column by column: a
// tile of 500 series and 128 rows stays in the cache meanwhile.

#include "collector/store/sealer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/sealer_inner.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"

// What is gathered before tiles are made of it, however much more the open tile has: a stranger's
// row may take three bytes of it, and a place in every column here.
#define CELLS_MOST   (UINT64_C(1) << 22) // of the matrix: 36 MiB
#define SAMPLES_MOST (1u << 20)          // 40 MiB
// A row with values in fewer than one of so many columns is samples with a time of their own.
#define THIN 8u
// Of a question for fewer than one series of so many, the others' values are passed over.
#define FEW 12u

static void s_choose(const struct sealer *self, open_cursor_t *cursor);
static void s_gather(struct sealer *self, const struct slot_map *map,
                     const struct open_block *block);
static void s_flush(struct sealer *self);
static void s_columns(struct sealer *self, const struct slot_map *map);
static void s_take_row(struct sealer *self, const struct slot_map *map,
                       const struct open_block *block);
static void s_take_samples(struct sealer *self, const struct slot_map *map,
                           const struct open_block *block);

sealer_t *
sealer_new(void)
{
    sealer_t *self = xcalloc(1, sizeof *self);

    self->writer = tile_writer_new();
    return self;
}

void
sealer_destroy(sealer_t **self_p)
{
    sealer_t *self = *self_p;

    if (self == NULL)
        return;
    tile_writer_destroy(&self->writer);
    free(self->columns);
    free(self->column_of);
    free(self->rows);
    free(self->matrix);
    free(self->states);
    free(self->samples);
    free(self->again);
    free(self);
    *self_p = NULL;
}

int
sealer_run(sealer_t *self, open_tile_t *tile, void (*out)(void *arg, struct sealed_tile *tile),
           void *arg)
{
    return sealer_run_some(self, tile, NULL, 0, out, arg);
}

int
sealer_run_some(sealer_t *self, open_tile_t *tile, const series_id *ids, uint32_t n,
                void (*out)(void *arg, struct sealed_tile *tile), void *arg)
{
    const struct open_tile_origin *origin = open_tile_origin(tile);
    open_cursor_t *cursor = open_cursor_new(tile);
    const struct slot_map *map = open_cursor_map(cursor);
    struct open_block block;
    int rc;

    self->host = origin->host;
    self->number = origin->number << SEALER_NUMBERS_BITS;
    self->out = out;
    self->arg = arg;
    self->wanted = ids;
    self->n_wanted = n;
    self->n_rows = 0;
    self->n_samples = 0;
    self->integers = 0;
    self->came = 0;
    self->flushes = 0;
    self->conflicts = 0;
    self->n_again = 0;
    self->day = INT64_MIN;
    self->day_left = false;
    s_columns(self, map);
    s_choose(self, cursor);
    while ((rc = open_cursor_next(cursor, &block)) == 1)
        s_gather(self, map, &block);
    s_flush(self);
    open_cursor_destroy(&cursor);
    return rc;
}

// Where few are wanted, the others need not be read.
static void
s_choose(const struct sealer *self, open_cursor_t *cursor)
{
    const uint32_t n = open_cursor_map(cursor)->n;
    uint32_t n_wanted = 0;
    uint32_t *slots;

    if (self->wanted == NULL || (uint64_t) FEW * self->n_columns > n)
        return;
    slots = xmalloc((n + 1) * sizeof *slots);
    for (uint32_t slot = 0; slot < n; slot++)
        if (self->column_of[slot] != SEAL_NONE)
            slots[n_wanted++] = slot;
    open_cursor_choose(cursor, slots, n_wanted);
    free(slots);
}

static bool
s_is_left_out(struct sealer *self, int64_t time_ms)
{
    const int64_t day = partition_of(time_ms);

    if (self->leaves_out == NULL)
        return false;
    if (day != self->day) {
        self->day = day;
        self->day_left = self->leaves_out(self->leaves_arg, day);
    }
    return self->day_left;
}

static void
s_gather(struct sealer *self, const struct slot_map *map, const struct open_block *block)
{
    if (s_is_left_out(self, block->time_ms))
        return;
    if (block->dense && (uint64_t) THIN * block->n >= self->n_columns)
        s_take_row(self, map, block);
    else
        s_take_samples(self, map, block);
    if ((uint64_t) (self->n_rows + 1) * self->n_columns > CELLS_MOST ||
        self->n_samples >= SAMPLES_MOST)
        s_flush(self);
}

static void
s_flush(struct sealer *self)
{
    seal_settle(self);
    seal_rows(self);
    seal_samples(self);
    self->flushes++;
    self->n_rows = 0;
    self->n_samples = 0;
    self->integers = 0;
}

void
sealer_leave_out(sealer_t *self, bool (*fn)(void *arg, int64_t day), void *arg)
{
    self->leaves_out = fn;
    self->leaves_arg = arg;
}

void
seal_give(struct sealer *self, const int64_t *times, uint32_t rows, uint32_t series)
{
    struct block_tile is = { .number = self->number,
                             .host = self->host,
                             .first_ms = times[0],
                             .last_ms = times[rows - 1],
                             .rows = rows,
                             .series = series,
                             .samples = self->given };

    if (series == 0)
        return;
    is.bytes = tile_writer_finish(self->writer, &is.len);
    self->number++;
    self->out(self->arg, sealed_tile_new(&is));
}

static int
s_by_id(const void *a, const void *b)
{
    const series_id x = ((const struct seal_column *) a)->id;
    const series_id y = ((const struct seal_column *) b)->id;

    return (x > y) - (x < y);
}

static uint32_t
s_find(const struct sealer *self, series_id id)
{
    const struct seal_column key = { .id = id };
    const struct seal_column *found = bsearch(&key, self->columns, self->n_columns,
                                              sizeof *self->columns, s_by_id);

    return (uint32_t) (found - self->columns);
}

static int
s_compare(const void *a, const void *b)
{
    const series_id x = *(const series_id *) a;
    const series_id y = *(const series_id *) b;

    return (x > y) - (x < y);
}

static bool
s_is_wanted(const struct sealer *self, series_id id)
{
    return id != 0 && (self->wanted == NULL ||
                       bsearch(&id, self->wanted, self->n_wanted, sizeof id, s_compare) != NULL);
}

// A column for each series. Two slots may be one: a series that ceased and began again.
static void
s_columns(struct sealer *self, const struct slot_map *map)
{
    bool rising = true;
    uint32_t n = 0;

    self->from_seq = 0;
    self->to_seq = UINT64_MAX;
    if (map->n > self->slots_size) {
        self->slots_size = map->n;
        self->column_of = xrealloc(self->column_of, map->n, sizeof *self->column_of);
        self->columns = xrealloc(self->columns, map->n, sizeof *self->columns);
    }
    for (uint32_t slot = 0; slot < map->n; slot++) {
        const struct slot_series *is = slot_map_at(map, slot);

        self->column_of[slot] = SEAL_NONE;
        if (!s_is_wanted(self, is->id))
            continue;
        self->from_seq = is->from_seq > self->from_seq ? is->from_seq : self->from_seq;
        self->to_seq = is->to_seq < self->to_seq ? is->to_seq : self->to_seq;
        rising = rising && (n == 0 || self->columns[n - 1].id < is->id);
        self->column_of[slot] = n;
        self->columns[n++] = (struct seal_column){ .id = is->id, .form = is->form };
    }
    self->n_columns = n;
    self->straight = true;
    if (rising)
        return;
    qsort(self->columns, n, sizeof *self->columns, s_by_id);
    self->n_columns = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || self->columns[i].id != self->columns[self->n_columns - 1].id)
            self->columns[self->n_columns++] = self->columns[i];
    }
    self->straight = self->n_columns == n;
    for (uint32_t slot = 0; slot < map->n; slot++) {
        if (self->column_of[slot] != SEAL_NONE)
            self->column_of[slot] = s_find(self, slot_map_at(map, slot)->id);
    }
}

// The cell as the column has it: an integer of another form travels as a double.
static struct cell
s_in_form(const struct seal_column *column, const struct slot_series *slot, struct cell cell)
{
    if (cell.state != CELL_INTEGER ||
        (column->form.exponent == slot->form.exponent && column->form.unit == slot->form.unit))
        return cell;
    return (struct cell){ .state = CELL_RAW,
                          .bits = sample_bits(metric_value(slot->form, cell.m)) };
}

static void
s_grow_rows(struct sealer *self)
{
    const size_t cells = (size_t) (self->n_rows + 1) * self->n_columns;

    if (self->n_rows == self->rows_size) {
        self->rows_size = self->rows_size == 0 ? 128 : 2 * self->rows_size;
        self->rows = xrealloc(self->rows, self->rows_size, sizeof *self->rows);
    }
    if (cells > self->matrix_size) {
        self->matrix_size = cells < 2 * self->matrix_size ? 2 * self->matrix_size : cells;
        self->matrix = xrealloc(self->matrix, self->matrix_size, sizeof *self->matrix);
        self->states = xrealloc(self->states, self->matrix_size, sizeof *self->states);
    }
}

// A row whose slots all are what they were when the columns were made: nearly every one.
static void
s_put_straight(struct sealer *self, const struct slot_map *map, const struct open_block *block,
               int64_t *row, uint8_t *states)
{
    uint32_t integers = 0;

    for (uint32_t i = 0; i < block->n; i++) {
        const uint32_t slot = block->slots[i];
        const uint32_t column = slot < map->n ? self->column_of[slot] : SEAL_NONE;

        if (column == SEAL_NONE)
            continue;
        states[column] = block->cells[i].state;
        row[column] = block->cells[i].m; // or the bits of a double
        integers += block->cells[i].state == CELL_INTEGER;
    }
    self->integers += integers;
}

static void
s_put_each(struct sealer *self, const struct slot_map *map, const struct open_block *block,
           int64_t *row, uint8_t *states)
{
    for (uint32_t i = 0; i < block->n; i++) {
        const struct slot_series *slot = slot_map_find(map, block->slots[i], block->seq);
        uint32_t column;
        struct cell cell;

        if (slot == NULL)
            continue;
        column = self->column_of[block->slots[i]];
        if (column == SEAL_NONE)
            continue;
        cell = s_in_form(&self->columns[column], slot, block->cells[i]);
        if (states[column] != CELL_ABSENT) {
            seal_again(self, column, block->time_ms, &cell,
                       &(struct cell){ .state = states[column], .m = row[column] });
            continue;
        }
        states[column] = cell.state;
        row[column] = cell.m; // or the bits of a double
        self->integers += cell.state == CELL_INTEGER;
    }
}

static void
s_take_row(struct sealer *self, const struct slot_map *map, const struct open_block *block)
{
    int64_t *row;
    uint8_t *states;

    if (self->n_columns == 0)
        return;
    s_grow_rows(self);
    row = self->matrix + (size_t) self->n_rows * self->n_columns;
    states = self->states + (size_t) self->n_rows * self->n_columns;
    memset(states, CELL_ABSENT, self->n_columns);
    if (self->straight && block->seq >= self->from_seq && block->seq < self->to_seq)
        s_put_straight(self, map, block, row, states);
    else
        s_put_each(self, map, block, row, states);
    self->rows[self->n_rows] =
        (struct seal_row){ .time_ms = block->time_ms, .order = self->n_rows, .came = self->came++ };
    self->n_rows++;
}

static void
s_take_samples(struct sealer *self, const struct slot_map *map, const struct open_block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        const struct slot_series *slot = slot_map_find(map, block->slots[i], block->seq);
        uint32_t column;

        if (slot == NULL || self->column_of[block->slots[i]] == SEAL_NONE)
            continue;
        if (self->n_samples == self->samples_size) {
            self->samples_size = self->samples_size == 0 ? 256 : 2 * self->samples_size;
            self->samples = xrealloc(self->samples, self->samples_size, sizeof *self->samples);
        }
        column = self->column_of[block->slots[i]];
        self->samples[self->n_samples] = (struct seal_sample){
            .column = column,
            .came = self->came++,
            .time_ms = block->time_ms,
            .cell = s_in_form(&self->columns[column], slot, block->cells[i]),
        };
        self->n_samples++;
    }
}

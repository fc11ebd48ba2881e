// tile_compare - see the header.

#include "collector/store/tile_compare.h"

#include <stdlib.h>

#include "collector/store/tile.h"
#include "shared/base/xalloc.h"

struct tile_compare {
    struct tile tile;
    bool readable;
    int64_t *times; // of its rows
    uint8_t *done;  // a bit for each row of each column: it was held against another; NULL: none
};

// What is read of both while they are compared.
struct pair {
    struct tile other;
    int64_t times[TILE_ROWS_MAX]; // of the other
    struct sample mine[TILE_ROWS_MAX];
    struct sample others[TILE_ROWS_MAX];
};

tile_compare_t *
tile_compare_new(const struct block_tile *mine)
{
    tile_compare_t *self = xcalloc(1, sizeof *self);

    if (tile_open(&self->tile, mine->bytes, mine->len) < 0)
        return self;
    self->times = xmalloc(self->tile.rows * sizeof *self->times);
    self->readable = tile_times(&self->tile, self->times) == 0;
    return self;
}

void
tile_compare_destroy(tile_compare_t **self_p)
{
    tile_compare_t *self = *self_p;

    if (self == NULL)
        return;
    free(self->times);
    free(self->done);
    free(self);
    *self_p = NULL;
}

static bool
s_share_a_time(const tile_compare_t *self, const struct pair *pair)
{
    for (uint32_t i = 0, k = 0; i < self->tile.rows && k < pair->other.rows;) {
        if (self->times[i] == pair->times[k])
            return true;
        if (self->times[i] < pair->times[k])
            i++;
        else
            k++;
    }
    return false;
}

// True the first time that the sample is asked about.
static bool
s_is_new(tile_compare_t *self, size_t at)
{
    const uint8_t bit = (uint8_t) (1u << at % 8);
    const bool is_new = (self->done[at / 8] & bit) == 0;

    self->done[at / 8] |= bit;
    return is_new;
}

// Columns of one series; `number` is that of ours.
static void
s_columns(tile_compare_t *self, struct pair *pair, const struct tile_column *mine, uint32_t number,
          const struct tile_column *other, tile_differs_fn *fn, void *arg)
{
    const int n = tile_samples(&self->tile, mine, self->times, 0, self->tile.rows, pair->mine);
    const int n_others = tile_samples(&pair->other, other, pair->times, 0, pair->other.rows,
                                      pair->others);
    uint32_t row = 0;

    for (int i = 0, k = 0; i < n && k < n_others; i++) {
        const struct sample *sample = &pair->mine[i];

        while (self->times[row] < sample->time_ms)
            row++;
        while (k < n_others && pair->others[k].time_ms < sample->time_ms)
            k++;
        if (k == n_others || pair->others[k].time_ms != sample->time_ms ||
            !s_is_new(self, (size_t) number * self->tile.rows + row))
            continue;
        if (sample_bits(sample->value) != sample_bits(pair->others[k].value))
            fn(arg, &(struct tile_differs){ .series = mine->series,
                                            .time_ms = sample->time_ms,
                                            .mine = sample_bits(sample->value),
                                            .other = sample_bits(pair->others[k].value) });
    }
}

static void
s_tiles(tile_compare_t *self, struct pair *pair, tile_differs_fn *fn, void *arg)
{
    struct tile_cursor mine, others;
    struct tile_column column, other;
    bool both;

    tile_cursor_init(&mine, &self->tile);
    tile_cursor_init(&others, &pair->other);
    both = tile_cursor_next(&mine, &column) == 1 && tile_cursor_next(&others, &other) == 1;
    for (uint32_t number = 0; both;) {
        const uint64_t at_mine = column.series;
        const uint64_t at_other = other.series;

        if (at_mine == at_other)
            s_columns(self, pair, &column, number, &other, fn, arg);
        if (at_mine <= at_other) {
            both = tile_cursor_next(&mine, &column) == 1;
            number++;
        }
        if (at_other <= at_mine)
            both = tile_cursor_next(&others, &other) == 1 && both;
    }
}

void
tile_compare_with(tile_compare_t *self, const struct block_tile *other, tile_differs_fn *fn,
                  void *arg)
{
    struct pair *pair;

    if (!self->readable || other->first_ms > self->tile.last_ms ||
        other->last_ms < self->tile.first_ms)
        return;
    pair = xmalloc(sizeof *pair);
    if (tile_open(&pair->other, other->bytes, other->len) == 0 &&
        tile_times(&pair->other, pair->times) == 0 && s_share_a_time(self, pair)) {
        if (self->done == NULL)
            self->done = xcalloc((size_t) self->tile.rows * self->tile.columns / 8 + 1, 1);
        s_tiles(self, pair, fn, arg);
    }
    free(pair);
}

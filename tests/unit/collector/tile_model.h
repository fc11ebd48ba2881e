// tile_model - what a tile should hold, kept as plain as can be: a double and a flag for each cell.

#ifndef TESTS_UNIT_COLLECTOR_TILE_MODEL_H
#define TESTS_UNIT_COLLECTOR_TILE_MODEL_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/tile.h"
#include "shared/base/xalloc.h"
#include "tests/unit/collector/column_series.h"

#define MODEL_HOST  UINT64_C(0x00c0ffee00c0ffee)
#define MODEL_CLASS 3
#define MODEL_T0    INT64_C(1700000000000)

struct model_column {
    uint64_t series;
    bool present[TILE_ROWS_MAX];
    double values[TILE_ROWS_MAX];
};

struct model {
    uint32_t rows;
    int64_t times[TILE_ROWS_MAX];
    uint32_t n;
    struct model_column *columns;
};

static inline void
model_release(struct model *m)
{
    free(m->columns);
}

static inline void
model_times(struct model *m, uint64_t *seed)
{
    const uint32_t kind = seeded_below(seed, 4);
    int64_t t = kind == 3 ? -(int64_t) (seeded_wide(seed) >> 2) : MODEL_T0;

    for (uint32_t i = 0; i < m->rows; i++) {
        m->times[i] = t;
        t += kind == 0   ? 1000
             : kind == 1 ? 997 + seeded_below(seed, 7)
                         : 1 + seeded_below(seed, 1u << 31);
    }
}

// Which rows a column has: all; from a row on; up to a row; each fifth; some; none.
static inline void
model_presence(struct model *m, bool *present, uint64_t *seed)
{
    const uint32_t kind = seeded_below(seed, 8), at = seeded_below(seed, m->rows);

    for (uint32_t i = 0; i < m->rows; i++)
        present[i] = kind < 3    ? true
                     : kind == 3 ? i >= at
                     : kind == 4 ? i <= at
                     : kind == 5 ? i % 5 == at % 5
                     : kind == 6 ? seeded_below(seed, 2) == 0
                                 : false;
}

// A column of doubles or of integers, into the model and the writer.
static inline void
model_column(struct model *m, tile_writer_t *w, uint64_t series, uint64_t *seed)
{
    static const struct metric_form forms[] = { { 0, 1 }, { 2, 1 }, { 0, 4096 }, { 3, 1 } };
    struct model_column *c = &m->columns[m->n];
    uint64_t present[COLUMN_WORDS(TILE_ROWS_MAX)], raw[COLUMN_WORDS(TILE_ROWS_MAX)] = { 0 };
    int64_t cells[TILE_ROWS_MAX];
    uint32_t samples = 0;

    memset(present, 0xff, sizeof present); // bits behind the last row mean nothing
    c->series = series;
    model_presence(m, c->present, seed);
    for (uint32_t i = 0; i < m->rows; i++) {
        samples += c->present[i];
        if (!c->present[i])
            present[i / 64] &= ~(UINT64_C(1) << i % 64);
    }
    if (seeded_below(seed, 2) == 0) {
        series_kinds[seeded_below(seed, N_OF(series_kinds))].fill(c->values, m->rows, seed);
        m->n += samples > 0;
        if (tile_writer_add_doubles(w, series, c->values, present) != samples)
            abort();
        return;
    }

    const struct metric_form form = forms[seeded_below(seed, N_OF(forms))];
    int64_t last = 0;

    for (uint32_t i = 0; i < m->rows; i++) {
        cells[i] = last += seeded_below(seed, 3) == 0 ? seeded_below(seed, 1000) : 0;
        c->values[i] = metric_value(form, cells[i]);
        if (seeded_below(seed, 200) == 0) {
            c->values[i] = sample_from_bits(special_bits[seeded_below(seed, N_OF(special_bits))]);
            cells[i] = (int64_t) sample_bits(c->values[i]);
            raw[i / 64] |= UINT64_C(1) << i % 64;
        }
    }
    m->n += samples > 0;
    if (tile_writer_add(w, &(struct tile_cells){ series, form, cells, raw, present }) != samples)
        abort();
}

// A tile of so many rows and, with luck, columns; its bytes are the caller's, in memory of exactly
// their size, so that a sanitizer sees a read past them.
static inline uint8_t *
model_tile(struct model *m, uint32_t rows, uint32_t columns, uint64_t *seed, size_t *len_ret)
{
    tile_writer_t *w = tile_writer_new();
    uint64_t series = seeded_below(seed, 3);
    const uint8_t *ours;
    uint8_t *bytes;

    *m = (struct model){ .rows = rows, .columns = xcalloc(columns + 1, sizeof *m->columns) };
    model_times(m, seed);
    tile_writer_begin(w, MODEL_HOST, MODEL_CLASS, m->times, rows);
    for (uint32_t i = 0; i < columns; i++) {
        model_column(m, w, series, seed);
        series += 1 + (seeded_below(seed, 4) == 0 ? seeded_wide(seed) >> 8 : 0);
    }
    ours = tile_writer_finish(w, len_ret);
    bytes = xmemdup(ours, *len_ret);
    tile_writer_destroy(&w);
    return bytes;
}

// The samples that a column of the model has in these rows.
static inline uint32_t
model_samples(const struct model *m, const struct model_column *c, uint32_t first, uint32_t count,
              struct sample *out)
{
    uint32_t n = 0;

    for (uint32_t i = first; i < first + count; i++) {
        if (c->present[i])
            out[n++] = (struct sample){ .time_ms = m->times[i], .value = c->values[i] };
    }
    return n;
}

#endif

// golden_tile - the tiles that are kept for ever: how they are made, and how they are told.

#ifndef TESTS_UNIT_COLLECTOR_GOLDEN_TILE_H
#define TESTS_UNIT_COLLECTOR_GOLDEN_TILE_H

#include <inttypes.h>
#include <string.h>

#include "collector/store/tile.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "tests/unit/collector/column_series.h"

#define GOLDEN_HOST  UINT64_C(0x00c0ffee00c0ffee)
#define GOLDEN_T0    INT64_C(1700000000000)
#define GOLDEN_ROWS  300 // three blocks
#define GOLDEN_SHORT 9   // rows of what can not be packed
#define GOLDEN_SEED  2025

// Four rows; a percentage that moves, a constant of two series, a series that ended after two.
static inline void
make_small(struct buf *out)
{
    static const int64_t times[] = { GOLDEN_T0, GOLDEN_T0 + 1000, GOLDEN_T0 + 2000,
                                     GOLDEN_T0 + 3000 };
    static const int64_t moves[] = { 500, 500, 525, 525 }, constant[] = { 4, 4, 4, 4 };
    static const double ended[] = { 0.1, 0.2, 0, 0 };
    const uint64_t two = 3;
    tile_writer_t *w = tile_writer_new();
    const uint8_t *bytes;
    size_t len;

    tile_writer_begin(w, GOLDEN_HOST, 2, times, 4);
    tile_writer_add(w, &(struct tile_cells){ 7, { 2, 1 }, moves, NULL, NULL });
    tile_writer_add(w, &(struct tile_cells){ 8, { 0, 1024 }, constant, NULL, NULL });
    tile_writer_add(w, &(struct tile_cells){ 9, { 0, 1024 }, constant, NULL, NULL });
    tile_writer_add_doubles(w, 300, ended, &two);
    bytes = tile_writer_finish(w, &len);
    buf_bytes(out, bytes, len);
    tile_writer_destroy(&w);
}

// Integers whose blocks take each way that there is: unchanged for a block and more, a slope, noise
// about a slope, wide outliers, whole pages.
static inline void
golden_integers(int64_t *m, uint32_t kind, uint64_t *seed)
{
    int64_t last = 1000000;

    for (uint32_t i = 0; i < GOLDEN_ROWS; i++) {
        const uint32_t dice = seeded_below(seed, 100);

        switch (kind) {
        case 0: // zero blocks, then a list
            last += i == 290 ? 5 : 0;
            break;
        case 1: // a slope that changes: second differences
            last += (int64_t) (i / 50) * 1000000 + (dice < 3 ? 1 : 0);
            break;
        case 2: // noise about a slope: plain from a base up
            last += 5000 + dice;
            break;
        case 3: // bitmap, rising, with wider ones
            last += dice < 50 ? 0 : dice < 97 ? dice : INT64_C(1) << 40;
            break;
        case 4: // bitmap, of either sign, whole pages
            last += dice < 60 ? 0 : ((int64_t) dice - 80) * 4096;
            break;
        case 5: // plain, of either sign
            last += (int64_t) dice - 40;
            break;
        default: // list, with wider ones
            last += dice < 95 ? 0 : (int64_t) seeded_wide(seed) >> 12;
        }
        m[i] = last;
    }
}
#define GOLDEN_KINDS 7

static inline void
make_all(struct buf *out)
{
    uint64_t seed = GOLDEN_SEED, raw[COLUMN_WORDS(GOLDEN_ROWS)] = { 0 };
    uint64_t late[COLUMN_WORDS(GOLDEN_ROWS)] = { 0 }, fifth[COLUMN_WORDS(GOLDEN_ROWS)] = { 0 };
    tile_writer_t *w = tile_writer_new();
    int64_t times[GOLDEN_ROWS], m[GOLDEN_ROWS];
    double v[GOLDEN_ROWS];
    uint64_t series = 1;
    const uint8_t *bytes;
    size_t len;

    for (uint32_t i = 0; i < GOLDEN_ROWS; i++) {
        times[i] = GOLDEN_T0 + i * 1000 + (seeded_below(&seed, 10) == 0 ? 3 : 0);
        late[i / 64] |= (uint64_t) (i >= GOLDEN_ROWS - GOLDEN_SHORT) << i % 64;
        fifth[i / 64] |= (uint64_t) (i % 5 == 2) << i % 64;
    }
    tile_writer_begin(w, GOLDEN_HOST, 255, times, GOLDEN_ROWS);
    for (uint32_t kind = 0; kind < GOLDEN_KINDS; kind++) {
        golden_integers(m, kind, &seed);
        tile_writer_add(w, &(struct tile_cells){ series++, { (uint8_t) kind, 1 }, m, NULL, NULL });
    }
    golden_integers(m, 5, &seed);
    m[299] = (int64_t) SAMPLE_STALE_BITS;
    m[17] = INT64_MIN; // the bits of -0
    raw[299 / 64] |= UINT64_C(1) << 299 % 64;
    raw[0] |= UINT64_C(1) << 17;
    tile_writer_add(w, &(struct tile_cells){ series++, { 2, 1 }, m, raw, NULL });
    series += 1000;
    for (size_t k = 0; k < N_OF(series_kinds); k++) {
        series_kinds[k].fill(v, GOLDEN_ROWS, &seed);
        tile_writer_add_doubles(w, series, v, k % 2 == 0 ? late : fifth);
        series += 1 + k % 3;
    }
    bytes = tile_writer_finish(w, &len);
    buf_bytes(out, bytes, len);
    tile_writer_destroy(&w);
}

// A double as text that says all of it.
static inline void
tell_value(struct buf *out, double value)
{
    if (value != value)
        buf_printf(out, " NaN:%016" PRIx64, sample_bits(value));
    else if (sample_bits(value) == UINT64_C(1) << 63)
        buf_str(out, " -0");
    else {
        buf_byte(out, ' ');
        buf_double(out, value);
    }
}

static inline void
tell_column(struct buf *out, const struct tile *t, const struct tile_column *column,
            const int64_t *times)
{
    struct sample samples[TILE_ROWS_MAX];
    const int n = tile_samples(t, column, times, 0, t->rows, samples);
    uint32_t row = 0;

    buf_printf(out, "series %" PRIu64 " codec %u samples %" PRIu32 ":", column->series,
               column->at[0] & 15u, column->n);
    if (n < 0)
        buf_printf(out, " %s", err_str(n));
    for (int i = 0; i < n; i++, row++) {
        if (times[row] != samples[i].time_ms) {
            while (times[row] != samples[i].time_ms)
                row++;
            buf_printf(out, " (%" PRIu32 ")", row);
        }
        tell_value(out, samples[i].value);
    }
    buf_byte(out, '\n');
}

static inline void
tell_tile(struct buf *out, const uint8_t *at, size_t n)
{
    int64_t times[TILE_ROWS_MAX];
    struct tile_column column;
    struct tile_cursor cursor;
    struct tile t;
    int rc = tile_open(&t, at, n);

    if (rc == 0)
        rc = tile_times(&t, times);
    if (rc < 0) {
        buf_printf(out, "%s\n", err_str(rc));
        return;
    }
    buf_printf(out, "host %016" PRIx64 " class %u rows %" PRIu32 " columns %" PRIu32 "\n", t.host,
               t.class, t.rows, t.columns);
    buf_printf(out, "from %" PRId64 " to %" PRId64 ":", t.first_ms, t.last_ms);
    for (uint32_t i = 0; i < t.rows; i++)
        buf_printf(out, " %" PRId64, times[i] - t.first_ms);
    buf_byte(out, '\n');
    tile_cursor_init(&cursor, &t);
    while (tile_cursor_next(&cursor, &column) == 1)
        tell_column(out, &t, &column, times);
}

#endif

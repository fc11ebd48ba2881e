// tile_sheet - rows go in, columns come out, and a tile of them has every cell.

#include "collector/store/tile_sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/xalloc.h"
#include "tests/unit/collector/column_series.h"

#define SEED 20251127

static const struct metric_form form = { .exponent = 2, .unit = 1 };

struct expected {
    bool present;
    double value;
};

// Rows of random cells, into the sheet and into a plain table.
static void
fill(struct tile_sheet *s, struct expected *want, uint32_t columns, uint32_t rows, uint64_t *seed)
{
    tile_sheet_begin(s, columns, rows);
    for (uint32_t row = 0; row < rows; row++) {
        tile_sheet_row(s, 1000 + row * 10);
        for (uint32_t c = 0; c < columns; c++) {
            struct expected *cell = &want[c * rows + row];
            const uint32_t kind = seeded_below(seed, 10 + c);

            *cell = (struct expected){ .present = kind != 0 };
            if (kind == 1) {
                cell->value = sample_from_bits(SAMPLE_STALE_BITS);
                tile_sheet_put_double(s, c, SAMPLE_STALE_BITS);
            } else if (kind > 1) {
                cell->value = metric_value(form, kind * row);
                tile_sheet_put(s, c, kind * row);
            }
        }
    }
}

static void
every_cell_of_its_rows_is_in_its_tile(void **state)
{
    static const uint32_t sizes[][2] = { { 1, 1 },   { 3, 128 },  { 50, 100 }, { 7, 1024 },
                                         { 20, 65 }, { 100, 64 }, { 2, 3 } };
    tile_writer_t *w = tile_writer_new();
    struct tile_sheet s = { 0 };
    uint64_t seed = SEED;

    (void) state;
    for (size_t i = 0; i < N_OF(sizes); i++) {
        const uint32_t columns = sizes[i][0], rows = sizes[i][1];
        struct expected *want = xcalloc((size_t) columns * rows, sizeof *want);
        struct sample samples[TILE_ROWS_MAX];
        struct tile_column column;
        struct tile tile;
        const uint8_t *bytes;
        size_t len;

        fill(&s, want, columns, rows, &seed);
        tile_writer_begin(w, 1, 0, s.times, s.rows);
        for (uint32_t c = 0; c < columns; c++) {
            const struct tile_cells cells = tile_sheet_column(&s, c, 100 + c, form);

            (void) tile_writer_add(w, &cells);
        }
        bytes = tile_writer_finish(w, &len);
        assert_int_equal(tile_open(&tile, bytes, len), 0);
        for (uint32_t c = 0; c < columns; c++) {
            const int found = tile_find(&tile, 100 + c, &column);
            const int n = found ? tile_samples(&tile, &column, s.times, 0, rows, samples) : 0;
            int at = 0;

            for (uint32_t row = 0; row < rows; row++) {
                const struct expected *cell = &want[c * rows + row];

                if (!cell->present)
                    continue;
                assert_true(at < n && samples[at].time_ms == s.times[row]);
                assert_true(sample_bits(samples[at++].value) == sample_bits(cell->value));
            }
            assert_int_equal(at, n);
        }
        free(want);
    }
    tile_writer_destroy(&w);
    tile_sheet_release(&s);
}

static void
the_last_cell_put_stands(void **state)
{
    struct tile_sheet s = { 0 };
    struct tile_cells cells;

    (void) state;
    tile_sheet_begin(&s, 2, 4);
    tile_sheet_row(&s, 5);
    tile_sheet_put(&s, 1, 7);
    tile_sheet_put(&s, 1, 8);
    cells = tile_sheet_column(&s, 1, 1, form);
    assert_int_equal(cells.cells[0], 8);
    assert_true(cells.present[0] == 1);
    assert_null(cells.raw);
    assert_true(tile_sheet_column(&s, 0, 0, form).present[0] == 0);
    tile_sheet_release(&s);
}

static void
without_columns_it_is_a_list_of_times(void **state)
{
    struct tile_sheet s = { 0 };

    (void) state;
    tile_sheet_begin(&s, 0, 2);
    tile_sheet_row(&s, -5);
    tile_sheet_row(&s, -4);
    assert_int_equal(s.rows, 2);
    assert_int_equal(s.times[1], -4);
    tile_sheet_release(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_of_its_rows_is_in_its_tile),
        cmocka_unit_test(the_last_cell_put_stands),
        cmocka_unit_test(without_columns_it_is_a_list_of_times),
    };
    return cmocka_run_group_tests_name("tile_sheet", tests, NULL, NULL);
}

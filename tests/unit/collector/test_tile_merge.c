// test_tile_merge - few long tiles have what many had.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/tile.h"
#include "collector/store/tile_merge.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define HOST   UINT64_C(7)
#define CLASS  3
#define T0     INT64_C(1700000000000)
#define SERIES 70u
#define MOST   5000u // times of one series

// What is expected of each series: samples by time.
static struct expected {
    uint32_t n, seen;
    struct sample at[MOST];
} s_is[SERIES];

static series_id s_ids[SERIES];
static tile_gather_t *s_gather;
static unsigned s_tiles, s_rows, s_columns; // that came out

static int
setup(void **state)
{
    (void) state;
    memset(s_is, 0, sizeof s_is);
    for (unsigned i = 0; i < SERIES; i++)
        s_ids[i] = 3 * i + 1;
    s_gather = tile_gather_new(&(struct tile_gather_options){ .n = SERIES,
                                                              .ids = s_ids,
                                                              .start_ms = INT64_MIN,
                                                              .end_ms = INT64_MAX,
                                                              .most = SERIES * MOST });
    s_tiles = s_rows = s_columns = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    tile_gather_destroy(&s_gather);
    return 0;
}

// Samples of series i, times rising, in tiles of this one alone.
static void
give(unsigned i, const struct sample *samples, uint32_t n)
{
    tile_writer_t *w = tile_writer_new();

    memcpy(s_is[i].at, samples, n * sizeof *samples);
    s_is[i].n = n;
    for (uint32_t at = 0, rows; at < n; at += rows) {
        int64_t times[TILE_ROWS_MAX];
        double values[TILE_ROWS_MAX];
        const uint8_t *bytes;
        size_t len;

        rows = n - at < 100 ? n - at : 100;
        for (uint32_t k = 0; k < rows; k++) {
            times[k] = samples[at + k].time_ms;
            values[k] = samples[at + k].value;
        }
        tile_writer_begin(w, HOST, CLASS, times, rows);
        tile_writer_add_doubles(w, s_ids[i], values, NULL);
        bytes = tile_writer_finish(w, &len);
        assert_int_equal(tile_gather_tile(s_gather, bytes, len), 0);
    }
    tile_writer_destroy(&w);
}

// `n` samples, `step_ms` apart, from a time on.
static void
give_regular(unsigned i, int64_t from_ms, int64_t step_ms, uint32_t n)
{
    struct sample *samples = xcalloc(n, sizeof *samples);

    for (uint32_t k = 0; k < n; k++)
        samples[k] = (struct sample){ from_ms + k * step_ms, (double) (i * k % 97) / 4 };
    give(i, samples, n);
    free(samples);
}

// Each sample is one that is expected and was not seen in a tile before; of one series times rise
// from tile to tile.
static int
take(void *arg, const struct block_tile *is)
{
    static struct sample samples[TILE_ROWS_MAX];
    static int64_t times[TILE_ROWS_MAX];
    struct tile_cursor cursor;
    struct tile_column column;
    struct tile tile;
    uint64_t sum = 0;

    (void) arg;
    assert_int_equal(tile_open(&tile, is->bytes, is->len), 0);
    assert_int_equal(tile.host, HOST);
    assert_int_equal(tile.class, CLASS);
    assert_int_equal(is->host, HOST);
    assert_int_equal(is->rows, tile.rows);
    assert_int_equal(is->series, tile.columns);
    assert_int_equal(is->first_ms, tile.first_ms);
    assert_int_equal(is->last_ms, tile.last_ms);
    assert_int_equal(tile_times(&tile, times), 0);
    tile_cursor_init(&cursor, &tile);
    while (tile_cursor_next(&cursor, &column) == 1) {
        struct expected *e = &s_is[(column.series - 1) / 3];
        const int n = tile_samples(&tile, &column, times, 0, tile.rows, samples);

        assert_true(n > 0 && e->seen + (uint32_t) n <= e->n);
        for (int k = 0; k < n; k++, e->seen++) {
            assert_int_equal(samples[k].time_ms, e->at[e->seen].time_ms);
            assert_int_equal(sample_bits(samples[k].value), sample_bits(e->at[e->seen].value));
        }
        sum += (uint64_t) n;
    }
    assert_int_equal(is->samples, sum);
    s_tiles++;
    s_rows += is->rows;
    s_columns += is->series;
    return 0;
}

static void
merge(uint64_t samples)
{
    tile_merge_t *merge = tile_merge_new();

    assert_int_equal(
        tile_merge_run(merge, HOST, CLASS, s_gather, s_ids, SERIES, samples, take, NULL), 0);
    tile_merge_destroy(&merge);
    for (unsigned i = 0; i < SERIES; i++)
        assert_int_equal(s_is[i].seen, s_is[i].n);
}

static void
narrow_tiles_over_the_same_time_become_one(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 50; i++)
        give_regular(i, T0, 1000, 1000);
    merge(TILE_MERGE_SAMPLES);
    assert_int_equal(s_tiles, 1);
    assert_int_equal(s_columns, 50);
    assert_int_equal(s_rows, 1000);
}

static void
a_tile_has_about_as_many_samples_as_it_should(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 70; i++)
        give_regular(i, T0, 1000, 2048);
    merge(10 * 1024);
    assert_int_equal(s_tiles, 2 * 7);
}

static void
series_without_times_in_common_are_apart(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 20; i++)
        give_regular(i, T0 + i, 1000, 100 + i);
    merge(TILE_MERGE_SAMPLES);
    assert_int_equal(s_tiles, 20);
    assert_int_equal(s_columns, 20);
}

static void
a_series_that_has_every_tenth_time_goes_with_the_others(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 10; i++)
        give_regular(i, T0, i % 2 == 0 ? 1000 : 10000, i % 2 == 0 ? 1000 : 100);
    merge(TILE_MERGE_SAMPLES);
    assert_int_equal(s_tiles, 1);
}

static void
nothing_becomes_nothing(void **state)
{
    (void) state;
    merge(TILE_MERGE_SAMPLES);
    assert_int_equal(s_tiles, 0);
}

static void
whatever_was_gathered_is_there_once(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        struct sample *samples = xcalloc(MOST, sizeof *samples);

        (void) teardown(state);
        (void) setup(state);
        for (unsigned i = 0; i < SERIES; i++) {
            const uint32_t n = seeded_below(&random, 4) == 0 ? seeded_below(&random, MOST)
                                                             : seeded_below(&random, 300);
            const uint32_t kind = seeded_below(&random, 3);
            int64_t time_ms = T0 + seeded_below(&random, 2) * 500;

            for (uint32_t k = 0; k < n; k++) {
                time_ms += kind == 0   ? 1000
                           : kind == 1 ? 1000 * (1 + seeded_below(&random, 3))
                                       : 1 + seeded_below(&random, 5000);
                samples[k] = (struct sample){ time_ms,
                                              seeded_below(&random, 2) == 0
                                                  ? (double) seeded_below(&random, 1000) / 10
                                                  : sample_from_bits(seeded_next(&random)) };
            }
            give(i, samples, n);
        }
        merge(1 + seeded_below(&random, 60000));
        free(samples);
    }
}

static int
refuse(void *arg, const struct block_tile *tile)
{
    (void) tile;
    return ++*(int *) arg == 2 ? -7 : 0;
}

static void
who_takes_them_can_end_it(void **state)
{
    tile_merge_t *merge = tile_merge_new();
    int calls = 0;

    (void) state;
    give_regular(0, T0, 1000, MOST);
    assert_int_equal(
        tile_merge_run(merge, HOST, CLASS, s_gather, s_ids, SERIES, 1000, refuse, &calls), -7);
    assert_int_equal(calls, 2);
    tile_merge_destroy(&merge);
}

#define claim_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        claim_test(narrow_tiles_over_the_same_time_become_one),
        claim_test(a_tile_has_about_as_many_samples_as_it_should),
        claim_test(series_without_times_in_common_are_apart),
        claim_test(a_series_that_has_every_tenth_time_goes_with_the_others),
        claim_test(nothing_becomes_nothing),
        claim_test(whatever_was_gathered_is_there_once),
        claim_test(who_takes_them_can_end_it),
    };
    return cmocka_run_group_tests_name("tile_merge", tests, NULL, NULL);
}

// tile - what was written comes back, by series and by time; damage is found and does no harm.

#include "collector/store/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "collector/store/tile_inner.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/wbuf.h"
#include "tests/unit/collector/tile_model.h"

#define SEED 20251126

static const uint32_t sizes[] = { 1, 2, 63, 64, 65, 128, 129, 600, 1024 };

static bool
same_samples(const struct sample *a, const struct sample *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].time_ms != b[i].time_ms || sample_bits(a[i].value) != sample_bits(b[i].value))
            return false;
    return true;
}

static void
assert_column(const struct model *m, const struct model_column *want, const struct tile *t,
              const struct tile_column *got, const int64_t *times, uint32_t first, uint32_t count)
{
    struct sample a[TILE_ROWS_MAX], b[TILE_ROWS_MAX];
    const uint32_t n = model_samples(m, want, first, count, a);
    const int rc = tile_samples(t, got, times, first, count, b);

    if (rc != (int) n || !same_samples(a, b, n))
        fail_msg("series %llu, rows %u, %u from %u: %d samples, wanted %u",
                 (unsigned long long) want->series, m->rows, count, first, rc, n);
}

static void
what_was_written_comes_back(void **state)
{
    uint64_t seed = SEED;

    (void) state;
    for (size_t s = 0; s < N_OF(sizes); s++)
        for (uint32_t columns = 0; columns < 40; columns += 13) {
            int64_t times[TILE_ROWS_MAX];
            struct tile_cursor cursor;
            struct tile_column column;
            struct model m;
            struct tile t;
            size_t len;
            uint8_t *bytes = model_tile(&m, sizes[s], columns, &seed, &len);

            assert_int_equal(tile_open(&t, bytes, len), 0);
            assert_true(t.host == MODEL_HOST);
            assert_int_equal(t.class, MODEL_CLASS);
            assert_int_equal(t.rows, m.rows);
            assert_int_equal(t.columns, m.n);
            assert_int_equal(t.first_ms, m.times[0]);
            assert_int_equal(t.last_ms, m.times[m.rows - 1]);
            assert_int_equal(tile_times(&t, times), 0);
            assert_memory_equal(times, m.times, m.rows * sizeof *times);
            tile_cursor_init(&cursor, &t);
            for (uint32_t i = 0; i < m.n; i++) {
                struct sample samples[TILE_ROWS_MAX];

                assert_int_equal(tile_cursor_next(&cursor, &column), 1);
                assert_true(column.series == m.columns[i].series);
                assert_int_equal(column.n, model_samples(&m, &m.columns[i], 0, m.rows, samples));
                assert_column(&m, &m.columns[i], &t, &column, times, 0, m.rows);
            }
            assert_int_equal(tile_cursor_next(&cursor, &column), 0);
            model_release(&m);
            free(bytes);
        }
}

static void
a_series_is_found_and_read_in_any_window(void **state)
{
    uint64_t seed = SEED + 1;

    (void) state;
    for (size_t s = 0; s < N_OF(sizes); s++) {
        struct tile_column column;
        struct model m;
        struct tile t;
        size_t len;
        uint8_t *bytes = model_tile(&m, sizes[s], 30, &seed, &len);

        assert_int_equal(tile_open(&t, bytes, len), 0);
        for (uint32_t i = 0; i < m.n; i++) {
            assert_int_equal(tile_find(&t, m.columns[i].series, &column), 1);
            for (int round = 0; round < 10; round++) {
                const uint32_t a = seeded_below(&seed, m.rows), b = seeded_below(&seed, m.rows);
                const int64_t start = m.times[a < b ? a : b], end = m.times[a < b ? b : a];
                uint32_t first, count = tile_rows(m.times, m.rows, start, end, &first);

                assert_int_equal(first, a < b ? a : b);
                assert_int_equal(count, (a < b ? b - a : a - b) + 1);
                assert_column(&m, &m.columns[i], &t, &column, m.times, first, count);
            }
        }
        model_release(&m);
        free(bytes);
    }
}

static void
a_series_that_is_not_there_is_not_found(void **state)
{
    static const uint64_t series[] = { 5, 6, 7, 100, 102, 5000000000 };
    static const uint64_t others[] = { 0, 4, 8, 99, 101, 103, 4999999999, 5000000001, UINT64_MAX };
    const int64_t times[] = { 1, 2 };
    const double values[] = { 3, 4 };
    tile_writer_t *w = tile_writer_new();
    struct tile_column column;
    const uint8_t *bytes;
    struct tile t;
    size_t len;

    (void) state;
    tile_writer_begin(w, 1, 0, times, 2);
    for (size_t i = 0; i < N_OF(series); i++)
        assert_int_equal(tile_writer_add_doubles(w, series[i], values, NULL), 2);
    bytes = tile_writer_finish(w, &len);
    assert_int_equal(tile_open(&t, bytes, len), 0);
    for (size_t i = 0; i < N_OF(series); i++) {
        assert_int_equal(tile_find(&t, series[i], &column), 1);
        assert_true(column.series == series[i]);
    }
    for (size_t i = 0; i < N_OF(others); i++)
        assert_int_equal(tile_find(&t, others[i], &column), 0);
    tile_writer_destroy(&w);
}

static void
a_window_beside_the_rows_has_none(void **state)
{
    const int64_t times[] = { 1000, 2000, 3000 };
    uint32_t first;

    (void) state;
    assert_int_equal(tile_rows(times, 3, 0, 999, &first), 0);
    assert_int_equal(tile_rows(times, 3, 3001, INT64_MAX, &first), 0);
    assert_int_equal(tile_rows(times, 3, 1001, 1999, &first), 0);
    assert_int_equal(tile_rows(times, 3, 2500, 1500, &first), 0);
    assert_int_equal(tile_rows(times, 3, INT64_MIN, INT64_MAX, &first), 3);
    assert_int_equal(first, 0);
    assert_int_equal(tile_rows(times, 3, 1000, 2999, &first), 2);
    assert_int_equal(tile_rows(times, 3, 1001, 2000, &first), 1);
    assert_int_equal(first, 1);
}

// A writer is used again and again: nothing of the tile before is in the next.
static void
a_writer_writes_the_same_tile_again(void **state)
{
    uint64_t seed = SEED + 2, again;
    struct model m;
    size_t len, other_len;

    (void) state;
    for (int round = 0; round < 5; round++) {
        tile_writer_t *w = tile_writer_new();
        const uint8_t *second;
        uint8_t *first;

        again = seed;
        first = model_tile(&m, 100, 20, &seed, &len);
        tile_writer_begin(w, 9, 9, m.times, m.rows);
        for (uint32_t i = 0; i < m.n; i++)
            (void) tile_writer_add_doubles(w, i * 5, m.columns[i].values, NULL);
        if (round % 2 == 0)
            (void) tile_writer_finish(w, &other_len);
        model_release(&m);

        m = (struct model){ .rows = 100, .columns = xcalloc(21, sizeof *m.columns) };
        m.n = 0;
        uint64_t series = seeded_below(&again, 3);

        model_times(&m, &again);
        tile_writer_begin(w, MODEL_HOST, MODEL_CLASS, m.times, m.rows);
        for (uint32_t i = 0; i < 20; i++) {
            model_column(&m, w, series, &again);
            series += 1 + (seeded_below(&again, 4) == 0 ? seeded_wide(&again) >> 8 : 0);
        }
        second = tile_writer_finish(w, &other_len);
        assert_int_equal(len, other_len);
        assert_memory_equal(first, second, len);
        model_release(&m);
        tile_writer_destroy(&w);
        free(first);
    }
}

// Bytes of a tile of `n` constant columns that have these rows.
static size_t
bytes_of_constants(uint32_t n, const uint64_t *present)
{
    tile_writer_t *w = tile_writer_new();
    int64_t times[128];
    double values[128] = { 0 };
    size_t len;

    for (int i = 0; i < 128; i++)
        times[i] = MODEL_T0 + i * 1000;
    tile_writer_begin(w, 1, 0, times, 128);
    for (uint32_t i = 0; i < n; i++)
        (void) tile_writer_add_doubles(w, i, values, present);
    (void) tile_writer_finish(w, &len);
    tile_writer_destroy(&w);
    return len;
}

static void
columns_that_come_and_go_together_cost_little(void **state)
{
    const uint64_t late[2] = { 0, UINT64_MAX };
    const uint64_t fifth[2] = { UINT64_C(0x1084210842108421), UINT64_C(0x8421084210842108) };
    const size_t head = bytes_of_constants(0, NULL), all = bytes_of_constants(100, NULL);

    (void) state;
    assert_in_range(head, TILE_HEADER_BYTES, TILE_HEADER_BYTES + 16);
    assert_in_range(all - head, 300, 304);                         // length, kind, value
    assert_in_range(bytes_of_constants(100, late) - all, 4, 6);    // a range, a run
    assert_in_range(bytes_of_constants(100, fifth) - all, 16, 18); // a bitmap, a run
}

static void
cut_at_any_length_it_is_refused(void **state)
{
    uint64_t seed = SEED + 3;
    struct model m;
    struct tile t;
    size_t len;
    uint8_t *bytes = model_tile(&m, 65, 12, &seed, &len);

    (void) state;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *own = xmemdup(bytes, cut);

        assert_int_equal(tile_open(&t, own, cut), ERR_FORMAT);
        free(own);
    }
    bytes = xrealloc(bytes, len + 1, 1);
    bytes[len] = 0;
    assert_int_equal(tile_open(&t, bytes, len + 1), ERR_FORMAT);
    model_release(&m);
    free(bytes);
}

static void
any_flipped_bit_is_found(void **state)
{
    uint64_t seed = SEED + 4;
    struct model m;
    struct tile t;
    size_t len;
    uint8_t *bytes = model_tile(&m, 65, 12, &seed, &len);

    (void) state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        int rc;

        bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
        rc = tile_open(&t, bytes, len);
        assert_true(rc == ERR_FORMAT || (bit / 8 == 12 && rc == ERR_VERSION));
        bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
    }
    model_release(&m);
    free(bytes);
}

static void
a_newer_major_version_has_its_own_error(void **state)
{
    uint64_t seed = SEED + 5;
    struct model m;
    struct tile t;
    size_t len;
    uint8_t *bytes = model_tile(&m, 2, 2, &seed, &len);

    (void) state;
    bytes[12] = 0x20;
    assert_int_equal(tile_open(&t, bytes, len), ERR_VERSION);
    assert_int_equal(tile_head_bytes(bytes), ERR_VERSION);
    bytes[12] = 0x00;
    assert_int_equal(tile_open(&t, bytes, len), ERR_FORMAT);
    model_release(&m);
    free(bytes);
}

// Both checksums as they would be had these bytes been written.
static void
reseal(uint8_t *bytes, size_t len)
{
    uint32_t head = (uint32_t) (bytes[48] | bytes[49] << 8 | bytes[50] << 16) | (uint32_t) bytes[51]
                                                                                    << 24;
    struct wbuf w;

    if (head < TILE_HEADER_BYTES || head > len)
        return;
    wbuf_init(&w, bytes + TILE_BODY_CRC_AT, 4);
    wbuf_u32(&w, crc32c(0, bytes + head, len - head));
    wbuf_init(&w, bytes + TILE_HEAD_CRC_AT, 4);
    wbuf_u32(&w, crc32c(0, bytes + TILE_CHECKED_AT, head - TILE_CHECKED_AT));
}

// All that a reader does, whatever the bytes are.
static void
read_all(const uint8_t *bytes, size_t len)
{
    struct sample samples[TILE_ROWS_MAX];
    int64_t times[TILE_ROWS_MAX];
    struct tile_cursor cursor;
    struct tile_column column;
    uint64_t last = 0;
    struct tile t;

    if (tile_open(&t, bytes, len) < 0)
        return;
    if (tile_times(&t, times) < 0)
        for (uint32_t i = 0; i < TILE_ROWS_MAX; i++)
            times[i] = i;
    tile_cursor_init(&cursor, &t);
    for (uint32_t i = 0; i < t.columns; i++) {
        struct tile_column found;

        assert_int_equal(tile_cursor_next(&cursor, &column), 1);
        assert_true(column.series >= last && column.n > 0 && column.n <= t.rows);
        last = column.series + 1;
        (void) tile_samples(&t, &column, times, 0, t.rows, samples);
        (void) tile_samples(&t, &column, times, t.rows / 3, t.rows / 3, samples);
        assert_int_equal(tile_find(&t, column.series, &found), 1);
        assert_int_equal(found.offset, column.offset);
    }
    assert_int_equal(tile_cursor_next(&cursor, &column), 0);
}

static void
wrong_bytes_under_right_checksums_do_no_harm(void **state)
{
    uint64_t seed = SEED + 6;
    uint32_t opened = 0;

    (void) state;
    for (int round = 0; round < 40; round++) {
        struct model m;
        struct tile t;
        size_t len;
        uint8_t *bytes = model_tile(&m, 1 + seeded_below(&seed, 200), seeded_below(&seed, 20),
                                    &seed, &len);
        const uint32_t head = bytes[48] + 256u * bytes[49];

        for (int hit = 0; hit < 400; hit++) {
            uint8_t *own = xmemdup(bytes, len);

            // Half of the blows to the head: there every byte has a meaning.
            for (uint32_t flips = 1 + seeded_below(&seed, 3); flips > 0; flips--)
                own[seeded_below(&seed, seeded_below(&seed, 2) ? head : (uint32_t) len)] =
                    (uint8_t) seeded_wide(&seed);
            reseal(own, len);
            opened += tile_open(&t, own, len) == 0;
            read_all(own, len);
            free(own);
        }
        model_release(&m);
        free(bytes);
    }
    assert_true(opened > 1000); // or the checks behind the checksums were not reached
}

static void
a_codec_of_a_newer_version_is_told_apart(void **state)
{
    const int64_t times[] = { 1, 2 };
    const double values[] = { 3, 4 };
    tile_writer_t *w = tile_writer_new();
    struct tile_column column;
    struct sample samples[2];
    const uint8_t *ours;
    struct tile t;
    uint8_t *bytes;
    size_t len;

    (void) state;
    tile_writer_begin(w, 1, 0, times, 2);
    (void) tile_writer_add_doubles(w, 1, values, NULL);
    (void) tile_writer_add_doubles(w, 2, values, NULL);
    ours = tile_writer_finish(w, &len);
    bytes = xmemdup(ours, len);
    assert_int_equal(tile_open(&t, bytes, len), 0);
    assert_int_equal(tile_find(&t, 1, &column), 1);
    bytes[column.offset] = 0x0f;
    reseal(bytes, len);
    assert_int_equal(tile_open(&t, bytes, len), 0);
    assert_int_equal(tile_samples(&t, &column, times, 0, 2, samples), ERR_VERSION);
    assert_int_equal(tile_find(&t, 2, &column), 1);
    assert_int_equal(tile_samples(&t, &column, times, 0, 2, samples), 2);
    free(bytes);
    tile_writer_destroy(&w);
}

static void
a_head_alone_finds_the_bytes_of_a_column(void **state)
{
    uint64_t seed = SEED + 7;
    struct tile_column whole, alone;
    struct tile t, h;
    struct model m;
    size_t len;
    uint8_t *bytes = model_tile(&m, 600, 50, &seed, &len);
    const ptrdiff_t head = tile_head_bytes(bytes);
    uint8_t *own = xmemdup(bytes, (size_t) head);

    (void) state;
    assert_int_equal(tile_open(&t, bytes, len), 0);
    assert_int_equal(tile_open_head(&h, own, (size_t) head), 0);
    assert_int_equal(h.body_bytes, len - (size_t) head);
    for (uint32_t i = 0; i < m.n; i++) {
        assert_int_equal(tile_find(&t, m.columns[i].series, &whole), 1);
        assert_int_equal(tile_find(&h, m.columns[i].series, &alone), 1);
        assert_ptr_equal(whole.at, bytes + alone.offset);
        assert_null(alone.at);
        alone.at = bytes + alone.offset;
        assert_column(&m, &m.columns[i], &h, &alone, m.times, 0, m.rows);
    }
    own[(size_t) head - 1] ^= 1;
    assert_int_equal(tile_open_head(&h, own, (size_t) head), ERR_FORMAT);
    model_release(&m);
    free(bytes);
    free(own);
}

static void
a_tile_of_all_columns_that_fit_is_read(void **state)
{
    const int64_t times[] = { -5, 7 };
    tile_writer_t *w = tile_writer_new();
    struct tile_column column;
    struct sample samples[2];
    const uint8_t *bytes;
    struct tile t;
    size_t len;

    (void) state;
    tile_writer_begin(w, 1, 255, times, 2);
    for (uint64_t i = 0; i < TILE_COLUMNS_MAX; i++) {
        const double values[] = { (double) i, (double) (i % 100) };
        const uint64_t present = 1 + i % 3;

        (void) tile_writer_add_doubles(w, i * (TILE_SERIES_MAX / TILE_COLUMNS_MAX), values,
                                       &present);
    }
    bytes = tile_writer_finish(w, &len);
    assert_int_equal(tile_open(&t, bytes, len), 0);
    assert_int_equal(t.columns, TILE_COLUMNS_MAX);
    for (uint64_t i = 0; i < TILE_COLUMNS_MAX; i += 4321) {
        assert_int_equal(tile_find(&t, i * (TILE_SERIES_MAX / TILE_COLUMNS_MAX), &column), 1);
        assert_int_equal(tile_samples(&t, &column, times, 0, 2, samples), i % 3 == 2 ? 2 : 1);
        assert_int_equal(samples[0].time_ms, i % 3 == 1 ? 7 : -5);
        assert_true(samples[0].value == (double) (i % 3 == 1 ? i % 100 : i));
    }
    tile_writer_destroy(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(a_series_is_found_and_read_in_any_window),
        cmocka_unit_test(a_series_that_is_not_there_is_not_found),
        cmocka_unit_test(a_window_beside_the_rows_has_none),
        cmocka_unit_test(a_writer_writes_the_same_tile_again),
        cmocka_unit_test(columns_that_come_and_go_together_cost_little),
        cmocka_unit_test(cut_at_any_length_it_is_refused),
        cmocka_unit_test(any_flipped_bit_is_found),
        cmocka_unit_test(a_newer_major_version_has_its_own_error),
        cmocka_unit_test(wrong_bytes_under_right_checksums_do_no_harm),
        cmocka_unit_test(a_codec_of_a_newer_version_is_told_apart),
        cmocka_unit_test(a_head_alone_finds_the_bytes_of_a_column),
        cmocka_unit_test(a_tile_of_all_columns_that_fit_is_read),
    };
    return cmocka_run_group_tests_name("tile", tests, NULL, NULL);
}

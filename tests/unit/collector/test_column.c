// column - every double comes back in every bit, and strange bytes do no harm.

#include "collector/store/column.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "tests/unit/collector/column_series.h"

#define SEED      20250611
#define ROUNDS    12
#define RAW_OF(n) (1 + 8 * (size_t) (n))

static const uint32_t sizes[] = { 1, 2, 3, 7, 64, 127, 128, 129, 255, 256, 257, 600, 1023, 1024 };

static bool
same(const double *a, const double *b, uint32_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

// In memory of exactly its size, so that a sanitizer sees a read past it.
static uint8_t *
own_column(const double *v, uint32_t n, size_t *len_ret)
{
    uint8_t *room = xmalloc(COLUMN_ROOM(n));

    *len_ret = column_put_doubles(room, v, n);
    return xrealloc(room, *len_ret, 1);
}

static void
every_double_comes_back_in_every_bit(void **state)
{
    uint64_t seed = SEED;
    double v[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t k = 0; k < N_OF(series_kinds); k++)
        for (size_t s = 0; s < N_OF(sizes); s++)
            for (int round = 0; round < ROUNDS; round++) {
                const uint32_t n = sizes[s];
                uint8_t *bytes;
                size_t len;

                series_kinds[k].fill(v, n, &seed);
                bytes = own_column(v, n, &len);
                if (len > RAW_OF(n))
                    fail_msg("%s, %u: %zu bytes", series_kinds[k].name, n, len);
                if (column_take(back, bytes, len, n, 0, n) != 0 || !same(v, back, n))
                    fail_msg("%s, %u values, round %d", series_kinds[k].name, n, round);
                free(bytes);
            }
}

static void
any_run_of_values_is_read_alone(void **state)
{
    uint64_t seed = SEED + 1;
    double v[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t k = 0; k < N_OF(series_kinds); k++)
        for (size_t s = 0; s < N_OF(sizes); s++) {
            const uint32_t n = sizes[s];
            uint8_t *bytes;
            size_t len;

            series_kinds[k].fill(v, n, &seed);
            bytes = own_column(v, n, &len);
            for (int round = 0; round < 40; round++) {
                const uint32_t from = seeded_below(&seed, n + 1);
                const uint32_t count = seeded_below(&seed, n - from + 1);

                memset(back, 0x55, sizeof back);
                if (column_take(back, bytes, len, n, from, count) != 0 ||
                    !same(v + from, back, count))
                    fail_msg("%s, %u values, %u from %u", series_kinds[k].name, n, count, from);
                assert_true(sample_bits(back[count < n ? count : 0]) ==
                                UINT64_C(0x5555555555555555) ||
                            count == n);
            }
            free(bytes);
        }
}

static void
integers_of_any_form_come_back_as_their_values(void **state)
{
    static const struct metric_form forms[] = { { 0, 1 },  { 2, 1 },       { 3, 1 },
                                                { 15, 1 }, { 0, 4096 },    { 0, 512 },
                                                { 3, 10 }, { 1, 1000003 }, { 0, UINT32_MAX } };
    uint64_t seed = SEED + 2;
    double want[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    int64_t cells[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t f = 0; f < N_OF(forms); f++)
        for (size_t s = 0; s < N_OF(sizes); s++)
            for (unsigned bits = 0; bits < 64; bits += 3) {
                const uint32_t n = sizes[s];
                size_t len;

                for (uint32_t i = 0; i < n; i++) {
                    cells[i] = (int64_t) (seeded_next(&seed) >> bits);
                    want[i] = metric_value(forms[f], cells[i]);
                }
                len = column_put(bytes, forms[f], cells, NULL, n);
                assert_true(len <= RAW_OF(n));
                if (column_take(back, bytes, len, n, 0, n) != 0 || !same(want, back, n))
                    fail_msg("form %zu, %u values of %u bits", f, n, 64 - bits);
            }
}

static void
doubles_among_integers_come_back_too(void **state)
{
    const struct metric_form form = { 2, 1 };
    uint64_t seed = SEED + 3;
    double want[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    int64_t cells[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t s = 0; s < N_OF(sizes); s++)
        for (uint32_t one_in = 1; one_in < 400; one_in += 1 + one_in / 2) {
            uint64_t raw[COLUMN_WORDS(COLUMN_VALUES_MAX)];
            const uint32_t n = sizes[s];
            size_t len;

            memset(raw, 0, sizeof raw);
            for (uint32_t i = 0; i < n; i++) {
                cells[i] = (int64_t) i * 3 + seeded_below(&seed, 5);
                want[i] = metric_value(form, cells[i]);
                if (seeded_below(&seed, one_in) == 0) {
                    cells[i] = (int64_t) special_bits[seeded_below(&seed, N_OF(special_bits))];
                    want[i] = sample_from_bits((uint64_t) cells[i]);
                    raw[i / 64] |= UINT64_C(1) << i % 64;
                }
            }
            // Bits behind the last value mean nothing.
            if (n % 64 != 0)
                raw[n / 64] |= UINT64_MAX << n % 64;
            len = column_put(bytes, form, cells, raw, n);
            assert_true(len <= RAW_OF(n));
            if (column_take(back, bytes, len, n, 0, n) != 0 || !same(want, back, n))
                fail_msg("%u values, one in %u a double", n, one_in);
        }
}

static void
a_form_without_integers_is_taken_as_doubles(void **state)
{
    const struct metric_form form = { METRIC_RAW, 1 };
    uint8_t a[COLUMN_ROOM(COLUMN_VALUES_MAX)], b[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    uint64_t seed = SEED + 4;
    double v[COLUMN_VALUES_MAX];
    int64_t cells[COLUMN_VALUES_MAX];
    size_t len;

    (void) state;
    fill_percent(v, 600, &seed);
    memcpy(cells, v, sizeof cells);
    len = column_put(a, form, cells, NULL, 600);
    assert_int_equal(len, column_put_doubles(b, v, 600));
    assert_memory_equal(a, b, len);
}

// Whole numbers come as integers or as doubles: the bytes are the same.
static void
both_entrances_write_the_same(void **state)
{
    uint8_t a[COLUMN_ROOM(COLUMN_VALUES_MAX)], b[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    uint64_t seed = SEED + 5;
    double v[COLUMN_VALUES_MAX];
    int64_t cells[COLUMN_VALUES_MAX];
    size_t len;

    (void) state;
    for (uint32_t i = 0; i < COLUMN_VALUES_MAX; i++) {
        cells[i] = 1000 + (int64_t) i * 7 + seeded_below(&seed, 100) * 100 + 1;
        v[i] = (double) cells[i] / 100;
    }
    len = column_put(a, (struct metric_form){ 2, 1 }, cells, NULL, COLUMN_VALUES_MAX);
    assert_int_equal(len, column_put_doubles(b, v, COLUMN_VALUES_MAX));
    assert_memory_equal(a, b, len);
}

static void
what_hardly_changes_costs_hardly_anything(void **state)
{
    static const struct {
        double first, step;
        uint32_t n;
        size_t most; // bytes
    } cases[] = {
        { 0, 0, 128, 2 },    { 1, 0, 1024, 2 },    { 17179869184.0, 0, 600, 7 }, { 0.5, 0, 128, 2 },
        { 0, 1000, 128, 9 }, { 1e9, 1, 1024, 40 }, { 12.25, 0.01, 128, 9 },
    };
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    double v[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t c = 0; c < N_OF(cases); c++) {
        size_t len;

        for (uint32_t i = 0; i < cases[c].n; i++)
            v[i] = round((cases[c].first + cases[c].step * i) * 100) / 100;
        len = column_put_doubles(bytes, v, cases[c].n);
        if (len > cases[c].most)
            fail_msg("%g by %g: %zu bytes", cases[c].first, cases[c].step, len);
    }
}

static void
a_mark_at_the_end_costs_a_few_bytes(void **state)
{
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    uint64_t seed = SEED + 6;
    double v[128];
    size_t whole;

    (void) state;
    fill_percent(v, 128, &seed);
    whole = column_put_doubles(bytes, v, 128);
    v[127] = sample_from_bits(SAMPLE_STALE_BITS);
    assert_in_range(column_put_doubles(bytes, v, 128), whole - 3, whole + 5);
}

static void
cut_at_any_length_it_is_refused(void **state)
{
    uint64_t seed = SEED + 7;
    double v[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t k = 0; k < N_OF(series_kinds); k++) {
        uint8_t *bytes;
        size_t len;

        series_kinds[k].fill(v, 300, &seed);
        bytes = own_column(v, 300, &len);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *own = xmemdup(bytes, cut);

            if (column_take(back, own, cut, 300, 0, 300) != ERR_FORMAT)
                fail_msg("%s, %zu of %zu bytes", series_kinds[k].name, cut, len);
            (void) column_take(back, own, cut, 300, 100, 30);
            free(own);
        }
        free(bytes);
    }
}

static void
a_byte_too_many_is_refused(void **state)
{
    uint64_t seed = SEED + 8;
    double v[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t k = 0; k < N_OF(series_kinds); k++) {
        uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX) + 1];
        size_t len;

        series_kinds[k].fill(v, 300, &seed);
        len = column_put_doubles(bytes, v, 300);
        bytes[len] = 0;
        if (column_take(back, bytes, len + 1, 300, 0, 300) != ERR_FORMAT)
            fail_msg("%s", series_kinds[k].name);
    }
}

// The values may be any; the sanitizers say whether a read left the bytes.
static void
flipped_bits_do_no_harm(void **state)
{
    uint64_t seed = SEED + 9;
    double v[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];

    (void) state;
    for (size_t k = 0; k < N_OF(series_kinds); k++)
        for (int round = 0; round < 400; round++) {
            const uint32_t n = 1 + seeded_below(&seed, 300);
            uint8_t *bytes;
            size_t len;
            int rc;

            series_kinds[k].fill(v, n, &seed);
            bytes = own_column(v, n, &len);
            for (uint32_t flips = 1 + seeded_below(&seed, 3); flips > 0; flips--)
                bytes[seeded_below(&seed, (uint32_t) len)] ^= (uint8_t) (1u
                                                                         << seeded_below(&seed, 8));
            rc = column_take(back, bytes, len, n, 0, n);
            assert_true(rc == 0 || rc == ERR_FORMAT || rc == ERR_VERSION);
            // Another number of values than it was written with is a stranger's, too.
            (void) column_take(back, bytes, len, 1 + seeded_below(&seed, 1024), 0, 1);
            free(bytes);
        }
}

static void
random_bytes_do_no_harm(void **state)
{
    uint64_t seed = SEED + 10;
    double back[COLUMN_VALUES_MAX];

    (void) state;
    for (int round = 0; round < 60000; round++) {
        const uint32_t n = 1 + seeded_below(&seed, COLUMN_VALUES_MAX);
        const size_t len = seeded_below(&seed, 80);
        uint8_t *bytes = xmalloc(len + 1);
        int rc;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t) seeded_next(&seed);
        if (len > 0)
            bytes[0] &= 7;
        bytes = xrealloc(bytes, len, 1);
        rc = column_take(back, bytes, len, n, 0, n);
        assert_true(rc == 0 || rc == ERR_FORMAT || rc == ERR_VERSION);
        free(bytes);
    }
}

static void
a_codec_of_a_newer_version_has_its_own_error(void **state)
{
    double back[4];

    (void) state;
    for (unsigned codec = 6; codec < 16; codec++) {
        const uint8_t bytes[] = { (uint8_t) codec, 0, 0, 0, 0, 0, 0, 0, 0 };

        assert_int_equal(column_take(back, bytes, sizeof bytes, 4, 0, 4), ERR_VERSION);
    }
}

static void
whole_numbers_are_read_as_integers(void **state)
{
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    int64_t m[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];
    uint64_t seed = SEED + 11;

    (void) state;
    for (size_t s = 0; s < N_OF(sizes); s++)
        for (unsigned bits = 4; bits < 64; bits += 5) {
            const uint32_t n = sizes[s];
            size_t len;

            for (uint32_t i = 0; i < n; i++)
                m[i] = (int64_t) seeded_next(&seed) >> bits;
            len = column_put(bytes, (struct metric_form){ 0, 1 }, m, NULL, n);
            if (bytes[0] == 0)
                continue; // so wide that doubles are shorter
            assert_int_equal(column_take_integers(back, bytes, len, n), 0);
            assert_memory_equal(m, back, n * sizeof *m);
        }
}

static void
what_is_not_whole_is_not_read_as_integers(void **state)
{
    uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    const double halves[] = { 0.5, 1.5, 3 }, noise[] = { M_PI, M_E, M_SQRT2 };
    int64_t back[3];

    (void) state;
    assert_int_equal(column_take_integers(back, bytes, column_put_doubles(bytes, halves, 3), 3),
                     ERR_FORMAT);
    assert_int_equal(column_take_integers(back, bytes, column_put_doubles(bytes, noise, 3), 3),
                     ERR_FORMAT);
    assert_int_equal(column_take_integers(back, bytes, 0, 3), ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_double_comes_back_in_every_bit),
        cmocka_unit_test(any_run_of_values_is_read_alone),
        cmocka_unit_test(integers_of_any_form_come_back_as_their_values),
        cmocka_unit_test(doubles_among_integers_come_back_too),
        cmocka_unit_test(a_form_without_integers_is_taken_as_doubles),
        cmocka_unit_test(both_entrances_write_the_same),
        cmocka_unit_test(what_hardly_changes_costs_hardly_anything),
        cmocka_unit_test(a_mark_at_the_end_costs_a_few_bytes),
        cmocka_unit_test(cut_at_any_length_it_is_refused),
        cmocka_unit_test(a_byte_too_many_is_refused),
        cmocka_unit_test(flipped_bits_do_no_harm),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(a_codec_of_a_newer_version_has_its_own_error),
        cmocka_unit_test(whole_numbers_are_read_as_integers),
        cmocka_unit_test(what_is_not_whole_is_not_read_as_integers),
    };
    return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}

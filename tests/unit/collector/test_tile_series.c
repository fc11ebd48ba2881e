// tile_series - a tile has those series that were written into it, and what can't be told is read.

#include "collector/store/tile_series.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/collector/tile_model.h"

#define SEED 20261127

// Ids of even numbers, each a column; odd ones are nobody's.
static const uint8_t *
tile_of_even_ids(tile_writer_t *writer, uint32_t columns, size_t *len_ret)
{
    const int64_t times[] = { MODEL_T0, MODEL_T0 + 1000, MODEL_T0 + 1001 };
    const int64_t cells[] = { 1, 5, 7 };

    tile_writer_begin(writer, MODEL_HOST, MODEL_CLASS, times, N_OF(times));
    for (uint32_t i = 1; i <= columns; i++)
        (void) tile_writer_add(writer, &(struct tile_cells){ .series = 2ull * i,
                                                             .form = { .exponent = 0, .unit = 1 },
                                                             .cells = cells });
    return tile_writer_finish(writer, len_ret);
}

static void
a_tile_has_the_series_that_were_written_into_it(void **state)
{
    tile_writer_t *writer = tile_writer_new();
    uint64_t seed = SEED;

    (void) state;
    for (uint32_t columns = 1; columns < 300; columns += 1 + columns / 2) {
        const uint32_t most = 2 * columns + 6;
        size_t len;
        const uint8_t *bytes = tile_of_even_ids(writer, columns, &len);

        for (uint32_t round = 0; round < 200; round++) {
            series_id ids[4];
            uint32_t n = 0;
            bool has = false;

            for (series_id id = 1; id < most && n < N_OF(ids); id++) {
                if (seeded_below(&seed, most) >= 3)
                    continue;
                ids[n++] = id;
                has = has || (id % 2 == 0 && id <= 2 * columns);
            }
            assert_int_equal(tile_series_has(bytes, len, ids, n), has);
        }
    }
    tile_writer_destroy(&writer);
}

static void
it_has_perhaps_what_its_head_can_not_tell(void **state)
{
    const series_id nobody[] = { 3 };
    tile_writer_t *writer = tile_writer_new();
    size_t len;
    const uint8_t *bytes = tile_of_even_ids(writer, 40, &len);
    const ptrdiff_t head = tile_head_bytes(bytes);
    uint8_t *copy = xmemdup(bytes, len);

    (void) state;
    assert_true(head > 0 && (size_t) head < len);
    assert_false(tile_series_has(copy, len, nobody, 1));
    assert_false(tile_series_has(copy, (size_t) head, nobody, 1)); // needs no more
    assert_true(tile_series_has(copy, (size_t) head - 1, nobody, 1));
    assert_true(tile_series_has(copy, 0, nobody, 1));
    copy[len - 1] ^= 1; // of the body
    assert_false(tile_series_has(copy, len, nobody, 1));
    copy[head - 1] ^= 1;
    assert_true(tile_series_has(copy, len, nobody, 1));
    free(copy);
    tile_writer_destroy(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tile_has_the_series_that_were_written_into_it),
        cmocka_unit_test(it_has_perhaps_what_its_head_can_not_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

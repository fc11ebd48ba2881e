// test_sealer - every sample of an open tile stands in one sealed tile, at its time, bit for bit.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/sealer.h"
#include "collector/store/tile.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define SLOTS_MOST 60u
#define BODY_SIZE  16384u
#define DAY_MS     PARTITION_MS
#define T0         (INT64_C(20000) * DAY_MS)

struct key {
    uint64_t series;
    int64_t time_ms;
};

// What was put in: the first value of each series and time.
static map_t *wanted;
static piece_pool_t *pool;
static open_tile_t *tile;
static sealer_t *sealer;
static struct row_state encoder;
static struct slot_series slots[SLOTS_MOST];
static struct cell row[SLOTS_MOST];
static uint64_t seed;
static uint64_t seq;
// What came out.
static uint32_t n_tiles;
static uint64_t last_number;
static uint64_t found;

static int
setup(void **state)
{
    (void) state;
    wanted = map_new();
    pool = piece_pool_new();
    tile = open_tile_new(pool, &(struct open_tile_origin){ .number = 3, .host = 77, .stream = 1 });
    sealer = sealer_new();
    memset(slots, 0, sizeof slots);
    memset(row, 0, sizeof row);
    seq = 0;
    n_tiles = 0;
    last_number = 0;
    found = 0;
    return 0;
}

static int
teardown(void **state)
{
    struct map_entry entry;
    size_t at = 0;

    (void) state;
    while (map_next(wanted, &at, &entry))
        free(entry.value);
    map_destroy(&wanted);
    open_tile_drop(&tile);
    piece_pool_destroy(&pool);
    sealer_destroy(&sealer);
    row_state_release(&encoder);
    return 0;
}

static void
want(uint32_t slot, int64_t time_ms, struct cell cell)
{
    const struct key key = { .series = slots[slot].id, .time_ms = time_ms };
    const double value = cell.state == CELL_RAW ? sample_from_bits(cell.bits)
                                                : metric_value(slots[slot].form, cell.m);

    if (slots[slot].id == 0 || seq < slots[slot].from_seq ||
        map_get(wanted, &key, sizeof key) != NULL)
        return;
    map_put(wanted, &key, sizeof key, xmemdup(&value, sizeof value));
}

static void
use_slots(uint32_t n)
{
    struct slot_map *map = slot_map_new(slots, n);

    open_tile_map(tile, map);
    slot_map_drop(map);
    row_state_grow(&encoder, n);
}

// One record: a row of all slots at `time_ms`, and `extra` samples beside it.
static void
append(int64_t time_ms, uint32_t extra)
{
    static uint8_t body[BODY_SIZE];
    struct open_record record = { .key = seq == 0,
                                  .seq = seq,
                                  .t0_ms = time_ms,
                                  .until_ms = INT64_MAX,
                                  .width = encoder.slots,
                                  .samples = 1,
                                  .first_ms = time_ms,
                                  .last_ms = time_ms };
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    if (record.key)
        row_put_key(&encoder, &w);
    row_put(&encoder, &w, 0, row);
    for (uint32_t i = 0; i < encoder.slots; i++)
        if (row[i].state != CELL_ABSENT)
            want(i, time_ms, row[i]);
    for (uint32_t i = 0; i < extra; i++) {
        const uint32_t pair[] = { i % (encoder.slots - 1), encoder.slots - 1 };
        const struct cell cells[] = { { .state = CELL_INTEGER, .m = (int64_t) i },
                                      { .state = CELL_RAW, .bits = seeded_next(&seed) } };
        const int64_t offset_ms = -1 - 10 * (int64_t) i;

        row_put_sparse(&encoder, &w, offset_ms, pair, cells, 2);
        want(pair[0], time_ms + offset_ms, cells[0]);
        want(pair[1], time_ms + offset_ms, cells[1]);
    }
    assert_true(wbuf_finish(&w) > 0);
    record.body = body;
    record.body_len = (uint32_t) w.len;
    open_tile_append(tile, &record);
    seq++;
}

// Some cells change, few cease, begin or are no integers.
static void
move_on(void)
{
    for (uint32_t i = 0; i < encoder.slots; i++) {
        const uint32_t what = seeded_below(&seed, 100);

        row[i].state = what >= 97                             ? CELL_ABSENT
                       : what == 96                           ? CELL_RAW
                       : slots[i].form.exponent == METRIC_RAW ? CELL_RAW
                                                              : CELL_INTEGER;
        if (what < 40)
            row[i].m += seeded_below(&seed, 500);
        if (row[i].state == CELL_RAW)
            row[i].bits = seeded_next(&seed);
        else if (row[i].m > METRIC_MANTISSA_MAX / 2 || row[i].m < 0)
            row[i].m = 0;
    }
}

// A sample that was wanted is found once; of a time said twice the first tile's stands.
static void
take(void *arg, struct sealed_tile *sealed)
{
    static struct sample samples[TILE_ROWS_MAX];
    static int64_t times[TILE_ROWS_MAX];
    struct tile_cursor cursor;
    struct tile_column column;
    uint64_t n_samples = 0;
    struct tile t;

    (void) arg;
    assert_true(sealed->is.number > last_number);
    assert_int_equal(sealed->is.number >> SEALER_NUMBERS_BITS, 3);
    last_number = sealed->is.number;
    n_tiles++;
    assert_int_equal(tile_open(&t, sealed->is.bytes, sealed->is.len), 0);
    assert_int_equal(t.host, 77);
    assert_int_equal(t.rows, sealed->is.rows);
    assert_int_equal(t.columns, sealed->is.series);
    assert_int_equal(t.first_ms, sealed->is.first_ms);
    assert_int_equal(t.last_ms, sealed->is.last_ms);
    assert_int_equal(partition_of(t.first_ms), partition_of(t.last_ms));
    assert_int_equal(tile_times(&t, times), 0);
    tile_cursor_init(&cursor, &t);
    while (tile_cursor_next(&cursor, &column) == 1) {
        const int n = tile_samples(&t, &column, times, 0, t.rows, samples);

        assert_true(n > 0);
        n_samples += (uint64_t) n;
        for (int i = 0; i < n; i++) {
            const struct key key = { .series = column.series, .time_ms = samples[i].time_ms };
            double *value = map_remove(wanted, &key, sizeof key);

            if (value == NULL)
                continue; // said twice: a later tile has the second one
            assert_int_equal(sample_bits(*value), sample_bits(samples[i].value));
            free(value);
            found++;
        }
    }
    assert_int_equal(n_samples, sealed->is.samples);
    sealed_tile_drop(sealed);
}

static void
seal_all(void)
{
    assert_int_equal(sealer_run(sealer, tile, take, NULL), 0);
    assert_int_equal(map_count(wanted), 0);
}

// Forms of all kinds; some slots without a series, two of one series.
static void
make_slots(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        slots[i].id = 10 + i;
        slots[i].to_seq = UINT64_MAX;
        slots[i].form = (struct metric_form){ .exponent = (uint8_t) (i % 4), .unit = 1 + i % 3 };
        if (i % 9 == 5)
            slots[i].form.exponent = METRIC_RAW;
        if (i % 13 == 7)
            slots[i].id = 0;
    }
}

static void
rows_of_a_host_become_one_tile(void **state)
{
    (void) state;
    seed = 1;
    make_slots(40);
    use_slots(40);
    for (int i = 0; i < 128; i++) {
        move_on();
        append(T0 + 1000 * i, 0);
    }
    seal_all();
    assert_int_equal(n_tiles, 1);
}

static void
rows_of_integers_alone_are_whole(void **state)
{
    (void) state;
    seed = 11;
    for (uint32_t i = 0; i < 40; i++)
        slots[i] =
            (struct slot_series){ .id = 90 - i, .form = { .unit = 1 }, .to_seq = UINT64_MAX };
    use_slots(40);
    for (int i = 0; i < 200; i++) {
        for (uint32_t k = 0; k < 40; k++)
            row[k] = (struct cell){ .state = CELL_INTEGER, .m = seeded_below(&seed, 5000) };
        // A clock that was set back: the order of times is not that of rows.
        append(T0 + 1000 * (i < 150 ? i : i - 220), 0);
    }
    seal_all();
    assert_int_equal(found, 40 * 200);
}

static void
of_some_series_those_alone_are_sealed(void **state)
{
    const series_id ids[] = { 12, 16, 17, 31, 4000 }; // one has no slot's name, one none at all
    struct map_entry entry;
    uint64_t left = 0;
    size_t at = 0;

    (void) state;
    seed = 12;
    make_slots(40);
    use_slots(40);
    for (int i = 0; i < 100; i++) {
        move_on();
        append(T0 + 1000 * i, i % 10 == 0 ? 3 : 0);
    }
    assert_int_equal(sealer_run_some(sealer, tile, ids, 5, take, NULL), 0);
    assert_true(found > 0);
    while (map_next(wanted, &at, &entry)) {
        const uint64_t series = ((const struct key *) entry.key)->series;

        assert_true(series != 12 && series != 16 && series != 17 && series != 31);
        left++;
    }
    assert_true(left > 0);
}

static void
an_empty_tile_becomes_nothing(void **state)
{
    (void) state;
    seal_all();
    assert_int_equal(n_tiles, 0);
}

static void
rows_on_both_sides_of_midnight_become_two_tiles(void **state)
{
    (void) state;
    seed = 2;
    make_slots(20);
    use_slots(20);
    for (int i = 0; i < 100; i++) {
        move_on();
        append(T0 + DAY_MS - 50000 + 1000 * i, 0);
    }
    seal_all();
    assert_int_equal(n_tiles, 2);
}

static void
samples_of_applications_go_beside_with_their_own_times(void **state)
{
    (void) state;
    seed = 3;
    make_slots(30);
    use_slots(30);
    for (int i = 0; i < 60; i++) {
        move_on();
        append(T0 + 60000 + 1000 * i, 3);
    }
    seal_all();
    // The rows; three series with times of their own, and one that has all of those times.
    assert_int_equal(n_tiles, 5);
}

static void
more_rows_than_a_tile_holds_become_more_tiles(void **state)
{
    (void) state;
    seed = 4;
    make_slots(5);
    use_slots(5);
    for (int i = 0; i < 2500; i++) {
        move_on();
        append(T0 + 1000 * i, 1);
    }
    seal_all();
    assert_true(n_tiles >= 6);
}

static void
a_clock_that_was_set_back_loses_and_doubles_nothing(void **state)
{
    (void) state;
    for (seed = 5; seed < 25;) {
        const uint64_t this = seed;
        int64_t at_ms = T0 + DAY_MS / 2;

        make_slots(25);
        use_slots(25);
        for (int i = 0; i < 200; i++) {
            if (seeded_below(&seed, 20) == 0)
                at_ms += seeded_below(&seed, 2) == 0 ? -DAY_MS / 3 : -1000 * 17;
            else
                at_ms += 1000;
            move_on();
            append(at_ms, seeded_below(&seed, 3));
        }
        seal_all();
        teardown(NULL);
        setup(NULL);
        seed = this + 1;
    }
}

static void
a_series_that_begins_late_and_one_in_two_slots_are_whole(void **state)
{
    (void) state;
    seed = 6;
    make_slots(10);
    slots[8].id = 0;
    use_slots(9);
    for (int i = 0; i < 30; i++) {
        move_on();
        append(T0 + 1000 * i, 0);
    }
    // The store has room for slot 8's now; slot 3 ceased, and its series is slot 9 from here on,
    // with another form.
    slots[8].id = 18;
    slots[8].from_seq = seq;
    slots[9].id = slots[3].id;
    slots[9].form.exponent = 1;
    slots[9].from_seq = seq;
    slots[9].to_seq = UINT64_MAX;
    use_slots(10);
    for (int i = 30; i < 60; i++) {
        move_on();
        row[3].state = CELL_ABSENT;
        append(T0 + 1000 * i, 0);
    }
    seal_all();
    assert_int_equal(n_tiles, 1);
}

static void
count(void *arg, struct sealed_tile *sealed)
{
    *(uint64_t *) arg += sealed->is.samples;
    sealed_tile_drop(sealed);
}

// Samples of the tiles made of a stream with a series in each of `n_slots` slots and one record, of
// `n_rows` rows of `width` slots.
static uint64_t
seal_wide(uint32_t n_slots, uint32_t n_rows, uint32_t width)
{
    const size_t size = (size_t) n_rows * (width / 8 + 32) + 4 * (size_t) width;
    struct slot_series *many = xcalloc(n_slots, sizeof *many);
    struct cell *cells = xcalloc(width, sizeof *cells);
    uint8_t *body = xmalloc(size);
    struct open_record record = {
        .key = true, .t0_ms = T0, .until_ms = INT64_MAX, .width = width, .body = body
    };
    struct slot_map *map;
    uint64_t samples = 0;
    struct wbuf w;

    for (uint32_t i = 0; i < n_slots; i++)
        many[i] = (struct slot_series){ .id = i + 1, .form = { .unit = 1 }, .to_seq = UINT64_MAX };
    map = slot_map_new(many, n_slots);
    open_tile_map(tile, map);
    slot_map_drop(map);
    for (uint32_t i = 0; i < width; i++)
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = i };
    row_state_grow(&encoder, width);
    wbuf_init(&w, body, size);
    row_put_key(&encoder, &w);
    for (uint32_t i = 0; i < n_rows; i++)
        row_put(&encoder, &w, i, cells);
    assert_true(wbuf_finish(&w) > 0);
    record.body_len = (uint32_t) w.len;
    open_tile_append(tile, &record);
    assert_int_equal(sealer_run(sealer, tile, count, &samples), 0);
    free(many);
    free(cells);
    free(body);
    return samples;
}

// With a place in every column for each row these would take 90 GB.
static void
narrow_rows_of_a_stream_with_many_series_take_the_room_of_samples(void **state)
{
    (void) state;
    assert_int_equal(seal_wide(100000, 100000, 1), 100000);
}

// More than are gathered at once, and more series than a tile has columns.
static void
rows_of_very_many_series_are_whole(void **state)
{
    (void) state;
    assert_int_equal(seal_wide(100000, 100, 100000), 10000000);
}

// These too, as samples: each row is an eighth of the series less one.
static void
samples_of_very_many_series_are_whole(void **state)
{
    (void) state;
    assert_int_equal(seal_wide(800000, 2, 99999), 199998);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_tile_becomes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_a_host_become_one_tile, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_integers_alone_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(of_some_series_those_alone_are_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_on_both_sides_of_midnight_become_two_tiles, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(samples_of_applications_go_beside_with_their_own_times,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(more_rows_than_a_tile_holds_become_more_tiles, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_was_set_back_loses_and_doubles_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_series_that_begins_late_and_one_in_two_slots_are_whole,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            narrow_rows_of_a_stream_with_many_series_take_the_room_of_samples, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_very_many_series_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(samples_of_very_many_series_are_whole, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

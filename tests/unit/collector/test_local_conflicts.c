// test_local_conflicts - of samples of one series and time the first stands, and each other one
// that says something else is counted once: by chance, against a model that remembers everything.
//
// A lane is one open tile here: it is begun with its first record and sealed when it is closed, in
// any order. The model says of each sample, when its tile is sealed, what it is held against: what
// stands for its series and time among what was sealed before, or else the first in its own tile.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/sealed_tile.h"
#include "collector/store/store_lane.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"

#define HOST     7u
#define SERIES   10u
#define TIMES    40u
#define LANES    3u
#define MOST     4000u // samples of a lane
#define ROOM     (64u << 20)
#define MIDNIGHT (INT64_C(20001) * PARTITION_MS)

// Half of the times are of the day before.
static int64_t
time_of(uint32_t k)
{
    return MIDNIGHT + ((int64_t) k - (int64_t) TIMES / 2) * 1000;
}

// A sample that came.
struct came {
    uint32_t series;
    uint32_t time;
    double value;
};

struct test_lane {
    store_lane_t *is; // NULL: not open
    uint64_t stream;
    uint64_t seq;
    uint32_t begun;   // order in which tiles are begun; 0: not yet
    uint8_t exponent; // of its slots
    uint32_t has;     // a bit for each series that it says
    uint32_t n;
    struct came came[MOST];
};

// What stands; begun 0: nothing.
struct stands {
    uint32_t begun;
    double value;
};

static char dir[64];
static local_store_t *local;
static store_t *store;
static struct test_lane lanes[LANES];
static struct stands stands[SERIES][TIMES];
static series_id ids[SERIES];
static uint64_t seed;
static uint64_t streams;
static uint32_t tiles;    // begun
static uint64_t expected; // conflicts of this life

static bool
all_streams(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return true;
}

static void
open_store(bool disk)
{
    assert_int_equal(
        local_store_open(
            &local, &(struct local_store_config){ .most_bytes = ROOM, .dir = disk ? dir : NULL }),
        0);
    store = local_store_face(local);
    if (disk)
        assert_int_equal(local_store_load(local, all_streams, NULL), 0);
    for (uint32_t i = 0; i < SERIES; i++) {
        char n[16];
        struct label labels[] = { { LABEL_METRIC, "x" }, { "n", n } };
        struct label_set set;

        snprintf(n, sizeof n, "%u", i);
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        assert_int_equal(store_series(store, HOST, &set, METRIC_GAUGE, &ids[i]), 0);
        label_set_release(&set);
    }
    expected = 0;
}

static int
setup(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/zpulse-conflicts-XXXXXX");
    assert_non_null(mkdtemp(dir));
    memset(lanes, 0, sizeof lanes);
    memset(stands, 0, sizeof stands);
    tiles = 0;
    streams = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    folder_remove(dir);
    return 0;
}

static void
open_lane(struct test_lane *lane, uint64_t stream)
{
    lane->is = store_lane_open(local, HOST, stream);
    lane->stream = stream;
    lane->seq = 0;
    lane->begun = 0;
    lane->n = 0;
    lane->exponent = (uint8_t) (stream % 3);
    // Each second one has few series, so that many of the others' tiles have none of them.
    lane->has = stream % 2 == 1 ? UINT32_MAX : 1u << seeded_below(&seed, SERIES);
    for (uint32_t i = 0; i < SERIES; i++)
        store_lane_define(lane->is, i, ids[i],
                          (struct metric_form){ .exponent = lane->exponent, .unit = 1 }, 0);
}

// The same value as an integer of the lane's form, or as a double.
static struct cell
cell_of(const struct test_lane *lane, double value, bool raw)
{
    static const int64_t tens[] = { 1, 10, 100 };

    return raw ? (struct cell){ .state = CELL_RAW, .bits = sample_bits(value) }
               : (struct cell){ .state = CELL_INTEGER,
                                .m = (int64_t) value * tens[lane->exponent] };
}

static void
note(struct test_lane *lane, uint32_t series, uint32_t time, double value)
{
    assert_true(lane->n < MOST);
    lane->came[lane->n++] = (struct came){ series, time, value };
}

// A block at one of the times, of cells that say 0, 1 or 2.
static void
put_block(struct test_lane *lane, struct row_state *row, struct wbuf *w, bool sparse)
{
    const uint32_t time = seeded_below(&seed, TIMES);
    struct cell cells[SERIES] = { 0 };
    uint32_t slots[SERIES];
    uint32_t n = 0;

    for (uint32_t i = 0; i < SERIES; i++) {
        const double value = seeded_below(&seed, 3);
        const struct cell cell = cell_of(lane, value, seeded_below(&seed, 4) == 0);

        if (seeded_below(&seed, 10) < (sparse ? 7 : 3) || (lane->has & 1u << i) == 0)
            continue;
        note(lane, i, time, value);
        slots[n] = i;
        cells[sparse ? n : i] = cell;
        n++;
    }
    if (sparse && n > 0)
        row_put_sparse(row, w, time_of(time) - MIDNIGHT, slots, cells, n);
    else if (!sparse)
        (void) row_put(row, w, time_of(time) - MIDNIGHT, cells);
}

static void
append(struct test_lane *lane)
{
    static uint8_t body[8192];
    struct open_record record = { .key = true,
                                  .seq = lane->seq,
                                  .t0_ms = MIDNIGHT,
                                  .until_ms = INT64_MAX,
                                  .width = SERIES,
                                  .first_ms = time_of(0),
                                  .last_ms = time_of(TIMES - 1),
                                  .body = body };
    const uint32_t before = lane->n;
    struct row_state row = { 0 };
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    row_state_grow(&row, SERIES);
    row_put_key(&row, &w);
    for (uint32_t blocks = 1 + seeded_below(&seed, 3); blocks > 0; blocks--)
        put_block(lane, &row, &w, seeded_below(&seed, 2) == 0);
    assert_true(wbuf_finish(&w) > 0);
    row_state_release(&row);
    record.samples = lane->n - before;
    record.body_len = (uint32_t) w.len;
    store_lane_before(lane->is, (struct store_place){ .seq = lane->seq++, .segment = 1 }, NULL,
                      false);
    store_lane_append(lane->is, &record, 1);
    if (lane->begun == 0)
        lane->begun = ++tiles;
}

// The tile is sealed: what the model says of it.
static void
judge(const struct test_lane *lane)
{
    static struct stands own[SERIES][TIMES];

    memset(own, 0, sizeof own);
    for (uint32_t i = 0; i < lane->n; i++) {
        const struct came *came = &lane->came[i];
        struct stands *first = &own[came->series][came->time];
        const struct stands *other = &stands[came->series][came->time];

        if (first->begun == 0)
            *first = (struct stands){ lane->begun, came->value };
        expected += came->value != (other->begun != 0 ? other->value : first->value);
    }
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t t = 0; t < TIMES; t++)
            if (own[s][t].begun != 0 &&
                (stands[s][t].begun == 0 || own[s][t].begun < stands[s][t].begun))
                stands[s][t] = own[s][t];
}

static void
close_lane(struct test_lane *lane)
{
    if (lane->is == NULL)
        return;
    store_lane_close(&lane->is);
    judge(lane);
}

static void
assert_as_the_model_says(void)
{
    const struct store_select all = { .host = HOST, .start_ms = 0, .end_ms = INT64_MAX };
    struct store_series series;
    store_cursor_t *cursor;

    assert_int_equal(store_open(store, &all, &cursor), 0);
    for (uint32_t i = 0; i < SERIES; i++) {
        uint32_t n = 0;
        uint32_t at = 0;

        for (uint32_t t = 0; t < TIMES; t++)
            n += stands[i][t].begun != 0;
        if (n == 0)
            continue;
        assert_int_equal(store_next(cursor, &series), 1);
        assert_int_equal(series.id, ids[i]);
        assert_int_equal(series.n, n);
        for (uint32_t t = 0; t < TIMES; t++) {
            if (stands[i][t].begun == 0)
                continue;
            assert_int_equal(series.samples[at].time_ms, time_of(t));
            assert_true(series.samples[at++].value == stands[i][t].value);
        }
    }
    store_close(&cursor);
}

static void
assert_counted(void)
{
    struct store_stat stat;

    local_store_seal(local);
    store_stat(store, &stat);
    assert_int_equal(stat.conflicts, expected);
    assert_int_equal(store_conflicts(store, HOST), expected);
}

// One life of a store: lanes come and go.
static void
live(uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        struct test_lane *lane = &lanes[seeded_below(&seed, LANES)];

        if (lane->is == NULL)
            open_lane(lane, ++streams);
        else if (seeded_below(&seed, 8) == 0)
            close_lane(lane);
        else
            append(lane);
    }
    for (uint32_t i = 0; i < LANES; i++)
        close_lane(&lanes[i]);
    assert_counted();
    assert_as_the_model_says();
}

static void
each_is_counted_once_wherever_it_is_found(void **state)
{
    (void) state;
    for (seed = 1; seed < 40; seed += 13) {
        memset(stands, 0, sizeof stands);
        tiles = 0;
        open_store(false);
        live(300);
        assert_true(expected > 100);
        local_store_destroy(&local);
    }
}

static void
what_is_on_the_disk_since_before_the_start_stands(void **state)
{
    (void) state;
    seed = 99;
    for (uint32_t lives = 0; lives < 4; lives++) {
        open_store(true);
        assert_as_the_model_says();
        live(40);
        assert_true(expected > 20);
        local_store_destroy(&local);
    }
}

// The journal says a stream again, of which one day's file is as it was and the other is gone.
static void
what_is_read_again_is_not_counted_again(void **state)
{
    const uint64_t from = 5;
    uint32_t kept = 0;
    uint64_t all;
    char path[128];

    (void) state;
    seed = from;
    open_store(true);
    open_lane(&lanes[0], ++streams);
    for (uint32_t i = 0; i < 30; i++)
        append(&lanes[0]);
    close_lane(&lanes[0]);
    assert_counted();
    all = expected;
    local_store_destroy(&local);

    open_store(true);
    seed = from; // the very same
    open_lane(&lanes[0], streams);
    for (uint32_t i = 0; i < 30; i++)
        append(&lanes[0]);
    store_lane_close(&lanes[0].is);
    assert_counted(); // nothing
    local_store_destroy(&local);

    snprintf(path, sizeof path, "%s/raw-0-20241005.db", dir);
    assert_int_equal(unlink(path), 0);
    open_store(true);
    seed = from;
    open_lane(&lanes[0], streams);
    for (uint32_t i = 0; i < 30; i++)
        append(&lanes[0]);
    store_lane_close(&lanes[0].is);
    for (uint32_t s = 0; s < SERIES; s++)
        memset(stands[s] + TIMES / 2, 0, TIMES / 2 * sizeof stands[s][0]);
    for (uint32_t i = 0; i < lanes[0].n; i++) // those of the day before are left out
        if (lanes[0].came[i].time >= TIMES / 2)
            lanes[0].came[kept++] = lanes[0].came[i];
    lanes[0].n = kept;
    judge(&lanes[0]);
    assert_true(expected > 0 && expected < all);
    assert_counted();
    local_store_destroy(&local);
}

#define LONG_BEFORE (MIDNIGHT - 9 * PARTITION_MS)

// A lane of its own with a sample of series 0 at each of both times.
static void
append_at_both(uint64_t stream, int64_t value)
{
    static uint8_t body[256];
    const struct cell cell = { .state = CELL_INTEGER, .m = value };
    const uint32_t slot = 0;
    struct row_state row = { 0 };
    store_lane_t *lane = store_lane_open(local, HOST, stream);
    struct wbuf w;

    store_lane_define(lane, slot, ids[0], (struct metric_form){ .exponent = 0, .unit = 1 }, 0);
    wbuf_init(&w, body, sizeof body);
    row_state_grow(&row, 1);
    row_put_key(&row, &w);
    row_put_sparse(&row, &w, LONG_BEFORE - MIDNIGHT, &slot, &cell, 1);
    row_put_sparse(&row, &w, 0, &slot, &cell, 1);
    assert_true(wbuf_finish(&w) > 0);
    row_state_release(&row);
    store_lane_before(lane, (struct store_place){ .segment = 1 }, NULL, false);
    store_lane_append(lane,
                      &(struct open_record){ .key = true,
                                             .t0_ms = MIDNIGHT,
                                             .until_ms = INT64_MAX,
                                             .width = 1,
                                             .samples = 2,
                                             .first_ms = LONG_BEFORE,
                                             .last_ms = MIDNIGHT,
                                             .body = body,
                                             .body_len = (uint32_t) w.len },
                      1);
    store_lane_close(&lane);
}

// A folder of a file's name stands for what can not be read, or only at a great cost.
static void
days_between_those_of_a_tile_are_not_read_for_it(void **state)
{
    char path[128];

    (void) state;
    open_store(true);
    append_at_both(1, 1);
    assert_counted();
    local_store_destroy(&local);

    open_store(true);
    snprintf(path, sizeof path, "%s/raw-0-20241001.db", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    append_at_both(2, 2);
    expected = 2;
    assert_counted();
    local_store_destroy(&local);
    assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_counted_once_wherever_it_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_on_the_disk_since_before_the_start_stands, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_read_again_is_not_counted_again, setup, teardown),
        cmocka_unit_test_setup_teardown(days_between_those_of_a_tile_are_not_read_for_it, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

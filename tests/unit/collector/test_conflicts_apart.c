// local_conflicts - tiles of other series are nothing to compare with, however many share the time;
// and a series that is new, or goes on, is looked for nowhere.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/store/store_lane.h"
#include "shared/base/xalloc.h"
#include "tests/support/folder.h"

#define HOST  7u
#define MANY  400u // series of a lane, of which each becomes a tile of its own
#define ONE   (2 * MANY)
#define ROOM  (64u << 20)
#define T0_MS INT64_C(1728000000000)
// Every tile of a lane has a part of this time.
#define SPAN_MS 100000
#define BODY    (64u << 10)

static char dir[64];
static local_store_t *local;
static series_id ids[ONE + 1];

// A record in the making: one lane's, all of it.
struct saying {
    uint32_t n; // samples
    struct row_state row;
    struct wbuf w;
    uint8_t body[BODY];
};

static bool
all_streams(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return true;
}

static void
open_store(void)
{
    store_t *store;

    assert_int_equal(
        local_store_open(&local, &(struct local_store_config){ .most_bytes = ROOM, .dir = dir }),
        0);
    assert_int_equal(local_store_load(local, all_streams, NULL), 0);
    store = local_store_face(local);
    for (uint32_t i = 0; i <= ONE; i++) {
        char n[16];
        struct label labels[] = { { LABEL_METRIC, "x" }, { "n", n } };
        struct label_set set;

        snprintf(n, sizeof n, "%u", i);
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        assert_int_equal(store_series(store, HOST, &set, METRIC_GAUGE, &ids[i]), 0);
        label_set_release(&set);
    }
}

static int
setup(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/zpulse-apart-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    folder_remove(dir);
    return 0;
}

static struct saying *
begin(void)
{
    struct saying *s = xcalloc(1, sizeof *s);

    wbuf_init(&s->w, s->body, sizeof s->body);
    row_state_grow(&s->row, ONE + 1);
    row_put_key(&s->row, &s->w);
    return s;
}

static void
say(struct saying *s, uint32_t series, int64_t at_ms, int64_t value)
{
    const struct cell cell = { .state = CELL_INTEGER, .m = value };

    row_put_sparse(&s->row, &s->w, at_ms, &series, &cell, 1);
    s->n++;
}

// Each series at two times that are its own, far apart.
static void
say_many(struct saying *s, uint32_t first)
{
    for (uint32_t i = 0; i < MANY; i++) {
        say(s, first + i, 10 * i, 1);
        say(s, first + i, SPAN_MS + 10 * i, 1);
    }
}

// As a lane that is sealed at once.
static void
end(struct saying **s_p, uint64_t stream)
{
    struct saying *s = *s_p;
    store_lane_t *lane = store_lane_open(local, HOST, stream);

    assert_true(wbuf_finish(&s->w) > 0);
    for (uint32_t i = 0; i <= ONE; i++)
        store_lane_define(lane, i, ids[i], (struct metric_form){ .exponent = 0, .unit = 1 }, 0);
    store_lane_before(lane, (struct store_place){ .segment = 1 }, NULL, false);
    store_lane_append(lane,
                      &(struct open_record){ .key = true,
                                             .t0_ms = T0_MS,
                                             .until_ms = INT64_MAX,
                                             .width = ONE + 1,
                                             .samples = s->n,
                                             .first_ms = T0_MS,
                                             .last_ms = T0_MS + 2 * SPAN_MS,
                                             .body = s->body,
                                             .body_len = (uint32_t) s->w.len },
                      1);
    store_lane_close(&lane);
    local_store_seal(local);
    row_state_release(&s->row);
    free(s);
    *s_p = NULL;
}

static uint64_t
conflicts(void)
{
    return store_conflicts(local_store_face(local), HOST);
}

// As many pairs of tiles share the time as are compared at most: those of other series are none.
static void
a_conflict_behind_many_tiles_of_other_series_is_counted(void **state)
{
    struct saying *s;

    (void) state;
    for (uint64_t life = 0; life < 2; life++) { // what is sealed in memory, and on the disk
        open_store();
        if (life == 0) {
            say_many(s = begin(), 0);
            end(&s, 1);
            say(s = begin(), ONE, 5, 1);
            end(&s, 2);
            assert_int_equal(conflicts(), 0);
        }
        say_many(s = begin(), life == 0 ? MANY : 0);
        say(s, ONE, 5, 2);
        say(s, ONE, 6, 2);
        end(&s, 3 + life);
        assert_int_equal(conflicts(), 1);
        local_store_destroy(&local);
    }
}

static void
say_one(uint64_t stream, int64_t at_ms, int64_t value)
{
    struct saying *s = begin();

    say(s, ONE, at_ms, value);
    end(&s, stream);
}

// The newest series of all goes on in tile after tile, as in a file that has series after series.
static void
a_series_that_comes_back_to_a_time_it_had_is_looked_for_again(void **state)
{
    (void) state;
    open_store();
    say_one(1, 1000, 1);
    say_one(2, 2000, 1); // goes on
    assert_int_equal(conflicts(), 0);
    say_one(3, 2000, 2); // where it ended
    assert_int_equal(conflicts(), 1);
    say_one(4, 1500, 1); // between
    say_one(5, 1500, 2);
    assert_int_equal(conflicts(), 2);
    local_store_destroy(&local);
    open_store();
    say_one(6, 3000, 1);
    say_one(7, 1000, 2); // what is on the disk since before the start
    assert_int_equal(conflicts(), 1);
    say_one(8, 3000, 2);
    assert_int_equal(conflicts(), 2);
    local_store_destroy(&local);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_conflict_behind_many_tiles_of_other_series_is_counted,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_series_that_comes_back_to_a_time_it_had_is_looked_for_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

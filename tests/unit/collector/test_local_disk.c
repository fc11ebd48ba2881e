// test_local_disk - the embedded store with a disk behind it: what it holds, over ends and starts.
//
// Stream 9 of host 7 has one row a second, of series n = 0, 1, ...: row k at T0 + k s has the
// values value_of(k + n) and stands in segment 1 + k / 100 of a journal.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/local_disk.h"
#include "collector/store/sealed_tile.h"
#include "collector/store/store_lane.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "tests/support/folder.h"

#define HOST     7u
#define STREAM   9u
#define SLOTS    20u
#define PER      100u // rows of one segment
#define T0       (INT64_C(20000) * PARTITION_MS + 3600000)
#define FORM     ((struct metric_form){ .exponent = 0, .unit = 1 })
#define MIDNIGHT (INT64_C(20001) * PARTITION_MS)

static char dir[64];
static local_store_t *local;
static store_t *store;
static store_lane_t *lane;
static int64_t clock_ms;

// Nothing that packs well.
static int64_t
value_of(uint64_t i)
{
    return (int64_t) (i * 2654435761u % 1000003);
}

static int64_t
fake_clock(void)
{
    return clock_ms;
}

static bool
all_streams(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return true;
}

static int
make_series(uint32_t n, series_id *ret)
{
    char text[16];
    struct label labels[] = { { LABEL_METRIC, "x" }, { "n", text } };
    struct label_set set;
    int rc;

    snprintf(text, sizeof text, "%u", n);
    assert_int_equal(label_set_init(&set, labels, 2), 0);
    rc = store_series(store, HOST, &set, METRIC_GAUGE, ret);
    label_set_release(&set);
    return rc;
}

static void
open_lane(uint64_t stream)
{
    lane = store_lane_open(local, HOST, stream);
    for (uint32_t i = 0; i < SLOTS; i++) {
        series_id id;

        assert_int_equal(make_series(i, &id), 0);
        store_lane_define(lane, i, id, FORM, 0);
    }
}

static void
open_store_keeping(uint64_t most_bytes, int64_t keep_ms)
{
    assert_int_equal(
        local_store_open(&local, &(struct local_store_config){ .most_bytes = most_bytes,
                                                               .dir = dir,
                                                               .keep_ms = keep_ms }),
        0);
    local_store_set_clock(local, fake_clock);
    store = local_store_face(local);
    assert_int_equal(local_store_load(local, all_streams, NULL), 0);
    open_lane(STREAM);
}

static void
open_store(uint64_t most_bytes)
{
    open_store_keeping(most_bytes, 0);
}

static void
close_store(void)
{
    store_lane_close(&lane);
    local_store_destroy(&local);
}

static int
setup(void **state)
{
    (void) state;
    clock_ms = 1000;
    strcpy(dir, "/tmp/zpulse-disk-XXXXXX");
    assert_non_null(mkdtemp(dir));
    open_store(64u << 20);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    close_store();
    assert_int_equal(folder_remove(dir), 0);
    return 0;
}

static void
give_at(uint64_t k, int64_t time_ms)
{
    static uint8_t body[1024];
    struct cell cells[SLOTS];
    struct row_state as = { 0 };
    struct open_record record = { .key = true,
                                  .seq = k,
                                  .t0_ms = time_ms,
                                  .until_ms = INT64_MAX,
                                  .width = SLOTS,
                                  .samples = SLOTS,
                                  .first_ms = time_ms,
                                  .last_ms = time_ms,
                                  .body = body };
    struct wbuf w;

    for (uint32_t i = 0; i < SLOTS; i++)
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = value_of(k + i) };
    row_state_grow(&as, SLOTS);
    wbuf_init(&w, body, sizeof body);
    row_put_key(&as, &w);
    row_put(&as, &w, 0, cells);
    row_state_release(&as);
    record.body_len = (uint32_t) w.len;
    store_lane_before(lane, (struct store_place){ k, 1 + k / PER, (k + 1) * SLOTS }, NULL, false);
    store_lane_append(lane, &record, 1);
}

static void
give(uint64_t from, uint64_t to)
{
    for (uint64_t k = from; k < to; k++)
        give_at(k, T0 + 1000 * (int64_t) k);
}

// Rows from `from` to `to` are all there, once and with their values, in all series.
static void
expect(uint64_t from, uint64_t to)
{
    const struct store_select what = { .host = HOST,
                                       .start_ms = T0 + 1000 * (int64_t) from,
                                       .end_ms = T0 + 1000 * (int64_t) to - 1 };
    store_cursor_t *cursor;
    struct store_series series;
    uint32_t found = 0;
    int rc;

    assert_int_equal(store_open(store, &what, &cursor), 0);
    while ((rc = store_next(cursor, &series)) == 1) {
        const uint64_t n = strtoull(label_set_get(series.labels, "n"), NULL, 10);

        found++;
        assert_int_equal(series.n, to - from);
        for (uint32_t i = 0; i < series.n; i++) {
            assert_int_equal(series.samples[i].time_ms, T0 + 1000 * (int64_t) (from + i));
            assert_true(series.samples[i].value == (double) value_of(from + i + n));
        }
    }
    assert_int_equal(rc, 0);
    assert_null(store_why(cursor));
    assert_int_equal(found, to > from ? SLOTS : 0);
    store_close(&cursor);
}

// Samples in all files.
static uint64_t
written(void)
{
    block_files_t *files;
    block_reader_t *reader;
    struct block_stat stat;

    assert_int_equal(block_files_open(&files, &(struct block_files_config){ .dir = dir }), 0);
    reader = block_reader_new(files);
    assert_int_equal(block_reader_stat(reader, &stat), 0);
    block_reader_destroy(&reader);
    block_files_close(&files);
    return stat.samples;
}

static void
what_was_sealed_is_there_after_a_start(void **state)
{
    series_id id;

    (void) state;
    give(0, 700);
    local_store_seal(local);
    close_store();
    open_store(64u << 20);
    expect(0, 700);
    expect(100, 101);
    expect(650, 700);
    // Series are what they were: no new ones were made, and a new one is none of them.
    assert_int_equal(make_series(SLOTS - 1, &id), 0);
    assert_int_equal(id, SLOTS);
    assert_int_equal(make_series(SLOTS, &id), 0);
    assert_int_equal(id, SLOTS + 1);
    assert_int_equal(written(), 700 * SLOTS);
}

static void
an_end_puts_what_is_open_on_the_disk(void **state)
{
    (void) state;
    give(0, 50);
    close_store();
    open_store(64u << 20);
    expect(0, 50);
}

static void
what_memory_has_given_up_is_read_from_the_disk(void **state)
{
    struct store_stat stat;

    (void) state;
    close_store();
    open_store(LOCAL_STORE_LEAST);
    for (uint64_t k = 0; k < 100000; k += 10000) {
        give(k, k + 10000);
        local_store_seal(local);
    }
    store_stat(store, &stat);
    assert_true(stat.samples < 100000 * SLOTS / 2);
    assert_int_equal(stat.samples_evicted, 0);
    expect(0, 100000);
    expect(31000, 31500);
    expect(99000, 100000);
    // With what is still open.
    give(100000, 100010);
    expect(90000, 100010);
}

static void
what_the_disk_has_is_not_written_again(void **state)
{
    (void) state;
    give(0, 330);
    local_store_seal(local);
    give(330, 400);
    // As after a kill: the journal says it again from some place on, to records that had not come.
    close_store();
    open_store(64u << 20);
    give(200, 450);
    expect(0, 450);
    local_store_seal(local);
    expect(0, 450);
    assert_int_equal(written(), 450 * SLOTS);
}

static void
a_day_that_lacks_its_part_gets_it(void **state)
{
    struct buf path = { 0 };

    (void) state;
    // Rows of two days in one tile, in two files; the second file did not come to be.
    give_at(0, MIDNIGHT - 2000);
    give_at(1, MIDNIGHT - 1000);
    give_at(2, MIDNIGHT);
    give_at(3, MIDNIGHT + 1000);
    local_store_seal(local);
    close_store();
    assert_int_equal(written(), 4 * SLOTS);
    buf_printf(&path, "%s/raw-0-20241005.db", dir);
    assert_int_equal(remove(buf_cstr(&path)), 0);
    buf_release(&path);
    assert_int_equal(written(), 2 * SLOTS);
    open_store(64u << 20);
    for (int k = 0; k < 4; k++)
        give_at((uint64_t) k, MIDNIGHT + 1000 * (k - 2));
    local_store_seal(local);
    assert_int_equal(written(), 4 * SLOTS);
}

static void
the_newest_file_says_how_far_a_stream_stands(void **state)
{
    uint64_t seq = 0, total = 0;

    (void) state;
    assert_int_equal(local_store_stands(local, STREAM, &seq, &total), 0);
    give(0, 50);
    local_store_seal(local);
    close_store();
    open_store(64u << 20);
    assert_int_equal(local_store_stands(local, STREAM, &seq, &total), 1);
    assert_int_equal(seq, 50);
    assert_int_equal(total, 50 * SLOTS);
    assert_int_equal(local_store_stands(local, STREAM + 1, &seq, &total), 0);
    // Of a later day there is a file that has nothing of the stream: it may be older than the rest.
    store_lane_close(&lane);
    open_lane(STREAM + 1);
    give_at(0, MIDNIGHT);
    local_store_seal(local);
    close_store();
    open_store(64u << 20);
    assert_int_equal(local_store_stands(local, STREAM, &seq, &total), 0);
    assert_int_equal(local_store_stands(local, STREAM + 1, &seq, &total), 1);
    // What comes to the earlier day from then on, as after a long absence, is said there too.
    store_lane_close(&lane);
    open_lane(STREAM);
    give(50, 60);
    local_store_seal(local);
    close_store();
    open_store(64u << 20);
    assert_int_equal(local_store_stands(local, STREAM, &seq, &total), 1);
    assert_int_equal(seq, 60);
}

static void
the_journal_is_needed_until_it_is_on_the_disk(void **state)
{
    (void) state;
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
    give(250, 260);
    assert_int_equal(local_store_needs(local, 0), 3);
    give(260, 500);
    assert_int_equal(local_store_needs(local, 3), 3);
    local_store_seal(local);
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
    // A lane that holds back too much ends its tile.
    give(500, 520);
    assert_int_equal(local_store_needs(local, 6), 6);
    (void) local_store_needs(local, 7);
    give(720, 730);
    local_store_seal(local);
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
}

static void
what_is_sealed_comes_to_the_disk_by_itself(void **state)
{
    const int64_t step_ms = LOCAL_STORE_AGE_MS;

    (void) state;
    give(0, 10);
    clock_ms += step_ms;
    store_turn(store);
    for (int i = 0; i < 1000 && local_store_needs(local, 0) != UINT64_MAX; i++)
        usleep(10000);
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
    assert_int_equal(written(), 10 * SLOTS);
}

// Until the oldest sample that is told is this or a later one.
static bool
oldest_moves_to(int64_t time_ms)
{
    const int64_t until_ms = clock_mono_ms() + 30000;

    while (store_oldest(store) < time_ms && clock_mono_ms() < until_ms)
        usleep(10000);
    return store_oldest(store) >= time_ms;
}

static void
the_oldest_sample_is_another_one_once_its_file_went(void **state)
{
    const int64_t now_ms = clock_real_ms();

    (void) state;
    assert_true(store_oldest(store) == INT64_MAX);
    give_at(0, T0);
    give_at(1, now_ms);
    local_store_seal(local);
    assert_int_equal(store_oldest(store), T0);
    close_store();
    open_store_keeping(64u << 20, 2 * PARTITION_MS);
    assert_true(oldest_moves_to(now_ms / PARTITION_MS * PARTITION_MS));
    assert_true(store_oldest(store) <= now_ms);
    assert_int_equal(written(), SLOTS);
    // What comes after that is older still counts.
    give_at(2, now_ms - PARTITION_MS);
    assert_int_equal(store_oldest(store), now_ms - PARTITION_MS);
}

static void
until_it_is_loaded_no_series_is_made(void **state)
{
    series_id id;

    (void) state;
    close_store();
    assert_int_equal(local_store_open(&local, &(struct local_store_config){ .most_bytes = 1u << 20,
                                                                            .dir = dir }),
                     0);
    store = local_store_face(local);
    assert_int_equal(make_series(1, &id), -EAGAIN);
    assert_int_equal(local_store_load(local, all_streams, NULL), 0);
    assert_int_equal(make_series(1, &id), 0);
}

static void
tiles_without_their_series_are_refused(void **state)
{
    local_store_t *other = NULL;
    struct buf path = { 0 };

    (void) state;
    give(0, 10);
    close_store();
    buf_printf(&path, "%s/meta.db", dir);
    assert_int_equal(remove(buf_cstr(&path)), 0);
    assert_int_equal(local_store_open(&other, &(struct local_store_config){ .most_bytes = 1u << 20,
                                                                            .dir = dir }),
                     ERR_UNKNOWN);
    assert_null(other);
    assert_int_equal(remove(buf_cstr(&path)), 0);
    buf_clear(&path);
    buf_printf(&path, "%s/raw-0-20241004.db", dir);
    assert_int_equal(remove(buf_cstr(&path)), 0);
    buf_release(&path);
    open_store(64u << 20);
}

int
main(void)
{
#define disk_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        disk_test(what_was_sealed_is_there_after_a_start),
        disk_test(an_end_puts_what_is_open_on_the_disk),
        disk_test(what_memory_has_given_up_is_read_from_the_disk),
        disk_test(what_the_disk_has_is_not_written_again),
        disk_test(a_day_that_lacks_its_part_gets_it),
        disk_test(the_newest_file_says_how_far_a_stream_stands),
        disk_test(the_journal_is_needed_until_it_is_on_the_disk),
        disk_test(what_is_sealed_comes_to_the_disk_by_itself),
        disk_test(the_oldest_sample_is_another_one_once_its_file_went),
        disk_test(until_it_is_loaded_no_series_is_made),
        disk_test(tiles_without_their_series_are_refused),
    };
    return cmocka_run_group_tests_name("local_disk", tests, NULL, NULL);
}

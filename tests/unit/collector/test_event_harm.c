// test_event_harm - events.db cut at any length or with any bit turned over: what it still tells is
// what was put, each once, and a store that finds it so goes on.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/event_db.h"
#include "collector/store/local_store.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"

#define HOST     UINT64_C(0xffffffffffffffa1)
#define STREAM   UINT64_C(0x8000000000000001)
#define T0       INT64_C(1700000000000)
#define EVENTS   150u // some pages of them
#define BATCH    10u
#define FILE_MAX (1u << 20)
#define HEADER   100u // of the file: each length and byte of it is tried
#define STEP     257u // then one of so many
#define FLIPS    120u
#define LOGS     60u
#define STORES   16u

static char dir[64];
static char path[96];
static struct buf whole; // the file, as it was closed
static struct buf begun; // and as it was after the first batch, the others in its log:
static struct buf log_of;

static struct event_row
event(uint64_t seq, char text[200])
{
    const int len = snprintf(text, 200, "event %llu of a host whose words are of no length: %*s",
                             (unsigned long long) seq, (int) (seq * 7 % 90), ".");

    return (struct event_row){ .host = HOST,
                               .stream = STREAM,
                               .seq = seq,
                               .time_ms = T0 + (int64_t) seq,
                               .body = text,
                               .len = (size_t) len };
}

static int
put(event_db_t *db, uint64_t from, uint64_t n)
{
    struct event_row rows[BATCH];
    char texts[BATCH][200];

    for (uint64_t i = 0; i < n; i++)
        rows[i] = event(from + i, texts[i]);
    return event_db_put(db, rows, n);
}

static int
setup(void **state)
{
    event_db_t *db = NULL;
    char log[128];

    (void) state;
    strcpy(dir, "/tmp/zpulse-harm-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/events.db", dir);
    snprintf(log, sizeof log, "%s-wal", path);
    assert_int_equal(event_db_open(&db, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(put(db, 0, BATCH), 0);
    event_db_close(&db);
    assert_int_equal(event_db_open(&db, path, &(struct event_limits){ 0 }), 0);
    for (uint64_t seq = BATCH; seq < EVENTS; seq += BATCH)
        assert_int_equal(put(db, seq, BATCH), 0);
    assert_true(file_read(&begun, AT_FDCWD, path, FILE_MAX) > 0);
    assert_true(file_read(&log_of, AT_FDCWD, log, FILE_MAX) > 0);
    event_db_close(&db);
    assert_true(file_read(&whole, AT_FDCWD, path, FILE_MAX) > 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    buf_release(&whole);
    buf_release(&begun);
    buf_release(&log_of);
    return folder_remove(dir);
}

// Which of them were told.
struct told {
    bool seen[EVENTS + 2];
    unsigned n;
};

static int
see(void *arg, const struct event_row *row)
{
    struct told *told = arg;
    char text[200];
    const struct event_row want = event(row->seq, text);

    assert_true(row->host == HOST && row->stream == STREAM && row->seq < EVENTS + 2);
    assert_int_equal(row->time_ms, want.time_ms);
    assert_int_equal(row->len, want.len);
    assert_memory_equal(row->body, want.body, row->len);
    assert_false(told->seen[row->seq]);
    told->seen[row->seq] = true;
    told->n++;
    return 0;
}

static void
put_file(const char *name, const uint8_t *at, size_t len)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

// With a log of these bytes, or without one.
static void
lay(const uint8_t *at, size_t len, const uint8_t *log_at, size_t log_len)
{
    char log[128];

    snprintf(log, sizeof log, "%s-shm", path);
    unlink(log);
    snprintf(log, sizeof log, "%s-wal", path);
    unlink(log);
    put_file(path, at, len);
    if (log_len > 0)
        put_file(log, log_at, log_len);
}

static bool
is_damage(int rc)
{
    return rc == ERR_FORMAT || rc == ERR_UNKNOWN || rc == ERR_VERSION;
}

// Opened, read and written to as it lies there. How many it told, and in *whole_ret whether it says
// that these are all.
static unsigned
try(bool *whole_ret)
{
    struct told told = { 0 };
    event_db_t *db = NULL;
    int rc = event_db_open(&db, path, &(struct event_limits){ .rows = 2 * EVENTS });

    *whole_ret = false;
    if (rc < 0) {
        assert_true(is_damage(rc));
        assert_null(db);
        return 0;
    }
    rc = event_db_each(db, see, &told);
    assert_true(rc == 0 || rc == ERR_FORMAT);
    *whole_ret = rc == 0;
    rc = put(db, EVENTS, 1);
    assert_true(rc == 0 || rc == ERR_FORMAT);
    event_db_close(&db);
    return told.n;
}

static void
a_file_cut_at_any_length_tells_what_was_put(void **state)
{
    bool all;

    (void) state;
    for (size_t len = 0; len < whole.len; len += len < HEADER ? 1 : STEP) {
        lay(whole.at, len, NULL, 0);
        (void) try(&all);
    }
    lay(whole.at, whole.len, NULL, 0);
    assert_int_equal(try(&all), EVENTS);
    assert_true(all);
}

static void
a_file_with_a_bit_turned_over_tells_what_was_put(void **state)
{
    unsigned told = 0;
    uint64_t seed = 1;
    bool all;

    (void) state;
    for (size_t i = 0; i < HEADER + FLIPS; i++) {
        const size_t at = i < HEADER ? i
                                     : HEADER + seeded_below(&seed, (uint32_t) whole.len - HEADER);
        const uint8_t was = whole.at[at];

        whole.at[at] ^= (uint8_t) (1u << seeded_below(&seed, 8));
        lay(whole.at, whole.len, NULL, 0);
        told += try(&all);
        whole.at[at] = was;
    }
    assert_true(told > FLIPS * EVENTS / 2); // one bit is seldom all of it
}

// What a power cut may leave of a log: the batches of which all is there.
static void
a_log_cut_at_any_length_has_the_batches_before_it(void **state)
{
    unsigned before = 0;
    bool all;

    (void) state;
    for (size_t i = 0; i <= LOGS; i++) {
        const size_t len = log_of.len / LOGS * i + (i == LOGS ? log_of.len % LOGS : 0);
        unsigned n;

        lay(begun.at, begun.len, log_of.at, len);
        n = try(&all);
        assert_true(all);
        assert_true(n >= before && n % BATCH == 0 && n >= BATCH);
        before = n;
    }
    assert_int_equal(before, EVENTS);
}

static bool
no_stream(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

// A store whose file lies there; what it told of before. It takes one more.
static struct told
start(uint64_t more)
{
    const struct local_store_config config = { .most_bytes = 1u << 20,
                                               .dir = dir,
                                               .events = { .rows = 2 * EVENTS } };
    local_store_t *local = NULL;
    struct told told = { 0 };
    struct event_row row;
    char text[200];

    assert_int_equal(local_store_open(&local, &config), 0);
    assert_int_equal(local_store_events(local, see, &told), 0);
    assert_int_equal(local_store_load(local, no_stream, NULL), 0);
    row = event(more, text);
    local_store_event(local, &row, 7);
    local_store_seal(local);
    assert_true(local_store_needs(local, 0) == UINT64_MAX); // the journal may let go of it
    local_store_destroy(&local);
    return told;
}

static void
a_store_that_finds_it_harmed_goes_on(void **state)
{
    uint64_t seed = 2;

    (void) state;
    for (unsigned i = 0; i < STORES; i++) {
        const size_t at = HEADER + seeded_below(&seed, (uint32_t) whole.len - HEADER);
        const uint8_t was = whole.at[at];
        struct told first, second;

        whole.at[at] ^= (uint8_t) (1u << seeded_below(&seed, 8));
        lay(whole.at, i % 2 == 0 ? whole.len : at, NULL, 0);
        whole.at[at] = was;
        first = start(EVENTS);
        second = start(EVENTS + 1);
        assert_true(second.seen[EVENTS]);
        assert_true(second.n <= first.n + 1);
    }
}

#define harm_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        harm_test(a_file_cut_at_any_length_tells_what_was_put),
        harm_test(a_file_with_a_bit_turned_over_tells_what_was_put),
        harm_test(a_log_cut_at_any_length_has_the_batches_before_it),
        harm_test(a_store_that_finds_it_harmed_goes_on),
    };

    return cmocka_run_group_tests_name("event_harm", tests, NULL, NULL);
}

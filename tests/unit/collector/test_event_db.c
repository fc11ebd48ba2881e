// test_event_db - events on the disk come back as they were put, in that order, each once.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/event_db.h"
#include "collector/store/sqlite_aside.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "tests/support/folder.h"

#define HOST   UINT64_C(0xffffffffffffffa1) // above what SQLite's numbers reach
#define OTHER  UINT64_C(7)
#define STREAM UINT64_C(0x8000000000000001)
#define T0     INT64_C(1700000000000)

static char dir[64];
static char path[96];
static event_db_t *db;

static void
open_db(const struct event_limits *most)
{
    event_db_close(&db);
    assert_int_equal(event_db_open(&db, path, most), 0);
}

static int
setup(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/events.db", dir);
    open_db(&(struct event_limits){ 0 });
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    event_db_close(&db);
    return folder_remove(dir);
}

// Event `seq` of the host, which says so.
static struct event_row
event(uint64_t host, uint64_t seq)
{
    static char texts[16][48];
    static unsigned used;
    char *text = texts[used++ % 16];

    snprintf(text, sizeof texts[0], "%llx says %llu", (unsigned long long) host,
             (unsigned long long) seq);
    return (struct event_row){ .host = host,
                               .stream = STREAM,
                               .seq = seq,
                               .time_ms = T0 + (int64_t) seq * 1000,
                               .body = text,
                               .len = strlen(text) };
}

static void
put(uint64_t host, uint64_t seq)
{
    const struct event_row row = event(host, seq);

    assert_int_equal(event_db_put(db, &row, 1), 0);
}

static int
see(void *arg, const struct event_row *row)
{
    const struct event_row want = event(row->host, row->seq);
    struct buf *words = arg;

    assert_true(row->stream == STREAM);
    assert_int_equal(row->time_ms, want.time_ms);
    assert_int_equal(row->len, want.len);
    assert_memory_equal(row->body, want.body, row->len);
    buf_printf(words, "%s%s%llu", words->len == 0 ? "" : " ", row->host == HOST ? "" : "o",
               (unsigned long long) row->seq);
    return 0;
}

// As "1 2 o1", the other host's with an o; `rc` is what reading them says.
static const char *
events(int rc)
{
    static struct buf words;

    buf_clear(&words);
    assert_int_equal(event_db_each(db, see, &words), rc);
    return buf_cstr(&words);
}

static void
say(const char *sql)
{
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

static void
what_was_put_comes_back_in_that_order(void **state)
{
    struct event_row batch[] = { event(HOST, 9), event(OTHER, 3), event(HOST, UINT64_MAX) };

    (void) state;
    assert_int_equal(event_db_put(db, batch, 3), 0);
    put(OTHER, 1);
    assert_string_equal(events(0), "9 o3 18446744073709551615 o1");
    open_db(&(struct event_limits){ 0 });
    assert_string_equal(events(0), "9 o3 18446744073709551615 o1");
}

static void
a_second_put_of_an_event_is_nothing(void **state)
{
    struct event_row again[] = { event(HOST, 1), event(HOST, 3), event(HOST, 3) };

    (void) state;
    put(HOST, 1);
    put(HOST, 2);
    assert_int_equal(event_db_put(db, again, 3), 0);
    assert_string_equal(events(0), "1 2 3");
    put(OTHER, 1); // of another host it is another one
    again[0].stream++;
    again[0].seq = 4;
    assert_int_equal(event_db_put(db, again, 2), 0);
    assert_int_equal(event_db_expire(db, INT64_MAX), 5);
}

static void
the_oldest_of_a_host_make_room_for_its_newest(void **state)
{
    const struct event_limits most = { .host_rows = 3 };

    (void) state;
    open_db(&most);
    put(OTHER, 1);
    for (uint64_t seq = 1; seq <= 5; seq++)
        put(HOST, seq);
    assert_string_equal(events(0), "o1 3 4 5");
    // What was there before the start is counted.
    open_db(&most);
    put(HOST, 6);
    assert_string_equal(events(0), "o1 4 5 6");
    // In one batch too.
    open_db(&most);
    assert_int_equal(event_db_put(db,
                                  (struct event_row[]){ event(HOST, 7), event(HOST, 8),
                                                        event(HOST, 9), event(HOST, 10) },
                                  4),
                     0);
    assert_string_equal(events(0), "o1 8 9 10");
}

static void
bytes_are_bounded_as_rows_are(void **state)
{
    const uint64_t one = EVENT_DB_ROW_BYTES + event(HOST, 1).len;

    (void) state;
    open_db(&(struct event_limits){ .host_bytes = 2 * one });
    for (uint64_t seq = 1; seq <= 5; seq++)
        put(HOST, seq);
    assert_string_equal(events(0), "4 5");
    open_db(&(struct event_limits){ .bytes = 3 * one });
    put(OTHER, 1);
    assert_string_equal(events(0), "4 5 o1");
    put(HOST, 6);
    assert_string_equal(events(0), "5 o1 6");
}

static void
very_many_hosts_are_bounded_as_a_whole(void **state)
{
    (void) state;
    open_db(&(struct event_limits){ .host_rows = 2, .rows = 3 });
    put(HOST, 1);
    put(OTHER, 1);
    put(HOST, 2);
    put(HOST, 3);
    assert_string_equal(events(0), "o1 2 3");
    put(OTHER, 2);
    assert_string_equal(events(0), "2 3 o2");
}

static void
what_is_too_old_goes_and_is_not_counted(void **state)
{
    (void) state;
    open_db(&(struct event_limits){ .host_rows = 3 });
    for (uint64_t seq = 1; seq <= 3; seq++)
        put(HOST, seq);
    assert_int_equal(event_db_expire(db, T0 + 3000), 2);
    assert_int_equal(event_db_expire(db, T0 + 3000), 0);
    put(HOST, 4);
    put(HOST, 5);
    assert_string_equal(events(0), "3 4 5");
    put(HOST, 6);
    assert_string_equal(events(0), "4 5 6");
}

static void
a_changed_row_is_found_and_the_others_are_read(void **state)
{
    static const char *const harms[] = {
        "UPDATE event SET host = 4 WHERE seq = 2",
        "UPDATE event SET stream = 4 WHERE seq = 2",
        "UPDATE event SET seq = 4 WHERE seq = 2",
        "UPDATE event SET time_ms = 4 WHERE seq = 2",
        "UPDATE event SET body = x'00' WHERE seq = 2",
        "UPDATE event SET body = x'' WHERE seq = 2",
        "UPDATE event SET crc = crc + 1 WHERE seq = 2",
    };

    (void) state;
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        for (uint64_t seq = 1; seq <= 3; seq++)
            put(HOST, seq);
        say(harms[i]);
        assert_string_equal(events(ERR_FORMAT), "1 3");
        say("DELETE FROM event");
    }
    assert_string_equal(events(0), "");
}

static int
stop_at_second(void *arg, const struct event_row *row)
{
    ++*(int *) arg;
    return row->seq == 2 ? 77 : 0;
}

static void
who_reads_may_break_it_off(void **state)
{
    int n = 0;

    (void) state;
    for (uint64_t seq = 1; seq <= 3; seq++)
        put(HOST, seq);
    assert_int_equal(event_db_each(db, stop_at_second, &n), 77);
    assert_int_equal(n, 2);
}

static void
what_is_no_database_of_ours_is_refused_and_can_be_set_aside(void **state)
{
    struct buf aside = { 0 };
    int fd;

    (void) state;
    event_db_close(&db);
    for (int i = 0; i < 2; i++) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd != -1);
        assert_int_equal(write(fd, "this is no database, but long enough for one", 44), 44);
        close(fd);
        assert_int_equal(event_db_open(&db, path, &(struct event_limits){ 0 }), ERR_FORMAT);
        assert_null(db);
        assert_int_equal(sqlite_set_aside(path), 0);
        assert_int_equal(access(path, F_OK), -1);
        buf_clear(&aside);
        buf_printf(&aside, "%s.damaged%s", path, i == 0 ? "" : "2");
        assert_int_equal(access(buf_cstr(&aside), F_OK), 0);
    }
    buf_release(&aside);
    open_db(&(struct event_limits){ 0 });
    say("PRAGMA user_version = 2");
    event_db_close(&db);
    assert_int_equal(event_db_open(&db, path, &(struct event_limits){ 0 }), ERR_VERSION);
    say("PRAGMA application_id = 2");
    assert_int_equal(event_db_open(&db, path, &(struct event_limits){ 0 }), ERR_UNKNOWN);
}

int
main(void)
{
#define db_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        db_test(what_was_put_comes_back_in_that_order),
        db_test(a_second_put_of_an_event_is_nothing),
        db_test(the_oldest_of_a_host_make_room_for_its_newest),
        db_test(bytes_are_bounded_as_rows_are),
        db_test(very_many_hosts_are_bounded_as_a_whole),
        db_test(what_is_too_old_goes_and_is_not_counted),
        db_test(a_changed_row_is_found_and_the_others_are_read),
        db_test(who_reads_may_break_it_off),
        db_test(what_is_no_database_of_ours_is_refused_and_can_be_set_aside),
    };
    return cmocka_run_group_tests_name("event_db", tests, NULL, NULL);
}

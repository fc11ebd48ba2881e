// test_sqlite_copy - a copy has what was committed when it began, and its source is as it was.

#include "tests/unit/collector/block_bed.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "collector/store/meta_db.h"
#include "collector/store/sqlite_copy.h"
#include "shared/base/err.h"

static char dir[64];
static char from[160], to[160];

static int
setup(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/zpulse-copy-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(from, sizeof from, "%s/raw-0-20260101.db", dir);
    snprintf(to, sizeof to, "%s/copy.db", dir);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    return folder_remove(dir);
}

// Tiles `first` up to, not with, `end`, and a mark that says so.
static void
write_tiles(block_db_t *db, uint64_t first, uint64_t end)
{
    static uint8_t bytes[LEN_MAX];

    for (uint64_t i = first; i < end; i++) {
        const struct block_tile tile = { .number = i,
                                         .host = 1,
                                         .first_ms = DAY * 86400000,
                                         .last_ms = DAY * 86400000 + 1,
                                         .rows = 2,
                                         .series = 1,
                                         .samples = 2,
                                         .bytes = bytes,
                                         .len = sizeof bytes };
        const struct block_mark mark = { .stream = 9, .seq = i + 1 };

        assert_int_equal(block_db_write(db, &tile, 1, &mark, 1), 0);
    }
}

static uint64_t
tiles_of(const char *path)
{
    struct block_stat stat;
    block_db_t *db = NULL;
    char why[128];

    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_check(db, why, sizeof why), 0);
    assert_int_equal(block_db_stat(db, &stat), 0);
    block_db_close(&db);
    return stat.tiles;
}

static void
what_stands_only_in_the_log_is_copied(void **state)
{
    char log[200];
    struct stat st;
    block_db_t *db = NULL;

    (void) state;
    assert_int_equal(block_db_open(&db, from, BLOCK_DB_WRITE), 0);
    write_tiles(db, 1, 21);
    snprintf(log, sizeof log, "%s-wal", from);
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size > 0);
    assert_int_equal(sqlite_copy(from, to, NULL, NULL), 0);
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size > 0);
    assert_int_equal(tiles_of(to), 20);
    block_db_close(&db);
}

struct writing {
    block_db_t *db;
    uint64_t next;
    uint64_t bytes;
};

static bool
write_on(void *arg, uint64_t bytes)
{
    struct writing *w = arg;

    w->bytes += bytes;
    write_tiles(w->db, w->next, w->next + 3);
    assert_in_range(block_db_checkpoint(w->db, false), 0, 1);
    w->next += 3;
    return true;
}

static void
a_writer_goes_on_and_the_copy_is_of_when_it_began(void **state)
{
    struct writing w = { .next = 2001 };

    (void) state;
    assert_int_equal(block_db_open(&w.db, from, BLOCK_DB_WRITE), 0);
    write_tiles(w.db, 1, 2001);
    assert_int_equal(sqlite_copy(from, to, write_on, &w), 0);
    assert_true(w.next > 2001);
    assert_true(w.bytes > 2000 * LEN_MAX / 2);
    assert_int_equal(tiles_of(to), 2000);
    write_tiles(w.db, w.next, w.next + 1);
    assert_int_equal(block_db_checkpoint(w.db, true), 0);
    block_db_close(&w.db);
    assert_int_equal(tiles_of(from), w.next);
}

// As after a kill: log and its index are there, and nobody has them open.
static void
what_a_writer_left_behind_is_copied(void **state)
{
    char path[200], other[240];
    block_db_t *db = NULL;
    char command[1000];

    (void) state;
    assert_int_equal(block_db_open(&db, from, BLOCK_DB_WRITE), 0);
    write_tiles(db, 1, 31);
    snprintf(path, sizeof path, "%s/raw-0-20260102.db", dir);
    snprintf(other, sizeof other, "%s-wal", path);
    snprintf(command, sizeof command, "cp %s %s && cp %s-wal %s", from, path, from, other);
    assert_int_equal(system(command), 0);
    block_db_close(&db);
    assert_int_equal(sqlite_copy(path, to, NULL, NULL), 0);
    assert_int_equal(tiles_of(to), 30);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(tiles_of(path), 30);
}

static bool
no_more(void *arg, uint64_t bytes)
{
    (void) arg;
    (void) bytes;
    return false;
}

static void
it_is_broken_off_when_asked(void **state)
{
    block_db_t *db = NULL;

    (void) state;
    assert_int_equal(block_db_open(&db, from, BLOCK_DB_WRITE), 0);
    write_tiles(db, 1, 2001);
    assert_int_equal(sqlite_copy(from, to, no_more, NULL), -ECANCELED);
    block_db_close(&db);
}

static bool
take_away(void *arg, uint64_t bytes)
{
    (void) arg;
    (void) bytes;
    unlink(from);
    return true;
}

static void
a_file_that_goes_on_the_way_is_not_there(void **state)
{
    block_db_t *db = NULL;

    (void) state;
    assert_int_equal(block_db_open(&db, from, BLOCK_DB_WRITE), 0);
    write_tiles(db, 1, 2001);
    assert_int_equal(sqlite_copy(from, to, take_away, NULL), -ENOENT);
    assert_int_equal(access(to, F_OK), -1);
    block_db_close(&db);
    assert_int_equal(sqlite_copy(from, to, NULL, NULL), -ENOENT);
    assert_int_equal(access(to, F_OK), -1);
    assert_int_equal(access(from, F_OK), -1);
}

static void
what_is_no_database_or_in_the_way_is_told(void **state)
{
    block_db_t *db = NULL;
    FILE *file = fopen(from, "w");

    (void) state;
    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        fputc('x', file);
    fclose(file);
    assert_int_equal(sqlite_copy(from, to, NULL, NULL), ERR_FORMAT);
    unlink(from);
    assert_int_equal(block_db_open(&db, from, BLOCK_DB_WRITE), 0);
    file = fopen(to, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(sqlite_copy(from, to, NULL, NULL), -EEXIST);
    block_db_close(&db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_stands_only_in_the_log_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_goes_on_and_the_copy_is_of_when_it_began, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_a_writer_left_behind_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_broken_off_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_goes_on_the_way_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_database_or_in_the_way_is_told, setup, teardown),
    };

    return cmocka_run_group_tests_name("sqlite_copy", tests, NULL, NULL);
}

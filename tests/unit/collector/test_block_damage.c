// test_block_damage - a file that can not be read is set aside, and the others answer.

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "collector/store/block_files_inner.h"
#include "shared/base/err.h"
#include "tests/support/small_disk.h"
#include "tests/unit/collector/block_bed.h"

#define SECOND "raw-0-20260102.db"

static struct bed bed;

static int
setup(void **state)
{
    (void) state;
    bed = (struct bed){ .dir = "/tmp/zpulse-test-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(bed_open(&bed), 0);
    // Three days of forty tiles, and closed.
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(bed_write(&bed, 0, 1 + i * 3, DAY, 3), 0);
    bed_close(&bed);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    bed_close(&bed);
    return folder_remove(bed.dir);
}

// Garbage from this page of the second day on.
static void
spoil(off_t page)
{
    uint8_t garbage[8192];
    char path[160];
    int fd;

    bed_path(&bed, path, SECOND);
    memset(garbage, 0x5a, sizeof garbage);
    fd = open(path, O_WRONLY);
    assert_int_not_equal(fd, -1);
    for (off_t end = page + 8; page < end; page++)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * 8192), sizeof garbage);
    close(fd);
}

static void
say(const char *sql)
{
    sqlite3 *db = NULL;
    char path[160];

    bed_path(&bed, path, SECOND);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
was_set_aside(unsigned times)
{
    assert_int_equal(bed.told, times);
    assert_string_equal(bed.name, SECOND);
    assert_true(strlen(bed.reason) > 0);
    assert_true(bed_has(&bed, SECOND ".damaged"));
}

static void
a_reader_answers_around_a_damaged_page_and_the_file_is_set_aside(void **state)
{
    uint64_t n;

    (void) state;
    spoil(1);
    assert_int_equal(bed_open(&bed), 0);
    n = bed_count(&bed, 0, ALL);
    assert_true(n >= 80 && n < 120);
    assert_int_equal(bed.told, 0); // a reader renames nothing
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    was_set_aside(1);
    assert_false(bed_has(&bed, SECOND));
    assert_int_equal(bed_count(&bed, 0, ALL), 80);
    assert_int_equal(block_files_tick(bed.files, 2), 0);
    assert_int_equal(bed.told, 1);
}

static void
a_writer_that_meets_damage_goes_on_in_a_new_file(void **state)
{
    (void) state;
    spoil(0);
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_write(&bed, 0, 200, DAY, 3), 0);
    was_set_aside(1);
    assert_int_equal(bed_count(&bed, 0, ALL), 83);
}

static void
damage_that_shows_in_the_middle_of_a_write_is_met_likewise(void **state)
{
    (void) state;
    spoil(1);
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_write(&bed, 0, 200, DAY, 3), 0);
    was_set_aside(1);
    assert_int_equal(bed_count(&bed, 0, ALL), 83);
}

static void
what_was_set_aside_before_stays(void **state)
{
    (void) state;
    for (unsigned times = 1; times <= 3; times++) {
        bed.told = 0;
        spoil(0);
        assert_int_equal(bed_open(&bed), 0);
        assert_int_equal(bed_write(&bed, 0, 200 + times * 3, DAY, 3), 0);
        was_set_aside(1);
        bed_close(&bed);
    }
    assert_true(bed_has(&bed, SECOND ".damaged2"));
    assert_true(bed_has(&bed, SECOND ".damaged3"));
}

static void
another_programs_file_is_set_aside(void **state)
{
    (void) state;
    say("PRAGMA application_id=7");
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 80);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    was_set_aside(1);
}

static void
a_newer_versions_file_is_left_where_it_is_and_told_once(void **state)
{
    (void) state;
    say("PRAGMA user_version=3");
    assert_int_equal(bed_open(&bed), 0);
    for (int64_t tick = 1; tick < 4; tick++) {
        assert_int_equal(bed_count(&bed, 0, ALL), 80);
        assert_int_equal(block_files_tick(bed.files, tick), 0);
    }
    assert_int_equal(bed.told, 1);
    assert_string_equal(bed.name, SECOND);
    assert_true(bed_has(&bed, SECOND));
    assert_int_equal(bed_write(&bed, 0, 200, DAY + 1, 1), ERR_VERSION);
    assert_true(bed_has(&bed, SECOND));
}

static void
a_number_twice_is_no_damage(void **state)
{
    (void) state;
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_write(&bed, 0, 2, DAY + 1, 1), ERR_FORMAT);
    assert_int_equal(bed.told, 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 120);
}

static void
the_log_of_a_damaged_file_goes_with_it(void **state)
{
    char path[160];

    (void) state;
    spoil(0);
    bed_path(&bed, path, SECOND "-wal");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 80);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    was_set_aside(1);
    assert_false(bed_has(&bed, SECOND "-wal"));
    assert_false(bed_has(&bed, SECOND "-shm"));
}

#define NO_SMALL_DISK 77

// In a process of its own: the small disk is a mount. A file that nobody has open needs room for
// the log's index before it can be read.
static int
doubt_on_a_full_disk(void)
{
    const struct block_name name = { .partition = DAY + 1 };

    if (!small_disk_enter(bed.dir, 4u * 1024 * 1024))
        return NO_SMALL_DISK;
    if (bed_open(&bed) < 0 || bed_write(&bed, 0, 1, DAY, 3) < 0)
        return 1;
    bed_close(&bed);
    if (bed_open(&bed) < 0)
        return 2;
    small_disk_fill(bed.dir, false, 0);
    block_files_doubt(bed.files, &name, ERR_FORMAT);
    if (block_files_tick(bed.files, 1) != 0)
        return 3;
    small_disk_free(bed.dir);
    if (block_files_tick(bed.files, 2) != 0 || bed_count(&bed, 0, ALL) != 3 || bed.told != 0)
        return 4;
    bed_close(&bed);
    return 0;
}

static void
a_doubt_waits_where_the_disk_is_full(void **state)
{
    int status = 0;
    pid_t child;

    (void) state;
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0)
        _exit(doubt_on_a_full_disk());
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(bed_open(&bed), 0);
    if (WEXITSTATUS(status) == NO_SMALL_DISK) {
        print_message("skipped: no file system can be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reader_answers_around_a_damaged_page_and_the_file_is_set_aside),
        TEST(a_writer_that_meets_damage_goes_on_in_a_new_file),
        TEST(damage_that_shows_in_the_middle_of_a_write_is_met_likewise),
        TEST(what_was_set_aside_before_stays),
        TEST(another_programs_file_is_set_aside),
        TEST(a_newer_versions_file_is_left_where_it_is_and_told_once),
        TEST(a_number_twice_is_no_damage),
        TEST(the_log_of_a_damaged_file_goes_with_it),
        TEST(a_doubt_waits_where_the_disk_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// test_block_db - tiles and marks come back as they were committed, and nothing else does.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/store/block_db.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"
#include "tests/support/small_disk.h"

#define HOSTS 5u

static char dir[64];
static char path[96];
static block_db_t *db;

static int
setup(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/raw-0-20260101.db", dir);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    block_db_close(&db);
    return folder_remove(dir);
}

// The tile of this number: what it is follows from that.
static struct block_tile
tile_of(uint64_t number, uint8_t bytes[20000])
{
    uint64_t seed = number;
    const size_t len = 1 + seeded_below(&seed, 19999);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t) seeded_next(&seed);
    return (struct block_tile){ .number = number,
                                .host = 1 + number % HOSTS,
                                .first_ms = (int64_t) number * 1000,
                                .last_ms = (int64_t) number * 1000 + 2500,
                                .rows = 128,
                                .series = 50,
                                .samples = 6400 + number,
                                .bytes = bytes,
                                .len = len };
}

static void
write_tiles(uint64_t from, uint64_t n)
{
    uint8_t(*bytes)[20000] = xmalloc(n * sizeof *bytes);
    struct block_tile *tiles = xcalloc(n, sizeof *tiles);
    const struct block_mark mark = { .stream = 9, .seq = from + n };

    for (uint64_t i = 0; i < n; i++)
        tiles[i] = tile_of(from + i, bytes[i]);
    assert_int_equal(block_db_write(db, tiles, n, &mark, 1), 0);
    free(bytes);
    free(tiles);
}

struct seen {
    uint64_t n;
    uint64_t last; // number
};

static int
see(void *arg, const struct block_tile *tile)
{
    struct seen *seen = arg;
    uint8_t bytes[20000];
    const struct block_tile should_be = tile_of(tile->number, bytes);

    assert_true(tile->number > seen->last || seen->n == 0);
    assert_int_equal(tile->host, should_be.host);
    assert_int_equal(tile->first_ms, should_be.first_ms);
    assert_int_equal(tile->last_ms, should_be.last_ms);
    assert_int_equal(tile->rows, should_be.rows);
    assert_int_equal(tile->series, should_be.series);
    assert_int_equal(tile->samples, should_be.samples);
    assert_int_equal(tile->len, should_be.len);
    assert_memory_equal(tile->bytes, bytes, tile->len);
    seen->n++;
    seen->last = tile->number;
    return 0;
}

static uint64_t
count_tiles(block_db_t *of, uint64_t host, int64_t first_ms, int64_t last_ms)
{
    struct seen seen = { 0 };

    assert_int_equal(block_db_tiles(of, host, first_ms, last_ms, see, &seen), 0);
    return seen.n;
}

static int
take_mark(void *arg, const struct block_mark *mark)
{
    if (mark->stream == 9)
        *(uint64_t *) arg = mark->seq;
    return 0;
}

static uint64_t
mark_of_nine(block_db_t *of)
{
    uint64_t seq = 0;

    assert_int_equal(block_db_marks(of, take_mark, &seq), 0);
    return seq;
}

static void
tiles_of_a_window_come_back_byte_for_byte(void **state)
{
    block_db_t *reader = NULL;

    (void) state;
    write_tiles(1, 40);
    write_tiles(41, 10);
    assert_int_equal(count_tiles(db, 0, INT64_MIN, INT64_MAX), 50);
    assert_int_equal(count_tiles(db, 3, INT64_MIN, INT64_MAX), 10);
    // Tiles n that have n * 1000 to n * 1000 + 2500 in common with it: 8 to 12.
    assert_int_equal(count_tiles(db, 0, 10001, 12000), 5);
    assert_int_equal(count_tiles(db, 0, 10500, 12000), 5);
    assert_int_equal(count_tiles(db, 0, 10501, 12000), 4);
    assert_int_equal(count_tiles(db, 0, 53000, INT64_MAX), 0);
    assert_int_equal(block_db_open(&reader, path, BLOCK_DB_READ), 0);
    assert_int_equal(count_tiles(reader, 0, INT64_MIN, INT64_MAX), 50);
    block_db_close(&reader);
}

// Each second one is wanted, up to number 30.
static int
wants_some(void *arg, const struct block_tile *tile, const uint8_t *first, size_t n)
{
    uint8_t bytes[20000];
    const struct block_tile should_be = tile_of(tile->number, bytes);

    (void) arg;
    assert_null(tile->bytes);
    assert_int_equal(tile->len, should_be.len);
    assert_int_equal(n, tile->len < BLOCK_FIRST_BYTES ? tile->len : BLOCK_FIRST_BYTES);
    assert_memory_equal(first, bytes, n);
    return tile->number > 30 ? ERR_CLOSED : tile->number % 2 == 0;
}

static void
of_tiles_that_are_not_wanted_the_first_bytes_are_read(void **state)
{
    struct seen seen = { 0 };

    (void) state;
    write_tiles(1, 50);
    // Those of host 2 have numbers 1, 6, 11, 16, 21 and 26 there.
    assert_int_equal(block_db_tiles_wanted(db, 2, 0, 30000, wants_some, see, &seen), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.last, 26);
    seen = (struct seen){ 0 };
    assert_int_equal(block_db_tiles_wanted(db, 2, 0, INT64_MAX, wants_some, see, &seen),
                     ERR_CLOSED);
    assert_int_equal(seen.n, 3);
}

// Its leaves of tiles become what no page is, from the third tenth of the file on.
static void
spoil(void)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    const off_t size = lseek(fd, 0, SEEK_END);
    const uint8_t bad = 0x77;
    uint8_t type;

    assert_true(fd != -1);
    for (off_t at = size / 8192 * 3 / 10 * 8192; at < size; at += 8192) {
        assert_int_equal(pread(fd, &type, 1, at), 1);
        if (type == 0x0d) // source: sqlite.org/fileformat2.html, 1.6
            assert_int_equal(pwrite(fd, &bad, 1, at), 1);
    }
    close(fd);
}

static int
wants_none(void *arg, const struct block_tile *tile, const uint8_t *first, size_t n)
{
    (void) tile;
    (void) first;
    (void) n;
    ++*(unsigned *) arg;
    return 0;
}

// Who reads answers around such a file, and sets it aside; an error of the disk ends the answer.
static void
a_damaged_page_is_damage_however_tiles_are_read(void **state)
{
    struct seen seen = { 0 };
    unsigned looked = 0;

    (void) state;
    write_tiles(1, 300);
    assert_int_equal(block_db_checkpoint(db, true), 0);
    block_db_close(&db);
    spoil();
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_tiles(db, 2, 0, INT64_MAX, see, &seen), ERR_FORMAT);
    block_db_close(&db);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_tiles_wanted(db, 2, 0, INT64_MAX, wants_none, see, &looked),
                     ERR_FORMAT);
    assert_true(looked > 0); // it came after a tile that was there
}

static void
a_file_that_is_opened_again_holds_what_was_committed(void **state)
{
    struct block_stat stat;

    (void) state;
    assert_int_equal(block_db_stat(db, &stat), 0);
    assert_int_equal(stat.tiles, 0);
    assert_true(stat.first_ms > stat.last_ms);
    write_tiles(1, 7);
    block_db_close(&db);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
    assert_int_equal(count_tiles(db, 0, INT64_MIN, INT64_MAX), 7);
    assert_int_equal(mark_of_nine(db), 8);
    assert_int_equal(block_db_stat(db, &stat), 0);
    assert_int_equal(stat.tiles, 7);
    assert_int_equal(stat.number, 7);
    assert_int_equal(stat.samples, 7 * 6400 + 28);
    assert_int_equal(stat.first_ms, 1000);
    assert_int_equal(stat.last_ms, 9500);
    assert_true(stat.bytes > stat.payload);
}

static void
a_mark_never_goes_back(void **state)
{
    const struct block_mark marks[] = { { .stream = 9, .seq = 100 },
                                        { .stream = UINT64_MAX, .seq = 5 },
                                        { .stream = 9, .seq = 60 } };

    (void) state;
    assert_int_equal(block_db_write(db, NULL, 0, marks, 3), 0);
    assert_int_equal(mark_of_nine(db), 100);
}

static void
a_transaction_is_all_or_nothing(void **state)
{
    static uint8_t bytes[2][20000];
    const struct block_tile tiles[] = { tile_of(50, bytes[0]), tile_of(3, bytes[1]) };
    const struct block_mark mark = { .stream = 9, .seq = 1000 };

    (void) state;
    write_tiles(1, 5);
    // Number 3 is there already.
    assert_int_equal(block_db_write(db, tiles, 2, &mark, 1), ERR_FORMAT);
    assert_int_equal(count_tiles(db, 0, INT64_MIN, INT64_MAX), 5);
    assert_int_equal(mark_of_nine(db), 6);
    write_tiles(6, 1);
    assert_int_equal(mark_of_nine(db), 7);
}

static void
the_log_grows_until_it_is_written_back(void **state)
{
    struct block_stat before;
    struct block_stat after;

    (void) state;
    write_tiles(1, 30);
    assert_true(block_db_log_pages(db) > 30);
    assert_int_equal(block_db_stat(db, &before), 0);
    assert_int_equal(block_db_checkpoint(db, false), 0);
    assert_int_equal(block_db_log_pages(db), 0);
    assert_int_equal(block_db_checkpoint(db, true), 0);
    assert_int_equal(block_db_stat(db, &after), 0);
    assert_true(after.bytes < before.bytes);
    assert_int_equal(count_tiles(db, 0, INT64_MIN, INT64_MAX), 30);
}

static void
what_was_committed_outlives_a_kill_at_any_moment(void **state)
{
    (void) state;
    block_db_close(&db);
    for (uint64_t run = 1; run <= 12; run++) {
        int told[2];
        uint64_t committed = 0;
        uint64_t number;
        pid_t child;

        assert_int_equal(pipe(told), 0);
        child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
            close(told[0]);
            if (block_db_open(&db, path, BLOCK_DB_WRITE) < 0)
                _exit(1);
            for (number = run * 1000; number < run * 1000 + 500; number++) {
                write_tiles(number, 1);
                if (number % 7 == 0 && block_db_checkpoint(db, false) < 0)
                    _exit(1);
                if (write(told[1], &number, sizeof number) != sizeof number)
                    _exit(1);
            }
            _exit(0);
        }
        close(told[1]);
        // Somewhere in what follows the commit that it just told of.
        for (uint64_t i = 0; i < 3 + run * 2 && read(told[0], &number, sizeof number) > 0; i++)
            committed = number;
        usleep((useconds_t) (run * 217 % 1500));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &number, sizeof number) > 0)
            committed = number;
        close(told[0]);
        assert_true(committed > 0);
        assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
        assert_true(mark_of_nine(db) >= committed + 1);
        assert_true(count_tiles(db, 0, (int64_t) run * 1000000, (int64_t) committed * 1000) >=
                    committed - run * 1000 + 1);
        block_db_close(&db);
    }
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
    {
        char why[200];

        assert_int_equal(block_db_check(db, why, sizeof why), 0);
    }
}

static void
what_is_no_database_of_ours_is_refused(void **state)
{
    block_db_t *none = NULL;
    char other[96];
    sqlite3 *sql = NULL;
    int fd;

    (void) state;
    snprintf(other, sizeof other, "%s/other.db", dir);
    assert_int_equal(block_db_open(&none, other, BLOCK_DB_READ), -ENOENT);
    fd = open(other, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "this is a text and no database, as anybody sees it", 50), 50);
    close(fd);
    assert_int_equal(block_db_open(&none, other, BLOCK_DB_READ), ERR_FORMAT);
    assert_int_equal(block_db_open(&none, other, BLOCK_DB_WRITE), ERR_FORMAT);
    unlink(other);
    assert_int_equal(sqlite3_open(other, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "CREATE TABLE a (b)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
    assert_int_equal(block_db_open(&none, other, BLOCK_DB_WRITE), ERR_UNKNOWN);
    block_db_close(&db);
    assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "PRAGMA user_version=3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
    assert_int_equal(block_db_open(&none, path, BLOCK_DB_WRITE), ERR_VERSION);
    assert_int_equal(block_db_open(&none, path, BLOCK_DB_READ), ERR_VERSION);
    assert_null(none);
}

static void
a_flipped_page_is_found(void **state)
{
    uint8_t garbage[8192];
    char why[200];
    int fd;

    (void) state;
    write_tiles(1, 60);
    assert_int_equal(block_db_check(db, why, sizeof why), 0);
    assert_int_equal(block_db_checkpoint(db, true), 0);
    block_db_close(&db);
    memset(garbage, 0x5a, sizeof garbage);
    fd = open(path, O_WRONLY);
    for (off_t page = 1; page < 20; page++)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * 8192), sizeof garbage);
    close(fd);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_check(db, why, sizeof why), ERR_FORMAT);
    assert_true(strlen(why) > 0);
    assert_int_equal(block_db_tiles(db, 0, INT64_MIN, INT64_MAX, see, &(struct seen){ 0 }),
                     ERR_FORMAT);
}

// In a process of its own: the small disk is a mount.
static int
fill_disk(void)
{
    const bool by_limit = !small_disk_enter(dir, 4u * 1024 * 1024);
    uint64_t n = 0;
    int rc = 0;

    if (block_db_open(&db, path, BLOCK_DB_WRITE) < 0)
        return 1;
    write_tiles(1, 20);
    small_disk_fill(dir, by_limit, 256u * 1024);
    for (n = 21; n < 2000 && rc == 0; n++) {
        static uint8_t bytes[20000];
        const struct block_tile tile = tile_of(n, bytes);
        const struct block_mark mark = { .stream = 9, .seq = n + 1 };

        rc = block_db_write(db, &tile, 1, &mark, 1);
    }
    if (rc != -ENOSPC && rc != -EFBIG)
        return 2;
    n--; // this one is not there
    if (mark_of_nine(db) != n || count_tiles(db, 0, INT64_MIN, INT64_MAX) != n - 1)
        return 3;
    small_disk_free(dir);
    write_tiles(n, 5);
    return mark_of_nine(db) == n + 5 && count_tiles(db, 0, INT64_MIN, INT64_MAX) == n + 4 ? 0 : 4;
}

static void
a_full_disk_changes_nothing_and_goes_on_when_there_is_room(void **state)
{
    int status = 0;
    pid_t child;

    (void) state;
    block_db_close(&db);
    assert_int_equal(folder_remove(dir), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0)
        _exit(fill_disk());
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tiles_of_a_window_come_back_byte_for_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(of_tiles_that_are_not_wanted_the_first_bytes_are_read,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_damage_however_tiles_are_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_opened_again_holds_what_was_committed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_mark_never_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_log_grows_until_it_is_written_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_committed_outlives_a_kill_at_any_moment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_database_of_ours_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_page_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing_and_goes_on_when_there_is_room,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// test_block_merge - a merged day says what it said before, whoever reads or writes meanwhile.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "collector/store/sqlite_copy.h"
#include "tests/support/store_names.h"
#include "tests/unit/collector/block_bed.h"
#include "tests/unit/collector/merge_bed.h"

#define FILE_NAME "raw-0-20241004.db"
#define NEVER     UINT64_MAX // no tile is on its way

static struct bed bed;
static struct buf before, after;

static int
setup(void **state)
{
    (void) state;
    bed = (struct bed){ .dir = "/tmp/zpulse-merge-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(bed_open(&bed), 0);
    merge_put_day(bed.files, MERGE_DAY, 1);
    (void) merge_tell(&before, bed.reader);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    bed_close(&bed);
    (void) store_names_check(bed.dir);
    buf_release(&before);
    buf_release(&after);
    return folder_remove(bed.dir);
}

static uint64_t
tiles(void)
{
    struct block_stat stat;

    assert_int_equal(block_reader_stat(bed.reader, &stat), 0);
    return stat.tiles;
}

static uint64_t
inode(void)
{
    struct stat file;
    char path[160];

    bed_path(&bed, path, FILE_NAME);
    assert_int_equal(stat(path, &file), 0);
    return file.st_ino;
}

static void
says_the_same(void)
{
    (void) merge_tell(&after, bed.reader);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.at, before.at, before.len);
}

static int
is_numbered_from_one(void *arg, const struct block_tile *tile)
{
    assert_int_equal(tile->number, ++*(uint64_t *) arg);
    assert_true(tile->number < BLOCK_MERGED_BELOW);
    return 0;
}

static void
a_quiet_day_becomes_few_tiles_that_say_the_same(void **state)
{
    uint64_t last = 0, was = tiles();

    (void) state;
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    assert_true(tiles() < was);
    assert_int_equal(block_reader_tiles(bed.reader, 0, ALL, is_numbered_from_one, &last), 0);
    assert_true(last > 0);
    says_the_same();
    bed_close(&bed); // and on the disk
    assert_int_equal(bed_open(&bed), 0);
    says_the_same();
    assert_int_equal(bed.told, 0);
}

static void
a_day_is_merged_once(void **state)
{
    uint64_t file;

    (void) state;
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    file = inode();
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 0);
    merge_put_day(bed.files, MERGE_DAY, 1000);
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 0);
    assert_int_equal(inode(), file);
}

static void
what_comes_later_to_a_merged_day_stands_behind_what_was_there(void **state)
{
    const size_t len = merge_tell(&before, bed.reader);
    const uint64_t was = tiles();

    (void) state;
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    // Times that were there, with other values.
    merge_put(bed.files, &(struct merge_tile){ MERGE_NUMBER(2000), 1, MERGE_DAY * PARTITION_MS,
                                               1000, 1000, 1, 20, 5, false });
    bed_close(&bed);
    assert_int_equal(bed_open(&bed), 0);
    assert_true(tiles() < was);
    assert_int_equal(merge_tell(&after, bed.reader), len);
    assert_memory_equal(after.at, before.at, len);
    // And a time that was not.
    merge_put(bed.files,
              &(struct merge_tile){ MERGE_NUMBER(2001), 1, MERGE_DAY * PARTITION_MS + 5000000, 1000,
                                    1, 1, 1, 0, false });
    assert_int_equal(merge_tell(&after, bed.reader), len + sizeof(struct sample));
}

static void
a_file_that_is_written_meanwhile_stays_and_is_merged_later(void **state)
{
    block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);
    const uint64_t file = inode();
    const uint64_t was = tiles();

    (void) state;
    assert_true(merge_wait(merge, 1));
    assert_int_equal(block_merge_step(merge, NEVER), 0); // it has let go of it
    assert_true(merge_wait(merge, 1));                   // and the new one is ready
    merge_put(bed.files,
              &(struct merge_tile){ MERGE_NUMBER(2000), 1, MERGE_DAY * PARTITION_MS + 5000000, 1000,
                                    1, 1, 1, 0, false });
    (void) merge_tell(&before, bed.reader);
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    block_merge_stop(&merge);
    assert_int_equal(inode(), file);
    assert_int_equal(tiles(), was + 1);
    says_the_same();
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    says_the_same();
}

// Written, moved from the log into the file and closed: nothing is open that would show it.
static void
a_file_that_was_written_and_closed_meanwhile_stays(void **state)
{
    block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);
    const uint64_t file = inode();

    (void) state;
    assert_true(merge_wait(merge, 1));
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    assert_true(merge_wait(merge, 1));
    merge_put(bed.files,
              &(struct merge_tile){ MERGE_NUMBER(2000), 1, MERGE_DAY * PARTITION_MS + 5000000, 1000,
                                    1, 1, 1, 0, false });
    assert_int_equal(block_files_tick(bed.files, 2 * BLOCK_FILES_IDLE_MS), 0);
    (void) merge_tell(&before, bed.reader);
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    block_merge_stop(&merge);
    assert_int_equal(inode(), file);
    says_the_same();
}

static void
a_file_with_later_tiles_than_one_that_is_on_its_way_stays(void **state)
{
    const uint64_t file = inode();
    struct block_merge_stat stat;

    (void) state;
    stat = merge_all(bed.files, MERGE_OLD_MS, MERGE_NUMBER(50));
    assert_int_equal(stat.merged, 0);
    assert_true(stat.given_up > 0);
    assert_int_equal(inode(), file);
    says_the_same();
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, MERGE_NUMBER(MERGE_TILES + 1)).merged, 1);
    says_the_same();
}

static void
a_day_that_is_young_or_was_just_written_is_left_alone(void **state)
{
    const uint64_t file = inode();

    (void) state;
    // The day is over for so long, but the file is new.
    assert_int_equal(merge_all(bed.files, PARTITION_MS, NEVER).merged, 0);
    assert_int_equal(inode(), file);
    // A day that is not over, whenever this is.
    merge_put_day(bed.files, partition_of(clock_real_ms()) + 1, 1000);
    assert_int_equal(merge_all(bed.files, 0, NEVER).merged, 1);
    assert_true(inode() != file);
}

struct reading {
    block_merge_t *merge;
    uint64_t tiles;
};

// It has its name from the first tile on that this reader is given.
static int
swap_and_count(void *arg, const struct block_tile *tile)
{
    struct reading *r = arg;

    if (r->tiles++ == 0) {
        assert_int_equal(block_merge_step(r->merge, NEVER), 0);
        assert_false(merge_wait(r->merge, 1));
        assert_int_equal(block_merge_stat(r->merge).merged, 1);
    }
    assert_true(tile->number >= BLOCK_MERGED_BELOW);
    return 0;
}

static void
who_reads_the_old_file_reads_it_to_its_end(void **state)
{
    struct reading r = { .merge = merge_start(bed.files, MERGE_OLD_MS) };
    const uint64_t was = tiles();

    (void) state;
    assert_true(merge_wait(r.merge, 1));
    assert_int_equal(block_merge_step(r.merge, NEVER), 0);
    assert_true(merge_wait(r.merge, 1));
    assert_int_equal(block_reader_tiles(bed.reader, 0, ALL, swap_and_count, &r), 0);
    assert_int_equal(r.tiles, was);
    block_merge_stop(&r.merge);
    assert_true(tiles() < was); // and then the new one
    says_the_same();
}

// A log that has lost its name is no reader's.
static void
without_its_copy_the_old_file_stays_and_is_read_on(void **state)
{
    block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);
    const uint64_t was = tiles(), file = inode();
    const struct merge_tile late = {
        MERGE_NUMBER(500), 1, MERGE_DAY * PARTITION_MS, 1000, 10, 1, 1, 0, false
    };
    char path[160];

    (void) state;
    assert_true(merge_wait(merge, 1));
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    assert_true(merge_wait(merge, 1));
    bed_path(&bed, path, FILE_NAME ".merged");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    assert_int_equal(inode(), file);
    merge_put(bed.files, &late);
    assert_int_equal(tiles(), was + 1);
    block_merge_stop(&merge);
}

static void
rows_without_a_value_are_not_copied(void **state)
{
    const struct merge_tile first = {
        MERGE_NUMBER(500), 1, MERGE_DAY * PARTITION_MS, 500, 3, 1, 2, 0, true
    };
    const struct merge_tile last = {
        MERGE_NUMBER(501), 1, (MERGE_DAY + 1) * PARTITION_MS - 9000, 1000, 9, 1, 2, 0, true
    };

    (void) state;
    merge_put(bed.files, &first);
    merge_put(bed.files, &last);
    (void) merge_tell(&before, bed.reader);
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    says_the_same();
}

// Once a part is copied it has its name.
static bool
swap_while_copied(void *arg, uint64_t bytes)
{
    block_merge_t *merge = arg;

    (void) bytes;
    if (block_merge_waits(merge))
        assert_int_equal(block_merge_step(merge, NEVER), 0);
    return true;
}

static void
a_copy_that_was_begun_before_is_made_again(void **state)
{
    block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);
    char from[160], to[160];

    (void) state;
    bed_path(&bed, from, FILE_NAME);
    assert_true(merge_wait(merge, 1));
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    assert_true(merge_wait(merge, 1));
    bed_path(&bed, to, "raw-1-20241004.db");
    assert_int_equal(sqlite_copy(from, to, swap_while_copied, merge), -ENOENT);
    assert_false(merge_wait(merge, 1));
    assert_int_equal(block_merge_stat(merge).merged, 1);
    block_merge_stop(&merge);
    assert_int_equal(sqlite_copy(from, to, NULL, NULL), 0);
    assert_int_equal(unlink(from), 0); // another class reads as well
    bed_close(&bed);
    assert_int_equal(bed_open(&bed), 0);
    says_the_same();
}

static void
a_day_that_goes_meanwhile_is_gone(void **state)
{
    const struct block_limits limits = { .age_ms = { 1 } };
    block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);

    (void) state;
    assert_true(merge_wait(merge, 1));
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    assert_true(merge_wait(merge, 1));
    merge_put_day(bed.files, MERGE_DAY + 3, 1000);
    assert_int_equal(block_files_expire(bed.files, &limits, clock_real_ms()), 1);
    assert_int_equal(block_merge_step(merge, NEVER), 0);
    block_merge_stop(&merge);
    assert_false(bed_has(&bed, FILE_NAME));
    assert_false(bed_has(&bed, FILE_NAME ".merged"));
}

static void
a_stop_at_any_moment_leaves_the_old_file(void **state)
{
    const uint64_t file = inode();

    (void) state;
    for (unsigned i = 0; i < 30; i++) {
        block_merge_t *merge = merge_start(bed.files, MERGE_OLD_MS);

        if (i % 2 == 0)
            assert_true(merge_wait(merge, 1));
        if (i % 2 == 0)
            assert_int_equal(block_merge_step(merge, NEVER), 0);
        usleep(i * 500);
        block_merge_stop(&merge);
        assert_int_equal(store_names_check(bed.dir), 0);
    }
    assert_int_equal(inode(), file);
    says_the_same();
}

// Some bytes of one tile: SQLite does not know.
static void
harm_a_tile(void)
{
    char path[160];
    sqlite3 *db;

    bed_close(&bed);
    bed_path(&bed, path, FILE_NAME);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE tile SET bytes = zeroblob(length(bytes))"
                                  " WHERE number = (SELECT max(number) FROM tile)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(bed_open(&bed), 0);
}

static void
a_day_with_a_tile_that_does_not_read_stays_as_it_is(void **state)
{
    block_merge_t *merge;
    struct block_merge_stat stat;
    uint64_t file;

    (void) state;
    harm_a_tile();
    file = inode();
    merge = merge_start(bed.files, MERGE_OLD_MS);
    while (merge_wait(merge, 5)) // it is tried once
        assert_int_equal(block_merge_step(merge, NEVER), 0);
    stat = block_merge_stat(merge);
    block_merge_stop(&merge);
    assert_int_equal(stat.merged, 0);
    assert_int_equal(stat.given_up, 1);
    assert_int_equal(inode(), file);
    assert_int_equal(tiles(), MERGE_TILES);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
}

static void
a_damaged_day_is_set_aside_and_not_merged(void **state)
{
    char path[160];
    int fd;

    (void) state;
    bed_close(&bed);
    bed_path(&bed, path, FILE_NAME);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 3 * 8192; at < 20 * 8192; at += 8)
        assert_int_equal(pwrite(fd, "rubbish!", 8, at), 8);
    close(fd);
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 0);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 1);
    assert_true(bed_has(&bed, FILE_NAME ".damaged"));
    assert_false(bed_has(&bed, FILE_NAME));
}

static void
without_room_the_old_file_stays(void **state)
{
    const uint64_t file = inode();
    struct rlimit limit, little;
    struct block_merge_stat stat;

    (void) state;
    assert_int_equal(block_files_tick(bed.files, 2 * BLOCK_FILES_IDLE_MS), 0); // all is in the file
    says_the_same();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    little = (struct rlimit){ 40000, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    stat = merge_all(bed.files, MERGE_OLD_MS, NEVER);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(stat.merged, 0);
    assert_true(stat.given_up > 0);
    assert_int_equal(inode(), file);
    assert_int_equal(store_names_check(bed.dir), 0);
    says_the_same();
    assert_int_equal(merge_all(bed.files, MERGE_OLD_MS, NEVER).merged, 1);
    says_the_same();
}

static void
a_half_file_is_removed_at_the_open(void **state)
{
    static const char *const ends[] = { ".merged", ".merged-wal", ".merged-shm" };

    (void) state;
    bed_close(&bed);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[200];
        int fd;

        snprintf(path, sizeof path, "%s/" FILE_NAME "%s", bed.dir, ends[i]);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "half", 4), 4);
        close(fd);
    }
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(store_names_check(bed.dir), 0);
    says_the_same();
}

#define claim_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        claim_test(a_quiet_day_becomes_few_tiles_that_say_the_same),
        claim_test(a_day_is_merged_once),
        claim_test(what_comes_later_to_a_merged_day_stands_behind_what_was_there),
        claim_test(a_file_that_is_written_meanwhile_stays_and_is_merged_later),
        claim_test(a_file_that_was_written_and_closed_meanwhile_stays),
        claim_test(a_file_with_later_tiles_than_one_that_is_on_its_way_stays),
        claim_test(a_day_that_is_young_or_was_just_written_is_left_alone),
        claim_test(who_reads_the_old_file_reads_it_to_its_end),
        claim_test(without_its_copy_the_old_file_stays_and_is_read_on),
        claim_test(rows_without_a_value_are_not_copied),
        claim_test(a_copy_that_was_begun_before_is_made_again),
        claim_test(a_day_that_goes_meanwhile_is_gone),
        claim_test(a_stop_at_any_moment_leaves_the_old_file),
        claim_test(a_day_with_a_tile_that_does_not_read_stays_as_it_is),
        claim_test(a_damaged_day_is_set_aside_and_not_merged),
        claim_test(without_room_the_old_file_stays),
        claim_test(a_half_file_is_removed_at_the_open),
    };
    return cmocka_run_group_tests_name("block_merge", tests, NULL, NULL);
}

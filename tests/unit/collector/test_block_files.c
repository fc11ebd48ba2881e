// test_block_files - each day has its file; readers see all of them; old ones go, whole.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shared/base/err.h"
#include "tests/support/small_disk.h"
#include "tests/unit/collector/block_bed.h"

static struct bed bed;

static int
setup(void **state)
{
    (void) state;
    bed = (struct bed){ .dir = "/tmp/zpulse-test-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(bed_open(&bed), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    bed_close(&bed);
    return folder_remove(bed.dir);
}

static void
a_name_says_class_and_day(void **state)
{
    static const char *const foreign[] = {
        "",
        "raw-0-20260101.db-wal",
        "raw-0-20260101.db.damaged",
        "raw-8-20260101.db",
        "raw-0-20260229.db",
        "raw-0-20261301.db",
        "raw-0-20260100.db",
        "raw-0-00000101.db",
        "raw-0-2026-101.db",
        "raw-0-2026010 .db",
        "raw-00-20260101.db",
        "Raw-0-20260101.db",
    };
    struct block_name name;
    char text[BLOCK_NAME_SIZE];

    (void) state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_false(block_name_parse(&name, foreign[i]));
    for (int64_t day = BLOCK_PARTITION_MIN; day <= BLOCK_PARTITION_MAX; day += 97) {
        block_name_text(text, &(struct block_name){ .partition = day, .class = 7 });
        assert_true(block_name_parse(&name, text));
        assert_int_equal(name.partition, day);
        assert_int_equal(name.class, 7);
    }
    block_name_text(text, &(struct block_name){ .partition = DAY });
    assert_string_equal(text, "raw-0-20260101.db");
    block_name_text(text, &(struct block_name){ .partition = BLOCK_PARTITION_MAX });
    assert_string_equal(text, "raw-0-99991231.db");
    block_name_text(text, &(struct block_name){ .partition = -1 });
    assert_string_equal(text, "raw-0-19691231.db");
}

static void
each_tile_is_in_the_file_of_its_day(void **state)
{
    const int64_t second = (DAY + 1) * PARTITION_MS;

    (void) state;
    // More days than are open at a time.
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(bed_write(&bed, 0, 1 + i * 40, DAY, 40), 0);
    assert_true(bed_has(&bed, "raw-0-20260101.db"));
    assert_true(bed_has(&bed, "raw-0-20260209.db"));
    assert_false(bed_has(&bed, "raw-0-20260210.db"));
    assert_int_equal(bed_count(&bed, 0, ALL), 120);
    assert_int_equal(bed_count(&bed, 2, ALL), 24);
    assert_int_equal(bed_count(&bed, 0, second, second + PARTITION_MS - 1), 3);
    assert_int_equal(bed_count(&bed, 0, second + 42000, second + 42000), 1);
    assert_int_equal(bed_count(&bed, 0, (DAY + 40) * PARTITION_MS, INT64_MAX), 0);
    bed_close(&bed);
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 120);
    assert_int_equal(bed.told, 0);
}

static int
stop(void *arg, const struct block_tile *tile)
{
    (void) tile;
    ++*(unsigned *) arg;
    return ERR_FORMAT;
}

static void
what_the_function_says_ends_the_reading_and_is_no_damage(void **state)
{
    unsigned n = 0;

    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 3), 0);
    assert_int_equal(block_reader_tiles(bed.reader, 0, ALL, stop, &n), ERR_FORMAT);
    assert_int_equal(n, 1);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 3);
}

struct marks {
    unsigned n;
    int64_t partitions[8];
    uint8_t classes[8];
    uint64_t seqs[8];
};

static int
take_mark(void *arg, const struct block_name *file, const struct block_mark *mark)
{
    struct marks *marks = arg;

    marks->partitions[marks->n] = file->partition;
    marks->classes[marks->n] = file->class;
    marks->seqs[marks->n++] = mark->seq;
    return 0;
}

static void
a_mark_is_in_each_file_that_got_a_tile(void **state)
{
    struct marks marks = { 0 };
    const struct block_mark mark = { .stream = 9, .seq = 1000 };

    (void) state;
    assert_int_equal(block_files_write(bed.files, 0, NULL, 0, &mark, 1, NULL), 0);
    assert_int_equal(block_reader_marks(bed.reader, take_mark, &marks), 0);
    assert_int_equal(marks.n, 0); // no file: nothing that could be doubled
    assert_int_equal(bed_write(&bed, 0, 10, DAY, 2), 0);
    assert_int_equal(bed_write(&bed, 1, 20, DAY, 1), 0);
    assert_int_equal(bed_write(&bed, 0, 30, DAY + 1, 1), 0);
    assert_int_equal(block_reader_marks(bed.reader, take_mark, &marks), 0);
    assert_int_equal(marks.n, 3);
    assert_int_equal(marks.partitions[0], DAY);
    assert_int_equal(marks.classes[0], 0);
    assert_int_equal(marks.seqs[0], 12);
    assert_int_equal(marks.classes[1], 1);
    assert_int_equal(marks.seqs[1], 21);
    assert_int_equal(marks.partitions[2], DAY + 1);
    assert_int_equal(marks.seqs[2], 31);
    // Without tiles: the newest file of the class.
    assert_int_equal(block_files_write(bed.files, 0, NULL, 0, &mark, 1, NULL), 0);
    marks.n = 0;
    assert_int_equal(block_reader_marks(bed.reader, take_mark, &marks), 0);
    assert_int_equal(marks.seqs[0], 12);
    assert_int_equal(marks.seqs[2], 1000);
}

static void
sums_are_over_all_files(void **state)
{
    struct block_stat stat;

    (void) state;
    assert_int_equal(block_reader_stat(bed.reader, &stat), 0);
    assert_int_equal(stat.tiles, 0);
    assert_true(stat.first_ms > stat.last_ms);
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 5), 0);
    assert_int_equal(bed_write(&bed, 3, 6, DAY, 1), 0);
    assert_int_equal(block_reader_stat(bed.reader, &stat), 0);
    assert_int_equal(stat.tiles, 6);
    assert_int_equal(stat.samples, 6 * 6400 + 21);
    assert_int_equal(stat.number, 6);
    assert_int_equal(stat.first_ms, DAY * PARTITION_MS + 1000);
    assert_int_equal(stat.last_ms, (DAY + 4) * PARTITION_MS + 5500);
    assert_true(stat.bytes > stat.payload);
}

static void
a_time_that_no_name_has_is_refused(void **state)
{
    uint8_t bytes[2][LEN_MAX];
    const struct block_tile tiles[] = { bed_tile(1, DAY, bytes[0]),
                                        bed_tile(2, BLOCK_PARTITION_MAX + 1, bytes[1]) };
    bool written[2] = { false, false };

    (void) state;
    assert_int_equal(block_files_write(bed.files, 0, tiles, 2, NULL, 0, written), ERR_RANGE);
    assert_false(written[0]);
    assert_int_equal(bed_count(&bed, 0, ALL), 0);
}

static void
a_file_that_rests_is_closed_and_has_no_log(void **state)
{
    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 2), 0);
    assert_true(bed_has(&bed, "raw-0-20260101.db-wal"));
    assert_int_equal(block_files_tick(bed.files, BLOCK_FILES_IDLE_MS - 1), 0);
    assert_true(bed_has(&bed, "raw-0-20260101.db-wal"));
    assert_int_equal(block_files_tick(bed.files, BLOCK_FILES_IDLE_MS), 0);
    assert_false(bed_has(&bed, "raw-0-20260101.db-wal"));
    assert_false(bed_has(&bed, "raw-0-20260102.db-wal"));
    assert_int_equal(bed_count(&bed, 0, ALL), 2);
    assert_int_equal(bed_write(&bed, 0, 3, DAY, 2), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 4);
}

static void
a_log_that_a_kill_left_goes_into_its_file(void **state)
{
    pid_t pid;
    int status;

    (void) state;
    bed_close(&bed);
    pid = fork();
    if (pid == 0) {
        if (bed_open(&bed) == 0 && bed_write(&bed, 0, 1, DAY, 2) == 0)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_write(&bed, 0, 3, DAY + 1, 1), 0); // in use: not looked at
    for (int64_t tick = 1; tick <= 3; tick++)
        assert_int_equal(block_files_tick(bed.files, tick), 0);
    assert_false(bed_has(&bed, "raw-0-20260101.db-wal"));
    assert_true(bed_has(&bed, "raw-0-20260102.db-wal"));
    assert_int_equal(bed_count(&bed, 0, ALL), 3);
    assert_int_equal(bed.told, 0);
}

static void
days_that_are_too_old_go_whole(void **state)
{
    const struct block_limits limits = { .age_ms = { 2 * PARTITION_MS, 0 } };

    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 6), 0);
    assert_int_equal(bed_write(&bed, 1, 7, DAY, 1), 0);
    // Days end at DAY + 1 and so on: those that ended two days ago go.
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 5) * PARTITION_MS), 3);
    assert_false(bed_has(&bed, "raw-0-20260103.db"));
    assert_false(bed_has(&bed, "raw-0-20260103.db-wal"));
    assert_false(bed_has(&bed, "raw-0-20260103.db-shm"));
    assert_true(bed_has(&bed, "raw-0-20260104.db"));
    assert_true(bed_has(&bed, "raw-1-20260101.db")); // its class keeps for ever
    assert_int_equal(bed_count(&bed, 0, ALL), 4);
}

static void
a_clock_that_runs_off_takes_nothing(void **state)
{
    const struct block_limits limits = { .age_ms = { 2 * PARTITION_MS } };

    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 2), 0);
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 3650) * PARTITION_MS), 0);
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY - 3650) * PARTITION_MS), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 2);
}

static void
bytes_take_the_oldest_but_never_the_day_of_now(void **state)
{
    struct block_limits limits = { .bytes = 1 };
    struct block_stat stat;

    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 4), 0);
    assert_int_equal(bed_write(&bed, 2, 5, DAY + 1, 1), 0);
    assert_int_equal(block_reader_stat(bed.reader, &stat), 0);
    limits.bytes = stat.bytes * 1000;
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 2) * PARTITION_MS), 0);
    limits.bytes = 1;
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 2) * PARTITION_MS), 3);
    assert_true(bed_has(&bed, "raw-0-20260103.db"));
    assert_true(bed_has(&bed, "raw-0-20260104.db"));
    assert_int_equal(bed_count(&bed, 0, ALL), 2);
}

struct mid {
    struct bed_seen seen;
    bool removed; // the files, while they were read
};

static int
remove_meanwhile(void *arg, const struct block_tile *tile)
{
    const struct block_limits limits = { .bytes = 1 };
    struct mid *mid = arg;

    if (!mid->removed) {
        assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 9) * PARTITION_MS), 1);
        // And one of the same name comes.
        assert_int_equal(bed_write(&bed, 0, 500, DAY, 1), 0);
        mid->removed = true;
    }
    return bed_see(&mid->seen, tile);
}

static void
who_reads_a_file_reads_on_when_it_goes(void **state)
{
    struct mid mid = { 0 };

    (void) state;
    for (uint64_t n = 1; n <= 50; n++)
        assert_int_equal(bed_write(&bed, 0, n, DAY, 1), 0);
    assert_int_equal(block_reader_tiles(bed.reader, 0, ALL, remove_meanwhile, &mid), 0);
    assert_int_equal(mid.seen.n, 50);
    assert_int_equal(bed_count(&bed, 0, ALL), 1); // the new one's
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
}

static void
foreign_names_are_left_alone(void **state)
{
    static const char *const names[] = { "notes.txt", "raw-0-20260101.db.damaged",
                                         "raw-9-20260101.db", "raw-0-20260101.dbx" };
    static const char *const leftovers[] = { "raw-0-20260301.db.new", "raw-0-20260301.db.new-wal",
                                             "raw-0-20260301.db-wal", "raw-0-20260301.db-shm" };
    const struct block_limits limits = { .bytes = 1 };
    char path[160];

    (void) state;
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 1), 0);
    bed_close(&bed);
    for (size_t i = 0; i < 8; i++) {
        bed_path(&bed, path, i < 4 ? names[i] : leftovers[i - 4]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_count(&bed, 0, ALL), 1);
    assert_int_equal(block_files_expire(bed.files, &limits, (DAY + 9) * PARTITION_MS), 1);
    for (size_t i = 0; i < 4; i++) {
        assert_true(bed_has(&bed, names[i]));
        assert_false(bed_has(&bed, leftovers[i]));
    }
}

// Writes until it is killed, three days at a time, and tells of each write.
static void
write_until_killed(uint64_t run, int told)
{
    if (bed_open(&bed) < 0)
        _exit(1);
    for (uint64_t number = run * 3000; number < run * 3000 + 900; number += 3) {
        // New files all the time, so that some die while they are made.
        if (bed_write(&bed, 0, number, DAY + (int64_t) (run * 20 + number % 60 / 3), 3) < 0 ||
            write(told, &number, sizeof number) != sizeof number)
            _exit(1);
        if (number % 21 == 0 &&
            block_files_tick(bed.files, (int64_t) number * BLOCK_FILES_IDLE_MS) < 0)
            _exit(1);
    }
    _exit(0);
}

static void
what_was_committed_outlives_a_kill_at_any_moment(void **state)
{
    uint64_t all = 0;

    (void) state;
    bed_close(&bed);
    for (uint64_t run = 1; run <= 12; run++) {
        int told[2];
        uint64_t committed = 0;
        uint64_t number;
        pid_t child;

        assert_int_equal(pipe(told), 0);
        child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0)
            write_until_killed(run, told[1]);
        close(told[1]);
        for (uint64_t i = 0; i < 2 + run && read(told[0], &number, sizeof number) > 0; i++)
            committed += 3;
        usleep((useconds_t) (run * 1217 % 6000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &number, sizeof number) > 0)
            committed += 3;
        close(told[0]);
        all += committed;
        assert_true(committed > 0);
        assert_int_equal(bed_open(&bed), 0);
        // What the last write had not told of may be there as well, or some of its files.
        assert_in_range(bed_count(&bed, 0, ALL), all, all + 3);
        all = bed_count(&bed, 0, ALL);
        assert_int_equal(block_files_tick(bed.files, 1), 0);
        assert_int_equal(bed.told, 0);
        bed_close(&bed);
    }
    assert_int_equal(bed_open(&bed), 0);
}

#define NO_SMALL_DISK 77

// In a process of its own: the small disk is a mount.
static int
fill_disk(void)
{
    static uint8_t bytes[2][LEN_MAX];
    bool written[2] = { false, false };
    struct block_tile tiles[2];
    uint64_t n = 1;
    int rc = 0;

    if (!small_disk_enter(bed.dir, 4u * 1024 * 1024))
        return NO_SMALL_DISK;
    if (bed_open(&bed) < 0)
        return 1;
    if (bed_write(&bed, 0, 1, DAY, 1) < 0)
        return 2;
    small_disk_fill(bed.dir, false, 0);
    while (rc == 0 && n < 4000)
        rc = bed_write(&bed, 0, ++n, DAY, 1);
    if ((rc != -ENOSPC && rc != -EFBIG) || bed_count(&bed, 0, ALL) != n - 1)
        return 3;
    // A new day comes whole or not at all.
    tiles[0] = bed_tile(n, DAY, bytes[0]);
    tiles[1] = bed_tile(n + 1, DAY + 1, bytes[1]);
    if (block_files_write(bed.files, 0, tiles + 1, 1, NULL, 0, written + 1) != -ENOSPC ||
        written[1] || bed_has(&bed, "raw-0-20260102.db") || bed_has(&bed, "raw-0-20260102.db.new"))
        return 4;
    small_disk_free(bed.dir);
    // The second time what is written is passed over.
    for (unsigned i = 0; i < 2; i++)
        if (block_files_write(bed.files, 0, tiles, 2, NULL, 0, written) < 0)
            return 5;
    return bed_count(&bed, 0, ALL) == n + 1 && bed.told == 0 ? 0 : 7;
}

static void
a_full_disk_leaves_nothing_half_there(void **state)
{
    int status = 0;
    pid_t child;

    (void) state;
    bed_close(&bed);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0)
        _exit(fill_disk());
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
        TEST(a_name_says_class_and_day),
        TEST(each_tile_is_in_the_file_of_its_day),
        TEST(what_the_function_says_ends_the_reading_and_is_no_damage),
        TEST(a_mark_is_in_each_file_that_got_a_tile),
        TEST(sums_are_over_all_files),
        TEST(a_time_that_no_name_has_is_refused),
        TEST(a_file_that_rests_is_closed_and_has_no_log),
        TEST(a_log_that_a_kill_left_goes_into_its_file),
        TEST(days_that_are_too_old_go_whole),
        TEST(a_clock_that_runs_off_takes_nothing),
        TEST(bytes_take_the_oldest_but_never_the_day_of_now),
        TEST(who_reads_a_file_reads_on_when_it_goes),
        TEST(foreign_names_are_left_alone),
        TEST(what_was_committed_outlives_a_kill_at_any_moment),
        TEST(a_full_disk_leaves_nothing_half_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

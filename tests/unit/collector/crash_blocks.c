// crash_blocks - block files and meta.db, ended at every crash point every time that they come by:
// what was committed is there once, what was not is absent or whole, and nothing else is left.
//
// Belongs to the faults: it is built with crash points, in their tree. Each trial is a process of
// its own, this program again: it works in a folder and counts what it has committed in memory that
// outlives it. Then the folder is looked at, and the work is done to its end, as a replay does it.
//
// usage: crash_blocks [--work WHAT DIR PROGRESS]

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/store/meta_db.h"
#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "tests/support/store_names.h"
#include "tests/unit/collector/block_bed.h"

#define DAYS    5u // one more than are open at a time
#define COMMITS 4u
#define TIMES   200u // that a point may be come by in one trial
#define STREAM  9u
#define SERIES  20u // of a batch of meta.db
#define META    "/meta.db"

static const char *const s_names[CRASH_POINT_COUNT] = {
#define NAME_OF(name) [CRASH_##name] = #name,
    CRASH_POINTS(NAME_OF)
#undef NAME_OF
};

struct progress {
    uint32_t commits; // that returned
};
static struct progress *s_progress;                     // in memory that is shared with who works
static char s_shared[] = "/tmp/zpulse-progress-XXXXXX"; // the file of it

static unsigned s_hits[CRASH_POINT_COUNT];

// --- the work

// Commit k: a tile of each day that has a mark of at most k, and the mark k + 1.
static int
write_commit(block_files_t *files, uint32_t k, const uint64_t marks[DAYS])
{
    static uint8_t bytes[DAYS][LEN_MAX];
    const struct block_mark mark = { .stream = STREAM, .seq = k + 1 };
    struct block_tile tiles[DAYS];
    bool written[DAYS] = { false };
    size_t n = 0;

    for (unsigned day = 0; day < DAYS; day++)
        if (marks == NULL || marks[day] <= k) {
            tiles[n] = bed_tile(1 + k * DAYS + day, DAY + day, bytes[day]);
            n++;
        }
    return n == 0 ? 0 : block_files_write(files, 0, tiles, n, &mark, 1, written);
}

static void
ignore(void *arg, const char *name, const char *reason)
{
    (void) arg;
    (void) name;
    (void) reason;
}

// 0, or where it failed.
static int
work_blocks(const char *dir, uint32_t from, uint32_t to)
{
    const struct block_files_config config = { .dir = dir, .told_fn = ignore };
    block_files_t *files = NULL;

    if (block_files_open(&files, &config) < 0)
        return 2;
    for (uint32_t k = from; k < to; k++) {
        if (write_commit(files, k, NULL) < 0)
            return 3;
        s_progress->commits = k + 1;
        // All are closed each second time.
        if (block_files_tick(files, k % 2 == 0 ? 0 : k * BLOCK_FILES_IDLE_MS) < 0)
            return 4;
    }
    block_files_close(&files);
    return 0;
}

static int
expire(const char *dir)
{
    const struct block_limits limits = { .age_ms = { PARTITION_MS + 1 } };
    const struct block_files_config config = { .dir = dir, .told_fn = ignore };
    block_files_t *files = NULL;

    if (block_files_open(&files, &config) < 0)
        return 2;
    // Of the newest day and two before.
    if (block_files_expire(files, &limits, (DAY + DAYS - 1) * PARTITION_MS) < 0)
        return 3;
    block_files_close(&files);
    return 0;
}

static int
write_meta(meta_db_t *meta, uint32_t k)
{
    const struct meta_value value = { META_NEXT_TILE, k + 1 };
    struct meta_batch batch = { .n_series = SERIES, .values = &value, .n_values = 1 };
    struct meta_series series[SERIES];
    struct label_set labels;
    int rc;

    if (label_set_init(&labels, &(struct label){ LABEL_METRIC, "metric" }, 1) < 0)
        return -1;
    for (uint32_t i = 0; i < SERIES; i++)
        series[i] = (struct meta_series){ .id = k * SERIES + i + 1, .host = 1, .labels = &labels };
    batch.series = series;
    rc = meta_db_write(meta, &batch);
    label_set_release(&labels);
    return rc;
}

static int
work_meta(const char *dir)
{
    char path[160];
    meta_db_t *meta = NULL;

    snprintf(path, sizeof path, "%s" META, dir);
    if (meta_db_open(&meta, path) < 0)
        return 2;
    for (uint32_t k = 0; k < COMMITS; k++) {
        if (write_meta(meta, k) < 0 || (k % 2 == 1 && meta_db_checkpoint(meta, true) < 0))
            return 3;
        s_progress->commits = k + 1;
    }
    meta_db_close(&meta);
    return 0;
}

static int
work(const char *what, const char *dir)
{
    if (strcmp(what, "blocks") == 0)
        return work_blocks(dir, 0, COMMITS);
    if (strcmp(what, "more") == 0)
        return work_blocks(dir, COMMITS, COMMITS + 2);
    if (strcmp(what, "expire") == 0)
        return expire(dir);
    return work_meta(dir);
}

// --- a trial

// A process that works, and its end: exit code, or 128 and a signal.
static int
run_worker(const char *what, const char *dir, const char *at)
{
    const pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        if (at != NULL)
            setenv("ZPULSE_CRASH_AT", at, 1);
        execl("/proc/self/exe", "crash_blocks", "--work", what, dir, s_shared, (char *) NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void
told(void *arg, const char *name, const char *reason)
{
    (void) arg;
    fail_msg("%s was set aside: %s", name, reason);
}

static int
note_mark(void *arg, const struct block_name *name, const struct block_mark *mark)
{
    uint64_t *marks = arg;

    assert_int_equal(mark->stream, STREAM);
    assert_true(name->partition >= DAY && name->partition < DAY + DAYS);
    marks[name->partition - DAY] = mark->seq;
    return 0;
}

// Tiles of a day, a bit for each commit; bytes are as they were made.
static int
note_tile(void *arg, const struct block_tile *tile)
{
    uint64_t *seen = arg;
    uint8_t bytes[LEN_MAX];
    const uint64_t k = (tile->number - 1) / DAYS, day = (tile->number - 1) % DAYS;
    const struct block_tile should_be = bed_tile(tile->number, DAY + (int64_t) day, bytes);

    assert_true(k < 64);
    assert_int_equal(tile->first_ms, should_be.first_ms);
    assert_int_equal(tile->len, should_be.len);
    assert_memory_equal(tile->bytes, bytes, tile->len);
    assert_int_equal(seen[day] >> k & 1, 0);
    seen[day] |= UINT64_C(1) << k;
    return 0;
}

struct look {
    uint64_t marks[DAYS];
    uint64_t tiles[DAYS]; // a bit for each commit
};

static void
look(const char *dir, struct look *ret, bool may_tell, block_files_t **files_ret)
{
    const struct block_files_config config = { .dir = dir, .told_fn = may_tell ? ignore : told };
    block_reader_t *reader;

    *ret = (struct look){ 0 };
    assert_int_equal(block_files_open(files_ret, &config), 0);
    reader = block_reader_new(*files_ret);
    assert_int_equal(block_reader_marks(reader, note_mark, ret->marks), 0);
    assert_int_equal(block_reader_tiles(reader, 0, ALL, note_tile, ret->tiles), 0);
    block_reader_destroy(&reader);
}

static void
begin(struct bed *bed)
{
    *bed = (struct bed){ 0 };
    // A kill takes nothing from memory: it need not be a disk, which would take ten times as long.
    snprintf(bed->dir, sizeof bed->dir, "%s/zpulse-crash-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bed->dir));
    s_progress->commits = 0;
}

// The trial `fn` of each point for each time that it is come by; `fn` gets the exit code of `what`.
static void
each(const char *what, void (*before)(const char *dir), void (*after)(const char *dir))
{
    for (unsigned p = 0; p < CRASH_POINT_COUNT; p++) {
        bool hit = true;

        for (unsigned n = 1; hit; n++) {
            struct bed bed;
            char at[64];
            int code;

            assert_true(n < TIMES);
            begin(&bed);
            if (before != NULL)
                before(bed.dir);
            snprintf(at, sizeof at, "%s:%u", s_names[p], n);
            code = run_worker(what, bed.dir, at);
            if (code != 0 && code != 128 + SIGKILL)
                fail_msg("%s at %s: ended with %d", what, at, code);
            hit = code != 0;
            s_hits[p] += hit;
            after(bed.dir);
            assert_int_equal(folder_remove(bed.dir), 0);
        }
    }
}

// --- claims

// Each file has all of a commit or nothing, and its mark says which; then the rest is written.
static void
is_a_beginning(const char *dir)
{
    struct look now;
    block_files_t *files = NULL;
    const uint32_t sure = s_progress->commits;

    look(dir, &now, false, &files);
    for (unsigned day = 0; day < DAYS; day++) {
        assert_true(now.marks[day] >= sure && now.marks[day] <= sure + 1);
        assert_true(day == 0 || now.marks[day] <= now.marks[day - 1]); // earlier days first
        assert_int_equal(now.tiles[day], (UINT64_C(1) << now.marks[day]) - 1);
    }
    for (uint32_t k = 0; k < COMMITS; k++)
        assert_int_equal(write_commit(files, k, now.marks), 0);
    block_files_close(&files);
    store_names_check(dir);
    look(dir, &now, false, &files);
    for (unsigned day = 0; day < DAYS; day++)
        assert_int_equal(now.tiles[day], (UINT64_C(1) << COMMITS) - 1);
    block_files_close(&files);
}

static void
a_file_has_all_of_a_commit_or_nothing(void **state)
{
    (void) state;
    each("blocks", NULL, is_a_beginning);
}

// Files that were in use when somebody was killed, and one of them is no database any more.
static void
make_and_damage(const char *dir)
{
    char path[160];
    int fd;

    // The last commit leaves its log behind.
    assert_int_equal(run_worker("blocks", dir, "BLOCK_COMMITTED:20"), 128 + SIGKILL);
    snprintf(path, sizeof path, "%s/raw-0-20260102.db", dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, "this is no database", 19, 0), 19);
    close(fd);
    s_progress->commits = COMMITS;
}

static void
lacks_what_was_damaged(const char *dir)
{
    const uint64_t whole = (UINT64_C(1) << (COMMITS + 2)) - 1;
    struct look now;
    block_files_t *files = NULL;
    uint64_t marks[DAYS];

    look(dir, &now, true, &files);
    memcpy(marks, now.marks, sizeof marks);
    for (uint32_t k = COMMITS; k < COMMITS + 2; k++)
        assert_int_equal(write_commit(files, k, marks), 0);
    block_files_close(&files);
    assert_int_equal(store_names_check(dir), 1);
    look(dir, &now, false, &files);
    for (unsigned day = 0; day < DAYS; day++)
        assert_int_equal(now.tiles[day], day == 1 ? whole ^ ((UINT64_C(1) << COMMITS) - 1) : whole);
    block_files_close(&files);
}

static void
a_damaged_file_is_set_aside_once_and_whole(void **state)
{
    (void) state;
    each("more", make_and_damage, lacks_what_was_damaged);
}

static void
make(const char *dir)
{
    assert_int_equal(run_worker("blocks", dir, "BLOCK_COMMITTED:20"), 128 + SIGKILL);
}

static void
lacks_whole_days(const char *dir)
{
    const uint64_t whole = (UINT64_C(1) << COMMITS) - 1;
    struct look now;
    block_files_t *files = NULL;

    look(dir, &now, false, &files);
    for (unsigned day = 0; day < DAYS; day++)
        assert_true((day < DAYS - 3 && now.tiles[day] == 0) || now.tiles[day] == whole);
    block_files_close(&files);
    assert_int_equal(expire(dir), 0);
    store_names_check(dir);
    look(dir, &now, false, &files);
    for (unsigned day = 0; day < DAYS; day++)
        assert_int_equal(now.tiles[day], day < DAYS - 3 ? 0 : whole);
    block_files_close(&files);
}

static void
a_day_that_is_too_old_goes_whole(void **state)
{
    (void) state;
    each("expire", make, lacks_whole_days);
}

static int
count_series(void *arg, const struct meta_series *series)
{
    uint32_t *n = arg;

    assert_int_equal(series->id, ++*n);
    return 0;
}

static void
has_whole_batches(const char *dir)
{
    meta_db_t *meta = NULL;
    uint64_t batches = 0;
    uint32_t series = 0;
    char path[160];

    snprintf(path, sizeof path, "%s" META, dir);
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(meta_db_series(meta, count_series, &series), 0);
    assert_int_equal(meta_db_number(meta, META_NEXT_TILE, &batches), 0);
    assert_true(batches >= s_progress->commits && batches <= s_progress->commits + 1);
    assert_int_equal(series, batches * SERIES);
    for (uint32_t k = (uint32_t) batches; k < COMMITS; k++)
        assert_int_equal(write_meta(meta, k), 0);
    meta_db_close(&meta);
    store_names_check(dir);
}

static void
meta_db_has_all_of_a_batch_or_nothing(void **state)
{
    (void) state;
    each("meta", NULL, has_whole_batches);
}

// Those of the journal are not its affair.
static void
every_point_of_the_files_was_an_end(void **state)
{
    unsigned ends = 0;

    (void) state;
    for (unsigned p = CRASH_ROOM_MADE; p <= CRASH_BLOCK_UNLINKED; p++) {
        if (s_hits[p] == 0)
            fail_msg("never ended at %s", s_names[p]);
        ends += s_hits[p];
    }
    print_message("%u ends\n", ends);
}

// With `bytes` the file gets them first.
static bool
share(const char *path, size_t bytes)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd == -1 || (bytes > 0 && ftruncate(fd, (off_t) bytes) == -1))
        return false;
    s_progress = mmap(NULL, sizeof *s_progress, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return s_progress != MAP_FAILED;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_all_of_a_commit_or_nothing),
        cmocka_unit_test(a_damaged_file_is_set_aside_once_and_whole),
        cmocka_unit_test(a_day_that_is_too_old_goes_whole),
        cmocka_unit_test(meta_db_has_all_of_a_batch_or_nothing),
        cmocka_unit_test(every_point_of_the_files_was_an_end),
    };
    int rc;

    if (argc == 5 && strcmp(argv[1], "--work") == 0)
        return share(argv[4], 0) ? work(argv[2], argv[3]) : 1;
    rc = mkstemp(s_shared);
    if (rc == -1 || !share(s_shared, sizeof *s_progress))
        return 1;
    close(rc);
    rc = cmocka_run_group_tests_name("crash_blocks", tests, NULL, NULL);
    unlink(s_shared);
    return rc;
}

// crash_merge - days that are merged, ended at every crash point every time that it is come by:
// the store says what it said before, nothing else is left, and the rest is merged at the next
// start.
//
// Belongs to the faults: it is built with crash points, in their tree. Each trial is a process of
// its own, this program again.
//
// usage: crash_merge [--work DIR]

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/crash_point.h"
#include "tests/support/folder.h"
#include "tests/support/store_names.h"
#include "tests/unit/collector/merge_bed.h"

#define DAYS  2u
#define TIMES 200u // that a point may be come by in one trial

static const char *const s_names[CRASH_POINT_COUNT] = {
#define NAME_OF(name) [CRASH_##name] = #name,
    CRASH_POINTS(NAME_OF)
#undef NAME_OF
};

static unsigned s_hits[CRASH_POINT_COUNT];
static struct buf s_before, s_after;

static void
told(void *arg, const char *name, const char *reason)
{
    (void) arg;
    fail_msg("%s was set aside: %s", name, reason);
}

static block_files_t *
open_files(const char *dir)
{
    const struct block_files_config config = { .dir = dir, .told_fn = told };
    block_files_t *files = NULL;

    assert_int_equal(block_files_open(&files, &config), 0);
    return files;
}

static int
work(const char *dir)
{
    block_files_t *files = open_files(dir);
    const uint64_t merged = merge_all(files, MERGE_OLD_MS, UINT64_MAX).merged;

    block_files_close(&files);
    return merged == DAYS ? 0 : 3;
}

static int
run_worker(const char *dir, const char *at)
{
    const pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        setenv("ZPULSE_CRASH_AT", at, 1);
        execl("/proc/self/exe", "crash_merge", "--work", dir, (char *) NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void
make(char dir[64])
{
    block_files_t *files;
    block_reader_t *reader;

    // A kill takes nothing from memory: it need not be a disk, which would take ten times as long.
    snprintf(dir, 64, "%s/zpulse-crash-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(dir));
    files = open_files(dir);
    for (unsigned day = 0; day < DAYS; day++)
        merge_put_day(files, MERGE_DAY + day, 1 + 100 * day);
    reader = block_reader_new(files);
    (void) merge_tell(&s_before, reader);
    block_reader_destroy(&reader);
    block_files_close(&files);
}

// At once, and once all is merged.
static void
says_the_same(const char *dir)
{
    for (unsigned i = 0; i < 2; i++) {
        block_files_t *files = open_files(dir);
        block_reader_t *reader;
        struct block_stat stat;

        assert_int_equal(store_names_check(dir), 0);
        if (i > 0)
            (void) merge_all(files, MERGE_OLD_MS, UINT64_MAX);
        reader = block_reader_new(files);
        (void) merge_tell(&s_after, reader);
        assert_int_equal(s_after.len, s_before.len);
        assert_memory_equal(s_after.at, s_before.at, s_before.len);
        assert_int_equal(block_reader_stat(reader, &stat), 0);
        assert_true(i == 0 || stat.number < BLOCK_MERGED_BELOW);
        block_reader_destroy(&reader);
        block_files_close(&files);
    }
    assert_int_equal(store_names_check(dir), 0);
}

static void
a_merge_that_is_ended_anywhere_takes_and_adds_nothing(void **state)
{
    (void) state;
    for (unsigned p = 0; p < CRASH_POINT_COUNT; p++) {
        bool hit = true;

        for (unsigned n = 1; hit; n++) {
            char dir[64];
            char at[64];
            int code;

            assert_true(n < TIMES);
            make(dir);
            snprintf(at, sizeof at, "%s:%u", s_names[p], n);
            code = run_worker(dir, at);
            if (code != 0 && code != 128 + SIGKILL)
                fail_msg("at %s: ended with %d", at, code);
            hit = code != 0;
            s_hits[p] += hit;
            says_the_same(dir);
            assert_int_equal(folder_remove(dir), 0);
        }
    }
    buf_release(&s_before);
    buf_release(&s_after);
}

static void
every_point_of_a_merge_was_an_end(void **state)
{
    (void) state;
    for (unsigned p = CRASH_MERGE_MADE; p < CRASH_POINT_COUNT; p++)
        if (s_hits[p] < DAYS)
            fail_msg("ended %u times at %s", s_hits[p], s_names[p]);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merge_that_is_ended_anywhere_takes_and_adds_nothing),
        cmocka_unit_test(every_point_of_a_merge_was_an_end),
    };

    if (argc == 3 && strcmp(argv[1], "--work") == 0)
        return work(argv[2]);
    return cmocka_run_group_tests_name("crash_merge", tests, NULL, NULL);
}

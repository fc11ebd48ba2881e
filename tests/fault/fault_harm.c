// fault_harm - disks and files of the store that are not as they should be: full, not to be written
// to, damaged, or of some time ago. What is acknowledged and can be read is there once; what can
// not is told of, and never becomes other numbers.

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "tests/support/chaos.h"
#include "tests/support/rig.h"
#include "tests/support/seeded.h"
#include "tests/support/small_disk.h"
#include "tests/support/spool_harm.h"

#define MIB       ((size_t) 1024 * 1024)
#define PER_S     2000 // rows of each host
#define HOSTS     2
#define COMMIT_MS 2000 // the store commits each second
#define BITS      2    // that flip in a file
#define SAID_MS   20000
#define SETTLE_MS 60000
#define FILE_MOST (256 * MIB)
#define ROUND_S   30 // of the time there is

static rig_t *s_rig;
static char s_disk[200]; // what is mounted; "": nothing
static bool s_has_disk;
static uint64_t s_seed;
static bool s_told; // of a file that was set aside

static int
s_end(void **state)
{
    (void) state;
    while (s_disk[0] != '\0' && umount2(s_disk, MNT_DETACH) == 0)
        continue;
    s_disk[0] = '\0';
    s_told = false;
    rig_destroy(&s_rig);
    return 0;
}

static void
s_open(void)
{
    s_rig = rig_new(&(struct rig_options){ .hosts = HOSTS, .seed = seeded_next(&s_seed) });
}

static int
s_rounds(void)
{
    return 1 + chaos_seconds(ROUND_S) / ROUND_S;
}

static void
s_run(int ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;

    while (clock_mono_ms() < until_ms && rig_turn(s_rig, PER_S))
        poll(NULL, 0, 1);
}

// Feeds on until the collector has said it.
static bool
s_says(const char *text)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(SAID_MS);

    while (strstr(process_err(rig_collector(s_rig)), text) == NULL) {
        if (clock_mono_ms() > until_ms || !rig_turn(s_rig, PER_S))
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

static void
s_path(char ret[400], const char *name)
{
    snprintf(ret, 400, "%s/%s", rig_store(s_rig), name);
}

// Feeds on until that file of the store has something in it.
static bool
s_is_written(const char *name)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(SAID_MS);
    char path[400];
    struct stat st;

    s_path(path, name);
    while (stat(path, &st) != 0 || st.st_size == 0) {
        if (clock_mono_ms() > until_ms || !rig_turn(s_rig, PER_S))
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

// --- disks

// A file system of its own over the folder, all but `left` bytes of it full.
static void
s_mount(const char *dir, size_t bytes, size_t left)
{
    char path[400];
    struct stat st;

    if (!s_has_disk) {
        print_message("no file system can be mounted here: nothing is tested\n");
        skip();
    }
    assert_int_equal(file_make_dirs(dir), 0);
    snprintf(s_disk, sizeof s_disk, "%s", dir);
    assert_true(small_disk_enter(dir, bytes));
    if (left >= bytes)
        return;
    small_disk_fill(dir, false, 0);
    snprintf(path, sizeof path, "%s" SMALL_DISK_FILLER, dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - (off_t) left), 0);
}

// The journal has it, and the store takes it once there is room.
static void
a_full_disk_of_the_store_alone_loses_nothing(void **state)
{
    uint64_t acked;

    (void) state;
    s_open();
    s_mount(rig_store(s_rig), 16 * MIB, MIB);
    rig_start(s_rig, NULL);
    claim(rig_stage(s_rig), s_says("full"));
    acked = rig_acked(s_rig);
    s_run(COMMIT_MS);
    claim(rig_stage(s_rig), rig_acked(s_rig) > acked);
    rig_kill(s_rig, SIGKILL);
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    small_disk_free(s_disk);
    claim(rig_stage(s_rig), rig_settle(s_rig, SETTLE_MS));
    rig_kill(s_rig, SIGKILL);
    rig_finish(s_rig, INT64_MIN);
}

static void
a_full_disk_of_everything_loses_nothing(void **state)
{
    char data[200];

    (void) state;
    s_open();
    snprintf(data, sizeof data, "%s", rig_store(s_rig));
    *strrchr(data, '/') = '\0';
    s_mount(data, 80 * MIB, 36 * MIB);
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    small_disk_fill(s_disk, false, 0);
    claim(rig_stage(s_rig), s_says("full"));
    s_run(COMMIT_MS);
    rig_kill(s_rig, SIGKILL);
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    small_disk_free(s_disk);
    claim(rig_stage(s_rig), rig_settle(s_rig, SETTLE_MS));
    rig_kill(s_rig, SIGKILL);
    rig_finish(s_rig, INT64_MIN);
}

static void
a_store_that_can_not_be_written_is_told_of_at_the_start(void **state)
{
    (void) state;
    s_open();
    s_mount(rig_store(s_rig), 64 * MIB, 64 * MIB);
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    rig_kill(s_rig, SIGKILL);
    assert_int_equal(mount(NULL, s_disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    rig_start(s_rig, NULL);
    claim(rig_stage(s_rig), process_ended(rig_collector(s_rig), stage_ms(SAID_MS)));
    claim(rig_stage(s_rig),
          strstr(process_err(rig_collector(s_rig)), "read-only file system") != NULL);
    assert_int_not_equal(rig_reap(s_rig), 0);
    assert_int_equal(mount(NULL, s_disk, NULL, MS_REMOUNT, "size=64m"), 0);
    rig_finish(s_rig, INT64_MIN);
}

// --- files

// The block file of a day, so many before the one of the first rows.
static void
s_block(char ret[64], int days, const char *beside)
{
    const time_t at = (time_t) (clock_real_ms() / 1000 - 3600 - days * 86400);
    struct tm day;

    gmtime_r(&at, &day);
    strftime(ret, 32, "raw-0-%Y%m%d.db", &day);
    strcat(ret, beside);
}

// Some bits, anywhere. False: there is no such file, or nothing in it.
static bool
s_flip(const char *name)
{
    char path[400];
    struct stat st;
    int fd;

    s_path(path, name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd == -1)
        return false;
    assert_int_equal(fstat(fd, &st), 0);
    for (unsigned i = 0; i < BITS && st.st_size > 0; i++) {
        const off_t at = (off_t) seeded_below(&s_seed, (uint32_t) st.st_size);
        uint8_t byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (uint8_t) (1u << seeded_below(&s_seed, 8));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        print_message("%s: byte %jd of %jd\n", name, (intmax_t) at, (intmax_t) st.st_size);
    }
    close(fd);
    return st.st_size > 0;
}

// It has ended by itself, and said why.
static void
s_has_ended(void)
{
    claim(rig_stage(s_rig), process_ended(rig_collector(s_rig), stage_ms(SAID_MS)));
    claim(rig_stage(s_rig), strstr(process_err(rig_collector(s_rig)), "level=error") != NULL);
    assert_in_range(rig_reap(s_rig), 1, 127);
}

// What is there is right; what is not there is told of. False: it has ended by itself.
static bool
s_is_right(bool all)
{
    struct numbered_verdict v;

    if (!rig_verdict(s_rig, INT64_MIN, &v)) {
        s_has_ended();
        return false;
    }
    if (v.missing > 0 || v.doubled > 0 || v.foreign > 0)
        print_message("found %zu, missing %zu, doubled %zu, foreign %zu\n%s", v.found, v.missing,
                      v.doubled, v.foreign, rig_said(s_rig));
    claim(rig_stage(s_rig), v.doubled == 0);
    claim(rig_stage(s_rig), v.foreign == 0);
    claim(rig_stage(s_rig), v.missing == 0 || !all);
    claim(rig_stage(s_rig), v.missing == 0 || s_told || strstr(rig_said(s_rig), "damaged") != NULL);
    return true;
}

// Starts, and feeds until all is acknowledged. False: it has ended by itself, and said why.
static bool
s_goes_on(void)
{
    bool settled;

    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    settled = rig_settle(s_rig, SETTLE_MS);
    s_told = s_told || strstr(process_err(rig_collector(s_rig)), "is set aside") != NULL;
    if (settled)
        return true;
    s_has_ended();
    return false;
}

static void
s_flip_and_go_on(const char *name, int sig)
{
    char from[400], copy[400];

    s_open();
    snprintf(copy, sizeof copy, "%s/copy", stage_dir(rig_stage(s_rig)));
    snprintf(from, sizeof from, "%s", rig_store(s_rig));
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    for (int round = 0; round < s_rounds(); round++) {
        claim(rig_stage(s_rig), s_is_written(name));
        rig_kill(s_rig, sig);
        spool_harm_copy(from, copy);
        claim(rig_stage(s_rig), s_flip(name));
        if (!s_goes_on() || !s_is_right(false)) {
            print_message("ended, and said so: put back\n");
            spool_harm_copy(copy, from);
            claim(rig_stage(s_rig), s_goes_on());
            claim(rig_stage(s_rig), s_is_right(false));
        }
    }
    rig_kill(s_rig, SIGTERM);
}

static void
a_flipped_bit_of_a_block_file_changes_nothing(void **state)
{
    char name[64];

    (void) state;
    s_block(name, 0, "");
    s_flip_and_go_on(name, SIGTERM);
}

static void
a_flipped_bit_of_a_block_files_log_changes_nothing(void **state)
{
    char name[64];

    (void) state;
    s_block(name, 0, "-wal");
    s_flip_and_go_on(name, SIGKILL);
}

static void
a_flipped_bit_of_meta_db_changes_nothing(void **state)
{
    (void) state;
    s_flip_and_go_on("meta.db", SIGTERM);
}

static void
a_flipped_bit_of_meta_dbs_log_changes_nothing(void **state)
{
    (void) state;
    s_flip_and_go_on("meta.db-wal", SIGKILL);
}

static void
s_copy(const char *from, const char *to)
{
    struct buf bytes = { 0 };

    assert_true(file_read(&bytes, AT_FDCWD, from, FILE_MOST) > 0);
    assert_int_equal(file_write_atomic(to, bytes.at, bytes.len, 0600), 0);
    buf_release(&bytes);
}

// The file is put back as it was a stop before; hosts that came since have series that it lacks,
// and others come.
static void
s_set_back(const char *name)
{
    char path[400], old[400], newer[400];
    bool goes_on;

    s_open();
    s_path(path, name);
    snprintf(old, sizeof old, "%s/old", stage_dir(rig_stage(s_rig)));
    snprintf(newer, sizeof newer, "%s/newer", stage_dir(rig_stage(s_rig)));
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    rig_kill(s_rig, SIGTERM);
    s_copy(path, old);
    rig_add_host(s_rig);
    rig_start(s_rig, NULL);
    s_run(COMMIT_MS);
    rig_kill(s_rig, SIGTERM);
    s_copy(path, newer);
    s_copy(old, path);
    rig_add_host(s_rig);
    goes_on = s_goes_on() && s_is_right(false);
    if (!goes_on) {
        print_message("ended, and said so: put back\n");
        s_copy(newer, path);
        claim(rig_stage(s_rig), s_goes_on());
        claim(rig_stage(s_rig), s_is_right(true));
    }
    rig_kill(s_rig, SIGTERM);
    claim(rig_stage(s_rig), s_goes_on());
    claim(rig_stage(s_rig), s_is_right(!goes_on));
    rig_kill(s_rig, SIGTERM);
}

static void
an_older_copy_of_a_block_file_doubles_and_changes_nothing(void **state)
{
    char name[64];

    (void) state;
    s_block(name, 0, "");
    s_set_back(name);
}

static void
an_older_copy_of_meta_db_doubles_and_changes_nothing(void **state)
{
    (void) state;
    s_set_back("meta.db");
}

static int
s_begin(void **state)
{
    (void) state;
    s_seed = chaos_seed();
    return 0;
}

#define harm_test(claim) cmocka_unit_test_teardown(claim, s_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        harm_test(a_full_disk_of_the_store_alone_loses_nothing),
        harm_test(a_full_disk_of_everything_loses_nothing),
        harm_test(a_store_that_can_not_be_written_is_told_of_at_the_start),
        harm_test(a_flipped_bit_of_a_block_file_changes_nothing),
        harm_test(a_flipped_bit_of_a_block_files_log_changes_nothing),
        harm_test(a_flipped_bit_of_meta_db_changes_nothing),
        harm_test(a_flipped_bit_of_meta_dbs_log_changes_nothing),
        harm_test(an_older_copy_of_a_block_file_doubles_and_changes_nothing),
        harm_test(an_older_copy_of_meta_db_doubles_and_changes_nothing),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's
    char dir[] = "/tmp/zpulse-harm-XXXXXX";

    // Before the first thread.
    assert_non_null(mkdtemp(dir));
    s_has_disk = small_disk_enter(dir, MIB);
    umount2(dir, MNT_DETACH);
    rmdir(dir);
    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_harm", tests, s_begin, NULL);
}

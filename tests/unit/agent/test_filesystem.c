// test_filesystem - tables of mounts and a statvfs of our own, tick by tick.
//
// A tick tells what was asked before it, so a test settles first: it waits until the round is over.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/proc/filesystem.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "tests/unit/agent/family_bench.h"

#define STUCK_MS    300
#define DEADLINE_MS 20000
#define OF(metric, device, type, point)                                                 \
    "node_filesystem_" metric "{device=\"" device "\",fstype=\"" type "\",job=\"node\"" \
    ",mountpoint=\"" point "\"} "
#define STALE "NaN" // as the mark of an end is printed

// What the file systems of a test do.
static struct world {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool hang; // "/hang" does not answer while it is set
    int inside;
    char asked[1024]; // points, in order, each with a space behind it
    struct statvfs fs;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };

static int
ask(int root_fd, const char *point, union slow_value *ret)
{
    (void) root_fd;
    pthread_mutex_lock(&world.lock);
    strcat(strcat(world.asked, point), " ");
    world.inside++;
    while (world.hang && strcmp(point, "/hang") == 0)
        pthread_cond_wait(&world.opened, &world.lock);
    world.inside--;
    ret->fs = world.fs;
    pthread_mutex_unlock(&world.lock);
    return strcmp(point, "/bad") == 0 ? -EIO : 0;
}

static void
set_hang(bool hang)
{
    pthread_mutex_lock(&world.lock);
    world.hang = hang;
    pthread_cond_broadcast(&world.opened);
    pthread_mutex_unlock(&world.lock);
}

static void *
make(const struct proc_setup *setup)
{
    return filesystem_new(setup, ask, STUCK_MS);
}

static struct proc_family family; // filesystem_family with our statvfs
static char folder[64];
static proc_root_t *root;

static int
setup(void **state)
{
    char proc[80];

    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    family = filesystem_family;
    family.make = make;
    world.asked[0] = '\0';
    world.fs = (struct statvfs){
        .f_bsize = 65536, // not what the blocks are counted in
        .f_frsize = 4096,
        .f_blocks = 1000,
        .f_bfree = 500,
        .f_bavail = 400,
        .f_files = 64,
        .f_ffree = 32,
    };
    strcpy(folder, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(proc, sizeof proc, "%s/proc", folder);
    assert_int_equal(mkdir(proc, 0700), 0);
    return proc_root_open(&root, folder);
}

static int
teardown(void **state)
{
    char proc[80];

    (void) state;
    set_hang(false);
    proc_root_close(&root);
    snprintf(proc, sizeof proc, "%s/proc", folder);
    return rmdir(proc) == 0 ? rmdir(folder) : -1;
}

// A bench whose first two ticks have ordered what `mounts` holds, for as soon after as the second
// followed the first. They told nothing, since nothing was asked before.
static struct family_bench
bench(const char *mounts, const name_filter_t *fstype)
{
    struct family_bench b = family_bench(
        &family, &(struct proc_setup){ .root = root, .filters[PROC_FILTER_FSTYPE] = fstype });

    assert_int_equal(FAMILY_TICK(&b, mounts), 0);
    assert_int_equal(family_samples(&b), 0);
    FAMILY_TICK(&b, mounts);
    return b;
}

// The round that the tick before has ordered, which may be under way; a tick that orders another,
// to begin at once; that round; and the tick that tells it.
static void
round_of(struct family_bench *b, const char *mounts)
{
    b->family->settle(b->state, DEADLINE_MS);
    FAMILY_TICK(b, mounts);
    b->family->settle(b->state, DEADLINE_MS);
    FAMILY_TICK(b, mounts);
}

static void
series_have_the_names_and_units_of_node_exporter(void **state)
{
    static const char *const wanted[] = {
        OF("size_bytes", "/dev/sda1", "ext4", "/") "4096000",
        OF("free_bytes", "/dev/sda1", "ext4", "/") "2048000",
        OF("avail_bytes", "/dev/sda1", "ext4", "/") "1638400",
        OF("files", "/dev/sda1", "ext4", "/") "64",
        OF("files_free", "/dev/sda1", "ext4", "/") "32",
        OF("readonly", "/dev/sda1", "ext4", "/") "0",
        OF("device_error", "/dev/sda1", "ext4", "/") "0",
        OF("readonly", "nas:/x", "nfs4", "/srv/a b") "1",
        OF("size_bytes", "nas:/x", "nfs4", "/srv/a b") "4096000",
    };
    static const char mounts[] = "/dev/sda1 / ext4 rw,relatime 0 0\n"
                                 "nas:/x /srv/a\\040b nfs4 ro,soft 0 0\n";
    struct family_bench b = bench(mounts, NULL);

    (void) state;
    round_of(&b, mounts);
    assert_int_equal(family_samples(&b), 14);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!family_tells(&b, wanted[i]))
            fail_msg("not told: %s", wanted[i]);
    family_bench_end(&b);
}

static void
an_error_is_told_alone(void **state)
{
    static const char mounts[] = "d /bad ext4 rw 0 0\nd / ext4 rw 0 0\n";
    struct family_bench b = bench(mounts, NULL);

    (void) state;
    round_of(&b, mounts);
    assert_int_equal(family_samples(&b), 1 + 7);
    assert_true(family_tells(&b, OF("device_error", "d", "ext4", "/bad") "1"));
    assert_true(family_tells(&b, OF("device_error", "d", "ext4", "/") "0"));
    family_bench_end(&b);
}

static void
a_mount_that_hangs_is_an_error_and_the_others_are_told_on(void **state)
{
    static const char mounts[] = "a / ext4 rw 0 0\nb /hang nfs rw 0 0\nc /c ext4 rw 0 0\n";
    struct family_bench b = bench(mounts, NULL);
    const int64_t deadline = clock_mono_ms() + DEADLINE_MS;

    (void) state;
    round_of(&b, mounts);
    assert_int_equal(family_samples(&b), 3 * 7);
    set_hang(true);
    round_of(&b, mounts);
    assert_true(family_tells(&b, OF("device_error", "b", "nfs", "/hang") "1"));
    assert_false(family_tells(&b, OF("size_bytes", "b", "nfs", "/hang") "4096000"));
    assert_true(family_tells(&b, OF("size_bytes", "a", "ext4", "/") "4096000"));
    assert_true(family_tells(&b, OF("size_bytes", "c", "ext4", "/c") "4096000"));
    round_of(&b, mounts);
    assert_int_equal(family_samples(&b), 7 + 1 + 7);
    assert_true(filesystem_family.hangs(b.state));
    // It comes back as soon as it answers.
    set_hang(false);
    while (!family_tells(&b, OF("device_error", "b", "nfs", "/hang") "0")) {
        assert_true(clock_mono_ms() < deadline);
        nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
        FAMILY_TICK(&b, mounts);
    }
    assert_true(family_tells(&b, OF("size_bytes", "b", "nfs", "/hang") "4096000"));
    assert_false(filesystem_family.hangs(b.state));
    family_bench_end(&b);
}

static void
what_is_hidden_or_left_out_is_not_even_asked(void **state)
{
    static const char mounts[] = "rootfs / rootfs rw 0 0\n"
                                 "proc /proc proc rw 0 0\n"
                                 "a / ext4 rw 0 0\n"
                                 "b /b ext4 rw 0 0\n";
    char error[NAME_FILTER_ERROR_SIZE];
    name_filter_t *filter;
    struct family_bench b;

    (void) state;
    assert_int_equal(name_filter_new(&filter, NULL, "^proc$", error), 0);
    b = bench(mounts, filter);
    filesystem_family.settle(b.state, DEADLINE_MS);
    assert_string_equal(world.asked, "/ /b ");
    FAMILY_TICK(&b, mounts);
    assert_int_equal(family_samples(&b), 2 * 7);
    assert_true(family_tells(&b, OF("device_error", "a", "ext4", "/") "0"));
    family_bench_end(&b);
    name_filter_destroy(&filter);
}

static void
what_is_no_longer_mounted_ends_at_once(void **state)
{
    static const char both[] = "a / ext4 rw 0 0\nusb /media/usb vfat rw 0 0\n";
    struct family_bench b = bench(both, NULL);

    (void) state;
    round_of(&b, both);
    assert_int_equal(family_samples(&b), 2 * 7);
    FAMILY_TICK(&b, "a / ext4 rw 0 0\n");
    assert_true(family_tells(&b, OF("size_bytes", "usb", "vfat", "/media/usb") STALE));
    assert_true(family_tells(&b, OF("size_bytes", "a", "ext4", "/") "4096000"));
    // In other places, and one of them new.
    round_of(&b, "usb /media/usb vfat rw 0 0\nb /b xfs rw 0 0\na / ext4 rw 0 0\n");
    assert_int_equal(family_samples(&b), 3 * 7);
    assert_true(family_tells(&b, OF("size_bytes", "b", "xfs", "/b") "4096000"));
    family_bench_end(&b);
}

static void
the_agents_own_table_serves_where_that_of_1_may_not_be_read(void **state)
{
    static const char mounts[] = "a / ext4 rw 0 0\n";
    struct family_bench b = bench(mounts, NULL);

    (void) state;
    round_of(&b, mounts);
    FAMILY_TICK(&b, NULL, mounts);
    assert_int_equal(family_samples(&b), 7);
    // Where both are there, the first one counts.
    // Where the first serves, the second is not even read.
    assert_int_equal(b.family->head(b.state, 0), 0);
    assert_int_equal(b.family->sample(b.state, b.table, 0, mounts, strlen(mounts)), 0);
    assert_true(b.family->head(b.state, 1) == PROC_HEAD_NONE);
    FAMILY_TICK(&b, mounts, "other /other ext4 rw 0 0\n");
    assert_int_equal(family_samples(&b), 7);
    FAMILY_TICK(&b, NULL, NULL);
    assert_true(family_tells(&b, OF("size_bytes", "a", "ext4", "/") STALE));
    assert_int_equal(FAMILY_TICK(&b, "malformed\n"), ERR_FORMAT);
    assert_int_equal(family_samples(&b), 0);
    FAMILY_TICK(&b, mounts);
    assert_int_equal(family_samples(&b), 7);
    family_bench_end(&b);
}

static void
numbers_beyond_an_integer_are_rounded_not_wrapped(void **state)
{
    static const char mounts[] = "a / ext4 rw 0 0\n";
    struct family_bench b = bench(mounts, NULL);

    (void) state;
    world.fs.f_blocks = UINT64_C(1) << 62;
    world.fs.f_files = UINT64_MAX;
    round_of(&b, mounts);
    assert_true(family_tells(&b, OF("size_bytes", "a", "ext4", "/") "1.888946593147858e+22"));
    assert_true(family_tells(&b, OF("files", "a", "ext4", "/") "18446744073709552000"));
    family_bench_end(&b);
}

static void
a_name_of_any_bytes_becomes_a_label(void **state)
{
    static const char mounts[] = "a /b\\377\\303\\244c ext4 rw 0 0\n";
    struct family_bench b = bench(mounts, NULL);

    (void) state;
    round_of(&b, mounts);
    assert_true(family_tells(&b, OF("device_error", "a", "ext4",
                                    "/b\xef\xbf\xbd\xc3\xa4"
                                    "c") "0"));
    family_bench_end(&b);
}

static void
statvfs_is_asked_below_the_root(void **state)
{
    const int data = open("tests/data", O_PATH | O_DIRECTORY);
    union slow_value below, slash;
    struct statvfs there;

    (void) state;
    assert_int_equal(filesystem_ask(data, "/proc", &below), 0);
    assert_int_equal(statvfs("tests/data/proc", &there), 0);
    assert_int_equal(below.fs.f_blocks, there.f_blocks);
    assert_int_equal(below.fs.f_frsize, there.f_frsize);
    assert_int_equal(filesystem_ask(data, "/", &slash), 0);
    assert_int_equal(slash.fs.f_blocks, there.f_blocks);
    assert_int_equal(filesystem_ask(data, "/no/such", &slash), -ENOENT);
    close(data);
}

// The folder of a laptop has no /home: an error. Its / is there.
static void
mount_points_lie_below_the_root_folder(void **state)
{
    struct buf text = fixture("laptop", "1/mounts");
    struct family_bench b;
    proc_root_t *laptop;

    (void) state;
    assert_int_equal(proc_root_open(&laptop, "tests/data/proc/laptop"), 0);
    b = family_bench(&filesystem_family, &(struct proc_setup){ .root = laptop });
    filesystem_family.settle(b.state, DEADLINE_MS);
    FAMILY_TICK(&b, buf_cstr(&text));
    assert_true(family_tells(&b, OF("device_error", "/dev/nvme0n1p2", "ext4", "/") "0"));
    assert_true(family_tells(&b, OF("device_error", "/dev/mapper/vg-home", "xfs", "/home") "1"));
    family_bench_end(&b);
    proc_root_close(&laptop);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(series_have_the_names_and_units_of_node_exporter, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_error_is_told_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mount_that_hangs_is_an_error_and_the_others_are_told_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_hidden_or_left_out_is_not_even_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_longer_mounted_ends_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_agents_own_table_serves_where_that_of_1_may_not_be_read,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_beyond_an_integer_are_rounded_not_wrapped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_name_of_any_bytes_becomes_a_label, setup, teardown),
        cmocka_unit_test_setup_teardown(statvfs_is_asked_below_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(mount_points_lie_below_the_root_folder, setup, teardown),
    };
    return cmocka_run_group_tests_name("filesystem", tests, NULL, NULL);
}

// file - whole files in, however they come, and whole files out.

#include "shared/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/base/err.h"

struct folder {
    char path[64];
    char name[128]; // of the last s_in
};

static const char *
in(struct folder *f, const char *name)
{
    snprintf(f->name, sizeof f->name, "%s/%s", f->path, name);
    return f->name;
}

static int
make_folder(void **state)
{
    struct folder *f = calloc(1, sizeof *f);

    snprintf(f->path, sizeof f->path, "/tmp/test_file.XXXXXX");
    *state = f;
    return mkdtemp(f->path) == NULL;
}

static int
remove_folder(void **state)
{
    static const char *const names[] = { "f", "f.new", "a/b/c", "a/b", "a", "" };
    struct folder *f = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(in(f, names[i]));
    free(f);
    return 0;
}

static void
a_file_of_any_length_comes_back_whole(void **state)
{
    static const size_t lengths[] = { 0, 1, 4095, 4096, 4097, 8192, 300000 };
    struct folder *f = *state;
    char *text = malloc(300000);
    struct buf b = { 0 };

    for (size_t i = 0; i < 300000; i++)
        text[i] = (char) (i * 31);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(file_write_atomic(in(f, "f"), text, lengths[i], 0600), 0);
        assert_int_equal(file_read(&b, AT_FDCWD, in(f, "f"), 300000), lengths[i]);
        assert_int_equal(b.len, lengths[i]);
        if (lengths[i] > 0)
            assert_memory_equal(b.at, text, lengths[i]);
    }
    buf_release(&b);
    free(text);
}

static void
a_file_of_proc_may_be_read_again_and_again(void **state)
{
    struct buf b = { 0 };
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    (void) state;
    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) {
        assert_true(file_read_fd(&b, fd, 100000) > 0);
        assert_memory_equal(b.at, "Name:", 5);
    }
    close(fd);
    buf_release(&b);
}

// Of all files that the agent reads, the kernel gives a short one whole at the first read.
static void
a_short_file_of_proc_is_whole_at_the_first_read(void **state)
{
    static const char *const paths[] = { "/proc/stat",          "/proc/meminfo",
                                         "/proc/loadavg",       "/proc/vmstat",
                                         "/proc/diskstats",     "/proc/net/dev",
                                         "/proc/net/snmp",      "/proc/net/sockstat",
                                         "/proc/sys/fs/file-nr" };
    struct buf b = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        char more;

        if (fd == -1)
            continue; // of another kernel
        assert_true(file_read_short(&b, fd, 1u << 24, 2048) > 0);
        assert_int_equal(pread(fd, &more, 1, (off_t) b.len), 0);
        close(fd);
    }
    buf_release(&b);
}

static void
a_file_longer_than_allowed_is_refused(void **state)
{
    struct folder *f = *state;
    struct buf b = { 0 };

    assert_int_equal(file_write_atomic(in(f, "f"), "12345", 5, 0600), 0);
    assert_int_equal(file_read(&b, AT_FDCWD, in(f, "f"), 5), 5);
    assert_int_equal(file_read(&b, AT_FDCWD, in(f, "f"), 4), ERR_LIMIT);
    buf_release(&b);
}

static void
a_file_that_is_missing_is_said_to_be(void **state)
{
    struct folder *f = *state;
    struct buf b = { 0 };

    assert_int_equal(file_read(&b, AT_FDCWD, in(f, "nothing"), 10), -ENOENT);
    assert_int_equal(file_read(&b, AT_FDCWD, f->path, 10), -EISDIR);
    assert_int_equal(file_write_atomic(in(f, "nothing/f"), "", 0, 0600), -ENOENT);
    buf_release(&b);
}

static void
a_written_file_has_its_mode_and_leaves_nothing_beside_it(void **state)
{
    struct folder *f = *state;
    struct stat st;

    assert_int_equal(file_write_atomic(in(f, "f"), "x", 1, 0644), 0);
    assert_int_equal(stat(in(f, "f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(access(in(f, "f.new"), F_OK), -1);
}

static void
what_a_crash_left_beside_it_does_not_matter(void **state)
{
    struct folder *f = *state;
    struct buf b = { 0 };

    assert_int_equal(symlink("/nowhere/at/all", in(f, "f.new")), 0);
    assert_int_equal(file_write_atomic(in(f, "f"), "new", 3, 0600), 0);
    assert_int_equal(file_read(&b, AT_FDCWD, in(f, "f"), 10), 3);
    buf_release(&b);
}

static void
folders_above_are_made_and_may_be_there(void **state)
{
    struct folder *f = *state;
    struct stat st;

    assert_int_equal(file_make_dirs(in(f, "a//b/c/")), 0);
    assert_int_equal(stat(in(f, "a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0007, 0);
    assert_int_equal(file_make_dirs(in(f, "a/b/c")), 0);
    assert_int_equal(file_make_dirs("/"), 0);
}

static void
a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
    struct folder *f = *state;

    assert_int_equal(file_write_atomic(in(f, "f"), "", 0, 0600), 0);
    assert_int_equal(file_make_dirs(in(f, "f")), -ENOTDIR);
    assert_int_equal(file_make_dirs(in(f, "f/a")), -ENOTDIR);
    assert_int_equal(file_make_dirs(""), -ENOENT);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(a_file_of_any_length_comes_back_whole),
        cmocka_unit_test(a_file_of_proc_may_be_read_again_and_again),
        cmocka_unit_test(a_short_file_of_proc_is_whole_at_the_first_read),
        in_folder(a_file_longer_than_allowed_is_refused),
        in_folder(a_file_that_is_missing_is_said_to_be),
        in_folder(a_written_file_has_its_mode_and_leaves_nothing_beside_it),
        in_folder(what_a_crash_left_beside_it_does_not_matter),
        in_folder(folders_above_are_made_and_may_be_there),
        in_folder(a_file_in_the_way_of_a_folder_is_an_error),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}

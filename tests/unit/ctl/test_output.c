// output - what is printed arrives, or it is said why not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/output.h"
#include "shared/net/option.h"

// The exit code of a page printed to `fd`, and in *said what went to standard error.
static int
ends_with(int fd, char said[256])
{
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    struct buf page = { 0 };
    int ends[2], code;
    ssize_t n;

    buf_str(&page, "a page\n");
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    code = output_end("hosts", &page, -1);
    fflush(stderr);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    n = read(ends[0], said, 255); // all of our writers are closed: it ends
    assert_true(n >= 0);
    said[n] = '\0';
    close(ends[0]);
    close(out);
    close(err);
    buf_release(&page);
    return code;
}

static void
a_disk_that_is_full_is_said_and_ends_with_1(void **state)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char said[256];

    (void) state;
    assert_true(full >= 0);
    assert_int_equal(ends_with(full, said), OPTION_EXIT_FAILED);
    assert_string_equal(said, "zpulse hosts: standard output: no space left on device\n");
    close(full);
}

static void
a_reader_that_had_enough_is_no_error(void **state)
{
    char said[256];
    int ends[2];

    (void) state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(ends_with(ends[1], said), OPTION_EXIT_OK);
    assert_string_equal(said, "");
    close(ends[1]);
}

static void
what_is_printed_is_there(void **state)
{
    char said[256], got[16] = "";
    int ends[2];

    (void) state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ends_with(ends[1], said), OPTION_EXIT_OK);
    assert_int_equal(read(ends[0], got, sizeof got - 1), 7);
    assert_string_equal(got, "a page\n");
    close(ends[0]);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_is_full_is_said_and_ends_with_1),
        cmocka_unit_test(a_reader_that_had_enough_is_no_error),
        cmocka_unit_test(what_is_printed_is_there),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}

// test_child - a program of ours as `zpulse up` keeps it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/ctl/child.h"
#include "shared/base/clock.h"

#define WAIT_MS 20000

// A shell that runs `script`, and a pipe in place of our stderr.
static struct {
    child_t *child;
    int out[2];
    struct buf seen;
} run;

static void
start(const char *script)
{
    char sh[] = "/bin/sh", c[] = "-c", *copy = strdup(script);
    char *const argv[] = { sh, c, copy, NULL };

    assert_int_equal(pipe2(run.out, O_NONBLOCK), 0);
    assert_int_equal(child_start(&run.child, "agent", argv), 0);
    free(copy);
}

static void
end(void)
{
    child_destroy(&run.child);
    close(run.out[0]);
    close(run.out[1]);
    buf_release(&run.seen);
}

static void
relay(void)
{
    ssize_t n;

    child_relay(run.child, run.out[1]);
    for (;;) {
        buf_reserve(&run.seen, 4096);
        n = read(run.out[0], run.seen.at + run.seen.len, 4096);
        if (n <= 0)
            return;
        run.seen.len += (size_t) n;
    }
}

// Relays until `text` was seen, or the child's end has closed. False at the deadline.
static bool
until(const char *text)
{
    const int64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (clock_mono_ms() < deadline_ms) {
        struct pollfd item = { .fd = child_fd(run.child), .events = POLLIN };

        if (text != NULL && run.seen.len > 0 && strstr(buf_cstr(&run.seen), text) != NULL)
            return true;
        if (item.fd == -1)
            return text == NULL;
        poll(&item, 1, 100);
        relay();
    }
    return false;
}

static bool
ends(void)
{
    const int64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (!child_ended(run.child)) {
        if (clock_mono_ms() > deadline_ms)
            return false;
        relay();
        poll(NULL, 0, 5);
    }
    relay();
    return true;
}

static const char *
how(void)
{
    static char text[128];
    struct buf b = { 0 };

    child_ending(run.child, &b);
    snprintf(text, sizeof text, "%s", buf_cstr(&b));
    buf_release(&b);
    return text;
}

static void
its_lines_come_with_its_name(void **state)
{
    (void) state;
    start("echo one; echo two >&2; printf three");
    assert_true(until(NULL));
    assert_string_equal(buf_cstr(&run.seen),
                        "agent     | one\nagent     | two\nagent     | three\n");
    assert_true(ends());
    assert_string_equal(how(), "ended with status 0");
    end();
}

static void
a_line_waits_for_its_end(void **state)
{
    (void) state;
    start("printf be; read nothing; sleep 0.05; echo gin");
    assert_true(until(NULL));
    assert_string_equal(buf_cstr(&run.seen), "agent     | begin\n");
    end();
}

static void
an_endless_line_is_cut_into_pieces(void **state)
{
    const char *at;

    (void) state;
    start("head -c 10000 /dev/zero | tr '\\0' x");
    assert_true(until(NULL));
    at = buf_cstr(&run.seen);
    assert_int_equal(strspn(strstr(at, "| ") + 2, "x"), 4000);
    assert_int_equal(run.seen.len, 10000 + 3 * strlen("agent     | \n"));
    end();
}

static void
lines_nobody_takes_are_dropped_and_counted(void **state)
{
    char scrap[65536], word[] = "/tmp/zpulse-child-XXXXXX", script[160];
    const int fd = mkstemp(word);

    (void) state;
    assert_true(fd >= 0);
    close(fd);
    // Its last line is to come after the others were dropped: it waits until the file is gone, but
    // not for ever (60 s, thrice what we wait), should this test end before it takes it away.
    snprintf(script, sizeof script,
             "seq 1 3; i=0; while [ -e %s ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done; "
             "echo last",
             word);
    start(script);
    assert_int_equal(fcntl(run.out[1], F_SETPIPE_SZ, 4096), 4096);
    memset(scrap, '.', sizeof scrap);
    while (write(run.out[1], scrap, 1) == 1)
        continue;
    // The pipe is full: these three lines have nowhere to go, and nobody waits for them.
    while (child_fd(run.child) != -1) {
        struct pollfd item = { .fd = child_fd(run.child), .events = POLLIN };

        assert_int_equal(poll(&item, 1, WAIT_MS), 1);
        child_relay(run.child, run.out[1]);
        if (read(run.out[0], scrap, sizeof scrap) > 0)
            break;
    }
    unlink(word);
    assert_true(until(NULL));
    assert_non_null(strstr(buf_cstr(&run.seen), "lines were dropped)\nagent     | "));
    assert_non_null(strstr(buf_cstr(&run.seen), "agent     | last\n"));
    end();
}

static void
how_it_ended_is_told(void **state)
{
    (void) state;
    start("exit 7");
    assert_true(ends());
    assert_string_equal(how(), "ended with status 7");
    assert_int_equal(child_exit_code(run.child), 7);
    end();
    start("kill -9 $$");
    assert_true(ends());
    assert_string_equal(how(), "was killed by signal 9 (Killed)");
    assert_int_equal(child_exit_code(run.child), -1);
    end();
}

static void
a_program_that_is_not_there_is_an_error_at_the_start(void **state)
{
    char missing[] = "/nonexistent/program", folder[] = "/tmp";
    char *const argv[] = { missing, NULL }, *const argv2[] = { folder, NULL };
    child_t *child = NULL;

    (void) state;
    assert_int_equal(child_start(&child, "agent", argv), -ENOENT);
    assert_int_equal(child_start(&child, "agent", argv2), -EACCES);
    assert_null(child);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nothing is left behind
}

static void
it_leads_a_group_of_its_own_and_the_group_is_stopped(void **state)
{
    pid_t group;

    (void) state;
    start("sleep 60 & echo $$ $!; wait");
    assert_true(until("\n"));
    group = (pid_t) strtol(buf_cstr(&run.seen) + strlen("agent     | "), NULL, 10);
    assert_int_equal(getpgid(group), group);
    assert_int_not_equal(getpgid(group), getpgid(0));
    child_signal(run.child, SIGTERM);
    assert_true(ends());
    assert_true(until(NULL)); // sleep held the pipe too, and has gone
    assert_string_equal(how(), "was killed by signal 15 (Terminated)");
    end();
}

static void
its_signals_are_not_blocked_although_ours_are(void **state)
{
    sigset_t all, before;

    (void) state;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    start("kill -TERM $$; echo survived");
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(ends());
    assert_string_equal(how(), "was killed by signal 15 (Terminated)");
    end();
}

static void
it_gets_sigterm_when_we_die(void **state)
{
    int said[2];
    pid_t middle;
    char text[8] = "";

    (void) state;
    assert_int_equal(pipe(said), 0);
    middle = fork();
    if (middle == 0) {
        char script[128], sh[] = "/bin/sh", c[] = "-c";
        char *const argv[] = { sh, c, script, NULL };
        child_t *child = NULL;
        char go;

        fcntl(said[1], F_SETFD, 0);
        snprintf(script, sizeof script,
                 "trap 'echo term >&%d; exit' TERM; echo up >&%d; while :; do sleep 0.01; done",
                 said[1], said[1]);
        if (child_start(&child, "agent", argv) == 0)
            (void) !read(said[0], &go, 1); // "u" of "up": the trap is set
        _exit(0);
    }
    close(said[1]);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    // What is left: "p", a newline, and then what it says at SIGTERM.
    for (size_t n = 0; n < 7;) {
        struct pollfd item = { .fd = said[0], .events = POLLIN };
        ssize_t got;

        assert_int_equal(poll(&item, 1, WAIT_MS), 1);
        got = read(said[0], text + n, 7 - n);
        assert_true(got > 0);
        n += (size_t) got;
    }
    assert_string_equal(text, "p\nterm\n");
    close(said[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_lines_come_with_its_name),
        cmocka_unit_test(a_line_waits_for_its_end),
        cmocka_unit_test(an_endless_line_is_cut_into_pieces),
        cmocka_unit_test(lines_nobody_takes_are_dropped_and_counted),
        cmocka_unit_test(how_it_ended_is_told),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_at_the_start),
        cmocka_unit_test(it_leads_a_group_of_its_own_and_the_group_is_stopped),
        cmocka_unit_test(its_signals_are_not_blocked_although_ours_are),
        cmocka_unit_test(it_gets_sigterm_when_we_die),
    };
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}

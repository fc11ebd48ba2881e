// log - lines that are whole, cannot be forged, and never wait.

#include "shared/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/base/err.h"

// Standard error as a pipe for the length of one test.
struct capture {
    int read_fd, saved_fd;
    char text[16384];
};

static struct capture *
catch_stderr(void **state)
{
    struct capture *c = *state;
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    c->read_fd = fds[0];
    c->saved_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    return c;
}

// What has come since; NULL-terminated.
static const char *
caught(struct capture *c)
{
    ssize_t n = read(c->read_fd, c->text, sizeof c->text - 1);

    c->text[n > 0 ? n : 0] = '\0';
    return c->text;
}

static void
let_go(struct capture *c)
{
    dup2(c->saved_fd, STDERR_FILENO);
    close(c->saved_fd);
    close(c->read_fd);
}

static int
before(void **state)
{
    unsetenv("JOURNAL_STREAM");
    log_init("zpulse-test", LOG_LEVEL_INFO);
    *state = calloc(1, sizeof(struct capture));
    return 0;
}

static int
after(void **state)
{
    free(*state);
    return 0;
}

static void
a_line_has_time_level_program_message_and_fields(void **state)
{
    struct capture *c = catch_stderr(state);
    int year, month, day, hour, minute, second, ms, end = 0;

    log_info("collector is up", "endpoint=%s port=%d", "tcp://127.0.0.1:5560", 5560);
    caught(c);
    let_go(c);
    assert_int_equal(sscanf(c->text, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day,
                            &hour, &minute, &second, &ms, &end),
                     7);
    assert_string_equal(c->text + end, "level=info program=zpulse-test msg=\"collector is up\" "
                                       "endpoint=tcp://127.0.0.1:5560 port=5560\n");
}

static void
under_systemd_a_line_has_a_priority_and_no_time(void **state)
{
    struct capture *c = catch_stderr(state);
    char stream[64];
    struct stat st;

    fstat(STDERR_FILENO, &st);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long) st.st_dev,
             (unsigned long long) st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("zpulse-test", LOG_LEVEL_INFO);
    log_warn("careful", NULL);
    caught(c);
    let_go(c);
    assert_string_equal(c->text, "<4>level=warn program=zpulse-test msg=\"careful\"\n");
}

static void
a_redirected_stream_of_systemd_has_the_time(void **state)
{
    struct capture *c = catch_stderr(state);

    setenv("JOURNAL_STREAM", "8:1", 1);
    log_init("zpulse-test", LOG_LEVEL_INFO);
    log_warn("careful", NULL);
    caught(c);
    let_go(c);
    assert_memory_equal(c->text, "time=", 5);
}

static void
what_is_below_the_level_is_not_written(void **state)
{
    struct capture *c = catch_stderr(state);
    size_t at_info, at_debug, at_error;

    log_debug("a", NULL);
    at_info = strlen(caught(c));
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("a", NULL);
    at_debug = strlen(caught(c));
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("a", NULL);
    at_error = strlen(caught(c));
    let_go(c);
    assert_int_equal(at_info, 0);
    assert_true(at_debug > 0);
    assert_int_equal(at_error, 0);
}

static void
a_value_cannot_begin_a_line_even_unquoted(void **state)
{
    struct capture *c = catch_stderr(state);

    log_info("hello", "from=%s", "x\nlevel=error msg=\"forged\"\x1b[2J");
    caught(c);
    let_go(c);
    assert_ptr_equal(strchr(c->text, '\n'), c->text + strlen(c->text) - 1);
    assert_null(strchr(c->text, '\x1b'));
}

static void
a_line_too_long_is_cut_and_still_ends(void **state)
{
    struct capture *c = catch_stderr(state);
    char value[9000];
    size_t len;

    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_info("long", "value=%s more=%s", value, value);
    caught(c);
    let_go(c);
    len = strlen(c->text);
    assert_in_range(len, 4000, 4096);
    assert_string_equal(c->text + len - 5, "v...\n");
}

static void
a_full_pipe_drops_lines_and_the_next_says_how_many(void **state)
{
    struct capture *c = catch_stderr(state);
    uint64_t before_it = log_dropped(), in_it;
    char filler[4096] = { 0 };
    char expected[64];

    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    while (write(STDERR_FILENO, filler, sizeof filler) > 0)
        continue;
    // As a program finds it: a pipe on which a write would wait.
    fcntl(STDERR_FILENO, F_SETFL, 0);
    for (int i = 0; i < 3; i++)
        log_info("nobody reads", NULL);
    in_it = log_dropped() - before_it;
    while (read(c->read_fd, filler, sizeof filler) > 0)
        continue;
    log_info("reads again", NULL);
    caught(c);
    log_info("all told", NULL);
    snprintf(expected, sizeof expected, "msg=\"reads again\" dropped=3\n");
    if (strstr(c->text, expected) == NULL)
        let_go(c);
    assert_non_null(strstr(c->text, expected));
    caught(c);
    let_go(c);
    assert_int_equal(in_it, 3);
    assert_null(strstr(c->text, "dropped"));
}

static void
a_full_socket_drops_lines_too(void **state)
{
    struct capture *c = *state;
    uint64_t before_it = log_dropped();
    int fds[2], sent = 0;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    c->saved_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    c->read_fd = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    while (log_dropped() == before_it && sent < 1000000) {
        log_info("nobody reads", NULL);
        sent++;
    }
    let_go(c);
    assert_int_equal(log_dropped(), before_it + 1);
}

static void
a_reader_that_is_gone_does_not_end_us(void **state)
{
    struct capture *c = catch_stderr(state);
    uint64_t before_it = log_dropped();

    close(c->read_fd);
    log_info("hello", NULL);
    let_go(c);
    assert_int_equal(log_dropped(), before_it + 1);
}

static void
errno_survives(void **state)
{
    struct capture *c = catch_stderr(state);
    int seen;

    errno = EXDEV;
    log_info("hello", NULL);
    seen = errno;
    let_go(c);
    assert_int_equal(seen, EXDEV);
}

static void
a_plain_word_stays_bare_and_all_else_is_quoted(void **state)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        { "web-1.example:80/x", "web-1.example:80/x" },
        { "", "\"\"" },
        { "two words", "\"two words\"" },
        { "a=b", "\"a=b\"" },
        { "say \"hi\"\\", "\"say \\\"hi\\\"\\\\\"" },
        { "a\nb\x7f", "\"a\\x0ab\\x7f\"" },
        { "\xc3\xa9", "\"\\xc3\\xa9\"" },
    };
    char longer[300], most[202];

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(log_quote(cases[i].text), cases[i].quoted);
    memset(longer, '\xff', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(strlen(log_quote(longer)), 200 * 4 + 5);
    memset(most, 'x', 200);
    most[200] = '\0';
    assert_string_equal(log_quote(most), most);
}

static void
eight_quoted_values_live_side_by_side(void **state)
{
    const char *values[8];
    char text[8];

    (void) state;
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "v %d", i);
        values[i] = log_quote(text);
    }
    assert_string_equal(values[0], "\"v 0\"");
    assert_string_equal(values[7], "\"v 7\"");
}

static void
names_of_levels_are_read(void **state)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void) state;
    assert_int_equal(log_level_parse(&level, "debug"), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse(&level, "error"), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse(&level, "Error"), ERR_UNKNOWN);
    assert_int_equal(log_level_parse(&level, ""), ERR_UNKNOWN);
}

static void
a_repeated_line_is_allowed_once_in_its_time(void **state)
{
    int64_t last = 0;

    (void) state;
    assert_true(log_allow(&last, 3600000));
    assert_false(log_allow(&last, 3600000));
    assert_true(log_allow(&last, 0));
}

#define with_log(test) cmocka_unit_test_setup_teardown(test, before, after)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_log(a_line_has_time_level_program_message_and_fields),
        with_log(under_systemd_a_line_has_a_priority_and_no_time),
        with_log(a_redirected_stream_of_systemd_has_the_time),
        with_log(what_is_below_the_level_is_not_written),
        with_log(a_value_cannot_begin_a_line_even_unquoted),
        with_log(a_line_too_long_is_cut_and_still_ends),
        with_log(a_full_pipe_drops_lines_and_the_next_says_how_many),
        with_log(a_full_socket_drops_lines_too),
        with_log(a_reader_that_is_gone_does_not_end_us),
        with_log(errno_survives),
        with_log(a_plain_word_stays_bare_and_all_else_is_quoted),
        with_log(eight_quoted_values_live_side_by_side),
        with_log(names_of_levels_are_read),
        with_log(a_repeated_line_is_allowed_once_in_its_time),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

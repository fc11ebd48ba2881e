// test_import_source - lines of files, long ones, cut ones, and what can be read only once.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/import_source.h"
#include "shared/base/err.h"

// A file of a test's own.
struct place {
    char path[64];
    int fd;
};

static struct place
made(const char *text, size_t n)
{
    struct place p = { .path = "/tmp/import-source-XXXXXX" };

    p.fd = mkstemp(p.path);
    assert_true(p.fd != -1);
    assert_true(write(p.fd, text, n) == (ssize_t) n);
    return p;
}

static void
unmade(struct place *p)
{
    unlink(p->path);
    close(p->fd);
}

static import_source_t *
opened(const struct place *p)
{
    import_source_t *s;

    assert_int_equal(import_source_open(&s, p->path, -1), 0);
    return s;
}

static void
assert_line(import_source_t *s, const char *text)
{
    const char *line;
    size_t n;

    assert_int_equal(import_source_next(s, &line, &n), 1);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(line, text, n);
}

static void
a_file_is_read_line_by_line_as_often_as_one_likes(void **state)
{
    struct place p = made("one\n\nthree\n", 11);
    import_source_t *s = opened(&p);
    const char *line;
    size_t n;

    (void) state;
    assert_true(import_source_bytes(s) == 11);
    for (unsigned i = 0; i < 2; i++) {
        assert_line(s, "one");
        assert_line(s, "");
        assert_line(s, "three");
        assert_true(import_source_line(s) == 3);
        assert_int_equal(import_source_next(s, &line, &n), 0);
        assert_int_equal(import_source_check(s), 0);
        assert_true(import_source_done(s) == 11);
        assert_int_equal(import_source_rewind(s), 0);
    }
    import_source_close(&s);
    unmade(&p);
}

static void
an_empty_file_has_no_lines(void **state)
{
    struct place p = made("", 0);
    import_source_t *s = opened(&p);
    const char *line;
    size_t n;

    (void) state;
    assert_int_equal(import_source_next(s, &line, &n), 0);
    import_source_close(&s);
    unmade(&p);
}

static void
a_last_line_without_an_end_is_no_line(void **state)
{
    struct place p = made("one\ntw", 6);
    import_source_t *s = opened(&p);
    const char *line;
    size_t n;

    (void) state;
    assert_line(s, "one");
    assert_int_equal(import_source_next(s, &line, &n), ERR_FORMAT);
    assert_true(import_source_line(s) == 2);
    import_source_close(&s);
    unmade(&p);
}

static void
a_line_has_a_limit_and_up_to_it_is_whole(void **state)
{
    static char text[3 * IMPORT_LINE_MAX];
    struct place p;
    import_source_t *s;
    const char *line;
    size_t n;

    (void) state;
    memset(text, 'x', sizeof text);
    text[IMPORT_LINE_MAX] = '\n';
    p = made(text, sizeof text);
    s = opened(&p);
    assert_int_equal(import_source_next(s, &line, &n), 1);
    assert_int_equal(n, IMPORT_LINE_MAX);
    assert_int_equal(import_source_next(s, &line, &n), ERR_LIMIT);
    import_source_close(&s);
    unmade(&p);
    text[IMPORT_LINE_MAX] = 'x';
    text[IMPORT_LINE_MAX + 1] = '\n';
    p = made(text, IMPORT_LINE_MAX + 2);
    s = opened(&p);
    assert_int_equal(import_source_next(s, &line, &n), ERR_LIMIT);
    import_source_close(&s);
    unmade(&p);
}

static void
a_file_that_changes_meanwhile_is_noticed(void **state)
{
    struct place p = made("one\ntwo\n", 8);
    import_source_t *s = opened(&p);
    const char *line;
    size_t n;

    (void) state;
    assert_true(pwrite(p.fd, "w", 1, 4) == 1);
    while (import_source_next(s, &line, &n) == 1)
        continue;
    assert_int_equal(import_source_check(s), ERR_CLOSED);
    import_source_close(&s);
    unmade(&p);
}

static void
the_same_content_is_the_same_by_whatever_way_it_comes(void **state)
{
    struct place p = made("one\ntwo\n", 8), q = made("one\ntwp\n", 8);
    import_source_t *s = opened(&p), *other = opened(&q), *piped;
    const int was = dup(STDIN_FILENO);
    int ends[2];

    (void) state;
    assert_int_equal(pipe(ends), 0);
    assert_true(write(ends[1], "one\ntwo\n", 8) == 8);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(import_source_open(&piped, "-", -1), 0);
    assert_true(dup2(was, STDIN_FILENO) == STDIN_FILENO);
    close(was);
    close(ends[0]);
    assert_true(import_source_hash(s) == import_source_hash(piped));
    assert_true(import_source_hash(s) != import_source_hash(other));
    assert_line(piped, "one");
    assert_line(piped, "two");
    import_source_close(&s);
    import_source_close(&other);
    import_source_close(&piped);
    unmade(&p);
    unmade(&q);
}

static void
what_is_no_file_is_told(void **state)
{
    import_source_t *s;

    (void) state;
    assert_int_equal(import_source_open(&s, "/tmp", -1), -EISDIR);
    assert_int_equal(import_source_open(&s, "/nonexistent/file", -1), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_line_by_line_as_often_as_one_likes),
        cmocka_unit_test(an_empty_file_has_no_lines),
        cmocka_unit_test(a_last_line_without_an_end_is_no_line),
        cmocka_unit_test(a_line_has_a_limit_and_up_to_it_is_whole),
        cmocka_unit_test(a_file_that_changes_meanwhile_is_noticed),
        cmocka_unit_test(the_same_content_is_the_same_by_whatever_way_it_comes),
        cmocka_unit_test(what_is_no_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

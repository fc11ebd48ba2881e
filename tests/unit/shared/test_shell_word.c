// test_shell_word - a shell reads each word as it was meant.

#include "shared/base/shell_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static void
what_a_shell_reads_is_the_text(void **state)
{
    static const char *const texts[] = {
        "",
        "plain",
        "tcp://127.0.0.1:5560",
        "tcp://[::1]:5560",
        "a b",
        "it's",
        "$HOME",
        "`id`",
        "*",
        "~",
        "\"\\\"",
        "two\nlines",
        "'",
        "\xc3\xa4",
    };

    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf command = { 0 };
        char read[64];
        FILE *shell;
        size_t n;

        buf_str(&command, "printf %s ");
        shell_word_put(&command, texts[i]);
        shell = popen(buf_cstr(&command), "r");
        assert_non_null(shell);
        n = fread(read, 1, sizeof read - 1, shell);
        read[n] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(read, texts[i]);
        buf_release(&command);
    }
}

static void
a_word_that_needs_no_quotes_has_none(void **state)
{
    struct buf out = { 0 };

    (void) state;
    shell_word_put(&out, "tcp://web-1.example:5560");
    assert_string_equal(buf_cstr(&out), "tcp://web-1.example:5560");
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_shell_reads_is_the_text),
        cmocka_unit_test(a_word_that_needs_no_quotes_has_none),
    };

    return cmocka_run_group_tests_name("shell_word", tests, NULL, NULL);
}

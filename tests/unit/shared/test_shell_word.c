// test_shell_word - a shell reads each word as it was meant.

#include "shared/base/shell_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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

// The page writes commands too, and is held to the same list.
static void
the_words_are_those_of_the_page(void **state)
{
    FILE *list = fopen("tests/data/shell/words.tsv", "r");
    char line[256];
    unsigned n = 0;

    (void) state;
    assert_non_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        char *word = strchr(line, '\t');
        struct buf out = { 0 };

        assert_non_null(word);
        *word++ = '\0';
        word[strcspn(word, "\n")] = '\0';
        shell_word_put(&out, line);
        assert_string_equal(buf_cstr(&out), word);
        buf_release(&out);
        n++;
    }
    fclose(list);
    assert_true(n > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_shell_reads_is_the_text),
        cmocka_unit_test(a_word_that_needs_no_quotes_has_none),
        cmocka_unit_test(the_words_are_those_of_the_page),
    };

    return cmocka_run_group_tests_name("shell_word", tests, NULL, NULL);
}

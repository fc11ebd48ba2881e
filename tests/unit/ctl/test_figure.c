// test_figure - numbers are written as people read them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/ctl/figure.h"

static char out[FIGURE_SIZE];

static void
bytes_have_the_unit_that_keeps_them_short(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0 B" },
        { 1023, "1023 B" },
        { 1024, "1.0 KiB" },
        { 1024 * 1024 - 1, "1.0 MiB" },
        { 3650722202, "3.4 GiB" },
        { UINT64_MAX, "16.0 EiB" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(figure_bytes(out, rows[i].bytes), rows[i].text);
}

static void
counts_have_their_thousands_apart(void **state)
{
    (void) state;
    assert_string_equal(figure_count(out, 0), "0");
    assert_string_equal(figure_count(out, 999), "999");
    assert_string_equal(figure_count(out, 1000), "1,000");
    assert_string_equal(figure_count(out, 12345678), "12,345,678");
    assert_string_equal(figure_count(out, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void
durations_have_their_two_largest_units(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { INT64_MIN, "0.0 s" },
        { 0, "0.0 s" },
        { 1250, "1.2 s" },
        { 59999, "59 s" },
        { 60000, "1 min" },
        { 3600000 + 12 * 60000 + 59000, "1 h 12 min" },
        { 3 * 86400000 + 999, "3 d" },
        { 86400000 + 3600000, "1 d 1 h" },
        { INT64_MAX, "106751991167 d 7 h" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(figure_duration(out, rows[i].ms), rows[i].text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_have_the_unit_that_keeps_them_short),
        cmocka_unit_test(counts_have_their_thousands_apart),
        cmocka_unit_test(durations_have_their_two_largest_units),
    };

    return cmocka_run_group_tests_name("figure", tests, NULL, NULL);
}

// str - all of the text or nothing.

#include "shared/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static void
a_number_is_all_digits_and_fits(void **state)
{
    static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "1x", "0x10", "1.0" };
    uint64_t v = 77;

    (void) state;
    assert_int_equal(str_u64(&v, "18446744073709551615", 20), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(str_u64(&v, "00042x", 5), 0);
    assert_int_equal(v, 42);
    assert_int_equal(str_u64(&v, "18446744073709551616", 20), ERR_RANGE);
    assert_int_equal(str_u64(&v, "99999999999999999999999999", 26), ERR_RANGE);
    for (size_t i = 0; i < N_OF(bad); i++)
        assert_int_equal(str_u64(&v, bad[i], strlen(bad[i])), ERR_FORMAT);
    assert_int_equal(v, 42);
}

static void
durations_need_a_unit(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ms;
    } cases[] = {
        { "250ms", 0, 250 },
        { "1s", 0, 1000 },
        { "5m", 0, 300000 },
        { "24h", 0, 86400000 },
        { "7d", 0, 604800000 },
        { "0", 0, 0 },
        { "0s", 0, 0 },
        { "5", ERR_FORMAT, 0 },
        { "", ERR_FORMAT, 0 },
        { "s", ERR_FORMAT, 0 },
        { "1 s", ERR_FORMAT, 0 },
        { "1S", ERR_FORMAT, 0 },
        { "-1s", ERR_FORMAT, 0 },
        { "1h30m", ERR_FORMAT, 0 },
        { "1.5s", ERR_FORMAT, 0 },
        { "99999999999999999999s", ERR_RANGE, 0 },
        { "9223372036854775807ms", 0, INT64_MAX },
        { "9223372036854775808ms", ERR_RANGE, 0 },
        { "18446744073709551615d", ERR_RANGE, 0 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        int64_t ms = 0;

        if (str_duration_ms(&ms, cases[i].text) != cases[i].rc || ms != cases[i].ms)
            fail_msg("%s: %lld ms", cases[i].text, (long long) ms);
    }
}

static void
sizes_may_have_a_unit(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t bytes;
    } cases[] = {
        { "4096", 0, 4096 },        { "4096B", 0, 4096 },       { "64KiB", 0, 65536 },
        { "256MiB", 0, 268435456 }, { "1GiB", 0, 1073741824 },  { "3KB", 0, 3000 },
        { "3MB", 0, 3000000 },      { "3GB", 0, 3000000000 },   { "0", 0, 0 },
        { "", ERR_FORMAT, 0 },      { "KiB", ERR_FORMAT, 0 },   { "1kib", ERR_FORMAT, 0 },
        { "1 KiB", ERR_FORMAT, 0 }, { "1KiBs", ERR_FORMAT, 0 }, { "17179869184GiB", ERR_RANGE, 0 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        uint64_t bytes = 0;

        if (str_bytes(&bytes, cases[i].text) != cases[i].rc || bytes != cases[i].bytes)
            fail_msg("%s: %llu bytes", cases[i].text, (unsigned long long) bytes);
    }
}

static void
sixteen_hex_digits_go_there_and_back(void **state)
{
    static const char *const bad[] = { "", "0123456789abcde", "0123456789abcdef0",
                                       "0123456789ABCDEF", "0123456789abcdeg" };
    char out[STR_HEX64_SIZE];
    uint64_t v;

    (void) state;
    assert_int_equal(str_hex64(&v, "0123456789abcdef", 16), 0);
    assert_true(v == UINT64_C(0x0123456789abcdef));
    assert_string_equal(str_hex64_put(out, v), "0123456789abcdef");
    assert_string_equal(str_hex64_put(out, 1), "0000000000000001");
    for (size_t i = 0; i < N_OF(bad); i++)
        assert_int_equal(str_hex64(&v, bad[i], strlen(bad[i])), ERR_FORMAT);
}

static void
only_shortest_forms_of_real_characters_are_utf8(void **state)
{
    static const char *const good[] = {
        "",
        "a\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x61",
        "\xe0\x9f\xbf",
        "\xe0\xa0",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "ok\xe2\x82",
    };

    (void) state;
    for (size_t i = 0; i < N_OF(good); i++)
        assert_true(str_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < N_OF(bad); i++)
        if (str_is_utf8(bad[i], strlen(bad[i])))
            fail_msg("bad[%zu] passed", i);
    assert_false(str_is_utf8("a\0b", 3));
}

static void
distance_counts_edits_and_swaps(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {
        { "", "", 0 },
        { "abc", "abc", 0 },
        { "", "abc", 3 },
        { "abc", "", 3 },
        { "abc", "ab", 1 },
        { "abc", "axc", 1 },
        { "abc", "acb", 1 },
        { "ca", "abc", 3 },
        { "kitten", "sitting", 3 },
        { "--listn", "--listen", 1 },
        { "stroe", "store", 1 },
    };
    char a[200], b[200];

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    a[199] = b[199] = '\0';
    assert_int_equal(str_distance(a, b), 64);
}

static void
starts_asks_for_the_whole_beginning(void **state)
{
    (void) state;
    assert_true(str_starts("tcp://x", "tcp://"));
    assert_true(str_starts("x", ""));
    assert_false(str_starts("tcp:", "tcp://"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_all_digits_and_fits),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(sizes_may_have_a_unit),
        cmocka_unit_test(sixteen_hex_digits_go_there_and_back),
        cmocka_unit_test(only_shortest_forms_of_real_characters_are_utf8),
        cmocka_unit_test(distance_counts_edits_and_swaps),
        cmocka_unit_test(starts_asks_for_the_whole_beginning),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}

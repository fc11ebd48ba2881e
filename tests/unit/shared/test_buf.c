// buf - bytes that grow, and numbers as text.

#include "shared/base/buf.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/model/sample.h"

static const char *
text_of(struct buf *b, double value)
{
    buf_clear(b);
    buf_double(b, value);
    return buf_cstr(b);
}

// Digits that matter: up to an exponent, without zeros at either end.
static int
count_digits(const char *text)
{
    int n = 0, upto = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && n == 0))
            continue;
        n++;
        if (*text != '0')
            upto = n;
    }
    return upto;
}

static void
zero_is_an_empty_buf(void **state)
{
    struct buf b = { 0 };

    (void) state;
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(b.len, 0);
    buf_release(&b);
    buf_release(&b);
    assert_null(b.at);
}

static void
appends_survive_growth(void **state)
{
    struct buf b = { 0 };

    (void) state;
    for (int i = 0; i < 100000; i++)
        buf_byte(&b, (uint8_t) i);
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.at[i], (uint8_t) i);
    buf_release(&b);
}

static void
a_long_printf_is_whole(void **state)
{
    struct buf b = { 0 };
    char word[5000];

    (void) state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    buf_printf(&b, "<%s|%d>", word, 7);
    assert_int_equal(b.len, sizeof word - 1 + 4);
    assert_string_equal(buf_cstr(&b) + b.len - 4, "x|7>");
    buf_release(&b);
}

static void
detached_bytes_are_the_callers(void **state)
{
    struct buf b = { 0 };
    size_t len;
    uint8_t *at;

    (void) state;
    buf_str(&b, "abc");
    at = buf_detach(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(at, "abc", 3);
    assert_null(b.at);
    free(at);
}

static void
a_decimal_has_its_point_and_no_zeros_behind(void **state)
{
    static const struct {
        int64_t m;
        unsigned decimals;
        const char *text;
    } cases[] = {
        { 0, 0, "0" },
        { 0, 19, "0" },
        { 5, 0, "5" },
        { 500, 0, "500" },
        { 500, 2, "5" },
        { 505, 2, "5.05" },
        { 5, 2, "0.05" },
        { -5, 3, "-0.005" },
        { -1230, 2, "-12.3" },
        { INT64_MAX, 0, "9223372036854775807" },
        { INT64_MIN, 0, "-9223372036854775808" },
        { INT64_MIN, 19, "-0.9223372036854775808" },
    };
    struct buf b = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&b);
        buf_decimal(&b, cases[i].m, cases[i].decimals);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
    buf_release(&b);
}

static void
a_double_is_written_as_short_as_it_can_be(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.0, "0" },
        { -0.0, "-0" },
        { 1, "1" },
        { -17, "-17" },
        { 0.1, "0.1" },
        { 0.5, "0.5" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1234.5678, "1234.5678" },
        { 1000000, "1000000" },
        { 0x1p53, "9007199254740992" },
        { 1e20, "100000000000000000000" },
        { 123456789012345680000.0, "123456789012345680000" },
        { 1e21, "1e+21" },
        { -1.5e300, "-1.5e+300" },
        { 0.0001, "0.0001" },
        { 0.000123, "0.000123" },
        { 0.00001, "1e-05" },
        { 1.25e-7, "1.25e-07" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { DBL_MIN, "2.2250738585072014e-308" },
        { 5e-324, "5e-324" },
        { NAN, "NaN" },
        { INFINITY, "+Inf" },
        { -INFINITY, "-Inf" },
    };
    struct buf b = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(text_of(&b, cases[i].value), cases[i].text);
    buf_release(&b);
}

static void
every_double_reads_back_the_same(void **state)
{
    struct buf b = { 0 };
    uint64_t bits = 88172645463325252;

    (void) state;
    for (int i = 0; i < 200000; i++) {
        double value;

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        value = sample_from_bits(bits);
        if (!isfinite(value))
            continue;
        if (sample_bits(strtod(text_of(&b, value), NULL)) != bits)
            fail_msg("%a became %s", value, buf_cstr(&b));
    }
    buf_release(&b);
}

// Against the C library: the fewest digits of %.*g that read back.
static void
no_decimal_has_a_shorter_text(void **state)
{
    struct buf b = { 0 };
    uint64_t random = 1;

    (void) state;
    for (int i = 0; i < 50000; i++) {
        double value;
        char text[40];
        int digits = 1;

        random = random * 6364136223846793005 + 1442695040888963407;
        value = (double) (int64_t) (random >> (20 + i % 40)) / (i % 3 ? 1000 : 7);
        if (value < 1e-4)
            continue;
        do
            snprintf(text, sizeof text, "%.*e", digits - 1, value);
        while (strtod(text, NULL) != value && digits++ < 17);
        if (count_digits(text_of(&b, value)) != count_digits(text))
            fail_msg("%s for %s", buf_cstr(&b), text);
    }
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_an_empty_buf),
        cmocka_unit_test(appends_survive_growth),
        cmocka_unit_test(a_long_printf_is_whole),
        cmocka_unit_test(detached_bytes_are_the_callers),
        cmocka_unit_test(a_decimal_has_its_point_and_no_zeros_behind),
        cmocka_unit_test(a_double_is_written_as_short_as_it_can_be),
        cmocka_unit_test(no_decimal_has_a_shorter_text),
        cmocka_unit_test(every_double_reads_back_the_same),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}

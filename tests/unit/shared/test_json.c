// json - whatever goes in, what comes out is JSON.

#include "shared/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static void
begin(struct json *j, struct buf *b)
{
    buf_clear(b);
    json_init(j, b);
}

static void
commas_stand_between_and_nowhere_else(void **state)
{
    struct buf b = { 0 };
    struct json j;

    (void) state;
    begin(&j, &b);
    json_object(&j);
    json_key(&j, "a");
    json_array(&j);
    json_int(&j, -1);
    json_object(&j);
    json_object_end(&j);
    json_array(&j);
    json_array_end(&j);
    json_null(&j);
    json_array_end(&j);
    json_key(&j, "b");
    json_bool(&j, true);
    json_key(&j, "c");
    json_object(&j);
    json_key(&j, "d");
    json_bool(&j, false);
    json_object_end(&j);
    json_object_end(&j);
    assert_string_equal(buf_cstr(&b), "{\"a\":[-1,{},[],null],\"b\":true,\"c\":{\"d\":false}}");
    buf_release(&b);
}

static void
strings_are_escaped(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
        { "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
        { "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\\u2028\\u2029\xe2\x80\xaa\"" },
        { "</script>", "\"</script>\"" },
    };
    struct buf b = { 0 };
    struct json j;

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        begin(&j, &b);
        json_str(&j, cases[i].text);
        assert_string_equal(buf_cstr(&b), cases[i].json);
    }
    buf_release(&b);
}

#define NO "\xef\xbf\xbd"

static void
invalid_utf8_becomes_the_replacement_character(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "\x80", "\"" NO "\"" },
        { "a\xffz", "\"a" NO "z\"" },
        { "\xc0\x80", "\"" NO NO "\"" },               // overlong
        { "\xed\xa0\x80", "\"" NO NO NO "\"" },        // a surrogate
        { "\xf4\x90\x80\x80", "\"" NO NO NO NO "\"" }, // above U+10FFFF
        { "\xe2\x82", "\"" NO NO "\"" },               // cut at the end
        { "\xe2\x82\"", "\"" NO NO "\\\"\"" },         // the quote is not swallowed
        { "\xc3\xc3\xa9", "\"" NO "\xc3\xa9\"" },
    };
    struct buf b = { 0 };
    struct json j;

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        begin(&j, &b);
        json_str(&j, cases[i].text);
        assert_string_equal(buf_cstr(&b), cases[i].json);
    }
    buf_release(&b);
}

static void
a_counted_string_may_hold_nul_and_ends_where_it_is_told(void **state)
{
    struct buf b = { 0 };
    struct json j;

    (void) state;
    begin(&j, &b);
    json_strn(&j, "a\0b-more", 3);
    assert_string_equal(buf_cstr(&b), "\"a\\u0000b\"");
    begin(&j, &b);
    json_strn(&j, "\xe2\x82\xac", 2);
    assert_string_equal(buf_cstr(&b), "\"" NO NO "\"");
    buf_release(&b);
}

static void
keys_are_escaped_too(void **state)
{
    struct buf b = { 0 };
    struct json j;

    (void) state;
    begin(&j, &b);
    json_object(&j);
    json_key(&j, "a\"\n");
    json_int(&j, 1);
    json_object_end(&j);
    assert_string_equal(buf_cstr(&b), "{\"a\\\"\\n\":1}");
    buf_release(&b);
}

static void
numbers_are_whole_or_null(void **state)
{
    struct buf b = { 0 };
    struct json j;

    (void) state;
    begin(&j, &b);
    json_array(&j);
    json_int(&j, INT64_MIN);
    json_uint(&j, UINT64_MAX);
    json_double(&j, 0.1);
    json_double(&j, 1e300);
    json_double(&j, NAN);
    json_double(&j, INFINITY);
    json_double(&j, -INFINITY);
    json_array_end(&j);
    assert_string_equal(buf_cstr(&b), "[-9223372036854775808,18446744073709551615,0.1,1e+300,"
                                      "null,null,null]");
    buf_release(&b);
}

static void
fixed_cuts_zeros_and_never_writes_minus_zero(void **state)
{
    static const struct {
        double value;
        unsigned decimals;
        const char *json;
    } cases[] = {
        { 1.25, 3, "1.25" },
        { 1.0, 3, "1" },
        { 100, 0, "100" },
        { 0.0004, 3, "0" },
        { -0.0004, 3, "0" },
        { -0.0, 2, "0" },
        { -1.50, 2, "-1.5" },
        { 2.0 / 3, 2, "0.67" },
        { 1e20, 2, "100000000000000000000" },
        { NAN, 2, "null" },
        { 120.0, 9, "120" },
        { 9107199254740.998, 3, "9107199254740.998" },
        { -1e300, 9, "-1e+300" },
        { 12345678.123456789, 9, "12345678.12345679" },
        { -0.05, 2, "-0.05" },
        { INFINITY, 0, "null" },
    };
    struct buf b = { 0 };
    struct json j;

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        begin(&j, &b);
        json_fixed(&j, cases[i].value, cases[i].decimals);
        assert_string_equal(buf_cstr(&b), cases[i].json);
    }
    buf_release(&b);
}

static void
thirty_two_levels_nest(void **state)
{
    struct buf b = { 0 };
    struct json j;

    (void) state;
    begin(&j, &b);
    for (int i = 0; i < 32; i++) {
        json_array(&j);
        json_int(&j, 1);
    }
    for (int i = 0; i < 32; i++) {
        json_int(&j, 2);
        json_array_end(&j);
    }
    assert_memory_equal(b.at, "[1,[1,[1,", 9);
    assert_string_equal(buf_cstr(&b) + b.len - 9, ",2],2],2]");
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(invalid_utf8_becomes_the_replacement_character),
        cmocka_unit_test(a_counted_string_may_hold_nul_and_ends_where_it_is_told),
        cmocka_unit_test(keys_are_escaped_too),
        cmocka_unit_test(numbers_are_whole_or_null),
        cmocka_unit_test(fixed_cuts_zeros_and_never_writes_minus_zero),
        cmocka_unit_test(thirty_two_levels_nest),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

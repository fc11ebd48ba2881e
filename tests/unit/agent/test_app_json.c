// test_app_json - what a message says, and what is no message.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/app_json.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "tests/unit/agent/fixture.h"

static struct app_message message;
static const char *why;

static int
parse_bytes(const void *at, size_t len)
{
    char *copy = exactly(at, len);
    const int rc = app_json_parse(&message, &why, copy, len);

    free(copy);
    return rc;
}

static int
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

// The number of `metric`; fails the test where there is none.
static double
number(const char *metric)
{
    for (unsigned i = 0; i < message.n; i++)
        if (strcmp(message.numbers[i].metric, metric) == 0)
            return message.numbers[i].value;
    fail_msg("no %s", metric);
    return 0;
}

static void
the_books_message_is_two_numbers_a_colour_and_a_time(void **state)
{
    (void) state;
    assert_int_equal(parse("{\"color\": \"red\", \"timestamp\": "
                           "\"2026-11-26T07:32:36.123456+00:00\", \"cpu\": 12.5, \"mem\": 24.5}"),
                     0);
    assert_int_equal(message.kind, APP_MESSAGE_OBJECT);
    assert_true(message.has_color);
    assert_string_equal(message.color, "red");
    assert_int_equal(message.time, APP_TIME_GIVEN);
    assert_int_equal(message.time_ms, 1795678356123);
    assert_int_equal(message.n, 2);
    assert_true(number("app_cpu_ratio") == 0.125);
    assert_true(number("app_resident_memory_bytes") == 24.5 * 1048576);
    assert_int_equal(message.refused, 0);
}

static void
a_null_empty_or_missing_colour_is_none(void **state)
{
    (void) state;
    assert_int_equal(parse("{\"color\": \"red\", \"cpu\": 1}"), 0);
    assert_int_equal(parse("{\"color\": null, \"cpu\": 1}"), 0);
    assert_false(message.has_color);
    assert_int_equal(parse("{\"color\": \"\", \"cpu\": 1}"), 0);
    assert_false(message.has_color);
    assert_int_equal(parse("{\"cpu\": 1}"), 0);
    assert_false(message.has_color);
    assert_int_equal(message.n, 1);
}

static void
a_colour_is_text_of_at_most_128_bytes(void **state)
{
    char text[256], color[130];

    (void) state;
    memset(color, 'x', sizeof color);
    snprintf(text, sizeof text, "{\"color\": \"%.128s\"}", color);
    assert_int_equal(parse(text), 0);
    assert_int_equal(strlen(message.color), 128);
    snprintf(text, sizeof text, "{\"color\": \"%.129s\"}", color);
    assert_int_equal(parse(text), ERR_LIMIT);
    assert_int_equal(parse("{\"color\": 5}"), ERR_FORMAT);
    assert_int_equal(parse("{\"color\": [\"red\"]}"), ERR_FORMAT);
    assert_int_equal(parse("{\"color\": \"\\u00e4\\ud83d\\ude00\"}"), 0);
    assert_string_equal(message.color, "\xc3\xa4\xf0\x9f\x98\x80");
}

static void
a_bare_number_is_a_value_also_0(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "0", 0 },
        { "0.0", 0 },
        { "7", 7 },
        { " -1.5e3\n", -1500 },
        { "18446744073709551616", 18446744073709551616.0 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].text), 0);
        assert_int_equal(message.kind, APP_MESSAGE_NUMBER);
        assert_int_equal(message.n, 1);
        assert_true(number("app_value") == cases[i].value);
        assert_int_equal(message.time, APP_TIME_NONE);
    }
}

static void
what_has_no_number_is_data_all_the_same(void **state)
{
    static const char *const none[] = {
        "\"\"",
        "{}",
        "null",
        "true",
        "false",
        "[]",
        "[1, 2, 3]",
        "\"0\"",
        "{\"cpu\": null}",
        "{\"cpu\": \"7\", \"mem\": true, \"x\": {\"y\": 1}, \"z\": [1]}",
    };

    (void) state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        if (parse(none[i]) != 0)
            fail_msg("refused: %s: %s", none[i], why);
        assert_int_equal(message.n, 0);
        assert_int_equal(message.refused, 0);
        assert_int_equal(message.kind, none[i][0] == '{' ? APP_MESSAGE_OBJECT : APP_MESSAGE_OTHER);
    }
}

static void
a_time_that_can_not_be_read_is_told_from_none(void **state)
{
    (void) state;
    assert_int_equal(parse("{\"timestamp\": null}"), 0);
    assert_int_equal(message.time, APP_TIME_NONE);
    assert_int_equal(parse("{\"timestamp\": \"yesterday\"}"), 0);
    assert_int_equal(message.time, APP_TIME_UNKNOWN);
    assert_int_equal(parse("{\"timestamp\": 1795678356}"), 0);
    assert_int_equal(message.time, APP_TIME_UNKNOWN);
    assert_int_equal(message.n, 0); // and it is no number of the application
    assert_int_equal(parse("{\"timestamp\": \"2026-11-26T08:32:36+01:00\"}"), 0);
    assert_int_equal(message.time, APP_TIME_GIVEN);
    assert_int_equal(message.time_ms, 1795678356000);
}

static void
further_members_become_metrics(void **state)
{
    (void) state;
    assert_int_equal(parse("{\"queue\": 3, \"http.requests\": 4, \"5xx\": 5, \"\xc3\xa9t\": 6, "
                           "\"a:b\": 7, \"cpu\": 50}"),
                     0);
    assert_int_equal(message.n, 6);
    assert_string_equal(message.numbers[0].metric, "app_cpu_ratio");
    assert_true(number("app_queue") == 3);
    assert_true(number("app_http_requests") == 4);
    assert_true(number("app_5xx") == 5);
    assert_true(number("app___t") == 6);
    assert_true(number("app_a_b") == 7);
}

static void
members_past_the_limits_are_refused_alone(void **state)
{
    struct buf text = { 0 };
    char name[102];

    (void) state;
    buf_str(&text, "{\"cpu\": 1, \"mem\": 2");
    for (int i = 0; i < APP_NUMBERS_MAX + 3; i++)
        buf_printf(&text, ", \"n%d\": %d", i, i);
    buf_str(&text, "}");
    assert_int_equal(parse_bytes(text.at, text.len), 0);
    assert_int_equal(message.n, APP_NUMBERS_MAX + 2);
    assert_int_equal(message.refused, 3);
    memset(name, 'm', sizeof name);
    buf_clear(&text);
    buf_printf(&text, "{\"%.101s\": 1, \"%.100s\": 2, \"\": 3}", name, name);
    assert_int_equal(parse_bytes(text.at, text.len), 0);
    assert_int_equal(message.n, 1);
    assert_int_equal(message.refused, 2);
    assert_int_equal(strlen(message.numbers[0].metric), APP_METRIC_SIZE - 1);
    buf_release(&text);
}

// 1e305 MiB are more bytes than a double can say.
static void
a_product_beyond_a_double_is_refused_alone(void **state)
{
    (void) state;
    assert_int_equal(parse("{\"cpu\": 1, \"mem\": 1e305}"), 0);
    assert_int_equal(message.n, 1);
    assert_int_equal(message.refused, 1);
}

static void
what_is_not_json_is_refused_with_the_rule(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        { "", "JSON that ends too early" },
        { " ", "JSON that ends too early" },
        { "{", "JSON that ends too early" },
        { "{\"cpu\": 1", "JSON that ends too early" },
        { "hello", "not JSON" },
        { "{\"cpu\": NaN}", "not JSON" },
        { "{\"cpu\": Infinity}", "not JSON" },
        { "{\"cpu\": 1,}", "not JSON" },
        { "{cpu: 1}", "not JSON" },
        { "01", "not JSON" },
        { "+1", "not JSON" },
        { ".5", "not JSON" },
        { "0x10", "more than one JSON value" },
        { "{\"cpu\": 1} {\"cpu\": 2}", "more than one JSON value" },
        { "0 0", "more than one JSON value" },
        { "{\"cpu\": 1e999}", "a number beyond a double" },
        { "-1e999", "a number beyond a double" },
        { "{\"cpu\": 1, \"cpu\": 2}", "a member stands twice" },
        { "{\"color\": \"a\\u0000b\"}", "NUL in a text" },
        { "{\"a\\u0000b\": 1}", "NUL in a text" },
        { "{\"color\": \"\xff\"}", "not UTF-8" },
        { "{\"color\": \"\xc0\x80\"}", "not UTF-8" },
        { "{\"color\": \"\xed\xa0\x80\"}", "not UTF-8" },
        { "\xef\xbb\xbf{}", "not JSON" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i].text) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i].text);
        if (strcmp(why, bad[i].why) != 0)
            fail_msg("%s: %s", bad[i].text, why);
    }
}

static void
only_one_nul_at_the_end_is_overlooked(void **state)
{
    (void) state;
    assert_int_equal(parse_bytes("{\"a\": 1}\0", 9), 0);
    assert_int_equal(message.n, 1);
    assert_int_equal(parse_bytes("0\0", 2), 0);
    assert_int_equal(parse_bytes("0\0\0", 3), ERR_FORMAT);
    assert_int_equal(parse_bytes("0\0 1", 4), ERR_FORMAT);
    assert_int_equal(parse_bytes("\0", 1), ERR_FORMAT);
    assert_int_equal(parse_bytes("\0{}", 3), ERR_FORMAT);
}

static void
a_message_cut_at_any_byte_is_refused(void **state)
{
    static const char text[] =
        "{\"color\": \"red\", \"timestamp\": \"2026-11-26T07:32:36.1+00:00\", "
        "\"cpu\": 0.0, \"mem\": 24.5}";

    (void) state;
    assert_int_equal(parse(text), 0);
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(parse_bytes(text, n), ERR_FORMAT);
}

static void
depth_and_length_have_limits(void **state)
{
    char *text = xmalloc(APP_JSON_MAX + 1);

    (void) state;
    memset(text, '[', APP_JSON_MAX);
    assert_int_equal(parse_bytes(text, APP_JSON_MAX), ERR_FORMAT);
    assert_string_equal(why, "nested deeper than 2,048");
    memset(text, ' ', APP_JSON_MAX + 1);
    text[0] = '1';
    assert_int_equal(parse_bytes(text, APP_JSON_MAX), 0);
    assert_int_equal(parse_bytes(text, APP_JSON_MAX + 1), ERR_LIMIT);
    assert_string_equal(why, "more than 64 KiB");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_message_is_two_numbers_a_colour_and_a_time),
        cmocka_unit_test(a_null_empty_or_missing_colour_is_none),
        cmocka_unit_test(a_colour_is_text_of_at_most_128_bytes),
        cmocka_unit_test(a_bare_number_is_a_value_also_0),
        cmocka_unit_test(what_has_no_number_is_data_all_the_same),
        cmocka_unit_test(a_time_that_can_not_be_read_is_told_from_none),
        cmocka_unit_test(further_members_become_metrics),
        cmocka_unit_test(members_past_the_limits_are_refused_alone),
        cmocka_unit_test(a_product_beyond_a_double_is_refused_alone),
        cmocka_unit_test(what_is_not_json_is_refused_with_the_rule),
        cmocka_unit_test(only_one_nul_at_the_end_is_overlooked),
        cmocka_unit_test(a_message_cut_at_any_byte_is_refused),
        cmocka_unit_test(depth_and_length_have_limits),
    };
    return cmocka_run_group_tests_name("app_json", tests, NULL, NULL);
}

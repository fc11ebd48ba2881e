// test_iso_time - times as applications write them, and what is none.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/err.h"
#include "shared/base/iso_time.h"
#include "tests/support/exactly.h"
#include "tests/support/seeded.h"

#define NONE INT64_MIN

static int64_t
parse(const char *text)
{
    int64_t ms;

    return iso_time_parse(&ms, text, strlen(text)) == 0 ? ms : NONE;
}

static void
what_isoformat_gives_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00+00:00", 0 },
        { "2026-11-26T07:32:36.123456+00:00", 1795678356123 },
        { "2026-11-26T07:32:36+00:00", 1795678356000 },
        { "2026-11-26T07:32:36.123456", 1795678356123 },
        { "2026-11-26 07:32:36.123456", 1795678356123 },
        { "2026-11-26T07:32:36.123Z", 1795678356123 },
        { "2026-11-26t07:32:36,123z", 1795678356123 },
        { "2026-11-26T07:32:36.1Z", 1795678356100 },
        { "2026-11-26T07:32:36.1239999999999999999999Z", 1795678356123 },
        { "2026-11-26T07:32", 1795678320000 },
        { "2026-11-26T07:32Z", 1795678320000 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (parse(cases[i].text) != cases[i].ms)
            fail_msg("%s: %lld, not %lld", cases[i].text, (long long) parse(cases[i].text),
                     (long long) cases[i].ms);
}

static void
an_offset_is_taken_off(void **state)
{
    static const char *const same[] = {
        "2026-11-26T07:32:36Z",      "2026-11-26T09:32:36+02:00", "2026-11-26T09:32:36+0200",
        "2026-11-26T09:32:36+02",    "2026-11-25T23:32:36-08:00", "2026-11-26T13:02:36+05:30",
        "2026-11-26T07:32:36-00:00", "2026-11-27T07:31:36+23:59",
    };

    (void) state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (parse(same[i]) != 1795678356000)
            fail_msg("%s: %lld", same[i], (long long) parse(same[i]));
}

static void
leap_days_and_leap_seconds_count(void **state)
{
    (void) state;
    assert_int_equal(parse("2024-02-29T00:00:00Z"), 1709164800000);
    assert_int_equal(parse("2000-02-29T00:00:00Z"), 951782400000);
    assert_int_equal(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
    assert_int_equal(parse("0001-01-01T00:00:00Z"), INT64_C(-62135596800000));
    assert_int_equal(parse("9999-12-31T23:59:59.999Z"), INT64_C(253402300799999));
}

static void
what_is_no_date_is_out_of_range(void **state)
{
    static const char *const bad[] = {
        "2023-02-29T00:00:00Z",      "2100-02-29T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",      "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-32T00:00:00Z",      "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",      "0000-01-01T00:00:00Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
    };
    int64_t ms = 7;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (iso_time_parse(&ms, bad[i], strlen(bad[i])) != ERR_RANGE)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(ms, 7);
}

static void
what_is_no_such_text_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "2026-11-26",
        "20261126T073236Z",
        "2026-W48-4T00:00:00Z",
        "26-11-26T07:32:36Z",
        "12026-11-26T07:32:36Z",
        "-2026-11-26T07:32:36Z",
        " 2026-11-26T07:32:36Z",
        "2026-11-26T07:32:36Z ",
        "2026-11-26T07:32:36ZZ",
        "2026-11-26T07:32:36.Z",
        "2026-11-26T07:32:36.+00:00",
        "2026-11-26T07:32:Z",
        "2026-11-26T07:32:36+",
        "2026-11-26T07:32:36+0",
        "2026-11-26T07:32:36+00:",
        "2026-11-26T07:32:36+00:0",
        "2026-11-26T07:32:36+00:00:00",
        "2026-11-26T07:32:36 UTC",
        "2026-11-26T+7:32:36Z",
        "2026/11/26T07:32:36Z",
        "2026-11-26T07-32-36Z",
        "1795678356",
        "2026-11-26T07:32:36.1111111111111111111111111111111111111111111111Z",
    };
    int64_t ms = 7;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (iso_time_parse(&ms, bad[i], strlen(bad[i])) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(ms, 7);
}

// Cut anywhere it is either a shorter time of the same day or refused, and never read past its end.
static void
a_text_cut_at_any_byte_is_shorter_or_refused(void **state)
{
    static const char text[] = "2026-11-26T07:32:36.123456+00:00";

    (void) state;
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = exactly(text, n);
        int64_t ms = 1795678356123;

        if (iso_time_parse(&ms, copy, n) == 0)
            assert_in_range(ms, 1795678320000, 1795678356123);
        free(copy);
    }
    assert_int_not_equal(iso_time_parse(&(int64_t){ 0 }, "2026-11-26T07:32:36Z\0", 21), 0);
}

// The C library reckons the same.
static void
any_time_written_is_read_back(void **state)
{
    uint64_t seed = 1;

    (void) state;
    for (int i = 0; i < 20000; i++) {
        const int64_t ms = (int64_t) (seeded_next(&seed) % UINT64_C(253402300799999));
        const time_t seconds = (time_t) (ms / 1000);
        char day[32], text[64];
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        assert_true(strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) > 0);
        snprintf(text, sizeof text, "%s.%03d+00:00", day, (int) (ms % 1000));
        if (parse(text) != ms)
            fail_msg("%s: %lld, not %lld", text, (long long) parse(text), (long long) ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_isoformat_gives_is_read),
        cmocka_unit_test(an_offset_is_taken_off),
        cmocka_unit_test(leap_days_and_leap_seconds_count),
        cmocka_unit_test(what_is_no_date_is_out_of_range),
        cmocka_unit_test(what_is_no_such_text_is_refused),
        cmocka_unit_test(a_text_cut_at_any_byte_is_shorter_or_refused),
        cmocka_unit_test(any_time_written_is_read_back),
    };
    return cmocka_run_group_tests_name("iso_time", tests, NULL, NULL);
}

// test_when - times as people type them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/ctl/when.h"
#include "shared/base/err.h"

#define NOW INT64_C(1700000000000)

static void
a_time_is_a_date_a_number_of_seconds_or_an_age(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "now", NOW },
        { "-5m", NOW - 300000 },
        { "-250ms", NOW - 250 },
        { "0", 0 },
        { "1700000000", NOW },
        { "1700000000.25", NOW + 250 },
        { "1700000000.0009", NOW },
        { "1700000000.", NOW },
        { "1700000000000", NOW },
        { "253402300799", INT64_C(253402300799000) }, // the last of a calendar's seconds
        { "253402300800", INT64_C(253402300800) },
        { "2023-11-14T22:13:20Z", NOW },
        { "2023-11-14T22:13:20.5Z", NOW + 500 },
        { "2023-11-15T00:13:20+02:00", NOW },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;

        if (when_parse(&ms, cases[i].text, NOW) != 0 || ms != cases[i].ms)
            fail_msg("%s is %lld", cases[i].text, (long long) ms);
    }
}

static void
what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = { "",        "-",    "-5",       "5m",
                                         "1.2.3",   " 1",   "tomorrow", "1e9",
                                         "2023-11", "--5m", "0x10",     "99999999999999999999" };

    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t ms;

        if (when_parse(&ms, texts[i], NOW) == 0)
            fail_msg("%s is taken as %lld", texts[i], (long long) ms);
    }
}

static void
a_time_is_written_as_it_is_read(void **state)
{
    char text[WHEN_SIZE];
    int64_t ms;

    (void) state;
    assert_string_equal(when_put(text, NOW + 7), "2023-11-14T22:13:20.007Z");
    assert_int_equal(when_parse(&ms, text, 0), 0);
    assert_int_equal(ms, NOW + 7);
    assert_string_equal(when_put(text, INT64_MAX), "9223372036854775807");
    assert_string_equal(when_put(text, -1), "-1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_a_date_a_number_of_seconds_or_an_age),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_time_is_written_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

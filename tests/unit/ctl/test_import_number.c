// test_import_number - values and times of files that are imported.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "collector/ctl/import_number.h"
#include "collector/ctl/import_text.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"
#include "tests/support/seeded.h"

static void
a_value_is_the_double_that_its_text_says(void **state)
{
    static const struct {
        const char *text;
        double value;
        uint8_t decimals;
    } cases[] = {
        { "0", 0.0, 0 },
        { "-0", -0.0, 0 },
        { "42", 42, 0 },
        { "+1.50", 1.5, 2 },
        { ".5", 0.5, 1 },
        { "5.", 5, 0 },
        { "1e3", 1000, IMPORT_DECIMALS_NONE },
        { "1E-3", 0.001, IMPORT_DECIMALS_NONE },
        { "0.1", 0.1, 1 },
        { "1.7976931348623157e+308", DBL_MAX, IMPORT_DECIMALS_NONE },
        { "5e-324", 4.9406564584124654e-324, IMPORT_DECIMALS_NONE },
        { "1e-400", 0.0, IMPORT_DECIMALS_NONE },
        { "+Inf", INFINITY, IMPORT_DECIMALS_NONE },
        { "-Inf", -INFINITY, IMPORT_DECIMALS_NONE },
        { "infinity", INFINITY, IMPORT_DECIMALS_NONE },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t decimals;
        double value;

        if (import_value(&value, &decimals, cases[i].text, strlen(cases[i].text)) != 0 ||
            sample_bits(value) != sample_bits(cases[i].value) || decimals != cases[i].decimals)
            fail_msg("%s", cases[i].text);
    }
}

static void
a_nan_is_one_and_no_stale_mark(void **state)
{
    uint8_t decimals;
    double value;

    (void) state;
    assert_int_equal(import_value(&value, &decimals, "NaN", 3), 0);
    assert_true(isnan(value) && !sample_is_stale(value));
}

static void
what_is_no_value_is_refused(void **state)
{
    static const char *const texts[] = { "",      "-",     "+",      ".",     "-.",   "e5",
                                         "1e",    "1e+",   "0x1",    "1_000", "1,5",  " 1",
                                         "1 ",    "1.2.3", "--1",    "-NaN",  "nano", "infin",
                                         "1e5.5", "1f",    "NaN(1)", "1\t",   "\xff" };
    char many[IMPORT_NUMBER_MAX + 2];
    uint8_t decimals;
    double value;

    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (import_value(&value, &decimals, texts[i], strlen(texts[i])) != ERR_FORMAT)
            fail_msg("%s is taken", texts[i]);
    assert_int_equal(import_value(&value, &decimals,
                                  "1\0"
                                  "2",
                                  3),
                     ERR_FORMAT);
    assert_int_equal(import_value(&value, &decimals, "1e999", 5), ERR_RANGE);
    assert_int_equal(import_value(&value, &decimals, "-1e999999999999", 15), ERR_RANGE);
    memset(many, '1', sizeof many);
    assert_int_equal(import_value(&value, &decimals, many, IMPORT_NUMBER_MAX + 1), ERR_LIMIT);
    assert_int_equal(import_value(&value, &decimals, many, IMPORT_NUMBER_MAX), ERR_RANGE);
    memset(many, '0', sizeof many);
    assert_int_equal(import_value(&value, &decimals, many, IMPORT_NUMBER_MAX), 0);
}

static void
what_export_writes_reads_back_to_the_last_bit(void **state)
{
    uint64_t seed = 7;

    (void) state;
    for (unsigned i = 0; i < 100000; i++) {
        const double was = sample_from_bits(seeded_next(&seed));
        struct buf text = { 0 };
        uint8_t decimals;
        double value;

        if (isnan(was))
            continue;
        buf_double(&text, was);
        if (import_value(&value, &decimals, (char *) text.at, text.len) != 0 ||
            sample_bits(value) != sample_bits(was))
            fail_msg("%s", buf_cstr(&text));
        buf_release(&text);
    }
}

static void
seconds_are_milliseconds_to_the_digit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "0", 0 },
        { "-0", 0 },
        { "1700000000", INT64_C(1700000000000) },
        { "1700000000.001", INT64_C(1700000000001) },
        { "1700000000.1", INT64_C(1700000000100) },
        { "1700000000.999", INT64_C(1700000000999) },
        { "1700000000.9999999", INT64_C(1700000000999) },
        { "1.7e9", INT64_C(1700000000000) },
        { "1.700000000123e+9", INT64_C(1700000000123) },
        { "17000000001234e-4", INT64_C(1700000000123) },
        { "1e-9", 0 },
        { "0.0004e3", 400 },
        { "1e-99999999999", 0 },
        { "0e99999999999", 0 },
        { "253402300799.999", IMPORT_TIME_MAX_MS },
        { "0000000000000000000000000001", 1000 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;

        if (import_seconds(&ms, cases[i].text, strlen(cases[i].text)) != 0 || ms != cases[i].ms)
            fail_msg("%s is %lld", cases[i].text, (long long) ms);
    }
}

static void
times_outside_their_years_are_refused(void **state)
{
    static const char *const texts[] = { "-1",   "-0.001",       "253402300800", "1700000000000",
                                         "1e99", "1e99999999999" };
    int64_t ms;

    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (import_seconds(&ms, texts[i], strlen(texts[i])) != ERR_RANGE)
            fail_msg("%s", texts[i]);
    assert_int_equal(import_seconds(&ms, "NaN", 3), ERR_FORMAT);
    assert_int_equal(import_ms(&ms, "253402300800000", 15), ERR_RANGE);
    assert_int_equal(import_ms(&ms, "99999999999999999999999", 23), ERR_RANGE);
    assert_int_equal(import_ms(&ms, "-5", 2), ERR_RANGE);
    assert_int_equal(import_ms(&ms, "1.5", 3), ERR_FORMAT);
    assert_int_equal(import_ms(&ms, "", 0), ERR_FORMAT);
    assert_int_equal(import_ms(&ms, "+5", 2), ERR_FORMAT);
    assert_int_equal(import_ms(&ms, "253402300799999", 15), 0);
    assert_true(ms == IMPORT_TIME_MAX_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_the_double_that_its_text_says),
        cmocka_unit_test(a_nan_is_one_and_no_stale_mark),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(what_export_writes_reads_back_to_the_last_bit),
        cmocka_unit_test(seconds_are_milliseconds_to_the_digit),
        cmocka_unit_test(times_outside_their_years_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

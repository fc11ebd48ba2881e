// metric - integers stand for doubles, bit for bit, or not at all.

#include "shared/model/metric.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/model/sample.h"

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
each_value_is_what_strtod_gives_for_its_decimal_text(void **state)
{
    uint64_t random = 88172645463325252;

    (void) state;
    for (uint8_t exponent = 0; exponent <= METRIC_EXPONENT_MAX; exponent++) {
        for (int i = 0; i < 5000; i++) {
            struct metric_form form = { .exponent = exponent, .unit = 1 };
            int64_t m = (int64_t) (next_random(&random) >> (11 + i % 53));
            char text[48];

            snprintf(text, sizeof text, "%llde-%u", (long long) m, exponent);
            if (sample_bits(metric_value(form, m)) != sample_bits(strtod(text, NULL)))
                fail_msg("%s", text);
        }
    }
}

static void
every_mantissa_comes_back_to_the_same_value(void **state)
{
    static const uint32_t units[] = { 1, 2, 10, 512, 1000, 1024, 4096, 1000003, UINT32_MAX };
    uint64_t random = 88172645463325252;

    (void) state;
    for (uint8_t exponent = 0; exponent <= METRIC_EXPONENT_MAX; exponent++) {
        for (int i = 0; i < 20000; i++) {
            struct metric_form form = { .exponent = exponent, .unit = units[i % 9] };
            int64_t m = (int64_t) (next_random(&random) >> (10 + i % 54)), back;

            m %= METRIC_MANTISSA_MAX / form.unit + 1;
            m = i % 2 ? -m : m;
            if (!metric_mantissa(form, metric_value(form, m), &back) ||
                sample_bits(metric_value(form, back)) != sample_bits(metric_value(form, m)))
                fail_msg("%lld * %u / 10^%u", (long long) m, form.unit, exponent);
        }
    }
}

static void
the_largest_mantissa_fits_and_the_next_does_not(void **state)
{
    struct metric_form whole = { .exponent = 0, .unit = 1 }, kib = { .exponent = 0, .unit = 1024 };
    int64_t m;

    (void) state;
    assert_true(metric_mantissa(whole, 0x1p53, &m));
    assert_true(m == METRIC_MANTISSA_MAX);
    assert_true(metric_mantissa(whole, -0x1p53, &m));
    assert_false(metric_mantissa(whole, 0x1p53 + 2, &m));
    assert_true(metric_mantissa(kib, 0x1p53, &m));
    assert_true(m == METRIC_MANTISSA_MAX / 1024);
    assert_false(metric_mantissa(kib, 0x1p53 + 1024, &m));
}

static void
what_is_no_integer_of_the_form_is_refused(void **state)
{
    static const struct {
        struct metric_form form;
        double value;
    } cases[] = {
        { { 0, 1 }, 0.5 },        { { 0, 1 }, -0.0 },     { { 2, 1 }, -0.0 },
        { { 0, 1 }, NAN },        { { 0, 1 }, INFINITY }, { { 0, 1 }, -INFINITY },
        { { 15, 1 }, 1e300 },     { { 0, 1 }, 5e-324 },   { { 2, 1 }, 0.001 },
        { { 0, 1024 }, 1025 },    { { 0, 1024 }, 1 },     { { 0, 1 }, -1e-30 },
        { { METRIC_RAW, 1 }, 1 }, { { 16, 1 }, 1 },       { { 0, 0 }, 1 },
        { { 2, 1 }, 0.1 + 0.2 },
    };
    int64_t m = 5;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (metric_mantissa(cases[i].form, cases[i].value, &m))
            fail_msg("case %zu", i);
    assert_false(
        metric_mantissa((struct metric_form){ 0, 1 }, sample_from_bits(SAMPLE_STALE_BITS), &m));
    assert_int_equal(m, 5);
}

static void
hostile_numbers_have_some_value(void **state)
{
    static const int64_t numbers[] = { INT64_MIN, INT64_MAX, -1 };

    (void) state;
    for (size_t i = 0; i < 3; i++)
        for (unsigned exponent = 0; exponent <= 255; exponent++)
            (void) metric_value((struct metric_form){ (uint8_t) exponent, UINT32_MAX }, numbers[i]);
    assert_true(isnan(metric_value((struct metric_form){ METRIC_RAW, 1 }, 1)));
}

static void
a_form_is_valid_within_its_ranges(void **state)
{
    (void) state;
    assert_true(metric_form_valid((struct metric_form){ 0, 1 }));
    assert_true(metric_form_valid((struct metric_form){ 15, UINT32_MAX }));
    assert_true(metric_form_valid((struct metric_form){ METRIC_RAW, 1 }));
    assert_false(metric_form_valid((struct metric_form){ 16, 1 }));
    assert_false(metric_form_valid((struct metric_form){ 0, 0 }));
}

static void
kinds_have_the_names_of_exposition_text(void **state)
{
    (void) state;
    assert_string_equal(metric_kind_str(METRIC_UNTYPED), "unknown");
    assert_string_equal(metric_kind_str(METRIC_GAUGE), "gauge");
    assert_string_equal(metric_kind_str(METRIC_COUNTER), "counter");
    assert_string_equal(metric_kind_str(METRIC_INFO), "info");
    assert_string_equal(metric_kind_str((enum metric_kind) 200), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_is_what_strtod_gives_for_its_decimal_text),
        cmocka_unit_test(every_mantissa_comes_back_to_the_same_value),
        cmocka_unit_test(the_largest_mantissa_fits_and_the_next_does_not),
        cmocka_unit_test(what_is_no_integer_of_the_form_is_refused),
        cmocka_unit_test(hostile_numbers_have_some_value),
        cmocka_unit_test(a_form_is_valid_within_its_ranges),
        cmocka_unit_test(kinds_have_the_names_of_exposition_text),
    };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}

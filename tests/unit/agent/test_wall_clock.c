// test_wall_clock - the time of day, its zone, and the kernel's clock sources.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <stdlib.h>
#include <time.h>

#include "agent/proc/wall_clock.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static void
the_time_is_that_of_the_system(void **state)
{
    struct family_bench b = family_bench(&time_family, NULL);
    const int64_t before_ms = clock_real_ms();
    int64_t seen_ms;

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, NULL, NULL), 0);
    seen_ms = series_table_cells(b.table)[0].m;
    assert_in_range(seen_ms, before_ms, clock_real_ms());
    family_bench_end(&b);
}

static void
the_zone_is_told_and_another_one_is_another_series(void **state)
{
    struct family_bench b = family_bench(&time_family, NULL);

    (void) state;
    setenv("TZ", "IST-5:30", 1);
    tzset();
    FAMILY_TICK(&b, NULL, NULL);
    assert_true(
        family_tells(&b, "node_time_zone_offset_seconds{job=\"node\",time_zone=\"IST\"} 19800"));
    setenv("TZ", "UTC", 1);
    tzset();
    FAMILY_TICK(&b, NULL, NULL);
    assert_true(
        family_tells(&b, "node_time_zone_offset_seconds{job=\"node\",time_zone=\"UTC\"} 0"));
    family_bench_end(&b);
}

static void
clock_sources_are_a_series_each(void **state)
{
    struct family_bench b = family_bench(&time_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "tsc hpet \n", "tsc\n"), 0);
    assert_true(family_tells(&b, "node_time_clocksource_available_info{clocksource=\"hpet\","
                                 "device=\"0\",job=\"node\"} 1"));
    assert_true(family_tells(&b, "node_time_clocksource_current_info{clocksource=\"tsc\","
                                 "device=\"0\",job=\"node\"} 1"));
    assert_int_equal(family_samples(&b), 5);
    family_bench_end(&b);
}

static void
too_many_or_too_long_names_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "tsc",
        "0123456789012345678901234567890123\n",
        "a b c d e f g h i j k l m n o p q\n",
    };
    char names[CLOCK_SOURCES_MAX][CLOCK_NAME_SIZE];

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *text = exactly(bad[i], strlen(bad[i]));

        assert_int_equal(clock_sources_parse(names, text, strlen(bad[i])), ERR_FORMAT);
        free(text);
    }
    assert_int_equal(clock_sources_parse(names, "\n", 1), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_is_that_of_the_system),
        cmocka_unit_test(the_zone_is_told_and_another_one_is_another_series),
        cmocka_unit_test(clock_sources_are_a_series_each),
        cmocka_unit_test(too_many_or_too_long_names_are_refused),
    };
    return cmocka_run_group_tests_name("wall_clock", tests, NULL, NULL);
}

// test_pressure - totals of /proc/pressure, kernel by kernel.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/pressure.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

#define SOME "some avg10=3.30 avg60=4.32 avg300=8.68 total=92972313\n"
#define FULL "full avg10=0.00 avg60=0.00 avg300=0.00 total=11642353\n"

static void
totals_are_told_in_seconds_by_resource(void **state)
{
    struct family_bench b = family_bench(&pressure_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, SOME FULL, SOME FULL, SOME FULL, FULL), 0);
    assert_int_equal(family_samples(&b), 6);
    assert_true(
        family_tells(&b, "node_pressure_cpu_waiting_seconds_total{job=\"node\"} 92.972313"));
    assert_true(family_tells(&b, "node_pressure_io_waiting_seconds_total{job=\"node\"} 92.972313"));
    assert_true(family_tells(&b, "node_pressure_io_stalled_seconds_total{job=\"node\"} 11.642353"));
    assert_true(
        family_tells(&b, "node_pressure_memory_stalled_seconds_total{job=\"node\"} 11.642353"));
    assert_true(
        family_tells(&b, "node_pressure_irq_stalled_seconds_total{job=\"node\"} 11.642353"));
    family_bench_end(&b);
}

static void
what_a_kernel_lacks_is_no_series(void **state)
{
    struct family_bench b = family_bench(&pressure_family, NULL);

    (void) state;
    // Before 5.13 the file of cpu has no "full"; without irq accounting there is no file of it.
    assert_int_equal(FAMILY_TICK(&b, SOME, NULL, SOME FULL, NULL), 0);
    assert_int_equal(family_samples(&b), 3);
    assert_null(strstr(buf_cstr(&b.text), "_io_"));
    family_bench_end(&b);
}

static void
what_is_no_total_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "total=1\n",
        "some\n",
        "some avg10=0.00\n",
        "some total=\n",
        "some total=x\n",
        "some total=-1\n",
        "some total=9223372036854775808\n",
        SOME "full avg10=0.00\n",
    };
    struct pressure p;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pressure_parse(&p, bad[i], strlen(bad[i])) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

static void
a_text_cut_anywhere_gives_whole_lines_or_nothing(void **state)
{
    static const char whole[] = SOME FULL;
    struct pressure p;

    (void) state;
    for (size_t n = 0; n < sizeof whole; n++) {
        char *text = exactly(whole, n);
        const int rc = pressure_parse(&p, text, n);

        assert_int_equal(rc, n < sizeof SOME - 1 ? ERR_FORMAT : n < sizeof whole - 1 ? 1 : 2);
        if (rc > 0)
            assert_int_equal(p.some_us, 92972313);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_told_in_seconds_by_resource),
        cmocka_unit_test(what_a_kernel_lacks_is_no_series),
        cmocka_unit_test(what_is_no_total_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_gives_whole_lines_or_nothing),
    };
    return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}

// clock - times that do not run back, and numbers that do not repeat.

#include "shared/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "shared/base/random.h"

static void
the_monotonic_clock_does_not_run_back(void **state)
{
    int64_t before = clock_mono_ns();

    (void) state;
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_ns();

        assert_true(now >= before);
        before = now;
    }
}

static void
milliseconds_are_a_millionth_of_nanoseconds(void **state)
{
    int64_t low = clock_mono_ns() / 1000000, ms = clock_mono_ms();

    (void) state;
    assert_in_range(ms, low, clock_mono_ns() / 1000000);
    assert_true(clock_boot_ms() >= ms);
}

static void
real_time_counts_from_the_epoch(void **state)
{
    time_t low = time(NULL) - 1;
    int64_t ms = clock_real_ms();

    (void) state;
    assert_in_range(ms / 1000, low, time(NULL) + 1);
}

static void
random_numbers_are_not_zero_and_differ(void **state)
{
    uint64_t a = random_u64(), b = random_u64();

    (void) state;
    assert_true(a != 0 && b != 0 && a != b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_does_not_run_back),
        cmocka_unit_test(milliseconds_are_a_millionth_of_nanoseconds),
        cmocka_unit_test(real_time_counts_from_the_epoch),
        cmocka_unit_test(random_numbers_are_not_zero_and_differ),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

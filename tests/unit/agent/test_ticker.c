// test_ticker - ticks on an absolute clock, and stamps that never repeat.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>

#include "agent/tick_stamp.h"
#include "agent/ticker.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define DEADLINE_MS 20000

static void
the_first_tick_is_the_next_time_of_its_phase(void **state)
{
    static const struct {
        int64_t now, interval, phase, wants;
    } cases[] = {
        { 0, 10, 0, 10 }, { 0, 10, 3, 3 },  { 3, 10, 3, 13 },
        { 2, 10, 3, 3 },  { 9, 10, 3, 13 }, { 1234567, 1000, 999, 1234999 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ticker_first_ns(cases[i].now, cases[i].interval, cases[i].phase),
                         cases[i].wants);
}

static uint64_t
wait_ticks(ticker_t *ticker)
{
    struct pollfd item = { .fd = ticker_fd(ticker), .events = POLLIN };

    assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
    return ticker_read(ticker);
}

static void
ticks_come_and_are_read_once(void **state)
{
    ticker_t *ticker = NULL;

    (void) state;
    assert_int_equal(ticker_open(&ticker, 10, 12345), 0);
    for (int i = 0; i < 3; i++)
        assert_true(wait_ticks(ticker) >= 1);
    ticker_close(&ticker);
    assert_null(ticker);
}

static void
ticks_that_passed_unseen_are_counted(void **state)
{
    ticker_t *ticker;
    uint64_t ticks;

    (void) state;
    assert_int_equal(ticker_open(&ticker, 1, 12345), 0);
    for (ticks = 0; ticks < 100;)
        ticks += wait_ticks(ticker);
    assert_true(ticks >= 100);
    ticker_close(&ticker);
}

static void
a_shifted_ticker_goes_on(void **state)
{
    ticker_t *ticker;

    (void) state;
    assert_int_equal(ticker_open(&ticker, 10, 12345), 0);
    assert_true(wait_ticks(ticker) >= 1);
    assert_int_equal(ticker_shift(ticker, 7), 0);
    assert_true(wait_ticks(ticker) >= 1);
    ticker_close(&ticker);
}

// Of a host that does not sleep.
static int64_t
stamp_next(tick_stamp_t *stamp, int64_t real_ms, int64_t mono_ms, int64_t *step_ret)
{
    const struct tick_clocks now = { real_ms, mono_ms, mono_ms };
    struct tick_jump jump;
    const int64_t next = tick_stamp_next(stamp, now, &jump);

    assert_int_equal(jump.slept_ms, 0);
    *step_ret = jump.step_ms;
    return next;
}

static void
a_host_that_slept_has_made_no_step(void **state)
{
    tick_stamp_t *stamp = tick_stamp_new();
    struct tick_jump jump;

    (void) state;
    tick_stamp_next(stamp, (struct tick_clocks){ 100000, 1000, 1000 }, &jump);
    assert_int_equal(jump.slept_ms, 0);
    tick_stamp_next(stamp, (struct tick_clocks){ 161000, 2000, 62000 }, &jump);
    assert_int_equal(jump.slept_ms, 60000);
    assert_int_equal(jump.step_ms, 0);
    // It slept, and its clock was set while it did.
    tick_stamp_next(stamp, (struct tick_clocks){ 152000, 3000, 73000 }, &jump);
    assert_int_equal(jump.slept_ms, 10000);
    assert_int_equal(jump.step_ms, -20000);
    tick_stamp_next(stamp, (struct tick_clocks){ 153000, 4000, 74000 }, &jump);
    assert_int_equal(jump.slept_ms, 0);
    assert_int_equal(jump.step_ms, 0);
    tick_stamp_destroy(&stamp);
}

static void
a_stamp_is_the_wall_clock(void **state)
{
    tick_stamp_t *stamp = tick_stamp_new();
    int64_t step;

    (void) state;
    for (int64_t t = 0; t < 100; t++) {
        assert_int_equal(stamp_next(stamp, 1700000000000 + t * 1000, t * 1000, &step),
                         1700000000000 + t * 1000);
        assert_int_equal(step, 0);
    }
    tick_stamp_destroy(&stamp);
}

static void
a_step_is_told_once(void **state)
{
    tick_stamp_t *stamp = tick_stamp_new();
    int64_t step;

    (void) state;
    stamp_next(stamp, 100000, 0, &step);
    stamp_next(stamp, 101099, 1000, &step); // read at two moments, not stepped
    assert_int_equal(step, 0);
    stamp_next(stamp, 92099, 2000, &step);
    assert_int_equal(step, -10000);
    stamp_next(stamp, 93099, 3000, &step);
    assert_int_equal(step, 0);
    stamp_next(stamp, 3694099, 4000, &step);
    assert_int_equal(step, 3600000);
    stamp_next(stamp, 3695199, 5000, &step);
    assert_int_equal(step, 100);
    tick_stamp_destroy(&stamp);
}

static void
two_ticks_in_a_millisecond_have_two_stamps(void **state)
{
    tick_stamp_t *stamp = tick_stamp_new();
    int64_t step;

    (void) state;
    assert_int_equal(stamp_next(stamp, 5000, 0, &step), 5000);
    assert_int_equal(stamp_next(stamp, 5000, 0, &step), 5001);
    assert_int_equal(stamp_next(stamp, 5001, 1, &step), 5002);
    tick_stamp_destroy(&stamp);
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

// A clock that is set back again and again over the same minutes.
static void
no_stamp_is_given_twice(void **state)
{
    enum { N = 4000 };
    int64_t *stamps = xcalloc(N, sizeof *stamps);
    tick_stamp_t *stamp = tick_stamp_new();
    int64_t real = 1700000000000, step;
    uint64_t seed = 5;

    (void) state;
    for (int64_t i = 0; i < N; i++) {
        real += 1000 + seeded_below(&seed, 2);
        if (seeded_below(&seed, 50) == 0)
            real -= 1000 * (int64_t) seeded_below(&seed, 120);
        stamps[i] = stamp_next(stamp, real, i * 1000, &step);
        assert_in_range(stamps[i] - real, 0, 100);
    }
    qsort(stamps, N, sizeof *stamps, compare);
    for (size_t i = 1; i < N; i++)
        assert_true(stamps[i] != stamps[i - 1]);
    tick_stamp_destroy(&stamp);
    free(stamps);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_slept_has_made_no_step),
        cmocka_unit_test(the_first_tick_is_the_next_time_of_its_phase),
        cmocka_unit_test(ticks_come_and_are_read_once),
        cmocka_unit_test(ticks_that_passed_unseen_are_counted),
        cmocka_unit_test(a_shifted_ticker_goes_on),
        cmocka_unit_test(a_stamp_is_the_wall_clock),
        cmocka_unit_test(a_step_is_told_once),
        cmocka_unit_test(two_ticks_in_a_millisecond_have_two_stamps),
        cmocka_unit_test(no_stamp_is_given_twice),
    };
    return cmocka_run_group_tests_name("ticker", tests, NULL, NULL);
}

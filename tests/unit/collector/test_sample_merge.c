// sample_merge - runs in any order come to be one of rising times, and what came first stands.

#include "collector/store/sample_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/seeded.h"

#define TIMES 60u
#define RUNS  8u

// A run of some of the times; its values say which run it is.
static uint32_t
make_run(struct sample *ret, uint32_t number, uint64_t *seed)
{
    const uint32_t from = seeded_below(seed, TIMES);
    const uint32_t to = from + 1 + seeded_below(seed, TIMES - from);
    const bool dense = seeded_below(seed, 2) == 0;
    uint32_t n = 0;

    for (uint32_t t = from; t < to; t++)
        if (dense || seeded_below(seed, 3) == 0)
            ret[n++] = (struct sample){ .time_ms = t, .value = number };
    return n;
}

static void
of_each_time_what_came_first_stands(void **state)
{
    uint64_t seed = 1;

    (void) state;
    for (uint32_t round = 0; round < 3000; round++) {
        struct sample run[2 * TIMES], more[TIMES], room[TIMES];
        double stands[TIMES] = { 0 };
        uint32_t n_run = 0, at = 0;

        for (uint32_t number = 1; number <= RUNS; number++) {
            const uint32_t n = make_run(more, number, &seed);

            n_run = sample_merge(run, n_run, more, n, room);
            for (uint32_t i = 0; i < n; i++)
                if (stands[more[i].time_ms] == 0)
                    stands[more[i].time_ms] = number;
        }
        for (uint32_t t = 0; t < TIMES; t++) {
            if (stands[t] == 0)
                continue;
            assert_true(at < n_run);
            assert_int_equal(run[at].time_ms, t);
            assert_true(run[at++].value == stands[t]);
        }
        assert_int_equal(at, n_run);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_time_what_came_first_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

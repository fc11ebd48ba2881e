// fault_store - the store on the disk, ended at any moment: what was acknowledged is there once,
// and nothing else is left.

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/chaos.h"
#include "tests/support/rig.h"
#include "tests/support/seeded.h"
#include "tests/support/store_names.h"

#define RIGS    6 // beside each other
#define KILLS   200
#define LIFE_MS 1200 // at most, of one that is killed
#define PER_S   2000 // rows of each host
#define HOSTS   2

// The checker finds what it is there to find.
static void
what_is_amiss_with_numbered_samples_is_found(void **state)
{
    static const struct numbered of = { .t0_ms = 1700000000000, .seed = 7 };
    struct sample held[4 * NUMBERED_WIDTH];
    struct numbered_verdict v;
    size_t n = 0;

    (void) state;
    for (uint64_t i = 0; i < 4 * NUMBERED_WIDTH; i++)
        if (numbered_is_made(&of, i))
            held[n++] = (struct sample){ numbered_time(&of, i), (double) numbered_value(&of, i) };
    assert_int_equal(n, 4 * NUMBERED_SLOTS + 1);
    numbered_check(&of, 4, 4, held, n, INT64_MIN, &v);
    assert_true(v.found == n && v.missing == 0 && v.doubled == 0 && v.foreign == 0);
    numbered_check(&of, 4, 4, held, n - 1, INT64_MIN, &v);
    assert_true(v.missing == 1 && v.first == 3 * NUMBERED_WIDTH + NUMBERED_SLOTS - 1);
    numbered_check(&of, 4, 3, held, n - 1, INT64_MIN, &v);
    assert_true(v.missing == 0);
    held[n] = held[5];
    numbered_check(&of, 4, 4, held, n + 1, INT64_MIN, &v);
    assert_true(v.doubled == 1 && v.first == 5 && v.missing == 0 && v.foreign == 0);
    held[n].time_ms++;
    held[n + 1] = (struct sample){ held[4].time_ms, held[4].value + 1 };
    numbered_check(&of, 4, 4, held, n + 2, INT64_MIN, &v);
    assert_true(v.foreign == 2 && v.doubled == 0 && v.missing == 0);
}

// Shorter lives are more frequent than long ones.
static int64_t
s_life_ms(uint64_t *seed)
{
    return (int64_t) seeded_below(seed, 1 + seeded_below(seed, LIFE_MS));
}

// Those of a test; what a failed one left is ended behind it.
static rig_t *s_rigs[RIGS];

static int
s_end(void **state)
{
    (void) state;
    for (unsigned i = 0; i < RIGS; i++)
        rig_destroy(&s_rigs[i]);
    return 0;
}

static void
s_finish(const char *what, unsigned n, int64_t since_ms)
{
    uint64_t acked = 0;

    for (unsigned i = 0; i < RIGS; i++) {
        rig_finish(s_rigs[i], since_ms);
        assert_int_equal(store_names_check(rig_store(s_rigs[i])), 0); // nothing was set aside
        acked += rig_acked(s_rigs[i]);
    }
    print_message("%u %s, %" PRIu64 " samples acknowledged\n", n, what, acked);
}

static void
a_collector_that_is_killed_at_any_moment_loses_and_doubles_nothing(void **state)
{
    const unsigned kills = KILLS * (unsigned) chaos_seconds(60) / 60;
    uint64_t seed = chaos_seed();
    int64_t due_ms[RIGS];
    unsigned done = 0;

    (void) state;
    for (unsigned i = 0; i < RIGS; i++) {
        s_rigs[i] = rig_new(&(struct rig_options){ .hosts = HOSTS, .seed = seeded_next(&seed) });
        rig_start(s_rigs[i], NULL);
        due_ms[i] = clock_mono_ms() + s_life_ms(&seed);
    }
    while (done < kills) {
        for (unsigned i = 0; i < RIGS; i++) {
            if (!rig_turn(s_rigs[i], PER_S)) {
                stage_show(rig_stage(s_rigs[i]));
                fail_msg("a collector ended by itself");
            }
            if (clock_mono_ms() < due_ms[i])
                continue;
            rig_kill(s_rigs[i], SIGKILL);
            rig_start(s_rigs[i], NULL);
            due_ms[i] = clock_mono_ms() + s_life_ms(&seed);
            done++;
        }
        poll(NULL, 0, 1);
    }
    for (unsigned i = 0; i < RIGS; i++)
        rig_kill(s_rigs[i], SIGKILL);
    s_finish("kills", done, INT64_MIN);
}

#define rigs_test(claim) cmocka_unit_test_teardown(claim, s_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_amiss_with_numbered_samples_is_found),
        rigs_test(a_collector_that_is_killed_at_any_moment_loses_and_doubles_nothing),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_store", tests, NULL, NULL);
}

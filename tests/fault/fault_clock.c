// fault_clock - clocks that jump, of agents and of the collector: no sample is lost, doubled or
// changed, and each keeps the time it was given.

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/chaos.h"
#include "tests/support/program_shim.h"
#include "tests/support/seeded.h"

#define AGENTS    6
#define PER_S     20
#define SETTLE_MS 30000
#define MINUTE_MS 60000

static void
s_start(chaos_t *chaos, stage_t *stage, unsigned agents)
{
    struct chaos_options opt = { .fleet = { .members = agents, .per_s = PER_S } };

    opt.fleet.preload = opt.collector_preload = program_shim_find(PROGRAM_SHIM_CLOCK);
    program_shim_clock(stage_dir(stage), "collector", 0);
    chaos_start(chaos, stage, &opt);
    fleet_run(chaos->fleet, 1000);
}

// Up to five minutes either way: what is further ahead than ten is refused, and rightly.
static int64_t
s_offset(chaos_t *chaos)
{
    return (int64_t) seeded_below(&chaos->seed, 600000) - 300000;
}

static void
agents_clocks_step_forth_and_back(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, AGENTS);
    for (int round = 0; round < 6; round++) {
        for (unsigned i = 0; i < AGENTS; i++)
            fleet_set_clock(chaos.fleet, i, s_offset(&chaos));
        fleet_run(chaos.fleet, 2500);
    }
    chaos_finish(&chaos, SETTLE_MS);
}

static void
the_collectors_clock_steps_forth_and_back(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, AGENTS);
    for (int round = 0; round < 6; round++) {
        program_shim_clock(stage_dir(*state), "collector", s_offset(&chaos));
        fleet_run(chaos.fleet, 2000);
    }
    program_shim_clock(stage_dir(*state), "collector", 0);
    chaos_finish(&chaos, SETTLE_MS);
}

static void
clocks_step_while_both_sides_are_killed(void **state)
{
    static const struct chaos_plan plan = {
        .weights = { [DEED_KILL_AGENT] = 6, [DEED_KILL_COLLECTOR] = 1 },
        .most_ms = { [DEED_KILL_AGENT] = 500, [DEED_KILL_COLLECTOR] = 500 },
        .every_ms = 300
    };
    chaos_t chaos;

    s_start(&chaos, *state, AGENTS);
    for (int round = 0; round < 6; round++) {
        const unsigned i = seeded_below(&chaos.seed, AGENTS);

        fleet_set_clock(chaos.fleet, i, s_offset(&chaos));
        program_shim_clock(stage_dir(*state), "collector", s_offset(&chaos));
        chaos_run(&chaos, &plan, 3000);
    }
    program_shim_clock(stage_dir(*state), "collector", 0);
    chaos_finish(&chaos, SETTLE_MS);
}

// Twenty minutes ahead is too far for a collector: it acknowledges, refuses, and counts. Killed, it
// still knows how many these were.
static void
what_is_refused_is_counted_over_kills(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, 1);
    chaos.opt.may = BALANCE_UNREADABLE;
    for (int round = 0; round < 6; round++) {
        fleet_set_clock(chaos.fleet, 0, 20 * MINUTE_MS);
        fleet_run(chaos.fleet, 700);
        chaos_kill_collector(&chaos, SIGKILL);
        chaos_start_collector(&chaos);
        fleet_set_clock(chaos.fleet, 0, 0);
        fleet_run(chaos.fleet, 700);
    }
    tally_excuse_times(fleet_tally(chaos.fleet, 0), clock_real_ms() + 10 * MINUTE_MS, INT64_MAX);
    chaos_settle(&chaos, SETTLE_MS);
    claim(*state, balance_count(*state, fleet_name(0), "refused") > 0);
    chaos_finish(&chaos, SETTLE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(agents_clocks_step_forth_and_back),
        stage_test(the_collectors_clock_steps_forth_and_back),
        stage_test(clocks_step_while_both_sides_are_killed),
        stage_test(what_is_refused_is_counted_over_kills),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_clock", tests, NULL, NULL);
}

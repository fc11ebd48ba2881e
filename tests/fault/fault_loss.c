// fault_loss - losses that are made on purpose are found: a spool or a journal that is robbed after
// a kill stands for a program that loses what it had. Else the other faults prove nothing.

#include <signal.h>
#include <stdio.h>

#include "tests/support/chaos.h"
#include "tests/support/spool_harm.h"

#define AGENTS   3
#define PER_S    20
#define FOUND_MS 3000 // for what is not lost to arrive
#define TEAR     100  // bytes at most, so often: of two seconds at the least, since a record may
#define TEARS    10   // have no value where the machine is busy

static void
s_start(chaos_t *chaos, stage_t *stage)
{
    const struct chaos_options opt = { .fleet = { .members = AGENTS, .per_s = PER_S } };

    chaos_start(chaos, stage, &opt);
    fleet_run(chaos->fleet, 2000);
}

static void
s_kill_agents(chaos_t *chaos)
{
    for (unsigned i = 0; i < AGENTS; i++)
        fleet_kill(chaos->fleet, i);
}

static void
s_start_agents(chaos_t *chaos)
{
    fleet_feed(chaos->fleet, false);
    fleet_start_all(chaos->fleet);
    claim(chaos->stage, fleet_wait_up(chaos->fleet, 20000));
}

// Each host misses some, and nothing else is amiss.
static void
s_is_found(chaos_t *chaos)
{
    claim(chaos->stage, !fleet_check(chaos->fleet, stage_endpoint(chaos->stage), FOUND_MS, false));
    for (unsigned i = 0; i < AGENTS; i++) {
        struct tally_verdict v;

        claim(chaos->stage, fleet_verdict(chaos->fleet, stage_endpoint(chaos->stage), i, &v));
        claim(chaos->stage, v.faults[TALLY_MISSING] > 0 && v.faults[TALLY_CHANGED] == 0 &&
                                v.faults[TALLY_DOUBLED] == 0 && v.faults[TALLY_FOREIGN] == 0);
    }
    chaos_say(chaos);
    chaos_end(chaos);
}

// The youngest records of all, that a rule by time would have to excuse.
static void
an_agent_that_loses_the_tail_of_its_spool_is_found(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state);
    chaos_kill_collector(&chaos, SIGKILL);
    fleet_run(chaos.fleet, 1000);
    s_kill_agents(&chaos);
    for (unsigned i = 0; i < AGENTS; i++) {
        char path[512];

        snprintf(path, sizeof path, "%s/spool", fleet_data(chaos.fleet, i));
        for (int k = 0; k < TEARS; k++)
            claim(*state, spool_harm_tear(path, TEAR, &chaos.seed) > 0);
    }
    chaos_start_collector(&chaos);
    s_start_agents(&chaos);
    s_is_found(&chaos);
}

// All is acknowledged, and the agents ended in the knowledge of it; then it is not there.
static void
a_collector_that_loses_what_it_acknowledged_is_found(void **state)
{
    char data[256], copy[256];
    chaos_t chaos;

    s_start(&chaos, *state);
    chaos_kill_collector(&chaos, SIGTERM);
    snprintf(data, sizeof data, "%s/collector", stage_dir(*state));
    snprintf(copy, sizeof copy, "%s/copy", stage_dir(*state));
    spool_harm_copy(data, copy);
    chaos_start_collector(&chaos);
    fleet_run(chaos.fleet, 2000);
    fleet_feed(chaos.fleet, false);
    claim(*state, fleet_check(chaos.fleet, stage_endpoint(*state), 30000, false));
    for (unsigned i = 0; i < AGENTS; i++)
        claim(*state, fleet_end(chaos.fleet, i));
    chaos_kill_collector(&chaos, SIGTERM);
    spool_harm_copy(copy, data);
    chaos_start_collector(&chaos);
    s_start_agents(&chaos);
    s_is_found(&chaos);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(an_agent_that_loses_the_tail_of_its_spool_is_found),
        stage_test(a_collector_that_loses_what_it_acknowledged_is_found),
    };

    return cmocka_run_group_tests_name("fault_loss", tests, NULL, NULL);
}

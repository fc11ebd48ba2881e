// fault_chaos - twenty agents and a collector under everything that a night in a machine room has:
// what an agent has taken is in the collector once, with its value.

#include <signal.h>
#include <stdio.h>

#include "tests/support/chaos.h"

#define AGENTS    20
#define PER_S     20
#define USUAL_S   60    // of the random part
#define SHARE     8     // of it, for each kind of fault alone
#define ROUND_S   60    // a collector answers with its newest minutes: compare before they are over
#define SETTLE_MS 60000 // for a backlog to arrive

static const struct chaos_options s_options = {
    .fleet = { .members = AGENTS, .per_s = PER_S },
};

// The plan, for so long, in rounds; each ends with nobody running but the collector, and the export
// and the ledger agreed.
static void
s_rounds(stage_t *stage, const struct chaos_plan *plan, int seconds)
{
    chaos_t chaos;

    chaos_start(&chaos, stage, &s_options);
    for (int left = seconds; left > 0; left -= ROUND_S) {
        fleet_start_all(chaos.fleet);
        chaos_run(&chaos, plan, 1000 * (left < ROUND_S ? left : ROUND_S));
        chaos_settle(&chaos, SETTLE_MS);
        chaos_close(&chaos);
    }
    chaos_say(&chaos);
    chaos_end(&chaos);
}

static void
nothing_happens_and_all_is_there(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_RESET] = 1 }, .every_ms = 1000000 };

    s_rounds(*state, &plan, 5);
}

static void
collectors_are_killed(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_COLLECTOR] = 1 },
                                            .most_ms = { [DEED_KILL_COLLECTOR] = 500 },
                                            .every_ms = 800 };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / SHARE);
}

static void
agents_are_killed(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 1 }, .every_ms = 150 };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / SHARE);
}

static void
either_side_is_stalled(void **state)
{
    static const struct chaos_plan plan = {
        .weights = { [DEED_STALL_AGENT] = 8, [DEED_STALL_COLLECTOR] = 1 }, .every_ms = 500
    };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / SHARE);
}

// All of them: some agents that stand still while the collector runs, the collector while others
// run, and for most of the time both.
static void
both_sides_stand_still_for_half_a_minute(void **state)
{
    chaos_t chaos;

    chaos_start(&chaos, *state, &s_options);
    fleet_run(chaos.fleet, 1000);
    for (unsigned i = 0; i < AGENTS / 2; i++)
        fleet_stall(chaos.fleet, i);
    fleet_run(chaos.fleet, 3000);
    process_signal(chaos.collector, SIGSTOP);
    fleet_run(chaos.fleet, 27000);
    for (unsigned i = 0; i < AGENTS / 2; i++)
        fleet_resume(chaos.fleet, i);
    fleet_run(chaos.fleet, 3000);
    process_signal(chaos.collector, SIGCONT);
    chaos_finish(&chaos, SETTLE_MS);
}

// Control while data flow, and the other way round.
static void
each_lane_fails_alone_in_each_way(void **state)
{
    static const enum proxy_mode modes[] = { PROXY_CUT, PROXY_HOLD, PROXY_SWALLOW };
    chaos_t chaos;

    chaos_start(&chaos, *state, &s_options);
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (unsigned lane = 0; lane < CHAOS_LANES; lane++) {
            tcp_proxy_set(chaos.proxy, lane, modes[i]);
            fleet_run(chaos.fleet, 1500);
            tcp_proxy_set(chaos.proxy, lane, PROXY_PASS);
            fleet_run(chaos.fleet, 500);
        }
    chaos_finish(&chaos, SETTLE_MS);
}

static void
lanes_are_cut_one_without_the_other(void **state)
{
    static const struct chaos_plan plan = {
        .weights = { [DEED_CUT] = 2, [DEED_HOLD] = 2, [DEED_SWALLOW] = 2, [DEED_RESET] = 2 },
        .every_ms = 800
    };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / SHARE);
}

// Longer than what an agent holds in memory: 256 records, one each 200 ms. The long form has fewer
// values, so that a collector still answers with all of them.
static void
a_collector_is_away_for_long(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 1 }, .every_ms = 400 };
    struct chaos_options opt = s_options;
    chaos_t chaos;

    if (chaos_is_long())
        opt.fleet.per_s = 5;
    chaos_start(&chaos, *state, &opt);
    fleet_run(chaos.fleet, 2000);
    chaos_kill_collector(&chaos, SIGKILL);
    chaos_run(&chaos, &plan, chaos_is_long() ? 600000 : 65000);
    chaos_start_collector(&chaos);
    chaos_finish(&chaos, 2 * SETTLE_MS);
}

static void
everything_happens_at_once(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 400,
                                                         [DEED_END_AGENT] = 80,
                                                         [DEED_STALL_AGENT] = 120,
                                                         [DEED_FREEZE_AGENT] = 12,
                                                         [DEED_KILL_COLLECTOR] = 60,
                                                         [DEED_END_COLLECTOR] = 20,
                                                         [DEED_STALL_COLLECTOR] = 20,
                                                         [DEED_FREEZE_COLLECTOR] = 1,
                                                         [DEED_CUT] = 20,
                                                         [DEED_HOLD] = 20,
                                                         [DEED_SWALLOW] = 20,
                                                         [DEED_RESET] = 60 },
                                            .every_ms = 200 };
    const int seconds = chaos_seconds(USUAL_S);

    s_rounds(*state, &plan, chaos_is_long() ? seconds : seconds / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(nothing_happens_and_all_is_there),
        stage_test(collectors_are_killed),
        stage_test(agents_are_killed),
        stage_test(either_side_is_stalled),
        stage_test(both_sides_stand_still_for_half_a_minute),
        stage_test(each_lane_fails_alone_in_each_way),
        stage_test(lanes_are_cut_one_without_the_other),
        stage_test(a_collector_is_away_for_long),
        stage_test(everything_happens_at_once),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_chaos", tests, NULL, NULL);
}

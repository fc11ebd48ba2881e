// fault_chaos - twenty agents and a collector under everything that a night in a machine room has:
// what an agent has taken is in the collector once, with its value.

#include <signal.h>
#include <stdio.h>

#include "tests/support/chaos.h"

#define AGENTS    20
#define PER_S     20
#define USUAL_S   60    // of the random part, in all but for a collector's long absence
#define ROUND_S   60    // a collector answers with its newest minutes: compare before they are over
#define SETTLE_MS 60000 // for a backlog to arrive

static const struct chaos_options s_options = {
    .fleet = { .members = AGENTS, .per_s = PER_S },
};

// The plan, for part of the time there is, in rounds.
static void
s_rounds(stage_t *stage, const struct chaos_plan *plan, int seconds)
{
    chaos_t chaos;

    chaos_start(&chaos, stage, &s_options);
    for (int left = seconds; left > 0; left -= ROUND_S) {
        chaos_run(&chaos, plan, 1000 * (left < ROUND_S ? left : ROUND_S));
        chaos_settle(&chaos, SETTLE_MS);
    }
    chaos_say(&chaos);
    chaos_close(&chaos);
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

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / 8);
}

static void
agents_are_killed(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 1 }, .every_ms = 150 };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / 8);
}

static void
either_side_is_stalled(void **state)
{
    static const struct chaos_plan plan = {
        .weights = { [DEED_STALL_AGENT] = 8, [DEED_STALL_COLLECTOR] = 1 },
        .most_ms = { [DEED_STALL_AGENT] = 10000, [DEED_STALL_COLLECTOR] = 5000 },
        .every_ms = 500
    };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / 8);
}

static void
lanes_are_cut_one_without_the_other(void **state)
{
    static const struct chaos_plan plan = {
        .weights = { [DEED_CUT] = 2, [DEED_HOLD] = 2, [DEED_SWALLOW] = 2, [DEED_RESET] = 2 },
        .every_ms = 800
    };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / 8);
}

// Longer than what an agent holds in memory: 256 records, one each 200 ms.
static void
a_collector_is_away_for_long(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 1 }, .every_ms = 400 };
    const int away_ms = 1000 * (chaos_seconds(USUAL_S) > 600 ? 600 : 65);
    chaos_t chaos;

    chaos_start(&chaos, *state, &s_options);
    fleet_run(chaos.fleet, 2000);
    chaos_kill_collector(&chaos, SIGKILL);
    chaos_run(&chaos, &plan, away_ms);
    chaos_start_collector(&chaos);
    chaos_settle(&chaos, SETTLE_MS);
    chaos_say(&chaos);
    chaos_close(&chaos);
    chaos_end(&chaos);
}

static void
everything_happens_at_once(void **state)
{
    static const struct chaos_plan plan = { .weights = { [DEED_KILL_AGENT] = 40,
                                                         [DEED_END_AGENT] = 8,
                                                         [DEED_STALL_AGENT] = 12,
                                                         [DEED_KILL_COLLECTOR] = 6,
                                                         [DEED_END_COLLECTOR] = 2,
                                                         [DEED_STALL_COLLECTOR] = 2,
                                                         [DEED_CUT] = 2,
                                                         [DEED_HOLD] = 2,
                                                         [DEED_SWALLOW] = 2,
                                                         [DEED_RESET] = 6 },
                                            .every_ms = 200 };

    s_rounds(*state, &plan, chaos_seconds(USUAL_S) / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(nothing_happens_and_all_is_there),
        stage_test(collectors_are_killed),
        stage_test(agents_are_killed),
        stage_test(either_side_is_stalled),
        stage_test(lanes_are_cut_one_without_the_other),
        stage_test(a_collector_is_away_for_long),
        stage_test(everything_happens_at_once),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_chaos", tests, NULL, NULL);
}

// fault_spool - what disks and administrators do to a spool: torn tails, flipped bits, older
// copies, clones. What can be read is delivered; nothing is ever doubled or changed.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/chaos.h"
#include "tests/support/seeded.h"
#include "tests/support/spool_harm.h"

#define AGENTS    4
#define PER_S     20
#define AWAY_MS   5000
#define SETTLE_MS 30000
#define TEAR_MOST 200 // bytes: the last record or two
#define ROUNDS    2
#define BOOK_MS   8000 // a book is written each 5 s

static void
s_start(chaos_t *chaos, stage_t *stage, enum balance_loss may)
{
    const struct chaos_options opt = {
        .fleet = { .members = AGENTS, .per_s = PER_S },
        .may = may,
    };

    chaos_start(chaos, stage, &opt);
    fleet_run(chaos->fleet, 1000);
}

static void
s_end(chaos_t *chaos)
{
    chaos_settle(chaos, SETTLE_MS);
    chaos_say(chaos);
    chaos_end(chaos);
}

static void
s_kill_all(chaos_t *chaos)
{
    for (unsigned i = 0; i < AGENTS; i++)
        fleet_kill(chaos->fleet, i);
}

static void
s_spool(const chaos_t *chaos, unsigned i, char path[512])
{
    snprintf(path, 512, "%s/spool", fleet_data(chaos->fleet, i));
}

// The collector is away for a while, and then the agents are dead: what they have is in their
// spools. Back come the times between which that was given.
static void
s_gather(chaos_t *chaos, int64_t *from_ms_ret, int64_t *to_ms_ret)
{
    chaos_settle(chaos, SETTLE_MS);
    chaos_kill_collector(chaos, SIGKILL);
    *from_ms_ret = clock_real_ms();
    fleet_run(chaos->fleet, AWAY_MS);
    *to_ms_ret = clock_real_ms() + 1000;
    s_kill_all(chaos);
}

static void
s_back(chaos_t *chaos)
{
    chaos_start_collector(chaos);
    fleet_start_all(chaos->fleet);
    claim(chaos->stage, fleet_wait_up(chaos->fleet, 20000));
}

static void
a_torn_tail_takes_its_own_records_only(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_LOST);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t from_ms, to_ms;

        s_gather(&chaos, &from_ms, &to_ms);
        for (unsigned i = 0; i < AGENTS; i++) {
            char path[512];

            s_spool(&chaos, i, path);
            claim(*state, spool_harm_tear(path, TEAR_MOST, &chaos.seed) > 0);
            // A record has what came in a tick of 200 ms, and 20 bytes at least.
            tally_excuse_times(fleet_tally(chaos.fleet, i), to_ms - 1000 - 1500 - 2000, to_ms);
        }
        s_back(&chaos);
    }
    s_end(&chaos);
}

static void
a_flipped_bit_doubles_and_changes_nothing(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_UNREADABLE);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t from_ms, to_ms;

        s_gather(&chaos, &from_ms, &to_ms);
        for (unsigned i = 0; i < AGENTS; i++) {
            char path[512];

            s_spool(&chaos, i, path);
            claim(*state, spool_harm_flip(path, &chaos.seed) > 0);
            tally_excuse_times(fleet_tally(chaos.fleet, i), from_ms - 2000, to_ms);
        }
        s_back(&chaos);
    }
    s_end(&chaos);
}

// Restored from a backup of another day: what has been delivered since is there, and what comes
// next is not taken for what was there already.
static void
s_roll_back(void **state, bool while_it_runs)
{
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_NO_LOSS);
    for (int round = 0; round < ROUNDS; round++) {
        char copies[AGENTS][512];

        for (unsigned i = 0; i < AGENTS; i++) {
            snprintf(copies[i], sizeof copies[i], "%s/copy-%u", stage_dir(*state), i);
            if (!while_it_runs)
                fleet_kill(chaos.fleet, i);
            spool_harm_copy(fleet_data(chaos.fleet, i), copies[i]);
            if (!while_it_runs)
                fleet_start(chaos.fleet, i);
        }
        claim(*state, fleet_wait_up(chaos.fleet, 20000));
        fleet_run(chaos.fleet, 3000);
        chaos_settle(&chaos, SETTLE_MS);
        s_kill_all(&chaos);
        for (unsigned i = 0; i < AGENTS; i++)
            spool_harm_copy(copies[i], fleet_data(chaos.fleet, i));
        fleet_start_all(chaos.fleet);
        claim(*state, fleet_wait_up(chaos.fleet, 20000));
        fleet_run(chaos.fleet, 2000);
    }
    s_end(&chaos);
}

static void
an_older_copy_of_the_spool_reuses_no_number(void **state)
{
    s_roll_back(state, false);
}

static void
a_copy_made_while_it_ran_reuses_no_number(void **state)
{
    s_roll_back(state, true);
}

// Restored while the agent runs, into the very files that it writes to.
static void
an_older_copy_put_under_a_running_agent_doubles_and_changes_nothing(void **state)
{
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_UNREADABLE);
    for (int round = 0; round < ROUNDS; round++) {
        char copies[AGENTS][512], path[512];
        int64_t from_ms;

        for (unsigned i = 0; i < AGENTS; i++) {
            snprintf(copies[i], sizeof copies[i], "%s/copy-%u", stage_dir(*state), i);
            s_spool(&chaos, i, path);
            spool_harm_copy(path, copies[i]);
        }
        fleet_run(chaos.fleet, 2000);
        chaos_settle(&chaos, SETTLE_MS);
        from_ms = clock_real_ms() - 1000;
        chaos_kill_collector(&chaos, SIGKILL);
        fleet_run(chaos.fleet, 1000);
        for (unsigned i = 0; i < AGENTS; i++) {
            s_spool(&chaos, i, path);
            spool_harm_put_back(copies[i], path);
        }
        fleet_run(chaos.fleet, 2000);
        s_kill_all(&chaos);
        for (unsigned i = 0; i < AGENTS; i++)
            tally_excuse_times(fleet_tally(chaos.fleet, i), from_ms, clock_real_ms() + 1000);
        s_back(&chaos);
        fleet_run(chaos.fleet, 2000);
    }
    s_end(&chaos);
}

// What was acknowledged may be gone with its record; what comes after the start is not.
static void
a_flipped_bit_in_the_journal_doubles_and_changes_nothing(void **state)
{
    char path[512];
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_UNREADABLE);
    snprintf(path, sizeof path, "%s/collector/journal", stage_dir(*state));
    for (int round = 0; round < 2 * ROUNDS; round++) {
        fleet_run(chaos.fleet, 2000);
        chaos_kill_collector(&chaos, round % 2 == 0 ? SIGKILL : SIGTERM);
        for (unsigned i = 0; i < AGENTS; i++)
            tally_excuse_times(fleet_tally(chaos.fleet, i), 0, clock_real_ms() + 1);
        claim(*state, spool_harm_flip(path, &chaos.seed) > 0);
        chaos_start_collector(&chaos);
        fleet_run(chaos.fleet, 1000);
    }
    s_end(&chaos);
}

// The collector's disk comes back as it was some time ago: what it had acknowledged since is gone,
// and everybody is told; what comes then is there.
static void
a_collector_set_back_goes_on_with_what_comes(void **state)
{
    char data[256], copy[256];
    int64_t from_ms;
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_LOST);
    chaos_settle(&chaos, SETTLE_MS);
    chaos_kill_collector(&chaos, SIGTERM);
    snprintf(data, sizeof data, "%s/collector", stage_dir(*state));
    snprintf(copy, sizeof copy, "%s/copy", stage_dir(*state));
    spool_harm_copy(data, copy);
    chaos_start_collector(&chaos);
    from_ms = clock_real_ms() - 3000;
    fleet_run(chaos.fleet, 4000);
    chaos_settle(&chaos, SETTLE_MS);
    chaos_kill_collector(&chaos, SIGTERM);
    spool_harm_copy(copy, data);
    for (unsigned i = 0; i < AGENTS; i++)
        tally_excuse_times(fleet_tally(chaos.fleet, i), from_ms, clock_real_ms() + 1);
    chaos_start_collector(&chaos);
    fleet_run(chaos.fleet, 4000);
    s_end(&chaos);
}

// Only the first agent goes on, and its data folder is copied as it runs: when the book in it knows
// of all acknowledgements of what was given. What it does not know of, a copy delivers again, in
// another stream; under the same name that is there once, under another it is another host's.
static void
s_clone(chaos_t *chaos)
{
    chaos_settle(chaos, SETTLE_MS);
    for (unsigned i = 1; i < AGENTS; i++) {
        claim(chaos->stage, fleet_end(chaos->fleet, i));
        tally_forget(fleet_tally(chaos->fleet, i), clock_mono_ms());
    }
    fleet_feed(chaos->fleet, false);
    fleet_run(chaos->fleet, BOOK_MS);
    spool_harm_copy(fleet_data(chaos->fleet, 0), fleet_data(chaos->fleet, 1));
    fleet_feed(chaos->fleet, true);
}

// A machine that was copied as it ran and was given another name, but no other identity. The one
// that was there stays; the other is sent away, and its turn comes when the first is gone, with all
// that it has taken meanwhile.
// Without keys, for the clone has a name of its own: with one it is refused for good, as somebody
// else. A clone that has the keys, too, is in flow_identity.
static void
a_clone_waits_until_the_original_is_gone(void **state)
{
    struct tally_verdict verdict;
    chaos_t chaos;

    s_start(&chaos, *state, BALANCE_NO_LOSS);
    s_clone(&chaos);
    fleet_start(chaos.fleet, 1);
    claim(*state, fleet_wait_up(chaos.fleet, 20000));
    fleet_run(chaos.fleet, 5000);
    claim(*state, strstr(process_err(chaos.collector), "reason=clone") != NULL);
    fleet_feed(chaos.fleet, false);
    fleet_run(chaos.fleet, 2000);
    claim(*state, fleet_verdict(chaos.fleet, stage_endpoint(*state), 0, &verdict));
    if (!tally_is_right(&verdict))
        tally_say(fleet_tally(chaos.fleet, 0), &verdict, stderr);
    claim(*state, tally_is_right(&verdict));
    claim(*state, fleet_verdict(chaos.fleet, stage_endpoint(*state), 1, &verdict));
    claim(*state, verdict.found == 0);
    claim(*state, fleet_end(chaos.fleet, 0));
    fleet_feed(chaos.fleet, true);
    fleet_run(chaos.fleet, 3000);
    fleet_feed(chaos.fleet, false);
    claim(*state, fleet_check(chaos.fleet, stage_endpoint(*state), SETTLE_MS, false));
    claim(*state, fleet_verdict(chaos.fleet, stage_endpoint(*state), 1, &verdict));
    claim(*state, verdict.found > 60); // of both times: 5 s and 3 s
    chaos_say(&chaos);
    chaos_end(&chaos);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_torn_tail_takes_its_own_records_only),
        stage_test(a_flipped_bit_doubles_and_changes_nothing),
        stage_test(an_older_copy_of_the_spool_reuses_no_number),
        stage_test(a_copy_made_while_it_ran_reuses_no_number),
        stage_test(an_older_copy_put_under_a_running_agent_doubles_and_changes_nothing),
        stage_test(a_flipped_bit_in_the_journal_doubles_and_changes_nothing),
        stage_test_plain(a_clone_waits_until_the_original_is_gone),
        stage_test(a_collector_set_back_goes_on_with_what_comes),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_spool", tests, NULL, NULL);
}

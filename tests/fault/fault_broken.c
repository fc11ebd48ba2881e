// fault_broken - disks that fail, and files of a version to come: the program says so, does what
// is still right, and what was acknowledged is there when the fault is gone.

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/chaos.h"
#include "tests/support/held.h"
#include "tests/support/program_shim.h"
#include "tests/support/spool_harm.h"

#define AGENTS    3
#define PER_S     20
#define SETTLE_MS 30000
#define SAID_MS   10000 // for what is said
#define END_MS    5000  // for a program to end
#define EX_CONFIG 78

static void
s_start(chaos_t *chaos, stage_t *stage)
{
    struct chaos_options opt = { .fleet = { .members = AGENTS, .per_s = PER_S } };

    opt.fleet.preload = opt.collector_preload = program_shim_find(PROGRAM_SHIM_DISK);
    program_shim_disk(stage_dir(stage), "collector", PROGRAM_DISK_WELL);
    for (unsigned i = 0; i < AGENTS; i++)
        program_shim_disk(stage_dir(stage), fleet_name(i), PROGRAM_DISK_WELL);
    chaos_start(chaos, stage, &opt);
    fleet_run(chaos->fleet, 1000);
}

// Feeds on until the program has said it.
static bool
s_says(chaos_t *chaos, process_t *process, const char *text)
{
    for (int ms = 0; ms < stage_ms(SAID_MS); ms += 50) {
        if (strstr(process_err(process), text) != NULL)
            return true;
        fleet_run(chaos->fleet, 50);
    }
    return false;
}

static void
s_break_the_journal(void **state, enum program_disk is)
{
    chaos_t chaos;

    s_start(&chaos, *state);
    program_shim_disk(stage_dir(*state), "collector", is);
    claim(*state, process_ended(chaos.collector, stage_ms(END_MS)));
    claim(*state, process_code(chaos.collector) == 1);
    claim(*state, strstr(process_err(chaos.collector), "the journal cannot be written") != NULL);
    claim(*state, strstr(process_err(chaos.collector), "input/output error") != NULL);
    stage_drop(*state, &chaos.collector);
    fleet_run(chaos.fleet, 2000);
    program_shim_disk(stage_dir(*state), "collector", PROGRAM_DISK_WELL);
    chaos_start_collector(&chaos);
    chaos_finish(&chaos, SETTLE_MS);
}

static void
a_collector_that_can_not_sync_ends_and_lacks_nothing_later(void **state)
{
    s_break_the_journal(state, PROGRAM_DISK_NO_SYNC);
}

static void
a_collector_that_can_not_write_ends_and_lacks_nothing_later(void **state)
{
    s_break_the_journal(state, PROGRAM_DISK_NO_WRITE);
}

// How many spools are told to be broken, of those that tell.
static double
s_broken(stage_t *stage)
{
    held_t *held = held_new(stage_endpoint(stage));
    const double sum = held_sum(held, "zpulse_agent_spool_broken", stage_ms(5000));

    held_destroy(&held);
    return sum;
}

static bool
s_one_is_broken(stage_t *stage, void *arg)
{
    fleet_run(((chaos_t *) arg)->fleet, 50);
    return s_broken(stage) == 1;
}

static bool
s_none_is_broken(stage_t *stage, void *arg)
{
    fleet_run(((chaos_t *) arg)->fleet, 50);
    return s_broken(stage) == 0;
}

// What it makes goes from memory from then on, also through a short absence of the collector. That
// it should be started again is in its log and its series; then it spools as before. A disk that is
// not written to keeps no book either: what was acknowledged meanwhile comes again in another
// stream, so the collector has counted it twice. Who asks is given it once.
static void
s_break_a_spool(void **state, enum program_disk is)
{
    chaos_t chaos;

    s_start(&chaos, *state);
    program_shim_disk(stage_dir(*state), fleet_name(0), is);
    claim(*state, s_says(&chaos, fleet_process(chaos.fleet, 0), "the spool's disk fails"));
    claim(*state, strstr(process_err(fleet_process(chaos.fleet, 0)), "input/output error") != NULL);
    claim(*state, stage_until(*state, SAID_MS, s_one_is_broken, &chaos));
    chaos_settle(&chaos, SETTLE_MS);
    chaos_kill_collector(&chaos, SIGKILL);
    fleet_run(chaos.fleet, 3000);
    chaos_start_collector(&chaos);
    chaos_settle(&chaos, SETTLE_MS);
    claim(*state, fleet_end(chaos.fleet, 0));
    program_shim_disk(stage_dir(*state), fleet_name(0), PROGRAM_DISK_WELL);
    fleet_start(chaos.fleet, 0);
    claim(*state, fleet_wait_up(chaos.fleet, 20000));
    claim(*state, stage_until(*state, SAID_MS, s_none_is_broken, &chaos));
    chaos_kill_collector(&chaos, SIGKILL);
    fleet_run(chaos.fleet, 4000);
    fleet_kill(chaos.fleet, 0);
    fleet_start(chaos.fleet, 0);
    chaos_start_collector(&chaos);
    chaos_settle(&chaos, SETTLE_MS);
    chaos_say(&chaos);
    if (is == PROGRAM_DISK_NO_SYNC)
        chaos_close(&chaos);
    chaos_end(&chaos);
}

static void
an_agent_that_can_not_sync_says_so_and_goes_on_from_memory(void **state)
{
    s_break_a_spool(state, PROGRAM_DISK_NO_SYNC);
}

static void
an_agent_that_can_not_write_says_so_and_goes_on_from_memory(void **state)
{
    s_break_a_spool(state, PROGRAM_DISK_NO_WRITE);
}

// It ends with EX_CONFIG and says of what version the files are.
static void
s_is_refused(stage_t *stage, process_t *process)
{
    claim(stage, process_ended(process, stage_ms(END_MS)));
    claim(stage, process_code(process) == EX_CONFIG);
    claim(stage, strstr(process_err(process), "written by a newer version") != NULL);
}

static void
a_journal_of_a_newer_version_is_refused_and_left_as_it_is(void **state)
{
    char path[512];
    chaos_t chaos;

    s_start(&chaos, *state);
    chaos_kill_collector(&chaos, SIGTERM);
    snprintf(path, sizeof path, "%s/collector/journal", stage_dir(*state));
    spool_harm_version(path, 2);
    chaos_start_collector(&chaos);
    s_is_refused(*state, chaos.collector);
    stage_drop(*state, &chaos.collector);
    spool_harm_version(path, 1);
    chaos_start_collector(&chaos);
    chaos_finish(&chaos, SETTLE_MS);
}

static void
a_spool_of_a_newer_version_is_refused_and_left_as_it_is(void **state)
{
    char path[512];
    chaos_t chaos;

    s_start(&chaos, *state);
    fleet_run(chaos.fleet, 1000);
    chaos_kill_collector(&chaos, SIGTERM);
    fleet_run(chaos.fleet, 2000);
    claim(*state, fleet_end(chaos.fleet, 0));
    snprintf(path, sizeof path, "%s/spool", fleet_data(chaos.fleet, 0));
    spool_harm_version(path, 2);
    fleet_start(chaos.fleet, 0);
    s_is_refused(*state, fleet_process(chaos.fleet, 0));
    fleet_kill(chaos.fleet, 0);
    spool_harm_version(path, 1);
    fleet_start(chaos.fleet, 0);
    chaos_start_collector(&chaos);
    chaos_finish(&chaos, SETTLE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_collector_that_can_not_sync_ends_and_lacks_nothing_later),
        stage_test(a_collector_that_can_not_write_ends_and_lacks_nothing_later),
        stage_test(an_agent_that_can_not_sync_says_so_and_goes_on_from_memory),
        stage_test(an_agent_that_can_not_write_says_so_and_goes_on_from_memory),
        stage_test(a_journal_of_a_newer_version_is_refused_and_left_as_it_is),
        stage_test(a_spool_of_a_newer_version_is_refused_and_left_as_it_is),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_broken", tests, NULL, NULL);
}

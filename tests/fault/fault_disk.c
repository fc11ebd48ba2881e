// fault_disk - disks that fill up under a spool and under the journal, and are emptied again: the
// live lane goes on, what is lost is the oldest, and what was acknowledged stays.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/chaos.h"
#include "tests/support/exported.h"
#include "tests/support/folder.h"
#include "tests/support/small_disk.h"

#define MIB       ((size_t) 1024 * 1024)
#define SETTLE_MS 30000
#define FILL_MS   120000              // at most, where a busy machine makes fewer ticks
#define NEWCOMER  "{color=\"fat-9\"}" // the tenth of fleet.h's fat ones

static char s_disk[64];
static bool s_has_disk;

// A file system of this test alone, over the last one's.
static void
s_enter(size_t bytes)
{
    if (!s_has_disk) {
        print_message("no file system can be mounted here: nothing is tested\n");
        skip();
    }
    small_disk_enter(s_disk, bytes);
}

// All but so many bytes.
static void
s_fill(size_t left)
{
    char path[128];
    struct stat st;

    small_disk_fill(s_disk, false, 0);
    snprintf(path, sizeof path, "%s" SMALL_DISK_FILLER, s_disk);
    assert_int_equal(stat(path, &st), 0);
    if ((size_t) st.st_size > left)
        assert_int_equal(truncate(path, st.st_size - (off_t) left), 0);
}

static void
a_spool_without_room_hinders_no_fresh_sample(void **state)
{
    chaos_t chaos;

    s_enter(32 * MIB);
    s_fill(MIB);
    {
        const struct chaos_options opt = {
            .fleet = { .members = 2, .per_s = 20, .data_root = s_disk },
            .may = BALANCE_NO_LOSS,
        };

        chaos_start(&chaos, *state, &opt);
    }
    fleet_run(chaos.fleet, 3000);
    chaos_settle(&chaos, SETTLE_MS);
    // A collector that returns finds in memory what could not be spooled.
    chaos_kill_collector(&chaos, SIGKILL);
    fleet_run(chaos.fleet, 3000);
    chaos_start_collector(&chaos);
    chaos_settle(&chaos, SETTLE_MS);
    // There is room again, and a kill takes nothing.
    small_disk_free(s_disk);
    fleet_run(chaos.fleet, 8000);
    chaos_kill_collector(&chaos, SIGKILL);
    fleet_run(chaos.fleet, 4000);
    for (unsigned i = 0; i < 2; i++)
        fleet_kill(chaos.fleet, i);
    fleet_start_all(chaos.fleet);
    chaos_start_collector(&chaos);
    chaos_finish(&chaos, SETTLE_MS);
}

// How many samples of the first agent are exported.
static size_t
s_exported(stage_t *stage, const char *match)
{
    host_samples_t *all = exported_run(stage, match, 0);
    size_t n = 0;

    claim(stage, all != NULL);
    (void) host_samples_get(all, fleet_name(0), &n);
    host_samples_destroy(&all);
    return n;
}

// More than the disk holds while the collector is away: the oldest goes. With it go definitions of
// series that appeared meanwhile: the agent tells them again, so nothing behind the gap is refused.
static void
a_spool_that_fills_up_loses_its_oldest(void **state)
{
    const struct chaos_options opt = {
        .fleet = { .members = 1, .per_s = 50, .fat = 9, .data_root = s_disk },
        .may = BALANCE_LOST,
    };
    struct tally_verdict verdict;
    int64_t from_ms, to_ms, until_ms;
    size_t stored, all, newcomer;
    chaos_t chaos;

    s_enter(14 * MIB);
    chaos_start(&chaos, *state, &opt);
    chaos_settle(&chaos, SETTLE_MS);
    chaos_kill_collector(&chaos, SIGKILL);
    from_ms = clock_real_ms() - 1000;
    fleet_set_fat(chaos.fleet, 10);
    fleet_run(chaos.fleet, 45000);
    until_ms = clock_mono_ms() + FILL_MS;
    while (strstr(process_err(fleet_process(chaos.fleet, 0)), "samples are lost") == NULL &&
           clock_mono_ms() < until_ms)
        fleet_run(chaos.fleet, 500);
    to_ms = clock_real_ms();
    tally_excuse_times(fleet_tally(chaos.fleet, 0), from_ms, to_ms - 5000);
    chaos_start_collector(&chaos);
    fleet_run(chaos.fleet, 10000);
    claim(*state, fleet_verdict(chaos.fleet, stage_endpoint(*state), 0, &verdict));
    print_message("of the time away: lost %zu, found %zu\n", verdict.absent, verdict.found);
    chaos_settle(&chaos, SETTLE_MS);
    // What the harness misses is told of.
    claim(*state, verdict.absent > 0);
    claim(*state, balance_count(*state, fleet_name(0), "lost") >= (int64_t) verdict.absent);
    chaos_say(&chaos);
    claim(*state, fleet_end(chaos.fleet, 0));
    stored = (size_t) balance_count(*state, fleet_name(0), "stored");
    all = s_exported(*state, "{instance=\"h-00\"}");
    print_message("stored %zu, exported %zu\n", stored, all);
    claim(*state, all == stored);
    // What it answered with it still knows after a kill.
    newcomer = s_exported(*state, NEWCOMER);
    claim(*state, newcomer > 0);
    chaos_kill_collector(&chaos, SIGKILL);
    chaos_start_collector(&chaos);
    claim(*state, s_exported(*state, NEWCOMER) >= newcomer);
    chaos_end(&chaos);
}

static void
a_journal_without_room_acknowledges_nothing_and_loses_nothing(void **state)
{
    char data[128];
    const struct chaos_options opt = {
        .fleet = { .members = 4, .per_s = 40, .fat = 10 },
        .collector_words = { "--data", data },
    };
    chaos_t chaos;

    // Room for one segment of the journal, of 16 MiB, and none ahead.
    s_enter(80 * MIB);
    s_fill(20 * MIB);
    snprintf(data, sizeof data, "%s/collector", s_disk);
    chaos_start(&chaos, *state, &opt);
    fleet_run(chaos.fleet, 2000);
    s_fill(0);
    fleet_run(chaos.fleet, 25000);
    claim(*state, strstr(process_err(chaos.collector), "full") != NULL);
    chaos_kill_collector(&chaos, SIGKILL);
    chaos_start_collector(&chaos);
    fleet_run(chaos.fleet, 2000);
    small_disk_free(s_disk);
    chaos_finish(&chaos, 2 * SETTLE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_spool_without_room_hinders_no_fresh_sample),
        stage_test(a_spool_that_fills_up_loses_its_oldest),
        stage_test(a_journal_without_room_acknowledges_nothing_and_loses_nothing),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's
    int rc;

    snprintf(s_disk, sizeof s_disk, "/tmp/zpulse-disk-XXXXXX");
    assert_non_null(mkdtemp(s_disk));
    s_has_disk = small_disk_enter(s_disk, MIB);
    if (only != NULL)
        cmocka_set_test_filter(only);
    rc = cmocka_run_group_tests_name("fault_disk", tests, NULL, NULL);
    while (umount2(s_disk, MNT_DETACH) == 0)
        continue;
    rmdir(s_disk);
    return rc;
}

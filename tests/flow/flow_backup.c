// flow_backup - a copy of a data folder is a collector that has all that was acknowledged, once.
//
// BACKUP_ROWS makes it as large as one likes: from about 200,000 on the journal lets go of segments
// while it is copied.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/exported.h"
#include "tests/support/pusher.h"
#include "tests/support/stage.h"

#define STEP_MS INT64_C(25) // between rows
#define ROWS    4000u       // before a backup
#define ROUNDS  3u          // backups of one collector
#define MORE    400u        // each time that it is looked at,
#define MOST    4000u       // and in all: none is ahead of the clock

struct bed {
    stage_t *stage;
    process_t *collector;
    struct numbered samples;
    pusher_t *pusher;
    char data[300];
    char copy[300];
};

static uint32_t
s_rows(void)
{
    const char *rows = getenv("BACKUP_ROWS");

    return rows != NULL ? (uint32_t) atoi(rows) : ROWS;
}

static void
s_begin(struct bed *bed, stage_t *s)
{
    const int64_t rows = ROUNDS * ((int64_t) s_rows() + MOST);

    *bed = (struct bed){ .stage = s,
                         .samples = { .t0_ms = clock_real_ms() - rows * STEP_MS, .seed = 7 } };
    snprintf(bed->data, sizeof bed->data, "%s/collector", stage_dir(s));
    snprintf(bed->copy, sizeof bed->copy, "%s/copy", stage_dir(s));
    bed->pusher = pusher_new(
        &(struct pusher_options){ .host = 0xbac, .name = "p-0", .samples = bed->samples });
    bed->collector = stage_collector(s, NULL);
    pusher_connect(bed->pusher, stage_port(s));
}

// Sends, and hears; fails where something is amiss.
static void
s_turn(struct bed *bed)
{
    const char *amiss;

    (void) pusher_turn(bed->pusher, 100);
    amiss = pusher_amiss(bed->pusher);
    if (amiss != NULL)
        fail_msg("%s", amiss);
    usleep(1000);
}

static void
s_push(struct bed *bed, uint32_t rows)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(60000);

    pusher_make(bed->pusher, rows);
    while (!pusher_is_done(bed->pusher)) {
        claim(bed->stage, clock_mono_ms() < until_ms);
        s_turn(bed);
    }
}

static void
s_name_copy(struct bed *bed, unsigned i)
{
    snprintf(bed->copy, sizeof bed->copy, "%s/copy-%u", stage_dir(bed->stage), i);
}

static process_t *
s_backup(struct bed *bed)
{
    return stage_run(bed->stage, "zpulse", "backup", "--data", bed->data, bed->copy, NULL);
}

// Ends the collector as a power cut does, and starts one of the copy.
static void
s_restore(struct bed *bed)
{
    pusher_disconnect(bed->pusher);
    process_signal(bed->collector, SIGKILL);
    claim(bed->stage, process_ended(bed->collector, stage_ms(STAGE_PATIENCE_MS)));
    bed->collector = stage_collector(bed->stage, "--data", bed->copy, NULL);
}

// That collector has the first `sure` rows, and none of any twice.
static void
s_check(struct bed *bed, uint32_t sure)
{
    host_samples_t *all = exported_run(bed->stage, PUSHER_METRIC, 0);
    struct numbered_verdict v;
    struct sample *held;
    size_t n = 0;

    claim(bed->stage, all != NULL);
    held = host_samples_get(all, "p-0", &n);
    numbered_check(&bed->samples, pusher_rows(bed->pusher), sure, held, n, INT64_MIN, &v);
    if (v.missing > 0 || v.doubled > 0 || v.foreign > 0) {
        stage_show(bed->stage);
        fail_msg("%zu samples are missing, %zu doubled, %zu are nobody's, the first is %llu",
                 v.missing, v.doubled, v.foreign, (unsigned long long) v.first);
    }
    host_samples_destroy(&all);
}

// Some tiles are in files, as `zpulse doctor` has it.
static bool
s_has_written(stage_t *s, void *arg)
{
    process_t *p = stage_run(s, "zpulse", "doctor", "--collector", stage_endpoint(s), "-o", "json",
                             NULL);
    json_t *said = NULL;
    bool written = false;

    (void) arg;
    if (process_ended(p, stage_ms(60000)))
        said = json_loads(process_out(p), 0, NULL);
    written = json_integer_value(
                  json_object_get(json_object_get(said, "numbers"), "written_tiles")) > 0;
    json_decref(said);
    stage_drop(s, &p);
    return written;
}

static void
s_check_files(struct bed *bed)
{
    process_t *p = stage_run(bed->stage, "zpulse", "doctor", "--data", bed->copy, NULL);

    claim(bed->stage, process_ended(p, stage_ms(60000)) && process_code(p) == 0);
    claim(bed->stage, strstr(process_out(p), "raw-0-") != NULL);
    stage_drop(bed->stage, &p);
}

// Each of some backups, one after the other, while rows come.
static void
backups_of_a_running_collector_have_all_that_was_acknowledged_once(void **state)
{
    uint32_t sure[ROUNDS];
    struct bed bed;
    char part[320];

    s_begin(&bed, *state);
    for (unsigned i = 0; i < ROUNDS; i++) {
        process_t *backup;

        s_push(&bed, s_rows());
        claim(bed.stage, stage_until(bed.stage, STAGE_PATIENCE_MS, s_has_written, NULL));
        sure[i] = pusher_rows(bed.pusher);
        s_name_copy(&bed, i);
        backup = s_backup(&bed);
        while (!process_ended(backup, 0)) {
            if (pusher_is_done(bed.pusher) && pusher_rows(bed.pusher) < sure[i] + MOST)
                pusher_make(bed.pusher, MORE);
            s_turn(&bed);
        }
        claim(bed.stage, process_code(backup) == 0);
        snprintf(part, sizeof part, "%s.part", bed.copy);
        assert_int_equal(access(part, F_OK), -1);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        s_name_copy(&bed, i);
        s_check_files(&bed);
        s_restore(&bed);
        s_check(&bed, sure[i]);
    }
    pusher_destroy(&bed.pusher);
}

static void
a_backup_of_what_a_kill_left_is_the_same(void **state)
{
    struct bed bed;
    process_t *backup;

    s_begin(&bed, *state);
    s_push(&bed, s_rows());
    process_signal(bed.collector, SIGKILL);
    claim(bed.stage, process_ended(bed.collector, stage_ms(STAGE_PATIENCE_MS)));
    backup = s_backup(&bed);
    claim(bed.stage, process_ended(backup, stage_ms(60000)) && process_code(backup) == 0);
    s_restore(&bed);
    s_check(&bed, s_rows());
    // The data folder itself was not changed by it.
    process_signal(bed.collector, SIGKILL);
    claim(bed.stage, process_ended(bed.collector, stage_ms(STAGE_PATIENCE_MS)));
    bed.collector = stage_collector(bed.stage, NULL);
    s_check(&bed, s_rows());
    pusher_destroy(&bed.pusher);
}

static void
a_second_backup_of_the_same_name_is_refused(void **state)
{
    struct bed bed;
    process_t *backup;

    s_begin(&bed, *state);
    s_push(&bed, 10);
    backup = s_backup(&bed);
    claim(bed.stage, process_ended(backup, stage_ms(60000)) && process_code(backup) == 0);
    s_push(&bed, 10);
    backup = s_backup(&bed);
    claim(bed.stage, process_ended(backup, stage_ms(60000)) && process_code(backup) == 1);
    claim(bed.stage, strstr(process_err(backup), "there already") != NULL);
    s_restore(&bed);
    s_check(&bed, 10);
    pusher_destroy(&bed.pusher);
}

static void
what_is_no_data_folder_is_not_copied(void **state)
{
    stage_t *s = *state;
    char copy[300];
    process_t *p;

    snprintf(copy, sizeof copy, "%s/copy", stage_dir(s));
    p = stage_run(s, "zpulse", "backup", "--data", "/etc", copy, NULL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 69);
    assert_int_equal(access(copy, F_OK), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_plain(backups_of_a_running_collector_have_all_that_was_acknowledged_once),
        stage_test_plain(a_backup_of_what_a_kill_left_is_the_same),
        stage_test_plain(a_second_backup_of_the_same_name_is_refused),
        stage_test_plain(what_is_no_data_folder_is_not_copied),
    };

    return cmocka_run_group_tests_name("flow_backup", tests, NULL, NULL);
}

// fault_points - the collector's store is ended at each of its crash points (crash_point.h), on the
// first, the second and the fifth time that it comes by: what was acknowledged is there once, and
// the faults come by all points there are.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/chaos.h"
#include "tests/support/rig.h"
#include "tests/support/seeded.h"

#define RIGS       6    // beside each other
#define TRIALS     16   // of a rig, at most
#define PER_S      1000 // rows of each host
#define HOSTS      2
#define YOUNG_MS   (INT64_C(30) * 86400000)
#define TRIAL_MS   30000 // to come by a point, on a busy machine; then it is asked to end
#define BETWEEN_MS 400   // at most, of a life between two trials
#define KILLED     (128 + SIGKILL)

static const char *const s_names[CRASH_POINT_COUNT] = {
#define NAME_OF(name) [CRASH_##name] = #name,
    CRASH_POINTS(NAME_OF)
#undef NAME_OF
};

// A collector is to end as it comes by a point for the n-th time.
struct trial {
    enum crash_point point;
    unsigned n;
};

static struct bench {
    rig_t *rig; // NULL: none
    struct trial trials[TRIALS];
    unsigned n, at; // of the trials, and the one that is on
    bool between;   // two trials: a life without points
    bool straight;  // from one trial to the next
    // Words of the lives between, and of the trials; and what is done before each of those.
    const char *const *words[2];
    void (*before)(rig_t *rig);
    bool asked;       // to end
    int64_t until_ms; // monotonic
} s_benches[RIGS];

static uint64_t s_random;
static unsigned s_hits[CRASH_POINT_COUNT];   // ends at a point
static uint64_t s_passed[CRASH_POINT_COUNT]; // by all collectors
static uint64_t s_acked;

static int
s_end(void **state)
{
    (void) state;
    for (unsigned i = 0; i < RIGS; i++)
        rig_destroy(&s_benches[i].rig);
    return 0;
}

static void
s_open(struct bench *bench, bool old, bool ballast)
{
    *bench = (struct bench){ 0 };
    bench->rig = rig_new(&(struct rig_options){
        .hosts = HOSTS, .seed = seeded_next(&s_random), .old = old, .ballast = ballast });
}

static void
s_add(struct bench *bench, enum crash_point point, unsigned n)
{
    assert_true(bench->n < TRIALS);
    bench->trials[bench->n++] = (struct trial){ point, n };
}

static void
s_start(struct bench *bench)
{
    const struct trial *trial = &bench->trials[bench->at];
    char at[64];

    if (bench->words[!bench->between] != NULL)
        rig_set_words(bench->rig, bench->words[!bench->between]);
    if (bench->before != NULL && !bench->between)
        bench->before(bench->rig);
    snprintf(at, sizeof at, "%s:%u", s_names[trial->point], trial->n);
    rig_start(bench->rig, bench->between ? NULL : at);
    bench->asked = false;
    bench->until_ms = clock_mono_ms() +
                      (bench->between ? (int) seeded_below(&s_random, BETWEEN_MS) : TRIAL_MS);
}

// The collector has ended: by itself, or as it was told to.
static void
s_ended(struct bench *bench)
{
    const struct trial *trial = &bench->trials[bench->at];
    int code;

    stage_t *stage = rig_stage(bench->rig);

    claim(stage, process_ended(rig_collector(bench->rig), 0));
    code = process_code(rig_collector(bench->rig));
    if (code != KILLED && !(bench->asked && code == 0)) {
        stage_show(stage);
        fail_msg("%s:%u: the collector ended with %d", s_names[trial->point], trial->n, code);
    }
    (void) rig_reap(bench->rig);
    if (bench->between)
        bench->at++;
    else if (code == KILLED)
        s_hits[trial->point]++;
    else
        print_message("not come by: %s:%u\n", s_names[trial->point], trial->n);
    if (bench->straight)
        bench->at++;
    else
        bench->between = !bench->between;
}

// False once all trials are over.
static bool
s_turn(struct bench *bench)
{
    if (bench->rig == NULL || bench->at == bench->n)
        return false;
    if (rig_collector(bench->rig) == NULL)
        s_start(bench);
    if (!rig_turn(bench->rig, bench->asked ? 0 : PER_S)) {
        s_ended(bench);
    } else if (clock_mono_ms() >= bench->until_ms && !bench->asked) {
        bench->asked = !bench->between;
        process_signal(rig_collector(bench->rig), bench->between ? SIGKILL : SIGTERM);
    }
    return true;
}

static void
s_run(int64_t since_ms)
{
    bool running = true;

    while (running) {
        running = false;
        for (unsigned i = 0; i < RIGS; i++)
            running = s_turn(&s_benches[i]) || running;
        poll(NULL, 0, 1);
    }
    for (unsigned i = 0; i < RIGS; i++)
        if (s_benches[i].rig != NULL) {
            rig_finish(s_benches[i].rig, since_ms);
            s_acked += rig_acked(s_benches[i].rig);
            for (unsigned p = 0; p < CRASH_POINT_COUNT; p++)
                s_passed[p] += rig_passed(s_benches[i].rig, p);
            rig_destroy(&s_benches[i].rig);
        }
}

// Where a folder is begun: each on a rig of its own.
static void
a_beginning_that_is_ended_anywhere_is_begun_again(void **state)
{
    static const struct trial trials[] = {
        { CRASH_SEGMENT_NAME, 1 }, { CRASH_SEGMENT_NAMED, 1 },  { CRASH_ROOM_MADE, 1 },
        { CRASH_META_COMMIT, 1 },  { CRASH_META_COMMITTED, 1 }, { CRASH_BLOCK_NAME, 1 },
        { CRASH_ROOM_MADE, 2 },    { CRASH_BLOCK_NAME, 2 },     { CRASH_BLOCK_NAMED, 2 },
        { CRASH_ROOM_MADE, 5 },    { CRASH_BLOCK_NAME, 5 },     { CRASH_BLOCK_NAMED, 5 },
    };

    (void) state;
    for (unsigned k = 0; k < sizeof trials / sizeof trials[0]; k += RIGS) {
        for (unsigned i = 0; i < RIGS; i++) {
            s_open(&s_benches[i], false, false);
            s_add(&s_benches[i], trials[k + i].point, trials[k + i].n);
        }
        s_run(INT64_MIN);
    }
}

static void
a_store_that_is_ended_at_any_step_goes_on(void **state)
{
    static const enum crash_point points[] = { CRASH_TILE_SEALED,  CRASH_ROOM_CLOSE,
                                               CRASH_CHECKPOINT,   CRASH_CHECKPOINTED,
                                               CRASH_TILE_INSERT,  CRASH_MARK_INSERT,
                                               CRASH_BLOCK_COMMIT, CRASH_BLOCK_COMMITTED };
    static const unsigned times[] = { 1, 2, 5 };
    unsigned k = 0;

    (void) state;
    for (unsigned i = 0; i < RIGS; i++)
        s_open(&s_benches[i], false, false);
    for (unsigned t = 0; t < sizeof times / sizeof times[0]; t++)
        for (unsigned p = 0; p < sizeof points / sizeof points[0]; p++)
            s_add(&s_benches[k++ % RIGS], points[p], times[t]);
    s_run(INT64_MIN);
}

// A segment has 16 MiB: one host makes ballast.
static void
a_journal_that_is_cut_anywhere_lacks_nothing(void **state)
{
    static const enum crash_point points[] = { CRASH_SEGMENT_DROP, CRASH_SEGMENT_DROPPED };

    (void) state;
    for (unsigned i = 0; i < 2; i++) {
        s_open(&s_benches[i], false, true);
        s_add(&s_benches[i], points[i], 1);
        s_add(&s_benches[i], points[i], 2);
    }
    s_run(INT64_MIN);
}

static const char *const s_for_ever[RIG_WORDS] = { "--keep", "0" };
static const char *const s_ten_days[RIG_WORDS] = { "--keep", "10d" };

// The file of the old samples, which is not there at first.
static void
s_damage(rig_t *rig)
{
    const time_t at = (time_t) (clock_real_ms() / 1000 - 3600 - NUMBERED_OLD_DAYS * 86400);
    char name[64], path[400];
    struct tm day;
    int fd;

    gmtime_r(&at, &day);
    strftime(name, sizeof name, "raw-0-%Y%m%d.db", &day);
    snprintf(path, sizeof path, "%s/%s", rig_store(rig), name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd == -1)
        return;
    assert_int_equal(pwrite(fd, "this is no database", 19, 0), 19);
    close(fd);
    // Its log may have the same page, which would heal it.
    strcat(path, "-wal");
    assert_true(truncate(path, 0) == 0 || errno == ENOENT);
}

static void
a_damaged_day_takes_no_other_with_it(void **state)
{
    static const enum crash_point points[] = { CRASH_ASIDE_RENAME, CRASH_ASIDE_RENAMED };

    (void) state;
    for (unsigned i = 0; i < 2; i++) {
        s_open(&s_benches[i], true, false);
        s_benches[i].straight = true; // else it is set aside between them
        s_benches[i].before = s_damage;
        s_benches[i].words[0] = s_benches[i].words[1] = s_for_ever;
        s_add(&s_benches[i], CRASH_BLOCK_COMMITTED, 10); // so that there is something to damage
        for (unsigned n = 1; n <= (i == 0 ? 4 : 1); n++) // a file, and what is beside it
            s_add(&s_benches[i], points[i], n);
    }
    s_run(clock_real_ms() - YOUNG_MS);
}

static void
a_day_that_goes_takes_no_other_with_it(void **state)
{
    static const enum crash_point points[] = { CRASH_BLOCK_UNLINK, CRASH_BLOCK_UNLINKED };

    (void) state;
    for (unsigned i = 0; i < 2; i++) {
        s_open(&s_benches[i], true, false);
        s_benches[i].words[0] = s_for_ever;
        s_benches[i].words[1] = s_ten_days;
        s_add(&s_benches[i], CRASH_BLOCK_COMMITTED, 10);
        for (unsigned n = 1; n <= (i == 0 ? 4 : 1); n++)
            s_add(&s_benches[i], points[i], n);
    }
    s_run(clock_real_ms() - YOUNG_MS);
}

static void
the_faults_come_by_every_point(void **state)
{
    unsigned hits = 0;

    (void) state;
    if (getenv("FAULT_ONLY") != NULL) // not all of them
        skip();
    for (unsigned p = 0; p < CRASH_MERGE_MADE; p++) {
        hits += s_hits[p];
        if (s_hits[p] == 0)
            print_message("never ended at %s, which was come by %" PRIu64 " times\n", s_names[p],
                          s_passed[p]);
    }
    print_message("%u ends, %" PRIu64 " samples acknowledged\n", hits, s_acked);
    // A day is merged when nobody writes to it: crash_merge has those.
    for (unsigned p = 0; p < CRASH_MERGE_MADE; p++)
        assert_true(s_hits[p] > 0);
}

static int
s_begin(void **state)
{
    (void) state;
    s_random = chaos_seed();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_beginning_that_is_ended_anywhere_is_begun_again, s_end),
        cmocka_unit_test_teardown(a_store_that_is_ended_at_any_step_goes_on, s_end),
        cmocka_unit_test_teardown(a_journal_that_is_cut_anywhere_lacks_nothing, s_end),
        cmocka_unit_test_teardown(a_damaged_day_takes_no_other_with_it, s_end),
        cmocka_unit_test_teardown(a_day_that_goes_takes_no_other_with_it, s_end),
        cmocka_unit_test(the_faults_come_by_every_point),
    };
    const char *only = getenv("FAULT_ONLY"); // a pattern of cmocka's

    if (only != NULL)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests_name("fault_points", tests, s_begin, NULL);
}

// test_journal_store - head and journal as one store, against a model that remembers everything.
//
// A collector's life by chance: rows, samples that come late or twice, stale marks, and starts
// after which the head has the newest minutes only. Whatever is asked, the answer is what was said.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/collector/journal_bed.h"

#include "collector/applier.h"
#include "collector/collector_stat.h"
#include "collector/event_log.h"
#include "collector/journal_store.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define STREAMS   3u
#define OWN_HOST  UINT64_C(7) // whose series are never in the journal
#define HEAD_MS   (20 * 60 * 1000)
#define LATE_MS   (90 * 60 * 1000)
#define QUESTIONS 12u
#define LIFE_S    4000u

struct said {
    uint64_t host;
    uint32_t slot;
    int64_t time_ms;
    double value;
};

static struct said *s_said; // each once: the first that came
static size_t s_n, s_size;
static map_t *s_known; // host, slot and time -> where in s_said, plus one
static store_t *s_store;
static applier_t *s_applier;
static event_log_t *s_events;
static series_id s_own;
static uint64_t s_seed;

static void
reach(void *arg, struct journal_reach *ret)
{
    (void) arg;
    ret->oldest = journal_file_oldest(bed.file);
    ret->end = journal_file_end(bed.file);
}

static void
say(uint64_t host, uint32_t slot, int64_t time_ms, double value)
{
    const uint64_t key[] = { host, slot, (uint64_t) time_ms };

    if (map_get(s_known, key, sizeof key) != NULL)
        return;
    if (s_n == s_size) {
        s_size = s_size == 0 ? 1024 : 2 * s_size;
        s_said = xrealloc(s_said, s_size, sizeof *s_said);
    }
    s_said[s_n++] = (struct said){ host, slot, time_ms, value };
    map_put(s_known, key, sizeof key, (void *) (uintptr_t) s_n);
}

static bool
name(void *arg, uint64_t host, const char *text)
{
    (void) arg;
    applier_name(s_applier, host, text);
    return true;
}

static bool
apply(void *arg, const struct journal_entry *entry)
{
    (void) arg;
    applier_record(s_applier, entry->host, entry->flags, &entry->record,
                   (struct host_time){ .real_ms = entry->received_ms });
    return true;
}

static void
end(void)
{
    applier_destroy(&s_applier);
    event_log_destroy(&s_events);
    store_destroy(&s_store);
}

// A start: the head has what came since HEAD_MS, and the store is told what it may lack.
static void
start(uint64_t head_bytes)
{
    const bool before = journal_file_end(bed.file).segment != 0 &&
                        lane_table_count(journal_file_lanes(bed.file)) > 0;
    const int64_t since_ms = bed_now_ms - HEAD_MS;
    struct journal_walked walked;
    struct label labels[] = { { LABEL_METRIC, "own" } };
    struct label_set set;
    local_store_t *local;
    store_t *head;

    end();
    assert_int_equal(local_store_new(&local, head_bytes), 0);
    head = local_store_face(local);
    s_store = journal_store_new(&head,
                                &(struct journal_store_options){
                                    .dir = bed.dir,
                                    .owner = BED_OWNER,
                                    .floor_ms = before ? since_ms + APPLIER_FUTURE_MS : INT64_MIN,
                                    .reach = reach });
    s_events = event_log_new();
    s_applier = applier_new(local, s_events,
                            &(struct applier_limits){ .series = APPLIER_SERIES_MAX,
                                                      .slot_bytes = APPLIER_SLOT_BYTES_MOST });
    if (before)
        assert_int_equal(journal_walk(&(struct journal_walk){ .dir = bed.dir,
                                                              .owner = BED_OWNER,
                                                              .end = journal_file_end(bed.file),
                                                              .lanes = journal_file_lanes(bed.file),
                                                              .since_ms = since_ms,
                                                              .host = name,
                                                              .record = apply },
                                      &walked),
                         0);
    assert_int_equal(label_set_init(&set, labels, 1), 0);
    assert_int_equal(store_series(s_store, OWN_HOST, &set, METRIC_GAUGE, &s_own), 0);
    label_set_release(&set);
}

static void
give(unsigned i)
{
    const struct fake_stream *s = &bed.streams[i];
    struct journal_entry entry = { .host = 100 + i, .received_ms = bed_now_ms };
    size_t used;

    bed_add(i);
    assert_int_equal(frame_take_record(&entry.record, s->frame + FRAME_PREFIX_SIZE,
                                       s->len - FRAME_PREFIX_SIZE, &used),
                     0);
    apply(NULL, &entry);
}

// A sample with a time of its own: a little late, long ago, one that was said, or a stale mark.
static void
say_late(unsigned i, int64_t t0_ms, int64_t least_ms)
{
    const uint32_t slot = seeded_below(&s_seed, BED_SLOTS);
    const int64_t far_ms = seeded_below(&s_seed, 4) == 0 ? LATE_MS : 3000;
    int64_t offset_ms = -(int64_t) seeded_below(&s_seed, (uint32_t) far_ms) - 1;
    double value = seeded_below(&s_seed, 1000);

    if (seeded_below(&s_seed, 3) == 0)
        offset_ms -= offset_ms % 1000 + 1000; // the time of a row
    if (offset_ms < least_ms)
        offset_ms = least_ms;
    if (seeded_below(&s_seed, 5) == 0) {
        value = sample_from_bits(SAMPLE_STALE_BITS);
        fake_say_raw(&bed.streams[i], offset_ms, slot, SAMPLE_STALE_BITS);
    } else {
        fake_say(&bed.streams[i], offset_ms, slot, (int64_t) value);
    }
    say(100 + i, slot, t0_ms + offset_ms, value);
}

static void
second(void)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        const uint64_t k = bed.rows[i];
        const int64_t t0_ms = BED_T0 + 1000 * (int64_t) k;

        if (k == 0) {
            bed_begin_stream(i);
            bed_commit();
            start(LOCAL_STORE_LEAST); // the definitions are in the journal: it fills the head
        }
        if (seeded_below(&s_seed, 10) == 0)
            say_late(i, t0_ms, -LATE_MS);
        bed.rows[i]++;
        fake_row(&bed.streams[i], k % BED_KEYS == 0 ? RECORD_KEY : RECORD_DELTA, t0_ms, BED_SLOTS,
                 (int64_t) k);
        for (uint32_t slot = 0; slot < BED_SLOTS; slot++)
            say(100 + i, slot, t0_ms, (double) (k + slot));
        give(i);
    }
    bed_now_ms += 1000;
    if (bed.rows[0] % 10 == 0) // a sync takes a while
        bed_commit();
}

static const struct said *
find(const struct store_series *s, int64_t time_ms)
{
    const char *metric = label_set_metric(s->labels);
    const uint64_t key[] = {
        s->host, strcmp(metric, "own") == 0 ? 0 : strtoul(strchr(metric, '_') + 1, NULL, 10),
        (uint64_t) time_ms
    };
    const size_t at = (size_t) (uintptr_t) map_get(s_known, key, sizeof key);

    return at == 0 ? NULL : &s_said[at - 1];
}

static uint64_t
count(const struct store_select *what, const char *slot)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s_n; i++) {
        const struct said *s = &s_said[i];

        n += (what->host == 0 || what->host == s->host) && s->time_ms >= what->start_ms &&
             s->time_ms <= what->end_ms && (slot == NULL || s->slot == strtoul(slot, NULL, 10));
    }
    return n;
}

// All of the window, once, in order, the first value of each; nothing else.
static void
ask(uint64_t host, int64_t from_ms, int64_t to_ms, const char *slot)
{
    struct store_select what = { .host = host, .start_ms = from_ms, .end_ms = to_ms };
    char text[64], error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    struct store_series s;
    store_cursor_t *cursor;
    uint64_t n = 0;
    int rc;

    if (slot != NULL) {
        snprintf(text, sizeof text, "m_%s", slot);
        assert_int_equal(matchers_parse(&matchers, text, error), 0);
        what.matchers = &matchers;
        what.n_matchers = 1;
    }
    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    while ((rc = store_next(cursor, &s)) == 1) {
        n += s.n;
        for (uint32_t i = 0; i < s.n; i++) {
            const struct said *said = find(&s, s.samples[i].time_ms);

            assert_true(i == 0 || s.samples[i].time_ms > s.samples[i - 1].time_ms);
            assert_true(s.samples[i].time_ms >= from_ms && s.samples[i].time_ms <= to_ms);
            assert_non_null(said);
            assert_true(sample_bits(said->value) == sample_bits(s.samples[i].value));
        }
    }
    assert_int_equal(rc, 0);
    assert_null(store_why(cursor));
    store_close(&cursor);
    matchers_destroy(&matchers);
    assert_int_equal(n, count(&what, slot));
}

static void
ask_by_chance(void)
{
    const uint32_t span_ms = (uint32_t) (bed_now_ms - BED_T0) + LATE_MS;
    const int64_t from_ms = BED_T0 - LATE_MS + seeded_below(&s_seed, span_ms);
    const int64_t long_ms = seeded_below(&s_seed, 2) == 0 ? span_ms : 60000;
    // Of one host nothing later than its newest row, as store.h says.
    const int64_t to_ms = from_ms + seeded_below(&s_seed, (uint32_t) long_ms);
    const uint64_t host = seeded_below(&s_seed, 2) == 0 ? 100 + seeded_below(&s_seed, STREAMS) : 0;

    ask(host, from_ms, to_ms, seeded_below(&s_seed, 2) == 0 ? "7" : NULL);
}

static int
setup(void **state)
{
    s_known = map_new();
    s_n = 0;
    return bed_setup(state);
}

static int
teardown(void **state)
{
    end();
    map_destroy(&s_known);
    free(s_said);
    s_said = NULL;
    s_size = 0;
    return bed_teardown(state);
}

static void
live(unsigned seconds)
{
    bed.options.keep_ms = INT64_C(86400000);
    bed_open();
    for (unsigned t = 0; t < seconds; t++)
        second();
    bed_commit();
}

static void
whatever_is_asked_is_answered_whole_and_once(void **state)
{
    (void) state;
    for (s_seed = 1; s_seed < 4; s_seed++) {
        const uint64_t seed = s_seed;

        s_seed = seed * 1000;
        bed.options.keep_ms = INT64_C(86400000);
        bed_open();
        for (unsigned t = 0; t < LIFE_S; t++) {
            second();
            if (seeded_below(&s_seed, 800) == 0) {
                bed_commit();
                bed_reopen();
                start(seeded_below(&s_seed, 2) == 0 ? LOCAL_STORE_LEAST : 64 * LOCAL_STORE_LEAST);
            }
            for (unsigned i = 0; t % 500 == 499 && i < QUESTIONS; i++)
                ask_by_chance();
        }
        bed_commit();
        ask(0, INT64_MIN, INT64_MAX, NULL);
        s_seed = seed;
        teardown(state);
        setup(state);
    }
}

// What the collector says of itself is in the head alone, and stands beside the journal's.
static void
series_of_the_head_alone_are_there_too(void **state)
{
    double value = 5;

    (void) state;
    live(60);
    store_append(s_store, &(struct store_row){ OWN_HOST, BED_T0 + 7, 1, &s_own, &value });
    say(OWN_HOST, 0, BED_T0 + 7, value);
    ask(0, BED_T0 - LATE_MS, bed_now_ms, NULL);
    ask(OWN_HOST, BED_T0, bed_now_ms, NULL);
}

// Labels, also of what only the journal has.
static void
all_series_are_listed_once(void **state)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX, .labels_only = true };
    struct store_series s;
    store_cursor_t *cursor;
    unsigned n = 0;

    (void) state;
    live(30);
    bed_now_ms += 10 * HEAD_MS;
    bed_reopen();
    start(LOCAL_STORE_LEAST); // nothing is young enough for it
    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    while (store_next(cursor, &s) == 1) {
        n++;
        assert_int_equal(s.n, 0);
    }
    store_close(&cursor);
    assert_int_equal(n, STREAMS * BED_SLOTS + 1);
    assert_int_equal(store_oldest(s_store) <= BED_T0, true);
    what.start_ms = bed_now_ms; // long after the last sample
    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    n = 0;
    while (store_next(cursor, &s) == 1)
        n++;
    store_close(&cursor);
    assert_int_equal(n, 1);
}

static void
harm(uint64_t segment, off_t at)
{
    char path[128], bytes[64];
    int fd;

    memset(bytes, 0x5a, sizeof bytes);
    snprintf(path, sizeof path, "%s/%016llx.seg", bed.dir, (unsigned long long) segment);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, bytes, sizeof bytes, at), sizeof bytes);
    close(fd);
}

static uint64_t
ask_all(const char **why_ret)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX };
    static char why[256];
    struct store_series s;
    store_cursor_t *cursor;
    uint64_t n = 0;

    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    while (store_next(cursor, &s) == 1)
        n += s.n;
    *why_ret = NULL;
    if (store_why(cursor) != NULL) {
        snprintf(why, sizeof why, "%s", store_why(cursor));
        *why_ret = why;
    }
    store_close(&cursor);
    return n;
}

static void
damage_is_answered_around_and_said(void **state)
{
    const char *why;
    uint64_t whole, rest;

    (void) state;
    live(3000);
    bed_now_ms += 10 * HEAD_MS;
    bed_reopen();
    start(LOCAL_STORE_LEAST);
    whole = ask_all(&why);
    assert_null(why);
    assert_int_equal(whole, s_n);
    assert_true(journal_file_end(bed.file).segment > journal_file_oldest(bed.file) + 2);
    harm(journal_file_oldest(bed.file) + 1, 30000);
    rest = ask_all(&why);
    assert_non_null(why);
    assert_non_null(strstr(why, "damaged"));
    // Of each stream what stood up to its next KEY, and no more.
    assert_true(rest < whole);
    assert_true(rest + 4 * BED_KEYS * STREAMS * BED_SLOTS > whole);
}

static void
a_read_ends_when_it_is_told(void **state)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX, .until_ms = 1 };
    const atomic_bool stop = true;
    struct store_series s;
    store_cursor_t *cursor;

    (void) state;
    live(30);
    bed_now_ms += 10 * HEAD_MS;
    start(LOCAL_STORE_LEAST);
    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    assert_int_equal(store_next(cursor, &s), -ETIMEDOUT);
    store_close(&cursor);
    what.until_ms = 0;
    what.stop = &stop;
    assert_int_equal(store_open(s_store, &what, &cursor), 0);
    assert_int_equal(store_next(cursor, &s), ERR_CLOSED);
    store_close(&cursor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_is_asked_is_answered_whole_and_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(series_of_the_head_alone_are_there_too, setup, teardown),
        cmocka_unit_test_setup_teardown(all_series_are_listed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_answered_around_and_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_ends_when_it_is_told, setup, teardown),
    };

    collector_stat_init();
    return cmocka_run_group_tests_name("journal_store", tests, NULL, NULL);
}

// test_store_model - the store against a naive model, by chance: whatever is appended, sealed,
// closed, opened and asked for in whatever order, an answer is what the model says.
//
// The model is a list of samples for each series, first come first. Rows come in order, late by
// seconds or days, once more with the same values or with others; a question has any window, any
// host, any matchers. The store is memory with room for all, or memory with little room and a disk,
// whose files are merged now and then. Some lines past 500: model, deeds and questions are one.
// usage: test_store_model [SEED]    one run more, with that seed

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/block_name.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"
#include "tests/unit/collector/merge_bed.h"

#define HOSTS   3u
#define EACH    24u // series of a host
#define SERIES  (HOSTS * EACH)
#define STEPS   6000u
#define SEEDS   3u
#define ROOM    (64u << 20) // for all
#define LITTLE  LOCAL_STORE_LEAST
#define WAIT_MS 20000 // for what is too old to go
#define DAY_MS  INT64_C(86400000)
#define T0      (INT64_C(20454) * DAY_MS - DAY_MS / 12) // two hours before a day begins
#define DAYS    3u                                      // that late samples reach back
#define NEAR_MS 100000u

struct model_series {
    uint64_t host;
    series_id id; // 0: not made yet
    struct label_set labels;
    struct sample *at; // times rising
    uint32_t n, size;
};

static struct model {
    struct model_series series[SERIES];
    local_store_t *local;
    store_t *store;
    uint64_t seed;
    int64_t now_ms;
    int64_t last_ms; // time of a row of before, to come once more
    uint64_t samples;
    uint64_t merged; // files
    struct local_store_config config;
} s_m;

static const struct store_select s_all = { .start_ms = INT64_MIN, .end_ms = INT64_MAX };
static const char *const s_selectors[] = {
    "a",
    "b{who=\"3\"}",
    "{who=~\"1.*\"}",
    "{__name__!=\"a\",who!=\"\"}",
    "c{odd=\"\"}",
    "{odd!=\"\",who!~\"2|5|7\"}",
    "nothing",
};
#define SELECTORS (sizeof s_selectors / sizeof s_selectors[0])

static uint32_t
below(uint32_t n)
{
    return seeded_below(&s_m.seed, n);
}

static int64_t
fake_clock(void)
{
    return s_m.now_ms - T0;
}

// --- the model

static uint32_t
model_find(const struct model_series *m, int64_t time_ms)
{
    uint32_t low = 0, high = m->n;

    while (low < high) {
        const uint32_t middle = (low + high) / 2;

        if (m->at[middle].time_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
model_put(struct model_series *m, int64_t time_ms, double value)
{
    const uint32_t at = model_find(m, time_ms);

    if (at < m->n && m->at[at].time_ms == time_ms)
        return;
    if (m->n == m->size) {
        m->size = 2 * m->size + 16;
        m->at = xrealloc(m->at, m->size, sizeof *m->at);
    }
    memmove(m->at + at + 1, m->at + at, (m->n - at) * sizeof *m->at);
    m->at[at] = (struct sample){ time_ms, value };
    m->n++;
    s_m.samples++;
}

// What is on the disk alone has no id.
static struct model_series *
model_of(const struct store_series *got)
{
    for (unsigned i = 0; i < SERIES; i++) {
        struct model_series *m = &s_m.series[i];

        if (m->id != 0 && m->host == got->host && label_set_equal(&m->labels, got->labels)) {
            assert_true(got->id == 0 || got->id == m->id);
            return m;
        }
    }
    fail_msg("series %u is nobody's", got->id);
    return NULL;
}

// --- what is done

static void
make(struct model_series *m, unsigned i)
{
    static const char *const names[] = { "a", "b", "c" };
    char who[16];
    struct label labels[] = { { LABEL_METRIC, names[i % 3] }, { "who", who }, { "odd", "yes" } };

    snprintf(who, sizeof who, "%u", i);
    m->host = 1 + i % HOSTS;
    assert_int_equal(label_set_init(&m->labels, labels, i % 2 == 1 ? 3 : 2), 0);
    assert_int_equal(store_series(s_m.store, m->host, &m->labels, METRIC_GAUGE, &m->id), 0);
}

static double
some_value(void)
{
    switch (below(8)) {
    case 0:
        return sample_from_bits(SAMPLE_STALE_BITS);
    case 1:
        return sample_from_bits(seeded_next(&s_m.seed));
    case 2:
        return (double) below(100000) / 100;
    default:
        return below(3);
    }
}

static int64_t
some_time(void)
{
    switch (below(10)) {
    case 0:
        return s_m.now_ms - below(NEAR_MS);
    case 1:
        return s_m.now_ms - below(DAYS) * DAY_MS - below(1000) * 1000;
    case 2:
        return s_m.last_ms;
    default:
        return s_m.now_ms;
    }
}

// Into its place among those of a row, ids rising.
static void
row_put(struct model_series *of[EACH], uint32_t *n, struct model_series *m)
{
    uint32_t at = (*n)++;

    for (; at > 0 && of[at - 1]->id > m->id; at--)
        of[at] = of[at - 1];
    of[at] = m;
}

// A row of some or most of a host's series.
static void
append(void)
{
    const uint64_t host = 1 + below(HOSTS);
    const uint32_t most = below(4) == 0 ? 1 + below(3) : EACH;
    struct model_series *of[EACH];
    struct store_row row = { .host = host, .time_ms = some_time() };
    series_id ids[EACH];
    double values[EACH];

    for (unsigned i = 0; i < SERIES && row.n < most; i++)
        if (1 + i % HOSTS == host && below(EACH) < most + 2) {
            if (s_m.series[i].id == 0)
                make(&s_m.series[i], i);
            row_put(of, &row.n, &s_m.series[i]);
        }
    for (uint32_t i = 0; i < row.n; i++) {
        ids[i] = of[i]->id;
        values[i] = some_value();
        model_put(of[i], row.time_ms, values[i]);
    }
    row.series = ids;
    row.values = values;
    if (row.n > 0)
        (void) store_append(s_m.store, &row);
    if (below(4) == 0)
        s_m.last_ms = row.time_ms;
    s_m.now_ms += below(2000);
}

static bool
is_meant(const struct model_series *m, const struct store_select *what)
{
    bool match = what->n_matchers == 0;

    for (uint32_t i = 0; i < what->n_matchers; i++)
        match = match || matchers_match(what->matchers[i], &m->labels);
    return match && m->id != 0 && (what->host == 0 || what->host == m->host);
}

// Samples of the model from *from_ret on that are in the answer.
static uint32_t
should_be(const struct model_series *m, const struct store_select *what, uint32_t *from_ret)
{
    const uint32_t end = what->end_ms == INT64_MAX ? m->n : model_find(m, what->end_ms + 1);
    uint32_t from = model_find(m, what->start_ms);

    if (from >= end || what->labels_only)
        return 0;
    if (what->newest_only)
        from = end - 1;
    *from_ret = from;
    return end - from;
}

static void
compare(const struct store_select *what)
{
    bool answered[SERIES] = { false };
    store_cursor_t *cursor = NULL;
    struct store_series got;
    uint32_t from = 0;
    int rc;

    assert_int_equal(store_open(s_m.store, what, &cursor), 0);
    while ((rc = store_next(cursor, &got)) == 1) {
        const struct model_series *m = model_of(&got);
        const uint32_t n = should_be(m, what, &from);

        assert_true(is_meant(m, what));
        assert_false(answered[m - s_m.series]);
        answered[m - s_m.series] = true;
        assert_int_equal(got.n, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(got.samples[i].time_ms, m->at[from + i].time_ms);
            assert_int_equal(sample_bits(got.samples[i].value), sample_bits(m->at[from + i].value));
        }
    }
    assert_int_equal(rc, 0);
    store_close(&cursor);
    for (unsigned i = 0; i < SERIES; i++)
        if (!answered[i] && is_meant(&s_m.series[i], what))
            assert_true(!what->labels_only && should_be(&s_m.series[i], what, &from) == 0);
}

static void
ask(void)
{
    matchers_t *matchers[2] = { NULL, NULL };
    struct store_select what = { .host = below(2) == 0 ? 0 : 1 + below(HOSTS),
                                 .start_ms = INT64_MIN,
                                 .end_ms = INT64_MAX,
                                 .matchers = matchers,
                                 .n_matchers = below(3),
                                 .newest_only = below(4) == 0 };
    char error[MATCHERS_ERROR_SIZE];

    what.labels_only = !what.newest_only && below(8) == 0;
    for (uint32_t i = 0; i < what.n_matchers; i++)
        if (matchers_parse(&matchers[i], s_selectors[below(SELECTORS)], error) < 0)
            fail_msg("%s", error);
    if (below(4) > 0)
        what.start_ms = s_m.now_ms - below(DAYS * 2) * DAY_MS / 2 - below(2 * NEAR_MS);
    if (below(4) > 0)
        what.end_ms = below(2) == 0 ? s_m.now_ms - below(2 * NEAR_MS)
                                    : what.start_ms / 2 + s_m.now_ms / 2;
    compare(&what);
    for (uint32_t i = 0; i < what.n_matchers; i++)
        matchers_destroy(&matchers[i]);
}

static void
seal(void)
{
    local_store_seal(s_m.local);
}

static bool
no_stream(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

static void
open_it(void)
{
    assert_int_equal(local_store_open(&s_m.local, &s_m.config), 0);
    local_store_set_clock(s_m.local, fake_clock);
    if (s_m.config.dir != NULL)
        assert_int_equal(local_store_load(s_m.local, no_stream, NULL), 0);
    s_m.store = local_store_face(s_m.local);
}

// All is on the disk: what only a journal would have is not looked at here.
static void
close_it(void)
{
    seal();
    store_destroy(&s_m.store);
}

static void
open_again(void)
{
    open_it();
    for (unsigned i = 0; i < SERIES; i++) {
        struct model_series *m = &s_m.series[i];
        series_id id;

        if (m->id == 0)
            continue;
        assert_int_equal(store_series(s_m.store, m->host, &m->labels, METRIC_GAUGE, &id), 0);
        assert_int_equal(id, m->id);
    }
}

static void
reopen(void)
{
    if (s_m.config.dir == NULL)
        return;
    close_it();
    open_again();
}

static void
merge(void)
{
    const struct block_files_config config = { .dir = s_m.config.dir };
    block_files_t *files = NULL;

    if (s_m.config.dir == NULL)
        return;
    close_it();
    assert_int_equal(block_files_open(&files, &config), 0);
    s_m.merged += merge_all(files, MERGE_OLD_MS, UINT64_MAX).merged;
    block_files_close(&files);
    open_again();
}

static void
turn(void)
{
    s_m.now_ms += below(3) == 0 ? LOCAL_STORE_AGE_MS : 1000;
    store_turn(s_m.store);
}

// How often each is done, of all.
static const struct {
    void (*fn)(void);
    unsigned weight;
} s_deeds[] = { { append, 2000 }, { ask, 120 },  { turn, 40 },
                { seal, 8 },      { reopen, 4 }, { merge, 1 } };
#define DEEDS (sizeof s_deeds / sizeof s_deeds[0])

// Days that end so long before the newest one does. What is left begins here.
static int64_t
model_forget(int64_t keep_ms)
{
    int64_t newest_ms = INT64_MIN, from_ms;

    for (unsigned i = 0; i < SERIES; i++) {
        const struct model_series *m = &s_m.series[i];

        if (m->n > 0 && m->at[m->n - 1].time_ms > newest_ms)
            newest_ms = m->at[m->n - 1].time_ms;
    }
    from_ms = (newest_ms / DAY_MS + 1) * DAY_MS - keep_ms;
    from_ms = from_ms / DAY_MS * DAY_MS; // the day that this is in stays whole
    for (unsigned i = 0; i < SERIES; i++) {
        struct model_series *m = &s_m.series[i];
        const uint32_t n = model_find(m, from_ms);

        memmove(m->at, m->at + n, (m->n - n) * sizeof *m->at);
        m->n -= n;
    }
    return from_ms;
}

static void
run(uint64_t seed, uint64_t most_bytes, const char *dir)
{
    unsigned sum = 0;

    memset(&s_m, 0, sizeof s_m);
    s_m.seed = seed;
    s_m.now_ms = s_m.last_ms = T0;
    // Each third time its own thread merges, at any moment.
    s_m.config = (struct local_store_config){ .most_bytes = most_bytes,
                                              .dir = dir,
                                              .merge_ms = seed % 3 == 1 };
    open_it();
    for (unsigned i = 0; i < DEEDS; i++)
        sum += s_deeds[i].weight;
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned at = below(sum), i = 0;

        while (at >= s_deeds[i].weight)
            at -= s_deeds[i++].weight;
        s_deeds[i].fn();
    }
    seal();
    compare(&s_all);
    assert_true(s_m.samples > STEPS);
}

static void
end(void)
{
    store_destroy(&s_m.store);
    for (unsigned i = 0; i < SERIES; i++) {
        label_set_release(&s_m.series[i].labels);
        free(s_m.series[i].at);
    }
}

static uint64_t s_given; // seed

static void
in_memory_an_answer_is_what_the_model_says(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed, ROOM, NULL);
        end();
    }
    if (s_given != 0) {
        run(s_given, ROOM, NULL);
        end();
    }
}

static int64_t
oldest_file_ms(const char *dir)
{
    struct block_name *names = NULL;
    const ptrdiff_t n = block_name_list(&names, dir);
    int64_t day;

    assert_true(n > 0);
    day = names[0].partition;
    free(names);
    return day * DAY_MS;
}

static void
run_on_a_disk(uint64_t seed)
{
    char dir[64];
    const int64_t keep_ms = DAY_MS + DAY_MS / 2;
    int64_t until_ms, from_ms;

    // Nothing here asks whether it is a disk.
    snprintf(dir, sizeof dir, "%s/zpulse-model-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(dir));
    run(seed, LITTLE, dir);
    merge();
    compare(&s_all);
    assert_true(s_m.config.merge_ms != 0 || s_m.merged > 1); // else its own thread had them first
    // It had room for ever; now it has a day and a half.
    store_destroy(&s_m.store);
    s_m.config.keep_ms = keep_ms;
    s_m.config.merge_ms = 0;
    open_it();
    from_ms = model_forget(keep_ms);
    until_ms = clock_mono_ms() + WAIT_MS;
    while (oldest_file_ms(dir) < from_ms && clock_mono_ms() < until_ms)
        poll(NULL, 0, 1);
    compare(&s_all);
    end();
    assert_int_equal(folder_remove(dir), 0);
}

static void
with_a_disk_an_answer_is_what_the_model_says(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_on_a_disk(seed);
    if (s_given != 0)
        run_on_a_disk(s_given);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_an_answer_is_what_the_model_says),
        cmocka_unit_test(with_a_disk_an_answer_is_what_the_model_says),
    };

    s_given = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
    return cmocka_run_group_tests_name("store_model", tests, NULL, NULL);
}

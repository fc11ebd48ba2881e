// test_label_index - the index finds what a look at every series would find.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/label_index.h"
#include "shared/base/err.h"
#include "tests/support/seeded.h"

#define ROOM   (UINT64_C(1) << 30)
#define SERIES 3000u

struct known {
    uint64_t host;
    struct label_set labels;
    series_id id;
};

static label_index_t *labels;
static struct known known[SERIES];
static uint32_t n_known;
static uint64_t seed;

static int
setup(void **state)
{
    (void) state;
    labels = label_index_new(ROOM);
    n_known = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    for (uint32_t i = 0; i < n_known; i++)
        label_set_release(&known[i].labels);
    label_index_destroy(&labels);
    return 0;
}

static struct label_set
random_labels(void)
{
    static const char *const names[] = { "__name__", "cpu", "device", "mode", "app" };
    char values[5][32];
    struct label at[5];
    struct label_set set;
    size_t n = 0;

    for (size_t i = 0; i < 5; i++) {
        if (i > 0 && seeded_below(&seed, 3) == 0)
            continue;
        snprintf(values[n], sizeof values[n], "%s_%u", i == 0 ? "node" : "v",
                 seeded_below(&seed, i == 0 ? 40 : 12));
        at[n] = (struct label){ .name = names[i], .value = values[n] };
        n++;
    }
    assert_int_equal(label_set_init(&set, at, n), 0);
    return set;
}

// A new series, or one that is there: whichever the dice say.
static void
add_one(void)
{
    const uint64_t host = 1 + seeded_below(&seed, 9);
    struct label_set set = random_labels();
    series_id id = 0;

    assert_int_equal(label_index_add(labels, host, &set, METRIC_GAUGE, &id), 0);
    for (uint32_t i = 0; i < n_known; i++) {
        if (known[i].host != host || !label_set_equal(&known[i].labels, &set))
            continue;
        assert_int_equal(known[i].id, id);
        label_set_release(&set);
        return;
    }
    assert_true(n_known == 0 || id > known[n_known - 1].id);
    known[n_known++] = (struct known){ .host = host, .labels = set, .id = id };
}

static void
what_was_added_is_found_by_id_and_again_by_its_labels(void **state)
{
    (void) state;
    seed = 1;
    while (n_known < SERIES)
        add_one();
    assert_int_equal(label_index_stat(labels).series, n_known);
    assert_int_equal(label_index_stat(labels).newest, known[n_known - 1].id);
    for (uint32_t i = 0; i < n_known; i++) {
        struct label_series is;

        assert_int_equal(label_index_get(labels, known[i].id, &is), 0);
        assert_int_equal(is.host, known[i].host);
        assert_int_equal(is.kind, METRIC_GAUGE);
        assert_int_equal(is.labels.hash, known[i].labels.hash);
        assert_true(label_set_equal(&is.labels, &known[i].labels));
        label_set_release(&is.labels);
    }
    assert_int_equal(label_index_get(labels, 0, &(struct label_series){ 0 }), ERR_UNKNOWN);
    assert_int_equal(label_index_get(labels, n_known + 1, &(struct label_series){ 0 }),
                     ERR_UNKNOWN);
}

// The same as asking every series.
static void
assert_selects(uint64_t host, const char *const *texts, uint32_t n_texts)
{
    matchers_t *matchers[4] = { NULL };
    char error[MATCHERS_ERROR_SIZE];
    series_id *ids;
    uint32_t at = 0;
    uint32_t n;

    for (uint32_t i = 0; i < n_texts; i++)
        assert_int_equal(matchers_parse(&matchers[i], texts[i], error), 0);
    n = label_index_select(labels, host, matchers, n_texts, &ids);
    for (uint32_t i = 0; i < n_known; i++) {
        bool wanted = n_texts == 0;

        for (uint32_t k = 0; k < n_texts; k++)
            wanted = wanted || matchers_match(matchers[k], &known[i].labels);
        if (!wanted || (host != 0 && known[i].host != host))
            continue;
        assert_true(at < n);
        assert_int_equal(ids[at++], known[i].id);
    }
    assert_int_equal(at, n);
    free(ids);
    for (uint32_t i = 0; i < n_texts; i++)
        matchers_destroy(&matchers[i]);
}

static void
every_selector_finds_what_a_look_at_all_series_finds(void **state)
{
    static const char *const texts[] = {
        "node_1",
        "node_none",
        "node_2{cpu=\"v_3\"}",
        "{__name__=~\"node_.*\"}",
        "{__name__=~\"node_1[0-9]\",cpu!=\"v_1\"}",
        "{cpu=\"v_4\",mode!~\"v_[0-5]\"}",
        "{device=~\"v_1|v_2|v_3\",app=\"\"}",
        "{app!=\"\",mode=\"v_2\"}",
        "{app=~\"v_.*\",device!~\".*\",cpu=~\".*\"}",
        "{absent=\"v\"}",
        "{__name__=\"node_7\",absent!=\"v\"}",
        "{__name__=\"node_7\",absent=~\".*\"}",
    };

    (void) state;
    seed = 2;
    while (n_known < SERIES)
        add_one();
    for (uint64_t host = 0; host <= 10; host++) {
        assert_selects(host, NULL, 0);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            assert_selects(host, &texts[i], 1);
            assert_selects(host, &texts[i], i + 3 <= sizeof texts / sizeof texts[0] ? 3 : 1);
        }
    }
}

static void
a_full_index_refuses_new_series_and_keeps_the_old(void **state)
{
    struct label_set set;
    series_id id;
    int rc = 0;

    (void) state;
    label_index_destroy(&labels);
    labels = label_index_new(1024u * 1024u);
    seed = 3;
    for (uint32_t i = 0; rc == 0; i++) {
        char value[64];
        struct label at = { .name = "n", .value = value };

        snprintf(value, sizeof value, "a value of some length, and number %u", i);
        assert_int_equal(label_set_init(&set, &at, 1), 0);
        rc = label_index_add(labels, 1, &set, METRIC_COUNTER, &id);
        label_set_release(&set);
        assert_true(i < 100000);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_true(label_index_stat(labels).bytes < 2u * 1024u * 1024u);
    assert_int_equal(label_set_init(&set,
                                    &(struct label){ .name = "n",
                                                     .value = "a value of some "
                                                              "length, and number 5" },
                                    1),
                     0);
    assert_int_equal(label_index_add(labels, 1, &set, METRIC_COUNTER, &id), 0);
    assert_int_equal(id, 6);
    label_set_release(&set);
    // What the disk has samples of is known all the same.
    assert_int_equal(label_set_init(&set, &(struct label){ .name = "n", .value = "before" }, 1), 0);
    assert_int_equal(label_index_restore(labels, 100001, 1, &set, METRIC_COUNTER), 0);
    label_set_release(&set);
}

static void
ids_from_before_come_back_and_new_ones_go_on_behind_them(void **state)
{
    struct label_set sets[3];
    struct label_series is;
    series_id id;

    (void) state;
    seed = 4;
    for (int i = 0; i < 3; i++)
        sets[i] = random_labels();
    assert_int_equal(label_index_restore(labels, 5, 1, &sets[0], METRIC_GAUGE), 0);
    assert_int_equal(label_index_restore(labels, 5, 1, &sets[1], METRIC_GAUGE), ERR_RANGE);
    assert_int_equal(label_index_restore(labels, 9000, 1, &sets[1], METRIC_COUNTER), 0);
    assert_int_equal(label_index_restore(labels, 9001, 1, &sets[1], METRIC_COUNTER), ERR_RANGE);
    assert_int_equal(label_index_add(labels, 1, &sets[2], METRIC_GAUGE, &id), 0);
    assert_int_equal(id, 9001);
    assert_int_equal(label_index_add(labels, 1, &sets[1], METRIC_COUNTER, &id), 0);
    assert_int_equal(id, 9000);
    assert_int_equal(label_index_get(labels, 6, &is), ERR_UNKNOWN);
    assert_int_equal(label_index_get(labels, 8999, &is), ERR_UNKNOWN);
    for (int i = 0; i < 3; i++)
        label_set_release(&sets[i]);
}

static void
add_count(void *arg, const struct store_count *count)
{
    uint32_t *of = arg;

    if (strcmp(count->text, "v_3") == 0)
        of[0] = count->series;
    of[1] += count->series;
}

static void
series_of_a_label_are_counted_by_its_values(void **state)
{
    uint32_t counted[2] = { 0 };
    uint32_t should_be[2] = { 0 };

    (void) state;
    seed = 5;
    while (n_known < 500)
        add_one();
    for (uint32_t i = 0; i < n_known; i++) {
        const char *value = label_set_get(&known[i].labels, "cpu");

        should_be[0] += value != NULL && strcmp(value, "v_3") == 0;
        should_be[1] += value != NULL;
    }
    label_index_count(labels, STORE_COUNT_VALUES, "cpu", add_count, counted);
    assert_int_equal(counted[0], should_be[0]);
    assert_int_equal(counted[1], should_be[1]);
    label_index_count(labels, STORE_COUNT_VALUES, "none", add_count, counted);
    assert_int_equal(counted[1], should_be[1]);
}

// The line of one host (0: of the name "cpu").
struct line {
    uint64_t host;
    struct store_count is;
    uint32_t series; // of all lines
};

static void
take_line(void *arg, const struct store_count *count)
{
    struct line *line = arg;

    line->series += count->series;
    if (line->host != 0 ? count->host == line->host : strcmp(count->text, "cpu") == 0)
        line->is = *count;
}

static struct line
line_of(uint64_t host)
{
    struct line line = { .host = host };

    label_index_count(labels, host != 0 ? STORE_COUNT_HOSTS : STORE_COUNT_NAMES, NULL, take_line,
                      &line);
    return line;
}

static void
series_are_counted_by_host_and_by_name(void **state)
{
    uint32_t of_host = 0, with_cpu = 0, values = 0;
    bool seen[64] = { false };

    (void) state;
    seed = 6;
    while (n_known < 500)
        add_one();
    for (uint32_t i = 0; i < n_known; i++) {
        const char *value = label_set_get(&known[i].labels, "cpu");

        of_host += known[i].host == known[0].host;
        with_cpu += value != NULL;
        if (value != NULL && !seen[strtoul(value + 2, NULL, 10) % 64]) {
            seen[strtoul(value + 2, NULL, 10) % 64] = true;
            values++;
        }
    }
    assert_int_equal(line_of(known[0].host).is.series, of_host);
    assert_int_equal(line_of(known[0].host).series, n_known);
    assert_int_equal(line_of(0).is.series, with_cpu);
    assert_int_equal(line_of(0).is.values, values);
}

static series_id
put(uint64_t host, const char *cpu, series_id restored)
{
    struct label_set set;
    series_id id = restored;

    assert_int_equal(label_set_init(&set, (struct label[]){ { "cpu", cpu } }, 1), 0);
    if (restored != 0)
        assert_int_equal(label_index_restore(labels, restored, host, &set, METRIC_GAUGE), 0);
    else
        assert_int_equal(label_index_add(labels, host, &set, METRIC_GAUGE, &id), 0);
    label_set_release(&set);
    return id;
}

static void
what_was_made_within_an_hour_is_new_and_what_was_restored_is_not(void **state)
{
    const int64_t minute = 60000;
    int64_t now_ms = 0;

    (void) state;
    label_index_note(labels, now_ms);
    put(1, "a", 7);
    put(1, "b", 8);
    put(1, "c", 0);
    assert_int_equal(line_of(1).is.series, 3);
    assert_int_equal(line_of(1).is.made, 1);
    assert_int_equal(line_of(0).is.values, 3);
    assert_int_equal(line_of(0).is.values_made, 1);
    assert_int_equal(label_index_stat(labels).series_made, 1);
    // Half an hour on another host makes one of an old value.
    for (int i = 0; i < 30; i++)
        label_index_note(labels, now_ms += minute);
    put(2, "a", 0);
    assert_int_equal(line_of(1).is.made, 1);
    assert_int_equal(line_of(2).is.made, 1);
    assert_int_equal(line_of(0).is.values_made, 1);
    assert_int_equal(label_index_stat(labels).series_made, 2);
    // Another half later only that one is new; notes within a minute are none.
    for (int i = 0; i < 31 * 4; i++)
        label_index_note(labels, now_ms += minute / 4);
    assert_int_equal(line_of(1).is.made, 0);
    assert_int_equal(line_of(2).is.made, 1);
    assert_int_equal(line_of(0).is.values_made, 0);
    assert_int_equal(label_index_stat(labels).series_made, 1);
    assert_int_equal(label_index_stat(labels).pairs_made, 0);
}

static void *
look_on(void *arg)
{
    const atomic_bool *done = arg;
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    uint32_t seen = 0;

    assert_int_equal(matchers_parse(&matchers, "{__name__=~\"node_.*\"}", error), 0);
    while (!atomic_load(done)) {
        series_id *ids;
        const uint32_t n = label_index_select(labels, 0, &matchers, 1, &ids);

        assert_true(n >= seen);
        seen = n;
        for (uint32_t i = 0; i < n; i += 97) {
            struct label_series is;

            assert_int_equal(label_index_get(labels, ids[i], &is), 0);
            label_set_release(&is.labels);
        }
        free(ids);
    }
    matchers_destroy(&matchers);
    return NULL;
}

static void
looking_and_adding_go_on_side_by_side(void **state)
{
    atomic_bool done = false;
    pthread_t reader;

    (void) state;
    seed = 6;
    assert_int_equal(pthread_create(&reader, NULL, look_on, &done), 0);
    while (n_known < 1500)
        add_one();
    atomic_store(&done, true);
    pthread_join(reader, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_added_is_found_by_id_and_again_by_its_labels,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(every_selector_finds_what_a_look_at_all_series_finds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_index_refuses_new_series_and_keeps_the_old, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ids_from_before_come_back_and_new_ones_go_on_behind_them,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(series_of_a_label_are_counted_by_its_values, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(series_are_counted_by_host_and_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_was_made_within_an_hour_is_new_and_what_was_restored_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(looking_and_adding_go_on_side_by_side, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

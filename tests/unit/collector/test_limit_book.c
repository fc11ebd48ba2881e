// test_limit_book - who is told of is who is refused most, whoever came first.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/limit_book.h"

static limit_book_t *s_book;
static struct query_limit s_told[REFUSED_LIMITS];

static int
setup(void **state)
{
    (void) state;
    s_book = limit_book_new();
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    limit_book_destroy(&s_book);
    return 0;
}

static void
samples(const char *metric, uint64_t n)
{
    limit_book_add(s_book,
                   &(struct refusal){ .limit = LIMIT_SAMPLES, .metric = metric, .samples = n });
}

static void
one_series(const char *metric, const char *name, const char *value, const char *job)
{
    const struct label labels[] = { { name, value }, { "job", job } };
    struct label_set set;

    assert_int_equal(label_set_init(&set, labels, 2), 0);
    limit_book_add(s_book,
                   &(struct refusal){ .limit = LIMIT_SERIES, .metric = metric, .labels = &set });
    label_set_release(&set);
}

// A series of `app` with that metric.
static void
series(const char *metric, const char *app)
{
    one_series(metric, "app", app, "app");
}

// A series of the agent's own.
static void
own(const char *metric, const char *family)
{
    one_series(metric, "family", family, "agent");
}

// `rounds` of forty metrics, one sample each by turns: "flood_0" to "flood_39".
static void
flood(unsigned rounds)
{
    for (unsigned i = 0; i < 40 * rounds; i++) {
        char metric[32];

        (void) snprintf(metric, sizeof metric, "flood_%u", i % 40);
        samples(metric, 1);
    }
}

static void
all_that_was_refused_is_counted(void **state)
{
    (void) state;
    assert_int_equal(limit_book_get(s_book, s_told), 0);
    flood(100);
    series("m", "a");
    assert_int_equal(limit_book_get(s_book, s_told), 2);
    assert_int_equal(s_told[0].limit, LIMIT_SERIES);
    assert_int_equal(s_told[0].series, 1);
    assert_int_equal(s_told[1].limit, LIMIT_SAMPLES);
    assert_int_equal(s_told[1].samples, 4000);
}

static void
a_flood_of_many_metrics_is_told_though_others_came_first(void **state)
{
    (void) state;
    for (unsigned i = 0; i < LIMIT_BOOK_METRICS; i++) {
        char metric[32];

        (void) snprintf(metric, sizeof metric, "own_%u", i);
        samples(metric, 6);
    }
    flood(100);
    assert_int_equal(limit_book_get(s_book, s_told), 1);
    assert_int_equal(strncmp(s_told[0].metric, "flood_", 6), 0);
}

static void
a_metric_with_half_of_it_is_told_whoever_comes_between(void **state)
{
    (void) state;
    flood(10);
    for (unsigned i = 0; i < 2000; i++) {
        char metric[32];

        (void) snprintf(metric, sizeof metric, "other_%u", i);
        samples("heavy", 1);
        samples(metric, 1);
    }
    (void) limit_book_get(s_book, s_told);
    assert_string_equal(s_told[0].metric, "heavy");
}

static void
the_label_that_makes_series_of_many_metrics_is_told(void **state)
{
    (void) state;
    for (unsigned app = 0; app < 30; app++) {
        for (unsigned i = 0; i < 40; i++) {
            char metric[32], name[32];

            (void) snprintf(metric, sizeof metric, "k%u", i);
            (void) snprintf(name, sizeof name, "flood%u", app);
            series(metric, name);
        }
        if (app == 0)
            continue;
        assert_int_equal(limit_book_get(s_book, s_told), 1);
        assert_string_equal(s_told[0].label, "app");
    }
    // Their samples come for ever.
    for (unsigned i = 0; i < 4000; i++) {
        char metric[32];

        (void) snprintf(metric, sizeof metric, "k%u", i % 40);
        limit_book_add(s_book,
                       &(struct refusal){ .limit = LIMIT_SERIES, .metric = metric, .samples = 3 });
    }
    (void) limit_book_get(s_book, s_told);
    assert_string_equal(s_told[0].label, "app");
    assert_int_equal(s_told[0].samples, 12000);
}

static void
who_makes_most_series_is_told_whatever_comes_in_a_row(void **state)
{
    char text[32], metric[32];

    (void) state;
    for (unsigned app = 0; app < 30; app++) {
        (void) snprintf(text, sizeof text, "%u", app);
        for (unsigned i = 0; i < 40; i++) {
            (void) snprintf(metric, sizeof metric, "k%u", i);
            series(metric, text);
        }
    }
    for (unsigned i = 0; i < 20; i++) {
        (void) snprintf(text, sizeof text, "family%u", i);
        own("own", text);
    }
    (void) limit_book_get(s_book, s_told);
    assert_string_equal(s_told[0].label, "app");
    assert_int_equal(s_told[0].metric[0], 'k');
    // None of theirs is among the metrics any more.
    for (unsigned i = 0; i < 20; i++) {
        (void) snprintf(metric, sizeof metric, "own_%u", i);
        own(metric, "none");
    }
    (void) limit_book_get(s_book, s_told);
    assert_string_equal(s_told[0].label, "app");
    assert_int_equal(s_told[0].metric[0], 'k');
}

int
main(void)
{
#define WITH_BOOK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_BOOK(all_that_was_refused_is_counted),
        WITH_BOOK(a_flood_of_many_metrics_is_told_though_others_came_first),
        WITH_BOOK(a_metric_with_half_of_it_is_told_whoever_comes_between),
        WITH_BOOK(who_makes_most_series_is_told_whatever_comes_in_a_row),
        WITH_BOOK(the_label_that_makes_series_of_many_metrics_is_told),
    };

    return cmocka_run_group_tests_name("limit_book", tests, NULL, NULL);
}

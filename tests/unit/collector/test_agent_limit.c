// test_agent_limit - rates are of the samples' own times, and what was refused is named.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "collector/agent_limit.h"
#include "collector/limit_book.h"

#define T0   INT64_C(1700000000000)
#define RATE 100u // samples a second

static const struct agent_limits most = {
    .series = 10, .new_series = 3, .samples = RATE, .label_bytes = 64, .frame_bytes = 4096
};
static struct agent_rate s_rate;
static struct host_time s_now;

static int
setup(void **state)
{
    (void) state;
    s_rate = (struct agent_rate){ 0 };
    s_now = (struct host_time){ .mono_ms = 5000, .real_ms = T0 };
    return 0;
}

// How many of so many samples are let in.
static uint32_t
take(uint8_t flags, int64_t t0_ms, uint32_t count)
{
    const struct record record = { .type = RECORD_DELTA, .t0_ms = t0_ms, .count = count };
    struct record_share share;

    // Its clock is ours, but for a time that can not be.
    if (t0_ms > s_now.real_ms && t0_ms < INT64_MAX)
        s_now.real_ms = t0_ms;
    share = agent_rate_take(&s_rate, &most, flags, &record, 100, s_now);

    if (share.limit == 0)
        return count;
    assert_int_equal(share.limit, LIMIT_SAMPLES);
    return share.samples;
}

// What is stored is not of that time: offsets may point back from it.
static void
a_time_that_can_not_be_gives_no_budget_again(void **state)
{
    uint32_t n = 0;

    (void) state;
    for (int i = 0; i < 100; i++)
        n += take(0, INT64_MAX, RATE);
    assert_int_equal(n, AGENT_BURST_S * RATE);
}

static void
an_hour_that_was_held_back_may_come_in_a_moment(void **state)
{
    (void) state;
    for (int64_t second = 0; second < 3600; second++)
        assert_int_equal(take(FRAME_BACKLOG, T0 - 3600000 + second * 1000, RATE), RATE);
    // And what is live meanwhile has its own.
    assert_int_equal(take(0, T0, AGENT_BURST_S * RATE), AGENT_BURST_S * RATE);
}

static void
what_is_more_than_the_rate_is_refused_and_the_rate_flows_on(void **state)
{
    uint64_t taken = 0;

    (void) state;
    for (int64_t second = 0; second < 1000; second++)
        taken += take(0, T0 + second * 1000, 5 * RATE);
    // Ten seconds' worth at once, and then what each second gives.
    assert_int_equal(taken, (AGENT_BURST_S + 999) * RATE);
}

static void
a_slow_agent_may_send_its_seconds_in_one_record(void **state)
{
    (void) state;
    for (int64_t minute = 0; minute < 60; minute++)
        assert_int_equal(take(0, T0 + minute * 60000, AGENT_BURST_S * RATE), AGENT_BURST_S * RATE);
}

static void
a_clock_that_went_back_is_given_the_time_that_passes_here(void **state)
{
    (void) state;
    assert_int_equal(take(0, T0, AGENT_BURST_S * RATE), AGENT_BURST_S * RATE);
    for (int64_t second = 0; second < 100; second++) {
        s_now.mono_ms += 1000;
        assert_int_equal(take(0, T0 - 3600000 + second * 1000, RATE), RATE);
    }
    // And going back alone gives nothing.
    assert_int_equal(take(0, T0 - 7200000, RATE), 0);
}

static void
a_time_that_can_not_be_moves_no_budget(void **state)
{
    (void) state;
    assert_int_equal(take(0, T0, AGENT_BURST_S * RATE), AGENT_BURST_S * RATE);
    assert_int_equal(take(0, INT64_MAX, RATE), 0);
    assert_int_equal(take(0, INT64_MIN, RATE), 0);
    assert_int_equal(take(0, T0 + 1000, RATE), RATE);
}

static void
a_message_that_is_too_large_is_refused_whole_but_what_says_no_values_is_not(void **state)
{
    const struct {
        uint8_t type;
        uint8_t limit;
    } cases[] = {
        { RECORD_KEY, LIMIT_FRAME_BYTES },
        { RECORD_DELTA, LIMIT_FRAME_BYTES },
        { RECORD_DEF, LIMIT_FRAME_BYTES },
        { RECORD_TABLE, LIMIT_FRAME_BYTES },
        { RECORD_EVENT, 0 },
        { RECORD_END, 0 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct record record = { .type = cases[i].type, .t0_ms = T0, .count = 1 };
        struct record_share share;

        share = agent_rate_take(&s_rate, &most, 0, &record, most.frame_bytes + 1, s_now);
        assert_int_equal(share.limit, cases[i].limit);
        assert_int_equal(share.samples, 0);
        share = agent_rate_take(&s_rate, &most, 0, &record, most.frame_bytes, s_now);
        assert_int_equal(share.limit, 0);
        share = agent_rate_take(&s_rate, &most, FRAME_IMPORT, &record, UINT32_MAX, s_now);
        assert_int_equal(share.limit, 0);
    }
}

static void
new_series_are_counted_in_the_minute_that_they_are_of(void **state)
{
    struct agent_minutes minutes = { 0 };
    int64_t minute;
    uint32_t made;

    (void) state;
    for (int64_t m = 0; m < 5; m++)
        for (uint32_t i = 0; i < 5; i++) {
            assert_int_equal(agent_minutes_take(&minutes, 3, T0 + m * 60000, &minute, &made),
                             i < 3);
            assert_int_equal(minute, T0 / 60000 + m);
            assert_int_equal(made, i < 3 ? i + 1 : 3);
        }
    // An earlier one goes on where it was, and what is restored is not counted down.
    assert_false(agent_minutes_take(&minutes, 3, T0, &minute, &made));
    agent_minutes_restore(&minutes, T0 / 60000 + 9, 2);
    agent_minutes_restore(&minutes, T0 / 60000 + 9, 1);
    assert_true(agent_minutes_take(&minutes, 3, T0 + 9 * 60000, &minute, &made));
    assert_false(agent_minutes_take(&minutes, 3, T0 + 9 * 60000, &minute, &made));
}

static void
add(limit_book_t *book, uint8_t limit, const char *metric, const char *shard, const char *pod)
{
    const struct label labels[] = { { LABEL_METRIC, metric }, { "shard", shard }, { "pod", pod } };
    struct label_set set;

    assert_int_equal(label_set_init(&set, labels, 3), 0);
    limit_book_add(book, &(struct refusal){ .limit = limit, .metric = metric, .labels = &set });
    label_set_release(&set);
}

static void
the_metric_and_the_label_that_weigh_most_are_named(void **state)
{
    limit_book_t *book = limit_book_new();
    struct query_limit limits[REFUSED_LIMITS];
    char text[32], few[32];

    (void) state;
    assert_int_equal(limit_book_get(book, limits), 0);
    // Many metrics of one series each make room for the flood.
    for (int i = 0; i < 100; i++) {
        (void) snprintf(text, sizeof text, "quiet_%d", i);
        add(book, LIMIT_SERIES, text, "0", "0");
    }
    for (int i = 0; i < 1000; i++) {
        (void) snprintf(text, sizeof text, "pod-%d", i);
        (void) snprintf(few, sizeof few, "%d", i / 100);
        add(book, LIMIT_SERIES, "flood_total", few, text);
    }
    limit_book_add(book, &(struct refusal){
                             .limit = LIMIT_SAMPLES, .metric = "chatty_seconds", .samples = 50 });
    assert_int_equal(limit_book_get(book, limits), 2);
    assert_int_equal(limits[0].limit, LIMIT_SERIES);
    assert_int_equal(limits[0].series, 1100);
    assert_int_equal(limits[0].samples, 0);
    assert_string_equal(limits[0].metric, "flood_total");
    assert_string_equal(limits[0].label, "pod");
    assert_int_equal(limits[1].limit, LIMIT_SAMPLES);
    assert_int_equal(limits[1].samples, 50);
    assert_string_equal(limits[1].metric, "chatty_seconds");
    assert_string_equal(limits[1].label, "");
    limit_book_destroy(&book);
}

static void
of_labels_that_are_too_large_the_largest_is_named(void **state)
{
    limit_book_t *book = limit_book_new();
    struct query_limit limits[REFUSED_LIMITS];
    char long_name[LABEL_NAME_MAX + 1], value[400];

    (void) state;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    add(book, LIMIT_LABEL_BYTES, long_name, value, "a");
    assert_int_equal(limit_book_get(book, limits), 1);
    assert_string_equal(limits[0].label, "shard");
    assert_int_equal(strlen(limits[0].metric), QUERY_LIMIT_TEXT);
    limit_book_destroy(&book);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_time_that_can_not_be_gives_no_budget_again, setup),
        cmocka_unit_test_setup(an_hour_that_was_held_back_may_come_in_a_moment, setup),
        cmocka_unit_test_setup(what_is_more_than_the_rate_is_refused_and_the_rate_flows_on, setup),
        cmocka_unit_test_setup(a_slow_agent_may_send_its_seconds_in_one_record, setup),
        cmocka_unit_test_setup(a_clock_that_went_back_is_given_the_time_that_passes_here, setup),
        cmocka_unit_test_setup(a_time_that_can_not_be_moves_no_budget, setup),
        cmocka_unit_test_setup(
            a_message_that_is_too_large_is_refused_whole_but_what_says_no_values_is_not, setup),
        cmocka_unit_test(new_series_are_counted_in_the_minute_that_they_are_of),
        cmocka_unit_test(the_metric_and_the_label_that_weigh_most_are_named),
        cmocka_unit_test(of_labels_that_are_too_large_the_largest_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

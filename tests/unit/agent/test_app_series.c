// test_app_series - messages of applications as series: identity, times, limits, silence.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/app_series.h"
#include "agent/own_series.h"
#include "shared/base/buf.h"
#include "shared/base/log.h"
#include "shared/model/sample.h"
#include "shared/net/selfstat.h"

#define NOW      INT64_C(1795678356000)
#define ISO      "2026-11-26T07:32:36+00:00" // NOW
#define ENDPOINT "tcp://127.0.0.1:5565"

static series_table_t *table;
static app_series_t *series;
static int64_t now_ms; // both clocks move together; the monotonic one started at NOW
static const struct app_block *blocks;
static size_t n_blocks;

static int
setup(void **state)
{
    (void) state;
    own_series_init();
    table = series_table_new();
    series = app_series_new(table, 1000);
    now_ms = NOW;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    app_series_destroy(&series);
    series_table_destroy(&table);
    return 0;
}

static void
put(const char *json)
{
    static struct app_message message;
    const char *why;

    assert_int_equal(app_json_parse(&message, &why, json, strlen(json)), 0);
    app_series_put(series, &message, ENDPOINT, (struct app_now){ now_ms, now_ms - NOW + 1 });
}

static void
tick(void)
{
    series_table_begin(table);
    app_series_sample(series);
    series_table_end(table);
    app_series_tick(series, now_ms, now_ms - NOW + 1);
    blocks = app_series_take(series, &n_blocks, now_ms);
}

// The samples of the last tick.
static unsigned
samples(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < n_blocks; i++)
        n += blocks[i].n;
    return n;
}

static const char *
text_of(uint32_t slot)
{
    static char text[512];
    struct buf b = { 0 };

    label_set_text(&b, &series_table_def(table, slot)->labels);
    snprintf(text, sizeof text, "%s", buf_cstr(&b));
    buf_release(&b);
    return text;
}

// The value of a series in the k-th block of the last tick; NAN where it has none.
static double
value(size_t k, const char *labels)
{
    for (uint32_t i = 0; k < n_blocks && i < blocks[k].n; i++) {
        const uint32_t slot = blocks[k].slots[i];
        const struct cell *cell = &blocks[k].cells[i];

        if (strcmp(text_of(slot), labels) == 0)
            return cell->state == CELL_INTEGER
                       ? metric_value(series_table_def(table, slot)->form, cell->m)
                       : sample_from_bits(cell->bits);
    }
    return (double) NAN;
}

#define RED "app=\"red\",color=\"red\",job=\"app\""

static void
a_message_is_samples_of_its_colour_at_its_time(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"timestamp\": \"" ISO
        "\", \"cpu\": 12.5, \"mem\": 2, \"queue\": 7}");
    now_ms += 400;
    tick();
    assert_int_equal(n_blocks, 1);
    assert_int_equal(blocks[0].time_ms, NOW);
    assert_int_equal(blocks[0].n, 3);
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.125);
    assert_true(value(0, "app_resident_memory_bytes{" RED "}") == 2097152);
    assert_true(value(0, "app_queue{" RED "}") == 7);
    tick();
    assert_int_equal(n_blocks, 0);
}

static void
without_a_colour_it_is_unnamed_and_a_bare_number_is_its_endpoints(void **state)
{
    (void) state;
    put("{\"cpu\": 100}");
    put("{\"color\": \"unnamed\", \"cpu\": 200}");
    now_ms++;
    put("0");
    tick();
    assert_true(value(0, "app_cpu_ratio{app=\"unnamed\",job=\"app\"}") == 1);
    assert_true(value(0, "app_cpu_ratio{app=\"unnamed\",color=\"unnamed\",job=\"app\"}") == 2);
    assert_true(value(1, "app_value{app=\"" ENDPOINT "\",job=\"app\"}") == 0);
}

static void
two_messages_in_a_tick_are_both_kept(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"cpu\": 1}");
    now_ms += 100;
    put("{\"color\": \"red\", \"cpu\": 2}");
    now_ms += 100;
    tick();
    assert_int_equal(n_blocks, 2);
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.01);
    assert_true(value(1, "app_cpu_ratio{" RED "}") == 0.02);
}

static void
arrivals_in_one_millisecond_move_on(void **state)
{
    (void) state;
    for (int i = 0; i < 5; i++)
        put("{\"color\": \"red\", \"timestamp\": \"unreadable\", \"cpu\": 1, \"mem\": 1}");
    now_ms += 10;
    tick();
    assert_int_equal(n_blocks, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(blocks[i].time_ms, NOW + i);
        assert_int_equal(blocks[i].n, 2);
    }
    assert_int_equal(selfstat_value(AGENT_APP_CONFLICTS), 0);
    assert_int_equal(selfstat_value(AGENT_APP_TIMES_UNKNOWN), 5);
}

// One series of the message is later than the other: both move.
static void
all_numbers_of_an_arrival_have_one_time(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"cpu\": 1}");
    put("{\"color\": \"red\", \"cpu\": 1}");
    put("{\"color\": \"red\", \"mem\": 1}");
    put("{\"color\": \"red\", \"cpu\": 1, \"mem\": 2}");
    now_ms += 10;
    tick();
    assert_int_equal(n_blocks, 3);
    assert_int_equal(blocks[2].time_ms, NOW + 2);
    assert_int_equal(blocks[2].n, 2);
    assert_int_equal(selfstat_value(AGENT_APP_SAMPLES), 5);
}

static void
a_time_given_twice_is_a_conflict_and_the_first_stands(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"timestamp\": \"" ISO "\", \"cpu\": 1}");
    put("{\"color\": \"red\", \"timestamp\": \"" ISO "\", \"cpu\": 2, \"mem\": 3}");
    tick();
    put("{\"color\": \"red\", \"timestamp\": \"" ISO "\", \"cpu\": 4}");
    assert_int_equal(samples(), 2);
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.01);
    assert_int_equal(selfstat_value(AGENT_APP_CONFLICTS), 2);
    now_ms += 1000;
    tick();
    assert_int_equal(n_blocks, 0);
}

// "a.b" and "a_b" are one metric.
static void
members_that_become_one_metric_conflict(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"a.b\": 1, \"a_b\": 2}");
    tick();
    assert_int_equal(samples(), 1);
    assert_true(value(0, "app_a_b{" RED "}") == 1);
    assert_int_equal(selfstat_value(AGENT_APP_CONFLICTS), 1);
}

static void
times_far_ahead_or_old_are_refused_by_cause(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"timestamp\": \"2026-11-26T07:42:36.001Z\", \"cpu\": 1, \"mem\": "
        "1}");
    put("{\"color\": \"red\", \"timestamp\": \"2026-11-26T06:32:35.999Z\", \"cpu\": 1}");
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_AHEAD), 2);
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_OLD), 1);
    put("{\"color\": \"red\", \"timestamp\": \"2026-11-26T07:42:36Z\", \"cpu\": 1}");
    put("{\"color\": \"red\", \"timestamp\": \"2026-11-26T06:32:36Z\", \"cpu\": 2}");
    put("{\"color\": \"red\", \"timestamp\": \"0001-01-01T00:00:00Z\", \"cpu\": 3}");
    put("{\"color\": \"red\", \"timestamp\": \"9999-12-31T23:59:59Z\", \"cpu\": 4}");
    tick();
    assert_int_equal(samples(), 2);
    assert_int_equal(blocks[0].time_ms, NOW - 3600000);
    assert_int_equal(blocks[1].time_ms, NOW + 600000); // a kill can not take it any more
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_AHEAD), 3);
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_OLD), 2);
    now_ms += 600000;
    tick();
    assert_int_equal(samples(), 0);
}

static void
silence_is_one_stale_mark_a_series_and_it_comes_back_in_its_slots(void **state)
{
    uint32_t slots;

    (void) state;
    put("{\"color\": \"red\", \"cpu\": 1, \"mem\": 1}");
    tick();
    slots = series_table_count(table);
    now_ms += 4999;
    tick();
    assert_int_equal(n_blocks, 0);
    now_ms += 1;
    tick();
    assert_int_equal(n_blocks, 1);
    assert_in_range(blocks[0].time_ms, now_ms - 999, now_ms - 1);
    assert_int_equal(blocks[0].n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(blocks[0].cells[i].state, CELL_RAW);
        assert_true(blocks[0].cells[i].bits == SAMPLE_STALE_BITS);
    }
    now_ms += 60000;
    tick();
    assert_int_equal(n_blocks, 0);
    put("{\"color\": \"red\", \"cpu\": 5, \"mem\": 1}");
    tick();
    assert_int_equal(samples(), 2);
    assert_int_equal(series_table_count(table), slots);
}

// What comes back in the very moment that it is missed.
static void
a_sample_with_the_time_of_the_tick_that_marked_its_series_is_kept(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"timestamp\": \"" ISO "\", \"cpu\": 1}");
    tick();
    now_ms += 5000;
    tick();
    assert_int_equal(samples(), 1);
    put("{\"color\": \"red\", \"timestamp\": \"2026-11-26T07:32:41Z\", \"cpu\": 2}");
    now_ms += 1000;
    tick();
    assert_int_equal(selfstat_value(AGENT_APP_CONFLICTS), 0);
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.02);
}

// What it sent meanwhile waits in the socket.
static void
nobody_is_silent_while_the_agent_does_not_listen(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"cpu\": 1}");
    tick();
    now_ms += 30000;
    app_series_hung(series, 29000);
    tick();
    assert_int_equal(n_blocks, 0);
    now_ms += 3999;
    tick();
    assert_int_equal(n_blocks, 0);
    now_ms += 1;
    tick();
    assert_int_equal(samples(), 1);
}

static void
the_first_sample_of_an_application_is_urgent(void **state)
{
    (void) state;
    assert_false(app_series_is_urgent(series));
    put("{\"color\": \"red\", \"cpu\": 1}");
    assert_true(app_series_is_urgent(series));
    blocks = app_series_take(series, &n_blocks, now_ms);
    assert_int_equal(samples(), 1);
    assert_false(app_series_is_urgent(series));
    now_ms += 1000;
    put("{\"color\": \"red\", \"cpu\": 1}");
    assert_false(app_series_is_urgent(series));
    now_ms += 60000; // silent
    tick();
    put("{\"color\": \"red\", \"cpu\": 1}");
    assert_true(app_series_is_urgent(series));
}

static void
an_application_that_floods_loses_its_own(void **state)
{
    (void) state;
    for (int i = 0; i < 150; i++)
        put("{\"color\": \"red\", \"cpu\": 1}");
    put("{\"color\": \"blue\", \"cpu\": 2}");
    now_ms += 1000;
    tick();
    assert_int_equal(samples(), 101);
    assert_true(value(0, "app_cpu_ratio{app=\"blue\",color=\"blue\",job=\"app\"}") == 0.02);
    tick(); // the counter is told from now on, by the row
    assert_string_equal(text_of(series_table_count(table) - 1),
                        "zpulse_agent_app_excess_total{app=\"red\",color=\"red\",job=\"zpulse\","
                        "program=\"agent\"}");
    assert_int_equal(series_table_cells(table)[series_table_count(table) - 1].m, 50);
    put("{\"color\": \"red\", \"cpu\": 1}"); // another tick, another share
    now_ms += 1000;
    tick();
    assert_int_equal(samples(), 1);
}

// Many that send much together: who sends little is still taken.
static void
who_sends_little_finds_room_whatever_others_send(void **state)
{
    char text[128];

    (void) state;
    for (int app = 0; app < 200; app++)
        for (int i = 0; i < 100; i++) {
            snprintf(text, sizeof text, "{\"color\": \"app %d\", \"cpu\": 1, \"mem\": 2}", app);
            put(text);
        }
    put("{\"color\": \"red\", \"cpu\": 2}");
    now_ms += 1000;
    tick();
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.02);
    assert_in_range(samples(), APP_SAMPLES_SHARED - 2, APP_SAMPLES_SHARED + 200 * 2 * APP_ASSURED);
}

static void
applications_beyond_the_limit_are_refused_and_an_old_one_makes_room(void **state)
{
    char text[128];

    (void) state;
    for (int app = 0; app < APP_MOST; app++) {
        snprintf(text, sizeof text, "{\"color\": \"app %d\", \"cpu\": 1}", app);
        put(text);
        now_ms++;
    }
    put("{\"color\": \"red\", \"cpu\": 1, \"mem\": 1}");
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_APPLICATIONS), 2);
    tick();
    assert_int_equal(samples(), APP_MOST);
    now_ms = NOW + 3600000;
    tick();
    put("{\"color\": \"red\", \"cpu\": 1}"); // in place of the first, silent for an hour
    put("{\"color\": \"pink\", \"cpu\": 1}");
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_APPLICATIONS), 3);
    now_ms++;
    tick();
    assert_int_equal(samples(), 1);
    assert_true(value(0, "app_cpu_ratio{" RED "}") == 0.01);
    assert_int_equal(selfstat_value(AGENT_APP_APPLICATIONS), APP_MOST);
}

static void
an_application_has_66_series_at_most(void **state)
{
    char text[128];

    (void) state;
    for (int i = 0; i < 80; i++) {
        snprintf(text, sizeof text, "{\"color\": \"red\", \"n%d\": 1}", i);
        put(text);
    }
    now_ms++;
    tick();
    assert_int_equal(samples(), APP_NUMBERS_MAX + 2);
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_NUMBERS), 80 - APP_NUMBERS_MAX - 2);
    now_ms++;
    put("{\"color\": \"red\", \"n0\": 1, \"n79\": 1}");
    tick();
    assert_int_equal(samples(), 1);
}

static void
applications_leave_the_table_room_for_the_host(void **state)
{
    char text[128];

    (void) state;
    for (int app = 0; app < 200; app++)
        for (int i = 0; i < 64; i++) {
            snprintf(text, sizeof text, "{\"color\": \"app %d\", \"n%d\": 1}", app, i);
            put(text);
            if (i % 32 == 31) {
                now_ms += 1000;
                tick();
            }
        }
    assert_int_equal(series_table_count(table), APP_SLOTS_MOST);
    assert_int_equal(selfstat_value(AGENT_APP_REFUSED_NUMBERS), 200 * 64 - APP_SLOTS_MOST);
    assert_int_equal(series_table_refused(table), 0);
}

static void
a_total_is_a_counter(void **state)
{
    (void) state;
    put("{\"color\": \"red\", \"requests_total\": 7, \"total\": 8, \"_total\": 9}");
    tick();
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(series_table_def(table, i)->kind, METRIC_COUNTER);
    put("{\"color\": \"red\", \"subtotals\": 7}");
    assert_int_equal(series_table_def(table, 3)->kind, METRIC_GAUGE);
}

int
main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_samples_of_its_colour_at_its_time),
        TEST(without_a_colour_it_is_unnamed_and_a_bare_number_is_its_endpoints),
        TEST(two_messages_in_a_tick_are_both_kept),
        TEST(arrivals_in_one_millisecond_move_on),
        TEST(all_numbers_of_an_arrival_have_one_time),
        TEST(a_time_given_twice_is_a_conflict_and_the_first_stands),
        TEST(members_that_become_one_metric_conflict),
        TEST(times_far_ahead_or_old_are_refused_by_cause),
        TEST(silence_is_one_stale_mark_a_series_and_it_comes_back_in_its_slots),
        TEST(a_sample_with_the_time_of_the_tick_that_marked_its_series_is_kept),
        TEST(nobody_is_silent_while_the_agent_does_not_listen),
        TEST(the_first_sample_of_an_application_is_urgent),
        TEST(an_application_that_floods_loses_its_own),
        TEST(who_sends_little_finds_room_whatever_others_send),
        TEST(applications_beyond_the_limit_are_refused_and_an_old_one_makes_room),
        TEST(an_application_has_66_series_at_most),
        TEST(applications_leave_the_table_room_for_the_host),
        TEST(a_total_is_a_counter),
    };

    log_init("test_app_series", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("app_series", tests, NULL, NULL);
}

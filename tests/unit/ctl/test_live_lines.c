// test_live_lines - tables and rows of a collector as lines of text.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/live_lines.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"
#include "shared/wire/live.h"

#define HOST UINT64_C(0x1122334455667788)
#define T    INT64_C(1767323045678) // 2026-01-02T03:04:05.678Z

static live_lines_t *lines;
static matchers_t *matchers;
static struct buf out, body;
static uint64_t host;

static void
follow(const char *selector)
{
    char error[MATCHERS_ERROR_SIZE];

    if (selector != NULL)
        assert_int_equal(matchers_parse(&matchers, selector, error), 0);
    lines = live_lines_new(matchers);
}

static int
teardown(void **state)
{
    (void) state;
    live_lines_destroy(&lines);
    matchers_destroy(&matchers);
    buf_release(&out);
    buf_release(&body);
    return 0;
}

static struct live_header
header(uint8_t type, uint64_t epoch, uint32_t generation, int64_t time_ms)
{
    return (struct live_header){ .type = type,
                                 .collector = 1,
                                 .epoch = epoch,
                                 .pubseq = 1,
                                 .time_ms = time_ms,
                                 .generation = generation };
}

static int
take_of(char kind, unsigned most)
{
    char topic[LIVE_TOPIC_SIZE];

    live_topic(topic, kind, HOST);
    return live_lines_take(lines, &out, most, &host, topic, strlen(topic), body.at, body.len);
}

static int
take(unsigned most)
{
    return take_of(LIVE_HOST_ROWS, most);
}

// The table: node_load1 has id 7, up id 3; `first` moves both.
static void
table_body(uint64_t epoch, uint32_t generation, uint32_t first)
{
    const struct live_header h = header(LIVE_TABLE, epoch, generation, T);
    const struct label load[] = { { LABEL_METRIC, "node_load1" }, { "instance", "x" } };
    const struct label up[] = { { LABEL_METRIC, "up" }, { "instance", "x" } };
    struct live_series series[2] = { { .id = first + 3, .kind = METRIC_GAUGE },
                                     { .id = first + 7, .kind = METRIC_GAUGE } };

    assert_int_equal(label_set_init(&series[1].labels, load, 2), 0);
    assert_int_equal(label_set_init(&series[0].labels, up, 2), 0);
    buf_clear(&body);
    live_put_table(&body, &h, series, 2);
    label_set_release(&series[0].labels);
    label_set_release(&series[1].labels);
}

static int
table(uint64_t epoch, uint32_t generation, uint32_t first)
{
    table_body(epoch, generation, first);
    return take(UINT_MAX);
}

static int
row(uint64_t epoch, uint32_t generation, int64_t time_ms, double three, double seven, unsigned most)
{
    const struct live_header h = header(LIVE_ROW, epoch, generation, time_ms);
    const uint32_t ids[] = { 2, 3, 5, 7, 9 };
    const double values[] = { 2, three, 5, seven, 9 };

    buf_clear(&body);
    live_put_row(&body, &h, ids, values, 5);
    return take(most);
}

static void
a_sample_is_a_line_with_time_labels_and_value(void **state)
{
    (void) state;
    follow(NULL);
    assert_int_equal(table(1, 1, 0), 0);
    assert_int_equal(row(1, 1, T, 1, 0.42, UINT_MAX), 2);
    assert_string_equal(buf_cstr(&out),
                        "2026-01-02T03:04:05.678Z up{instance=\"x\"} 1\n"
                        "2026-01-02T03:04:05.678Z node_load1{instance=\"x\"} 0.42\n");
}

static void
only_what_the_selector_means_is_told(void **state)
{
    (void) state;
    follow("node_load1");
    table(1, 1, 0);
    assert_int_equal(row(1, 1, T, 1, 0.42, UINT_MAX), 1);
    assert_string_equal(buf_cstr(&out),
                        "2026-01-02T03:04:05.678Z node_load1{instance=\"x\"} 0.42\n");
}

static void
the_end_of_a_series_is_told_as_such(void **state)
{
    (void) state;
    follow("node_load1");
    table(1, 1, 0);
    row(1, 1, T, 1, sample_from_bits(SAMPLE_STALE_BITS), UINT_MAX);
    assert_non_null(strstr(buf_cstr(&out), "} stale\n"));
    row(1, 1, T, 1, (double) NAN, UINT_MAX);
    assert_non_null(strstr(buf_cstr(&out), "} NaN\n"));
}

static void
a_limit_of_lines_holds_within_a_row(void **state)
{
    (void) state;
    follow(NULL);
    table(1, 1, 0);
    assert_int_equal(row(1, 1, T, 1, 2, 1), 1);
    assert_null(strstr(buf_cstr(&out), "node_load1"));
}

static void
a_row_without_its_table_asks_for_it_once_a_second(void **state)
{
    (void) state;
    follow(NULL);
    assert_int_equal(row(1, 1, T, 1, 2, UINT_MAX), ERR_NEED_KEY);
    assert_true(host == HOST);
    assert_int_equal(row(1, 1, T + 999, 1, 2, UINT_MAX), 0);
    assert_int_equal(row(1, 1, T + 1000, 1, 2, UINT_MAX), ERR_NEED_KEY);
    assert_int_equal(row(1, 1, T - 5, 1, 2, UINT_MAX), ERR_NEED_KEY); // the clock was set back
    assert_int_equal(out.len, 0);
}

static void
another_generation_or_another_start_of_the_collector_is_not_mixed_up(void **state)
{
    (void) state;
    follow(NULL);
    table(1, 1, 0);
    assert_int_equal(row(1, 2, T, 1, 2, UINT_MAX), ERR_NEED_KEY);
    assert_int_equal(row(2, 1, T + 5000, 1, 2, UINT_MAX), ERR_NEED_KEY);
    assert_int_equal(table(2, 1, 2), 0); // up is 5, node_load1 is 9 now
    assert_int_equal(row(2, 1, T, 1, 2, UINT_MAX), 2);
    assert_string_equal(buf_cstr(&out), "2026-01-02T03:04:05.678Z up{instance=\"x\"} 5\n"
                                        "2026-01-02T03:04:05.678Z node_load1{instance=\"x\"} 9\n");
}

static void
strange_times_are_survived(void **state)
{
    static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };

    (void) state;
    follow(NULL);
    table(1, 1, 0);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(row(1, 1, times[i], 1, 2, UINT_MAX), 2);
    assert_int_equal(row(1, 9, INT64_MIN, 1, 2, UINT_MAX), ERR_NEED_KEY);
    assert_int_equal(row(1, 9, INT64_MAX, 1, 2, UINT_MAX), ERR_NEED_KEY);
}

// The same ids and generations on both topics of a host, and other tables.
static void
a_hosts_applications_are_read_with_their_own_table(void **state)
{
    (void) state;
    follow(NULL);
    table(1, 1, 0);
    assert_int_equal(row(1, 1, T, 1, 2, UINT_MAX), 2);
    buf_clear(&out);
    assert_int_equal(take_of(LIVE_APP_ROWS, UINT_MAX), ERR_NEED_KEY); // the row once more
    table_body(1, 1, 2); // up is 5, node_load1 is 9 there
    assert_int_equal(take_of(LIVE_APP_ROWS, UINT_MAX), 0);
    assert_int_equal(row(1, 1, T, 1, 2, UINT_MAX), 2);
    assert_int_equal(take_of(LIVE_APP_ROWS, UINT_MAX), 2);
    assert_string_equal(buf_cstr(&out), "2026-01-02T03:04:05.678Z up{instance=\"x\"} 1\n"
                                        "2026-01-02T03:04:05.678Z node_load1{instance=\"x\"} 2\n"
                                        "2026-01-02T03:04:05.678Z up{instance=\"x\"} 5\n"
                                        "2026-01-02T03:04:05.678Z node_load1{instance=\"x\"} 9\n");
}

static void
every_cut_of_a_message_is_refused_and_survived(void **state)
{
    char topic[LIVE_TOPIC_SIZE];
    uint8_t *cut;

    (void) state;
    follow(NULL);
    live_topic(topic, 'm', HOST);
    table_body(1, 1, 0);
    for (size_t n = 0; n < body.len; n++) {
        cut = malloc(n + 1);
        memcpy(cut, body.at, n);
        assert_true(live_lines_take(lines, &out, 9, &host, topic, strlen(topic), cut, n) < 0);
        free(cut);
    }
    assert_true(live_lines_take(lines, &out, 9, &host, "x", 1, body.at, body.len) < 0);
    assert_true(live_lines_take(lines, &out, 9, &host, "", 0, "", 0) < 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_sample_is_a_line_with_time_labels_and_value, teardown),
        cmocka_unit_test_teardown(only_what_the_selector_means_is_told, teardown),
        cmocka_unit_test_teardown(the_end_of_a_series_is_told_as_such, teardown),
        cmocka_unit_test_teardown(a_limit_of_lines_holds_within_a_row, teardown),
        cmocka_unit_test_teardown(a_row_without_its_table_asks_for_it_once_a_second, teardown),
        cmocka_unit_test_teardown(
            another_generation_or_another_start_of_the_collector_is_not_mixed_up, teardown),
        cmocka_unit_test_teardown(strange_times_are_survived, teardown),
        cmocka_unit_test_teardown(a_hosts_applications_are_read_with_their_own_table, teardown),
        cmocka_unit_test_teardown(every_cut_of_a_message_is_refused_and_survived, teardown),
    };
    return cmocka_run_group_tests_name("live_lines", tests, NULL, NULL);
}

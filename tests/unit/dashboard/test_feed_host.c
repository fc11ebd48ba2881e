// feed_host - rows of one host as the events of /feed.

#include "dashboard/feed_host.h"

#include <stdio.h>

#include "shared/base/rbuf.h"
#include "shared/model/sample.h"
#include "tests/unit/dashboard/room.h"

#define EPOCH 77
#define HOST  UINT64_C(0xf3c2a1b4d5e6f7)
#define T0    INT64_C(1795678352123) // 2026-11-26T07:32:32.123Z
#define END   sample_from_bits(SAMPLE_STALE_BITS)

// The table of these series, ids from 1. The sets are released.
static void
table(struct feed_host *host, char kind, uint32_t generation, struct label_set *sets, uint32_t n)
{
    const struct live_header h = { .type = LIVE_TABLE, .epoch = EPOCH, .generation = generation };
    struct live_series series[16] = { 0 };
    struct live_header taken;
    struct buf out = { 0 };
    struct rbuf r;

    assert_true(n <= N_OF(series));
    for (uint32_t i = 0; i < n; i++)
        series[i] = (struct live_series){ .id = i + 1, .labels = sets[i] };
    live_put_table(&out, &h, series, n);
    assert_int_equal(live_take(&taken, &r, out.at, out.len), 0);
    feed_host_table(host, kind, &taken, &r, 1000);
    buf_release(&out);
    for (uint32_t i = 0; i < n; i++)
        label_set_release(&sets[i]);
}

// Cells from id 1 on; what came of them in *out.
static bool
row(struct feed_host *host, char kind, uint32_t generation, int64_t time_ms, const double *values,
    uint32_t n, struct buf *out)
{
    const struct live_header h = {
        .type = LIVE_ROW, .epoch = EPOCH, .generation = generation, .time_ms = time_ms
    };
    uint32_t ids[16];
    double copy[16];
    const struct live_row cells = { .n = n, .ids = ids, .values = copy };

    for (uint32_t i = 0; i < n; i++) {
        ids[i] = i + 1;
        copy[i] = values[i];
    }
    buf_clear(out);
    return feed_host_row(host, kind, &h, &cells, out);
}

static void
an_application_is_one_event_with_the_four_members(void **state)
{
    static const double values[] = { 0.123, 21.5 * 1048576 };
    struct feed_host *host = feed_host_new(HOST);
    struct label_set sets[] = { room_app("app_cpu_ratio", "red", "red"),
                                room_app("app_resident_memory_bytes", "red", "red") };
    struct buf out = { 0 };

    (void) state;
    table(host, LIVE_APP_ROWS, 1, sets, 2);
    assert_true(row(host, LIVE_APP_ROWS, 1, T0, values, 2, &out));
    assert_string_equal(
        buf_cstr(&out),
        "data: {\"color\":\"red\",\"timestamp\":\"2026-11-26T07:32:32.123000+00:00\","
        "\"cpu\":12.3,\"mem\":21.5}\n\n");
    buf_release(&out);
    feed_host_destroy(&host);
}

static void
percent_comes_back_as_it_was_sent(void **state)
{
    static const struct {
        double ratio;
        const char *cpu;
    } cases[] = {
        { 0, "\"cpu\":0," },          { 0.07, "\"cpu\":7," },
        { 0.29, "\"cpu\":29," },      { 1.001, "\"cpu\":100.1," },
        { 0.1 + 0.2, "\"cpu\":30," }, { 12.3456789012345 / 100, "\"cpu\":12.3456789012," },
        { 4.0, "\"cpu\":400," },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct feed_host *host = feed_host_new(HOST);
        struct label_set sets[] = { room_app("app_cpu_ratio", "red", "red") };
        struct buf out = { 0 };

        table(host, LIVE_APP_ROWS, 1, sets, 1);
        row(host, LIVE_APP_ROWS, 1, T0, &cases[i].ratio, 1, &out);
        if (strstr(buf_cstr(&out), cases[i].cpu) == NULL)
            fail_msg("%s, not %s", buf_cstr(&out), cases[i].cpu);
        buf_release(&out);
        feed_host_destroy(&host);
    }
}

static void
what_an_application_does_not_say_is_null(void **state)
{
    static const double values[] = { 0.5, 9, 1048576 };
    struct feed_host *host = feed_host_new(HOST);
    struct label_set sets[] = { room_app("app_cpu_ratio", "unnamed", NULL),
                                room_app("app_queue", "blue", "blue"),
                                room_app("app_resident_memory_bytes", "green", "green") };
    struct buf out = { 0 };
    const char *text;

    (void) state;
    table(host, LIVE_APP_ROWS, 1, sets, 3);
    assert_true(row(host, LIVE_APP_ROWS, 1, 1700000000000, values, 3, &out));
    text = buf_cstr(&out);
    assert_string_equal(
        text, "data: {\"color\":null,\"timestamp\":\"2023-11-14T22:13:20.000000+00:00\","
              "\"cpu\":50,\"mem\":null}\n\n"
              "data: {\"color\":\"blue\",\"timestamp\":\"2023-11-14T22:13:20.000000+00:00\","
              "\"cpu\":null,\"mem\":null}\n\n"
              "data: {\"color\":\"green\",\"timestamp\":\"2023-11-14T22:13:20.000000+00:00\","
              "\"cpu\":null,\"mem\":1}\n\n");
    buf_release(&out);
    feed_host_destroy(&host);
}

static void
the_end_of_a_series_is_no_event(void **state)
{
    const double values[] = { END, END };
    struct feed_host *host = feed_host_new(HOST);
    struct label_set sets[] = { room_app("app_cpu_ratio", "red", "red"),
                                room_app("app_resident_memory_bytes", "red", "red") };
    struct buf out = { 0 };

    (void) state;
    table(host, LIVE_APP_ROWS, 1, sets, 2);
    assert_true(row(host, LIVE_APP_ROWS, 1, T0, values, 2, &out));
    assert_int_equal(out.len, 0);
    buf_release(&out);
    feed_host_destroy(&host);
}

static void
a_row_of_a_table_that_is_not_known_is_told_so(void **state)
{
    static const double value = 1;
    struct feed_host *host = feed_host_new(HOST);
    struct label_set one[] = { room_app("app_cpu_ratio", "red", "red") };
    struct label_set two[] = { room_app("app_cpu_ratio", "blue", "blue") };
    struct buf out = { 0 };

    (void) state;
    assert_false(row(host, LIVE_APP_ROWS, 1, T0, &value, 1, &out));
    assert_true(feed_host_may_ask(host, 5000));
    assert_false(feed_host_may_ask(host, 5999));
    assert_true(feed_host_may_ask(host, 6000));
    table(host, LIVE_APP_ROWS, 1, one, 1);
    assert_false(row(host, LIVE_APP_ROWS, 2, T0, &value, 1, &out));
    assert_int_equal(out.len, 0);
    table(host, LIVE_APP_ROWS, 2, two, 1);
    assert_true(row(host, LIVE_APP_ROWS, 2, T0, &value, 1, &out));
    assert_non_null(strstr(buf_cstr(&out), "\"blue\""));
    buf_release(&out);
    feed_host_destroy(&host);
}

static void
a_host_is_the_mean_of_its_cores_and_used_memory_in_a_colour_of_its_own(void **state)
{
    double values[] = { 0, 0, 100, 40e6, 10e6, 5e6, 5e6 };
    struct feed_host *host = feed_host_new(HOST), *other = feed_host_new(HOST + 1);
    struct buf out = { 0 }, second = { 0 };
    char color[16] = "", another[16] = "";

    (void) state;
    for (int i = 0; i < 2; i++) {
        struct label_set sets[] = {
            room_cpu("0", "user"),
            room_cpu("0", "system"),
            room_cpu("0", "idle"),
            room_labels("node_memory_MemTotal_bytes", NULL, NULL, NULL, NULL),
            room_labels("node_memory_MemFree_bytes", NULL, NULL, NULL, NULL),
            room_labels("node_memory_Buffers_bytes", NULL, NULL, NULL, NULL),
            room_labels("node_memory_Cached_bytes", NULL, NULL, NULL, NULL),
        };

        table(i == 0 ? host : other, LIVE_HOST_ROWS, 1, sets, N_OF(sets));
    }
    // The first row has no rate yet, but memory.
    assert_true(row(host, LIVE_HOST_ROWS, 1, T0, values, N_OF(values), &out));
    assert_non_null(strstr(buf_cstr(&out), "\"cpu\":null,\"mem\":19.073486328125}"));
    values[0] += 0.25;
    values[1] += 0.125;
    values[2] += 0.625;
    assert_true(row(host, LIVE_HOST_ROWS, 1, T0 + 1000, values, N_OF(values), &out));
    assert_non_null(strstr(buf_cstr(&out), "\"cpu\":37.5,\"mem\":19.073486328125}"));
    assert_int_equal(sscanf(buf_cstr(&out), "data: {\"color\":\"%7[#0-9a-f]\"", color), 1);
    assert_int_equal(strlen(color), 7);
    row(other, LIVE_HOST_ROWS, 1, T0, values, N_OF(values), &second);
    assert_int_equal(sscanf(buf_cstr(&second), "data: {\"color\":\"%7[#0-9a-f]\"", another), 1);
    assert_string_not_equal(color, another);
    // What comes late is no event: lines go forward.
    assert_true(row(host, LIVE_HOST_ROWS, 1, T0 + 500, values, N_OF(values), &out));
    assert_int_equal(out.len, 0);
    buf_release(&out);
    buf_release(&second);
    feed_host_destroy(&host);
    feed_host_destroy(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_application_is_one_event_with_the_four_members),
        cmocka_unit_test(percent_comes_back_as_it_was_sent),
        cmocka_unit_test(what_an_application_does_not_say_is_null),
        cmocka_unit_test(the_end_of_a_series_is_no_event),
        cmocka_unit_test(a_row_of_a_table_that_is_not_known_is_told_so),
        cmocka_unit_test(a_host_is_the_mean_of_its_cores_and_used_memory_in_a_colour_of_its_own),
    };

    return cmocka_run_group_tests_name("feed_host", tests, NULL, NULL);
}

// event_encode - the events of a stream, byte for byte.

#include "dashboard/event_encode.h"

#include "tests/unit/dashboard/room.h"

static const struct view_column columns[] = {
    { .id = "cpu.user", .unit = VIEW_PERCENT },     { .id = "mem.total", .unit = VIEW_BYTES },
    { .id = "load.1", .unit = VIEW_LOAD },          { .id = "procs.running", .unit = VIEW_COUNT },
    { .id = "sys.forks", .unit = VIEW_PER_SECOND },
};

static struct host_info
host_of(const char *name)
{
    struct host_info h = { .host = 0xf3c2a1b4d5e6f7, .state = HOST_UP };

    h.name = strdup(name);
    assert_non_null(h.name);
    return h;
}

static void
expect(struct event *e, uint64_t seq, const char *text)
{
    assert_int_equal(e->seq, seq);
    assert_int_equal(e->len, strlen(text));
    assert_memory_equal(e->at, text, e->len);
    event_unref(&e);
}

static void
numbers_have_the_digits_that_their_unit_means(void **state)
{
    static const double row[] = { 12.3456, 25276510208, 0.12999, 3, 1776.84 };
    struct host_info host = host_of("web-1");
    const struct event_view v = {
        .boot = "k3f9", .host = &host, .columns = columns, .n_columns = N_OF(columns)
    };

    (void) state;
    expect(event_encode_tick(&v, 7, 1700000000123, row), 7,
           "id: k3f9-7\nevent: tick\ndata: {\"s\":7,\"t\":1700000000123,"
           "\"d\":[[12.3],[25276510208],[0.13],[3],[1776.8]]}\n\n");
    host_info_release(&host);
}

static void
what_is_no_number_is_null(void **state)
{
    static const double row[] = { NAN, INFINITY, -INFINITY, 0.0, -0.01 };
    struct host_info host = host_of("web-1");
    const struct event_view v = {
        .boot = "k3f9", .host = &host, .columns = columns, .n_columns = N_OF(columns)
    };

    (void) state;
    expect(event_encode_tick(&v, 1, 5, row), 1,
           "id: k3f9-1\nevent: tick\ndata: {\"s\":1,\"t\":5,\"d\":[[null],[null],[null],[0],[0]]}"
           "\n\n");
    host_info_release(&host);
}

static void
a_snapshot_holds_columns_host_row_and_history(void **state)
{
    struct host_info host = host_of("web \"1\"\n");
    const struct event_view v = {
        .boot = "k3f9", .host = &host, .columns = columns, .n_columns = 2, .interval_ms = 1000
    };
    struct view_window w;
    double *row;

    (void) state;
    view_window_init(&w, 2);
    row = view_window_append(&w, 1000);
    row[0] = 1.26;
    row[1] = NAN;
    row = view_window_append(&w, 2001);
    row[0] = NAN;
    row[1] = 7;
    expect(event_encode_snap(&v, 3, &w), 3,
           "id: k3f9-3\nevent: snap\ndata: {\"s\":3,\"t\":2001,\"cols\":["
           "{\"id\":\"cpu.user\",\"unit\":\"percent\"},{\"id\":\"mem.total\",\"unit\":\"bytes\"}],"
           "\"hosts\":[[0,\"00f3c2a1b4d5e6f7\",\"web \\\"1\\\"\\n\",\"up\",{}]],"
           "\"d\":[[null],[7]],\"hist\":{\"t0\":1000,\"step\":1000,\"n\":2,\"t\":[0,1001],"
           "\"d\":[[1.3,null],[null,7]]}}\n\n");
    view_window_release(&w);
    host_info_release(&host);
}

static void
a_column_tells_its_thing_its_metric_and_its_colour(void **state)
{
    static const struct view_column all[] = {
        { .id = "disk.read.sda", .unit = VIEW_BYTES_PER_SECOND, .name = "sda" },
        { .id = "app.other.app_m.r\303\251d",
          .unit = VIEW_COUNT,
          .name = "r\303\251d",
          .metric = "app_m",
          .color = "#f00" },
        { .id = "disk.read_wait.sda", .unit = VIEW_SECONDS, .name = "s\"da" },
    };
    struct buf out = { 0 };
    struct json j;

    (void) state;
    json_init(&j, &out);
    event_encode_columns(&j, all, N_OF(all));
    assert_string_equal(
        buf_cstr(&out),
        "[{\"id\":\"disk.read.sda\",\"unit\":\"bytes_per_second\",\"name\":\"sda\"},"
        "{\"id\":\"app.other.app_m.r\303\251d\",\"unit\":\"count\",\"name\":\"r\303\251d\","
        "\"metric\":\"app_m\",\"color\":\"#f00\"},"
        "{\"id\":\"disk.read_wait.sda\",\"unit\":\"seconds\",\"name\":\"s\\\"da\"}]");
    buf_release(&out);
}

static void
small_counts_and_short_waits_keep_their_digits(void **state)
{
    static const struct {
        double value;
        enum view_unit unit;
        const char *text;
    } cases[] = {
        { 0.000421, VIEW_SECONDS, "0.000421" }, { 0.0123456, VIEW_COUNT, "0.012346" },
        { 12.34567, VIEW_COUNT, "12.346" },     { 41.56, VIEW_CELSIUS, "41.6" },
        { 1200.4, VIEW_RPM, "1200" },           { 8000.5, VIEW_BITS_PER_SECOND, "8000" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct buf out = { 0 };
        struct json j;

        json_init(&j, &out);
        event_encode_number(&j, cases[i].value, cases[i].unit);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        buf_release(&out);
    }
}

static void
a_snapshot_of_a_silent_host_is_empty_and_well_formed(void **state)
{
    struct host_info host = host_of("web-1");
    const struct event_view v = { .boot = "k3f9", .host = &host, .interval_ms = 1000 };
    struct view_window w;

    (void) state;
    view_window_init(&w, 0);
    expect(event_encode_snap(&v, 1, &w), 1,
           "id: k3f9-1\nevent: snap\ndata: {\"s\":1,\"t\":0,\"cols\":[],"
           "\"hosts\":[[0,\"00f3c2a1b4d5e6f7\",\"web-1\",\"up\",{}]],\"d\":[],"
           "\"hist\":{\"t0\":0,\"step\":1000,\"n\":0,\"t\":[],\"d\":[]}}\n\n");
    view_window_release(&w);
    host_info_release(&host);
}

static void
the_small_events_are_as_the_contract_says(void **state)
{
    struct host_info host = host_of("web-1");
    const struct event_view v = { .boot = "k3f9", .host = &host };

    (void) state;
    host.state = HOST_SILENT;
    expect(event_encode_host(&v, 9, 42), 9,
           "id: k3f9-9\nevent: host\ndata: {\"s\":9,\"op\":\"silent\",\"ix\":0,"
           "\"id\":\"00f3c2a1b4d5e6f7\",\"name\":\"web-1\",\"t\":42}\n\n");
    expect(event_encode_skip(12), 0, "event: skip\ndata: {\"n\":12}\n\n");
    expect(event_encode_bye("shutdown", 1500), 0,
           "event: bye\ndata: {\"why\":\"shutdown\",\"retry\":1500}\n\n");
    expect(event_encode_hello("k3f9", 17, 1000, 4096), 0,
           "event: hello\ndata: {\"v\":1,\"srv\":\"zpulse-dashboard\",\"build\":\"0.1.0\","
           "\"boot\":\"k3f9\",\"now\":17,\"tick\":1000,\"stale\":5000,\"ring\":120,"
           "\"lim\":{\"sse\":4096},\"user\":null,\"ro\":true}\n\n");
    host_info_release(&host);
}

static void
what_was_missed_is_one_event_with_the_last_ticks_id(void **state)
{
    static const double row[] = { 1, 2 };
    struct host_info host = host_of("web-1");
    const struct event_view v = {
        .boot = "k3f9", .host = &host, .columns = columns, .n_columns = 2
    };
    struct event *missed[] = { event_encode_host(&v, 3, 42), event_encode_tick(&v, 4, 1000, row),
                               event_encode_tick(&v, 5, 2000, row) };
    size_t len;

    (void) state;
    assert_int_equal(missed[0]->kind, EVENT_HOST);
    assert_int_equal(missed[2]->kind, EVENT_TICK);
    assert_memory_equal(event_name(missed[1], &len), "tick\n", 5);
    assert_int_equal(len, 4);
    expect(event_encode_fill(missed, 3), 0,
           "id: k3f9-5\nevent: fill\ndata: {\"s\":5,\"from\":1000,\"to\":2000,\"ticks\":["
           "{\"s\":4,\"t\":1000,\"d\":[[1],[2]]},{\"s\":5,\"t\":2000,\"d\":[[1],[2]]}]}\n\n"
           "event: host\ndata: {\"s\":3,\"op\":\"up\",\"ix\":0,\"id\":\"00f3c2a1b4d5e6f7\","
           "\"name\":\"web-1\",\"t\":42}\n\n");
    for (size_t i = 0; i < N_OF(missed); i++)
        event_unref(&missed[i]);
    host_info_release(&host);
}

static void
a_host_with_long_ticks_is_stale_later(void **state)
{
    struct event *hello = event_encode_hello("k3f9", 17, 10000, 1);

    (void) state;
    assert_non_null(memmem(hello->at, hello->len, "\"stale\":30000", 13));
    event_unref(&hello);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_digits_that_their_unit_means),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(a_snapshot_holds_columns_host_row_and_history),
        cmocka_unit_test(a_column_tells_its_thing_its_metric_and_its_colour),
        cmocka_unit_test(small_counts_and_short_waits_keep_their_digits),
        cmocka_unit_test(a_snapshot_of_a_silent_host_is_empty_and_well_formed),
        cmocka_unit_test(the_small_events_are_as_the_contract_says),
        cmocka_unit_test(what_was_missed_is_one_event_with_the_last_ticks_id),
        cmocka_unit_test(a_host_with_long_ticks_is_stale_later),
    };

    return cmocka_run_group_tests_name("event_encode", tests, NULL, NULL);
}

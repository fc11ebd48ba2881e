// test_live - the live stream: tables, rows and hosts come through, cuts and lies do not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/live.h"

static const struct live_header header = {
    .collector = 1, .epoch = 2, .pubseq = 3, .number = 7, .time_ms = -4, .generation = 5
};
static struct buf out;
static struct rbuf r;
static struct live_header h;

static int
teardown(void **state)
{
    (void) state;
    buf_release(&out);
    return 0;
}

// The first `n` bytes of what was put, from a place of the exact size.
static int
take(size_t n)
{
    static void *copy;

    free(copy);
    copy = n > 0 ? xmemdup(out.at, n) : NULL;
    return live_take(&h, &r, n > 0 ? copy : out.at, n);
}

static void
topics_name_a_kind_and_a_host(void **state)
{
    static const char *const bad[] = {
        "",
        "e/",
        "m/00000000000000a",
        "m/00000000000000abc",
        "x/00000000000000ab",
        "m-00000000000000ab",
        "m/00000000000000AB",
    };
    char topic[LIVE_TOPIC_SIZE];
    uint64_t host;
    char kind;

    (void) state;
    live_topic(topic, 'a', 0xab);
    assert_string_equal(topic, "a/00000000000000ab");
    assert_int_equal(live_topic_take(&host, &kind, topic, strlen(topic)), 0);
    assert_int_equal(host, 0xab);
    assert_int_equal(kind, 'a');
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(live_topic_take(&host, &kind, bad[i], strlen(bad[i])), ERR_FORMAT);
}

static void
a_row_comes_through(void **state)
{
    const uint32_t ids[] = { 0, 1, 300, UINT32_MAX };
    const double values[] = { 1.5, -0.0, HUGE_VAL, sample_from_bits(SAMPLE_STALE_BITS) };
    struct live_row row = { 0 };

    (void) state;
    live_put_row(&out, &header, ids, values, 4);
    assert_int_equal(take(out.len), 0);
    assert_int_equal(h.type, LIVE_ROW);
    assert_int_equal(h.collector, 1);
    assert_int_equal(h.epoch, 2);
    assert_int_equal(h.pubseq, 3);
    assert_int_equal(h.number, 7);
    assert_int_equal(h.time_ms, -4);
    assert_int_equal(h.generation, 5);
    assert_int_equal(live_take_row(&r, &row), 0);
    assert_int_equal(row.n, 4);
    assert_memory_equal(row.ids, ids, sizeof ids);
    assert_memory_equal(row.values, values, sizeof values);
    for (size_t n = 0; n < out.len; n++)
        assert_true(take(n) < 0 || live_take_row(&r, &row) < 0);
    assert_int_equal(row.n, 0);

    buf_clear(&out);
    live_put_row(&out, &header, ids, values, 0);
    assert_int_equal(take(out.len), 0);
    assert_int_equal(live_take_row(&r, &row), 0);
    assert_int_equal(row.n, 0);
    live_row_release(&row);
}

static void
ids_that_do_not_rise_within_32_bits_are_refused(void **state)
{
    struct live_row row = { 0 };
    uint8_t body[64] = { 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0 };

    (void) state;
    rbuf_init(&r, body, sizeof body);
    assert_int_equal(live_take_row(&r, &row), ERR_FORMAT);
    // A count that no bytes stand behind makes nobody allocate.
    rbuf_init(&r, "\xff\xff\xff\x7f", 4);
    assert_int_equal(live_take_row(&r, &row), ERR_FORMAT);
    assert_int_equal(row.size, 2);
    live_row_release(&row);
}

static void
a_table_comes_through(void **state)
{
    const struct label one[] = { { "__name__", "up" }, { "instance", "a" } };
    const struct label two[] = { { "__name__", "node_load1" }, { "instance", "b" } };
    struct live_series series[2] = { { .id = 4, .kind = METRIC_GAUGE },
                                     { .id = 70000, .kind = METRIC_COUNTER } };
    struct live_series *back;
    uint32_t n;

    (void) state;
    label_set_init(&series[0].labels, one, 2);
    label_set_init(&series[1].labels, two, 2);
    live_put_table(&out, &header, series, 2);
    assert_int_equal(take(out.len), 0);
    assert_int_equal(h.type, LIVE_TABLE);
    assert_int_equal(live_take_table(&r, &back, &n), 0);
    assert_int_equal(n, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(back[i].id, series[i].id);
        assert_int_equal(back[i].kind, series[i].kind);
        assert_true(label_set_equal(&back[i].labels, &series[i].labels));
    }
    live_series_free(back, n);
    for (size_t cut = 0; cut < out.len; cut++)
        assert_true(take(cut) < 0 || live_take_table(&r, &back, &n) < 0);

    buf_clear(&out);
    live_put_table(&out, &header, NULL, 0);
    assert_int_equal(take(out.len), 0);
    assert_int_equal(live_take_table(&r, &back, &n), 0);
    assert_int_equal(n, 0);
    live_series_free(back, n);
    label_set_release(&series[0].labels);
    label_set_release(&series[1].labels);
}

static void
tables_that_lie_are_refused(void **state)
{
    static const struct {
        const char *why;
        const char *at;
        size_t len;
    } bad[] = {
        { "an id twice", "\2\4\1\1\10__name__\1x\4\1\1\10__name__\1y", 29 },
        { "a kind that is none", "\1\4\11\1\10__name__\1x", 15 },
        { "a series without a name", "\1\4\1\1\7somenam\4xxxx", 17 },
        { "more series than bytes", "\xff\xff\x7f", 3 },
    };
    struct live_series *series;
    uint32_t n;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rbuf_init(&r, bad[i].at, bad[i].len);
        if (live_take_table(&r, &series, &n) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i].why);
    }
}

static struct host_info
someone(void)
{
    static char name[] = "web-01", version[] = "1.0.0";

    return (struct host_info){
        .host = 9,
        .name = name,
        .version = version,
        .state = HOST_SILENT,
        .interval_ms = 1000,
        .since_ms = 10,
        .first_ms = 11,
        .last_ms = 12,
        .offset_ms = -13,
        .rtt_us = -1,
        .dropped = 14,
        .missed = 15,
        .boot_id = { 16, 17 },
    };
}

static void
a_host_comes_through(void **state)
{
    struct host_info host = someone(), back, copy;

    (void) state;
    live_put_host(&out, &header, &host);
    assert_int_equal(take(out.len), 0);
    assert_int_equal(h.type, LIVE_HOST);
    assert_int_equal(live_take_host(&r, &back), 0);
    host_info_copy(&copy, &back);
    host_info_release(&back);
    assert_null(back.name);
    assert_string_equal(copy.name, host.name);
    assert_string_equal(copy.version, host.version);
    assert_int_equal(copy.host, 9);
    assert_int_equal(copy.state, HOST_SILENT);
    assert_int_equal(copy.interval_ms, 1000);
    assert_int_equal(copy.since_ms, 10);
    assert_int_equal(copy.first_ms, 11);
    assert_int_equal(copy.last_ms, 12);
    assert_int_equal(copy.offset_ms, -13);
    assert_int_equal(copy.rtt_us, -1);
    assert_int_equal(copy.dropped, 14);
    assert_int_equal(copy.missed, 15);
    assert_memory_equal(copy.boot_id, host.boot_id, 16);
    host_info_release(&copy);
    for (size_t n = 0; n < out.len; n++)
        assert_true(take(n) < 0 || live_take_host(&r, &back) < 0);
}

static void
what_a_later_version_says_of_a_host_is_skipped(void **state)
{
    struct host_info host = someone(), back;
    uint8_t body[256];
    size_t n;

    (void) state;
    host_info_put(&out, &host);
    host_info_put(&out, &host);
    n = out.len / 2;
    // The first host's length says three bytes more, which follow it.
    memcpy(body, out.at, n);
    body[0] = (uint8_t) (body[0] + 3);
    memset(body + n, 0xff, 3);
    memcpy(body + n + 3, out.at + n, n);
    rbuf_init(&r, body, 2 * n + 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(host_info_take(&r, &back), 0);
        assert_string_equal(back.name, "web-01");
        host_info_release(&back);
    }
    assert_int_equal(rbuf_finish(&r), 0);
}

static void
hosts_without_id_name_or_state_are_refused(void **state)
{
    struct host_info bad[4], back;
    char empty[] = "";

    (void) state;
    for (int i = 0; i < 4; i++) {
        bad[i] = someone();
        bad[0].host = 0;
        bad[1].name = empty;
        bad[2].state = 0;
        bad[3].state = HOST_STATE_MAX + 1;
        buf_clear(&out);
        host_info_put(&out, &bad[i]);
        rbuf_init(&r, out.at, out.len);
        assert_int_equal(host_info_take(&r, &back), ERR_FORMAT);
        assert_null(back.name);
    }
    assert_string_equal(host_state_str(HOST_LATE), "late");
    assert_string_equal(host_state_str(0), "unknown");
    assert_string_equal(host_state_str(200), "unknown");
}

static void
another_version_is_told_apart(void **state)
{
    (void) state;
    live_put_row(&out, &header, NULL, NULL, 0);
    out.at[0] = 0x1f;
    assert_int_equal(take(out.len), 0);
    out.at[0] = 0x20;
    assert_int_equal(take(out.len), ERR_VERSION);
    out.at[0] = 0x00;
    assert_int_equal(take(out.len), ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(topics_name_a_kind_and_a_host, teardown),
        cmocka_unit_test_teardown(a_row_comes_through, teardown),
        cmocka_unit_test_teardown(ids_that_do_not_rise_within_32_bits_are_refused, teardown),
        cmocka_unit_test_teardown(a_table_comes_through, teardown),
        cmocka_unit_test_teardown(tables_that_lie_are_refused, teardown),
        cmocka_unit_test_teardown(a_host_comes_through, teardown),
        cmocka_unit_test_teardown(what_a_later_version_says_of_a_host_is_skipped, teardown),
        cmocka_unit_test_teardown(hosts_without_id_name_or_state_are_refused, teardown),
        cmocka_unit_test_teardown(another_version_is_told_apart, teardown),
    };

    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}

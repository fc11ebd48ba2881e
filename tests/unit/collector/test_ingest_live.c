// test_ingest_live - frames in, and what of them goes out to who watches.

#include "tests/unit/collector/room_stream.h"

#include "shared/base/rbuf.h"

// The next published message is a ROW of this topic, with one value.
static void
hear_row(char kind, uint64_t pubseq, uint64_t number, int64_t time_ms, double value)
{
    struct live_row row = { 0 };
    char topic[LIVE_TOPIC_SIZE];
    struct live_header h;
    struct rbuf r;

    live_topic(topic, kind, HOST);
    do
        assert_int_equal(room_hear(&h, &r), 1);
    while (h.type == LIVE_TABLE);
    assert_memory_equal(zmq_msg_data(&room.topic), topic, strlen(topic));
    assert_int_equal(h.type, LIVE_ROW);
    assert_int_equal(h.pubseq, pubseq);
    assert_int_equal(h.number, number);
    assert_int_equal(h.time_ms, time_ms);
    assert_int_equal(live_take_row(&r, &row), 0);
    assert_int_equal(row.n, 1);
    assert_true(row.values[0] == value);
    live_row_release(&row);
}

static void
applications_go_out_on_a_topic_of_their_own(void **state)
{
    uint32_t series;

    (void) state;
    s.apps = 1;
    room_subscribe("m/");
    room_subscribe("a/");
    begin(3);
    hear_row('m', 1, 1, T0, 100);
    fake_say(&s, -700, 1, 7);
    fake_say(&s, -10, 1, 8);
    fake_say(&s, -10, 2, 9); // another application, in the same millisecond
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101);
    room_give(&s);
    hear_row('a', 1, 2, T0 + 300, 7);
    hear_row('a', 2, 3, T0 + 990, 8);
    hear_row('a', 3, 4, T0 + 990, 9);
    hear_row('m', 2, 5, T0 + 1000, 101);
    assert_int_equal(room_samples("{job=\"app\",instance=\"web\"}", &series), 3);
    assert_int_equal(series, 2);
    assert_int_equal(host_table_find(room.hosts, HOST)->info.last_ms, T0 + 1000);
    assert_int_equal(selfstat_value(STAT_ROWS), 5);
    assert_int_equal(selfstat_value(STAT_SAMPLES), 5);
    assert_int_equal(selfstat_value(STAT_SAMPLES_APPS), 3);
}

static void
applications_that_begin_in_one_record_need_one_table(void **state)
{
    struct live_header h;
    unsigned tables = 0;
    struct rbuf r;

    (void) state;
    s.apps = 1;
    room_subscribe("a/");
    begin(1 + FAKE_SAID_MAX);
    for (uint32_t i = 0; i < FAKE_SAID_MAX; i++)
        fake_say(&s, (int64_t) i - 500, 1 + i, 5);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 1 + FAKE_SAID_MAX, 6);
    room_give(&s);
    while (room_hear(&h, &r) == 1)
        tables += h.type == LIVE_TABLE;
    assert_int_equal(tables, 1);
    assert_int_equal(h.pubseq, FAKE_SAID_MAX);
}

// A sender of another make: one row with series of both.
static void
a_row_of_both_is_split_applications_first(void **state)
{
    (void) state;
    s.apps = 1;
    room_subscribe("m/");
    room_subscribe("a/");
    begin(2);
    hear_row('m', 1, 1, T0, 100);
    s.apps = 0; // from here on all slots are in the row
    fake_row(&s, RECORD_DELTA, T0 + 1000, 2, 200);
    room_give(&s);
    hear_row('a', 1, 2, T0 + 1000, 201);
    hear_row('m', 2, 3, T0 + 1000, 200);
}

static void
backlog_is_stored_and_never_published(void **state)
{
    struct live_header header;
    struct rbuf r;
    uint32_t series;

    (void) state;
    room_subscribe("m/");
    s.flags = FRAME_BACKLOG;
    begin(1);
    assert_int_equal(room_samples("m_0", &series), 1);
    assert_int_equal(room_hear(&header, &r), 0);
}

// Rows that waited for the replay are read ahead of the HELLO that came before them.
static void
a_stream_that_goes_on_behind_a_hello_is_told_again_as_a_whole(void **state)
{
    struct live_series *series = NULL;
    struct live_header h;
    uint32_t n = 0;
    struct rbuf r;

    (void) state;
    room_subscribe("m/");
    begin(3);
    while (room_hear(&h, &r) == 1)
        ;
    room.now.mono_ms += HOST_SILENT_MS + 1;
    room_hello(HOST, 2, "web", STREAM);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101);
    room_give(&s);
    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_TABLE);
    assert_int_equal(live_take_table(&r, &series, &n), 0);
    assert_int_equal(n, 3);
    live_series_free(series, n);
    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_ROW);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(backlog_is_stored_and_never_published),
        TEST(applications_go_out_on_a_topic_of_their_own),
        TEST(applications_that_begin_in_one_record_need_one_table),
        TEST(a_row_of_both_is_split_applications_first),
        TEST(a_stream_that_goes_on_behind_a_hello_is_told_again_as_a_whole),
    };

    return cmocka_run_group_tests_name("ingest_live", tests, NULL, NULL);
}

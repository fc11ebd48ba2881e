// test_ingest - frames in, rows out; and what is refused, by whom it is counted.

#include "shared/base/err.h"
#include "tests/unit/collector/room_stream.h"

#include <stdlib.h>

#include "shared/base/rbuf.h"
#include "tests/support/seeded.h"

static void
a_row_is_stored_with_the_instance_of_its_host(void **state)
{
    uint32_t series;

    (void) state;
    begin(3);
    assert_int_equal(room_samples("{__name__=~\"m_.\",instance=\"web\",job=\"test\"}", &series), 3);
    assert_int_equal(series, 3);
    assert_int_equal(selfstat_value(STAT_FRAMES), 3);
    assert_int_equal(selfstat_value(STAT_SAMPLES), 3);
    assert_int_equal(selfstat_value(STAT_ROWS), 1);
    assert_int_equal(host_table_find(room.hosts, HOST)->info.last_ms, T0);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
}

static void
a_stream_that_no_hello_named_is_dropped(void **state)
{
    (void) state;
    fake_ident(&s, HOST, "web");
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_REFUSED_STREAM), 1);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 0);
}

static void
a_stream_that_names_another_host_is_refused_for_good(void **state)
{
    uint32_t series;

    (void) state;
    room_hello(HOST, 1, "web", STREAM);
    fake_ident(&s, HOST + 1, "web");
    room_give(&s);
    fake_table(&s, 1);
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0, 1, 0);
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_REFUSED_IDENTITY), 3);
    assert_int_equal(room_samples("m_0", &series), 0);
}

static void
a_stream_of_another_host_stays_that_ones(void **state)
{
    (void) state;
    begin(1);
    room_hello(HOST + 1, 1, "db", STREAM);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
    assert_int_equal(ingest_welcome(room.ingest, HOST + 1, STREAM).next, 0);
}

static void
bytes_that_are_no_frame_are_counted(void **state)
{
    (void) state;
    ingest_frame(room.ingest, "", 0, room.now);
    ingest_frame(room.ingest, "GET / HTTP/1.0\r\n\r\n", 18, room.now);
    assert_int_equal(selfstat_value(STAT_REFUSED_FORMAT), 2);
}

static void
what_can_not_be_read_is_asked_for_once_a_second(void **state)
{
    (void) state;
    begin(2);
    s.seq += 3; // another collector has them
    s.base = s.seq;
    for (int i = 0; i < 5; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * (i + 1), 2, 5);
        room_give(&s);
    }
    assert_int_equal(room.naks, 1);
    assert_int_equal(room.nak.reason, NAK_KEY);
    assert_int_equal(room.nak.stream, STREAM);
    assert_int_equal(room.nak.next, 7);
    room.now.mono_ms += INGEST_NAK_MS;
    fake_row(&s, RECORD_DELTA, T0 + 9000, 2, 5);
    room_give(&s);
    assert_int_equal(room.naks, 2);
    assert_int_equal(selfstat_value(STAT_LANE_UNREADABLE), 12);
    // They are acknowledged all the same, and told as refused.
    assert_int_equal(room.ack.next, 12);
    fake_row(&s, RECORD_KEY, T0 + 10000, 2, 5);
    room_give(&s);
    assert_int_equal(room.ack.refused, 12);
    assert_int_equal(room.ack.stored, 4);
}

static void
samples_far_ahead_of_our_clock_are_refused(void **state)
{
    uint32_t series;

    (void) state;
    begin(2);
    fake_row(&s, RECORD_DELTA, room.now.real_ms + APPLIER_FUTURE_MS, 2, 5);
    room_give(&s);
    fake_row(&s, RECORD_DELTA, room.now.real_ms + APPLIER_FUTURE_MS + 1, 2, 5);
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_SAMPLES_FUTURE), 2);
    assert_int_equal(room_samples("m_0", &series), 2);
}

static void
a_restarted_agent_begins_anew(void **state)
{
    (void) state;
    begin(2);
    room.now.mono_ms += HOST_SILENT_MS + 1;
    room_hello(HOST, 2, "web", STREAM + 1);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 2, 1);
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_REFUSED_STREAM), 1);
    assert_int_equal(selfstat_value(STAT_STREAMS), 1);
}

static void
the_same_agent_goes_on_where_it_was(void **state)
{
    uint32_t series;

    (void) state;
    begin(2);
    room_hello(HOST, 1, "web", STREAM); // its connection was cut
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 2, 1);
    room_give(&s);
    assert_int_equal(room_samples("m_1", &series), 2);
}

static void
an_ended_stream_is_remembered_by_its_next_alone(void **state)
{
    (void) state;
    begin(2);
    fake_record(&s, RECORD_END, 0, 0, NULL, 0);
    room_give(&s);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 4);
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_LANE_DUPLICATES), 1);
}

static void
series_beyond_the_limit_are_refused_the_others_go_on(void **state)
{
    uint32_t series;

    (void) state;
    room_teardown(NULL);
    room_setup_with(5);
    begin(8);
    room_samples("{__name__=~\"m_.\"}", &series);
    assert_int_equal(series, 5);
    assert_int_equal(selfstat_value(STAT_SAMPLES_SERIES), 3);
    fake_table(&s, 8); // said again, it counts no further
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0 + 1000, 8, 1);
    room_give(&s);
    assert_int_equal(room_samples("{__name__=~\"m_.\"}", &series), 10);
    assert_int_equal(series, 5);
}

// Until there is no room for another series.
static void
fill_store(void)
{
    struct label labels[] = { { LABEL_METRIC, "filler" }, { "n", NULL } };
    char n[16];
    unsigned i = 0;
    int rc;

    do {
        struct label_set set;
        series_id id;

        (void) snprintf(n, sizeof n, "%u", i++);
        labels[1].value = n;
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        rc = store_series(room.store, 99, &set, METRIC_GAUGE, &id);
        label_set_release(&set);
    } while (rc == 0);
    assert_int_equal(rc, ERR_LIMIT);
}

static void
a_full_store_refuses_new_series_and_keeps_those_it_has(void **state)
{
    uint32_t series;

    (void) state;
    begin(2);
    fill_store();
    fake_table(&s, 4);
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0 + 1000, 4, 1);
    room_give(&s);
    assert_int_equal(room_samples("{__name__=~\"m_.\"}", &series), 4);
    assert_int_equal(series, 2);
    assert_int_equal(selfstat_value(STAT_SAMPLES_SERIES), 2);
}

static void
a_full_store_is_not_tried_again_each_second(void **state)
{
    (void) state;
    fill_store();
    begin(2); // no room for either
    for (int i = 2; i < 60; i++) {
        room.now.mono_ms += 1000;
        fake_row(&s, RECORD_KEY, T0 + 1000 * i, 2, 1);
        room_give(&s);
    }
    assert_int_equal(room.naks, 0);
    for (int i = 60; i < 63; i++) {
        room.now.mono_ms += 1000;
        fake_row(&s, RECORD_KEY, T0 + 1000 * i, 2, 1);
        room_give(&s);
    }
    assert_int_equal(room.naks, 1);
}

static void
two_slots_of_the_same_labels_are_one_series(void **state)
{
    static uint8_t body[1024];
    struct label labels[] = { { LABEL_METRIC, "twin" } };
    struct slot_def def = { .kind = METRIC_GAUGE, .form = { .unit = 1 } };
    uint32_t series;
    struct wbuf w;

    (void) state;
    room_hello(HOST, 1, "web", STREAM);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, 3);
    wbuf_varint(&w, 3);
    assert_int_equal(label_set_init(&def.labels, labels, 1), 0);
    for (def.slot = 0; def.slot < 3; def.slot++)
        slot_def_put(&w, &def);
    label_set_release(&def.labels);
    fake_record(&s, RECORD_TABLE, 0, 0, body, w.len);
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0, 3, 7);
    room_give(&s);
    // Three were taken; of one series and time one stands.
    assert_int_equal(room_samples("twin", &series), 1);
    assert_int_equal(selfstat_value(STAT_SAMPLES), 3);
}

// Flips some bits of the frame; or of the body, and makes a frame of it whose checksums are right.
static void
damage(uint64_t *seed, uint8_t type, uint32_t count, int64_t t0_ms)
{
    const uint32_t head = FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER;
    bool body_only = seeded_below(seed, 2) == 0 && s.len > head;
    uint32_t from = body_only ? head : 0;

    for (uint32_t hits = 1 + seeded_below(seed, 4); hits > 0; hits--)
        s.frame[from + seeded_below(seed, (uint32_t) s.len - from)] ^=
            (uint8_t) (1u << seeded_below(seed, 8));
    if (body_only) {
        uint8_t *body = malloc(s.len);
        size_t len = s.len - head;

        assert_non_null(body);
        memcpy(body, s.frame + head, len);
        s.seq--;
        s.total -= count;
        fake_record(&s, type, count, t0_ms, body, seeded_below(seed, 4) == 0 ? len / 2 : len);
        free(body);
    }
}

// Whatever comes, nothing but counters moves, and what is good still goes through after it.
static void
damaged_frames_harm_nobody(void **state)
{
    uint64_t seed = 7;
    uint32_t series;

    (void) state;
    begin(20);
    for (int i = 0; i < 20000; i++) {
        uint8_t type = i % 16 == 0 ? RECORD_TABLE : i % 16 == 1 ? RECORD_KEY : RECORD_DELTA;

        if (type == RECORD_TABLE)
            fake_table(&s, 20);
        else
            fake_row(&s, type, T0 + i, 20, i);
        damage(&seed, type, type == RECORD_TABLE ? 0 : 20, T0 + i);
        ingest_frame(room.ingest, s.frame, s.len, room.now);
        if (i % 64 == 0)
            room_settle();
        s.base = s.seq; // what was refused is not sent again
    }
    assert_true(selfstat_value(STAT_REFUSED_FORMAT) > 1000);
    assert_true(selfstat_value(STAT_LANE_MALFORMED) > 100);
    fake_table(&s, 20);
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0 + 1000000, 20, 1);
    room.now.real_ms = T0 + 1000000;
    room_give(&s);
    assert_int_equal(host_table_find(room.hosts, HOST)->info.last_ms, T0 + 1000000);
    assert_true(room_samples("{__name__=~\"m_.+\"}", &series) >= 20);
}

static void
late_samples_of_an_application_stand_in_their_order(void **state)
{
    struct store_select what = { .host = HOST, .start_ms = INT64_MIN, .end_ms = INT64_MAX };
    static const int64_t offsets[] = { -100, -900, -100, -2500, -400 };
    store_cursor_t *cursor = NULL;
    struct store_series is;

    (void) state;
    s.apps = 1;
    begin(2);
    for (int i = 0; i < 5; i++) {
        fake_say(&s, offsets[i], 1, i);
        fake_row(&s, RECORD_DELTA, T0 + 1000 + 1000 * (i / 3), 2, i);
        room_give(&s);
    }
    assert_int_equal(store_open(room.store, &what, &cursor), 0);
    while (store_next(cursor, &is) == 1 && is.n != 4) {
    }
    assert_int_equal(is.n, 4); // of the two at T0 + 900 the first one stands
    assert_true(is.samples[0].time_ms == T0 - 500 && is.samples[0].value == 3);
    assert_true(is.samples[1].time_ms == T0 + 100 && is.samples[1].value == 1);
    assert_true(is.samples[2].time_ms == T0 + 900 && is.samples[2].value == 0);
    assert_true(is.samples[3].time_ms == T0 + 1600 && is.samples[3].value == 4);
    store_close(&cursor);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_stored_with_the_instance_of_its_host),
        TEST(a_stream_that_no_hello_named_is_dropped),
        TEST(a_stream_that_names_another_host_is_refused_for_good),
        TEST(a_stream_of_another_host_stays_that_ones),
        TEST(bytes_that_are_no_frame_are_counted),
        TEST(what_can_not_be_read_is_asked_for_once_a_second),
        TEST(samples_far_ahead_of_our_clock_are_refused),
        TEST(a_restarted_agent_begins_anew),
        TEST(the_same_agent_goes_on_where_it_was),
        TEST(an_ended_stream_is_remembered_by_its_next_alone),
        TEST(series_beyond_the_limit_are_refused_the_others_go_on),
        TEST(a_full_store_refuses_new_series_and_keeps_those_it_has),
        TEST(a_full_store_is_not_tried_again_each_second),
        TEST(two_slots_of_the_same_labels_are_one_series),
        TEST(damaged_frames_harm_nobody),
        TEST(late_samples_of_an_application_stand_in_their_order),
    };
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}

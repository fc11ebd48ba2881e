// test_event_log - events of hosts: each once, bounded, published, and there again after a replay.

#include "tests/unit/collector/room.h"

#include "collector/replay.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define T0     INT64_C(1700000000000) // where the room's clock stands

static event_log_t *s_log;
static struct fake_stream s;

static int
setup(void **state)
{
    s_log = event_log_new();
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup(state);
}

static int
teardown(void **state)
{
    event_log_destroy(&s_log);
    row_state_release(&s.rows);
    return room_teardown(state);
}

static const char *
body_of(size_t *n_ret, const char *text)
{
    static uint8_t body[HOST_EVENT_BODY_MAX];
    const struct host_event event = {
        .kind = "test", .kind_len = 4, .text = text, .text_len = strlen(text)
    };
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    host_event_put(&w, &event);
    assert_true(wbuf_finish(&w) > 0);
    *n_ret = w.len;
    return (const char *) body;
}

static int
keep(uint64_t host, uint64_t seq, int64_t t0_ms, const char *text)
{
    struct host_event event;
    size_t n;
    const struct record record = { .type = RECORD_EVENT,
                                   .stream = STREAM,
                                   .seq = seq,
                                   .t0_ms = t0_ms,
                                   .body = (const uint8_t *) body_of(&n, text),
                                   .body_len = (uint32_t) n };

    return event_log_take(s_log, &event, host, &record, T0);
}

// Seqs of the events in the window, as "1 2 3".
static const char *
seqs(event_log_t *log, uint64_t host, int64_t start_ms, int64_t end_ms)
{
    struct event_window w = { .host = host, .start_ms = start_ms, .end_ms = end_ms };
    static struct buf words;
    struct buf items = { 0 };
    uint32_t n = 0;
    struct rbuf r;

    assert_false(event_log_put(log, &w, SIZE_MAX, &items, &n));
    buf_clear(&words);
    rbuf_init(&r, items.at, items.len);
    for (uint32_t i = 0; i < n; i++) {
        struct host_event event;

        assert_int_equal(host_event_take_item(&r, &event), 0);
        assert_true(host == 0 || event.host == host);
        buf_printf(&words, "%s%d", i == 0 ? "" : " ", (int) event.seq);
        host_event_release(&event);
    }
    assert_int_equal(rbuf_finish(&r), 0);
    buf_release(&items);
    return buf_cstr(&words);
}

static void
an_event_is_kept_once(void **state)
{
    (void) state;
    assert_int_equal(keep(HOST, 3, T0, "a"), 1);
    assert_int_equal(keep(HOST, 4, T0, "b"), 1);
    assert_int_equal(keep(HOST, 3, T0, "a"), 0);
    assert_int_equal(keep(HOST + 1, 3, T0, "a"), 1);
    assert_string_equal(seqs(s_log, HOST, INT64_MIN, INT64_MAX), "3 4");
}

static void
a_window_has_both_its_ends(void **state)
{
    (void) state;
    for (int i = 1; i <= 5; i++)
        keep(HOST, (uint64_t) i, T0 + i, "a");
    keep(HOST + 1, 9, T0 + 3, "a");
    assert_string_equal(seqs(s_log, HOST, T0 + 2, T0 + 4), "2 3 4");
    assert_string_equal(seqs(s_log, 0, T0 + 3, T0 + 4), "3 4 9");
    assert_string_equal(seqs(s_log, HOST, T0 + 6, T0 + 9), "");
    assert_string_equal(seqs(s_log, HOST + 2, INT64_MIN, INT64_MAX), "");
}

// What tells of a clock that was put an hour ahead is a time an hour ahead.
static void
a_time_far_ahead_is_told_as_when_it_came(void **state)
{
    (void) state;
    keep(HOST, 1, T0 + EVENT_LOG_FUTURE_MS, "a");
    keep(HOST, 2, T0 + EVENT_LOG_FUTURE_MS + 1, "a");
    assert_string_equal(seqs(s_log, HOST, T0, T0), "2");
    assert_string_equal(seqs(s_log, HOST, T0 + 1, INT64_MAX), "1");
}

static void
a_host_drives_out_only_its_own(void **state)
{
    (void) state;
    keep(HOST + 1, 1, T0, "a");
    for (uint64_t i = 0; i < EVENT_LOG_HOST + 10; i++)
        keep(HOST, i, T0 + (int64_t) i, "a");
    assert_int_equal(event_log_count(s_log), EVENT_LOG_HOST + 1);
    assert_string_equal(seqs(s_log, HOST, INT64_MIN, T0 + 11), "10 11");
    assert_string_equal(seqs(s_log, HOST + 1, INT64_MIN, INT64_MAX), "1");
}

static void
long_events_are_bounded_by_their_bytes(void **state)
{
    static char text[HOST_EVENT_TEXT_MAX + 1];

    (void) state;
    memset(text, 'x', HOST_EVENT_TEXT_MAX);
    for (uint64_t i = 0; i < EVENT_LOG_HOST; i++)
        keep(HOST, i, T0, text);
    assert_true(event_log_count(s_log) < EVENT_LOG_HOST_BYTES / HOST_EVENT_TEXT_MAX);
    assert_true(event_log_count(s_log) > EVENT_LOG_HOST_BYTES / HOST_EVENT_TEXT_MAX / 2);
}

static void
of_too_many_the_oldest_of_all_make_room(void **state)
{
    const uint64_t hosts = EVENT_LOG_MOST / 500 + 1;

    (void) state;
    for (uint64_t host = 1; host <= hosts; host++)
        for (uint64_t i = 0; i < 500; i++)
            keep(host, i, T0 + (int64_t) i, "a");
    assert_int_equal(event_log_count(s_log), EVENT_LOG_MOST);
    assert_string_equal(seqs(s_log, 1, INT64_MIN, INT64_MAX), "");
    assert_string_equal(seqs(s_log, 2, INT64_MIN, T0 + 1), "0 1");
    event_log_forget(s_log, 2);
    assert_int_equal(event_log_count(s_log), EVENT_LOG_MOST - 500);
}

static void
an_answer_in_pieces_has_each_once(void **state)
{
    struct event_window w = { .start_ms = INT64_MIN, .end_ms = INT64_MAX };
    uint32_t n = 0, pieces = 1;
    struct buf out = { 0 };

    (void) state;
    for (uint64_t i = 0; i < 100; i++)
        keep(HOST + i % 3, i, T0, "a");
    while (event_log_put(s_log, &w, 500, &out, &n)) {
        buf_clear(&out);
        pieces++;
    }
    assert_int_equal(n, 100);
    assert_true(pieces > 5);
    buf_release(&out);
}

static void
restore(uint64_t host, uint64_t seq, int64_t time_ms, const char *text)
{
    const struct host_event of = { .host = host, .stream = STREAM, .seq = seq, .time_ms = time_ms };
    size_t n;
    const char *body = body_of(&n, text);

    assert_int_equal(event_log_restore(s_log, &of, body, n), 0);
}

static void
what_was_restored_is_known_and_comes_first(void **state)
{
    (void) state;
    restore(HOST, 4, T0 - 2000, "late");
    restore(HOST, 2, T0 - 1000, "early");
    assert_int_equal(keep(HOST, 2, T0 - 1000, "early"), 0);
    assert_int_equal(keep(HOST, 5, T0, "new"), 1);
    assert_int_equal(keep(HOST, 4, T0 - 2000, "late"), 0);
    assert_string_equal(seqs(s_log, HOST, INT64_MIN, INT64_MAX), "4 2 5");
    assert_string_equal(seqs(s_log, HOST, T0 - 1000, T0 - 1), "2");
    assert_int_equal(
        event_log_restore(s_log, &(struct host_event){ .host = HOST, .seq = 6 }, "", 0),
        ERR_FORMAT);
    for (uint64_t seq = 10; seq < 10 + EVENT_LOG_HOST; seq++)
        restore(HOST, seq, T0, "many");
    assert_int_equal(event_log_count(s_log), EVENT_LOG_HOST);
}

// ---- from the wire on

static void
begin(void)
{
    room_begin(&s, HOST, "web", 1);
    fake_row(&s, RECORD_KEY, T0, 1, 1);
    room_give(&s);
}

static void
give_event(const char *text)
{
    size_t n;
    const char *body = body_of(&n, text);

    fake_record(&s, RECORD_EVENT, 0, room.now.real_ms, body, n);
    room_give(&s);
}

static void
an_event_is_published_once_though_it_comes_twice(void **state)
{
    struct live_header header;
    struct host_event event;
    struct rbuf r;

    (void) state;
    begin();
    room_subscribe(LIVE_EVENTS_TOPIC);
    give_event("it happened");
    room_give(&s);
    assert_int_equal(room_hear(&header, &r), 1);
    assert_int_equal(header.type, LIVE_EVENT);
    assert_int_equal(header.time_ms, T0);
    assert_int_equal(live_take_event(&r, &event), 0);
    assert_int_equal(event.host, HOST);
    assert_int_equal(event.stream, STREAM);
    assert_int_equal(event.seq, 3);
    assert_memory_equal(event.text, "it happened", event.text_len);
    host_event_release(&event);
    assert_int_equal(room_hear(&header, &r), 0);
    assert_string_equal(seqs(room.events, HOST, INT64_MIN, INT64_MAX), "3");
}

static void
an_event_that_comes_late_is_kept_and_not_published(void **state)
{
    struct live_header header;
    struct rbuf r;

    (void) state;
    begin();
    room_subscribe(LIVE_EVENTS_TOPIC);
    s.flags = FRAME_BACKLOG;
    give_event("long ago");
    assert_int_equal(room_hear(&header, &r), 0);
    assert_string_equal(seqs(room.events, HOST, INT64_MIN, INT64_MAX), "3");
}

static void
an_event_without_words_is_acknowledged_and_counted(void **state)
{
    uint32_t series;

    (void) state;
    begin();
    fake_record(&s, RECORD_EVENT, 0, T0, "", 0);
    room_give(&s);
    fake_record(&s, RECORD_EVENT, 0, T0, "\xff", 1);
    room_give(&s);
    assert_int_equal(selfstat_value(STAT_EVENTS_WORDLESS), 2);
    assert_int_equal(room.ack.next, 5);
    assert_int_equal(event_log_count(room.events), 0);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 1, 2);
    room_give(&s);
    assert_int_equal(room_samples("m_0", &series), 2);
    assert_int_equal(room.naks, 0);
}

static void
a_replay_brings_events_back_each_once(void **state)
{
    replay_t *replay;

    (void) state;
    begin();
    give_event("before");
    room.now.real_ms = T0 + 60000;
    give_event("after");
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    event_log_destroy(&room.events);
    room_open_journal(1000);
    assert_int_equal(
        replay_start(&replay, &(struct replay_options){ .dir = room.dir,
                                                        .owner = ROOM_COLLECTOR,
                                                        .end = journal_end(room.journal),
                                                        .lanes = journal_lanes(room.journal),
                                                        .applier = room.applier }),
        0);
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    replay_stop(&replay);
    room_go_live();
    assert_string_equal(seqs(room.events, HOST, INT64_MIN, INT64_MAX), "3 4");
    // Its agent has not heard that it was acknowledged.
    room_hello(HOST, 1, "web", STREAM);
    room_give(&s);
    give_event("new");
    assert_string_equal(seqs(room.events, HOST, INT64_MIN, INT64_MAX), "3 4 5");
}

static void
a_host_that_is_forgotten_takes_its_events_along(void **state)
{
    (void) state;
    begin();
    give_event("a");
    ingest_forget(room.ingest, HOST);
    assert_int_equal(event_log_count(room.events), 0);
}

int
main(void)
{
#define log_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        log_test(an_event_is_kept_once),
        log_test(a_window_has_both_its_ends),
        log_test(a_time_far_ahead_is_told_as_when_it_came),
        log_test(a_host_drives_out_only_its_own),
        log_test(long_events_are_bounded_by_their_bytes),
        log_test(of_too_many_the_oldest_of_all_make_room),
        log_test(an_answer_in_pieces_has_each_once),
        log_test(what_was_restored_is_known_and_comes_first),
        log_test(an_event_is_published_once_though_it_comes_twice),
        log_test(an_event_that_comes_late_is_kept_and_not_published),
        log_test(an_event_without_words_is_acknowledged_and_counted),
        log_test(a_replay_brings_events_back_each_once),
        log_test(a_host_that_is_forgotten_takes_its_events_along),
    };
    return cmocka_run_group_tests_name("event_log", tests, NULL, NULL);
}

// test_ingest_delivery - what is acknowledged, what is asked for again, and in which order.

#include "collector/fill_list.h"
#include "tests/unit/collector/room_stream.h"

#include <stdlib.h>

// Without waiting for the disk.
static void
give_unsettled(void)
{
    ingest_frame(room.ingest, s.frame, s.len, room.now);
}

static void
nothing_is_acknowledged_or_seen_before_it_is_durable(void **state)
{
    uint32_t series;

    (void) state;
    begin(3);
    room_subscribe("m/");
    room.acks = 0;
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101);
    give_unsettled();
    assert_int_equal(room.acks, 0);
    assert_int_equal(room_samples("m_0", &series), 1);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
    room_settle();
    assert_int_equal(room.acks, 1);
    assert_int_equal(room.ack.stream, STREAM);
    assert_int_equal(room.ack.next, 4);
    assert_int_equal(room.ack.stored, 6);
    assert_int_equal(room_samples("m_0", &series), 2);
}

static void
a_group_is_acknowledged_once_for_each_stream(void **state)
{
    (void) state;
    begin(3);
    room.acks = 0;
    for (int i = 0; i < 50; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * (i + 1), 3, i);
        give_unsettled();
    }
    room_settle();
    assert_int_equal(room.acks, 1);
    assert_int_equal(room.ack.next, 53);
}

static void
welcome_tells_what_is_durable_and_its_crc(void **state)
{
    struct welcome_stream w;
    uint32_t crc;

    (void) state;
    begin(3);
    memcpy(&crc, s.frame + FRAME_PREFIX_SIZE + 4, sizeof crc);
    w = ingest_welcome(room.ingest, HOST, STREAM);
    assert_int_equal(w.next, 3);
    assert_int_equal(w.crc, crc);
    assert_true(w.limit > 3);
    w = ingest_welcome(room.ingest, HOST, STREAM + 1);
    assert_int_equal(w.next, 0);
    assert_int_equal(w.crc, 0);
    w = ingest_welcome(room.ingest, HOST + 1, STREAM);
    assert_int_equal(w.next, 0);
}

static void
a_duplicate_is_acknowledged_again_and_stored_once(void **state)
{
    uint32_t series;

    (void) state;
    begin(3);
    room.acks = 0;
    room_give(&s);
    assert_int_equal(room.acks, 1);
    assert_int_equal(room.ack.next, 3);
    assert_int_equal(room.ack.stored, 3);
    assert_int_equal(selfstat_value(STAT_LANE_DUPLICATES), 1);
    assert_int_equal(room_samples("m_0", &series), 1);
}

// Its agent named other streams and this one again, while what had come of it was at the disk: so
// it is asked for and comes a second time. (Without what must be repeated it can't be read.)
static void
what_was_staged_twice_counts_once(void **state)
{
    (void) state;
    begin(3);
    fake_row(&s, RECORD_KEY, T0 + 1000, 3, 200);
    give_unsettled();
    room_hello(HOST, 1, "web", STREAM + 7);
    room_hello(HOST, 1, "web", STREAM);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
    give_unsettled();
    room_settle();
    assert_int_equal(room.ack.next, 4);
    fake_row(&s, RECORD_KEY, T0 + 2000, 3, 300);
    room_give(&s);
    assert_int_equal(room.ack.refused, 3);
    assert_int_equal(room.ack.stored, 6);
}

// Its sender, told an older `next`, repeats from the KEY and goes on with what is known here; or it
// is what was on its way, and goes on with what is new.
static void
what_follows_repeats_is_readable(void **state)
{
    const struct frame_prefix prefix = { .flags = FRAME_REPEAT };
    struct fake_stream repeated, known;
    uint32_t series;

    (void) state;
    begin(3);
    repeated = s;
    frame_put_prefix(repeated.frame, &prefix);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101);
    known = s;
    room_give(&s);
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 102);
    room_give(&repeated);
    room_give(&known);
    room_give(&s);
    assert_int_equal(room_samples("m_0", &series), 3);
    fake_row(&s, RECORD_DELTA, T0 + 3000, 3, 103);
    room_give(&repeated);
    room_give(&s);
    assert_int_equal(room_samples("m_0", &series), 4);
    assert_int_equal(room.ack.refused, 0);
}

// The TABLE that it repeats may be older than a definition that is known here.
static void
a_repeated_table_takes_no_series_back(void **state)
{
    struct fake_stream table = { .id = STREAM, .metric = "m", .seq = 2, .flags = FRAME_REPEAT };
    struct fake_stream def, row;
    uint32_t series;

    (void) state;
    begin(3);
    fake_defs(&s, 3, 4);
    def = s;
    room_give(&s);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 4, 101);
    row = s;
    room_give(&s);
    fake_table(&table, 3);
    room_give(&table);
    room_give(&def);
    room_give(&row);
    fake_row(&s, RECORD_DELTA, T0 + 2000, 4, 102);
    room_give(&s);
    assert_int_equal(room_samples("m_3", &series), 2);
    assert_int_equal(room.ack.refused, 0);
}

static void
what_comes_too_early_is_dropped_and_asked_for(void **state)
{
    uint32_t series;

    (void) state;
    begin(3);
    for (int i = 0; i < 5; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * (i + 1), 3, i);
        if (i > 0) // the first was lost
            room_give(&s);
    }
    assert_int_equal(room.naks, 1);
    assert_int_equal(room.nak.reason, NAK_NEXT);
    assert_int_equal(room.nak.next, 3);
    assert_int_equal(selfstat_value(STAT_FRAMES_AHEAD), 4);
    assert_int_equal(room_samples("m_0", &series), 1);
    room.now.mono_ms += INGEST_NEXT_MS;
    room_give(&s);
    assert_int_equal(room.naks, 2);
}

static void
a_base_above_next_leaves_the_rest_to_another_collector(void **state)
{
    (void) state;
    begin(3);
    for (int i = 0; i < 10; i++) // to another one
        fake_row(&s, RECORD_DELTA, T0 + 1000 * (i + 1), 3, i);
    s.base = s.seq;
    fake_row(&s, RECORD_KEY, T0 + 20000, 3, 5);
    room_give(&s);
    assert_int_equal(room.ack.next, 14);
    assert_int_equal(room.ack.elsewhere, 30);
    assert_int_equal(room.ack.stored, 6);
    assert_int_equal(room.naks, 0);
    assert_int_equal(selfstat_value(STAT_SAMPLES_ELSEWHERE), 30);
}

static void
a_base_above_the_record_itself_is_nonsense(void **state)
{
    (void) state;
    begin(3);
    s.base = 1000;
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 5);
    room_give(&s);
    s.base = 0;
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 5);
    room_give(&s);
    assert_int_equal(room.ack.next, 5);
    assert_int_equal(room.ack.elsewhere, 0);
}

static void
a_gap_is_accepted_and_next_stands_behind_it(void **state)
{
    uint8_t body[64];
    struct wbuf w;

    (void) state;
    begin(3);
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &(struct gap){ .to = 7, .samples = 15, .cause = GAP_SPOOL_BYTES });
    fake_record(&s, RECORD_GAP, 0, T0, body, w.len);
    room_give(&s);
    assert_int_equal(room.ack.next, 8);
    assert_int_equal(room.ack.elsewhere, 0);
    s.seq = 8;
    s.total += 15;
    fake_row(&s, RECORD_KEY, T0 + 9000, 3, 5);
    room_give(&s);
    assert_int_equal(room.ack.next, 9);
    assert_int_equal(room.ack.stored, 6);
    assert_int_equal(room.naks, 0);
}

static void
a_backlog_that_ended_is_told_with_its_times(void **state)
{
    struct live_header h;
    struct rbuf r;

    (void) state;
    begin(3);
    room_subscribe("m/");
    s.flags = FRAME_BACKLOG;
    for (int i = 1; i <= 5; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * i, 3, i);
        room_give(&s);
    }
    assert_int_equal(room.fills, 0);
    fake_record(&s, RECORD_END, 0, T0 + 6000, "", 0);
    room_give(&s);
    assert_int_equal(room.fills, 1);
    assert_int_equal(room.fill.host, HOST);
    assert_int_equal(room.fill.from_ms, T0 + 1000);
    assert_int_equal(room.fill.to_ms, T0 + 5000);
    while (room_hear(&h, &r) == 1)
        assert_int_not_equal(h.type, LIVE_ROW);
    room_give(&s); // once
    assert_int_equal(room.fills, 1);
}

static void
a_live_stream_that_ended_filled_nothing(void **state)
{
    (void) state;
    begin(3);
    fake_record(&s, RECORD_END, 0, T0 + 6000, "", 0);
    room_give(&s);
    assert_int_equal(room.ack.next, 4);
    assert_int_equal(room.fills, 0);
}

static void
credit_rises_with_what_is_durable(void **state)
{
    uint64_t limit;

    (void) state;
    begin(3);
    limit = room.ack.limit;
    assert_true(limit > room.ack.next + 16);
    for (int i = 0; i < 200; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * (i + 1), 3, i);
        room_give(&s);
        assert_true(room.ack.limit >= limit);
        limit = room.ack.limit;
    }
    assert_true(limit > 203 + 16);
}

static void
what_does_not_fit_into_memory_is_dropped_and_not_acknowledged(void **state)
{
    static uint8_t body[200 * 1024];
    uint64_t staged;

    (void) state;
    begin(3);
    room.acks = 0;
    // An agent that does not care for credit; nothing is taken back from the disk meanwhile.
    for (int i = 0; i < 600; i++) {
        fake_record(&s, 99, 0, T0, body, sizeof body); // of a type of a later version
        give_unsettled();
    }
    assert_true(selfstat_value(STAT_FRAMES_NO_ROOM) > 200);
    staged = 603 - (uint64_t) selfstat_value(STAT_FRAMES_NO_ROOM);
    room_settle();
    assert_int_equal(room.ack.next, staged);
    // And what comes next is asked for from there.
    room.now.mono_ms += 1000;
    room_give(&s);
    assert_int_equal(room.nak.reason, NAK_NEXT);
    assert_int_equal(room.nak.next, staged);
}

// Ends as if the machine's process had been killed, as far as memory goes, and begins anew.
static void
restart(bool live)
{
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    store_destroy(&room.store);
    host_table_destroy(&room.hosts);
    publisher_destroy(&room.publisher);
    assert_int_equal(local_store_new(&room.local, 16u << 20), 0);
    room.store = local_store_face(room.local);
    room.hosts = host_table_new(
        10, &(struct host_events){ .changed = room_changed, .forgotten = room_forgotten });
    room.publisher = publisher_new(&(struct publisher_options){ .xpub = room.xpub,
                                                                .store = room.store,
                                                                .hosts = room.hosts,
                                                                .collector = ROOM_COLLECTOR,
                                                                .epoch = ROOM_EPOCH });
    room_open_journal(1000);
    if (live)
        room_go_live();
}

static void
after_a_restart_streams_go_on_where_they_were(void **state)
{
    struct welcome_stream before, after;

    (void) state;
    begin(3);
    before = ingest_welcome(room.ingest, HOST, STREAM);
    restart(true);
    after = ingest_welcome(room.ingest, HOST, STREAM);
    assert_int_equal(after.next, before.next);
    assert_int_equal(after.crc, before.crc);
    room_hello(HOST, 1, "web", STREAM);
    fake_row(&s, RECORD_KEY, T0 + 1000, 3, 1);
    room_give(&s);
    assert_int_equal(room.ack.next, 4);
    assert_int_equal(room.ack.stored, 6);
}

static void
what_comes_before_the_journal_is_read_back_is_acknowledged_and_applied_after(void **state)
{
    const struct host_time came = { .real_ms = T0 };
    struct record record;
    uint32_t series;
    size_t used;

    (void) state;
    begin(3);
    restart(false);
    assert_true(ingest_is_behind(room.ingest));
    room_hello(HOST, 1, "web", STREAM);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101);
    room_give(&s);
    assert_int_equal(room.ack.next, 4);
    assert_int_equal(room_samples("m_0", &series), 0);
    // What a replay does: the same stream, up to where the journal ended.
    applier_name(room.applier, HOST, "web");
    s.seq = 1;
    s.total = 0;
    fake_table(&s, 3);
    assert_int_equal(
        frame_take_record(&record, s.frame + FRAME_PREFIX_SIZE, s.len - FRAME_PREFIX_SIZE, &used),
        0);
    applier_record(room.applier, HOST, 0, &record, came);
    row_state_release(&s.rows);
    s.rows = (struct row_state){ 0 };
    fake_row(&s, RECORD_KEY, T0, 3, 100);
    assert_int_equal(
        frame_take_record(&record, s.frame + FRAME_PREFIX_SIZE, s.len - FRAME_PREFIX_SIZE, &used),
        0);
    assert_int_equal(applier_record(room.applier, HOST, 0, &record, came), 0);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 101); // as above
    room_replayed();
    // Not all at once, and what comes now does not go past what waits.
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 102);
    room_give(&s);
    assert_int_equal(room.ack.next, 5);
    assert_true(ingest_is_behind(room.ingest));
    assert_int_equal(room_samples("m_0", &series), 1);
    while (ingest_catch_up(room.ingest, room.now))
        ;
    assert_false(ingest_is_behind(room.ingest));
    assert_int_equal(room_samples("m_0", &series), 3);
    assert_int_equal(room.naks, 0);
}

static void
an_ended_stream_is_known_after_a_restart(void **state)
{
    (void) state;
    begin(3);
    fake_record(&s, RECORD_END, 0, T0, "", 0);
    room_give(&s);
    restart(true);
    room_hello(HOST, 1, "web", STREAM);
    room.acks = 0;
    room_give(&s);
    assert_int_equal(room.acks, 1);
    assert_int_equal(room.ack.next, 4);
    assert_int_equal(selfstat_value(STAT_LANE_DUPLICATES), 1);
}

// It may have ended between the journal and those who watch.
static void
what_was_filled_just_before_the_end_is_told_again_after_a_restart(void **state)
{
    (void) state;
    s.flags = FRAME_BACKLOG;
    begin(3);
    fake_record(&s, RECORD_END, 0, T0, "", 0);
    room_give(&s);
    assert_int_equal(room.fills, 1);
    s = (struct fake_stream){ .id = STREAM + 1, .metric = "m", .rows = s.rows };
    room.now.real_ms += FILL_LIST_MS;
    begin(3);
    restart(false);
    assert_int_equal(room.fills, 1); // it can not be asked for yet
    room_replayed();
    assert_int_equal(room.fills, 2);
    assert_int_equal(room.fill.host, HOST);
    assert_int_equal(room.fill.to_ms, T0);
    // Later than that it has been told, or nobody waits.
    room_hello(HOST, 1, "web", STREAM + 1);
    room.now.real_ms++;
    fake_row(&s, RECORD_KEY, T0 + FILL_LIST_MS, 3, 1);
    room_give(&s);
    restart(true);
    assert_int_equal(room.fills, 2);
}

static void
what_was_refused_is_told_after_a_restart_as_well(void **state)
{
    (void) state;
    begin(3);
    fake_row(&s, RECORD_DELTA, room.now.real_ms + APPLIER_FUTURE_MS + 1000, 3, 5);
    room_give(&s);
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 5);
    room_give(&s);
    assert_int_equal(room.ack.refused, 3);
    restart(true);
    room_hello(HOST, 1, "web", STREAM);
    room_give(&s);
    assert_int_equal(room.ack.refused, 3);
    assert_int_equal(room.ack.stored, 6);
}

int
main(void)
{
#define room_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        room_test(nothing_is_acknowledged_or_seen_before_it_is_durable),
        room_test(a_group_is_acknowledged_once_for_each_stream),
        room_test(welcome_tells_what_is_durable_and_its_crc),
        room_test(a_duplicate_is_acknowledged_again_and_stored_once),
        room_test(what_was_staged_twice_counts_once),
        room_test(what_follows_repeats_is_readable),
        room_test(a_repeated_table_takes_no_series_back),
        room_test(what_comes_too_early_is_dropped_and_asked_for),
        room_test(a_base_above_next_leaves_the_rest_to_another_collector),
        room_test(a_base_above_the_record_itself_is_nonsense),
        room_test(a_gap_is_accepted_and_next_stands_behind_it),
        room_test(a_backlog_that_ended_is_told_with_its_times),
        room_test(a_live_stream_that_ended_filled_nothing),
        room_test(credit_rises_with_what_is_durable),
        room_test(what_does_not_fit_into_memory_is_dropped_and_not_acknowledged),
        room_test(after_a_restart_streams_go_on_where_they_were),
        room_test(what_comes_before_the_journal_is_read_back_is_acknowledged_and_applied_after),
        room_test(an_ended_stream_is_known_after_a_restart),
        room_test(what_was_filled_just_before_the_end_is_told_again_after_a_restart),
        room_test(what_was_refused_is_told_after_a_restart_as_well),
    };
    return cmocka_run_group_tests_name("ingest_delivery", tests, NULL, NULL);
}

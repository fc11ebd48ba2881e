// test_ingest_ledger - what becomes of an agent's records is in its host's ledger.

#include "collector/replay.h"
#include "tests/unit/collector/room.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)

static struct fake_stream s;

static int
setup(void **state)
{
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup(state);
}

static int
teardown(void **state)
{
    row_state_release(&s.rows);
    return room_teardown(state);
}

// HELLO, IDENT and TABLE of n.
static void
begin(uint32_t n)
{
    room_begin(&s, HOST, "web", n);
}

static void
row(int64_t after_ms, uint32_t n, int64_t value)
{
    fake_row(&s, RECORD_KEY, room.now.real_ms + after_ms, n, value);
    room_give(&s);
}

// Records of so many samples are lost.
static void
lose(int64_t after_ms, uint64_t records, uint64_t samples, uint8_t cause)
{
    const struct gap gap = { .to = s.seq + records - 1, .samples = samples, .cause = cause };
    uint8_t body[32];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    fake_record(&s, RECORD_GAP, 0, room.now.real_ms + after_ms, body, (size_t) wbuf_finish(&w));
    room_give(&s);
    s.seq = gap.to + 1;
    s.total += samples;
}

static struct query_ledger
get(void)
{
    struct query_ledger ret;

    host_ledger_get(room.ledger, HOST, ingest_count(room.ingest, HOST), &ret);
    return ret;
}

static void
a_gap_of_records_is_a_stretch_of_time_with_its_cause(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    row(0, 2, 1);
    lose(1000, 3, 6, GAP_DISK_FULL);
    row(4000, 2, 1);
    row(5000, 2, 1);
    l = get();
    assert_int_equal(l.stored, 6);
    assert_int_equal(l.n_gaps, 1);
    assert_string_equal(query_gap_cause_str(&l.gaps[0]), "disk-full");
    assert_int_equal(l.gaps[0].count, 6);
    assert_int_equal(l.gaps[0].from_ms, room.now.real_ms + 1000);
    assert_int_equal(l.gaps[0].to_ms, room.now.real_ms + 4000);
}

static void
another_value_for_a_time_is_a_conflict_and_counts_as_stored(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    row(0, 2, 1);
    row(0, 2, 7);
    row(0, 2, 7);
    room_settle();
    local_store_seal(room.local); // it is found then
    l = get();
    assert_int_equal(l.conflicts, 4);
    assert_int_equal(l.stored, 6);
    assert_int_equal(query_ledger_refused(&l), 0);
}

static void
samples_past_a_limit_are_refused_as_such(void **state)
{
    struct query_ledger l;

    (void) state;
    room_teardown(NULL);
    room_setup_with(3);
    begin(5);
    row(0, 5, 1);
    l = get();
    assert_int_equal(l.stored, 3);
    assert_int_equal(l.refused[REFUSED_LIMIT], 2);
    assert_int_equal(query_ledger_refused(&l), 2);
}

// One row without a change, so that a bit is all that a slot takes.
static void
rows_of_more_slots_than_a_host_may_have_are_refused_as_such(void **state)
{
    static uint8_t body[BODY_SLOTS_MAX / 8 + 32];
    struct query_ledger l;
    struct wbuf w;

    (void) state;
    begin(2);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, BODY_SLOTS_MAX);
    wbuf_svarint(&w, 0);
    wbuf_u8(&w, 0);
    wbuf_varint(&w, BODY_SLOTS_MAX);
    assert_non_null(wbuf_reserve(&w, BODY_SLOTS_MAX / 8));
    fake_record(&s, RECORD_KEY, BODY_SLOTS_MAX, room.now.real_ms, body, (size_t) wbuf_finish(&w));
    room_give(&s);
    row(1000, 2, 1);
    l = get();
    assert_int_equal(l.stored, 2);
    assert_int_equal(l.refused[REFUSED_LIMIT], BODY_SLOTS_MAX);
    assert_int_equal(query_ledger_refused(&l), BODY_SLOTS_MAX);
}

static void
samples_from_the_future_are_refused_as_such(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    row(APPLIER_FUTURE_MS + 1, 2, 1);
    row(0, 2, 1);
    l = get();
    assert_int_equal(l.stored, 2);
    assert_int_equal(l.refused[REFUSED_FUTURE], 2);
}

// As after a kill: what the journal has, and nothing of what was in memory.
static void
start_again(void)
{
    replay_t *replay;

    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    host_ledger_destroy(&room.ledger);
    room_open_journal(1000);
    assert_int_equal(
        replay_start(&replay, &(struct replay_options){ .dir = room.dir,
                                                        .owner = ROOM_COLLECTOR,
                                                        .end = journal_end(room.journal),
                                                        .lanes = journal_lanes(room.journal),
                                                        .applier = room.applier }),
        0);
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    ingest_refused_before(room.ingest, replay_lanes(replay));
    replay_stop(&replay);
    room_go_live();
    room_hello(HOST, 1, "web", STREAM);
}

// Each refusal is journaled with the next record of its stream, which the last one never had.
static void
what_was_refused_last_is_known_after_a_kill(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    for (int i = 0; i < 5; i++)
        row(APPLIER_FUTURE_MS + 1 + i, 2, 1);
    row(0, 2, 1);
    row(APPLIER_FUTURE_MS + 10, 2, 1);
    for (int starts = 0; starts < 3; starts++) {
        start_again();
        l = get();
        assert_int_equal(l.stored, 2);
        assert_int_equal(query_ledger_refused(&l), 12);
    }
    row(1, 2, 1);
    row(APPLIER_FUTURE_MS + 11, 2, 1);
    row(APPLIER_FUTURE_MS + 12, 2, 1);
    start_again();
    l = get();
    assert_int_equal(l.stored, 4);
    assert_int_equal(query_ledger_refused(&l), 16);
}

static void
what_another_collector_took_is_elsewhere(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    row(0, 2, 1);
    s.seq += 4;
    s.total += 8;
    s.base = s.seq;
    row(5000, 2, 1);
    l = get();
    assert_int_equal(l.elsewhere, 8);
    assert_int_equal(l.stored, 4);
}

static void
a_forgotten_host_has_no_ledger(void **state)
{
    (void) state;
    begin(2);
    host_ledger_duplicate(room.ledger, HOST);
    host_ledger_forget(room.ledger, HOST);
    assert_int_equal(get().duplicates, 0);
    assert_int_equal(get().told_ms, 0);
}

// Forgotten while its last record was at the disk: nothing is begun anew for it.
static void
a_host_that_is_forgotten_stays_so(void **state)
{
    struct query_ledger l;

    (void) state;
    begin(2);
    fake_row(&s, RECORD_KEY, room.now.real_ms, 2, 1);
    ingest_frame(room.ingest, s.frame, s.len, room.now);
    ingest_forget(room.ingest, HOST);
    host_ledger_forget(room.ledger, HOST);
    room_settle();
    l = get();
    assert_int_equal(l.refused[REFUSED_EARLIER], 2);
    assert_int_equal(query_ledger_refused(&l), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
        T(a_host_that_is_forgotten_stays_so),
        T(a_gap_of_records_is_a_stretch_of_time_with_its_cause),
        T(another_value_for_a_time_is_a_conflict_and_counts_as_stored),
        T(samples_past_a_limit_are_refused_as_such),
        T(rows_of_more_slots_than_a_host_may_have_are_refused_as_such),
        T(samples_from_the_future_are_refused_as_such),
        T(what_was_refused_last_is_known_after_a_kill),
        T(what_another_collector_took_is_elsewhere),
        T(a_forgotten_host_has_no_ledger),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// test_applier_limit - an agent that sends too much is refused the excess, and nothing else; what
// was decided once stands after every start.

#include "collector/replay.h"
#include "tests/support/seeded.h"
#include "tests/unit/collector/room.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define SERIES 20u // of an agent, at most

static struct fake_stream s;

static int
setup(void **state)
{
    (void) state;
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup_with(SERIES);
}

// With limits that stay for one test.
static int
setup_small(void **state)
{
    room_agent = (struct agent_limits){
        .new_series = 12, .samples = 10, .label_bytes = 1000, .frame_bytes = 4096
    };
    return setup(state);
}

static int
teardown(void **state)
{
    row_state_release(&s.rows);
    room_agent = agent_limits_default;
    return room_teardown(state);
}

// Killed, and started again.
static void
start_again(uint32_t most_series)
{
    replay_t *replay;

    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    host_ledger_destroy(&room.ledger);
    room_open_journal(most_series);
    assert_int_equal(
        replay_start(&replay, &(struct replay_options){ .dir = room.dir,
                                                        .owner = ROOM_COLLECTOR,
                                                        .end = journal_end(room.journal),
                                                        .lanes = journal_lanes(room.journal),
                                                        .applier = room.applier }),
        0);
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    ingest_refused_before(room.ingest, replay_lanes(replay));
    room_go_live();
    replay_stop(&replay);
    room_hello(HOST, 1, "web", STREAM);
}

static void
row(int64_t after_ms, uint32_t n)
{
    fake_row(&s, RECORD_KEY, room.now.real_ms + after_ms, n, 1);
    room_give(&s);
}

static struct query_ledger
get(void)
{
    struct query_ledger ret;

    host_ledger_get(room.ledger, HOST, ingest_count(room.ingest, HOST), &ret);
    return ret;
}

static uint32_t
visible(void)
{
    uint32_t series;

    (void) room_samples("{job=~\"app|test\"}", &series);
    return series;
}

// TABLE and KEY again, as after a WELCOME.
static void
repeat(uint32_t n)
{
    struct fake_stream again = s;

    again.rows = (struct row_state){ 0 };
    again.flags = FRAME_REPEAT;
    again.seq = s.seq - 1;
    fake_table(&again, n);
    room_give(&again);
    again.seq = s.seq - 1;
    fake_row(&again, RECORD_KEY, room.now.real_ms, n, 1);
    room_give(&again);
    row_state_release(&again.rows);
}

static void
series_past_the_limit_are_refused_and_named_and_the_others_go_on(void **state)
{
    const int64_t naks = selfstat_value(STAT_NAKS);
    struct query_ledger l;

    (void) state;
    room_begin(&s, HOST, "web", 5);
    row(0, 5);
    fake_defs(&s, 5, 100);
    room_give(&s);
    for (int i = 1; i <= 10; i++)
        row(i * 1000, 100);
    l = get();
    assert_int_equal(visible(), SERIES);
    assert_int_equal(l.stored, 5 + 10 * SERIES);
    assert_int_equal(l.refused[REFUSED_LIMIT], 10 * (100 - SERIES));
    assert_int_equal(l.n_limits, 1);
    assert_int_equal(l.limits[0].limit, LIMIT_SERIES);
    assert_int_equal(l.limits[0].series, 100 - SERIES);
    assert_int_equal(l.limits[0].samples, 10 * (100 - SERIES));
    // All of it was acknowledged, and nobody is asked for what was refused.
    assert_int_equal(room.ack.next, s.seq);
    repeat(100);
    row(11000, 100);
    assert_int_equal(room.ack.refused, l.refused[REFUSED_LIMIT]); // as of the record before
    assert_int_equal(visible(), SERIES);
    assert_int_equal(selfstat_value(STAT_NAKS), naks);
}

static void
what_was_decided_stands_after_a_start_whatever_the_limit_is_then(void **state)
{
    struct query_ledger was, l;

    (void) state;
    room_begin(&s, HOST, "web", 5);
    fake_defs(&s, 5, 100);
    room_give(&s);
    for (int i = 0; i < 5; i++)
        row(i * 1000, 100);
    was = get();
    for (uint32_t most = 1; most <= 1000; most *= 10) {
        start_again(most);
        l = get();
        assert_int_equal(visible(), SERIES);
        assert_int_equal(l.stored, was.stored);
        assert_int_equal(query_ledger_refused(&l), was.refused[REFUSED_LIMIT]);
    }
    repeat(100);
    row(5000, 100);
    l = get();
    assert_int_equal(visible(), SERIES);
    assert_int_equal(l.stored, was.stored + SERIES);
    // A new stream of the agent is decided anew.
    s.id++;
    s.seq = s.total = 0;
    row_state_release(&s.rows);
    room_begin(&s, HOST, "web", 50);
    row(6000, 50);
    assert_int_equal(visible(), 50);
}

// Whoever names its highest slot first has not had the others decided by that.
static void
slots_that_were_passed_over_are_decided_when_they_come(void **state)
{
    (void) state;
    room_begin(&s, HOST, "web", 5);
    fake_defs(&s, 99, 100);
    room_give(&s);
    fake_defs(&s, 5, 99);
    room_give(&s);
    row(0, 100);
    assert_int_equal(visible(), SERIES);
    repeat(100);
    row(1000, 100);
    assert_int_equal(visible(), SERIES);
}

static void
slots_that_were_passed_over_are_decided_after_a_start_too(void **state)
{
    (void) state;
    room_begin(&s, HOST, "web", 5);
    fake_defs(&s, 99, 100);
    room_give(&s);
    row(0, 5);
    start_again(SERIES);
    fake_defs(&s, 5, 99);
    room_give(&s);
    row(1000, 100);
    assert_int_equal(visible(), SERIES);
    start_again(1000);
    repeat(100);
    row(2000, 100);
    assert_int_equal(visible(), SERIES);
}

// From the top down, each second slot: each is a stretch of its own, and there are more of them
// than can be remembered. What was refused last is refused still, remembered or not.
static void
refusals_past_what_can_be_remembered_are_refused_all_the_same(void **state)
{
    const uint32_t low = 100;

    (void) state;
    room_begin(&s, HOST, "web", SERIES);
    for (uint32_t slot = 2 * SLOT_REFUSALS_MAX + low; slot > SERIES; slot -= 2) {
        fake_defs(&s, slot - 1, slot);
        ingest_frame(room.ingest, s.frame, s.len, room.now);
    }
    room_settle();
    repeat(low);
    row(0, low);
    assert_int_equal(visible(), SERIES);
    start_again(SERIES);
    repeat(low);
    row(1000, low);
    assert_int_equal(visible(), SERIES);
}

// A sender that names its series in a repeat, ahead of what it makes, is no better off.
static void
a_repeated_table_past_the_bytes_of_a_message_is_refused_too(void **state)
{
    (void) state;
    room_agent.frame_bytes = 600;
    setup(NULL);
    room_begin(&s, HOST, "web", 1);
    repeat(SERIES);
    row(0, SERIES);
    assert_true(s.len <= room_agent.frame_bytes);
    assert_int_equal(visible(), 1);
    assert_int_equal(get().limits[0].limit, LIMIT_FRAME_BYTES);
    assert_int_equal(get().limits[0].series, SERIES - 1);
}

// Nothing came after it that would have taken the decision to the disk.
static void
what_was_defined_last_before_a_kill_is_decided_the_same_again(void **state)
{
    (void) state;
    room_begin(&s, HOST, "web", 5);
    row(0, 5);
    fake_defs(&s, 5, 100);
    room_give(&s);
    start_again(SERIES);
    repeat(100);
    row(1000, 100);
    assert_int_equal(visible(), SERIES);
    assert_int_equal(get().stored, 5 + SERIES);
}

static void
two_streams_of_the_same_series_count_them_once(void **state)
{
    struct fake_stream other = { .id = STREAM + 1, .metric = "m" };
    struct control_msg msg = fake_hello(HOST, 1, "web", STREAM);
    struct route route = { .len = 1 };
    const struct host *host;

    (void) state;
    room_begin(&s, HOST, "web", SERIES);
    msg.hello.n_streams = 2;
    msg.hello.streams[1].stream = other.id;
    assert_int_equal(host_table_hello(room.hosts, &msg.hello, &route, room.now, &host), 0);
    ingest_hello(room.ingest, host, msg.hello.streams, 2);
    fake_ident(&other, HOST, "web");
    room_give(&other);
    fake_table(&other, SERIES + 1);
    room_give(&other);
    fake_row(&other, RECORD_KEY, room.now.real_ms, SERIES + 1, 1);
    room_give(&other);
    row_state_release(&other.rows);
    assert_int_equal(get().stored, SERIES);
    assert_int_equal(get().refused[REFUSED_LIMIT], 1);
}

static void
new_series_past_the_minutes_are_refused_and_known_ones_are_not(void **state)
{
    (void) state;
    room_begin(&s, HOST, "web", 10);
    fake_defs(&s, 10, 15); // the first two of these are let in
    room_give(&s);
    assert_int_equal(get().limits[0].series, 3);
    // An agent that starts anew has the same ones, and they are not new.
    s.id++;
    s.seq = s.total = 0;
    room_begin(&s, HOST, "web", 13);
    row(0, 13);
    assert_int_equal(get().limits[0].limit, LIMIT_NEW_SERIES);
    assert_int_equal(get().limits[0].series, 4);
    assert_int_equal(visible(), 12);
}

static void
labels_past_their_bytes_are_refused_alone(void **state)
{
    (void) state;
    room_agent.label_bytes = 8 + 3 + 3 + 4; // __name__ m_9 job test: one less than with m_10
    start_again(SERIES);
    room_begin(&s, HOST, "web", 12);
    row(0, 12);
    assert_int_equal(visible(), 10);
    assert_int_equal(get().limits[0].limit, LIMIT_LABEL_BYTES);
    assert_int_equal(get().limits[0].series, 2);
}

// Five of the host's series each second, and an application that says one of its own eight times,
// and another one once.
static void
second(int64_t n)
{
    for (int i = 0; i < 7; i++)
        fake_say(&s, -900 + i, 5, i);
    fake_say(&s, -1, 6, n);
    row(n * 1000, 7);
}

static void
samples_past_the_rate_are_the_floods_and_not_the_neighbours(void **state)
{
    uint32_t series;
    struct query_ledger l;

    (void) state;
    s.apps = 5;
    room_begin(&s, HOST, "web", 7);
    for (int64_t n = 0; n < 200; n++)
        second(n);
    l = get();
    // Of 13 a second 10 flow, and ten seconds' worth at once.
    assert_int_equal(l.stored + l.refused[REFUSED_LIMIT], 200 * 13);
    assert_int_equal(l.stored, 100 + 199 * 10);
    assert_int_equal(room_samples("{job=\"test\"}", &series), 200 * 5);
    assert_int_equal(room_samples("m_6", &series), 200);
    assert_int_equal(room_samples("m_5", &series), l.stored - 200 * 6);
    assert_int_equal(l.n_limits, 1);
    assert_int_equal(l.limits[0].limit, LIMIT_SAMPLES);
    assert_int_equal(l.limits[0].samples, l.refused[REFUSED_LIMIT]);
    assert_string_equal(l.limits[0].metric, "m_5");
    for (int starts = 0; starts < 2; starts++) {
        const uint64_t stored = l.stored;

        start_again(SERIES);
        l = get();
        assert_int_equal(l.stored, stored);
        assert_int_equal(l.stored + query_ledger_refused(&l), 200 * 13);
        assert_int_equal(room_samples("m_5", &series), stored - 200 * 6);
    }
}

static void
a_message_past_its_bytes_is_acknowledged_and_refused_whole(void **state)
{
    struct query_ledger l;

    (void) state;
    room_agent.frame_bytes = 100;
    start_again(SERIES);
    room_begin(&s, HOST, "web", 1);
    fake_defs(&s, 1, 20); // some hundred bytes
    room_give(&s);
    row(0, 20);
    l = get();
    assert_int_equal(room.ack.next, s.seq);
    assert_int_equal(visible(), 1);
    assert_int_equal(l.limits[0].limit, LIMIT_FRAME_BYTES);
    assert_int_equal(l.limits[0].series, 19);
    start_again(SERIES);
    assert_int_equal(visible(), 1);
}

// The samples that the journal alone makes of an empty store.
static uint64_t
replayed(uint32_t *series)
{
    struct agent_limits agent = room_agent;
    local_store_t *local, *const ours = room.local;
    event_log_t *events = event_log_new();
    applier_t *applier;
    replay_t *replay;
    uint64_t samples;

    agent.series = SERIES;
    assert_int_equal(local_store_new(&local, 16u << 20), 0);
    applier = applier_new(
        local, events, &(struct applier_limits){ .agent = agent, .slot_bytes = ROOM_SLOT_BYTES });
    assert_int_equal(
        replay_start(&replay, &(struct replay_options){ .dir = room.dir,
                                                        .owner = ROOM_COLLECTOR,
                                                        .end = journal_end(room.journal),
                                                        .lanes = journal_lanes(room.journal),
                                                        .applier = applier }),
        0);
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    replay_stop(&replay);
    room.store = local_store_face(local);
    samples = room_samples("{job=~\"app|test\"}", series);
    room.store = local_store_face(ours);
    applier_destroy(&applier);
    event_log_destroy(&events);
    local_store_destroy(&local);
    return samples;
}

// All limits at once, kills in between: the book always adds up, and nothing that was let in goes
// away or grows by a start.
static void
the_book_balances_through_any_flood_and_any_start(void **state)
{
    uint64_t seed = 42, made = 0;
    uint32_t slots = 5;

    (void) state;
    room_agent.label_bytes = 18;
    start_again(SERIES);
    s.apps = 5;
    room_begin(&s, HOST, "web", slots);
    for (int64_t n = 0; n < 300; n++) {
        const uint32_t what = seeded_below(&seed, 10);
        struct query_ledger l;

        if (what == 0 && slots < FAKE_SLOTS_MAX - 50) {
            const uint32_t more = 1 + seeded_below(&seed, 40);

            fake_defs(&s, slots, slots + more);
            room_give(&s);
            slots += more;
        } else if (what == 1) {
            uint32_t series;
            const uint64_t held = room_samples("{job=~\"app|test\"}", &series);
            const uint64_t stored = get().stored;

            start_again(SERIES);
            assert_int_equal(replayed(&series), held);
            assert_int_equal(series, visible());
            assert_int_equal(room_samples("{job=~\"app|test\"}", &series), held);
            assert_int_equal(get().stored, stored);
            repeat(slots);
        }
        for (uint32_t i = seeded_below(&seed, FAKE_SAID_MAX); slots > 5 && i > 0; i--)
            fake_say(&s, -1000 + (int64_t) i, 5 + seeded_below(&seed, slots - 5), n);
        fake_row(&s, n == 0 || seeded_below(&seed, 4) == 0 ? RECORD_KEY : RECORD_DELTA,
                 room.now.real_ms + n * 500, slots, n);
        room_give(&s);
        made = s.total;
        l = get();
        assert_int_equal(l.stored + query_ledger_refused(&l), made);
        assert_true(visible() <= SERIES);
    }
    assert_int_equal(room_samples("{job=~\"app|test\"}", &slots), get().stored);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            series_past_the_limit_are_refused_and_named_and_the_others_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_was_decided_stands_after_a_start_whatever_the_limit_is_then, setup, teardown),
        cmocka_unit_test_setup_teardown(slots_that_were_passed_over_are_decided_when_they_come,
                                        setup, teardown),
        cmocka_unit_test_teardown(a_repeated_table_past_the_bytes_of_a_message_is_refused_too,
                                  teardown),
        cmocka_unit_test_setup_teardown(slots_that_were_passed_over_are_decided_after_a_start_too,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            refusals_past_what_can_be_remembered_are_refused_all_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_was_defined_last_before_a_kill_is_decided_the_same_again, setup, teardown),
        cmocka_unit_test_setup_teardown(two_streams_of_the_same_series_count_them_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            new_series_past_the_minutes_are_refused_and_known_ones_are_not, setup_small, teardown),
        cmocka_unit_test_setup_teardown(labels_past_their_bytes_are_refused_alone, setup_small,
                                        teardown),
        cmocka_unit_test_setup_teardown(samples_past_the_rate_are_the_floods_and_not_the_neighbours,
                                        setup_small, teardown),
        cmocka_unit_test_setup_teardown(a_message_past_its_bytes_is_acknowledged_and_refused_whole,
                                        setup_small, teardown),
        cmocka_unit_test_setup_teardown(the_book_balances_through_any_flood_and_any_start,
                                        setup_small, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

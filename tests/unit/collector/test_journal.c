// test_journal - the thread: groups come back in order, and an error of the disk is the end.
//
// fdatasync is this file's own, so that it can fail or take its time.

#include "tests/unit/collector/room.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "collector/replay.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define T0     INT64_C(1700000000000)

static atomic_int s_fail; // errno of each sync to come; 0: none
static atomic_int s_slow_us;
static struct fake_stream s;

int
fdatasync(int fd)
{
    const int fail = atomic_load(&s_fail);

    if (atomic_load(&s_slow_us) > 0)
        usleep((useconds_t) atomic_load(&s_slow_us));
    if (fail != 0) {
        errno = fail;
        return -1;
    }
    return (int) syscall(SYS_fdatasync, fd);
}

static int
setup(void **state)
{
    atomic_store(&s_fail, 0);
    atomic_store(&s_slow_us, 0);
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup(state);
}

static int
teardown(void **state)
{
    atomic_store(&s_fail, 0);
    row_state_release(&s.rows);
    return room_teardown(state);
}

static void
begin(void)
{
    room_begin(&s, HOST, "web", 3);
    fake_row(&s, RECORD_KEY, T0, 3, 1);
    room_give(&s);
}

static void
after_an_error_of_a_sync_nothing_is_acknowledged_any_more(void **state)
{
    const int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;
    uint32_t series;
    int rc = 0;

    (void) state;
    begin();
    room.acks = 0;
    atomic_store(&s_fail, EIO);
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 2);
    ingest_frame(room.ingest, s.frame, s.len, room.now);
    ingest_flush(room.ingest, room.now);
    while (rc == 0 && clock_mono_ms() < until) {
        struct pollfd on = { .fd = journal_fd(room.journal), .events = POLLIN };

        poll(&on, 1, 100);
        rc = ingest_committed(room.ingest, room.now);
    }
    assert_int_equal(rc, -EIO);
    // Not even if the disk says that all is well again: what it has is not known.
    atomic_store(&s_fail, 0);
    fake_row(&s, RECORD_DELTA, T0 + 2000, 3, 3);
    room_give(&s);
    assert_int_equal(room.acks, 0);
    assert_int_equal(room_samples("m_0", &series), 1);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 3);
}

static void
what_is_staged_while_a_group_is_at_the_disk_is_the_next_group(void **state)
{
    int64_t commits;

    (void) state;
    begin();
    commits = selfstat_value(STAT_JOURNAL_COMMITS);
    atomic_store(&s_slow_us, 50000);
    for (int i = 1; i <= 100; i++) {
        fake_row(&s, RECORD_DELTA, T0 + 1000 * i, 3, i);
        ingest_frame(room.ingest, s.frame, s.len, room.now);
        ingest_flush(room.ingest, room.now);
    }
    room_settle();
    assert_int_equal(room.ack.next, 103);
    assert_int_equal(selfstat_value(STAT_JOURNAL_COMMITS) - commits, 2);
}

static void
what_was_submitted_is_committed_at_the_end(void **state)
{
    (void) state;
    begin();
    fake_row(&s, RECORD_DELTA, T0 + 1000, 3, 2);
    ingest_frame(room.ingest, s.frame, s.len, room.now);
    ingest_flush(room.ingest, room.now);
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    room_open_journal(1000);
    room_go_live();
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, 4);
}

// Of the journal: what memory holds is gone.
static replay_t *
start_over(void)
{
    replay_t *replay;

    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    store_destroy(&room.store);
    assert_int_equal(local_store_new(&room.local, 16u << 20), 0);
    room.store = local_store_face(room.local);
    room_open_journal(1000);
    assert_int_equal(replay_start(&replay,
                                  &(struct replay_options){
                                      .dir = room.dir,
                                      .owner = ROOM_COLLECTOR,
                                      .end = journal_end(room.journal),
                                      .lanes = journal_lanes(room.journal),
                                      .oldest = journal_oldest(room.journal),
                                      .applier = room.applier,
                                  }),
                     0);
    return replay;
}

static void
read_back(void)
{
    replay_t *replay = start_over();

    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    replay_stop(&replay);
    room_go_live();
}

static void
a_replay_fills_the_store_with_what_the_journal_held(void **state)
{
    uint32_t series;

    (void) state;
    begin();
    for (int i = 1; i <= 100; i++) {
        fake_row(&s, i % 10 == 0 ? RECORD_KEY : RECORD_DELTA, T0 + 1000 * i, 3, i);
        room.now.real_ms = T0 + 1000 * i;
        room_give(&s);
    }
    read_back();
    assert_int_equal(room_samples("{__name__=\"m_0\",instance=\"web\"}", &series), 101);
    assert_int_equal(selfstat_value(STAT_REPLAYED), 103); // an IDENT and a TABLE too
    // And the stream goes on, without a KEY.
    room_hello(HOST, 1, "web", STREAM);
    fake_row(&s, RECORD_DELTA, T0 + 101000, 3, 7);
    room_give(&s);
    assert_int_equal(room_samples("m_0", &series), 102);
    assert_int_equal(room.naks, 0);
}

// Who asks waits for it: it was acknowledged before the question.
static void
what_came_while_the_journal_was_read_is_waited_for_too(void **state)
{
    replay_t *replay;

    (void) state;
    begin();
    replay = start_over();
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    assert_false(replay_await_all(replay, clock_mono_ms()));
    replay_caught_up(replay);
    assert_true(replay_await_all(replay, clock_mono_ms()));
    assert_true(replay_await_all(replay, clock_mono_ms() + ROOM_DEADLINE_MS)); // for ever
    replay_stop(&replay);
    room_go_live();
}

// A series that was defined in what is lost is known by a TABLE that was only repeated: without it
// in the journal, a start would find its samples and no name for them.
static void
definitions_that_a_gap_took_are_in_the_journal_once_they_are_repeated(void **state)
{
    struct gap gap = { .to = 9, .samples = 30, .cause = GAP_DISK_FULL };
    uint8_t body[32];
    uint32_t series;
    struct wbuf w;

    (void) state;
    begin();
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    fake_record(&s, RECORD_GAP, 0, T0 + 1000, body, (size_t) wbuf_finish(&w));
    room_give(&s);
    s.seq = 10;
    s.total += 30;
    fake_row(&s, RECORD_KEY, T0 + 10000, 5, 1);
    room_give(&s);
    assert_int_equal(room.naks, 1);
    // What its agent repeats then.
    s.flags = FRAME_REPEAT;
    s.seq = 10;
    fake_table(&s, 5);
    room_give(&s);
    s.seq = 10;
    s.total -= 5;
    fake_row(&s, RECORD_KEY, T0 + 10000, 5, 1);
    room_give(&s);
    s.flags = 0;
    fake_row(&s, RECORD_DELTA, T0 + 11000, 5, 2);
    room_give(&s);
    fake_row(&s, RECORD_KEY, T0 + 12000, 5, 3);
    room_give(&s);
    assert_int_equal(room_samples("m_4", &series), 2);
    for (int starts = 0; starts < 2; starts++) {
        read_back();
        assert_int_equal(room_samples("m_4", &series), 2);
        assert_int_equal(room_samples("m_0", &series), 4);
    }
}

int
main(void)
{
#define room_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        room_test(after_an_error_of_a_sync_nothing_is_acknowledged_any_more),
        room_test(what_is_staged_while_a_group_is_at_the_disk_is_the_next_group),
        room_test(what_was_submitted_is_committed_at_the_end),
        room_test(a_replay_fills_the_store_with_what_the_journal_held),
        room_test(what_came_while_the_journal_was_read_is_waited_for_too),
        room_test(definitions_that_a_gap_took_are_in_the_journal_once_they_are_repeated),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}

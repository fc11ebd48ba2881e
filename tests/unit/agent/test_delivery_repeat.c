// test_delivery_repeat - where delivery goes on from, and what goes ahead of that: repeats, behind
// gaps, and the beginnings of forks.

#include "tests/unit/agent/delivery_bed.h"

static void
a_nak_sends_again_from_there_behind_table_and_key(void **state)
{
    static const uint64_t seqs[] = { 10, 10, 11, 12, 13, 14 };

    (void) state;
    open_with(0, 0);
    made(15);
    written();
    welcome(0, UINT64_MAX, 0);
    turn();
    nak(NAK_NEXT, LIVE, 13);
    assert_int_equal(turn(), 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(t.sent[i].seq, seqs[i]);
        assert_int_equal(t.sent[i].flags, i < 4 ? FRAME_REPEAT : 0);
    }
    assert_int_equal(t.sent[0].type, RECORD_TABLE);
    assert_int_equal(t.sent[1].type, RECORD_KEY);
    assert_int_equal(t.keys, 0);
    nak(NAK_KEY, LIVE, 13);
    assert_int_equal(t.keys, 1);
    assert_int_equal(turn(), 6); // the repeat alone
    assert_int_equal(t.sent[5].flags, FRAME_REPEAT);
}

static void
what_a_collector_has_of_the_stream_is_compared(void **state)
{
    (void) state;
    for (int same = 0; same < 2; same++) {
        open_with(1, 30);
        welcome_one(1, 20, crc_of(1, 19) + (same == 0));
        turn();
        assert_int_equal(t.forked, same == 0);
        if (same == 1) {
            assert_int_equal(t.acked, 20);
            assert_int_equal(t.sent[t.n_sent - 1].seq, 29);
            assert_int_equal(t.sent[0].type, RECORD_TABLE);
        } else {
            assert_int_equal(t.acked, 0);
            assert_true(delivery_hello_due(t.delivery));
            welcome(0, UINT64_MAX, 0);
            assert_int_equal(turn(), 30);
            assert_int_equal(t.sent[0].stream, 5001);
            assert_int_equal(t.sent[29].seq, 29);
            ack(5001, 30, UINT64_MAX);
            assert_int_equal(t.acked_stream, 1);
            assert_int_equal(delivery_stat(t.delivery).backlog, 0);
        }
        delivery_destroy(&t.delivery);
    }
}

// How many samples are before a record stands in that record: where it is lost, others know.
static void
samples_before_what_is_wanted_are_known_where_they_can_be(void **state)
{
    (void) state;
    for (int says = 0; says < 2; says++) {
        const uint64_t total = says == 0 ? DELIVERY_TOTAL_UNKNOWN : 42 * COUNT;

        open_with(1, 100);
        t.says = says == 1;
        welcome_one(1, 42, crc_of(1, 41));
        assert_int_equal(t.n_asked, 1);
        assert_int_equal(t.asked[0].from, 42);
        assert_int_equal(t.asked[0].total, total);
        t.n_asked = 0; // the record that would be compared is lost
        delivery_read_end(t.delivery, 1, false, t.now_ms);
        assert_int_equal(t.acked, 42);
        assert_int_equal(t.acked_total, total);
        turn();
        nak(NAK_NEXT, 1, 50); // it was sent, so it is known
        assert_int_equal(t.asked[0].from, 50);
        assert_int_equal(t.asked[0].total, 50 * COUNT);
        ack(1, 55, UINT64_MAX); // what was sent before is forgotten
        assert_int_equal(t.acked, 55);
        assert_int_equal(t.acked_total, says == 0 ? DELIVERY_TOTAL_UNKNOWN : 55 * COUNT);
        delivery_destroy(&t.delivery);
    }
}

static void
a_stream_that_forks_behind_its_base_brings_table_and_key_along(void **state)
{
    (void) state;
    open_with(1, 30);
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(1, 15, UINT64_MAX);
    delivery_gone(t.delivery);
    welcome(31, UINT64_MAX, 0);    // more than was ever made
    assert_int_equal(t.forked, 2); // and so of the live one, which is closed
    assert_int_equal(t.closed, 1);
    welcome(0, UINT64_MAX, 0);
    t.now_ms += 1000;
    turn();
    // TABLE, then the KEY before 15 and what follows, numbered from 0.
    assert_int_equal(t.sent[0].type, RECORD_TABLE);
    for (unsigned i = 0; i < 21; i++) {
        assert_int_equal(t.sent[i].stream, 5001);
        assert_int_equal(t.sent[i].seq, i);
        assert_int_equal(t.sent[i].flags, FRAME_BACKLOG);
    }
    assert_int_equal(t.sent[1].type, RECORD_KEY);
    ack(5001, 3, UINT64_MAX); // of what had been acknowledged before
    assert_int_equal(t.acked, 15);
    ack(5001, 21, UINT64_MAX);
    assert_int_equal(t.acked, 30);
}

// What is lost may have defined what comes behind it: the TABLE that its segment begins with.
static void
behind_a_gap_the_table_goes_ahead(void **state)
{
    unsigned at = 0;

    (void) state;
    open_with(1, 30);
    t.gap_from = 5;
    t.gap_to = 19;
    welcome(0, UINT64_MAX, 0);
    turn();
    for (; at < 5; at++)
        assert_int_equal(t.sent[at].seq, at);
    assert_int_equal(t.sent[at].type, RECORD_GAP);
    assert_int_equal(t.sent[at++].seq, 5);
    assert_int_equal(t.sent[at].type, RECORD_TABLE);
    assert_int_equal(t.sent[at].flags, FRAME_BACKLOG | FRAME_REPEAT);
    assert_int_equal(t.sent[at++].seq, 20);
    for (uint64_t seq = 20; seq < 30; seq++, at++) {
        assert_int_equal(t.sent[at].seq, seq);
        assert_int_equal(t.sent[at].flags, FRAME_BACKLOG);
    }
    assert_int_equal(t.n_sent, at);
    assert_int_equal(delivery_stat(t.delivery).rewinds, 2); // of the two WELCOMEs: none more
    ack(1, 30, UINT64_MAX);
    assert_int_equal(t.acked, 30);
}

static void
what_is_wanted_from_right_behind_a_gap_has_its_table_too(void **state)
{
    (void) state;
    open_with(1, 30);
    t.gap_from = 5;
    t.gap_to = 19;
    welcome(20, UINT64_MAX, 0);
    turn();
    assert_int_equal(t.sent[0].type, RECORD_TABLE);
    assert_int_equal(t.sent[0].seq, 20);
    assert_int_equal(t.sent[0].flags, FRAME_BACKLOG | FRAME_REPEAT);
    assert_int_equal(t.sent[1].seq, 20);
    assert_int_equal(t.sent[1].flags, FRAME_BACKLOG);
    ack(1, 30, UINT64_MAX);
    assert_int_equal(t.acked, 30);
}

// A collector takes no seq behind one that never comes.
static void
what_is_lost_of_the_beginning_of_a_fork_is_a_gap(void **state)
{
    (void) state;
    open_with(1, 30);
    t.gap_from = 13;
    t.gap_to = 16;
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(1, 19, UINT64_MAX);
    delivery_gone(t.delivery);
    welcome(31, UINT64_MAX, 0);
    welcome(0, UINT64_MAX, 0);
    t.now_ms += 1000;
    turn();
    // TABLE, KEY 10, 11, 12, GAP 13 to 16, 17 and so on.
    for (unsigned i = 0, seq = 0; i < 18; i++) {
        const bool gap = i == 4;

        assert_int_equal(t.sent[i].stream, 5001);
        assert_int_equal(t.sent[i].seq, seq);
        assert_int_equal(t.sent[i].flags, FRAME_BACKLOG);
        assert_int_equal(t.sent[i].type == RECORD_GAP, gap);
        if (gap)
            assert_int_equal(t.sent[i].to, seq + 3);
        seq += gap ? 4 : 1;
    }
    ack(5001, 21, UINT64_MAX);
    assert_int_equal(t.acked, 30);
}

// Its numbers stand once they are made: what is said of it meanwhile is about them.
static void
a_fork_that_is_sent_again_is_known_by_its_numbers(void **state)
{
    (void) state;
    open_with(1, 30);
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(1, 15, UINT64_MAX);
    delivery_gone(t.delivery);
    welcome(31, UINT64_MAX, 0);
    welcome(0, UINT64_MAX, 0);
    t.now_ms += 1000;
    turn();
    nak(NAK_NEXT, 5001, 2); // from its beginning again, which is asked for
    ack(5001, 21, UINT64_MAX);
    assert_int_equal(t.acked, 30);
    assert_int_equal(delivery_stat(t.delivery).nonsense, 0);
}

static void
what_a_collector_lost_is_told_once(void **state)
{
    (void) state;
    open_with(0, 0);
    made(20);
    written();
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(LIVE, 15, UINT64_MAX);
    for (int i = 0; i < 2; i++) {
        delivery_gone(t.delivery);
        welcome(5, UINT64_MAX, 0);
        assert_int_equal(delivery_sums(t.delivery).collector_lost, 100 + 10 * COUNT);
        assert_true(turn() > 0);
        assert_int_equal(t.sent[t.n_sent - 1].base, 15); // above what it wants: it says so too
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        delivery_claim(a_nak_sends_again_from_there_behind_table_and_key),
        delivery_claim(what_a_collector_has_of_the_stream_is_compared),
        delivery_claim(samples_before_what_is_wanted_are_known_where_they_can_be),
        delivery_claim(a_stream_that_forks_behind_its_base_brings_table_and_key_along),
        delivery_claim(behind_a_gap_the_table_goes_ahead),
        delivery_claim(what_is_wanted_from_right_behind_a_gap_has_its_table_too),
        delivery_claim(what_is_lost_of_the_beginning_of_a_fork_is_a_gap),
        delivery_claim(a_fork_that_is_sent_again_is_known_by_its_numbers),
        delivery_claim(what_a_collector_lost_is_told_once),
    };

    return cmocka_run_group_tests_name("delivery_repeat", tests, NULL, NULL);
}

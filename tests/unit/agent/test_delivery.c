// test_delivery - what is sent when, claim by claim. Chance is tested in test_delivery_model.c.
// More than 500 lines: one script for all claims.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/delivery.h"
#include "shared/base/crc32c.h"

#define LIVE      UINT64_C(1000)
#define COLLECTOR UINT64_C(77)
#define SENT_MAX  4096
#define KEY_EVERY 10u
#define COUNT     2u // samples of a record
#define BODY      100u
#define RATE      100000u // bytes a second, of backlog

struct sent {
    uint64_t stream, seq, base;
    uint8_t type, flags;
};

// A delivery, and a spool that holds each record it is asked for below `heads`: all streams are
// made alike.
static struct {
    delivery_t *delivery;
    struct sent sent[SENT_MAX];
    unsigned n_sent;
    bool full; // the socket takes nothing
    uint64_t live;
    uint64_t seq; // of the live stream, next
    uint64_t acked, acked_stream;
    struct {
        uint64_t stream, from;
        size_t bytes;
        bool repeat;
    } asked[64];
    unsigned n_asked;
    unsigned closed, forked, keys;
    uint64_t heads[128]; // of streams 1 to 127
    int64_t now_ms;
} t;

static struct record
record_of(uint64_t stream, uint64_t seq)
{
    static uint8_t body[BODY];

    memset(body, (int) seq, sizeof body);
    return (struct record){ .type = seq % KEY_EVERY == 0 ? RECORD_KEY : RECORD_DELTA,
                            .count = COUNT,
                            .stream = stream,
                            .seq = seq,
                            .total = seq * COUNT,
                            .body = body,
                            .body_len = sizeof body };
}

static uint32_t
crc_of(uint64_t stream, uint64_t seq)
{
    const struct record record = record_of(stream, seq);
    uint8_t bytes[FRAME_RECORD_HEADER + BODY];
    uint32_t crc;

    assert_true(frame_put_record(bytes, sizeof bytes, &record) > 0);
    memcpy(&crc, bytes + 4, sizeof crc);
    return crc;
}

static bool
send(void *arg, const void *frame, size_t n)
{
    struct frame_prefix prefix;
    struct record record;

    (void) arg;
    if (t.full)
        return false;
    assert_int_equal(frame_take(&prefix, &record, frame, n), 0);
    assert_true(t.n_sent < SENT_MAX);
    t.sent[t.n_sent++] = (struct sent){ record.stream, record.seq, prefix.base, record.type,
                                        prefix.flags };
    return true;
}

static void
want(void *arg, uint64_t stream, uint64_t from, size_t bytes, bool repeat)
{
    (void) arg;
    assert_true(t.n_asked < 64);
    t.asked[t.n_asked].stream = stream;
    t.asked[t.n_asked].from = from;
    t.asked[t.n_asked].bytes = bytes;
    t.asked[t.n_asked++].repeat = repeat;
}

static void
acked(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    (void) arg;
    assert_int_equal(collector, COLLECTOR);
    assert_true(total == DELIVERY_TOTAL_UNKNOWN || total == next * COUNT);
    t.acked_stream = stream;
    t.acked = next;
}

static void
table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    struct record record = *ahead_of;

    (void) arg;
    assert_int_equal(slots, 3);
    record.type = RECORD_TABLE;
    record.count = 0;
    record.body_len = 0;
    delivery_table(t.delivery, &record);
}

static void
key(void *arg)
{
    (void) arg;
    t.keys++;
}

static void
made(uint64_t n)
{
    for (; n > 0; n--) {
        const struct record record = record_of(t.live, t.seq++);

        delivery_produced(t.delivery, &record, 3, t.now_ms);
    }
}

static void
written(void)
{
    delivery_written(t.delivery, t.live, t.seq);
}

static void
close_live(void *arg)
{
    (void) arg;
    t.closed++;
    made(1);
    written();
    t.live++;
    t.seq = 0;
    delivery_open(t.delivery, t.live);
}

static uint64_t
forked(void *arg, uint64_t stream)
{
    (void) arg;
    t.forked++;
    return stream + 5000;
}

static void
answer(void)
{
    while (t.n_asked > 0) {
        const uint64_t stream = t.asked[0].stream, from = t.asked[0].from;
        const uint64_t head = stream < 128 ? t.heads[stream] : UINT64_MAX;
        size_t bytes = t.asked[0].bytes;
        const bool repeat = t.asked[0].repeat;

        memmove(&t.asked[0], &t.asked[1], --t.n_asked * sizeof t.asked[0]);
        for (uint64_t seq = repeat && from > 0 ? (from - 1) / KEY_EVERY * KEY_EVERY : from;
             seq < head && bytes >= FRAME_RECORD_HEADER + BODY; seq++) {
            struct record record = record_of(stream, seq);

            if (seq < from && seq % KEY_EVERY == 0) {
                record.type = RECORD_TABLE;
                delivery_read(t.delivery, stream, &record, true);
                record.type = RECORD_KEY;
            }
            delivery_read(t.delivery, stream, &record, seq < from);
            bytes -= seq < from ? 0 : FRAME_RECORD_HEADER + BODY;
        }
        delivery_read_end(t.delivery, stream, false, t.now_ms);
    }
}

static void
open_with(unsigned backlog, uint64_t head)
{
    const struct delivery_options opt = { .memory = 1 << 20, .backlog_rate = RATE };
    const struct delivery_handler handler = { .send = send,
                                              .want = want,
                                              .acked = acked,
                                              .table = table,
                                              .key = key,
                                              .close_live = close_live,
                                              .forked = forked };
    const struct delivery_sums sums = { .collector_lost = 100 };

    memset(&t, 0, sizeof t);
    t.now_ms = 1000;
    t.live = LIVE;
    t.delivery = delivery_new(&opt, &handler, &sums);
    for (uint64_t i = 1; i <= backlog; i++) {
        struct delivery_found found = { .stream = i, .head = head, .head_total = head * COUNT };

        t.heads[i] = head;
        delivery_found(t.delivery, &found);
    }
    delivery_open(t.delivery, LIVE);
}

static int
teardown(void **state)
{
    (void) state;
    delivery_destroy(&t.delivery);
    return 0;
}

// Names all streams of HELLO, each wanted from `next` on.
static void
welcome(uint64_t next, uint64_t limit, uint32_t crc)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct welcome welcome = { .collector = COLLECTOR, .epoch = 1 };
    uint64_t collector;

    welcome.n_streams = delivery_hello(t.delivery, streams, &collector);
    for (uint32_t i = 0; i < welcome.n_streams; i++)
        welcome.streams[i] = (struct welcome_stream){ streams[i].stream, next, crc, limit };
    delivery_welcome(t.delivery, &welcome, t.now_ms);
}

static void
welcome_one(uint64_t stream, uint64_t next, uint32_t crc)
{
    struct welcome welcome = { .collector = COLLECTOR, .epoch = 1, .n_streams = 1 };

    welcome.streams[0] = (struct welcome_stream){ stream, next, crc, UINT64_MAX };
    delivery_welcome(t.delivery, &welcome, t.now_ms);
}

static void
ack(uint64_t stream, uint64_t next, uint64_t limit)
{
    const struct ack told = { .stream = stream, .next = next, .limit = limit };

    delivery_ack(t.delivery, &told, t.now_ms);
}

static void
nak(uint8_t reason, uint64_t stream, uint64_t next)
{
    const struct nak told = { .reason = reason, .stream = stream, .next = next };

    delivery_nak(t.delivery, &told, t.now_ms);
}

// Turns until nothing more is sent; what came before is forgotten.
static unsigned
turn(void)
{
    unsigned before;

    t.n_sent = 0;
    do {
        before = t.n_sent;
        answer();
        delivery_turn(t.delivery, t.now_ms, 1000);
    } while (t.n_sent > before || t.n_asked > 0);
    return t.n_sent;
}

static void
nothing_is_sent_before_welcome(void **state)
{
    (void) state;
    open_with(2, 30);
    made(5);
    written();
    assert_int_equal(turn(), 0);
    assert_false(delivery_has(t.delivery, t.now_ms));
    welcome(0, UINT64_MAX, 0);
    assert_true(turn() > 0);
    delivery_gone(t.delivery);
    made(1);
    written();
    assert_int_equal(turn(), 0);
}

static void
the_live_stream_goes_first_and_the_rest_as_backlog_oldest_first(void **state)
{
    unsigned i = 0;

    (void) state;
    open_with(2, 30);
    made(5);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(turn(), 65);
    for (; i < 5; i++) {
        assert_int_equal(t.sent[i].stream, LIVE);
        assert_int_equal(t.sent[i].seq, i);
        assert_int_equal(t.sent[i].flags, 0);
    }
    for (; i < 65; i++) {
        assert_int_equal(t.sent[i].stream, i < 35 ? 1 : 2);
        assert_int_equal(t.sent[i].seq, (i - 5) % 30);
        assert_int_equal(t.sent[i].flags, FRAME_BACKLOG);
    }
}

static void
what_the_socket_does_not_take_is_sent_later(void **state)
{
    (void) state;
    open_with(0, 0);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    t.full = true;
    assert_false(delivery_turn(t.delivery, t.now_ms, 100));
    assert_true(delivery_has(t.delivery, t.now_ms));
    t.full = false;
    assert_int_equal(turn(), 3);
    assert_false(delivery_has(t.delivery, t.now_ms));
}

static void
credit_is_kept_and_only_a_full_store_takes_it_back(void **state)
{
    (void) state;
    open_with(0, 0);
    made(20);
    written();
    welcome(0, 5, 0);
    assert_int_equal(turn(), 5);
    assert_true(delivery_wants_ack(t.delivery));
    ack(LIVE, 2, 8);
    assert_int_equal(turn(), 3);
    ack(LIVE, 3, 6); // older than what was said
    assert_int_equal(turn(), 0);
    nak(NAK_STORAGE, LIVE, 4);
    // The TABLE and what is below 4, to be read on from there; nothing above.
    for (unsigned i = 0, n = turn(); i < n; i++)
        assert_int_equal(t.sent[i].flags, FRAME_REPEAT);
    ack(LIVE, 4, 10);
    assert_int_equal(turn(), 6);
    assert_int_equal(t.sent[0].seq, 4);
}

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
an_ended_stream_that_is_acknowledged_is_over(void **state)
{
    (void) state;
    open_with(1, 30);
    welcome(0, UINT64_MAX, 0);
    turn();
    assert_int_equal(delivery_stat(t.delivery).backlog, 1);
    assert_int_equal(delivery_stat(t.delivery).flight, 30 * (BODY + 60));
    ack(1, 29, UINT64_MAX);
    assert_int_equal(delivery_stat(t.delivery).backlog, 1);
    assert_int_equal(delivery_stat(t.delivery).flight, BODY + 60);
    ack(1, 30, UINT64_MAX);
    assert_int_equal(t.acked_stream, 1);
    assert_int_equal(t.acked, 30);
    assert_int_equal(delivery_stat(t.delivery).backlog, 0);
    ack(1, 30, UINT64_MAX); // again, late
    assert_int_equal(delivery_stat(t.delivery).nonsense, 0);
}

static void
with_more_than_256_waiting_the_live_stream_becomes_backlog(void **state)
{
    (void) state;
    open_with(0, 0);
    made(256);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 0);
    delivery_gone(t.delivery);
    made(1);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 1);
    assert_true(delivery_hello_due(t.delivery)); // the new one is not named yet
    made(2);
    written();
    turn();
    assert_int_equal(t.sent[0].stream, LIVE);
    assert_int_equal(t.sent[0].flags, FRAME_BACKLOG);
    welcome(0, UINT64_MAX, 0);
    assert_false(delivery_hello_due(t.delivery));
    turn();
    assert_int_equal(t.sent[0].stream, LIVE + 1);
    assert_int_equal(t.sent[0].flags, 0);
}

static void
with_32_streams_of_backlog_the_live_one_goes_in_order(void **state)
{
    (void) state;
    open_with(32, 1);
    made(300);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(t.closed, 0);
    turn();
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(t.sent[i].seq, i);
    assert_int_equal(t.n_sent, 300 + 32); // the last 44 had to be read
    assert_int_equal(t.closed, 0);
    ack(LIVE, 300, UINT64_MAX);
    made(1);
    written();
    assert_int_equal(turn(), 1); // from memory again
}

static void
hello_names_the_oldest_32_and_the_live_one(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    uint64_t collector;

    (void) state;
    open_with(40, 3);
    made(7);
    assert_int_equal(delivery_hello(t.delivery, streams, &collector), 33);
    assert_int_equal(streams[0].stream, 1);
    assert_int_equal(streams[31].stream, 32);
    assert_int_equal(streams[32].stream, LIVE);
    assert_int_equal(streams[32].head, 7);
    assert_int_equal(collector, 0);
    welcome(0, UINT64_MAX, 0);
    turn();
    assert_false(delivery_hello_due(t.delivery));
    ack(1, 3, UINT64_MAX); // it is over: another may be named
    assert_true(delivery_hello_due(t.delivery));
    assert_int_equal(delivery_hello(t.delivery, streams, &collector), 33);
    assert_int_equal(streams[31].stream, 33);
    assert_int_equal(collector, COLLECTOR);
}

// Frames of so many turns, 50 ms apart.
static unsigned
turns(unsigned n)
{
    unsigned sent = 0;

    for (; n > 0; n--) {
        t.now_ms += 50;
        sent += turn();
    }
    return sent;
}

static void
backlog_keeps_its_rate_and_what_is_in_flight(void **state)
{
    const unsigned frame = BODY + 60;
    const unsigned saved = RATE / 8;
    unsigned n;

    (void) state;
    open_with(1, 4000);
    welcome(0, UINT64_MAX, 0);
    n = turn();
    assert_in_range(n * frame, saved, saved + frame);
    assert_int_equal(turn(), 0); // within its rate
    assert_true(delivery_wait_ms(t.delivery, t.now_ms) > 0);
    n += turns(20);
    assert_in_range(n * frame, RATE, RATE + saved + frame);
    n += turns(20); // nothing is acknowledged
    assert_in_range(n * frame, DELIVERY_FLIGHT, DELIVERY_FLIGHT + frame);
    t.now_ms += 60000;
    ack(1, n, UINT64_MAX);
    n = turn(); // and nothing saved, however long it had to wait
    assert_in_range(n * frame, saved, saved + frame);
}

static void
a_record_waits_for_the_spool_100_ms(void **state)
{
    (void) state;
    open_with(0, 0);
    welcome(0, UINT64_MAX, 0);
    made(1);
    assert_int_equal(turn(), 0);
    assert_int_equal(delivery_wait_ms(t.delivery, t.now_ms), 100);
    t.now_ms += 99;
    assert_int_equal(turn(), 0);
    t.now_ms += 1;
    assert_int_equal(turn(), 1);
    assert_int_equal(delivery_stat(t.delivery).unspooled, 1);
    made(1);
    written();
    assert_int_equal(turn(), 1);
    assert_int_equal(delivery_stat(t.delivery).unspooled, 1);
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

static void
without_an_ack_all_is_sent_again_less_and_less_often(void **state)
{
    unsigned rounds = 0;

    (void) state;
    open_with(0, 0);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    assert_int_equal(turn(), 3);
    for (int s = 0; s < 120; s++) {
        t.now_ms += 1000;
        rounds += turn() == 3;
    }
    assert_in_range(rounds, 3, 6); // after 5, 10, 20, 40, 60 s
    ack(LIVE, 3, UINT64_MAX);
    t.now_ms += 100000;
    assert_int_equal(turn(), 0);
    assert_int_equal(delivery_stat(t.delivery).timeouts, rounds);
}

static void
numbers_that_nobody_can_know_change_nothing(void **state)
{
    (void) state;
    open_with(1, 10);
    made(3);
    written();
    welcome(0, UINT64_MAX, 0);
    turn();
    ack(LIVE, 4, 5);
    ack(LIVE, UINT64_MAX, 5);
    nak(NAK_NEXT, 1, 11);
    ack(99, 1, 1);
    nak(NAK_KEY, 99, 1);
    nak(200, LIVE, 1);
    assert_int_equal(delivery_stat(t.delivery).nonsense, 3);
    assert_int_equal(turn(), 0);
    assert_int_equal(t.acked, 0);
}

#define delivery_claim(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        delivery_claim(nothing_is_sent_before_welcome),
        delivery_claim(the_live_stream_goes_first_and_the_rest_as_backlog_oldest_first),
        delivery_claim(what_the_socket_does_not_take_is_sent_later),
        delivery_claim(credit_is_kept_and_only_a_full_store_takes_it_back),
        delivery_claim(a_nak_sends_again_from_there_behind_table_and_key),
        delivery_claim(an_ended_stream_that_is_acknowledged_is_over),
        delivery_claim(with_more_than_256_waiting_the_live_stream_becomes_backlog),
        delivery_claim(with_32_streams_of_backlog_the_live_one_goes_in_order),
        delivery_claim(hello_names_the_oldest_32_and_the_live_one),
        delivery_claim(backlog_keeps_its_rate_and_what_is_in_flight),
        delivery_claim(a_record_waits_for_the_spool_100_ms),
        delivery_claim(what_a_collector_has_of_the_stream_is_compared),
        delivery_claim(a_stream_that_forks_behind_its_base_brings_table_and_key_along),
        delivery_claim(what_a_collector_lost_is_told_once),
        delivery_claim(without_an_ack_all_is_sent_again_less_and_less_often),
        delivery_claim(numbers_that_nobody_can_know_change_nothing),
    };

    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}

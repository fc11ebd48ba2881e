// delivery_bed - a delivery, a spool that holds what it is asked for, and what was sent.

#ifndef TESTS_UNIT_AGENT_DELIVERY_BED_H
#define TESTS_UNIT_AGENT_DELIVERY_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/delivery.h"
#include "shared/base/crc32c.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define LIVE      UINT64_C(1000)
#define COLLECTOR UINT64_C(77)
#define SENT_MAX  4096
#define KEY_EVERY 10u
#define COUNT     2u // samples of a record
#define BODY      100u
#define RATE      100000u // bytes a second, of backlog

struct sent {
    uint64_t stream, seq, base;
    uint64_t to; // of a GAP
    uint8_t type, flags;
};

// A delivery, and a spool that holds each record it is asked for below `heads`: all streams are
// made alike.
static struct {
    delivery_t *delivery;
    struct sent sent[SENT_MAX];
    unsigned n_sent;
    bool full; // the socket takes nothing
    bool says; // the collector says how many samples it has
    uint64_t live;
    uint64_t seq; // of the live stream, next
    uint64_t acked, acked_stream, acked_total;
    struct {
        uint64_t stream, from;
        uint64_t total;
        size_t bytes;
        bool repeat;
    } asked[64];
    unsigned n_asked;
    unsigned closed, forked, keys;
    uint64_t heads[128];       // of streams 1 to 127
    uint64_t gap_from, gap_to; // of each, lost; 0: nothing is. Behind it a segment begins
    int64_t now_ms;
} t;

static inline struct record
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

static inline uint32_t
crc_of(uint64_t stream, uint64_t seq)
{
    const struct record record = record_of(stream, seq);
    uint8_t bytes[FRAME_RECORD_HEADER + BODY];
    uint32_t crc;

    assert_true(frame_put_record(bytes, sizeof bytes, &record) > 0);
    memcpy(&crc, bytes + 4, sizeof crc);
    return crc;
}

static inline bool
send(void *arg, const void *frame, size_t n)
{
    struct frame_prefix prefix;
    struct record record;

    (void) arg;
    if (t.full)
        return false;
    assert_int_equal(frame_take(&prefix, &record, frame, n), 0);
    assert_true(t.n_sent < SENT_MAX);
    t.sent[t.n_sent] = (struct sent){ .stream = record.stream,
                                      .seq = record.seq,
                                      .base = prefix.base,
                                      .type = record.type,
                                      .flags = prefix.flags };
    if (record.type == RECORD_GAP) {
        struct gap gap;
        struct rbuf r;

        rbuf_init(&r, record.body, record.body_len);
        assert_int_equal(gap_take(&r, &gap), 0);
        t.sent[t.n_sent].to = gap.to;
    }
    t.n_sent++;
    return true;
}

static inline void
want(void *arg, uint64_t stream, uint64_t from, uint64_t total, size_t bytes, bool repeat)
{
    (void) arg;
    assert_true(total == DELIVERY_TOTAL_UNKNOWN || total == from * COUNT);
    assert_true(t.n_asked < 64);
    t.asked[t.n_asked].stream = stream;
    t.asked[t.n_asked].from = from;
    t.asked[t.n_asked].total = total;
    t.asked[t.n_asked].bytes = bytes;
    t.asked[t.n_asked++].repeat = repeat;
}

static inline void
acked(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    (void) arg;
    assert_int_equal(collector, COLLECTOR);
    assert_true(total == DELIVERY_TOTAL_UNKNOWN || total == next * COUNT);
    t.acked_stream = stream;
    t.acked = next;
    t.acked_total = total;
}

static inline void
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

static inline void
key(void *arg)
{
    (void) arg;
    t.keys++;
}

static inline void
made(uint64_t n)
{
    for (; n > 0; n--) {
        const struct record record = record_of(t.live, t.seq++);

        delivery_produced(t.delivery, &record, 3, t.now_ms);
    }
}

static inline void
written(void)
{
    delivery_written(t.delivery, t.live, t.seq);
}

static inline void
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

static inline uint64_t
forked(void *arg, uint64_t stream)
{
    (void) arg;
    t.forked++;
    return stream + 5000;
}

static inline void
give_gap(uint64_t stream)
{
    const struct gap gap = { .to = t.gap_to,
                             .samples = (t.gap_to + 1 - t.gap_from) * COUNT,
                             .cause = GAP_DISK_FULL };
    struct record record = record_of(stream, t.gap_from);
    uint8_t body[32];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    record.type = RECORD_GAP;
    record.count = 0;
    record.body = body;
    record.body_len = (uint32_t) wbuf_finish(&w);
    delivery_read(t.delivery, stream, &record, false);
}

static inline void
give_table(uint64_t stream, uint64_t seq)
{
    struct record record = record_of(stream, seq);

    record.type = RECORD_TABLE;
    delivery_read(t.delivery, stream, &record, true);
}

static inline bool
is_lost(uint64_t seq)
{
    return t.gap_to > 0 && seq >= t.gap_from && seq <= t.gap_to;
}

// What a reader needs who goes on at `from`.
static inline void
answer_repeat(uint64_t stream, uint64_t from)
{
    const uint64_t key = from > 0 ? (from - 1) / KEY_EVERY * KEY_EVERY : 0;

    if (from > 0 && from == t.gap_to + 1)
        give_table(stream, from);
    for (uint64_t seq = key; seq < from && from != t.gap_to + 1; seq++) {
        struct record record = record_of(stream, seq);

        if (seq == key)
            give_table(stream, seq);
        if (!is_lost(seq))
            delivery_read(t.delivery, stream, &record, true);
    }
}

static inline void
answer(void)
{
    while (t.n_asked > 0) {
        const uint64_t stream = t.asked[0].stream, from = t.asked[0].from;
        const uint64_t head = stream < 128 ? t.heads[stream] : UINT64_MAX;
        size_t bytes = t.asked[0].bytes;
        const bool repeat = t.asked[0].repeat;

        memmove(&t.asked[0], &t.asked[1], --t.n_asked * sizeof t.asked[0]);
        if (repeat)
            answer_repeat(stream, from);
        for (uint64_t seq = from; seq < head && bytes >= FRAME_RECORD_HEADER + BODY; seq++) {
            struct record record = record_of(stream, seq);

            if (is_lost(seq)) {
                give_gap(stream);
                seq = t.gap_to;
                continue;
            }
            if (t.gap_to > 0 && seq == t.gap_to + 1 && (!repeat || seq > from))
                give_table(stream, seq);
            delivery_read(t.delivery, stream, &record, false);
            bytes -= FRAME_RECORD_HEADER + BODY;
        }
        delivery_read_end(t.delivery, stream, false, t.now_ms);
    }
}

static inline void
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

static inline int
teardown(void **state)
{
    (void) state;
    delivery_destroy(&t.delivery);
    return 0;
}

// Names all streams of HELLO, each wanted from `next` on.
static inline void
welcome(uint64_t next, uint64_t limit, uint32_t crc)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct welcome welcome = { .collector = COLLECTOR, .epoch = 1 };
    uint64_t collector;

    welcome.n_streams = delivery_hello(t.delivery, streams, &collector);
    for (uint32_t i = 0; i < welcome.n_streams; i++)
        welcome.streams[i] = (struct welcome_stream){ streams[i].stream, next, crc, limit,
                                                      t.says ? next * COUNT : 0 };
    delivery_welcome(t.delivery, &welcome, t.now_ms);
}

static inline void
welcome_one(uint64_t stream, uint64_t next, uint32_t crc)
{
    struct welcome welcome = { .collector = COLLECTOR, .epoch = 1, .n_streams = 1 };

    welcome.streams[0] = (struct welcome_stream){ stream, next, crc, UINT64_MAX,
                                                  t.says ? next * COUNT : 0 };
    delivery_welcome(t.delivery, &welcome, t.now_ms);
}

static inline void
ack(uint64_t stream, uint64_t next, uint64_t limit)
{
    const struct ack told = {
        .stream = stream, .next = next, .limit = limit, .total = t.says ? next * COUNT : 0
    };

    delivery_ack(t.delivery, &told, t.now_ms);
}

static inline void
nak(uint8_t reason, uint64_t stream, uint64_t next)
{
    const struct nak told = { .reason = reason, .stream = stream, .next = next };

    delivery_nak(t.delivery, &told, t.now_ms);
}

// Turns until nothing more is sent; what came before is forgotten.
static inline unsigned
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

#define delivery_claim(name) cmocka_unit_test_teardown(name, teardown)

#endif

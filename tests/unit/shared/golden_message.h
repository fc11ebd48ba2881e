// golden_message - the messages of control, live stream and queries that are kept for ever.

#ifndef TESTS_UNIT_SHARED_GOLDEN_MESSAGE_H
#define TESTS_UNIT_SHARED_GOLDEN_MESSAGE_H

#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/wire/control.h"
#include "shared/wire/live.h"
#include "shared/wire/query_msg.h"
#include "tests/unit/shared/golden.h"
#include "tests/unit/shared/golden_frame.h"

#define COLLECTOR UINT64_C(0xc011ec7000000001)
#define EPOCH     UINT64_C(0xe90c400000000002)

static inline void
make_control(struct buf *out, const struct control_msg *msg)
{
    uint8_t bytes[1024];
    ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    buf_bytes(out, bytes, (size_t) n);
}

static const struct ledger golden_ledger = { .produced = 1000,
                                             .acked = 900,
                                             .pending = 88,
                                             .lost = { [LOST_SPOOL_BYTES] = 12 },
                                             .elsewhere = 5,
                                             .refused = 7,
                                             .missed = { [MISSED_DOWN] = 300, [MISSED_HUNG] = 2 } };

static inline void
make_hello(struct buf *out)
{
    struct control_msg msg = { .type = CONTROL_HELLO };

    msg.hello = (struct hello){
        .id = golden_identity, .nonce = 77, .max_frame = 262144, .collector = COLLECTOR
    };
    msg.hello.n_streams = 2;
    msg.hello.streams[0] =
        (struct hello_stream){ .stream = 5, .base = 100, .head = 200, .acked_here = 90 };
    msg.hello.streams[1] = (struct hello_stream){ .stream = 6, .base = 0, .head = 1 };
    msg.hello.ledger = golden_ledger;
    make_control(out, &msg);
}

static inline void
make_welcome(struct buf *out)
{
    struct control_msg msg = { .type = CONTROL_WELCOME };

    msg.welcome = (struct welcome){
        .collector = COLLECTOR, .epoch = EPOCH, .now_ms = T0, .max_frame = 262144, .n_streams = 1
    };
    msg.welcome.streams[0] =
        (struct welcome_stream){ .stream = 6, .next = 1, .crc = 0x01020304, .limit = 500 };
    make_control(out, &msg);
}

static inline void
make_ping(struct buf *out)
{
    make_control(out,
                 &(struct control_msg){ .type = CONTROL_PING,
                                        .ping = { HOST, 77, 1, T0, -3, 250, 42, golden_ledger } });
}

static inline void
make_pong(struct buf *out)
{
    make_control(out,
                 &(struct control_msg){ .type = CONTROL_PONG, .pong = { 1, T0, T0 + 5, T0 + 6 } });
}

static inline void
make_nak(struct buf *out)
{
    make_control(out, &(struct control_msg){ .type = CONTROL_NAK, .nak = { NAK_KEY, 6, 42 } });
}

static inline void
make_ack(struct buf *out)
{
    make_control(out, &(struct control_msg){ .type = CONTROL_ACK,
                                             .ack = { .stream = 6,
                                                      .next = 42,
                                                      .limit = 500,
                                                      .stored = 400,
                                                      .elsewhere = 5,
                                                      .refused = 7 } });
}

static inline void
make_goaway(struct buf *out)
{
    make_control(out,
                 &(struct control_msg){ .type = CONTROL_GOAWAY, .goaway = { GOAWAY_NAME, 60000 } });
}

static inline void
make_bye(struct buf *out)
{
    make_control(out, &(struct control_msg){ .type = CONTROL_BYE, .bye = { HOST, 77 } });
}

static inline void
tell_ledger(struct buf *out, const struct ledger *ledger)
{
    buf_printf(out, "produced %" PRIu64 " acked %" PRIu64 " pending %" PRIu64, ledger->produced,
               ledger->acked, ledger->pending);
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        buf_printf(out, " %s %" PRIu64, lost_cause_str(i), ledger->lost[i]);
    buf_printf(out, " elsewhere %" PRIu64 " refused %" PRIu64, ledger->elsewhere, ledger->refused);
    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        buf_printf(out, " %s %" PRIu64, missed_cause_str(i), ledger->missed[i]);
    buf_byte(out, '\n');
}

static inline void
tell_hello_stream(struct buf *out, const struct hello_stream *s)
{
    buf_printf(out,
               "stream %016" PRIx64 " base %" PRIu64 " head %" PRIu64 " acked here %" PRIu64 "\n",
               s->stream, s->base, s->head, s->acked_here);
}

static inline void
tell_welcome_stream(struct buf *out, const struct welcome_stream *s)
{
    buf_printf(out, "stream %016" PRIx64 " next %" PRIu64 " crc %08" PRIx32 " limit %" PRIu64 "\n",
               s->stream, s->next, s->crc, s->limit);
}

static inline void
tell_ping(struct buf *out, const struct ping *p)
{
    buf_printf(out, "host %016" PRIx64 " nonce %" PRIu64 " n %" PRIu64 " t1 %" PRId64, p->host,
               p->nonce, p->n, p->t1_ms);
    buf_printf(out, " offset %" PRId64 " ms rtt %" PRId64 " us head %" PRIu64 "\n", p->offset_ms,
               p->rtt_us, p->head);
    tell_ledger(out, &p->ledger);
}

static inline void
tell_control(struct buf *out, const uint8_t *at, size_t n)
{
    struct control_msg msg;
    int rc = control_take(&msg, at, n);

    buf_printf(out, "%s\n", rc < 0 ? err_str(rc) : control_type_str(msg.type));
    if (rc < 0)
        return;
    if (msg.type == CONTROL_HELLO) {
        tell_identity(out, &msg.hello.id);
        buf_printf(out, "nonce %" PRIu64 " max frame %" PRIu32 " collector %016" PRIx64 "\n",
                   msg.hello.nonce, msg.hello.max_frame, msg.hello.collector);
        for (uint32_t i = 0; i < msg.hello.n_streams; i++)
            tell_hello_stream(out, &msg.hello.streams[i]);
        tell_ledger(out, &msg.hello.ledger);
    } else if (msg.type == CONTROL_WELCOME) {
        buf_printf(
            out,
            "collector %016" PRIx64 " epoch %016" PRIx64 " now %" PRId64 " max frame %" PRIu32 "\n",
            msg.welcome.collector, msg.welcome.epoch, msg.welcome.now_ms, msg.welcome.max_frame);
        for (uint32_t i = 0; i < msg.welcome.n_streams; i++)
            tell_welcome_stream(out, &msg.welcome.streams[i]);
    } else if (msg.type == CONTROL_PING) {
        tell_ping(out, &msg.ping);
    } else if (msg.type == CONTROL_PONG) {
        buf_printf(out, "n %" PRIu64 " t1 %" PRId64 " t2 %" PRId64 " t3 %" PRId64 "\n", msg.pong.n,
                   msg.pong.t1_ms, msg.pong.t2_ms, msg.pong.t3_ms);
    } else if (msg.type == CONTROL_ACK) {
        buf_printf(out, "stream %016" PRIx64 " next %" PRIu64 " limit %" PRIu64, msg.ack.stream,
                   msg.ack.next, msg.ack.limit);
        buf_printf(out, " stored %" PRIu64 " elsewhere %" PRIu64 " refused %" PRIu64 "\n",
                   msg.ack.stored, msg.ack.elsewhere, msg.ack.refused);
    } else if (msg.type == CONTROL_NAK) {
        buf_printf(out, "reason %s stream %016" PRIx64 " next %" PRIu64 "\n",
                   nak_reason_str(msg.nak.reason), msg.nak.stream, msg.nak.next);
    } else if (msg.type == CONTROL_GOAWAY) {
        buf_printf(out, "reason %s delay %" PRIu32 " ms\n", goaway_reason_str(msg.goaway.reason),
                   msg.goaway.delay_ms);
    } else {
        buf_printf(out, "host %016" PRIx64 " nonce %" PRIu64 "\n", msg.bye.host, msg.bye.nonce);
    }
}

// ---- live stream and queries

static const struct live_header golden_live = { .collector = COLLECTOR,
                                                .epoch = EPOCH,
                                                .pubseq = 9,
                                                .number = 31,
                                                .time_ms = T0,
                                                .generation = 3 };
static const struct label golden_labels[] = { { "__name__", "node_load1" },
                                              { "instance", "web-01" },
                                              { "job", "node" } };

static inline struct host_info
golden_host(void)
{
    static char name[] = "web-01", version[] = "1.0.0";
    struct host_info info = {
        .host = HOST,
        .name = name,
        .version = version,
        .state = HOST_LATE,
        .interval_ms = 1000,
        .since_ms = T0 - 1,
        .first_ms = T0 - 60000,
        .last_ms = T0 - 2000,
        .offset_ms = -3,
        .rtt_us = 250,
        .dropped = 12,
        .missed = 2,
    };

    memcpy(info.boot_id, golden_identity.boot_id, sizeof info.boot_id);
    return info;
}

static inline void
make_live_table(struct buf *out)
{
    struct live_series series = { .id = 300, .kind = METRIC_GAUGE };

    assert_int_equal(label_set_init(&series.labels, golden_labels, 3), 0);
    live_put_table(out, &golden_live, &series, 1);
    label_set_release(&series.labels);
}

static inline void
make_live_row(struct buf *out)
{
    live_put_row(out, &golden_live, (const uint32_t[]){ 7, 8, 300 },
                 (const double[]){ 1.5, 0, -0.25 }, 3);
}

static inline void
make_live_filled(struct buf *out)
{
    live_put_filled(out, &golden_live,
                    &(struct live_filled){ .host = HOST, .from_ms = T0 - 60000, .to_ms = T0 });
}

static inline void
make_live_event(struct buf *out)
{
    struct host_event event = golden_event();
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    host_event_put(&w, &event);
    live_put_event(out, &golden_live, &event, body, w.len);
    host_event_release(&event);
}

static inline void
make_live_host(struct buf *out)
{
    struct host_info info = golden_host();

    live_put_host(out, &golden_live, &info);
}

static inline void
make_question(struct buf *out)
{
    const struct query_request q = {
        .type = QUERY_SELECT,
        .id = 21,
        .host = HOST,
        .start_ms = T0 - 600000,
        .end_ms = T0,
        .n_selectors = 2,
        .selectors = { "node_load1", "{job=\"app\"}" },
    };
    uint8_t bytes[256];
    ptrdiff_t n = query_put_request(bytes, sizeof bytes, &q);

    assert_true(n > 0);
    buf_bytes(out, bytes, (size_t) n);
}

static const struct query_reply golden_reply = {
    .id = 21, .collector = COLLECTOR, .epoch = EPOCH, .now_ms = T0, .upto = 31, .n = 1
};

static inline void
make_answer_hosts(struct buf *out)
{
    struct query_reply reply = golden_reply;
    struct host_info info = golden_host();

    reply.type = QUERY_HOSTS;
    query_put_reply(out, &reply);
    host_info_put(out, &info);
}

static inline void
make_answer_events(struct buf *out)
{
    struct query_reply reply = golden_reply;
    struct host_event event = golden_event();
    uint8_t body[256];
    struct wbuf w;

    reply.type = QUERY_EVENTS;
    query_put_reply(out, &reply);
    wbuf_init(&w, body, sizeof body);
    host_event_put(&w, &event);
    host_event_put_item(out, &event, body, w.len);
    host_event_release(&event);
}

static inline void
make_answer_select(struct buf *out)
{
    struct sample samples[] = { { T0 - 2000, 0.5 }, { T0 - 1000, 0.75 }, { T0 + 3, 1 } };
    struct query_series s = {
        .id = 300, .kind = METRIC_GAUGE, .host = HOST, .n = 3, .samples = samples
    };
    struct query_reply reply = golden_reply;

    reply.type = QUERY_SELECT;
    reply.flags = QUERY_MORE;
    query_put_reply(out, &reply);
    assert_int_equal(label_set_init(&s.labels, golden_labels, 3), 0);
    query_put_series(out, &s);
    label_set_release(&s.labels);
}

static inline void
make_answer_refused(struct buf *out)
{
    struct query_reply reply = golden_reply;

    reply.type = QUERY_SERIES;
    reply.status = QUERY_BAD;
    reply.upto = 0;
    reply.n = 0;
    reply.text = "column 1: a name was expected";
    query_put_reply(out, &reply);
}

static inline void
tell_host(struct buf *out, struct rbuf *r)
{
    struct host_info info;

    if (host_info_take(r, &info) < 0)
        return;
    buf_printf(out, "host %016" PRIx64 " name %s version %s %s interval %" PRIu32 " ms boot ",
               info.host, info.name, info.version, host_state_str(info.state), info.interval_ms);
    for (int i = 0; i < 16; i++)
        buf_printf(out, "%02x", info.boot_id[i]);
    buf_printf(out, "\nsince %" PRId64 " first %" PRId64 " last %" PRId64, info.since_ms,
               info.first_ms, info.last_ms);
    buf_printf(out, " offset %" PRId64 " ms rtt %" PRId64 " us dropped %" PRIu64, info.offset_ms,
               info.rtt_us, info.dropped);
    buf_printf(out, " missed %" PRIu64 "\n", info.missed);
    host_info_release(&info);
}

static inline void
tell_live_table(struct buf *out, struct rbuf *r)
{
    struct live_series *series;
    uint32_t n;

    if (live_take_table(r, &series, &n) < 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(out, "%" PRIu32 " %s ", series[i].id, metric_kind_str(series[i].kind));
        label_set_text(out, &series[i].labels);
        buf_byte(out, '\n');
    }
    live_series_free(series, n);
}

static inline void
tell_item(struct buf *out, struct host_event *event)
{
    buf_printf(out, "host %016" PRIx64 " stream %016" PRIx64 " seq %" PRIu64 " at %" PRId64 "\n",
               event->host, event->stream, event->seq, event->time_ms);
    tell_host_event(out, event);
    host_event_release(event);
}

static inline void
tell_live(struct buf *out, const uint8_t *at, size_t n)
{
    struct live_row row = { 0 };
    struct live_filled filled;
    struct host_event event;
    struct live_header h;
    struct rbuf r;

    if (live_take(&h, &r, at, n) < 0)
        return;
    buf_printf(out, "type %u collector %016" PRIx64 " epoch %016" PRIx64, h.type, h.collector,
               h.epoch);
    buf_printf(out,
               " pubseq %" PRIu64 " number %" PRIu64 " time %" PRId64 " generation %" PRIu32 "\n",
               h.pubseq, h.number, h.time_ms, h.generation);
    if (h.type == LIVE_TABLE)
        tell_live_table(out, &r);
    else if (h.type == LIVE_HOST)
        tell_host(out, &r);
    else if (h.type == LIVE_FILLED && live_take_filled(&r, &filled) == 0)
        buf_printf(out, "host %016" PRIx64 " from %" PRId64 " to %" PRId64 "\n", filled.host,
                   filled.from_ms, filled.to_ms);
    else if (h.type == LIVE_EVENT && live_take_event(&r, &event) == 0)
        tell_item(out, &event);
    else if (live_take_row(&r, &row) == 0) {
        for (uint32_t i = 0; i < row.n; i++) {
            buf_printf(out, "%" PRIu32 "=", row.ids[i]);
            buf_double(out, row.values[i]);
            buf_byte(out, '\n');
        }
    }
    buf_printf(out, "left %zu\n", rbuf_left(&r));
    live_row_release(&row);
}

static inline void
tell_question(struct buf *out, const uint8_t *at, size_t n)
{
    struct query_request q;

    if (query_take_request(&q, at, n) < 0)
        return;
    buf_printf(out,
               "type %u id %" PRIu64 " host %016" PRIx64 " start %" PRId64 " end %" PRId64 "\n",
               q.type, q.id, q.host, q.start_ms, q.end_ms);
    for (uint32_t i = 0; i < q.n_selectors; i++)
        buf_printf(out, "%.*s\n", (int) q.selector_len[i], q.selectors[i]);
}

static inline void
tell_series(struct buf *out, struct rbuf *r)
{
    struct query_series s;

    if (query_take_series(r, &s) < 0)
        return;
    buf_printf(out, "%" PRIu32 " %s host %016" PRIx64 " ", s.id, metric_kind_str(s.kind), s.host);
    label_set_text(out, &s.labels);
    for (uint32_t i = 0; i < s.n; i++) {
        buf_printf(out, " %" PRId64 "=", s.samples[i].time_ms);
        buf_double(out, s.samples[i].value);
    }
    buf_byte(out, '\n');
    query_series_release(&s);
}

#endif

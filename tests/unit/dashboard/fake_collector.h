// fake_collector - the two sockets of a collector that a dashboard sees, with one host behind them.
//
// The host has one counter that rises by n at tick n; tick n is at FAKE_T0 + n seconds. Ticks are
// published when the test says so.

#ifndef TESTS_UNIT_DASHBOARD_FAKE_COLLECTOR_H
#define TESTS_UNIT_DASHBOARD_FAKE_COLLECTOR_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shared/base/clock.h"
#include "shared/net/sock.h"
#include "shared/wire/live.h"
#include "shared/wire/query_away.h"
#include "shared/wire/query_ledger.h"
#include "shared/wire/query_msg.h"
#include "tests/unit/dashboard/room.h"

#define FAKE_HOST   UINT64_C(0xf3c2a1b4d5e6f7)
#define FAKE_ID     "00f3c2a1b4d5e6f7"
#define FAKE_T0     INT64_C(1700000000000)
#define FAKE_SERIES 17

struct fake_collector {
    char endpoint[64]; // of the data socket that it does not have
    zsock_t *live;
    zsock_t *query;
    uint64_t epoch;
    pthread_t thread;
    atomic_bool stop;
    atomic_bool silent; // takes questions, answers none
    atomic_uint ticks;  // published, or to be
    atomic_uint state;  // of the host
    atomic_uint selects;
    atomic_uint fills; // FILLED of the first ten ticks, published or to be
    atomic_uint notes; // EVENTs of the host, published or to be
    unsigned published;
    unsigned told_state;
    unsigned told_fills;
    unsigned told_notes;
};

static inline double
fake_value(unsigned tick)
{
    return (double) tick * (tick + 1) / 2;
}

static inline struct label_set
fake_labels(void)
{
    return room_labels("node_forks_total", NULL, NULL, NULL, NULL);
}

static inline struct host_info
fake_host(struct fake_collector *f)
{
    struct host_info h = { .host = FAKE_HOST,
                           .state = (uint8_t) atomic_load(&f->state),
                           .interval_ms = 1000,
                           .since_ms = FAKE_T0 + atomic_load(&f->state),
                           .first_ms = FAKE_T0,
                           .last_ms = FAKE_T0 + 1000 * (int64_t) f->published,
                           .rtt_us = 210 };

    h.name = strdup("web-1");
    h.version = strdup("0.1.0");
    assert_non_null(h.name);
    assert_non_null(h.version);
    return h;
}

static inline void
fake_publish(struct fake_collector *f, const char *topic, const struct buf *body)
{
    assert_int_equal(sock_send(f->live, topic, strlen(topic), true), 0);
    assert_int_equal(sock_send(f->live, body->at, body->len, false), 0);
}

static inline void
fake_publish_table(struct fake_collector *f)
{
    const struct live_header h = { .type = LIVE_TABLE,
                                   .epoch = f->epoch,
                                   .generation = 1,
                                   .pubseq = f->published,
                                   .number = f->published };
    struct live_series s = { .id = FAKE_SERIES, .kind = METRIC_COUNTER, .labels = fake_labels() };
    struct buf body = { 0 };

    live_put_table(&body, &h, &s, 1);
    fake_publish(f, "m/" FAKE_ID, &body);
    label_set_release(&s.labels);
    buf_release(&body);
}

static inline void
fake_publish_tick(struct fake_collector *f)
{
    const unsigned tick = ++f->published;
    const struct live_header h = { .type = LIVE_ROW,
                                   .epoch = f->epoch,
                                   .generation = 1,
                                   .pubseq = tick,
                                   .number = tick,
                                   .time_ms = FAKE_T0 + 1000 * (int64_t) tick };
    const uint32_t id = FAKE_SERIES;
    const double value = fake_value(tick);
    struct buf body = { 0 };

    live_put_row(&body, &h, &id, &value, 1);
    fake_publish(f, "m/" FAKE_ID, &body);
    buf_release(&body);
}

static inline void
fake_publish_host(struct fake_collector *f)
{
    const struct live_header h = { .type = LIVE_HOST, .epoch = f->epoch };
    struct host_info info = fake_host(f);
    struct buf body = { 0 };

    live_put_host(&body, &h, &info);
    fake_publish(f, LIVE_EVENTS_TOPIC, &body);
    host_info_release(&info);
    buf_release(&body);
}

static inline void
fake_publish_filled(struct fake_collector *f)
{
    const struct live_header h = { .type = LIVE_FILLED, .epoch = f->epoch };
    const struct live_filled filled = { .host = FAKE_HOST,
                                        .from_ms = FAKE_T0 + 1000,
                                        .to_ms = FAKE_T0 + 10000 };
    struct buf body = { 0 };

    live_put_filled(&body, &h, &filled);
    fake_publish(f, LIVE_EVENTS_TOPIC, &body);
    buf_release(&body);
}

// Event i is at the time of tick i.
static inline size_t
fake_event(struct host_event *of, uint8_t body[HOST_EVENT_BODY_MAX], unsigned i)
{
    struct wbuf w;

    *of = (struct host_event){ .host = FAKE_HOST,
                               .stream = 0x51,
                               .seq = i,
                               .time_ms = FAKE_T0 + 1000 * (int64_t) i,
                               .severity = EVENT_WARNING,
                               .kind = "clock-step",
                               .kind_len = 10,
                               .text = "clock stepped back by 90.0 s",
                               .text_len = 28 };
    assert_int_equal(label_set_init(&of->fields, &(struct label){ "step", "-90000" }, 1), 0);
    wbuf_init(&w, body, HOST_EVENT_BODY_MAX);
    host_event_put(&w, of);
    host_event_release(of);
    return w.len;
}

static inline void
fake_publish_note(struct fake_collector *f, unsigned i)
{
    const struct live_header h = { .type = LIVE_EVENT, .epoch = f->epoch };
    uint8_t body[HOST_EVENT_BODY_MAX];
    struct host_event of;
    const size_t n = fake_event(&of, body, i);
    struct buf out = { 0 };

    live_put_event(&out, &h, &of, body, n);
    fake_publish(f, LIVE_EVENTS_TOPIC, &out);
    buf_release(&out);
}

// The latest first: it is for the dashboard to bring them in order.
static inline uint32_t
fake_put_events(struct buf *out, const struct query_request *q)
{
    uint32_t found = 0;

    for (unsigned i = 3; i > 0; i--) {
        uint8_t body[HOST_EVENT_BODY_MAX];
        struct host_event of;
        const size_t n = fake_event(&of, body, i);

        if (of.time_ms < q->start_ms || of.time_ms > q->end_ms)
            continue;
        host_event_put_item(out, &of, body, n);
        found++;
    }
    return found;
}

static inline void
fake_put_ledger(struct fake_collector *f, struct buf *out)
{
    struct query_ledger ledger = { .host = FAKE_HOST,
                                   .state = (uint8_t) atomic_load(&f->state),
                                   .settled = true,
                                   .told_ms = FAKE_T0,
                                   .told = { .produced = 10, .acked = 8, .lost = { 2 } },
                                   .stored = 8,
                                   .n_gaps = 1,
                                   .gaps = { { .from_ms = 1, .to_ms = 5, .count = 2 } } };

    ledger.name = (char *) (uintptr_t) "web-1";
    query_put_ledger(out, &ledger);
}

static inline void
fake_put_samples(struct fake_collector *f, struct buf *out, const struct query_request *q)
{
    struct query_series s = {
        .id = FAKE_SERIES, .kind = METRIC_COUNTER, .host = FAKE_HOST, .labels = fake_labels()
    };

    s.samples = calloc(f->published + 1, sizeof *s.samples);
    assert_non_null(s.samples);
    for (unsigned i = 1; i <= f->published; i++) {
        const int64_t time_ms = FAKE_T0 + 1000 * (int64_t) i;

        if (time_ms >= q->start_ms && time_ms <= q->end_ms)
            s.samples[s.n++] = (struct sample){ .time_ms = time_ms, .value = fake_value(i) };
    }
    query_put_series(out, &s);
    query_series_release(&s);
}

// What is asked of all hosts, for their facts.
static inline void
fake_put_kernel(struct buf *out)
{
    struct sample one = { .time_ms = FAKE_T0, .value = 1 };
    struct query_series s = {
        .id = 1, .kind = METRIC_INFO, .host = FAKE_HOST, .n = 1, .samples = &one
    };

    s.labels = room_labels("node_uname_info", "machine", "x86_64", "release", "6.1.0-13");
    query_put_series(out, &s);
    label_set_release(&s.labels);
}

static inline void
fake_answer(struct fake_collector *f, zmq_msg_t *from, zmq_msg_t *body)
{
    struct query_request q;
    struct query_reply reply = { .epoch = f->epoch, .collector = 1, .now_ms = clock_real_ms() };
    struct buf out = { 0 };
    bool facts;

    assert_int_equal(query_take_request(&q, zmq_msg_data(body), zmq_msg_size(body)), 0);
    reply.id = q.id;
    reply.type = q.type;
    reply.upto = f->published;
    if (q.type == QUERY_TABLE)
        fake_publish_table(f);
    facts = q.type == QUERY_LAST && q.n_selectors > 1;
    reply.n = q.type == QUERY_HOSTS || q.type == QUERY_SELECT || q.type == QUERY_LEDGER ||
              q.type == QUERY_AWAY || facts;
    query_put_reply(&out, &reply);
    if (q.type == QUERY_HOSTS) {
        struct host_info info = fake_host(f);

        host_info_put(&out, &info);
        host_info_release(&info);
    } else if (q.type == QUERY_SELECT) {
        atomic_fetch_add(&f->selects, 1);
        fake_put_samples(f, &out, &q);
    } else if (q.type == QUERY_LEDGER) {
        fake_put_ledger(f, &out);
    } else if (q.type == QUERY_AWAY) {
        query_put_away(&out, &(struct query_away){ .cause = AWAY_CLONE,
                                                   .host = 0xa1,
                                                   .nonce = 1,
                                                   .first_ms = 1700000000000,
                                                   .last_ms = 1700000004000,
                                                   .times = 3,
                                                   .name = "web-<2>",
                                                   .address = "10.0.0.7" });
    } else if (q.type == QUERY_EVENTS) {
        query_patch_reply(&out, 0, fake_put_events(&out, &q), 0);
    } else if (facts) {
        fake_put_kernel(&out);
    }
    assert_int_equal(sock_send(f->query, zmq_msg_data(from), zmq_msg_size(from), true), 0);
    assert_int_equal(sock_send(f->query, out.at, out.len, false), 0);
    buf_release(&out);
}

static inline void
fake_serve(struct fake_collector *f)
{
    zmq_msg_t a, b;

    zmq_msg_init(&a);
    zmq_msg_init(&b);
    while (sock_recv(f->query, &a) > 0 && sock_recv(f->query, &b) > 0)
        if (!atomic_load(&f->silent))
            fake_answer(f, &a, &b);
    // A subscription: 1, then the topic.
    while (sock_recv(f->live, &a) > 0)
        if (zmq_msg_size(&a) > 3 && *(char *) zmq_msg_data(&a) == 1)
            fake_publish_table(f);
    while (f->published < atomic_load(&f->ticks))
        fake_publish_tick(f);
    for (; f->told_fills < atomic_load(&f->fills); f->told_fills++)
        fake_publish_filled(f);
    while (f->told_notes < atomic_load(&f->notes))
        fake_publish_note(f, ++f->told_notes);
    if (f->told_state != atomic_load(&f->state)) {
        f->told_state = atomic_load(&f->state);
        fake_publish_host(f);
    }
    zmq_msg_close(&a);
    zmq_msg_close(&b);
}

static inline void *
fake_run(void *arg)
{
    struct fake_collector *f = arg;

    while (!atomic_load(&f->stop)) {
        zmq_pollitem_t items[] = { { .socket = sock_raw(f->query), .events = ZMQ_POLLIN },
                                   { .socket = sock_raw(f->live), .events = ZMQ_POLLIN } };

        zmq_poll(items, 2, 1);
        fake_serve(f);
    }
    return NULL;
}

// Live and query of a collector at `endpoint`: on this port, or with `step` on the first that is
// free. Without: a socket that was closed there a moment ago may take a while to let go.
static inline void
fake_bind(struct fake_collector *f, unsigned port, unsigned step)
{
    const struct sock_spec live = {
        .type = ZMQ_XPUB, .send_hwm = 1000, .recv_hwm = 1000, .max_bytes = 1 << 20, .verboser = true
    };
    const struct sock_spec query = {
        .type = ZMQ_ROUTER, .send_hwm = 1000, .recv_hwm = 1000, .max_bytes = 1 << 20
    };

    for (int tries = 0; tries < 500; tries++, port += step) {
        char at[64];

        assert_int_equal(sock_new(&f->live, &live, NULL), 0);
        assert_int_equal(sock_new(&f->query, &query, NULL), 0);
        snprintf(f->endpoint, sizeof f->endpoint, "tcp://127.0.0.1:%u", port);
        assert_int_equal(sock_endpoint(at, sizeof at, f->endpoint, SOCK_LIVE), 0);
        if (sock_bind(f->live, at) == 0) {
            assert_int_equal(sock_endpoint(at, sizeof at, f->endpoint, SOCK_QUERY), 0);
            if (sock_bind(f->query, at) == 0)
                return;
        }
        zsock_destroy(&f->live);
        zsock_destroy(&f->query);
        poll(NULL, 0, 5);
    }
    fail_msg("no free ports");
}

static inline void
fake_start(struct fake_collector *f, unsigned port, unsigned step, unsigned ticks)
{
    memset(f, 0, sizeof *f);
    fake_bind(f, port, step);
    f->epoch = (uint64_t) clock_mono_ns();
    f->published = ticks;
    atomic_store(&f->ticks, ticks);
    atomic_store(&f->state, HOST_UP);
    f->told_state = HOST_UP;
    assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static inline void
fake_stop(struct fake_collector *f)
{
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    zsock_destroy(&f->live);
    zsock_destroy(&f->query);
}

#endif

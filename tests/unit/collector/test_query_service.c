// test_query_service - questions and answers, over real sockets, with the worker in its thread.
//
// Some 500 lines: each kind of question, and those who do not read, need the same two sockets.

#include "tests/unit/collector/room.h"

#include <stdlib.h>

#include "collector/query_service.h"
#include "shared/base/err.h"
#include "tests/support/seeded.h"

#define HOST UINT64_C(0xa1)

static zsock_t *s_router;
static zsock_t *s_asker;
static query_worker_t *s_worker;
static query_service_t *s_service;
static refusal_book_t *s_book;
static zmq_msg_t s_msg; // heard last
static struct query_reply reply;
static struct rbuf rest;

static int
setup(void **state)
{
    static unsigned number;
    // Questions have room; answers have little, so that one who does not read is soon felt.
    struct sock_spec spec = { .type = ZMQ_ROUTER,
                              .send_hwm = 2,
                              .recv_hwm = 1000,
                              .max_bytes = QUERY_REPLY_MAX,
                              .mandatory = true };
    char endpoint[32];

    room_setup(state);
    (void) snprintf(endpoint, sizeof endpoint, "inproc://query-%u", number++);
    assert_int_equal(sock_new(&s_router, &spec, NULL), 0);
    assert_int_equal(sock_bind(s_router, endpoint), 0);
    spec.type = ZMQ_DEALER;
    spec.mandatory = false;
    spec.send_hwm = 1000;
    spec.recv_hwm = 2;
    assert_int_equal(sock_new(&s_asker, &spec, NULL), 0);
    assert_int_equal(sock_connect(s_asker, endpoint), 0);
    zmq_msg_init(&s_msg);
    assert_int_equal(
        query_worker_start(&s_worker, &(struct query_worker_options){ .store = room.store,
                                                                      .events = room.events,
                                                                      .collector = ROOM_COLLECTOR,
                                                                      .epoch = ROOM_EPOCH }),
        0);
    s_book = refusal_book_new();
    s_service = query_service_new(&(struct query_service_options){ .router = s_router,
                                                                   .refused = s_book,
                                                                   .worker = s_worker,
                                                                   .publisher = room.publisher,
                                                                   .hosts = room.hosts,
                                                                   .ingest = room.ingest,
                                                                   .ledger = room.ledger,
                                                                   .collector = ROOM_COLLECTOR,
                                                                   .epoch = ROOM_EPOCH });
    return 0;
}

static int
teardown(void **state)
{
    query_worker_stop(&s_worker);
    query_service_destroy(&s_service);
    refusal_book_destroy(&s_book);
    zmq_msg_close(&s_msg);
    zsock_destroy(&s_asker);
    zsock_destroy(&s_router);
    return room_teardown(state);
}

// `metric` of the host: samples at 1 to n.
static void
fill(uint64_t host, const char *metric, int64_t n)
{
    struct label labels[] = { { LABEL_METRIC, metric } };
    struct label_set set;
    series_id id;

    assert_int_equal(label_set_init(&set, labels, 1), 0);
    assert_int_equal(store_series(room.store, host, &set, METRIC_GAUGE, &id), 0);
    label_set_release(&set);
    for (int64_t t = 1; t <= n; t++) {
        double value = (double) (10 * t);

        store_append(room.store, &(struct store_row){ host, t, 1, &id, &value });
    }
}

static void
ask(struct query_request q, const char *selector)
{
    static uint8_t bytes[QUERY_REQUEST_MAX];
    ptrdiff_t n;

    if (selector != NULL) {
        q.n_selectors = 1;
        q.selectors[0] = selector;
    }
    n = query_put_request(bytes, sizeof bytes, &q);
    assert_true(n > 0);
    assert_int_equal(sock_send(s_asker, bytes, (size_t) n, false), 0);
}

// One turn of the reactor, as far as questions go.
static void
turn(void)
{
    query_service_read(s_service, 16);
    query_service_reply(s_service, 16, clock_mono_ms());
    query_service_flush(s_service, clock_mono_ms());
}

static void
hear(uint8_t status)
{
    int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

    for (;;) {
        turn();
        if (sock_recv(s_asker, &s_msg) == 1)
            break;
        assert_true(clock_mono_ms() < until);
    }
    assert_int_equal(query_take_reply(&reply, &rest, zmq_msg_data(&s_msg), zmq_msg_size(&s_msg)),
                     0);
    assert_int_equal(reply.status, status);
    assert_int_equal(reply.collector, reply.type == 0 ? reply.collector : ROOM_COLLECTOR);
}

static struct query_series
take(void)
{
    struct query_series s;

    assert_int_equal(query_take_series(&rest, &s), 0);
    return s;
}

static void
hosts_are_listed(void **state)
{
    struct host_info info;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    ask((struct query_request){ .type = QUERY_HOSTS, .id = 5 }, NULL);
    hear(QUERY_OK);
    assert_int_equal(reply.id, 5);
    assert_int_equal(reply.flags, 0);
    assert_int_equal(reply.epoch, ROOM_EPOCH);
    assert_int_equal(reply.n, 1);
    assert_int_equal(host_info_take(&rest, &info), 0);
    assert_string_equal(info.name, "web");
    host_info_release(&info);
}

static void
a_ledger_has_what_its_agent_told_beside_what_is_here(void **state)
{
    static struct fake_stream s = { .id = 1, .metric = "m" };
    const struct ledger told = { .produced = 5, .pending = 5 };
    const struct host *host;
    struct query_ledger l;

    (void) state;
    host = room_hello(HOST, 1, "web", 1);
    host_ledger_hello(room.ledger, HOST, &told, false, ingest_count(room.ingest, HOST), room.now);
    fake_ident(&s, HOST, "web");
    room_give(&s);
    fake_table(&s, 3);
    room_give(&s);
    fake_row(&s, RECORD_KEY, room.now.real_ms, 3, 100);
    room_give(&s);
    room_give(&s); // comes twice
    fake_row(&s, RECORD_KEY, room.now.real_ms + APPLIER_FUTURE_MS + 1, 2, 100);
    room_give(&s);
    ask((struct query_request){ .type = QUERY_LEDGER, .id = 5, .host = HOST }, NULL);
    hear(QUERY_OK);
    assert_int_equal(reply.type, QUERY_LEDGER);
    assert_int_equal(reply.n, 1);
    assert_int_equal(query_take_ledger(&rest, &l), 0);
    assert_string_equal(l.name, host->info.name);
    assert_int_equal(l.state, HOST_UP);
    assert_int_equal(l.told_ms, room.now.real_ms);
    assert_int_equal(l.told.pending, 5);
    assert_int_equal(l.stored, 3);
    assert_int_equal(l.refused[REFUSED_FUTURE], 2);
    assert_int_equal(query_ledger_refused(&l), 2);
    assert_int_equal(l.duplicates, 1);
    query_ledger_release(&l);
    row_state_release(&s.rows);
}

static void
ledgers_of_all_hosts_come_at_once(void **state)
{
    struct query_ledger l;
    uint64_t sum = 0;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_hello(HOST + 1, 1, "db", 2);
    ask((struct query_request){ .type = QUERY_LEDGER, .id = 5 }, NULL);
    hear(QUERY_OK);
    assert_int_equal(reply.n, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(query_take_ledger(&rest, &l), 0);
        sum += l.host;
        query_ledger_release(&l);
    }
    assert_int_equal(sum, 2 * HOST + 1);
    assert_int_equal(rbuf_finish(&rest), 0);
}

// The log is larger than a reply: it comes in several, each event once.
static void
events_of_a_window_come_in_as_many_replies_as_it_takes(void **state)
{
    static const uint8_t body[HOST_EVENT_BODY_MAX] = "\1k\0\0\0";
    uint32_t n = 0, replies = 0;

    (void) state;
    for (uint64_t i = 0; i < 600; i++) {
        const struct record record = { .type = RECORD_EVENT,
                                       .stream = 1,
                                       .seq = i,
                                       .t0_ms = (int64_t) i,
                                       .body = body,
                                       .body_len = sizeof body };
        struct host_event event;

        assert_int_equal(event_log_take(room.events, &event, HOST + i % 6, &record, 1000), 1);
    }
    ask((struct query_request){ .type = QUERY_EVENTS, .id = 5, .start_ms = 100, .end_ms = 598 },
        NULL);
    do {
        hear(QUERY_OK);
        replies++;
        for (uint32_t i = 0; i < reply.n; i++, n++) {
            struct host_event event;

            assert_int_equal(host_event_take_item(&rest, &event), 0);
            assert_int_equal(event.seq, 100 + n);
            host_event_release(&event);
        }
        assert_int_equal(rbuf_finish(&rest), 0);
    } while ((reply.flags & QUERY_MORE) != 0);
    assert_int_equal(n, 499);
    assert_true(replies > 1);
}

static void
events_of_a_host_that_is_not_known_are_not_answered_with_none(void **state)
{
    (void) state;
    ask((struct query_request){ .type = QUERY_EVENTS, .id = 5, .host = HOST, .end_ms = 9 }, NULL);
    hear(QUERY_UNKNOWN);
}

static void
a_window_of_samples_is_answered_with_its_row_number(void **state)
{
    struct query_series s;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    fill(HOST, "x", 10);
    ask(
        (struct query_request){
            .type = QUERY_SELECT, .id = 9, .host = HOST, .start_ms = 3, .end_ms = 5 },
        "x");
    hear(QUERY_OK);
    assert_int_equal(reply.id, 9);
    assert_int_equal(reply.upto, 10);
    assert_int_equal(reply.n, 1);
    s = take();
    assert_int_equal(s.host, HOST);
    assert_int_equal(s.kind, METRIC_GAUGE);
    assert_string_equal(label_set_metric(&s.labels), "x");
    assert_int_equal(s.n, 3);
    assert_int_equal(s.samples[0].time_ms, 3);
    assert_true(s.samples[2].value == 50);
    query_series_release(&s);
    assert_int_equal(rbuf_finish(&rest), 0);
}

static void
last_is_one_sample_not_older_than_the_start(void **state)
{
    struct query_series s;

    (void) state;
    fill(HOST, "x", 10);
    fill(HOST + 1, "x", 4);
    ask((struct query_request){ .type = QUERY_LAST, .start_ms = 5 }, "x");
    hear(QUERY_OK);
    assert_int_equal(reply.n, 1);
    s = take();
    assert_int_equal(s.n, 1);
    assert_int_equal(s.samples[0].time_ms, 10);
    query_series_release(&s);
}

static void
series_are_labels_without_samples(void **state)
{
    struct query_series s;

    (void) state;
    fill(HOST, "x", 10);
    fill(HOST, "y", 10);
    ask((struct query_request){ .type = QUERY_SERIES }, "{__name__=~\"x|y|z\"}");
    hear(QUERY_OK);
    assert_int_equal(reply.n, 2);
    for (int i = 0; i < 2; i++) {
        s = take();
        assert_int_equal(s.n, 0);
        query_series_release(&s);
    }
}

static void
an_unknown_host_is_said_to_be_so(void **state)
{
    (void) state;
    ask((struct query_request){ .type = QUERY_SELECT, .host = HOST, .end_ms = 1 }, "x");
    hear(QUERY_UNKNOWN);
    assert_true(reply.text_len > 0);
    // Our own series have our own id, which is among no hosts.
    ask((struct query_request){ .type = QUERY_LAST, .host = ROOM_COLLECTOR }, "x");
    hear(QUERY_OK);
}

static void
a_bad_question_is_told_why(void **state)
{
    static const struct {
        struct query_request q;
        const char *selector;
    } bad[] = {
        { { .type = QUERY_SELECT, .end_ms = 9 }, "x{" },
        { { .type = QUERY_SELECT, .end_ms = 9 }, "{}" },
        { { .type = QUERY_SELECT, .end_ms = 9 }, NULL },
        { { .type = QUERY_SELECT, .start_ms = 10, .end_ms = 9 }, "x" },
        { { .type = QUERY_SERIES }, NULL },
        { { .type = QUERY_TABLE }, NULL },
        { { .type = 77 }, NULL },
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask(bad[i].q, bad[i].selector);
        hear(QUERY_BAD);
        assert_true(reply.text_len > 0);
    }
}

static void
a_table_is_published_on_demand(void **state)
{
    struct live_header header;
    struct rbuf r;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("m/");
    ask((struct query_request){ .type = QUERY_TABLE, .host = HOST }, NULL);
    hear(QUERY_OK);
    publisher_flush(room.publisher, 10);
    assert_int_equal(room_hear(&header, &r), 1);
    assert_int_equal(header.type, LIVE_TABLE);
}

static void
a_large_answer_comes_in_parts_in_order(void **state)
{
    uint64_t samples = 0;
    uint32_t series = 0;
    unsigned replies = 0;
    char name[16];

    (void) state;
    for (int i = 0; i < 200; i++) {
        (void) snprintf(name, sizeof name, "x%03d", i);
        fill(HOST, name, 2000);
    }
    ask((struct query_request){ .type = QUERY_SELECT, .end_ms = INT64_MAX }, "{__name__=~\"x.*\"}");
    do {
        hear(QUERY_OK);
        replies++;
        for (uint32_t i = 0; i < reply.n; i++) {
            struct query_series s = take();

            (void) snprintf(name, sizeof name, "x%03u", series++);
            assert_string_equal(label_set_metric(&s.labels), name);
            samples += s.n;
            query_series_release(&s);
        }
    } while ((reply.flags & QUERY_MORE) != 0);
    assert_true(replies > 2);
    assert_int_equal(series, 200);
    assert_int_equal(samples, 200 * 2000);
}

static void
too_many_questions_are_refused_at_once(void **state)
{
    unsigned busy = 0;
    unsigned answered = 0;

    (void) state;
    for (int i = 0; i < 50; i++) {
        char name[16];

        (void) snprintf(name, sizeof name, "x%03d", i);
        fill(HOST, name, 2000);
    }
    // Read by nobody, the worker's chunks fill their ring, and then its jobs theirs.
    for (uint64_t id = 0; id < 3 * QUERY_JOBS_MAX; id++) {
        ask((struct query_request){ .type = QUERY_SELECT, .id = id, .end_ms = INT64_MAX },
            "{__name__=~\"x.*\"}");
        query_service_read(s_service, 16);
        while (sock_recv(s_asker, &s_msg) == 1) {
            query_take_reply(&reply, &rest, zmq_msg_data(&s_msg), zmq_msg_size(&s_msg));
            busy += reply.status == QUERY_BUSY;
        }
    }
    assert_true(busy > QUERY_JOBS_MAX / 2);
    while (answered < 3 * QUERY_JOBS_MAX - busy) {
        hear(QUERY_OK);
        answered += (reply.flags & QUERY_MORE) == 0;
    }
}

// An asker that never reads: its replies wait, up to a limit, and are given up.
static void
an_asker_that_does_not_read_is_given_up(void **state)
{
    int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

    (void) state;
    for (int i = 0; i < 50; i++) {
        char name[16];

        (void) snprintf(name, sizeof name, "x%03d", i);
        fill(HOST, name, 2000);
    }
    for (uint64_t id = 0; id < 20; id++) {
        ask((struct query_request){ .type = QUERY_SELECT, .id = id, .end_ms = INT64_MAX },
            "{__name__=~\"x.*\"}");
        turn();
    }
    while (selfstat_value(STAT_REPLIES_DROPPED) == 0) {
        query_service_reply(s_service, 16, 1);
        query_service_flush(s_service, 1 + PENDING_MS);
        assert_true(clock_mono_ms() < until);
    }
    // It is heard again once it reads.
    for (;;) {
        turn();
        if (sock_recv(s_asker, &s_msg) == 0)
            break;
    }
    room_hello(HOST, 1, "web", 1);
    ask((struct query_request){ .type = QUERY_HOSTS, .id = 1000 }, NULL);
    do
        hear(QUERY_OK);
    while (reply.id != 1000);
}

static void
stopping_does_not_wait_for_who_does_not_read(void **state)
{
    (void) state;
    for (int i = 0; i < 200; i++) {
        char name[16];

        (void) snprintf(name, sizeof name, "x%03d", i);
        fill(HOST, name, 2000);
    }
    for (int i = 0; i < 20; i++) {
        ask((struct query_request){ .type = QUERY_SELECT, .end_ms = INT64_MAX },
            "{__name__=~\"x.*\"}");
        query_service_read(s_service, 16);
    }
    query_worker_stop(&s_worker); // ends, though nobody takes a chunk
    assert_null(s_worker);
}

static void
junk_is_answered_and_harms_nobody(void **state)
{
    static uint8_t bytes[QUERY_REQUEST_MAX];
    uint64_t seed = 11;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    fill(HOST, "x", 10);
    for (int i = 0; i < 5000; i++) {
        struct query_request q = { .type = (uint8_t) (1 + i % 6),
                                   .host = i % 3 == 0 ? HOST : 0,
                                   .end_ms = 100,
                                   .n_selectors = 1,
                                   .selectors = { "x{a=~\"b\"}" } };
        ptrdiff_t n = query_put_request(bytes, sizeof bytes, &q);
        size_t len = seeded_below(&seed, 4) == 0 ? seeded_below(&seed, (uint32_t) n + 1)
                                                 : (size_t) n;

        if (len > 0)
            bytes[seeded_below(&seed, (uint32_t) len)] ^= (uint8_t) seeded_next(&seed);
        sock_send(s_asker, bytes, len, seeded_below(&seed, 50) == 0);
        turn();
        while (sock_recv(s_asker, &s_msg) == 1) {
        }
    }
    sock_send(s_asker, "", 0, false); // ends what may be left open
    do {                              // until no earlier one keeps the worker busy
        int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

        ask((struct query_request){ .type = QUERY_HOSTS, .id = 99999 }, NULL);
        do {
            while (turn(), sock_recv(s_asker, &s_msg) != 1)
                assert_true(clock_mono_ms() < until);
            assert_int_equal(
                query_take_reply(&reply, &rest, zmq_msg_data(&s_msg), zmq_msg_size(&s_msg)), 0);
        } while (reply.id != 99999);
    } while (reply.status == QUERY_BUSY);
    assert_int_equal(reply.status, QUERY_OK);
    assert_int_equal(reply.n, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(hosts_are_listed),
        TEST(a_ledger_has_what_its_agent_told_beside_what_is_here),
        TEST(ledgers_of_all_hosts_come_at_once),
        TEST(events_of_a_window_come_in_as_many_replies_as_it_takes),
        TEST(events_of_a_host_that_is_not_known_are_not_answered_with_none),
        TEST(a_window_of_samples_is_answered_with_its_row_number),
        TEST(last_is_one_sample_not_older_than_the_start),
        TEST(series_are_labels_without_samples),
        TEST(an_unknown_host_is_said_to_be_so),
        TEST(a_bad_question_is_told_why),
        TEST(a_table_is_published_on_demand),
        TEST(a_large_answer_comes_in_parts_in_order),
        TEST(too_many_questions_are_refused_at_once),
        TEST(an_asker_that_does_not_read_is_given_up),
        TEST(stopping_does_not_wait_for_who_does_not_read),
        TEST(junk_is_answered_and_harms_nobody),
    };
    return cmocka_run_group_tests_name("query_service", tests, NULL, NULL);
}

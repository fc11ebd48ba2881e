// flow_topics - a host and its applications on two topics, as a subscriber of the collector hears.
//
// The agent is ours (but in the last test): it says HELLO and sends what the test tells it, so that
// every time, value and count is known. The collector and the command line are the real ones.

#include <czmq.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/net/sock.h"
#include "shared/wire/live.h"
#include "tests/support/fake_stream.h"
#include "tests/support/stage.h"

#define HOST   UINT64_C(0xa9905)
#define STREAM UINT64_C(0x51)
#define SLOTS  3u // the first is the host's, the others two applications'
#define TICKS  20

// A made-up agent. Static: a frame is large.
static struct {
    struct fake_stream stream;
    zsock_t *control; // DEALER
    zsock_t *data;    // PUSH
    int64_t t0_ms;
    int ticks; // sent
} s_agent;

static zsock_t *
s_socket(stage_t *s, int type, enum sock_port port)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 1000, .recv_hwm = 1000, .max_bytes = LIVE_MAX, .linger_ms = 100
    };
    char endpoint[256];
    zsock_t *sock = NULL;

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(s), port), 0);
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_connect(sock, endpoint), 0);
    return sock;
}

// One part within the time, or 0.
static int
s_receive(zsock_t *sock, zmq_msg_t *msg, int timeout_ms)
{
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLIN };

    zmq_poll(&item, 1, timeout_ms);
    return sock_recv(sock, msg);
}

static void
s_give(void)
{
    assert_int_equal(sock_send(s_agent.data, s_agent.stream.frame, s_agent.stream.len, false), 0);
}

// A tick at T0 + 1 s * n: one value of the host, and before it three of applications, two of them
// in one millisecond.
static void
s_tick(void)
{
    const int n = ++s_agent.ticks;

    if (n > 1) {
        fake_say(&s_agent.stream, -750, 1, 10 * n);
        fake_say(&s_agent.stream, -1, 1, 10 * n + 1);
        fake_say(&s_agent.stream, -1, 2, 10 * n + 2);
    }
    fake_row(&s_agent.stream, n == 1 ? RECORD_KEY : RECORD_DELTA, s_agent.t0_ms + 1000 * n, SLOTS,
             n);
    s_give();
}

// HELLO until it is answered, then definitions and the first tick.
static void
s_begin(stage_t *s)
{
    const struct control_msg hello = fake_hello(HOST, 1, "scripted", STREAM);
    uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, &hello);
    struct control_msg answer = { 0 };
    zmq_msg_t msg;

    memset(&s_agent, 0, sizeof s_agent);
    s_agent.stream.id = STREAM;
    s_agent.stream.metric = "m";
    s_agent.stream.apps = 1;
    s_agent.t0_ms = clock_real_ms() - 60000;
    s_agent.control = s_socket(s, ZMQ_DEALER, SOCK_CONTROL);
    s_agent.data = s_socket(s, ZMQ_PUSH, SOCK_DATA);
    zmq_msg_init(&msg);
    assert_int_equal(sock_send(s_agent.control, bytes, (size_t) n, false), 0);
    claim(s, s_receive(s_agent.control, &msg, stage_ms(10000)) == 1);
    claim(s, control_take(&answer, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0);
    claim(s, answer.type == CONTROL_WELCOME);
    zmq_msg_close(&msg);
    fake_ident(&s_agent.stream, HOST, "scripted");
    s_give();
    fake_table(&s_agent.stream, SLOTS);
    s_give();
    s_tick();
}

static void
s_end(void)
{
    row_state_release(&s_agent.stream.rows);
    zsock_destroy(&s_agent.control);
    zsock_destroy(&s_agent.data);
}

// What a subscriber knows of one topic.
struct reader {
    zsock_t *sock;
    char kind;
    bool has_table;
    uint32_t generation;
    uint32_t ids[SLOTS]; // by slot; 0: not of this topic
    uint64_t pubseq, number;
    int64_t time_ms;
    struct live_row row;
};

static void
s_read_table(stage_t *s, struct reader *reader, struct rbuf *r)
{
    const char *const job = reader->kind == LIVE_APP_ROWS ? "app" : "test";
    struct live_series *series;
    uint32_t n = 0;

    claim(s, live_take_table(r, &series, &n) == 0);
    for (uint32_t i = 0; i < n; i++) {
        const unsigned long slot = strtoul(label_set_metric(&series[i].labels) + 2, NULL, 10);

        claim(s, slot < SLOTS && strcmp(label_set_get(&series[i].labels, "job"), job) == 0);
        claim(s, strcmp(label_set_get(&series[i].labels, "instance"), "scripted") == 0);
        reader->ids[slot] = series[i].id;
    }
    live_series_free(series, n);
    reader->has_table = true;
}

// Reads on to the next ROW (or, with `table`, TABLE) of its topic.
static void
s_read(stage_t *s, struct reader *reader, bool table)
{
    const uint64_t pubseq = reader->pubseq, number = reader->number;
    char topic[LIVE_TOPIC_SIZE];
    struct live_header h;
    zmq_msg_t name, body;
    struct rbuf r;

    live_topic(topic, reader->kind, HOST);
    zmq_msg_init(&name);
    zmq_msg_init(&body);
    do {
        claim(s, s_receive(reader->sock, &name, stage_ms(10000)) == 1);
        claim(s, sock_recv(reader->sock, &body) == 1);
        claim(s, zmq_msg_size(&name) == strlen(topic) &&
                     memcmp(zmq_msg_data(&name), topic, strlen(topic)) == 0);
        claim(s, live_take(&h, &r, zmq_msg_data(&body), zmq_msg_size(&body)) == 0);
        if (h.type == LIVE_TABLE) {
            reader->generation = h.generation;
            s_read_table(s, reader, &r);
        }
    } while (h.type == LIVE_TABLE && !table);
    claim(s, h.type == (table ? LIVE_TABLE : LIVE_ROW));
    reader->pubseq = h.pubseq;
    reader->number = h.number;
    reader->time_ms = h.time_ms;
    if (!table) {
        // Read with the table that was told; none missing; and the store counts all of the host.
        claim(s, reader->has_table && h.generation == reader->generation);
        claim(s, h.pubseq == pubseq + 1 && h.number > number);
        claim(s, live_take_row(&r, &reader->row) == 0);
    }
    zmq_msg_close(&name);
    zmq_msg_close(&body);
}

// The table of a host that has sent nothing yet comes with its first row: the host's own first.
static struct reader
s_reader(stage_t *s, char kind)
{
    struct reader reader = { .sock = s_socket(s, ZMQ_SUB, SOCK_LIVE), .kind = kind };
    const char prefix[] = { kind, '/', '\0' };

    zsock_set_subscribe(reader.sock, prefix);
    s_read(s, &reader, true); // the subscription stands
    return reader;
}

static void
s_leave(struct reader *reader)
{
    live_row_release(&reader->row);
    zsock_destroy(&reader->sock);
}

// The next row is this one value of that slot.
static void
s_hears(stage_t *s, struct reader *reader, uint32_t slot, int64_t time_ms, double value)
{
    s_read(s, reader, false);
    claim(s, reader->time_ms == time_ms);
    claim(s, reader->row.n == 1 && reader->row.values[0] == value);
    claim(s, reader->ids[slot] != 0 && reader->row.ids[0] == reader->ids[slot]);
}

static void
applications_are_heard_at_their_own_times_on_their_own_topic(void **state)
{
    stage_t *s = *state;
    struct reader apps, host;
    int64_t t_ms;

    stage_collector(s, NULL);
    s_begin(s);
    host = s_reader(s, LIVE_HOST_ROWS);
    apps = s_reader(s, LIVE_APP_ROWS);
    if (host.pubseq == 0) // the subscription was there before the first tick
        s_hears(s, &host, 0, s_agent.t0_ms + 1000, 1);
    claim(s, apps.pubseq == 0 && host.pubseq == 1);
    for (int i = 2; i <= TICKS; i++) {
        t_ms = s_agent.t0_ms + 1000 * i;
        s_tick();
        s_hears(s, &apps, 1, t_ms - 750, 10 * i);
        s_hears(s, &apps, 1, t_ms - 1, 10 * i + 1);
        s_hears(s, &apps, 2, t_ms - 1, 10 * i + 2);
        s_hears(s, &host, 0, t_ms, i);
        claim(s, host.number == apps.number + 1); // applications first
    }
    claim(s, apps.pubseq == 3 * (TICKS - 1) && host.pubseq == TICKS);
    claim(s, host.number == apps.pubseq + host.pubseq);
    claim(s, apps.ids[0] == 0 && host.ids[1] == 0 && host.ids[2] == 0);
    s_leave(&apps);
    s_leave(&host);
    s_end();
}

static void
who_comes_later_is_told_where_the_topic_stands(void **state)
{
    stage_t *s = *state;
    struct reader host, first, later;

    stage_collector(s, NULL);
    s_begin(s);
    host = s_reader(s, LIVE_HOST_ROWS);
    first = s_reader(s, LIVE_APP_ROWS);
    s_tick();
    for (int i = 0; i < 3; i++)
        s_read(s, &first, false);
    later = s_reader(s, LIVE_APP_ROWS);
    claim(s, later.pubseq == 3 && later.number == first.number);
    claim(s, later.generation == first.generation && later.ids[2] == first.ids[2]);
    s_tick();
    s_hears(s, &later, 1, s_agent.t0_ms + 3000 - 750, 30);
    s_hears(s, &first, 1, s_agent.t0_ms + 3000 - 750, 30);
    s_leave(&host);
    s_leave(&first);
    s_leave(&later);
    s_end();
}

static bool
s_tail_ends(stage_t *s, void *arg)
{
    (void) s;
    s_tick(); // something to tell, until it has heard enough
    return process_ended(arg, 100);
}

static void
tail_shows_the_samples_of_applications(void **state)
{
    stage_t *s = *state;
    const char *out;
    process_t *p;

    stage_collector(s, NULL);
    s_begin(s);
    s_tick();
    p = stage_run(s, "zpulse", "tail", "-n", "6", "--collector", stage_endpoint(s),
                  "{job=\"app\",instance=\"scripted\"}", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_tail_ends, p) && process_code(p) == 0);
    out = process_out(p);
    claim(s, strstr(out, "m_1{instance=\"scripted\",job=\"app\"} ") != NULL);
    claim(s, strstr(out, "m_2{instance=\"scripted\",job=\"app\"} ") != NULL);
    claim(s, strstr(out, "job=\"test\"") == NULL);
    s_end();
}

#define SENT     5
#define APART_MS 137

// What an application tells an agent: one message each APART_MS.
static void
s_apply(zsock_t *push, int64_t from_ms)
{
    char text[160];

    for (int i = 0; i < SENT; i++) {
        const int64_t t_ms = from_ms + i * APART_MS;
        const time_t t = (time_t) (t_ms / 1000);
        struct tm tm;
        int n;

        assert_non_null(gmtime_r(&t, &tm));
        n = (int) strftime(text, sizeof text,
                           "{\"color\":\"red\",\"timestamp\":\"%Y-%m-%dT%H:%M:%S", &tm);
        n += snprintf(text + n, sizeof text - (size_t) n, ".%03d+00:00\",\"cpu\":%d,\"mem\":64}",
                      (int) (t_ms % 1000), i);
        assert_int_equal(sock_send(push, text, (size_t) n, false), 0);
    }
}

static void
what_an_application_sends_is_heard_at_its_own_time(void **state)
{
    stage_t *s = *state;
    const struct sock_spec spec = {
        .type = ZMQ_PUSH, .send_hwm = 100, .recv_hwm = 2, .max_bytes = 4096, .linger_ms = 1000
    };
    const int64_t from_ms = clock_real_ms() - 5000;
    char at[256], bind[260];
    struct live_row row = { 0 };
    zsock_t *push = NULL, *sub;
    zmq_msg_t topic, body;

    snprintf(at, sizeof at, "ipc://%s/applications", stage_dir(s));
    snprintf(bind, sizeof bind, "@%s", at);
    stage_collector(s, NULL);
    sub = s_socket(s, ZMQ_SUB, SOCK_LIVE);
    zsock_set_subscribe(sub, "a/");
    zsock_set_subscribe(sub, "m/");
    stage_agent(s, "web-1", "--app-pull", bind, NULL);
    zmq_msg_init(&topic);
    zmq_msg_init(&body);
    // The host is heard, so both subscriptions stand.
    claim(s, s_receive(sub, &topic, stage_ms(10000)) == 1 && sock_recv(sub, &body) == 1);
    assert_int_equal(sock_new(&push, &spec, NULL), 0);
    assert_int_equal(sock_connect(push, at), 0);
    s_apply(push, from_ms);
    for (int i = 0; i < SENT;) {
        struct live_header h;
        struct rbuf r;

        claim(s, s_receive(sub, &topic, stage_ms(10000)) == 1 && sock_recv(sub, &body) == 1);
        claim(s, live_take(&h, &r, zmq_msg_data(&body), zmq_msg_size(&body)) == 0);
        if (h.type == LIVE_TABLE || *(const char *) zmq_msg_data(&topic) != LIVE_APP_ROWS)
            continue;
        claim(s, h.pubseq == (uint64_t) i + 1 && h.time_ms == from_ms + i * APART_MS);
        claim(s, live_take_row(&r, &row) == 0 && row.n == 2);
        i++;
    }
    zmq_msg_close(&topic);
    zmq_msg_close(&body);
    live_row_release(&row);
    zsock_destroy(&push);
    zsock_destroy(&sub);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_plain(applications_are_heard_at_their_own_times_on_their_own_topic),
        stage_test_plain(who_comes_later_is_told_where_the_topic_stands),
        stage_test_plain(tail_shows_the_samples_of_applications),
        stage_test_plain(what_an_application_sends_is_heard_at_its_own_time),
    };
    return cmocka_run_group_tests_name("flow_topics", tests, NULL, NULL);
}

// flow_collector_restart - a collector that is killed again and again forgets nothing that anybody
// has seen, and answers for the time before.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/sock.h"
#include "tests/support/fake_stream.h"
#include "tests/support/stage.h"

#define STREAM       "/api/v1/stream?view=host&h=web-1"
#define HISTORY      "/api/v1/hist?h=web-1&c=mem.total&pts=11000"
#define KILLS        6
#define HOST         UINT64_C(0xf100d)
#define FLOOD        UINT64_C(0xf100d0)
#define FLOOD_BYTES  (200u * 1024u)
#define FLOOD_FRAMES 1500u // 300 MiB
#define SEEN         64u   // ticks that a reader has seen, at most

static struct stage_host s_up = { "web-1", "up" };
static process_t *s_collector;

static void
s_start_all(stage_t *s)
{
    s_collector = stage_collector(s, NULL);
    stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
}

static void
s_kill_and_start(stage_t *s)
{
    process_signal(s_collector, SIGKILL);
    claim(s, process_ended(s_collector, stage_ms(STAGE_PATIENCE_MS)));
    s_collector = stage_collector(s, NULL);
}

// Whether history has a row of exactly this time.
static bool
s_has(json_t *history, json_int_t time_ms)
{
    const json_int_t t0 = json_integer_value(json_object_get(history, "t0"));
    json_t *t = json_object_get(history, "t");
    size_t i;
    json_t *at;

    json_array_foreach(t, i, at)
    {
        if (t0 + json_integer_value(at) == time_ms)
            return true;
    }
    return false;
}

static void
what_a_reader_has_seen_is_history_after_any_number_of_kills(void **state)
{
    stage_t *s = *state;
    json_int_t seen[SEEN];
    unsigned n = 0;
    json_t *history;
    sse_t *stream;

    s_start_all(s);
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    for (int kill = 0; kill <= KILLS; kill++) {
        for (int i = 0; i < 2; i++) {
            json_t *tick = sse_next_json(stream, "tick", stage_ms(20000));

            claim(s, tick != NULL && n < SEEN);
            seen[n++] = json_integer_value(json_object_get(tick, "t"));
            json_decref(tick);
        }
        if (kill < KILLS)
            s_kill_and_start(s);
    }
    history = http_json(stage_http_port(s), HISTORY);
    claim(s, history != NULL);
    for (unsigned i = 0; i < n; i++)
        claim(s, s_has(history, seen[i]));
    json_decref(history);
    sse_close(&stream);
}

// The agent is gone: what is answered can only be from the journal.
static void
a_host_that_is_gone_is_answered_for_from_the_journal(void **state)
{
    stage_t *s = *state;
    process_t *agent;
    json_t *event, *history = NULL;
    json_int_t time_ms;
    sse_t *stream;

    s_collector = stage_collector(s, NULL);
    agent = stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    event = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
    claim(s, event != NULL);
    time_ms = json_integer_value(json_object_get(event, "t"));
    json_decref(event);
    process_signal(agent, SIGTERM);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    sse_close(&stream);
    s_kill_and_start(s);
    // By name it is not known until it says HELLO; it returns, and its past is there.
    stage_agent(s, "web-1", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    history = http_json(stage_http_port(s), HISTORY);
    claim(s, history != NULL && s_has(history, time_ms));
    json_decref(history);
}

// Another collector's data, or what a newer version wrote, is never taken for ours, nor put away.
static void
a_journal_that_is_not_ours_is_refused_with_a_sentence(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL);
    char path[256];

    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(path, sizeof path, "%s/collector/collector_id", stage_dir(s));
    claim(s, unlink(path) == 0); // a new one is made at the next start
    collector = stage_collector(s, NULL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    assert_int_equal(process_code(collector), 78);
    claim(s, strstr(process_err(collector), "of another collector") != NULL);
}

static zsock_t *
s_join(stage_t *s, int type, enum sock_port port)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 100, .recv_hwm = 100, .max_bytes = CONTROL_MAX, .linger_ms = 0
    };
    char endpoint[256];
    zsock_t *sock;

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(s), port), 0);
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_connect(sock, endpoint), 0);
    return sock;
}

static void
s_say_hello(zsock_t *dealer)
{
    static uint8_t bytes[CONTROL_MAX];
    struct control_msg msg = fake_hello(HOST, 1, "flood", FLOOD);
    zmq_pollitem_t item = { .socket = sock_raw(dealer), .events = ZMQ_POLLIN };
    const ptrdiff_t n = control_put(bytes, sizeof bytes, &msg);

    assert_true(n > 0);
    assert_int_equal(sock_send(dealer, bytes, (size_t) n, false), 0);
    assert_int_equal(zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)), 1);
}

static unsigned long
s_peak_kib(process_t *process)
{
    unsigned long peak_kib = 0;
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int) process_pid(process));
    f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        (void) sscanf(line, "VmHWM: %lu kB", &peak_kib);
    fclose(f);
    return peak_kib;
}

// What a flood may add. The address sanitizer holds on to what was freed, up to 256 MiB.
#ifdef __SANITIZE_ADDRESS__
#define SPARE_KIB (384 * 1024)
#else
#define SPARE_KIB (48 * 1024)
#endif

// An agent that does not care for credit, and sends faster than any disk writes.
static void
memory_stays_within_what_is_told(void **state)
{
    static struct fake_stream flood = { .id = FLOOD, .metric = "f" };
    static uint8_t body[FLOOD_BYTES];
    stage_t *s = *state;
    zsock_t *push, *dealer;
    unsigned long before_kib;

    s_collector = stage_collector(s, "--memory", "64MiB", NULL);
    dealer = s_join(s, ZMQ_DEALER, SOCK_CONTROL);
    push = s_join(s, ZMQ_PUSH, SOCK_DATA);
    s_say_hello(dealer);
    before_kib = s_peak_kib(s_collector);
    claim(s, before_kib > 0);
    for (unsigned i = 0; i < FLOOD_FRAMES; i++) {
        zmq_pollitem_t item = { .socket = sock_raw(push), .events = ZMQ_POLLOUT };

        fake_record(&flood, 99, 0, 1, body, sizeof body); // of a type of a later version
        claim(s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
        assert_int_equal(sock_send(push, flood.frame, flood.len, false), 0);
    }
    // It is all taken off the socket, and hardly any of it held: an eighth of the memory is for
    // that, and libzmq has queues of its own.
    claim(s, s_peak_kib(s_collector) < before_kib + SPARE_KIB);
    zsock_destroy(&push);
    zsock_destroy(&dealer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_plain(what_a_reader_has_seen_is_history_after_any_number_of_kills),
        stage_test_plain(a_host_that_is_gone_is_answered_for_from_the_journal),
        stage_test_plain(a_journal_that_is_not_ours_is_refused_with_a_sentence),
        stage_test_plain(memory_stays_within_what_is_told),
    };
    return cmocka_run_group_tests_name("flow_collector_restart", tests, NULL, NULL);
}

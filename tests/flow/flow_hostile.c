// flow_hostile - what strangers send to each socket; the numbers of a good agent go on.
//
// Order of a test: a reader watches, the stranger talks, and the reader still gets ticks in order
// while no program has ended.

#include <czmq.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/live.h"
#include "shared/wire/query_msg.h"
#include "tests/support/stage.h"

#define CONNECTIONS 50
#define FLIPS       400

static char *
s_port(const stage_t *s, unsigned step)
{
    return zsys_sprintf(">tcp://127.0.0.1:%u", stage_port(s) + step);
}

static zsock_t *
s_socket(const stage_t *s, int type, unsigned step)
{
    char *endpoint = s_port(s, step);
    zsock_t *sock = zsock_new(type);

    zsock_set_linger(sock, 100);
    zsock_set_sndtimeo(sock, stage_ms(STAGE_PATIENCE_MS));
    assert_int_equal(zsock_attach(sock, endpoint, false), 0);
    free(endpoint);
    return sock;
}

// A socket that was shut for what it said does not take the next message: that is fine.
static void
s_say(zsock_t *sock, const void *at, size_t n)
{
    zmq_send(zsock_resolve(sock), at, n, 0);
}

// Parts that every socket hears: nothing, little, much, text, and more parts than one.
static void
s_say_nonsense(zsock_t *sock)
{
    static const char http[] = "GET / HTTP/1.0\r\n\r\n";
    static const size_t sizes[] = { 0, 1, 2, 7, 15, 16, 17, 59, 60, 61, 255, 256, 4096, 65536 };
    uint8_t *bytes = malloc(65536);

    assert_non_null(bytes);
    for (size_t i = 0; i < 65536; i++)
        bytes[i] = (uint8_t) rand();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        s_say(sock, bytes, sizes[i]);
    memset(bytes, 0, 65536);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        s_say(sock, bytes, sizes[i]);
    memset(bytes, 0xff, 65536);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        s_say(sock, bytes, sizes[i]);
    s_say(sock, http, sizeof http - 1);
    for (int part = 0; part < 20; part++)
        zmq_send(zsock_resolve(sock), bytes, 3, part < 19 ? ZMQ_SNDMORE : 0);
    free(bytes);
}

// A message that is right, cut at every length, and with single bits turned over.
static void
s_say_almost(zsock_t *sock, const uint8_t *right, size_t n)
{
    uint8_t *bent = malloc(n);

    assert_non_null(bent);
    for (size_t cut = 0; cut < n; cut++)
        s_say(sock, right, cut);
    for (int i = 0; i < FLIPS; i++) {
        const size_t at = (size_t) rand() % n;

        memcpy(bent, right, n);
        bent[at] = (uint8_t) (bent[at] ^ (1u << (rand() % 8)));
        s_say(sock, bent, n);
    }
    free(bent);
}

static sse_t *
s_watch(stage_t *s)
{
    sse_t *stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", NULL);
    struct sse_event ev;

    claim(s, stream != NULL && sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    srand(1);
    return stream;
}

// Three more ticks, none missing.
static void
s_goes_on(stage_t *s, sse_t **stream)
{
    json_int_t last = 0;

    for (int i = 0; i < 3; i++) {
        json_t *tick = sse_next_tick(*stream, &last, stage_ms(STAGE_PATIENCE_MS));

        claim(s, tick != NULL);
        json_decref(tick);
    }
    sse_close(stream);
}

struct metric {
    const char *name;
    double least;
};

static bool
s_counted(stage_t *s, void *arg)
{
    const struct metric *want = arg;

    return stage_metric(s, want->name) >= want->least;
}

static void
nonsense_as_data_is_counted_and_survived(void **state)
{
    struct metric refused = { "zpulse_collector_frames_refused_total{reason=\"format\"}", 100 };
    static const uint8_t body[] = "nonsense";
    const struct record record = { .type = RECORD_KEY,
                                   .count = 3,
                                   .stream = 42,
                                   .seq = 7,
                                   .t0_ms = 1,
                                   .body = body,
                                   .body_len = sizeof body };
    const struct frame_prefix prefix = { .flags = 0, .base = 7 };
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_PUSH, 0);
    uint8_t frame[256];
    ptrdiff_t n;

    s_say_nonsense(sock);
    frame_put_prefix(frame, &prefix);
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    assert_true(n > 0);
    s_say_almost(sock, frame, FRAME_PREFIX_SIZE + (size_t) n);
    // Whole and well formed, but of a stream that no agent has named.
    s_say(sock, frame, FRAME_PREFIX_SIZE + (size_t) n);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_counted, &refused));
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
}

static void
a_frame_larger_than_the_largest_ends_only_its_connection(void **state)
{
    const size_t n = 2 * FRAME_MAX;
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_PUSH, 0);
    uint8_t *much = calloc(1, n);

    assert_non_null(much);
    for (int i = 0; i < 4; i++)
        s_say(sock, much, n);
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
    free(much);
}

static void
nonsense_as_control_is_counted_and_survived(void **state)
{
    struct metric refused = { "zpulse_collector_control_refused_total", 100 };
    struct control_msg msg = { .type = CONTROL_HELLO };
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_DEALER, 1);
    uint8_t bytes[1024];
    ptrdiff_t n;

    s_say_nonsense(sock);
    msg.hello.id = (struct identity){ .host = 77,
                                      .name = "stranger",
                                      .name_len = 8,
                                      .version = "0",
                                      .version_len = 1,
                                      .interval_ms = 1000 };
    msg.hello.nonce = 1;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.n_streams = 1;
    msg.hello.streams[0] = (struct hello_stream){ .stream = 9, .base = 0, .head = 1 };
    n = control_put(bytes, sizeof bytes, &msg);
    assert_true(n > 0);
    s_say_almost(sock, bytes, (size_t) n);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_counted, &refused));
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
}

// Who takes another's name is sent away; the first one stays what it is.
static void
a_stranger_does_not_become_another_host(void **state)
{
    struct control_msg msg = { .type = CONTROL_HELLO };
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_DEALER, 1);
    uint8_t bytes[1024];
    struct control_msg answer;
    json_t *before = stage_host(s, "web-1"), *after;
    ptrdiff_t n;
    zframe_t *frame;

    msg.hello.id = (struct identity){ .host = 77,
                                      .name = "web-1",
                                      .name_len = 5,
                                      .version = "0",
                                      .version_len = 1,
                                      .interval_ms = 1000 };
    msg.hello.nonce = 1;
    msg.hello.max_frame = FRAME_MAX;
    n = control_put(bytes, sizeof bytes, &msg);
    assert_true(n > 0);
    s_say(sock, bytes, (size_t) n);
    zsock_set_rcvtimeo(sock, stage_ms(STAGE_PATIENCE_MS));
    frame = zframe_recv(sock);
    claim(s, frame != NULL);
    assert_int_equal(control_take(&answer, zframe_data(frame), zframe_size(frame)), 0);
    assert_int_equal(answer.type, CONTROL_GOAWAY);
    assert_int_equal(answer.goaway.reason, GOAWAY_NAME);
    zframe_destroy(&frame);
    after = stage_host(s, "web-1");
    claim(s, strcmp(json_string_value(json_object_get(before, "id")),
                    json_string_value(json_object_get(after, "id"))) == 0);
    json_decref(before);
    json_decref(after);
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
}

static void
nonsense_as_a_subscription_is_survived(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_XSUB, 2);
    uint8_t topic[64] = { 1, 'm', '/' };

    s_say_nonsense(sock);
    for (int i = 0; i < 2000; i++) {
        const int n = snprintf((char *) topic + 3, sizeof topic - 3, "%016x", (unsigned) i);

        s_say(sock, topic, 3 + (size_t) n);
    }
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
}

static void
nonsense_as_a_query_is_counted_and_survived(void **state)
{
    struct metric refused = { "zpulse_collector_queries_refused_total", 50 };
    struct query_request q = { .type = QUERY_SELECT,
                               .id = 1,
                               .start_ms = INT64_MIN,
                               .end_ms = INT64_MAX,
                               .n_selectors = 1,
                               .selectors = { "{__name__=~\"(a+)+b\"}" } };
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    zsock_t *sock = s_socket(s, ZMQ_DEALER, 3);
    uint8_t bytes[512];
    ptrdiff_t n;

    s_say_nonsense(sock);
    n = query_put_request(bytes, sizeof bytes, &q);
    assert_true(n > 0);
    s_say_almost(sock, bytes, (size_t) n);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_counted, &refused));
    s_goes_on(s, &stream);
    zsock_destroy(&sock);
}

// Connections that speak no ZMTP, half of it, or nothing at all.
static void
bytes_that_are_no_zmtp_are_survived(void **state)
{
    static const uint8_t half_a_greeting[] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3 };
    static const char text[] = "SSH-2.0-OpenSSH_9.2p1\r\n";
    int open[CONNECTIONS];
    stage_t *s = *state;
    sse_t *stream = s_watch(s);

    for (unsigned step = 0; step < 4; step++) {
        for (int i = 0; i < CONNECTIONS; i++) {
            open[i] = http_connect((uint16_t) (stage_port(s) + step));
            claim(s, open[i] != -1);
            if (i % 3 == 0)
                send(open[i], text, sizeof text - 1, MSG_NOSIGNAL);
            else if (i % 3 == 1)
                send(open[i], half_a_greeting, sizeof half_a_greeting, MSG_NOSIGNAL);
        }
        for (int i = 0; i < CONNECTIONS; i++)
            close(open[i]);
    }
    s_goes_on(s, &stream);
}

static void
nonsense_over_http_is_survived(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } says[] = {
        { "\r\n\r\n", 4 },
        { "\0\0\0\0\r\n\r\n", 8 },
        { "GET\r\n\r\n", 7 },
        { "GET / HTTP/9.9\r\n\r\n", 18 },
        { "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 30 },
        { "GET /api/v1/stream?view=host&h=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 60 },
        { "GET /api/v1/hist?h=web-1&from=9223372036854775808&pts=-1 HTTP/1.1\r\n\r\n", 70 },
        { "POST /api/v1/hosts HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 61 },
        { "GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 49 },
    };
    stage_t *s = *state;
    sse_t *stream = s_watch(s);
    char *line = malloc(100000);

    assert_non_null(line);
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        const int fd = http_connect(stage_http_port(s));

        claim(s, fd != -1);
        send(fd, says[i].text, says[i].n, MSG_NOSIGNAL);
        close(fd);
    }
    memset(line, 'a', 100000);
    memcpy(line, "GET /", 5);
    for (int i = 0; i < CONNECTIONS; i++) {
        const int fd = http_connect(stage_http_port(s));

        claim(s, fd != -1);
        send(fd, line, 100000, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
    free(line);
    s_goes_on(s, &stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_up_plain(nonsense_as_data_is_counted_and_survived),
        stage_test_up_plain(a_frame_larger_than_the_largest_ends_only_its_connection),
        stage_test_up_plain(nonsense_as_control_is_counted_and_survived),
        stage_test_up_plain(a_stranger_does_not_become_another_host),
        stage_test_up_plain(nonsense_as_a_subscription_is_survived),
        stage_test_up_plain(nonsense_as_a_query_is_counted_and_survived),
        stage_test_up_plain(bytes_that_are_no_zmtp_are_survived),
        stage_test_up_plain(nonsense_over_http_is_survived),
    };

    setenv("ZSYS_SIGHANDLER", "false", 1);
    zsys_init();
    return cmocka_run_group_tests_name("flow_hostile", tests, NULL, NULL);
}

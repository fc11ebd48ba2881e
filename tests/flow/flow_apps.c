// flow_apps - applications tell their numbers to the agent of their host, and are seen.
//
// A few lines more than 500: all claims stand on the same helpers, which see what a tail says.

#include <arpa/inet.h>
#include <czmq.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/exported.h"
#include "tests/support/stage.h"

#define DEMO     "../tests/support/demo_app"
#define FLOOD_MS 4000
#define SOON_MS  2000
#define TRIES    5

static const char s_no_inputs[] = "";

// tcp:// of one of the stage's two spare ports; in one of four buffers.
static const char *
s_at(const stage_t *s, const char *prefix, unsigned i)
{
    static char text[4][64];
    static unsigned next;
    char *at = text[next++ % 4];

    snprintf(at, sizeof text[0], "%stcp://127.0.0.1:%u", prefix, stage_spare_port(s, i));
    return at;
}

static unsigned
s_count(const char *text, const char *words)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, words)) != NULL; at += strlen(words))
        n++;
    return n;
}

// What a program has said, on either output, has these words so often.
struct words {
    process_t *of;
    const char *words;
    unsigned least;
};

static bool
s_says(stage_t *s, void *arg)
{
    const struct words *w = arg;

    (void) s;
    return s_count(process_out(w->of), w->words) + s_count(process_err(w->of), w->words) >=
           w->least;
}

static bool
s_wait_words(stage_t *s, process_t *of, const char *words)
{
    struct words w = { of, words, 1 };

    return stage_until(s, STAGE_PATIENCE_MS, s_says, &w);
}

// A counter of /metrics is at least so high.
struct least {
    const char *series;
    double value;
};

static bool
s_reaches(stage_t *s, void *arg)
{
    const struct least *least = arg;

    return stage_metric(s, least->series) >= least->value;
}

static bool
s_wait_metric(stage_t *s, const char *series, double value)
{
    struct least least = { series, value };

    return stage_until(s, STAGE_PATIENCE_MS, s_reaches, &least);
}

// The three programs, and a tail that is known to follow.
static process_t *
s_open(stage_t *s, const char *sub, const char *pull, process_t **agent_ret)
{
    process_t *tail, *agent;

    stage_collector(s, NULL);
    agent = stage_agent(s, "web-1", "--app-sub", sub, "--app-pull", pull, NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    tail = stage_run(s, "zpulse", "tail", "--collector", stage_endpoint(s),
                     "{__name__=~\"app_.*|node_load1\"}", NULL);
    claim(s, s_wait_words(s, tail, "node_load1"));
    if (agent_ret != NULL)
        *agent_ret = agent;
    return tail;
}

static zsock_t *
s_peer(int type, const char *endpoint)
{
    zsock_t *sock = zsock_new(type);

    zsock_set_linger(sock, 0);
    assert_int_equal(zsock_attach(sock, endpoint, false), 0);
    return sock;
}

static void
an_application_appears_within_two_seconds(void **state)
{
    stage_t *s = *state;
    process_t *tail = s_open(s, s_at(s, "@", 0), s_no_inputs, NULL);
    int64_t soonest = INT64_MAX;
    char name[16], cpu[96], mem[96];

    // What a machine is busy with delays one; what is slow by itself delays each of them.
    for (int i = 0; i < TRIES && soonest > stage_ms(SOON_MS); i++) {
        const int64_t start = clock_mono_ms();

        snprintf(name, sizeof name, "red%d", i);
        snprintf(cpu, sizeof cpu, "app_cpu_ratio{app=\"%s\",color=\"%s\",instance=\"web-1\"", name,
                 name);
        snprintf(mem, sizeof mem, "app_resident_memory_bytes{app=\"%s\",color=\"%s\"", name, name);
        stage_run(s, DEMO, "--color", name, "--endpoint", s_at(s, "", 0), NULL);
        claim(s, s_wait_words(s, tail, cpu));
        claim(s, s_wait_words(s, tail, mem));
        soonest = clock_mono_ms() - start;
    }
    claim(s, soonest <= stage_ms(SOON_MS));
}

// The newest number of a column, NAN where there is none.
static double
s_column(stage_t *s, const char *id)
{
    char path[160];
    json_t *hist, *values;
    double newest = (double) NAN;

    snprintf(path, sizeof path, "/api/v1/hist?h=web-1&c=%s&pts=11000", id);
    hist = http_json(stage_http_port(s), path);
    values = json_array_get(json_object_get(hist, "avg"), 0);
    for (size_t i = 0; i < json_array_size(values); i++) {
        json_t *v = json_array_get(values, i);

        if (json_is_number(v))
            newest = json_number_value(v);
    }
    json_decref(hist);
    return newest;
}

static bool
s_has_columns(stage_t *s, void *arg)
{
    (void) arg;
    return s_column(s, "app.cpu.red") >= 0 && s_column(s, "app.mem.red") > 1e6 &&
           s_column(s, "app.mem.unnamed") > 1e6;
}

static void
applications_that_pub_and_that_push_become_columns(void **state)
{
    stage_t *s = *state;

    s_open(s, s_at(s, "@", 0), s_at(s, "@", 1), NULL);
    stage_run(s, DEMO, "--color", "red", "--endpoint", s_at(s, "", 0), NULL);
    stage_run(s, DEMO, "--push", "--endpoint", s_at(s, "", 1), NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_columns, NULL));
    claim(s, s_wait_metric(s, "zpulse_agent_app_samples_total", 8));
    // It is of the tick before.
    claim(s, s_wait_metric(s, "zpulse_agent_app_applications", 2));
    claim(s, stage_metric(s, "zpulse_agent_app_applications") == 2);
    claim(s, stage_metric(s, "zpulse_agent_app_conflicts_total") == 0);
    claim(s, stage_metric(s, "zpulse_agent_app_times_unknown_total") == 0);
}

// Somebody else's server binds both; the agent connects, and its first number is 0.
static void
the_agent_connects_to_a_server_and_keeps_its_0(void **state)
{
    stage_t *s = *state;
    zsock_t *push = s_peer(ZMQ_PUSH, s_at(s, "@", 0));
    zsock_t *pub = s_peer(ZMQ_PUB, s_at(s, "@", 1));
    process_t *tail = s_open(s, s_at(s, ">", 1), s_at(s, ">", 0), NULL);
    char pulled[128], subscribed[128];

    snprintf(pulled, sizeof pulled, "app_value{app=\"%s\",instance=\"web-1\",job=\"app\"} 0\n",
             s_at(s, "", 0));
    snprintf(subscribed, sizeof subscribed, "app_value{app=\"%s\",instance=\"web-1\",job=\"app\"} ",
             s_at(s, "", 1));
    zsock_set_sndtimeo(push, stage_ms(STAGE_PATIENCE_MS));
    claim(s, zstr_send(push, "0") == 0);
    claim(s, s_wait_words(s, tail, pulled));
    for (int n = 0; n < 400 && strstr(process_out(tail), subscribed) == NULL; n++) {
        zstr_sendf(pub, "%d", n);
        process_ended(tail, 50);
    }
    claim(s, strstr(process_out(tail), subscribed) != NULL);
    zsock_destroy(&push);
    zsock_destroy(&pub);
}

static void
bad_messages_are_counted_and_logged_once_a_socket(void **state)
{
    static const char *const messages[] = { "{\"cpu\": ",
                                            "",
                                            "\xff",
                                            "{\"cpu\": NaN}",
                                            "{\"color\": 5}",
                                            "null",
                                            "\"\"",
                                            "{}",
                                            "{\"color\": \"good\", \"cpu\": 12.5, \"queue\": 3}" };
    stage_t *s = *state;
    process_t *agent;
    process_t *tail = s_open(s, s_no_inputs, s_at(s, "@", 1), &agent);
    zsock_t *push = s_peer(ZMQ_PUSH, s_at(s, ">", 1));

    zsock_set_linger(push, 1000);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        zstr_send(push, messages[i]);
    claim(s, s_wait_words(s, tail, "app_queue{app=\"good\",color=\"good\""));
    claim(s, strstr(process_out(tail), "job=\"app\"} 0.125\n") != NULL);
    claim(s, s_wait_metric(s, "zpulse_agent_app_messages_total", 9));
    claim(s, stage_metric(s, "zpulse_agent_app_bad_total") == 5);
    claim(s, s_count(process_err(agent), "a message of an application is dropped") == 1);
    zsock_destroy(&push);
}

// As fast as it goes for some seconds, and until the tail has said all that is wanted; every
// message has its own time. False when that takes too long.
static bool
s_flood(stage_t *s, struct words *wanted, int n)
{
    zsock_t *pub = s_peer(ZMQ_PUB, s_at(s, ">", 0));
    const int64_t start = clock_mono_ms();
    bool said = false;

    while (clock_mono_ms() < start + FLOOD_MS ||
           (!said && clock_mono_ms() < start + stage_ms(STAGE_PATIENCE_MS))) {
        for (int burst = 0; burst < 10; burst++) {
            for (int i = 0; i < 200; i++)
                zstr_send(pub, "{\"color\": \"flood\", \"cpu\": 1, \"mem\": 2}");
            poll(NULL, 0, 5); // some 40,000 a second: this machine has other work as well
        }
        said = true;
        for (int i = 0; i < n; i++)
            said = said && s_says(s, &wanted[i]);
    }
    zsock_destroy(&pub);
    return said;
}

static void
a_flood_beside_a_quiet_application_hurts_neither_it_nor_the_ticks(void **state)
{
    stage_t *s = *state;
    process_t *agent;
    process_t *tail = s_open(s, s_at(s, "@", 0), s_no_inputs, &agent);
    // Meanwhile both go on, each second: the ticks, and what the quiet one says.
    struct words more[] = { { tail, "app_cpu_ratio{app=\"quiet\"", 3 }, { tail, "node_load1", 3 } };

    stage_run(s, DEMO, "--color", "quiet", "--endpoint", s_at(s, "", 0), NULL);
    claim(s, s_wait_words(s, tail, "app_cpu_ratio{app=\"quiet\""));
    for (int i = 0; i < 2; i++)
        more[i].least += s_count(process_out(tail), more[i].words);
    claim(s, s_flood(s, more, 2));
    claim(s, s_count(process_out(tail), "app_cpu_ratio{app=\"flood\"") > 100);
    claim(s, s_wait_metric(s, "zpulse_agent_app_excess_total{app=\"flood\"", 1000));
    claim(s, !(stage_metric(s, "zpulse_agent_app_excess_total{app=\"quiet\"") > 0));

    claim(s, s_count(process_err(agent), "an application sends more than is kept") == 1);
    claim(s, strstr(process_err(agent), "app=flood") != NULL);
}

static void
an_application_that_ends_gets_a_stale_mark(void **state)
{
    stage_t *s = *state;
    process_t *tail = s_open(s, s_at(s, "@", 0), s_no_inputs, NULL);
    process_t *demo = stage_run(s, DEMO, "--color", "red", "--endpoint", s_at(s, "", 0), NULL);

    claim(s, s_wait_words(s, tail, "app_cpu_ratio{app=\"red\""));
    process_signal(demo, SIGINT);
    claim(s, process_ended(demo, stage_ms(STAGE_PATIENCE_MS)) && process_code(demo) == 0);
    claim(s, strstr(process_out(demo), "Leaving") != NULL);
    claim(s, s_wait_words(s, tail, "job=\"app\"} stale\n"));
}

// The second value is there, once.
static bool
s_has_both(stage_t *s, void *arg)
{
    host_samples_t *all = exported_run(s, "app_queue", 0);
    struct sample *samples;
    size_t n = 0, twos = 0;

    (void) arg;
    samples = all != NULL ? host_samples_get(all, "web-1", &n) : NULL;
    for (size_t i = 0; i < n; i++)
        twos += samples[i].value == 2;
    if (all != NULL)
        host_samples_destroy(&all);
    return twos == 1;
}

// An agent whose next tick is an hour away: what it has of applications when it ends is not lost.
// If the machine is too busy for it to be sent in the time that an end may take, the next start
// finds it.
static void
what_waits_when_the_agent_ends_is_not_lost(void **state)
{
    stage_t *s = *state;
    zsock_t *push = s_peer(ZMQ_PUSH, s_at(s, ">", 1));
    process_t *agent;

    stage_collector(s, NULL);
    agent = stage_agent(s, "web-1", "--interval", "1h", "--app-pull", s_at(s, "@", 1), NULL);
    claim(s, s_wait_words(s, agent, "the collector welcomes us"));
    zstr_send(push, "{\"color\": \"red\", \"queue\": 1}");
    claim(s, s_wait_words(s, agent, "an application is heard of"));
    zstr_send(push, "{\"color\": \"red\", \"queue\": 2}");
    zstr_send(push, "{"); // what is said of it tells that the one before has come
    claim(s, s_wait_words(s, agent, "a message of an application is dropped"));
    process_signal(agent, SIGTERM);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)) && process_code(agent) == 0);
    zsock_destroy(&push);
    stage_agent(s, "web-1", "--interval", "1h", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_both, NULL));
}

// Somebody else's socket on the port; -1 where there is one already, which is as good.
static int
s_occupy(uint16_t port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (const struct sockaddr *) &at, sizeof at) == 0 && listen(fd, 1) == 0)
        return fd;
    close(fd);
    return -1;
}

struct port {
    uint16_t port;
    int fd;
};

static bool
s_occupies(stage_t *s, void *arg)
{
    struct port *port = arg;

    (void) s;
    port->fd = s_occupy(port->port);
    return port->fd != -1;
}

static void
a_default_port_that_is_taken_is_a_warning(void **state)
{
    static const uint16_t ports[] = { 5555, 5565 };
    stage_t *s = *state;
    char data[300];
    int fds[2];
    process_t *agent;

    // Another test's agent may have it for a moment; who keeps it does as well as we do.
    for (size_t i = 0; i < 2; i++) {
        struct port port = { ports[i], -1 };

        stage_until(s, 3000, s_occupies, &port);
        fds[i] = port.fd;
    }
    snprintf(data, sizeof data, "%s/agent", stage_dir(s));
    agent = stage_run(s, "zpulse-agent", "--data", data, "--collector", stage_endpoint(s), NULL);
    claim(s, s_wait_words(s, agent, "the agent is up"));
    claim(s, strstr(process_err(agent), "endpoint=@tcp://127.0.0.1:5555") != NULL);
    claim(s, strstr(process_err(agent), "endpoint=@tcp://127.0.0.1:5565") != NULL);
    claim(s, s_count(process_err(agent), "the agent goes on without it") == 2);
    for (size_t i = 0; i < 2; i++)
        close(fds[i]);
}

static void
a_port_that_was_asked_for_and_is_taken_is_69(void **state)
{
    static const char *const options[] = { "--app-sub", "--app-pull" };
    stage_t *s = *state;
    const int fd = s_occupy(stage_spare_port(s, 0));

    for (size_t i = 0; i < 2; i++) {
        process_t *agent = stage_agent(s, "web-1", options[i], s_at(s, "@", 0), NULL);

        claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)) && process_code(agent) == 69);
        claim(s, strstr(process_err(agent), s_at(s, "@", 0)) != NULL);
    }
    close(fd);
}

static void
an_endpoint_of_elsewhere_is_78_with_the_rule(void **state)
{
    static const char *const endpoints[] = { "@tcp://0.0.0.0:5555", ">tcp://192.0.2.1:5556" };
    stage_t *s = *state;

    for (size_t i = 0; i < 2; i++) {
        process_t *agent = stage_agent(s, "web-1", "--app-sub", endpoints[i], NULL);

        claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)) && process_code(agent) == 78);
        claim(s, strstr(process_err(agent), endpoints[i]) != NULL);
        claim(s, strstr(process_err(agent), "loopback only") != NULL);
    }
}

static void
ipc_is_for_owner_and_group(void **state)
{
    stage_t *s = *state;
    char bind[300], connect[300];
    process_t *tail;
    struct stat st;

    snprintf(bind, sizeof bind, "@ipc://%s/apps/in", stage_dir(s));
    snprintf(connect, sizeof connect, "ipc://%s/apps/in", stage_dir(s));
    tail = s_open(s, s_no_inputs, bind, NULL);
    assert_int_equal(stat(connect + strlen("ipc://"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    stage_run(s, DEMO, "--push", "--color", "blue", "--endpoint", connect, NULL);
    claim(s, s_wait_words(s, tail, "app_cpu_ratio{app=\"blue\""));
}

static void
up_takes_applications_where_it_is_told(void **state)
{
    stage_t *s = *state;
    char dir[300], base[16], listen[32];

    snprintf(dir, sizeof dir, "%s/run", stage_dir(s));
    snprintf(base, sizeof base, "%u", stage_port(s));
    snprintf(listen, sizeof listen, "127.0.0.1:%u", stage_http_port(s));
    stage_run(s, "zpulse", "up", "--dir", dir, "--port-base", base, "--listen", listen, "--app-sub",
              "", "--app-pull", s_at(s, "@", 1), NULL);
    stage_run(s, DEMO, "--push", "--color", "red", "--endpoint", s_at(s, "", 1), NULL);
    claim(s, s_wait_metric(s, "zpulse_agent_app_samples_total", 4));
}

// One message of the demo application, for json_decref.
static json_t *
s_message(zsock_t *pull)
{
    char *text = zstr_recv(pull);
    json_t *message = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    zstr_free(&text);
    return message;
}

static void
the_demo_application_says_four_things(void **state)
{
    stage_t *s = *state;
    zsock_t *pull = s_peer(ZMQ_PULL, s_at(s, "@", 0));
    json_t *first, *second;
    const char *timestamp;

    zsock_set_rcvtimeo(pull, stage_ms(STAGE_PATIENCE_MS));
    stage_run(s, DEMO, "--push", "--endpoint", s_at(s, "", 0), "--interval", "0.2", "--work", "1",
              NULL);
    first = s_message(pull);
    second = s_message(pull);
    claim(s, json_object_size(first) == 4 && json_object_size(second) == 4);
    claim(s, json_is_null(json_object_get(first, "color")));
    claim(s, json_real_value(json_object_get(first, "cpu")) == 0.0);
    claim(s, json_real_value(json_object_get(second, "cpu")) > 0.0);
    claim(s, json_real_value(json_object_get(second, "mem")) > 1.0);
    timestamp = json_string_value(json_object_get(first, "timestamp"));
    claim(s, timestamp != NULL && strlen(timestamp) == strlen("2026-11-26T07:32:36.123456+00:00"));
    json_decref(first);
    json_decref(second);
    zsock_destroy(&pull);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(an_application_appears_within_two_seconds),
        stage_test(applications_that_pub_and_that_push_become_columns),
        stage_test(the_agent_connects_to_a_server_and_keeps_its_0),
        stage_test(bad_messages_are_counted_and_logged_once_a_socket),
        stage_test(a_flood_beside_a_quiet_application_hurts_neither_it_nor_the_ticks),
        stage_test(an_application_that_ends_gets_a_stale_mark),
        stage_test(what_waits_when_the_agent_ends_is_not_lost),
        stage_test(a_default_port_that_is_taken_is_a_warning),
        stage_test(a_port_that_was_asked_for_and_is_taken_is_69),
        stage_test(an_endpoint_of_elsewhere_is_78_with_the_rule),
        stage_test(ipc_is_for_owner_and_group),
        stage_test(up_takes_applications_where_it_is_told),
        stage_test(the_demo_application_says_four_things),
    };

    zsys_handler_set(NULL);
    return cmocka_run_group_tests_name("flow_apps", tests, NULL, NULL);
}

// backlog - how soon eight hours that reached nobody are with the collector, once it is there.
//
// usage: backlog BUILD DIR
// tests/backlog/backlog_maker leaves 28,800 rows of 300 series behind; then the real agent, all
// families off, starts on that folder with the collector up: once with a rate that never binds,
// once with the default. Measured from WELCOME, as the agent's log has it, to the `filled` message,
// which is sent when the END is durable. CPU time is the kernel's, of all threads, from the agent's
// start.
// Out:    lines of "name: value".

#include <czmq.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/iso_time.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/live.h"
#include "tests/support/held.h"
#include "tests/support/process.h"

#define PORT        "29570"
#define ENDPOINT    "tcp://127.0.0.1:" PORT
#define ROWS        "28800"
#define SERIES      "300"
#define SAMPLES     (28800.0 * 300)
#define DEADLINE_MS 120000
#define START_MS    10000
#define PAUSE_MS    20
#define TICK_MS     2500 // in which the agent has told its counters once more
#define ASK_MS      5000
#define MIB         1048576.0
#define HOST        "backlog-host"

static _Noreturn void
s_fail(const char *what)
{
    fprintf(stderr, "backlog: %s\n", what);
    exit(1);
}

static double
s_cpu_seconds(const process_t *p)
{
    double user = 0, system = 0;
    char path[64];
    FILE *f;

    (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) process_pid(p));
    f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
                            &system) != 2)
        s_fail("no CPU time");
    fclose(f);
    return (user + system) / (double) sysconf(_SC_CLK_TCK);
}

static void
s_make(const char *build, const char *dir, const char *data)
{
    char maker[512];
    const char *const words[] = { maker, data, HOST, ROWS, SERIES, "1000", "5000", NULL };
    process_t *p;

    (void) snprintf(maker, sizeof maker, "%s/tests/backlog/backlog_maker", build);
    p = process_start(dir, "maker", words);
    if (!process_ended(p, DEADLINE_MS) || process_code(p) != 0)
        s_fail("no backlog was made");
    process_destroy(&p);
}

static zsock_t *
s_subscribe(void)
{
    const struct sock_spec spec = {
        .type = ZMQ_SUB, .send_hwm = 1000, .recv_hwm = 1000, .max_bytes = LIVE_MAX
    };
    char endpoint[256];
    zsock_t *sub;

    if (sock_endpoint(endpoint, sizeof endpoint, ENDPOINT, SOCK_LIVE) < 0 ||
        sock_new(&sub, &spec, NULL) < 0 || sock_connect(sub, endpoint) < 0)
        s_fail("no live socket");
    zsock_set_subscribe(sub, LIVE_EVENTS_TOPIC);
    return sub;
}

// When `filled` came; ms since the epoch.
static int64_t
s_await_filled(zsock_t *sub)
{
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;

    while (clock_mono_ms() < until_ms) {
        zmq_pollitem_t item = { .socket = sock_raw(sub), .events = ZMQ_POLLIN };
        struct live_header header;
        struct rbuf r;
        zmsg_t *msg;
        bool filled;

        if (zmq_poll(&item, 1, PAUSE_MS) <= 0)
            continue;
        msg = zmsg_recv(sub);
        filled = msg != NULL && zmsg_size(msg) == 2 &&
                 live_take(&header, &r, zframe_data(zmsg_last(msg)), zframe_size(zmsg_last(msg))) ==
                     0 &&
                 header.type == LIVE_FILLED;
        zmsg_destroy(&msg);
        if (filled)
            return clock_real_ms();
    }
    s_fail("the backlog did not arrive in two minutes");
}

// The time of the log's line that has this text; it is waited for.
static int64_t
s_logged_ms(process_t *p, const char *text)
{
    const int64_t until_ms = clock_mono_ms() + START_MS;
    const char *log, *at, *time;
    int64_t ms;

    while ((at = strstr(log = process_err(p), text)) == NULL) {
        if (clock_mono_ms() > until_ms)
            s_fail(text);
        zmq_poll(NULL, 0, PAUSE_MS);
    }
    while (at > log && at[-1] != '\n')
        at--;
    time = strstr(at, "time=");
    if (time == NULL || iso_time_parse(&ms, time + 5, strcspn(time + 5, " ")) < 0)
        s_fail("the log tells no time");
    return ms;
}

static void
s_say(const char *rate, const char *what, double value, int decimals)
{
    printf("backlog at %s, %s: %.*f\n", rate, what, decimals, value);
}

static void
s_measure(const char *build, const char *dir, const char *rate, const char *word)
{
    char program[2][512], data[2][512];
    const char *const collector_words[] = {
        program[0], "--data", data[0], "--port-base", PORT, NULL
    };
    const char *const agent_words[] = { program[1], "--data",      data[1],  "--name",
                                        HOST,       "--collector", ENDPOINT, "--family",
                                        "all=off",  "--app-sub",   "",       "--app-pull",
                                        "",         "--statsd",    "",       "--backlog-rate",
                                        word,       NULL };
    process_t *collector, *agent;
    double cpu[2], seconds, bytes;
    zsock_t *sub;
    held_t *held;

    (void) snprintf(program[0], sizeof program[0], "%s/bin/zpulse-collector", build);
    (void) snprintf(program[1], sizeof program[1], "%s/bin/zpulse-agent", build);
    (void) snprintf(data[0], sizeof data[0], "%s/collector-%s", dir, word);
    (void) snprintf(data[1], sizeof data[1], "%s/agent-%s", dir, word);
    s_make(build, dir, data[1]);
    collector = process_start(dir, "collector", collector_words);
    (void) s_logged_ms(collector, "msg=\"ready\"");
    sub = s_subscribe();
    cpu[0] = s_cpu_seconds(collector);
    agent = process_start(dir, "agent", agent_words);
    seconds = (double) s_await_filled(sub);
    cpu[0] = s_cpu_seconds(collector) - cpu[0];
    cpu[1] = s_cpu_seconds(agent);
    seconds = (seconds - (double) s_logged_ms(agent, "the collector welcomes us")) / 1000;
    held = held_new(ENDPOINT);
    zmq_poll(NULL, 0, TICK_MS);
    bytes = held_sum(held, "zpulse_agent_bytes_sent_total", ASK_MS);
    s_say(rate, "seconds from WELCOME to filled", seconds, 2);
    s_say(rate, "samples a second", SAMPLES / seconds, 0);
    s_say(rate, "MiB a second", bytes / MIB / seconds, 2);
    s_say(rate, "agent, CPU seconds", cpu[1], 2);
    s_say(rate, "collector, CPU seconds", cpu[0], 2);
    held_destroy(&held);
    zsock_destroy(&sub);
    process_destroy(&agent);
    process_destroy(&collector);
}

int
main(int argc, char **argv)
{
    int signals;

    if (argc != 3)
        s_fail("usage: backlog BUILD DIR");
    signals = service_start(1);
    s_measure(argv[1], argv[2], "1 GiB/s", "1GiB");
    s_measure(argv[1], argv[2], "the default rate", "1MiB");
    service_end(signals);
    return 0;
}

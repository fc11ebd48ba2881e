// fault_flood - strangers who hold connections, drip, fall silent or announce what never comes; a
// good agent's numbers go on, and who is new is let in.
//
// Order of a test: a reader watches, strangers come from other addresses of loopback, and three
// more ticks of the agent arrive in order, each within STAGE_PATIENCE_MS.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/stage.h"
#include "tests/support/zmtp_peer.h"

#define CROWD     10000
#define FEW       60 // of each kind, for what is asked one by one
#define PORTS     5  // of a collector
#define GIB       (UINT64_C(1) << 30)
#define SENT_MIB  16  // of what is announced
#define PEAK_MIB  256 // some 5 KiB for each of ten thousand that say nothing, and what is ours
#define GIVEN_MIB 96  // far less than is announced
#define MEAN      700 // descriptors of a collector that may have few

static int s_fds[CROWD];
static int s_n;

static void
s_leave(void)
{
    while (s_n > 0)
        close(s_fds[--s_n]);
}

// One more connection, kept until s_leave; -1 where nobody listens.
static int
s_come(unsigned from, uint16_t port)
{
    char address[32];
    int fd;

    snprintf(address, sizeof address, "127.0.0.%u", from);
    fd = zmtp_peer_connect(address, port);
    if (fd != -1)
        s_fds[s_n++] = fd;
    return fd;
}

// The other end has closed it, or reset it, within the time.
static bool
s_is_cut(int fd, int64_t until_ms)
{
    struct pollfd on = { .fd = fd, .events = POLLIN };
    char bytes[256];

    for (;;) {
        const int64_t left_ms = until_ms - clock_mono_ms();

        if (left_ms <= 0 || poll(&on, 1, (int) left_ms) != 1)
            return false;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
}

static bool
s_may_have_a_crowd(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur >= CROWD + 1000)
        return true;
    print_message("at most %llu descriptors (ulimit -Hn): nothing is tested\n",
                  (unsigned long long) files.rlim_cur);
    return false;
}

static sse_t *
s_watch(stage_t *s)
{
    sse_t *stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", NULL);
    struct sse_event ev;

    claim(s, stream != NULL && sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    return stream;
}

// Three more ticks, none missing.
static void
s_goes_on(stage_t *s, sse_t *stream)
{
    json_int_t last = 0;

    for (int i = 0; i < 3; i++) {
        json_t *tick = sse_next_tick(stream, &last, stage_ms(STAGE_PATIENCE_MS));

        claim(s, tick != NULL);
        json_decref(tick);
    }
}

static void
s_takes_at_most(stage_t *s, process_t *p, int64_t mib)
{
#ifndef __SANITIZE_ADDRESS__ // which holds on to what was freed
    claim(s, process_peak_kib(p) < mib * 1024);
#else
    (void) s;
    (void) p;
    (void) mib;
#endif
}

// The programs of stage_setup_up, to be asked for their memory.
struct cast {
    process_t *collector;
    process_t *agent;
    process_t *dashboard;
};

static struct cast
s_begin(stage_t *s, const char *agent_word)
{
    static struct stage_host host = { "web-1", "up" };
    struct cast cast = { .collector = stage_collector(s, NULL) };

    cast.agent = stage_agent(s, "web-1", agent_word, NULL);
    cast.dashboard = stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &host));
    return cast;
}

static void
s_newcomer(stage_t *s, const char *name)
{
    struct stage_host host = { name, "up" };

    (void) stage_agent(s, name, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &host));
}

static void
ten_thousand_who_say_nothing_keep_nobody_out(void **state)
{
    stage_t *s = *state;
    struct cast cast;
    sse_t *stream;

    if (!s_may_have_a_crowd())
        skip();
    cast = s_begin(s, "--app-pull=");
    stream = s_watch(s);
    for (int i = 0; i < CROWD; i++) {
        const unsigned step = (unsigned) i % PORTS;

        claim(s, s_come(2 + step, (uint16_t) (stage_port(s) + step)) != -1);
    }
    s_goes_on(s, stream);
    s_newcomer(s, "web-2");
    s_takes_at_most(s, cast.collector, PEAK_MIB);
    s_leave();
    s_goes_on(s, stream);
    sse_close(&stream);
}

// The dashboard has a limit of its own, and one for each address.
static void
ten_thousand_at_the_dashboard_keep_no_reader_out(void **state)
{
    stage_t *s = *state;
    struct cast cast;
    sse_t *stream;

    if (!s_may_have_a_crowd())
        skip();
    cast = s_begin(s, "--app-pull=");
    stream = s_watch(s);
    for (int i = 0; i < CROWD; i++)
        claim(s, s_come(2 + (unsigned) i % 2, stage_http_port(s)) != -1);
    s_goes_on(s, stream);
    claim(s, stage_ready(s, NULL));
    s_takes_at_most(s, cast.dashboard, PEAK_MIB);
    s_leave();
    sse_close(&stream);
}

static bool
s_refuses(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_collector_connections_refused_total") > 0;
}

// A collector that may open few files. Three times as many come as there is room for, from one
// address, and again whenever they are cut off.
static void
without_descriptors_strangers_are_refused_and_agents_let_in(void **state)
{
    static const char climb[] = "../../../../../../../../../../../../../../../../bin/sh";
    static struct stage_host host = { "web-1", "up" };
    char data[256], base[32], script[128], program[4096];
    const char *build = getenv("BUILD_DIR");
    stage_t *s = *state;
    sse_t *stream;

    snprintf(data, sizeof data, "--data=%s/collector", stage_dir(s));
    snprintf(base, sizeof base, "--port-base=%u", stage_port(s));
    snprintf(program, sizeof program, "%s/bin/zpulse-collector", build != NULL ? build : "build");
    snprintf(script, sizeof script, "ulimit -n %d && exec \"$@\"", MEAN);
    (void) stage_run(s, climb, "-c", script, "sh", program, data, base, NULL);
    (void) stage_agent(s, "web-1", NULL);
    (void) stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &host));
    stream = s_watch(s);
    for (int i = 0; i < 3 * MEAN; i++)
        (void) s_come(2, (uint16_t) (stage_port(s) + i % 4));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_refuses, NULL));
    s_newcomer(s, "web-2");
    s_goes_on(s, stream);
    claim(s, stage_metric(s, "process_open_fds") < MEAN);
    s_leave();
    sse_close(&stream);
}

// Half of them say nothing, half a right greeting so slowly that it never ends: all lose their
// descriptors again.
static void
who_drips_or_is_silent_is_cut_off(void **state)
{
    static const uint8_t greeting[ZMTP_GREETING] = { 0xff, [9] = 0x7f, [10] = 3 };
    stage_t *s = *state;
    char word[64];
    sse_t *stream;
    int64_t until_ms;

    snprintf(word, sizeof word, "--app-pull=@tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    (void) s_begin(s, word);
    stream = s_watch(s);
    for (int i = 0; i < FEW; i++) {
        const uint16_t ports[] = { stage_port(s), (uint16_t) (stage_port(s) + 1),
                                   (uint16_t) (stage_port(s) + 2), (uint16_t) (stage_port(s) + 3),
                                   stage_spare_port(s, 0) };

        claim(s, s_come(2, ports[i % 5]) != -1);
    }
    for (int second = 0; second < 5; second++) {
        for (int i = 0; i < s_n; i += 2)
            (void) send(s_fds[i], greeting + second, 1, MSG_NOSIGNAL);
        s_goes_on(s, stream); // which takes two seconds or three
    }
    until_ms = clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS);
    for (int i = 0; i < s_n; i++)
        claim(s, s_is_cut(s_fds[i], until_ms));
    s_leave();
    sse_close(&stream);
}

// Bytes that announce a GiB: in place of a greeting, as the first command of the handshake, and, at
// an input without keys, as a message.
static size_t
s_announce(uint8_t out[ZMTP_HELLO + 16], int kind)
{
    size_t n = kind == 0 ? 0 : kind == 1 ? ZMTP_GREETING : zmtp_peer_hello(out, "PUSH");

    if (kind == 1)
        (void) zmtp_peer_hello(out, "PUSH");
    out[n++] = kind == 0 ? 0xff : kind == 1 ? ZMTP_COMMAND | 2 : 2; // 2: a size of eight bytes
    for (int i = 56; i >= 0; i -= 8)
        out[n++] = (uint8_t) (GIB >> i);
    return n;
}

static void
a_gib_that_is_announced_is_neither_kept_nor_waited_for(void **state)
{
    static uint8_t much[1024 * 1024];
    uint8_t head[ZMTP_HELLO + 16];
    stage_t *s = *state;
    char word[64];
    struct cast cast;
    sse_t *stream;

    snprintf(word, sizeof word, "--app-pull=@tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    cast = s_begin(s, word);
    stream = s_watch(s);
    for (int kind = 0; kind < 3; kind++) {
        for (unsigned step = 0; step < 5; step++) {
            const uint16_t port = step < 4 ? (uint16_t) (stage_port(s) + step)
                                           : stage_spare_port(s, 0);
            const size_t n = s_announce(head, kind);
            const int fd = s_come(2, port);
            ssize_t sent;

            claim(s, fd != -1 && send(fd, head, n, MSG_NOSIGNAL) == (ssize_t) n);
            sent = 1;
            for (int i = 0; i < SENT_MIB && sent > 0; i++)
                sent = send(fd, much, sizeof much, MSG_NOSIGNAL);
            claim(s, s_is_cut(fd, clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS)));
        }
    }
    s_goes_on(s, stream);
    s_takes_at_most(s, cast.collector, GIVEN_MIB);
    s_takes_at_most(s, cast.agent, GIVEN_MIB);
    s_leave();
    sse_close(&stream);
}

// It listens there; the connection is kept.
static bool
s_listens(stage_t *s, void *port)
{
    (void) s;
    return s_come(2, *(const uint16_t *) port) != -1;
}

// The word behind `mark` in what it printed.
static void
s_word(stage_t *s, process_t *p, const char *mark, char *out, size_t size)
{
    const char *at = strstr(process_out(p), mark);

    claim(s, at != NULL);
    at += strlen(mark);
    snprintf(out, size, "%.*s", (int) strcspn(at, " '\n"), at);
}

// Anybody may speak there, which is what it is for.
static void
a_crowd_at_the_enrolment_lets_a_new_key_in(void **state)
{
    char keys[300], theirs[320], target[128], token[100], server[80];
    stage_t *s = *state;
    uint8_t head[ZMTP_HELLO + 16];
    process_t *run;
    uint16_t port;

    if (!s_may_have_a_crowd())
        skip();
    port = (uint16_t) (stage_port(s) + 4);
    snprintf(keys, sizeof keys, "--keys=%s/flood-keys", stage_dir(s));
    snprintf(theirs, sizeof theirs, "--keys=%s/their-keys", stage_dir(s));
    snprintf(target, sizeof target, "--collector=%s", stage_endpoint(s));
    run = stage_collector(s, keys, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_listens, &port));
    while (s_n < CROWD)
        claim(s, s_come(2, port) != -1);
    for (int kind = 0; kind < 2; kind++) {
        const int fd = s_fds[kind];
        const size_t n = s_announce(head, kind);

        claim(s, send(fd, head, n, MSG_NOSIGNAL) == (ssize_t) n);
        claim(s, s_is_cut(fd, clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS)));
    }
    s_takes_at_most(s, run, PEAK_MIB);
    run = stage_run(s, "zpulse", "enrol", "--new", keys, target, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    s_word(s, run, "--token ", token, sizeof token);
    s_word(s, run, "--server-key '", server, sizeof server);
    run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), "--token", token,
                    "--server-key", server, theirs, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    s_leave();
}

// Many more than the agent takes, from one address: an application from another one is greeted.
static void
a_crowd_at_an_agent_keeps_no_application_out(void **state)
{
    stage_t *s = *state;
    char word[64], byte;
    sse_t *stream;
    int fd;

    snprintf(word, sizeof word, "--app-pull=@tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    if (!s_may_have_a_crowd())
        skip();
    (void) s_begin(s, word);
    stream = s_watch(s);
    for (int i = 0; i < 4000; i++)
        (void) s_come(2, stage_spare_port(s, 0));
    fd = s_come(3, stage_spare_port(s, 0));
    {
        struct pollfd on = { .fd = fd, .events = POLLIN };

        claim(s, poll(&on, 1, stage_ms(STAGE_PATIENCE_MS)) == 1 && recv(fd, &byte, 1, 0) == 1);
    }
    s_goes_on(s, stream);
    s_leave();
    sse_close(&stream);
}

// Each sends large messages for as long as they are taken: what waits in the agent is bounded by
// peer, so a hundred of them are far from the gigabytes that they have.
static void
a_hundred_who_send_much_take_little_of_the_agent(void **state)
{
    static uint8_t much[60000];
    uint8_t bytes[ZMTP_HELLO], head[9] = { 2, [7] = sizeof much >> 8, [8] = sizeof much & 0xff };
    stage_t *s = *state;
    struct cast cast;
    char word[64];
    sse_t *stream;

    snprintf(word, sizeof word, "--app-pull=@tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    cast = s_begin(s, word);
    stream = s_watch(s);
    for (int i = 0; i < 100; i++) {
        const int fd = s_come(2, stage_spare_port(s, 0));
        const size_t n = zmtp_peer_hello(bytes, "PUSH");
        struct pollfd on = { .fd = fd, .events = POLLOUT };

        claim(s, fd != -1 && send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t) n);
        claim(s, recv(fd, bytes, ZMTP_GREETING + 2, MSG_WAITALL) == ZMTP_GREETING + 2);
        // A piece that goes in only in part is the last one.
        for (int k = 0; k < 1000 && poll(&on, 1, 20) == 1; k++)
            if (send(fd, head, sizeof head, MSG_NOSIGNAL | MSG_MORE) != sizeof head ||
                send(fd, much, sizeof much, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof much)
                break;
    }
    s_goes_on(s, stream);
    s_takes_at_most(s, cast.agent, PEAK_MIB);
    s_leave();
    sse_close(&stream);
}

// libzmq alone would end the agent here: see shared/net/peer_guard.h.
static void
who_breaks_off_in_mid_flood_does_not_end_the_agent(void **state)
{
    static const uint8_t ping[] = "\4PING\0\0", text[] = "{\"q\":1}";
    static uint8_t pairs[16384];
    uint8_t hello[ZMTP_HELLO];
    stage_t *s = *state;
    struct cast cast;
    size_t n = 0, said;
    char word[64];
    sse_t *stream;

    snprintf(word, sizeof word, "--app-pull=@tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    cast = s_begin(s, word);
    stream = s_watch(s);
    while (n + 64 < sizeof pairs) {
        n = zmtp_peer_put(pairs, n, 0, text, sizeof text - 1);
        n = zmtp_peer_put(pairs, n, ZMTP_COMMAND, ping, sizeof ping - 1);
    }
    for (int i = 0; i < 10; i++) {
        const int fd = s_come(2, stage_spare_port(s, 0));
        struct pollfd on = { .fd = fd, .events = POLLOUT };

        said = zmtp_peer_hello(hello, "PUSH");
        claim(s, fd != -1 && send(fd, hello, said, MSG_NOSIGNAL) == (ssize_t) said);
        for (int k = 0; k < 500 && poll(&on, 1, 50) == 1; k++)
            if (send(fd, pairs, n, MSG_NOSIGNAL) == -1)
                break;
        s_n--;
        zmtp_peer_reset(fd);
        claim(s, !process_ended(cast.agent, 50));
    }
    s_goes_on(s, stream);
    sse_close(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(ten_thousand_who_say_nothing_keep_nobody_out),
        stage_test(ten_thousand_at_the_dashboard_keep_no_reader_out),
        stage_test(without_descriptors_strangers_are_refused_and_agents_let_in),
        stage_test(who_drips_or_is_silent_is_cut_off),
        stage_test(a_gib_that_is_announced_is_neither_kept_nor_waited_for),
        stage_test(a_crowd_at_the_enrolment_lets_a_new_key_in),
        stage_test(a_crowd_at_an_agent_keeps_no_application_out),
        stage_test(a_hundred_who_send_much_take_little_of_the_agent),
        stage_test(who_breaks_off_in_mid_flood_does_not_end_the_agent),
    };

    return cmocka_run_group_tests_name("fault_flood", tests, NULL, NULL);
}

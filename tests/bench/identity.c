// identity - what it costs that peers know each other by their keys.
//
// usage: identity COLLECTOR DIR [AGENTS [ROWS]]   (2000, 100000)
// Each thing is done with keys, and without, by the same real collector on core 1; we are core 0.
// - Handshakes: 500 connections at once, from connect until ZAP has let them in.
// - Frames: one host's rows of 500 series, as fast as the collector makes them durable: the
//   difference is what CURVE costs.
// - A crowd: so many agents; the collector is killed and started again.
// Out: lines of "name: value".

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/descriptors.h"
#include "shared/net/service.h"
#include "tests/bench/parts/crowd.h"
#include "tests/bench/parts/fleet_stream.h"

#define PORT    29680
#define KNOCKS  500
#define SOCKETS 16384 // libzmq's limit for a process is 1023
#define PUSHER  "pusher"

struct bench {
    const char *program;
    char dir[256];
    char keys[300];
    char word[320]; // --keys=... or --insecure
    char server[KEY_TEXT_SIZE];
    bool keyed;
    unsigned port;
};

static void
s_say(const struct bench *b, const char *what, const char *format, double value)
{
    char text[64];

    (void) snprintf(text, sizeof text, format, value);
    printf("%s, %s: %s\n", what, b->keyed ? "keys" : "plain", text);
}

// Of a fleet that comes back, after its collector was killed and started again.
static void
s_say_of(const struct bench *b, unsigned agents, const char *what, const char *format, double value)
{
    char line[80];

    (void) snprintf(line, sizeof line, "%u agents back: %s", agents, what);
    s_say(b, line, format, value);
}

static double
s_seconds(const struct rusage *use)
{
    return (double) (use->ru_utime.tv_sec + use->ru_stime.tv_sec) +
           (double) (use->ru_utime.tv_usec + use->ru_stime.tv_usec) / 1e6;
}

static double
s_own_cpu(void)
{
    struct rusage use;

    (void) getrusage(RUSAGE_SELF, &use);
    return s_seconds(&use);
}

// Both a collector's folder of keys and its server key, where there are some.
static void
s_prepare(struct bench *b, const char *program, const char *dir, bool keyed)
{
    struct buf why = { 0 };
    struct key_pair pair;
    bool made;

    *b = (struct bench){ .program = program, .keyed = keyed, .port = PORT + (keyed ? 10 : 0) };
    (void) snprintf(b->dir, sizeof b->dir, "%s/%s", dir, keyed ? "keyed" : "plain");
    (void) snprintf(b->keys, sizeof b->keys, "%s-keys", b->dir);
    (void) snprintf(b->word, sizeof b->word, keyed ? "--keys=%s" : "--insecure", b->keys);
    if (!keyed)
        return;
    if (key_file_load_or_make(&pair, &made, b->keys, "collector", &why) < 0)
        bench_fail(buf_cstr(&why));
    memcpy(b->server, pair.public_text, sizeof b->server);
    buf_release(&why);
}

static pid_t
s_start(const struct bench *b)
{
    return crowd_collector(b->program, b->dir, b->port, b->word);
}

// Its CPU seconds, from its start to its end.
static double
s_end(pid_t pid, int signal)
{
    struct rusage use = { 0 };
    int status;

    kill(pid, signal);
    (void) wait4(pid, &status, 0, &use);
    return s_seconds(&use);
}

static const char *
s_server(const struct bench *b)
{
    return b->keyed ? b->server : NULL;
}

static void
s_handshakes(struct bench *b)
{
    crowd_t *crowd = crowd_new("knock", KNOCKS, s_server(b));
    double seconds, cpu, own;
    pid_t pid;

    if (b->keyed)
        crowd_admit(crowd, b->keys);
    pid = s_start(b);
    (void) crowd_knock(crowd, b->port); // it is up now
    cpu = bench_cpu_seconds(pid);
    own = s_own_cpu();
    seconds = crowd_knock(crowd, b->port);
    own = s_own_cpu() - own;
    cpu = bench_cpu_seconds(pid) - cpu;
    s_say(b, "handshakes a second, 500 at once", "%.0f", KNOCKS / seconds);
    s_say(b, "handshake: collector, CPU us", "%.0f", cpu / KNOCKS * 1e6);
    s_say(b, "handshake: client and its socket, CPU us", "%.0f", own / KNOCKS * 1e6);
    crowd_destroy(&crowd);
    (void) s_end(pid, SIGTERM);
}

// One host, so that one key may speak for it.
static void
s_frames(struct bench *b, uint64_t rows)
{
    fleet_t *fleet = fleet_new(PUSHER, 1, 500, rows);
    struct key_pair pair;
    const struct curve curve = { .own = &pair, .server = b->server };
    double cpu, own, samples;
    char path[400];
    pid_t pid;
    FILE *f;

    if (key_pair_make(&pair) < 0)
        bench_fail("no key");
    if (b->keyed) {
        (void) snprintf(path, sizeof path, "%s/admit", b->keys);
        f = fopen(path, "ae");
        if (f == NULL || fprintf(f, "agent " PUSHER "-0 %s\n", pair.public_text) < 0 ||
            fclose(f) != 0)
            bench_fail(path);
        fleet->curve = &curve;
    }
    pid = s_start(b);
    fleet_join(fleet, b->port);
    own = s_own_cpu();
    (void) fleet_drive(fleet, FLEET_FIRST_ROW + rows);
    own = s_own_cpu() - own;
    // To its end: what is written is behind what is acknowledged, by how much is chance.
    cpu = s_end(pid, SIGTERM);
    samples = (double) fleet_samples(fleet, rows);
    s_say(b, "frame of 500 samples: bytes", "%.0f", (double) fleet->bytes / (double) fleet->frames);
    s_say(b, "frame: collector, all its work, CPU us", "%.2f", cpu / (double) rows * 1e6);
    s_say(b, "frame: sender, CPU us", "%.2f", own / (double) rows * 1e6);
    s_say(b, "sample: collector, all its work, CPU ns", "%.1f", cpu / samples * 1e9);
    s_say(b, "sample: sender, CPU ns", "%.1f", own / samples * 1e9);
    fleet_destroy(&fleet);
}

static void
s_crowd(struct bench *b, unsigned agents)
{
    crowd_t *crowd = crowd_new("crowd", agents, s_server(b));
    struct crowd_times times;
    double own;
    pid_t pid;

    if (b->keyed)
        crowd_admit(crowd, b->keys);
    pid = s_start(b);
    crowd_join(crowd, b->port);
    (void) crowd_deliver(crowd);
    (void) s_end(pid, SIGKILL);
    own = s_own_cpu();
    pid = s_start(b);
    times = crowd_deliver(crowd);
    own = s_own_cpu() - own;
    s_say_of(b, agents, "s until all are welcome", "%.2f", times.welcome_s);
    s_say_of(b, agents, "s until all are acknowledged", "%.2f", times.acked_s);
    s_say_of(b, agents, "collector, CPU s", "%.2f", bench_cpu_seconds(pid));
    s_say_of(b, agents, "agents' sockets, CPU s", "%.2f", own);
    s_say_of(b, agents, "collector, resident MiB", "%.1f",
             (double) bench_memory(pid, "VmRSS") / 1048576.0);
    crowd_destroy(&crowd);
    (void) s_end(pid, SIGTERM);
}

int
main(int argc, char **argv)
{
    const unsigned agents = argc > 3 ? (unsigned) atoi(argv[3]) : 2000;
    const uint64_t rows = argc > 4 ? strtoull(argv[4], NULL, 10) : 100000;
    struct bench b;
    int signals;

    if (argc < 3 || agents < 1 || rows < 1)
        bench_fail("usage: identity COLLECTOR DIR [AGENTS [ROWS]]");
    bench_pin(0);
    (void) descriptors_raise(4 * SOCKETS);
    zsys_set_max_sockets(SOCKETS);
    signals = service_start(1);
    for (int keyed = 0; keyed < 2; keyed++) {
        s_prepare(&b, argv[1], argv[2], keyed != 0);
        s_handshakes(&b);
        s_frames(&b, rows);
        s_crowd(&b, agents);
    }
    service_end(signals);
    return 0;
}

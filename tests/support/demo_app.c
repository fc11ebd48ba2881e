// demo_app - an application that tells its own CPU time and memory, as applications do.
//
// usage: demo_app [--color TEXT] [--leak N] [--work SECONDS] [--push] [--endpoint ENDPOINT]
//                 [--interval SECONDS]
//
// Out:    each interval (1 s) one message of one part: a JSON object of exactly color (null where
//         none is given), timestamp (UTC, ISO 8601 with microseconds), cpu (percent of one core
//         since the message before, one decimal; the first says 0.0) and mem (resident, MiB).
//         By PUB to tcp://localhost:5555; with --push by PUSH to tcp://localhost:5565.
// Work:   bursts of up to --work seconds (0.1) and pauses of up to a second, at random; each burst
//         leaks --leak doubles (0).
// End:    by SIGINT or SIGTERM, with a leaving message on standard output and 0.
// It knows nothing of this project but those two ports: like any program that is to be watched.

#include <czmq.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LINGER_MS 1
#define MIB       1048576.0

static volatile sig_atomic_t s_stopped;

// What a burst has leaked: still pointed at, so that leak checkers look for other leaks.
struct leaked {
    struct leaked *before;
    double at[];
};

struct demo {
    const char *color;    // NULL: null
    const char *endpoint; // NULL: the default of the socket
    bool push;
    size_t leak;       // doubles a burst
    double work_s;     // of a burst, at most
    double interval_s; // between messages
    double cpu_s;      // CPU time at the last message
    double told_s;     // its time; 0 before the first
    struct leaked *leaked;
};

static void
s_stop(int sig)
{
    (void) sig;
    s_stopped = 1;
}

static double
s_now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static double
s_number(const char *text)
{
    char *end;
    const double v = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || !(v >= 0 && v <= 1e9)) {
        fprintf(stderr, "demo_app: %s: not a number from 0 to 1e9\n", text);
        exit(2);
    }
    return v;
}

static void
s_options(struct demo *demo, int argc, char **argv)
{
    static const struct option words[] = {
        { "color", required_argument, NULL, 'c' },
        { "leak", required_argument, NULL, 'l' },
        { "work", required_argument, NULL, 'w' },
        { "endpoint", required_argument, NULL, 'e' },
        { "push", no_argument, NULL, 'p' },
        { "interval", required_argument, NULL, 'i' },
        { NULL, 0, NULL, 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "", words, NULL)) != -1;) {
        if (c == 'c')
            demo->color = optarg;
        else if (c == 'e')
            demo->endpoint = optarg;
        else if (c == 'p')
            demo->push = true;
        else if (c == 'l')
            demo->leak = (size_t) s_number(optarg);
        else if (c == 'w')
            demo->work_s = s_number(optarg);
        else if (c == 'i')
            demo->interval_s = s_number(optarg);
        else
            exit(2);
    }
}

static zsock_t *
s_connect(const struct demo *demo)
{
    zsock_t *sock = zsock_new(demo->push ? ZMQ_PUSH : ZMQ_PUB);
    const char *endpoint = demo->endpoint;

    if (endpoint == NULL)
        endpoint = demo->push ? "tcp://localhost:5565" : "tcp://localhost:5555";
    zsock_set_linger(sock, LINGER_MS);
    if (zsock_connect(sock, "%s", endpoint) != 0) {
        fprintf(stderr, "demo_app: %s: %s\n", endpoint, zmq_strerror(errno));
        exit(1);
    }
    return sock;
}

static void
s_timestamp(char *out, size_t size)
{
    struct timespec t;
    struct tm tm;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, size, "%s.%06ld+00:00", seconds, t.tv_nsec / 1000);
}

static double
s_resident_mib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return (double) pages * (double) sysconf(_SC_PAGESIZE) / MIB;
}

static void
s_tell(struct demo *demo, zsock_t *sock)
{
    const double now_s = s_now(CLOCK_MONOTONIC);
    const double cpu_s = s_now(CLOCK_PROCESS_CPUTIME_ID);
    double percent = 0;
    char timestamp[64], *text;
    json_t *message;

    if (demo->told_s > 0 && now_s > demo->told_s)
        percent = (cpu_s - demo->cpu_s) / (now_s - demo->told_s) * 100;
    demo->told_s = now_s;
    demo->cpu_s = cpu_s;
    s_timestamp(timestamp, sizeof timestamp);
    message = json_pack("{s:s?, s:s, s:f, s:f}", "color", demo->color, "timestamp", timestamp,
                        "cpu", round(percent * 10) / 10, "mem", s_resident_mib());
    text = json_dumps(message, 0);
    if (text == NULL) {
        fputs("demo_app: the colour is not UTF-8\n", stderr);
        exit(2);
    }
    zmq_send(zsock_resolve(sock), text, strlen(text), ZMQ_DONTWAIT);
    free(text);
    json_decref(message);
}

static void
s_leak(struct demo *demo)
{
    struct leaked *leaked = malloc(sizeof *leaked + demo->leak * sizeof leaked->at[0]);

    if (leaked == NULL)
        return;
    leaked->before = demo->leaked;
    for (size_t i = 0; i < demo->leak; i++)
        leaked->at[i] = 0; // so that it is resident
    demo->leaked = leaked;
}

static void
s_work(struct demo *demo, double until_s)
{
    volatile double sum = 0; // volatile, or the work would be reckoned away

    if (demo->leak > 0)
        s_leak(demo);
    while (s_now(CLOCK_MONOTONIC) < until_s && !s_stopped)
        for (int i = 0; i < 100000; i++)
            sum = sum + i;
}

static void
s_sleep(double seconds)
{
    const struct timespec t = { .tv_sec = (time_t) seconds,
                                .tv_nsec = (long) (fmod(seconds, 1) * 1e9) };

    if (seconds > 0)
        nanosleep(&t, NULL); // a signal ends it, which is what it should do
}

// One thread tells and works: a burst ends early where a message is due.
static void
s_run(struct demo *demo, zsock_t *sock)
{
    double tell_s = s_now(CLOCK_MONOTONIC);

    while (!s_stopped) {
        double now_s = s_now(CLOCK_MONOTONIC);
        double burst_s;

        if (now_s >= tell_s) {
            s_tell(demo, sock);
            tell_s += demo->interval_s;
            if (tell_s < now_s)
                tell_s = now_s;
        }
        burst_s = now_s + demo->work_s * (double) rand() / RAND_MAX;
        s_work(demo, fmin(burst_s, tell_s));
        now_s = s_now(CLOCK_MONOTONIC);
        s_sleep(fmin((double) rand() / RAND_MAX, tell_s - now_s));
    }
}

int
main(int argc, char **argv)
{
    struct demo demo = { .work_s = 0.1, .interval_s = 1 };
    const struct sigaction action = { .sa_handler = s_stop };
    zsock_t *sock;

    zsys_handler_set(NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    s_options(&demo, argc, argv);
    srand((unsigned) getpid());
    sock = s_connect(&demo);
    s_run(&demo, sock);
    zsock_destroy(&sock);
    zsys_shutdown();
    puts("Leaving ...");
    return 0;
}

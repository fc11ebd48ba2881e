// ingest - what the collector takes a second: durable, acknowledged, sealed, and in SQLite's files.
//
// usage: ingest COLLECTOR DIR [HOSTS [SERIES [ROWS [kill]]]]   (100 hosts, 500 series, 600 rows)
// Frames of fleet.h's workload are made ahead; then they go out as fast as ACKs give credit, over
// one connection, from core 0, while the collector has core 1. The first row of each host, which
// makes its series, is timed by itself. All is committed once each stream's mark in the block files
// says so; the last tiles wait up to a second there for others to go with. The collector's own CPU
// time is what the kernel says of all its threads, from the second row on until then. With `kill`
// it is killed at the last ACK instead: for restart. The floor is the same records appended to one
// file and synced, 64 KiB at a time.
// Out:    lines of "name: value"; DIR is left as it is.

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/service.h"
#include "tests/bench/parts/fleet_stream.h"
#include "tests/bench/parts/store_files.h"
#include "tests/support/held.h"

#define PORT        29560
#define HEAD        "2GiB" // room for the labels of a million series
#define DEADLINE_MS 120000
#define ASK_MS      5000
#define PAUSE_US    5000 // between two looks
#define FLOOR_BYTES (64u * 1024u)
#define MIB         (1024.0 * 1024.0)

// Until the host that is sent last has a sample of this row.
static void
s_await(const fleet_t *fleet, uint64_t row)
{
    const int64_t at_ms = fleet->t0_ms + (int64_t) row * 1000;
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;
    char selector[128], name[64];
    held_t *held;
    size_t n = 0;

    (void) snprintf(selector, sizeof selector, "tcp://127.0.0.1:%d", PORT);
    held = held_new(selector);
    (void) snprintf(name, sizeof name, "%s-%u", fleet->name, fleet->hosts - 1);
    (void) snprintf(selector, sizeof selector, "fleet{n=\"0\",instance=\"%s\"}", name);
    while (n == 0) {
        if (clock_mono_ms() > until_ms)
            bench_fail("what was acknowledged is not there after two minutes");
        if (held_ask(held, selector, at_ms, at_ms, ASK_MS) == 0)
            (void) held_samples(held, name, &n);
        if (n == 0)
            usleep(PAUSE_US);
    }
    held_destroy(&held);
}

static void
s_await_marks(const fleet_t *fleet, const char *dir)
{
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;

    while (store_files_marked(dir, FLEET_STREAM, fleet->hosts, FLEET_FIRST_ROW + fleet->rows) <
           fleet->hosts) {
        if (clock_mono_ms() > until_ms)
            bench_fail("what was acknowledged is not on the disk after two minutes");
        usleep(PAUSE_US);
    }
}

// Samples a second of a plain loop: the same records, so many bytes at a time.
static double
s_floor(const char *dir, const fleet_t *fleet)
{
    const double samples = (double) fleet_samples(fleet, fleet->rows);
    int64_t begin;
    char path[256];
    off_t at = 0;
    size_t had = 0;
    static uint8_t group[2 * FLOOR_BYTES];
    int fd;

    (void) snprintf(path, sizeof path, "%s.floor", dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1 || posix_fallocate(fd, 0, (off_t) fleet->bytes) != 0)
        bench_fail("no room for the floor");
    begin = clock_mono_ns();
    for (unsigned i = 0; i < fleet->hosts; i++) {
        const struct fleet_stream *s = &fleet->streams[i];

        for (size_t from = 0; from < s->frames.len;) {
            const size_t left = s->frames.len - from, room = FLOOR_BYTES - had;
            const size_t n = left < room ? left : room;

            memcpy(group + had, s->frames.at + from, n);
            from += n;
            had += n;
            if (had < FLOOR_BYTES && (i + 1 < fleet->hosts || from < s->frames.len))
                continue;
            if (pwrite(fd, group, had, at) != (ssize_t) had || fdatasync(fd) == -1)
                bench_fail("the floor can not be written");
            at += (off_t) had;
            had = 0;
        }
    }
    close(fd);
    unlink(path);
    return samples / ((double) (clock_mono_ns() - begin) / 1e9);
}

static void
s_end(pid_t pid, int how)
{
    int status;

    kill(pid, how);
    waitpid(pid, &status, 0);
}

struct seen {
    double first_s; // of the first row, series made
    double acked_s; // from there, until the last ACK
    double done_s;  // and until all is committed
    double cpu_s;   // meanwhile
    uint64_t empty; // resident bytes before anything
    uint64_t made;  // with the series made
    uint64_t open;  // with all rows in memory
    uint64_t peak;
};

static void
s_run(struct seen *seen, fleet_t *fleet, pid_t pid, const char *dir, bool is_killed)
{
    int64_t begin = clock_mono_ns();
    double cpu;

    seen->empty = bench_memory(pid, "VmRSS");
    (void) fleet_drive(fleet, FLEET_FIRST_ROW + 1);
    s_await(fleet, 0);
    seen->first_s = (double) (clock_mono_ns() - begin) / 1e9;
    seen->made = bench_memory(pid, "VmRSS");
    cpu = bench_cpu_seconds(pid);
    begin = clock_mono_ns();
    seen->acked_s = fleet_drive(fleet, FLEET_FIRST_ROW + fleet->rows);
    if (is_killed)
        return;
    s_await(fleet, fleet->rows - 1);
    seen->open = bench_memory(pid, "VmRSS");
    (void) fleet_drive(fleet, FLEET_FIRST_ROW + fleet->rows + 1);
    s_await_marks(fleet, dir);
    seen->done_s = (double) (clock_mono_ns() - begin) / 1e9;
    seen->cpu_s = bench_cpu_seconds(pid) - cpu;
    seen->peak = bench_memory(pid, "VmHWM");
}

static void
s_say(const struct seen *seen, const fleet_t *fleet, const char *dir)
{
    const double samples = (double) fleet_samples(fleet, fleet->rows - 1);
    const double series = (double) fleet->hosts * fleet->series;
    const double floor = s_floor(dir, fleet);
    const struct store_sizes sizes = store_files_sizes(dir);
    const double stored = (double) sizes.samples;

    if (sizes.samples < fleet_samples(fleet, fleet->rows))
        bench_fail("not all samples are in the files");
    printf("durable ingest until all is committed, samples a second: %.0f\n",
           samples / seen->done_s);
    printf("until the last ACK, samples a second: %.0f\n", samples / seen->acked_s);
    if (fleet->again > 0)
        printf("frames sent again, for want of an ACK over 2 s: %" PRIu64 "\n", fleet->again);
    printf("until the last ACK, frames a second: %.0f\n",
           (double) fleet->hosts * (double) (fleet->rows - 1) / seen->acked_s);
    printf("CPU seconds a million samples, all committed: %.4f\n", seen->cpu_s / (samples / 1e6));
    printf("floor, append and fdatasync of %u KiB, samples a second: %.0f\n", FLOOR_BYTES / 1024,
           floor);
    printf("the floor's rate, times that until the last ACK: %.1f\n",
           floor / (samples / seen->acked_s));
    printf("series made a second, with their first row: %.0f\n", series / seen->first_s);
    printf("wire bytes a sample: %.3f\n", (double) fleet->bytes / (samples + series));
    printf("resident MiB at most: %.0f\n", (double) seen->peak / MIB);
    printf("resident bytes a series, labels, index, slots: %.0f\n",
           (double) (seen->made - seen->empty) / series);
    printf("resident bytes a series, with its samples too: %.0f\n",
           (double) (seen->open - seen->empty) / series);
    printf("disk bytes a sample, all files of the store: %.3f\n", (double) sizes.bytes / stored);
    printf("disk bytes a sample, tiles alone: %.3f\n", (double) sizes.payload / stored);
    printf("disk bytes of meta.db, a series: %.0f\n", (double) sizes.meta / series);
}

int
main(int argc, char **argv)
{
    const unsigned hosts = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 100;
    const uint32_t series = argc > 4 ? (uint32_t) strtoul(argv[4], NULL, 10) : 500;
    const uint64_t rows = argc > 5 ? strtoull(argv[5], NULL, 10) : 600;
    const bool is_killed = argc > 6 && strcmp(argv[6], "kill") == 0;
    struct seen seen = { 0 };
    fleet_t *fleet;
    int signals;
    pid_t pid;

    if (argc < 3)
        bench_fail("usage: ingest COLLECTOR DIR [HOSTS [SERIES [ROWS [kill]]]]");
    bench_pin(0);
    signals = service_start(1);
    fleet = fleet_new("fleet", hosts, series, rows);
    pid = bench_collector(argv[1], argv[2], PORT, HEAD, -1);
    fleet_join(fleet, PORT);
    s_run(&seen, fleet, pid, argv[2], is_killed);
    s_end(pid, is_killed ? SIGKILL : SIGTERM);
    if (!is_killed)
        s_say(&seen, fleet, argv[2]);
    fleet_destroy(&fleet);
    service_end(signals);
    return 0;
}

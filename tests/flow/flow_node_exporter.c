// flow_node_exporter - the agent's host series beside those of Debian's prometheus-node-exporter.
//
// Both are read in turn, exporter, agent, exporter, ..., on the same machine. Names and labels must
// be the same on both sides, but for the exceptions below, each with its reason. A counter of the
// agent lies between the two readings of the exporter around it; of a gauge, which may go up and
// down meanwhile, what the two saw overlaps.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/xalloc.h"
#include "tests/support/stage.h"

// Of node_exporter 1.5 itself, and of the agent.
#define MOUNT_EXCLUDE \
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"

#define ROUNDS 4 // readings of the agent; the exporter has one more

// What only one of them tells.
static const struct {
    const char *metric; // begins so
    bool ours;          // only the agent has it; else only the exporter
    const char *reason;
} exceptions[] = {
    { "node_scrape_collector_", false, "the exporter's own scrapes" },
    { "node_exporter_build_info", false, "the exporter itself" },
    { "node_network_receive_nohandler_total", false, "not in /proc/net/dev; needs netlink" },
    { "node_processes_state", false, "needs a look into each process" },
    { "node_processes_threads_state", false, "needs a look into each thread" },
    { "node_pressure_irq_stalled_seconds_total", true, "newer than the exporter" },
};

// The collectors whose families the agent has.
// clang-format off
static const char *const collectors[] = {
    "cpu", "cpufreq", "diskstats", "filefd", "filesystem", "hwmon", "loadavg", "meminfo", "netdev",
    "netstat", "os", "pressure", "processes", "sockstat", "softnet", "stat", "thermal_zone", "time",
    "uname", "vmstat",
};
// clang-format on
#define N_COLLECTORS (sizeof collectors / sizeof collectors[0])

struct sample {
    char *series; // name{labels}, labels sorted, without job and without empty ones
    double value;
    bool counter;
};

struct reading {
    size_t n;
    struct sample *samples; // sorted by series
};

// One label "name="value"" at `at`; its end.
static const char *
label_end(const char *at)
{
    at = strchr(at, '"') + 1;
    for (; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

// "name{b="2",a="1",job="node"} 5" as the two sides have it in common.
static char *
canonical(const char *line, const char **value_ret)
{
    const size_t name = strcspn(line, "{ ");
    const char *at = line + name;
    struct buf out = { 0 };
    char *labels[64];
    size_t n = 0;
    char *text;

    if (*at == '{') {
        for (at++; *at != '}';) {
            const char *end = label_end(at);

            if (strncmp(at, "job=", 4) != 0 && !(end[-2] == '"' && end[-3] == '=')) {
                assert_true(n < 64);
                labels[n++] = strndup(at, (size_t) (end - at));
            }
            at = *end == ',' ? end + 1 : end;
        }
        at++;
    }
    *value_ret = at + 1;
    qsort(labels, n, sizeof *labels, compare_texts);
    buf_bytes(&out, line, name);
    for (size_t i = 0; i < n; i++) {
        buf_str(&out, i == 0 ? "{" : ",");
        buf_str(&out, labels[i]);
        free(labels[i]);
    }
    buf_str(&out, n > 0 ? "}" : "");
    text = strdup(buf_cstr(&out));
    buf_release(&out);
    return text;
}

static int
compare_samples(const void *a, const void *b)
{
    return strcmp(((const struct sample *) a)->series, ((const struct sample *) b)->series);
}

// All samples of host metrics in exposition text.
static struct reading
read_text(const char *text)
{
    struct reading r = { 0 };
    bool counter = false;
    size_t size = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *value;

        if (strncmp(line, "# TYPE ", 7) == 0)
            counter = strncmp(line + strcspn(line, "\n") - 8, " counter", 8) == 0;
        if (strncmp(line, "node_", 5) != 0)
            continue;
        if (r.n == size) {
            size = size == 0 ? 256 : size * 2;
            r.samples = xrealloc(r.samples, size, sizeof *r.samples);
        }
        r.samples[r.n].series = canonical(line, &value);
        r.samples[r.n].value = strtod(value, NULL);
        r.samples[r.n++].counter = counter;
    }
    qsort(r.samples, r.n, sizeof *r.samples, compare_samples);
    return r;
}

static void
reading_release(struct reading *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->samples[i].series);
    free(r->samples);
}

static const struct sample *
find(const struct reading *r, const char *series)
{
    const struct sample wanted = { .series = (char *) (uintptr_t) series };

    return bsearch(&wanted, r->samples, r->n, sizeof wanted, compare_samples);
}

static bool
is_exception(const char *series, bool ours)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (exceptions[i].ours == ours &&
            strncmp(series, exceptions[i].metric, strlen(exceptions[i].metric)) == 0)
            return true;
    return false;
}

static process_t *
start_exporter(stage_t *s, uint16_t port)
{
    char words[N_COLLECTORS][48], listen[64];
    // Debian's package leaves out the loopback, /run, /mnt and /media, node_exporter itself does
    // not.
    const char *argv[N_COLLECTORS + 8] = {
        "/usr/bin/prometheus-node-exporter",
        listen,
        "--collector.disable-defaults",
        "--collector.netdev.device-exclude=^$",
        "--collector.filesystem.mount-points-exclude=" MOUNT_EXCLUDE,
        "--collector.cpu.info"
    };
    size_t n = 6;

    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", port);
    for (size_t i = 0; i < N_COLLECTORS; i++) {
        snprintf(words[i], sizeof words[i], "--collector.%s", collectors[i]);
        argv[n++] = words[i];
    }
    argv[n] = NULL;
    return process_start(stage_dir(s), "exporter", argv);
}

static struct reading
read_exporter(stage_t *s, uint16_t port)
{
    struct http_reply reply;
    struct reading r;

    claim(s, http_get(&reply, port, "/metrics") && reply.status == 200);
    r = read_text(reply.body);
    http_reply_release(&reply);
    return r;
}

static struct reading
read_agent(stage_t *s)
{
    process_t *p = stage_run(s, "zpulse-agent", "--once", "--data", stage_dir(s), NULL);

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 0);
    return read_text(process_out(p));
}

static bool
answers(stage_t *s, void *port)
{
    struct http_reply reply;
    const bool yes = http_get(&reply, *(uint16_t *) port, "/metrics") && reply.status == 200;

    (void) s;
    if (yes)
        http_reply_release(&reply);
    return yes;
}

struct room {
    process_t *exporter;
    struct reading theirs[ROUNDS + 1];
    struct reading ours[ROUNDS];
};

static void
read_both(stage_t *s, struct room *room)
{
    uint16_t port = (uint16_t) (stage_http_port(s) + 1);

    room->exporter = start_exporter(s, port);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, answers, &port));
    room->theirs[0] = read_exporter(s, port);
    for (size_t i = 0; i < ROUNDS; i++) {
        room->ours[i] = read_agent(s);
        room->theirs[i + 1] = read_exporter(s, port);
    }
}

static void
room_end(struct room *room)
{
    process_destroy(&room->exporter);
    for (size_t i = 0; i < ROUNDS; i++)
        reading_release(&room->ours[i]);
    for (size_t i = 0; i <= ROUNDS; i++)
        reading_release(&room->theirs[i]);
}

// Series that come and go while we look (a device, a mount) are in none of the comparisons: one
// that is in all readings of a side must be on the other side too.
static bool
in_all(const struct reading *readings, size_t n, const char *series)
{
    for (size_t i = 0; i < n; i++)
        if (find(&readings[i], series) == NULL)
            return false;
    return true;
}

static unsigned
missing(const struct reading *from, size_t n_from, const struct reading *in, size_t n_in, bool ours,
        struct buf *said)
{
    unsigned n = 0;

    for (size_t i = 0; i < from[0].n; i++) {
        const char *series = from[0].samples[i].series;

        if (is_exception(series, ours) || !in_all(from, n_from, series) || in_all(in, n_in, series))
            continue;
        buf_printf(said, "only %s: %s\n", ours ? "the agent" : "the exporter", series);
        n++;
    }
    return n;
}

static void
fail_with(const char *what, unsigned n, struct buf *said)
{
    fputs(buf_cstr(said), stderr); // cmocka cuts long messages
    fail_msg("%u %s", n, what);
}

static void
the_names_and_labels_are_those_of_node_exporter(void **state)
{
    stage_t *s = *state;
    struct buf said = { 0 };
    struct room room;
    unsigned n;

    read_both(s, &room);
    claim(s, room.ours[0].n > 100);
    n = missing(room.theirs, ROUNDS + 1, room.ours, ROUNDS, false, &said);
    n += missing(room.ours, ROUNDS, room.theirs, ROUNDS + 1, true, &said);
    if (n > 0)
        fail_with("series on one side only", n, &said);
    buf_release(&said);
    room_end(&room);
}

// Ours, read between the two.
static bool
lies_between(double ours, double before, double after)
{
    // Seconds are told in the ticks, and rounded, that each side's arithmetic gives.
    const double slack = 0.0101 + 1e-9 * fabs(ours);

    return ours >= fmin(before, after) - slack && ours <= fmax(before, after) + slack;
}

struct span {
    double least, most;
};

static struct span
span_of(const struct reading *readings, size_t n, const char *series)
{
    struct span span = { INFINITY, -INFINITY };

    for (size_t i = 0; i < n; i++) {
        const double v = find(&readings[i], series)->value;

        span.least = fmin(span.least, v);
        span.most = fmax(span.most, v);
    }
    return span;
}

static bool
spans_meet(const char *series, struct span a, struct span b)
{
    // What fluctuates may do so just beside the other's readings: a tenth of its size, or a few.
    // Memory does so by what the agent itself takes while it runs.
    const double least = strncmp(series, "node_memory_", 12) == 0 ? 64.0 * 1024 * 1024 : 8;
    const double slack = 0.1 * fmax(fabs(a.most), fabs(b.most)) + least;

    return a.least <= b.most + slack && b.least <= a.most + slack;
}

static unsigned
differing(const struct room *room, struct buf *said)
{
    unsigned n = 0;

    for (size_t i = 0; i < room->ours[0].n; i++) {
        const struct sample *sample = &room->ours[0].samples[i];

        if (!in_all(room->ours, ROUNDS, sample->series) ||
            !in_all(room->theirs, ROUNDS + 1, sample->series))
            continue;
        if (sample->counter) {
            for (size_t k = 0; k < ROUNDS; k++) {
                const double v = find(&room->ours[k], sample->series)->value;
                const double a = find(&room->theirs[k], sample->series)->value;
                const double b = find(&room->theirs[k + 1], sample->series)->value;

                if (lies_between(v, a, b))
                    continue;
                buf_printf(said, "%s: ours %.17g, theirs %.17g to %.17g\n", sample->series, v, a,
                           b);
                n++;
            }
        } else {
            const struct span ours = span_of(room->ours, ROUNDS, sample->series);
            const struct span theirs = span_of(room->theirs, ROUNDS + 1, sample->series);

            if (spans_meet(sample->series, ours, theirs))
                continue;
            buf_printf(said, "%s: ours %.17g to %.17g, theirs %.17g to %.17g\n", sample->series,
                       ours.least, ours.most, theirs.least, theirs.most);
            n++;
        }
    }
    return n;
}

static void
the_values_are_those_of_node_exporter(void **state)
{
    stage_t *s = *state;
    struct buf said = { 0 };
    struct room room;
    unsigned n;

    read_both(s, &room);
    n = differing(&room, &said);
    if (n > 0)
        fail_with("values differ", n, &said);
    buf_release(&said);
    room_end(&room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(the_names_and_labels_are_those_of_node_exporter),
        stage_test(the_values_are_those_of_node_exporter),
    };
    return cmocka_run_group_tests_name("flow_node_exporter", tests, NULL, NULL);
}

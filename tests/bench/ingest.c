// ingest - what the collector takes a second, durable before it is acknowledged.
//
// usage: ingest COLLECTOR DIR [HOSTS [ROWS]]   (20 hosts, 2,000 rows each)
// Frames of fleet.h's workload are made ahead, 500 samples each; then they go out as fast as ACKs
// give credit, from one core, while the collector has the other. It is done when the collector
// answers with each host's last row: what is acknowledged is durable, and may still wait to be
// applied. Its own CPU time is what the kernel says of all its threads. The floor is the same
// records appended to one file and synced, by the same number of bytes at a time as the collector
// does on average. Out:    lines of "name: value".

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"
#include "tests/bench/fleet.h"
#include "tests/support/held.h"

#define PORT        "29560"
#define ENDPOINT    "tcp://127.0.0.1:" PORT
#define DEADLINE_MS 120000
#define FIRST_SEQ   2 // of a row: behind IDENT and TABLE
#define ASK_MS      5000
#define PAUSE_US    1000 // between two questions
#define FLOOR_BYTES (64u * 1024u)

struct stream {
    uint64_t id;
    uint64_t sent, acked, limit;
    uint64_t n;    // frames
    int64_t t0_ms; // of the first row
    size_t *at;    // of each, and the end, in `frames`
    struct buf frames;
};

static _Noreturn void
s_fail(const char *what)
{
    fprintf(stderr, "ingest: %s\n", what);
    exit(1);
}

static void
s_pin(size_t core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void) sched_setaffinity(0, sizeof set, &set);
}

static void
s_frame(struct stream *s, uint8_t type, uint32_t count, uint64_t total, int64_t t0_ms,
        const uint8_t *body, size_t len)
{
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = s->id,
                                   .seq = s->n,
                                   .total = total,
                                   .t0_ms = t0_ms,
                                   .body = body,
                                   .body_len = (uint32_t) len };
    ptrdiff_t n;

    s->at[s->n++] = s->frames.len;
    buf_reserve(&s->frames, FRAME_MAX);
    frame_put_prefix(s->frames.at + s->frames.len, &(struct frame_prefix){ 0 });
    n = frame_put_record(s->frames.at + s->frames.len + FRAME_PREFIX_SIZE,
                         FRAME_MAX - FRAME_PREFIX_SIZE, &record);
    if (n < 0)
        s_fail("a frame did not fit");
    s->frames.len += FRAME_PREFIX_SIZE + (size_t) n;
    s->at[s->n] = s->frames.len;
}

static struct identity
s_identity(unsigned host, char name[32])
{
    (void) snprintf(name, 32, "fleet-%u", host);
    return (struct identity){ .host = 1000 + host,
                              .name = name,
                              .name_len = strlen(name),
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

static void
s_make(struct stream *s, unsigned host, uint64_t rows, int64_t t0_ms)
{
    static uint8_t body[FRAME_BODY_MAX];
    struct row_state state = { 0 };
    struct fleet_host numbers;
    char name[32];
    struct identity id = s_identity(host, name);
    struct wbuf w;

    s->id = 5000 + host;
    s->t0_ms = t0_ms;
    s->at = xcalloc(rows + FIRST_SEQ + 1, sizeof *s->at);
    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    s_frame(s, RECORD_IDENT, 0, 0, t0_ms, body, w.len);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, SERIES);
    wbuf_varint(&w, SERIES);
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        char text[32];
        struct label labels[] = { { LABEL_METRIC, "fleet" }, { "n", text } };
        struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = { .unit = 1 } };

        (void) snprintf(text, sizeof text, "%u", slot);
        if (label_set_init(&def.labels, labels, 2) < 0)
            s_fail("labels");
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
    }
    s_frame(s, RECORD_TABLE, 0, 0, t0_ms, body, w.len);
    fleet_begin(&numbers, SERIES);
    row_state_grow(&state, SERIES);
    for (uint64_t row = 0; row < rows; row++) {
        struct cell cells[SERIES] = { 0 };
        uint32_t count;

        fleet_step(&numbers);
        for (uint32_t i = 0; i < SERIES; i++)
            cells[i] = (struct cell){ .state = CELL_INTEGER, .m = numbers.m[i] };
        wbuf_init(&w, body, sizeof body);
        if (row % KEY_EACH == 0)
            row_put_key(&state, &w);
        count = row_put(&state, &w, 0, cells);
        s_frame(s, row % KEY_EACH == 0 ? RECORD_KEY : RECORD_DELTA, count, row * SERIES,
                t0_ms + (int64_t) row * 1000, body, w.len);
    }
    row_state_release(&state);
}

static void
s_hello(zsock_t *dealer, const struct stream *s, unsigned host)
{
    static uint8_t bytes[CONTROL_MAX];
    struct control_msg msg = { .type = CONTROL_HELLO };
    char name[32];
    ptrdiff_t n;

    msg.hello.id = s_identity(host, name);
    msg.hello.nonce = 1;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.n_streams = 1;
    msg.hello.streams[0] = (struct hello_stream){ .stream = s->id, .head = s->n };
    n = control_put(bytes, sizeof bytes, &msg);
    while (sock_send(dealer, bytes, (size_t) n, false) == -EAGAIN)
        usleep(1000);
}

// WELCOMEs and ACKs that are there.
static void
s_hear(zsock_t *dealer, struct stream *streams, unsigned hosts)
{
    static struct control_msg in;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    while (sock_recv(dealer, &msg) == 1) {
        uint64_t id = 0, next = 0, limit = 0;

        if (control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)) < 0)
            s_fail("a control message was refused");
        if (in.type == CONTROL_WELCOME) {
            id = in.welcome.streams[0].stream;
            limit = in.welcome.streams[0].limit;
        } else if (in.type == CONTROL_ACK) {
            id = in.ack.stream;
            next = in.ack.next;
            limit = in.ack.limit;
            if (in.ack.refused > 0 || in.ack.elsewhere > 0)
                s_fail("samples were acknowledged and not stored");
        } else if (in.type == CONTROL_NAK) {
            s_fail(nak_reason_str(in.nak.reason));
        }
        if (id >= streams[0].id && id < streams[0].id + hosts) {
            struct stream *s = &streams[id - streams[0].id];

            s->acked = next > s->acked ? next : s->acked;
            s->limit = limit;
        }
    }
    zmq_msg_close(&msg);
}

// One row of each host after the other, up to frame `most`, as far as there is credit. True if
// something went out.
static bool
s_send(zsock_t *push, struct stream *streams, unsigned hosts, uint64_t most)
{
    bool sent = false;

    for (unsigned i = 0; i < hosts; i++) {
        struct stream *s = &streams[i];

        if (s->sent == most || s->sent >= s->limit)
            continue;
        if (sock_send(push, s->frames.at + s->at[s->sent], s->at[s->sent + 1] - s->at[s->sent],
                      false) < 0)
            return sent;
        s->sent++;
        sent = true;
    }
    return sent;
}

// Seconds until all frames below `most` are acknowledged.
static double
s_drive(zsock_t *push, zsock_t *dealer, struct stream *streams, unsigned hosts, uint64_t most)
{
    const int64_t begin = clock_mono_ns();
    bool done = false;

    while (!done) {
        zmq_pollitem_t item = { .socket = sock_raw(dealer), .events = ZMQ_POLLIN };

        if (!s_send(push, streams, hosts, most))
            zmq_poll(&item, 1, 1);
        s_hear(dealer, streams, hosts);
        done = true;
        for (unsigned i = 0; i < hosts; i++)
            done = done && streams[i].acked == most;
        if (clock_mono_ns() - begin > DEADLINE_MS * INT64_C(1000000))
            s_fail("not everything was acknowledged in two minutes");
    }
    return (double) (clock_mono_ns() - begin) / 1e9;
}

// Until each host has a sample of this time, which is a row's of one of its series.
static void
s_await(held_t *held, const struct stream *streams, unsigned hosts, uint64_t row)
{
    const int64_t begin = clock_mono_ms();
    unsigned there = 0;

    while (there < hosts) {
        if (clock_mono_ms() - begin > DEADLINE_MS)
            s_fail("what was acknowledged is not there after two minutes");
        there = 0;
        for (unsigned i = 0; i < hosts; i++) {
            const int64_t at_ms = streams[i].t0_ms + (int64_t) row * 1000;
            char name[32];
            size_t n = 0;

            (void) s_identity(i, name);
            if (held_ask(held, "fleet{n=\"0\"}", at_ms, at_ms, ASK_MS) == 0)
                (void) held_samples(held, name, &n);
            if (n != 1)
                break;
            there++;
        }
        if (there < hosts)
            usleep(PAUSE_US);
    }
}

static double
s_cpu_seconds(pid_t pid)
{
    char path[64];
    double user = 0, system = 0;
    FILE *f;

    (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
    f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
                            &system) != 2)
        s_fail("no CPU time");
    fclose(f);
    return (user + system) / (double) sysconf(_SC_CLK_TCK);
}

static pid_t
s_start(const char *program, const char *dir)
{
    const pid_t pid = fork();

    if (pid == 0) {
        s_pin(1);
        service_child();
        execl(program, program, "--data", dir, "--port-base", PORT, "--log-level", "warn",
              (char *) NULL);
        _exit(127);
    }
    return pid;
}

// Samples a second of a plain loop: the same records, so many bytes at a time.
static double
s_floor(const char *dir, const struct stream *streams, unsigned hosts, double samples)
{
    int64_t begin;
    char path[256];
    off_t at = 0;
    int fd;

    (void) snprintf(path, sizeof path, "%s.floor", dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1 || posix_fallocate(fd, 0, (off_t) (streams[0].frames.len * hosts)) != 0)
        s_fail("no room for the floor");
    begin = clock_mono_ns();
    for (unsigned i = 0; i < hosts; i++) {
        for (size_t from = 0; from < streams[i].frames.len; from += FLOOR_BYTES) {
            const size_t left = streams[i].frames.len - from;
            const size_t n = left < FLOOR_BYTES ? left : FLOOR_BYTES;

            if (pwrite(fd, streams[i].frames.at + from, n, at) != (ssize_t) n ||
                fdatasync(fd) == -1)
                s_fail("the floor can not be written");
            at += (off_t) n;
        }
    }
    samples /= (double) (clock_mono_ns() - begin) / 1e9;
    close(fd);
    unlink(path);
    return samples;
}

static zsock_t *
s_join(int type, const char *endpoint)
{
    const struct sock_spec spec = { .type = type,
                                    .send_hwm = 1000,
                                    .recv_hwm = 1000,
                                    .max_bytes = CONTROL_MAX,
                                    .immediate = true };
    zsock_t *sock;

    if (sock_new(&sock, &spec, NULL) < 0 || sock_connect(sock, endpoint) < 0)
        s_fail(endpoint);
    return sock;
}

int
main(int argc, char **argv)
{
    const unsigned hosts = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 20;
    const uint64_t rows = argc > 4 ? strtoull(argv[4], NULL, 10) : 2000;
    struct stream *streams;
    zsock_t *push, *dealer;
    double seconds, cpu, samples;
    uint64_t frames = 0, bytes = 0;
    double acked;
    int64_t begin;
    held_t *held;
    int signals, status;
    pid_t pid;

    if (argc < 3 || hosts == 0 || rows < 2)
        s_fail("usage: ingest COLLECTOR DIR [HOSTS [ROWS]]");
    s_pin(0);
    signals = service_start(1);
    streams = xcalloc(hosts, sizeof *streams);
    for (unsigned i = 0; i < hosts; i++) {
        s_make(&streams[i], i, rows, clock_real_ms() - (int64_t) rows * 1000);
        frames += streams[i].n;
        bytes += streams[i].frames.len;
    }
    samples = (double) (hosts * (rows - 1) * SERIES);
    pid = s_start(argv[1], argv[2]);
    push = s_join(ZMQ_PUSH, ENDPOINT);
    dealer = s_join(ZMQ_DEALER, "tcp://127.0.0.1:29561");
    for (unsigned i = 0; i < hosts; i++)
        s_hello(dealer, &streams[i], i);
    // The first row says that the series are made and the journal is read back.
    held = held_new(ENDPOINT);
    (void) s_drive(push, dealer, streams, hosts, FIRST_SEQ + 1);
    s_await(held, streams, hosts, 0);
    cpu = s_cpu_seconds(pid);
    begin = clock_mono_ns();
    acked = s_drive(push, dealer, streams, hosts, streams[0].n);
    s_await(held, streams, hosts, rows - 1);
    seconds = (double) (clock_mono_ns() - begin) / 1e9;
    cpu = s_cpu_seconds(pid) - cpu;
    held_destroy(&held);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    printf("durable ingest, samples a second: %.0f\n", samples / seconds);
    printf("until the last ACK alone, samples a second: %.0f\n", samples / acked);
    printf("durable ingest, frames a second: %.0f\n", (double) frames / seconds);
    printf("collector, CPU seconds a million samples: %.4f\n", cpu / (samples / 1e6));
    printf("wire bytes a sample: %.3f\n", (double) bytes / samples);
    printf("floor, append and fdatasync of %u KiB, samples a second: %.0f\n", FLOOR_BYTES / 1024,
           s_floor(argv[2], streams, hosts, samples));
    zsock_destroy(&push);
    zsock_destroy(&dealer);
    for (unsigned i = 0; i < hosts; i++) {
        buf_release(&streams[i].frames);
        free(streams[i].at);
    }
    free(streams);
    service_end(signals);
    return 0;
}

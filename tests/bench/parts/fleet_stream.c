// fleet_stream - see the header.

#include "tests/bench/parts/fleet_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"
#include "tests/bench/fleet.h"

#define DEADLINE_MS 120000
#define HELLOS_MOST 64u // that wait for their WELCOME
// Hosts whose control messages share a connection: what the collector has for one at a time is less
// than it keeps for a slow peer.
#define HOSTS_EACH 50u
#define HEARD_EACH 1024u // frames that go out between two looks at what is acknowledged
#define PING_MS    2000
#define STALL_MS   2000 // without any ACK; then what was sent is sent again, as an agent does

_Noreturn void
bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void
bench_pin(size_t core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void) sched_setaffinity(0, sizeof set, &set);
}

static void
s_frame(struct fleet_stream *s, const struct record *of, const uint8_t *body, size_t len)
{
    struct record record = *of;
    ptrdiff_t n;

    record.seq = s->n;
    record.body = body;
    record.body_len = (uint32_t) len;
    s->at[s->n++] = s->frames.len;
    buf_reserve(&s->frames, FRAME_PREFIX_SIZE + len + 256);
    frame_put_prefix(s->frames.at + s->frames.len, &(struct frame_prefix){ 0 });
    n = frame_put_record(s->frames.at + s->frames.len + FRAME_PREFIX_SIZE, len + 256, &record);
    if (n < 0)
        bench_fail("a frame did not fit");
    s->frames.len += FRAME_PREFIX_SIZE + (size_t) n;
    s->at[s->n] = s->frames.len;
}

static struct identity
s_identity(const fleet_t *self, unsigned host, char name[64])
{
    (void) snprintf(name, 64, "%s-%u", self->name, host);
    return (struct identity){ .host = FLEET_HOST + host,
                              .name = name,
                              .name_len = strlen(name),
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

static void
s_table(const fleet_t *self, struct wbuf *w)
{
    wbuf_varint(w, self->series);
    wbuf_varint(w, self->series);
    for (uint32_t slot = 0; slot < self->series; slot++) {
        char text[32];
        struct label labels[] = { { LABEL_METRIC, "fleet" }, { "n", text } };
        struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = { .unit = 1 } };

        (void) snprintf(text, sizeof text, "%u", slot);
        if (label_set_init(&def.labels, labels, 2) < 0)
            bench_fail("labels");
        slot_def_put(w, &def);
        label_set_release(&def.labels);
    }
}

static void
s_rows(const fleet_t *self, struct fleet_stream *s, unsigned host, uint8_t *body)
{
    struct record record = { .stream = FLEET_STREAM + host };
    struct row_state state = { 0 };
    struct fleet_host numbers;
    struct cell cells[SERIES];
    struct wbuf w;

    fleet_begin_as(&numbers, self->series, host);
    row_state_grow(&state, self->series);
    for (uint64_t row = 0; row < self->rows; row++) {
        // Hosts are at different places between two KEYs, as agents that started whenever are.
        const bool key = row == 0 || (row + host * 37) % KEY_EACH == 0;

        fleet_step(&numbers);
        for (uint32_t i = 0; i < self->series; i++)
            cells[i] = (struct cell){ .state = CELL_INTEGER,
                                      .m = numbers.m[fleet_pick(&numbers, i)] };
        wbuf_init(&w, body, FRAME_BODY_MAX);
        if (key)
            row_put_key(&state, &w);
        record.count = row_put(&state, &w, 0, cells);
        record.type = key ? RECORD_KEY : RECORD_DELTA;
        record.total = row * self->series;
        record.t0_ms = self->t0_ms + (int64_t) row * 1000;
        s_frame(s, &record, body, w.len);
    }
    row_state_release(&state);
}

static void
s_make(fleet_t *self, unsigned host)
{
    static uint8_t body[FRAME_BODY_MAX];
    struct fleet_stream *s = &self->streams[host];
    struct record record = { .type = RECORD_IDENT,
                             .stream = FLEET_STREAM + host,
                             .t0_ms = self->t0_ms };
    char name[64];
    struct identity id = s_identity(self, host, name);
    struct wbuf w;

    s->at = xcalloc(self->rows + 4, sizeof *s->at);
    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    s_frame(s, &record, body, w.len);
    wbuf_init(&w, body, sizeof body);
    s_table(self, &w);
    record.type = RECORD_TABLE;
    s_frame(s, &record, body, w.len);
    s_rows(self, s, host, body);
    record.type = RECORD_END;
    record.total = self->rows * self->series;
    record.t0_ms += (int64_t) self->rows * 1000;
    s_frame(s, &record, body, 0);
}

fleet_t *
fleet_new(const char *name, unsigned hosts, uint32_t series, uint64_t rows)
{
    fleet_t *self = xcalloc(1, sizeof *self);

    if (hosts == 0 || rows < 2 || series == 0 || SERIES % series != 0 || series % GROUP != 0)
        bench_fail("no such fleet");
    *self = (fleet_t){ .name = name, .hosts = hosts, .series = series, .rows = rows };
    self->t0_ms = clock_real_ms() - (int64_t) rows * 1000;
    self->streams = xcalloc(hosts, sizeof *self->streams);
    for (unsigned i = 0; i < hosts; i++) {
        s_make(self, i);
        self->frames += self->streams[i].n;
        self->bytes += self->streams[i].frames.len;
    }
    return self;
}

void
fleet_destroy(fleet_t **self_p)
{
    fleet_t *self = *self_p;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < self->hosts; i++) {
        buf_release(&self->streams[i].frames);
        free(self->streams[i].at);
    }
    zsock_destroy(&self->push);
    for (unsigned i = 0; i < self->n_dealers; i++)
        zsock_destroy(&self->dealers[i]);
    free(self->dealers);
    free(self->streams);
    free(self);
    *self_p = NULL;
}

uint64_t
fleet_samples(const fleet_t *self, uint64_t rows)
{
    return self->hosts * rows * self->series;
}

static void
s_take(fleet_t *self, const struct control_msg *in)
{
    uint64_t id = 0, next = 0, limit = 0;

    if (in->type == CONTROL_WELCOME) {
        id = in->welcome.streams[0].stream;
        limit = in->welcome.streams[0].limit;
        self->welcomes++;
    } else if (in->type == CONTROL_ACK) {
        id = in->ack.stream;
        next = in->ack.next;
        limit = in->ack.limit;
        if (in->ack.refused > 0 || in->ack.elsewhere > 0)
            bench_fail("samples were acknowledged and not stored");
    } else if (in->type == CONTROL_NAK && in->nak.reason != NAK_KEY) { // a KEY comes soon anyway
        bench_fail(nak_reason_str(in->nak.reason));
    } else if (in->type == CONTROL_GOAWAY) {
        bench_fail("a host was sent away");
    }
    if (id >= FLEET_STREAM && id < FLEET_STREAM + self->hosts) {
        struct fleet_stream *s = &self->streams[id - FLEET_STREAM];

        if (next > s->acked) {
            s->acked = next;
            self->heard_ms = clock_mono_ms();
        }
        s->limit = limit;
    }
}

// What is there.
static void
s_hear(fleet_t *self)
{
    static struct control_msg in;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (unsigned i = 0; i < self->n_dealers; i++) {
        while (sock_recv(self->dealers[i], &msg) == 1) {
            if (control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)) < 0)
                bench_fail("a control message was refused");
            s_take(self, &in);
        }
    }
    zmq_msg_close(&msg);
}

static zsock_t *
s_join(const fleet_t *self, int type, unsigned port)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 1000, .recv_hwm = 0, .max_bytes = CONTROL_MAX, .immediate = true
    };
    zsock_t *sock;
    char endpoint[64];

    (void) snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    if (sock_new(&sock, &spec, self->curve) < 0 || sock_connect(sock, endpoint) < 0)
        bench_fail(endpoint);
    return sock;
}

static void
s_wait(const fleet_t *self, int ms)
{
    zmq_pollitem_t *items = xcalloc(self->n_dealers, sizeof *items);

    for (unsigned i = 0; i < self->n_dealers; i++)
        items[i] = (zmq_pollitem_t){ .socket = sock_raw(self->dealers[i]), .events = ZMQ_POLLIN };
    zmq_poll(items, (int) self->n_dealers, ms);
    free(items);
}

static void
s_say(fleet_t *self, unsigned host, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    while (sock_send(self->dealers[host / HOSTS_EACH], bytes, (size_t) n, false) == -EAGAIN)
        usleep(1000);
}

static void
s_hello(fleet_t *self, unsigned host)
{
    struct control_msg msg = { .type = CONTROL_HELLO };
    char name[64];

    msg.hello.id = s_identity(self, host, name);
    msg.hello.nonce = 1;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.n_streams = 1;
    msg.hello.streams[0] = (struct hello_stream){ .stream = FLEET_STREAM + host,
                                                  .head = self->streams[host].n };
    s_say(self, host, &msg);
}

// Each host's, often enough: who is not heard is not counted when credit is given.
static void
s_ping(fleet_t *self)
{
    const int64_t now_ms = clock_mono_ms();

    if (now_ms < self->ping_ms)
        return;
    self->ping_ms = now_ms + PING_MS;
    for (unsigned i = 0; i < self->hosts; i++) {
        struct control_msg msg = { .type = CONTROL_PING };

        msg.ping = (struct ping){ .host = FLEET_HOST + i,
                                  .nonce = 1,
                                  .n = ++self->pings,
                                  .t1_ms = clock_real_ms(),
                                  .rtt_us = -1,
                                  .head = self->streams[i].sent };
        s_say(self, i, &msg);
    }
}

void
fleet_join(fleet_t *self, unsigned port)
{
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;
    unsigned said = 0;

    self->push = s_join(self, ZMQ_PUSH, port);
    self->n_dealers = (self->hosts + HOSTS_EACH - 1) / HOSTS_EACH;
    self->dealers = xcalloc(self->n_dealers, sizeof(zsock_t *));
    for (unsigned i = 0; i < self->n_dealers; i++)
        self->dealers[i] = s_join(self, ZMQ_DEALER, port + 1);
    while (self->welcomes < self->hosts) {
        while (said < self->hosts && said - self->welcomes < HELLOS_MOST)
            s_hello(self, said++);
        s_wait(self, 100);
        s_hear(self);
        if (clock_mono_ms() > until_ms)
            bench_fail("not everybody is welcome in time");
    }
}

// One row of each host after the other, up to frame `most`, as far as there is credit. True if
// something went out.
static bool
s_send(fleet_t *self, uint64_t most)
{
    unsigned sent = 0;

    for (unsigned i = 0; i < self->hosts; i++) {
        struct fleet_stream *s = &self->streams[i];

        if (s->sent == most || s->sent >= s->limit)
            continue;
        if (sock_send(self->push, s->frames.at + s->at[s->sent],
                      s->at[s->sent + 1] - s->at[s->sent], false) < 0)
            return sent > 0;
        s->sent++;
        if (++sent % HEARD_EACH == 0)
            s_hear(self);
    }
    return sent > 0;
}

// An ACK that found the way full is lost; the record that comes again brings another one.
static void
s_go_back(fleet_t *self)
{
    if (clock_mono_ms() - self->heard_ms < STALL_MS)
        return;
    self->heard_ms = clock_mono_ms();
    for (unsigned i = 0; i < self->hosts; i++) {
        struct fleet_stream *s = &self->streams[i];

        self->again += s->sent - s->acked;
        s->sent = s->acked;
    }
}

static _Noreturn void
s_tell_missing(const fleet_t *self, uint64_t most)
{
    for (unsigned i = 0; i < self->hosts; i++) {
        const struct fleet_stream *s = &self->streams[i];

        if (s->acked < most)
            fprintf(stderr,
                    "bench: host %u: sent %" PRIu64 ", acknowledged %" PRIu64 ", may %" PRIu64 "\n",
                    i, s->sent, s->acked, s->limit);
    }
    bench_fail("not everything was acknowledged in time");
}

double
fleet_drive(fleet_t *self, uint64_t most)
{
    const int64_t begin = clock_mono_ns();
    bool done = false;

    self->heard_ms = clock_mono_ms();
    while (!done) {
        if (!s_send(self, most))
            s_wait(self, 1);
        s_hear(self);
        s_ping(self);
        s_go_back(self);
        done = true;
        for (unsigned i = 0; i < self->hosts && done; i++)
            done = self->streams[i].acked >= most;
        if (clock_mono_ns() - begin > DEADLINE_MS * INT64_C(1000000))
            s_tell_missing(self, most);
    }
    return (double) (clock_mono_ns() - begin) / 1e9;
}

pid_t
bench_collector(const char *program, const char *dir, unsigned port, const char *head, int log_fd)
{
    char text[16];
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void) snprintf(text, sizeof text, "%u", port);
    bench_pin(1);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); // a bench that failed leaves nobody behind
    if (log_fd != -1)
        (void) dup2(log_fd, STDERR_FILENO);
    service_child();
    execl(program, program, "--data", dir, "--port-base", text, "--head-bytes", head, "--log-level",
          log_fd != -1 ? "info" : "warn", (char *) NULL);
    _exit(127);
}

double
bench_cpu_seconds(pid_t pid)
{
    char path[64];
    double user = 0, system = 0;
    FILE *f;

    (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
    f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
                            &system) != 2)
        bench_fail("no CPU time");
    fclose(f);
    return (user + system) / (double) sysconf(_SC_CLK_TCK);
}

uint64_t
bench_memory(pid_t pid, const char *which)
{
    char path[64], line[256];
    uint64_t kib = 0;
    FILE *f;

    (void) snprintf(path, sizeof path, "/proc/%d/status", (int) pid);
    f = fopen(path, "re");
    if (f == NULL)
        bench_fail("no status of the process");
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, which, strlen(which)) == 0 && line[strlen(which)] == ':')
            (void) sscanf(line + strlen(which) + 1, "%" SCNu64, &kib);
    fclose(f);
    return kib * 1024;
}

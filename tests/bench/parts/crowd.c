// crowd - see the header.

#include "tests/bench/parts/crowd.h"

#include <fcntl.h>
#include <poll.h>
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
#include "tests/bench/parts/fleet_stream.h"

#define DEADLINE_MS 120000
#define AGAIN_MS    1000 // between two HELLOs, or frames, of one
#define TURN_MS     2
#define HOST_FIRST  UINT64_C(70000)

struct one {
    struct key_pair pair;
    zsock_t *control, *data;
    uint64_t next; // of the stream: what is sent next
    uint64_t acked;
    bool welcome;
    int64_t said_ms; // when it last said HELLO, or sent
};

struct crowd {
    const char *name;
    unsigned n;
    const char *server;
    uint64_t start; // of these agents: their nonce, and part of their streams
    struct one *at;
};

static bool s_turn(crowd_t *self, unsigned i, int64_t now_ms);

crowd_t *
crowd_new(const char *name, unsigned n, const char *server)
{
    crowd_t *self = xcalloc(1, sizeof *self);

    self->name = name;
    self->n = n;
    self->server = server;
    self->start = (uint64_t) clock_real_ms();
    self->at = xcalloc(n, sizeof *self->at);
    for (unsigned i = 0; i < n; i++)
        if (key_pair_make(&self->at[i].pair) < 0)
            bench_fail("no key");
    return self;
}

void
crowd_destroy(crowd_t **self_p)
{
    crowd_t *self = *self_p;

    for (unsigned i = 0; i < self->n; i++) {
        zsock_destroy(&self->at[i].control);
        zsock_destroy(&self->at[i].data);
    }
    free(self->at);
    free(self);
    *self_p = NULL;
}

void
crowd_admit(const crowd_t *self, const char *dir)
{
    char path[512];
    FILE *f;

    (void) snprintf(path, sizeof path, "%s/admit", dir);
    f = fopen(path, "we");
    if (f == NULL || fchmod(fileno(f), 0600) == -1)
        bench_fail(path);
    for (unsigned i = 0; i < self->n; i++)
        fprintf(f, "agent %s-%u %s\n", self->name, i, self->at[i].pair.public_text);
    if (fclose(f) != 0)
        bench_fail(path);
}

static zsock_t *
s_join(const crowd_t *self, unsigned i, int type, unsigned port)
{
    const struct sock_spec spec = { .type = type,
                                    .send_hwm = 16,
                                    .recv_hwm = SOCK_NO_LIMIT,
                                    .max_bytes = CONTROL_MAX,
                                    .immediate = true,
                                    .reconnect_ms = 100 + i % 400 };
    const struct curve curve = { .own = &self->at[i].pair, .server = self->server };
    char endpoint[64];
    zsock_t *sock;

    (void) snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    if (sock_new(&sock, &spec, self->server != NULL ? &curve : NULL) < 0 ||
        sock_connect(sock, endpoint) < 0)
        bench_fail(endpoint);
    return sock;
}

// A socket that holds nothing back can be written to once it was let in.
static bool
s_is_in(zsock_t *sock)
{
    return (zsock_events(sock) & ZMQ_POLLOUT) != 0;
}

double
crowd_knock(crowd_t *self, unsigned port)
{
    const int64_t begin = clock_mono_ns(), until = begin + DEADLINE_MS * INT64_C(1000000);
    double seconds;

    for (unsigned i = 0; i < self->n; i++)
        self->at[i].control = s_join(self, i, ZMQ_DEALER, port + SOCK_CONTROL);
    for (unsigned i = 0; i < self->n;) {
        if (s_is_in(self->at[i].control)) {
            i++;
            continue;
        }
        (void) poll(NULL, 0, TURN_MS);
        if (clock_mono_ns() > until)
            bench_fail("not everybody is let in in time");
    }
    seconds = (double) (clock_mono_ns() - begin) / 1e9;
    for (unsigned i = 0; i < self->n; i++)
        zsock_destroy(&self->at[i].control);
    return seconds;
}

void
crowd_join(crowd_t *self, unsigned port)
{
    for (unsigned i = 0; i < self->n; i++) {
        self->at[i].control = s_join(self, i, ZMQ_DEALER, port + SOCK_CONTROL);
        self->at[i].data = s_join(self, i, ZMQ_PUSH, port + SOCK_DATA);
    }
}

struct crowd_times
crowd_deliver(crowd_t *self)
{
    const int64_t begin = clock_mono_ns(), until = begin + DEADLINE_MS * INT64_C(1000000);
    struct crowd_times ret = { 0 };
    unsigned welcome = 0, acked = 0;

    for (unsigned i = 0; i < self->n; i++) {
        self->at[i].welcome = false;
        self->at[i].next++;
        self->at[i].said_ms = 0;
    }
    while (acked < self->n) {
        const int64_t now_ms = clock_mono_ms();

        welcome = acked = 0;
        for (unsigned i = 0; i < self->n; i++) {
            acked += s_turn(self, i, now_ms);
            welcome += self->at[i].welcome;
        }
        if (welcome == self->n && ret.welcome_s == 0)
            ret.welcome_s = (double) (clock_mono_ns() - begin) / 1e9;
        (void) poll(NULL, 0, TURN_MS);
        if (clock_mono_ns() > until)
            bench_fail("not everybody is acknowledged in time");
    }
    ret.acked_s = (double) (clock_mono_ns() - begin) / 1e9;
    return ret;
}

static uint64_t
s_stream(const crowd_t *self, unsigned i)
{
    return self->start * 65536 + i;
}

static struct identity
s_identity(const crowd_t *self, unsigned i, char name[32])
{
    (void) snprintf(name, 32, "%s-%u", self->name, i);
    return (struct identity){ .host = HOST_FIRST + i,
                              .name = name,
                              .name_len = strlen(name),
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

static void
s_hello(crowd_t *self, unsigned i)
{
    struct control_msg hello = { .type = CONTROL_HELLO };
    uint8_t bytes[2048];
    char name[32];
    ptrdiff_t n;

    hello.hello.id = s_identity(self, i, name);
    hello.hello.nonce = self->start;
    hello.hello.max_frame = FRAME_MAX;
    hello.hello.n_streams = 1;
    hello.hello.streams[0] = (struct hello_stream){ .stream = s_stream(self, i),
                                                    .base = self->at[i].acked,
                                                    .head = self->at[i].next };
    n = control_put(bytes, sizeof bytes, &hello);
    (void) sock_send(self->at[i].control, bytes, (size_t) n, false);
}

// All that is not acknowledged: one record, since each is waited for.
static void
s_give(crowd_t *self, unsigned i)
{
    struct one *one = &self->at[i];
    struct record record = { .type = RECORD_IDENT, .stream = s_stream(self, i), .seq = one->acked };
    uint8_t body[128], frame[512];
    struct identity id;
    char name[32];
    struct wbuf w;
    ptrdiff_t n;

    id = s_identity(self, i, name);
    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    record.body = body;
    record.body_len = (uint32_t) w.len;
    frame_put_prefix(frame, &(struct frame_prefix){ .base = one->acked });
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    if (n > 0)
        (void) sock_send(one->data, frame, FRAME_PREFIX_SIZE + (size_t) n, false);
}

static void
s_take(struct one *one, const struct control_msg *msg)
{
    if (msg->type == CONTROL_WELCOME) {
        one->welcome = true;
        one->acked = msg->welcome.streams[0].next;
        one->said_ms = 0;
    } else if (msg->type == CONTROL_ACK) {
        one->acked = msg->ack.next;
    } else if (msg->type == CONTROL_GOAWAY) {
        bench_fail("sent away");
    }
}

// True if all of this one is acknowledged.
static bool
s_turn(crowd_t *self, unsigned i, int64_t now_ms)
{
    static struct control_msg in;
    struct one *one = &self->at[i];
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    while (sock_recv(one->control, &msg) == 1)
        if (control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0)
            s_take(one, &in);
    zmq_msg_close(&msg);
    if (one->welcome && one->acked >= one->next)
        return true;
    if (now_ms - one->said_ms < AGAIN_MS)
        return false;
    // A connection that is not there yet takes nothing: then it is said as soon as it is.
    if (one->welcome)
        s_give(self, i);
    else if (s_is_in(one->control))
        s_hello(self, i);
    else
        return false;
    one->said_ms = now_ms;
    return false;
}

pid_t
crowd_collector(const char *program, const char *dir, unsigned port, const char *word)
{
    char text[16];
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void) snprintf(text, sizeof text, "%u", port);
    bench_pin(1);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); // a bench that failed leaves nobody behind
    service_child();
    execl(program, program, "--data", dir, "--port-base", text, "--log-level", "error", word,
          (char *) NULL);
    _exit(127);
}

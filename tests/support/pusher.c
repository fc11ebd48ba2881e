// pusher - see the header.

#include "tests/support/pusher.h"

#include <czmq.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"
#include "tests/support/seeded.h"

#define KEY_EACH      32
#define FIRST_ROW     2 // records before: IDENT, TABLE
#define PING_MS       500
#define AGAIN_MS      1000 // a HELLO that nobody answered is said again
#define BALLAST       200  // a type of records that there is not
#define BALLAST_BYTES 4096
#define TWICE_MOST    4 // records that go out once more after WELCOME, as duplicates

struct pusher {
    struct pusher_options opt;
    char name[32];
    uint64_t stream;
    struct buf records; // one behind the other
    size_t *at;         // where each begins, and the end
    uint64_t *total;    // samples before each, and all
    uint64_t n;         // records
    uint64_t size;      // allocated
    struct row_state rows;
    zsock_t *push, *control;
    bool welcome;
    uint64_t collector; // its id
    uint64_t next;      // to be sent
    uint64_t repeat;    // to be repeated next; below `fresh`: a repeat is on its way
    uint64_t fresh;     // first that is not repeated
    bool table;         // goes ahead of the repeat
    uint64_t acked;     // records
    uint64_t limit;
    uint64_t refused;          // samples, as the last ACK said
    int64_t hello_ms, ping_ms; // monotonic, when they were said last
    uint64_t pings;
    uint64_t seed;
    char amiss[200];
};

static void s_record(pusher_t *self, uint8_t type, uint32_t count, int64_t t0_ms,
                     const struct wbuf *body);
static void s_row(pusher_t *self);
static void s_ballast(pusher_t *self);
static void s_table(struct wbuf *w);
static void s_hello(pusher_t *self);
static void s_ping(pusher_t *self);
static void s_hear(pusher_t *self, const struct control_msg *msg);
static bool s_send(pusher_t *self);

static void
s_fail(pusher_t *self, const char *what, uint64_t a, uint64_t b)
{
    if (self->amiss[0] == '\0')
        snprintf(self->amiss, sizeof self->amiss, "%s: %s %" PRIu64 ", %" PRIu64, self->name, what,
                 a, b);
}

static struct identity
s_identity(const pusher_t *self)
{
    return (struct identity){ .host = self->opt.host,
                              .name = self->name,
                              .name_len = strlen(self->name),
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

pusher_t *
pusher_new(const struct pusher_options *opt)
{
    static uint8_t body[FRAME_BODY_MAX];
    pusher_t *self = xcalloc(1, sizeof *self);
    struct identity id;
    struct wbuf w;

    self->opt = *opt;
    self->seed = opt->samples.seed;
    snprintf(self->name, sizeof self->name, "%s", opt->name);
    self->stream = seeded_next(&self->seed) | 1;
    row_state_grow(&self->rows, NUMBERED_WIDTH);
    id = s_identity(self);
    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    s_record(self, RECORD_IDENT, 0, opt->samples.t0_ms, &w);
    wbuf_init(&w, body, sizeof body);
    s_table(&w);
    s_record(self, RECORD_TABLE, 0, opt->samples.t0_ms, &w);
    return self;
}

void
pusher_destroy(pusher_t **self_p)
{
    pusher_t *self = *self_p;

    if (self == NULL)
        return;
    pusher_disconnect(self);
    row_state_release(&self->rows);
    buf_release(&self->records);
    free(self->at);
    free(self->total);
    free(self);
    *self_p = NULL;
}

static zsock_t *
s_join(int type, uint16_t port)
{
    const struct sock_spec spec = { .type = type,
                                    .send_hwm = 1000,
                                    .recv_hwm = 1000,
                                    .max_bytes = CONTROL_MAX,
                                    .immediate = true,
                                    .reconnect_ms = 5 };
    char endpoint[64];
    zsock_t *sock;

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    if (sock_new(&sock, &spec, NULL) < 0 || sock_connect(sock, endpoint) < 0)
        abort();
    return sock;
}

void
pusher_connect(pusher_t *self, uint16_t port)
{
    pusher_disconnect(self);
    self->push = s_join(ZMQ_PUSH, port);
    self->control = s_join(ZMQ_DEALER, (uint16_t) (port + SOCK_CONTROL));
}

void
pusher_disconnect(pusher_t *self)
{
    zsock_destroy(&self->push);
    zsock_destroy(&self->control);
    self->welcome = false;
    self->hello_ms = 0;
    self->limit = 0;
}

void
pusher_make(pusher_t *self, uint32_t rows)
{
    while (rows-- > 0)
        (self->opt.ballast ? s_ballast : s_row)(self);
}

uint32_t
pusher_rows(const pusher_t *self)
{
    return self->opt.ballast ? 0 : (uint32_t) (self->n - FIRST_ROW);
}

bool
pusher_turn(pusher_t *self, unsigned most)
{
    static struct control_msg in;
    const int64_t now_ms = clock_mono_ms();
    zmq_msg_t msg;

    if (!self->welcome && now_ms - self->hello_ms >= AGAIN_MS)
        s_hello(self);
    if (self->welcome && now_ms - self->ping_ms >= PING_MS)
        s_ping(self);
    zmq_msg_init(&msg);
    while (sock_recv(self->control, &msg) == 1)
        if (control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0)
            s_hear(self, &in);
        else
            s_fail(self, "a control message was refused, bytes", zmq_msg_size(&msg), 0);
    zmq_msg_close(&msg);
    while (most > 0 && self->welcome && s_send(self))
        most--;
    return self->amiss[0] == '\0';
}

bool
pusher_is_welcome(const pusher_t *self)
{
    return self->welcome;
}

bool
pusher_is_done(const pusher_t *self)
{
    return self->acked == self->n;
}

const char *
pusher_amiss(const pusher_t *self)
{
    return self->amiss[0] != '\0' ? self->amiss : NULL;
}

uint64_t
pusher_acked(const pusher_t *self)
{
    return self->total[self->acked];
}

void
pusher_check(const pusher_t *self, const struct sample *held, size_t n, int64_t since_ms,
             struct numbered_verdict *ret)
{
    const uint64_t rows = pusher_rows(self);
    const uint64_t acked = rows > 0 && self->acked > FIRST_ROW ? self->acked - FIRST_ROW : 0;

    numbered_check(&self->opt.samples, rows, acked, held, n, since_ms, ret);
}

// --- records

static void
s_record(pusher_t *self, uint8_t type, uint32_t count, int64_t t0_ms, const struct wbuf *body)
{
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = self->stream,
                                   .seq = self->n,
                                   .total = self->n > 0 ? self->total[self->n] : 0,
                                   .t0_ms = t0_ms,
                                   .body = body->at,
                                   .body_len = (uint32_t) wbuf_finish(body) };
    ptrdiff_t n;

    if (self->n + 2 > self->size) {
        self->size = 2 * self->size + 64;
        self->at = xrealloc(self->at, self->size, sizeof *self->at);
        self->total = xrealloc(self->total, self->size, sizeof *self->total);
        self->at[0] = self->total[0] = 0;
    }
    buf_reserve(&self->records, FRAME_MAX);
    n = frame_put_record(self->records.at + self->records.len, FRAME_MAX - FRAME_PREFIX_SIZE,
                         &record);
    if (n < 0)
        abort();
    self->records.len += (size_t) n;
    self->total[self->n + 1] = record.total + count;
    self->at[++self->n] = self->records.len;
}

static void
s_table(struct wbuf *w)
{
    wbuf_varint(w, NUMBERED_WIDTH);
    wbuf_varint(w, NUMBERED_WIDTH);
    for (uint32_t slot = 0; slot < NUMBERED_WIDTH; slot++) {
        char text[16];
        struct label labels[] = { { LABEL_METRIC, PUSHER_METRIC }, { "n", text } };
        struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = { .unit = 1 } };

        snprintf(text, sizeof text, "%u", slot);
        if (label_set_init(&def.labels, labels, 2) < 0)
            abort();
        slot_def_put(w, &def);
        label_set_release(&def.labels);
    }
}

static void
s_row(pusher_t *self)
{
    static uint8_t body[FRAME_BODY_MAX];
    const struct numbered *of = &self->opt.samples;
    const uint64_t row = self->n - FIRST_ROW;
    const int64_t time_ms = numbered_time(of, row * NUMBERED_WIDTH);
    struct cell cells[NUMBERED_WIDTH] = { 0 };
    uint32_t count = 0;
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    if (row % KEY_EACH == 0)
        row_put_key(&self->rows, &w);
    for (uint32_t slot = NUMBERED_SLOTS; slot < NUMBERED_WIDTH; slot++) {
        const uint64_t number = row * NUMBERED_WIDTH + slot;
        const struct cell cell = { .state = CELL_INTEGER, .m = numbered_value(of, number) };

        if (numbered_is_made(of, number))
            count += row_put_sparse(&self->rows, &w, numbered_time(of, number) - time_ms, &slot,
                                    &cell, 1);
    }
    for (uint32_t slot = 0; slot < NUMBERED_SLOTS; slot++)
        cells[slot] = (struct cell){ .state = CELL_INTEGER,
                                     .m = numbered_value(of, row * NUMBERED_WIDTH + slot) };
    count += row_put(&self->rows, &w, 0, cells);
    s_record(self, row % KEY_EACH == 0 ? RECORD_KEY : RECORD_DELTA, count, time_ms, &w);
}

static void
s_ballast(pusher_t *self)
{
    static uint8_t body[BALLAST_BYTES];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    while (w.len + 8 <= sizeof body)
        wbuf_u64(&w, seeded_next(&self->seed));
    s_record(self, BALLAST, 0, self->opt.samples.t0_ms, &w);
}

// --- the wire

static bool
s_say(pusher_t *self, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    if (n < 0)
        abort();
    return sock_send(self->control, bytes, (size_t) n, false) == 0;
}

static struct ledger
s_ledger(const pusher_t *self)
{
    const uint64_t acked = pusher_acked(self);

    return (struct ledger){ .produced = self->total[self->n],
                            .acked = acked,
                            .pending = self->total[self->n] - acked,
                            .refused = self->refused };
}

static void
s_hello(pusher_t *self)
{
    static struct control_msg msg;

    msg = (struct control_msg){ .type = CONTROL_HELLO };
    msg.hello.id = s_identity(self);
    msg.hello.nonce = self->opt.samples.seed;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.collector = self->collector;
    msg.hello.n_streams = 1;
    msg.hello.streams[0] = (struct hello_stream){
        .stream = self->stream, .base = self->acked, .head = self->n, .acked_here = self->acked
    };
    msg.hello.ledger = s_ledger(self);
    if (s_say(self, &msg))
        self->hello_ms = clock_mono_ms();
}

static void
s_ping(pusher_t *self)
{
    struct control_msg msg = { .type = CONTROL_PING };

    msg.ping = (struct ping){ .host = self->opt.host,
                              .nonce = self->opt.samples.seed,
                              .n = ++self->pings,
                              .t1_ms = clock_real_ms(),
                              .rtt_us = -1,
                              .head = self->n,
                              .ledger = s_ledger(self) };
    if (s_say(self, &msg))
        self->ping_ms = clock_mono_ms();
}

// From the last KEY below `next` on with REPEAT, and from `next` on as it is.
static void
s_go_back(pusher_t *self, uint64_t next)
{
    self->next = self->fresh = next;
    self->repeat = next;
    self->table = false;
    if (next > FIRST_ROW) {
        self->repeat = FIRST_ROW + (next - 1 - FIRST_ROW) / KEY_EACH * KEY_EACH;
        self->table = true;
    }
}

static void
s_acked(pusher_t *self, const char *who, uint64_t next, uint64_t limit)
{
    if (next > self->n)
        s_fail(self, "more was acknowledged than was made:", next, self->n);
    else if (next < self->acked && strcmp(who, "WELCOME") == 0)
        s_fail(self, "WELCOME takes back what was acknowledged:", next, self->acked);
    else if (next > self->acked)
        self->acked = next;
    self->limit = limit;
}

static void
s_hear(pusher_t *self, const struct control_msg *msg)
{
    switch (msg->type) {
    case CONTROL_WELCOME: {
        const struct welcome_stream *s = &msg->welcome.streams[0];

        if (msg->welcome.n_streams != 1 || s->stream != self->stream) {
            s_fail(self, "WELCOME is of another stream:", msg->welcome.n_streams, s->stream);
            break;
        }
        self->collector = msg->welcome.collector;
        self->welcome = true;
        s_acked(self, "WELCOME", s->next, s->limit);
        // Some that it has already come once more.
        s_go_back(self, s->next > FIRST_ROW + KEY_EACH
                            ? s->next - seeded_below(&self->seed, TWICE_MOST)
                            : s->next);
        break;
    }
    case CONTROL_ACK:
        s_acked(self, "ACK", msg->ack.next, msg->ack.limit);
        self->refused = msg->ack.refused;
        if (msg->ack.elsewhere > 0 || msg->ack.refused > 0)
            s_fail(self, "were acknowledged and not stored: refused, elsewhere", msg->ack.refused,
                   msg->ack.elsewhere);
        break;
    case CONTROL_NAK:
        if (msg->nak.reason == NAK_HELLO)
            self->welcome = false;
        else if (msg->nak.reason == NAK_STORAGE)
            self->limit = msg->nak.next;
        else
            s_go_back(self, msg->nak.reason == NAK_KEY ? self->next : msg->nak.next);
        break;
    case CONTROL_GOAWAY:
        self->welcome = false;
        self->hello_ms = clock_mono_ms();
        break;
    default:
        break;
    }
}

static bool
s_put(pusher_t *self, uint64_t seq, uint8_t flags)
{
    static uint8_t frame[FRAME_MAX];
    const struct frame_prefix prefix = { .flags = flags, .base = self->acked };
    const size_t len = self->at[seq + 1] - self->at[seq];

    frame_put_prefix(frame, &prefix);
    memcpy(frame + FRAME_PREFIX_SIZE, self->records.at + self->at[seq], len);
    return sock_send(self->push, frame, FRAME_PREFIX_SIZE + len, false) == 0;
}

// The TABLE that goes ahead of a repeat has the seq of its KEY.
static bool
s_put_table(pusher_t *self)
{
    static uint8_t body[FRAME_BODY_MAX], frame[FRAME_MAX];
    const struct frame_prefix prefix = { .flags = FRAME_REPEAT, .base = self->acked };
    struct record record = { .type = RECORD_TABLE,
                             .stream = self->stream,
                             .seq = self->repeat,
                             .total = self->total[self->repeat],
                             .t0_ms = self->opt.samples.t0_ms,
                             .body = body };
    struct wbuf w;
    ptrdiff_t n;

    wbuf_init(&w, body, sizeof body);
    s_table(&w);
    record.body_len = (uint32_t) wbuf_finish(&w);
    frame_put_prefix(frame, &prefix);
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    if (n < 0)
        abort();
    return sock_send(self->push, frame, FRAME_PREFIX_SIZE + (size_t) n, false) == 0;
}

// One frame; false where there is nothing to send, or no room.
static bool
s_send(pusher_t *self)
{
    if (self->table)
        return !(self->table = !s_put_table(self));
    if (self->repeat < self->fresh) {
        const bool out = s_put(self, self->repeat, FRAME_REPEAT);

        self->repeat += out;
        return out;
    }
    if (self->next >= self->n || self->next >= self->limit || !s_put(self, self->next, 0))
        return false;
    self->next++;
    return true;
}

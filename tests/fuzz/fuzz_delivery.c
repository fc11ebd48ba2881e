// fuzz_delivery - any order of inputs, with any numbers: nothing breaks, and credit is kept.
//
// Each byte of the input chooses what happens next, those behind it its numbers. The spool here
// answers as it likes, also what it was not asked.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/delivery.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define BACKLOG    3u
#define HEAD       40u
#define STREAMS    (BACKLOG + 64u)
#define LARGE_BODY 4000u

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static struct {
    delivery_t *delivery;
    uint64_t live, seq, ids;
    unsigned takes; // frames that the socket takes yet
    bool welcomed;
} f;

static bool
send(void *arg, const void *frame, size_t n)
{
    struct frame_prefix prefix;
    struct record record;

    (void) arg;
    if (!f.welcomed || frame_take(&prefix, &record, frame, n) != 0)
        abort();
    return f.takes > 0 && f.takes-- > 0;
}

static void
want(void *arg, uint64_t stream, uint64_t from, uint64_t total, size_t bytes, bool repeat)
{
    (void) arg;
    (void) stream;
    (void) from;
    (void) total;
    (void) bytes;
    (void) repeat;
}

static void
acked(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    (void) arg;
    (void) total;
    (void) collector;
    if (stream <= BACKLOG && next > HEAD)
        abort();
}

static void
table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    struct record record = *ahead_of;

    (void) arg;
    (void) slots;
    record.type = RECORD_TABLE;
    record.count = 0;
    record.body_len = 0;
    delivery_table(f.delivery, &record);
}

static void
key(void *arg)
{
    (void) arg;
}

static void
make(uint8_t type, uint32_t body_len)
{
    static const uint8_t body[LARGE_BODY];
    const struct record record = { .type = type,
                                   .stream = f.live,
                                   .seq = f.seq,
                                   .total = f.seq,
                                   .count = 1,
                                   .body = body,
                                   .body_len = body_len };

    f.seq++;
    delivery_produced(f.delivery, &record, 1, 0);
}

static void
open_live(void)
{
    f.live = BACKLOG + ++f.ids;
    f.seq = 0;
    delivery_open(f.delivery, f.live);
}

static void
close_live(void *arg)
{
    (void) arg;
    make(RECORD_END, 0);
    open_live();
}

static uint64_t
forked(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return UINT64_C(1) << 32 | ++f.ids;
}

static void
start(void)
{
    const struct delivery_options opt = { .memory = 1 << 16, .backlog_rate = 100000 };
    const struct delivery_handler handler = { .send = send,
                                              .want = want,
                                              .acked = acked,
                                              .table = table,
                                              .key = key,
                                              .close_live = close_live,
                                              .forked = forked };

    memset(&f, 0, sizeof f);
    f.delivery = delivery_new(&opt, &handler, &(struct delivery_sums){ 0 });
    for (uint64_t i = 1; i <= BACKLOG; i++)
        delivery_found(f.delivery, &(struct delivery_found){
                                       .stream = i, .base = i, .head = HEAD, .head_total = HEAD });
    open_live();
}

// A record or GAP of any stream that may be there.
static void
read_one(struct rbuf *r)
{
    uint8_t body[32] = { 0 };
    struct record record = { .stream = rbuf_u8(r) % STREAMS, .seq = rbuf_u8(r), .body = body };
    const uint8_t kind = rbuf_u8(r);
    struct wbuf w;

    record.type = kind % 9;
    record.count = kind / 64;
    record.total = rbuf_u8(r);
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &(struct gap){ .to = rbuf_u8(r), .samples = rbuf_u8(r), .cause = kind });
    record.body_len = (uint32_t) w.len;
    if (record.stream != 0)
        delivery_read(f.delivery, record.stream, &record, (kind & 1) != 0);
}

static void
welcome(struct rbuf *r, int64_t now_ms)
{
    struct welcome msg = { .collector = rbuf_u8(r) % 4 };
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    uint64_t collector;

    msg.n_streams = delivery_hello(f.delivery, streams, &collector);
    for (uint32_t i = 0; i < msg.n_streams; i++) {
        if (streams[i].base > streams[i].head)
            abort();
        msg.streams[i].stream = streams[i].stream;
        msg.streams[i].next = rbuf_u8(r) % 64;
        msg.streams[i].crc = rbuf_u8(r) % 2;
        msg.streams[i].limit = rbuf_u8(r);
        msg.streams[i].total = msg.streams[i].limit % 64;
    }
    f.welcomed = true;
    delivery_welcome(f.delivery, &msg, now_ms);
}

static void
step(struct rbuf *r, int64_t now_ms)
{
    const uint8_t what = rbuf_u8(r);
    uint64_t stream = what / 16 % 8 == 7 ? f.live : what / 16;

    if ((what & 0x80) != 0)
        stream |= UINT64_C(1) << 32;
    switch (what % 11) {
    case 0:
        welcome(r, now_ms);
        break;
    case 1:
        delivery_ack(
            f.delivery,
            &(struct ack){
                .stream = stream, .next = rbuf_u8(r), .limit = rbuf_u8(r), .total = what % 64 },
            now_ms);
        break;
    case 2:
        delivery_nak(
            f.delivery,
            &(struct nak){ .reason = rbuf_u8(r) % 6, .stream = stream, .next = rbuf_u8(r) },
            now_ms);
        break;
    case 3:
        f.welcomed = false;
        delivery_gone(f.delivery);
        break;
    case 4:
    case 5:
        read_one(r);
        break;
    case 6:
        delivery_read_end(f.delivery, rbuf_u8(r) % STREAMS, what > 240, now_ms);
        break;
    case 7:
        delivery_written(f.delivery, f.live, rbuf_u8(r));
        break;
    case 8:
        for (unsigned i = rbuf_u8(r); i > 0 && f.seq < 2000; i--)
            make(i % 7 == 0 ? RECORD_KEY : RECORD_DELTA, i % 50 == 0 ? LARGE_BODY : i);
        break;
    case 9:
        if (f.ids < STREAMS - BACKLOG - 2)
            close_live(NULL);
        break;
    default:
        f.takes = rbuf_u8(r);
        delivery_turn(f.delivery, now_ms, 200);
        (void) delivery_has(f.delivery, now_ms);
        (void) delivery_wait_ms(f.delivery, now_ms);
        (void) delivery_wants_ack(f.delivery);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct rbuf r;
    int64_t now_ms = 0;

    if (n > 4096)
        return 0;
    start();
    rbuf_init(&r, at, n);
    while (rbuf_left(&r) > 0 && rbuf_rc(&r) == 0)
        step(&r, now_ms += 50);
    if (delivery_stat(f.delivery).flight > DELIVERY_FLIGHT + FRAME_MAX)
        abort();
    delivery_destroy(&f.delivery);
    return 0;
}

// uplink - see the header.
//
//      row -> stream_writer -> send_queue -> pusher -> PUSH
//                                 ^
//                 control_link ---+--- resume (WELCOME), again (NAK)
//                      ^v
//                    DEALER
//
// The parts do not know each other; what one says to another passes through the functions here.

#include "agent/uplink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "agent/control_link.h"
#include "agent/own_series.h"
#include "agent/pusher.h"
#include "agent/send_queue.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"

#define CONTROL_BUDGET 16 // messages a turn
#define PUSH_BUDGET    64 // frames a turn
#define CONTROL_HWM    16
#define LINGER_MS      200 // for a BYE to leave
#define FLUSH_MS       200 // for records to leave
#define RECONNECT_MS   100 // and up to RECONNECT_MORE, so that a fleet spreads
#define RECONNECT_MORE 400
#define DROPPED_LOG_MS 60000

struct uplink {
    struct uplink_options opt;
    unsigned reconnect_ms;
    stream_writer_t *writer;
    send_queue_t *queue;
    bool key_due; // what follows in the queue is not readable without a KEY
    control_link_t *link;
    pusher_t *pusher;
    zsock_t *control;      // DEALER
    uint64_t said_dropped; // samples the log was told of
    int64_t dropped_log_ms;
};

static void s_keep(void *arg, const struct record *record, uint32_t slots);
static void s_say_dropped(uplink_t *self);
static int s_open_sockets(const uplink_t *self, pusher_t **pusher_ret, zsock_t **control_ret);
static struct control_link_handler s_handler(uplink_t *self);
static struct control_now s_now(void);
static void s_key(uplink_t *self);
static void s_drain(uplink_t *self);
static void s_put_table(uplink_t *self);
static void s_flush(uplink_t *self);

int
uplink_open(uplink_t **ret, const struct uplink_options *opt)
{
    uplink_t *self = xcalloc(1, sizeof *self);
    const struct control_link_handler handler = s_handler(self);
    struct stream_writer_options stream = {
        .stream = random_u64(),
        .id = opt->id,
        .now_ms = clock_real_ms(),
        .phase = (unsigned) (random_u64() % STREAM_KEY_EVERY),
    };
    int rc;

    self->opt = *opt;
    self->reconnect_ms = RECONNECT_MS + (unsigned) (opt->id.host % RECONNECT_MORE);
    self->queue = send_queue_new(SEND_QUEUE_BYTES);
    self->writer = stream_writer_new(&stream, s_keep, self);
    rc = s_open_sockets(self, &self->pusher, &self->control);
    if (rc < 0) {
        uplink_close(&self);
        return rc;
    }
    self->link = control_link_new(&self->opt.id, random_u64(), self->opt.collector, &handler,
                                  s_now());
    *ret = self;
    return 0;
}

// Every record goes into the queue; what that can not keep readable is the next KEY's affair.
static void
s_keep(void *arg, const struct record *record, uint32_t slots)
{
    uplink_t *self = arg;

    if (!send_queue_push(self->queue, record, slots))
        self->key_due = true;
    selfstat_add(AGENT_SAMPLES, record->count);
    s_say_dropped(self);
}

static void
s_say_dropped(uplink_t *self)
{
    const uint64_t dropped = send_queue_stat(self->queue).dropped_samples;

    if (dropped == self->said_dropped || !log_allow(&self->dropped_log_ms, DROPPED_LOG_MS))
        return;
    log_warn("the queue is full; its oldest samples are dropped",
             "samples=%" PRIu64 " since_start=%" PRIu64, dropped - self->said_dropped, dropped);
    self->said_dropped = dropped;
}

// Both or none.
static int
s_open_sockets(const uplink_t *self, pusher_t **pusher_ret, zsock_t **control_ret)
{
    const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = CONTROL_HWM,
        .recv_hwm = CONTROL_HWM,
        .max_bytes = CONTROL_MAX,
        .linger_ms = LINGER_MS,
        .immediate = true, // a PING that waits for a connection would tell of a time long past
        .reconnect_ms = self->reconnect_ms,
    };
    pusher_t *pusher = NULL;
    zsock_t *control = NULL;
    int rc = pusher_open(&pusher, self->opt.collector, self->reconnect_ms);

    if (rc == 0)
        rc = sock_new(&control, &spec);
    if (rc == 0)
        rc = sock_connect(control, self->opt.control);
    if (rc < 0) {
        pusher_close(&pusher);
        zsock_destroy(&control);
        return rc;
    }
    *pusher_ret = pusher;
    *control_ret = control;
    return 0;
}

static bool
s_link_send(void *arg, const void *at, size_t n)
{
    const uplink_t *self = arg;

    return sock_send(self->control, at, n, false) == 0;
}

static struct control_book
s_link_book(void *arg)
{
    const uplink_t *self = arg;
    const struct send_queue_stat queue = send_queue_stat(self->queue);

    return (struct control_book){
        .stream = stream_writer_stream(self->writer),
        .base = queue.base,
        .next = queue.next,
        .ledger = { .lost[LOST_QUEUE] = queue.dropped_samples,
                    .missed[MISSED_HUNG] = (uint64_t) selfstat_value(AGENT_TICKS_MISSED) },
    };
}

static void
s_link_welcomed(void *arg, uint64_t next)
{
    uplink_t *self = arg;

    send_queue_resume(self->queue, next);
    s_put_table(self);
}

static void
s_link_key(void *arg)
{
    uplink_t *self = arg;

    send_queue_again(self->queue);
    s_put_table(self);
    self->key_due = true;
}

// Where new sockets can't be had, the old ones may still come back.
static void
s_link_renew(void *arg)
{
    uplink_t *self = arg;
    pusher_t *pusher;
    zsock_t *control;
    const int rc = s_open_sockets(self, &pusher, &control);

    if (rc < 0) {
        log_error("sockets can not be made anew", "error=%s", log_quote(err_str(rc)));
        return;
    }
    pusher_close(&self->pusher);
    zsock_destroy(&self->control);
    self->pusher = pusher;
    self->control = control;
}

static struct control_link_handler
s_handler(uplink_t *self)
{
    return (struct control_link_handler){
        .arg = self,
        .send = s_link_send,
        .book = s_link_book,
        .welcomed = s_link_welcomed,
        .key = s_link_key,
        .renew = s_link_renew,
    };
}

static struct control_now
s_now(void)
{
    return (struct control_now){ .mono_us = clock_mono_ns() / 1000, .real_ms = clock_real_ms() };
}

void
uplink_close(uplink_t **self_p)
{
    uplink_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->link != NULL) {
        s_flush(self);
        control_link_bye(self->link);
    }
    control_link_destroy(&self->link);
    pusher_close(&self->pusher);
    zsock_destroy(&self->control);
    stream_writer_destroy(&self->writer);
    send_queue_destroy(&self->queue);
    free(self);
    *self_p = NULL;
}

// A socket of which nothing is wanted costs system calls all the same, so it is not among them.
static zmq_pollitem_t
s_item(void *socket, int events)
{
    return events != 0 ? (zmq_pollitem_t){ .socket = socket, .events = (short) events }
                       : (zmq_pollitem_t){ .fd = -1 };
}

void
uplink_poll(uplink_t *self, zmq_pollitem_t items[UPLINK_ITEMS])
{
    const bool push = control_link_is_welcomed(self->link) && send_queue_has(self->queue);
    const int in = control_link_wants_in(self->link) ? ZMQ_POLLIN : 0;
    const int out = control_link_wants_out(self->link) ? ZMQ_POLLOUT : 0;

    items[UPLINK_CONTROL] = s_item(sock_raw(self->control), in | out);
    items[UPLINK_DATA] = s_item(pusher_raw(self->pusher), push ? ZMQ_POLLOUT : 0);
}

int64_t
uplink_wait_us(const uplink_t *self)
{
    const int64_t wait_us = control_link_deadline_us(self->link) - s_now().mono_us;

    return wait_us > 0 ? wait_us : 0;
}

// Control is read whether it was polled or not: what has lain is read now.
void
uplink_receive(uplink_t *self, const zmq_pollitem_t items[UPLINK_ITEMS])
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (unsigned budget = CONTROL_BUDGET; budget > 0; budget--) {
        if (sock_recv(self->control, &msg) <= 0)
            break;
        control_link_receive(self->link, zmq_msg_data(&msg), zmq_msg_size(&msg), s_now());
    }
    zmq_msg_close(&msg);
    if ((items[UPLINK_CONTROL].revents & ZMQ_POLLOUT) != 0)
        control_link_writable(self->link, s_now());
}

void
uplink_row(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    s_key(self);
    stream_writer_row(self->writer, self->opt.table, time_ms, blocks, n_blocks);
}

static void
s_key(uplink_t *self)
{
    if (self->key_due)
        stream_writer_key_due(self->writer);
    self->key_due = false;
}

void
uplink_apps(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    if (n_blocks == 0)
        return;
    s_key(self);
    stream_writer_apps(self->writer, self->opt.table, time_ms, blocks, n_blocks);
}

void
uplink_send(uplink_t *self)
{
    s_drain(self);
    control_link_turn(self->link, s_now());
}

static void
s_drain(uplink_t *self)
{
    int rc;

    if (!control_link_is_welcomed(self->link))
        return;
    if (send_queue_table_due(self->queue))
        s_put_table(self);
    rc = pusher_drain(self->pusher, self->queue, PUSH_BUDGET);
    if (rc < 0 && rc != -EAGAIN)
        log_error("the data socket fails", "error=%s", log_quote(err_str(rc)));
}

static void
s_ahead(void *arg, const struct record *record, uint32_t slots)
{
    uplink_t *self = arg;

    (void) slots;
    send_queue_put_ahead(self->queue, record);
}

// The table as it was at the next record to be sent: definitions after it are in the queue.
static void
s_put_table(uplink_t *self)
{
    struct record head;
    uint32_t slots;

    if (send_queue_head(self->queue, &head, &slots))
        stream_writer_table(self->writer, self->opt.table, slots, &head, s_ahead, self);
}

// What the socket takes without being waited for long.
static void
s_flush(uplink_t *self)
{
    const int64_t until_ms = clock_mono_ms() + FLUSH_MS;

    while (control_link_is_welcomed(self->link) && send_queue_has(self->queue)) {
        const int64_t left_ms = until_ms - clock_mono_ms();
        zmq_pollitem_t item = s_item(pusher_raw(self->pusher), ZMQ_POLLOUT);

        if (left_ms <= 0 || (zmq_poll(&item, 1, (long) left_ms) <= 0 && errno != EINTR))
            break;
        s_drain(self);
    }
}

void
uplink_count(const uplink_t *self)
{
    const struct send_queue_stat queue = send_queue_stat(self->queue);

    selfstat_set(AGENT_QUEUE_BYTES, (int64_t) queue.bytes);
    selfstat_set(AGENT_QUEUE_RECORDS, (int64_t) queue.waiting);
    selfstat_set(AGENT_SAMPLES_DROPPED, (int64_t) queue.dropped_samples);
    selfstat_set(AGENT_RECORDS_DROPPED, (int64_t) queue.dropped_records);
    selfstat_set(AGENT_RECONNECTS, (int64_t) control_link_stat(self->link).losses);
}

// uplink - see the header.
//
//      row -> outbox -> pusher -> PUSH
//               ^
//          control_link <-> DEALER
//
// The parts do not know each other; what one says to another passes through the functions here.

#include "agent/uplink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "agent/control_link.h"
#include "agent/own_series.h"
#include "agent/pusher.h"
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
#define FLUSH_MS       200 // for records to leave, at an end
#define LOOK_MS        100 // control is not looked into again so soon for the spool's sake
#define RECONNECT_MS   100 // and up to RECONNECT_MORE, so that a fleet spreads
#define RECONNECT_MORE 400

struct uplink {
    struct uplink_options opt;
    unsigned reconnect_ms;
    outbox_t *outbox;
    control_link_t *link;
    pusher_t *pusher;
    zsock_t *control;  // DEALER
    int64_t looked_ms; // monotonic, when control was last read empty
};

static bool s_push(void *arg, const void *frame, size_t n);
static int s_open_sockets(const uplink_t *self, pusher_t **pusher_ret, zsock_t **control_ret);
static struct control_link_handler s_handler(uplink_t *self);
static struct control_now s_now(void);
static void s_flush(uplink_t *self);

int
uplink_open(uplink_t **ret, const struct uplink_options *opt)
{
    uplink_t *self = xcalloc(1, sizeof *self);
    const struct control_link_handler handler = s_handler(self);
    int rc;

    self->opt = *opt;
    self->reconnect_ms = RECONNECT_MS + (unsigned) (opt->outbox.id.host % RECONNECT_MORE);
    rc = s_open_sockets(self, &self->pusher, &self->control);
    if (rc == 0)
        rc = outbox_open(&self->outbox, &self->opt.outbox, s_push, self);
    if (rc < 0) {
        uplink_close(&self);
        return rc;
    }
    self->link = control_link_new(&self->opt.outbox.id, random_u64(), self->opt.collector, &handler,
                                  s_now());
    *ret = self;
    return 0;
}

static bool
s_push(void *arg, const void *frame, size_t n)
{
    const uplink_t *self = arg;
    const int rc = pusher_send(self->pusher, frame, n);

    if (rc < 0 && rc != -EAGAIN)
        log_error("the data socket fails", "error=%s", log_quote(err_str(rc)));
    return rc == 0;
}

// Both or none.
static int
s_open_sockets(const uplink_t *self, pusher_t **pusher_ret, zsock_t **control_ret)
{
    const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = CONTROL_HWM,
        .recv_hwm = SOCK_NO_LIMIT, // the collector sends heartbeats
        .max_bytes = CONTROL_MAX,
        .linger_ms = LINGER_MS,
        .immediate = true, // a PING that waits for a connection would tell of a time long past
        .reconnect_ms = self->reconnect_ms,
        .io_thread = self->opt.io_thread,
    };
    pusher_t *pusher = NULL;
    zsock_t *control = NULL;
    int rc = pusher_open(&pusher,
                         &(const struct pusher_options){ .endpoint = self->opt.collector,
                                                         .reconnect_ms = self->reconnect_ms,
                                                         .io_thread = self->opt.io_thread,
                                                         .curve = self->opt.curve });

    if (rc == 0)
        rc = sock_new(&control, &spec, self->opt.curve);
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

static void
s_link_book(void *arg, struct control_book *ret, bool hello)
{
    uplink_t *self = arg;
    delivery_t *delivery = outbox_delivery(self->outbox);

    (void) delivery_live(delivery, &ret->head);
    ret->ledger = outbox_ledger(self->outbox);
    if (hello)
        ret->n_streams = delivery_hello(delivery, ret->streams, &ret->collector);
}

static bool
s_link_hello_due(void *arg)
{
    return delivery_hello_due(outbox_delivery(((uplink_t *) arg)->outbox));
}

static bool
s_link_soon(void *arg)
{
    return delivery_waits_for_spool(outbox_delivery(((uplink_t *) arg)->outbox));
}

static void
s_link_welcomed(void *arg, const struct welcome *welcome)
{
    outbox_t *outbox = ((uplink_t *) arg)->outbox;

    outbox_bound(outbox, welcome->max_frame);
    delivery_welcome(outbox_delivery(outbox), welcome, clock_mono_ms());
}

static void
s_link_ack(void *arg, const struct ack *ack)
{
    delivery_ack(outbox_delivery(((uplink_t *) arg)->outbox), ack, clock_mono_ms());
}

static void
s_link_nak(void *arg, const struct nak *nak)
{
    delivery_nak(outbox_delivery(((uplink_t *) arg)->outbox), nak, clock_mono_ms());
}

static void
s_link_gone(void *arg)
{
    delivery_gone(outbox_delivery(((uplink_t *) arg)->outbox));
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
        .hello_due = s_link_hello_due,
        .soon = s_link_soon,
        .welcomed = s_link_welcomed,
        .ack = s_link_ack,
        .nak = s_link_nak,
        .gone = s_link_gone,
        .renew = s_link_renew,
    };
}

static struct control_now
s_now(void)
{
    return (struct control_now){ .mono_us = clock_mono_ns() / 1000, .real_ms = clock_real_ms() };
}

bool
uplink_close(uplink_t **self_p)
{
    uplink_t *self = *self_p;
    bool clean;

    if (self == NULL)
        return true;
    if (self->link != NULL) {
        outbox_end(self->outbox);
        s_flush(self);
        control_link_bye(self->link);
    }
    control_link_destroy(&self->link);
    pusher_close(&self->pusher);
    zsock_destroy(&self->control);
    clean = outbox_close(&self->outbox);
    free(self);
    *self_p = NULL;
    return clean;
}

// A socket of which nothing is wanted costs system calls all the same, so it is not among them.
static zmq_pollitem_t
s_item(zsock_t *sock, int events)
{
    return events != 0 ? (zmq_pollitem_t){ .socket = sock_raw(sock), .events = (short) events }
                       : (zmq_pollitem_t){ .fd = -1 };
}

void
uplink_poll(uplink_t *self, zmq_pollitem_t items[UPLINK_ITEMS])
{
    const bool in = control_link_wants_in(self->link) ||
                    delivery_wants_ack(outbox_delivery(self->outbox));
    const int out = control_link_wants_out(self->link) ? ZMQ_POLLOUT : 0;

    items[UPLINK_CONTROL] = s_item(self->control, (in ? ZMQ_POLLIN : 0) | out);
    items[UPLINK_DATA] = s_item(pusher_sock(self->pusher),
                                outbox_has(self->outbox) ? ZMQ_POLLOUT : 0);
    items[UPLINK_SPOOL] = (zmq_pollitem_t){ .fd = outbox_fd(self->outbox), .events = ZMQ_POLLIN };
}

int64_t
uplink_wait_us(const uplink_t *self)
{
    const int64_t outbox_ms = outbox_wait_ms(self->outbox);
    int64_t wait_us = control_link_deadline_us(self->link) - s_now().mono_us;

    if (outbox_ms >= 0 && outbox_ms * 1000 < wait_us)
        wait_us = outbox_ms * 1000;
    return wait_us > 0 ? wait_us : 0;
}

// Until there is no more, or the budget is spent.
static void
s_read_control(uplink_t *self)
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (unsigned budget = CONTROL_BUDGET; budget > 0; budget--) {
        if (sock_recv(self->control, &msg) <= 0)
            break;
        control_link_receive(self->link, zmq_msg_data(&msg), zmq_msg_size(&msg), s_now());
    }
    zmq_msg_close(&msg);
}

// Control is read whether it was polled or not: what has lain is read now. But not where the spool
// has just written the record of a tick: it was read at that tick, and a look costs system calls.
void
uplink_receive(uplink_t *self, const zmq_pollitem_t items[UPLINK_ITEMS])
{
    const int64_t now_ms = clock_mono_ms();

    if (items[UPLINK_CONTROL].revents != 0 || items[UPLINK_SPOOL].revents == 0 ||
        now_ms - self->looked_ms >= LOOK_MS) {
        s_read_control(self);
        self->looked_ms = now_ms;
    }
    if ((items[UPLINK_CONTROL].revents & ZMQ_POLLOUT) != 0)
        control_link_writable(self->link, s_now());
    if (items[UPLINK_SPOOL].revents != 0)
        outbox_turn(self->outbox);
}

void
uplink_row(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    outbox_row(self->outbox, time_ms, blocks, n_blocks);
}

void
uplink_apps(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    outbox_apps(self->outbox, time_ms, blocks, n_blocks);
}

void
uplink_event(uplink_t *self, const struct host_event *event)
{
    outbox_event(self->outbox, event);
}

void
uplink_send(uplink_t *self)
{
    outbox_send(self->outbox, PUSH_BUDGET);
    control_link_turn(self->link, s_now());
}

// What the spool writes and the socket takes without being waited for long.
static void
s_flush(uplink_t *self)
{
    const int64_t until_ms = clock_mono_ms() +
                             (self->opt.flush_ms > 0 ? self->opt.flush_ms : FLUSH_MS);

    while (control_link_is_welcomed(self->link) && outbox_waits(self->outbox)) {
        const int64_t left_ms = until_ms - clock_mono_ms();
        zmq_pollitem_t items[] = {
            s_item(pusher_sock(self->pusher), outbox_has(self->outbox) ? ZMQ_POLLOUT : 0),
            { .fd = outbox_fd(self->outbox), .events = ZMQ_POLLIN },
        };

        if (left_ms <= 0 || (zmq_poll(items, 2, (long) left_ms) <= 0 && errno != EINTR))
            break;
        outbox_turn(self->outbox);
        outbox_send(self->outbox, PUSH_BUDGET);
    }
}

void
uplink_missed(uplink_t *self, enum missed_cause cause, uint64_t ticks)
{
    outbox_missed(self->outbox, cause, ticks);
}

void
uplink_renew(uplink_t *self)
{
    control_link_renew(self->link, s_now());
}

void
uplink_count(uplink_t *self)
{
    outbox_count(self->outbox);
    selfstat_set(AGENT_RECONNECTS, (int64_t) control_link_stat(self->link).losses);
}

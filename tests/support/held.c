// held - see the header.

#include "tests/support/held.h"

#include <czmq.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/sock.h"
#include "shared/wire/query_msg.h"
#include "tests/support/host_samples.h"
#include "tests/support/stage_keys.h"

#define QUEUE 64

struct held {
    zsock_t *sock; // DEALER
    uint64_t id;   // of the last question
    host_samples_t *samples;
    size_t n_series; // of the last answer
    double sum;      // of the last sample of each
};

static int s_send(held_t *self, struct query_request *q, int64_t deadline_ms);
static int s_wait(held_t *self, short events, int64_t deadline_ms);
static int s_take(held_t *self, zmq_msg_t *msg);
static void s_keep(held_t *self, const struct query_series *series);

held_t *
held_new(const char *collector)
{
    static const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = QUEUE,
        .recv_hwm = QUEUE,
        .max_bytes = QUERY_REPLY_MAX,
        .immediate = true,
    };
    held_t *self = xcalloc(1, sizeof *self);
    char endpoint[256];

    self->samples = host_samples_new();
    if (sock_endpoint(endpoint, sizeof endpoint, collector, SOCK_QUERY) < 0 ||
        sock_new(&self->sock, &spec, stage_keys_operator()) < 0 ||
        sock_connect(self->sock, endpoint) < 0)
        abort();
    return self;
}

static void
s_clear(held_t *self)
{
    host_samples_clear(self->samples);
    self->n_series = 0;
    self->sum = 0;
}

void
held_destroy(held_t **self_p)
{
    held_t *self = *self_p;

    if (self == NULL)
        return;
    host_samples_destroy(&self->samples);
    zsock_destroy(&self->sock);
    free(self);
    *self_p = NULL;
}

// The whole answer; its series are kept.
static int
s_ask(held_t *self, struct query_request *q, int timeout_ms)
{
    const int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    zmq_msg_t msg;
    int rc;

    s_clear(self);
    zmq_msg_init(&msg);
    rc = s_send(self, q, deadline_ms);
    // 1: more replies follow.
    for (rc = rc < 0 ? rc : 1; rc == 1;) {
        rc = sock_recv(self->sock, &msg);
        if (rc == 0)
            rc = s_wait(self, ZMQ_POLLIN, deadline_ms);
        else if (rc == 1)
            rc = s_take(self, &msg);
    }
    zmq_msg_close(&msg);
    return rc;
}

int
held_ask(held_t *self, const char *metric, int64_t from_ms, int64_t to_ms, int timeout_ms)
{
    struct query_request q = { .type = QUERY_SELECT,
                               .start_ms = from_ms,
                               .end_ms = to_ms,
                               .n_selectors = 1,
                               .selectors = { metric } };

    return s_ask(self, &q, timeout_ms);
}

double
held_sum(held_t *self, const char *metric, int timeout_ms)
{
    struct query_request q = { .type = QUERY_LAST, .n_selectors = 1, .selectors = { metric } };
    const int rc = s_ask(self, &q, timeout_ms);

    return rc < 0 || self->n_series == 0 ? (double) NAN : self->sum;
}

static int
s_send(held_t *self, struct query_request *q, int64_t deadline_ms)
{
    uint8_t *bytes = xmalloc(QUERY_REQUEST_MAX);
    ptrdiff_t n;
    int rc;

    q->id = ++self->id;
    n = query_put_request(bytes, QUERY_REQUEST_MAX, q);
    if (n < 0)
        abort();
    // Nobody is connected at first, and while the collector is away.
    while ((rc = sock_send(self->sock, bytes, (size_t) n, false)) == -EAGAIN)
        if ((rc = s_wait(self, ZMQ_POLLOUT, deadline_ms)) < 0)
            break;
    free(bytes);
    return rc;
}

// 1, or -EAGAIN at the deadline.
static int
s_wait(held_t *self, short events, int64_t deadline_ms)
{
    zmq_pollitem_t item = { .socket = sock_raw(self->sock), .events = events };
    const int64_t left_ms = deadline_ms - clock_mono_ms();

    return zmq_poll(&item, 1, left_ms > 0 ? left_ms : 0) > 0 ? 1 : -EAGAIN;
}

// 1 while more is to come.
static int
s_take(held_t *self, zmq_msg_t *msg)
{
    struct query_reply reply;
    struct rbuf r;
    int rc = query_take_reply(&reply, &r, zmq_msg_data(msg), zmq_msg_size(msg));

    if (rc < 0)
        return rc;
    if (reply.id != self->id)
        return 1; // to a question that was given up
    if (reply.status == QUERY_BUSY)
        return -EAGAIN;
    if (reply.status != QUERY_OK) {
        fprintf(stderr, "held: the collector says: %.*s\n", (int) reply.text_len, reply.text);
        return reply.status == QUERY_TOO_LARGE ? ERR_LIMIT : ERR_UNKNOWN;
    }
    for (uint32_t i = 0; i < reply.n; i++) {
        struct query_series series;

        rc = query_take_series(&r, &series);
        if (rc < 0)
            return rc;
        s_keep(self, &series);
        query_series_release(&series);
    }
    return (reply.flags & QUERY_MORE) != 0 ? 1 : 0;
}

static void
s_keep(held_t *self, const struct query_series *series)
{
    const char *name = label_set_get(&series->labels, "instance");

    host_samples_add(self->samples, name != NULL ? name : "", series->samples, series->n);
    if (series->n > 0)
        self->sum += series->samples[series->n - 1].value;
    self->n_series++;
}

struct sample *
held_samples(held_t *self, const char *host, size_t *n_ret)
{
    return host_samples_get(self->samples, host, n_ret);
}

host_samples_t *
held_all(held_t *self)
{
    return self->samples;
}

// query_client - see query_client.h.

#include "collector/ctl/query_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/option.h"

#define ENDPOINT_SIZE 1024
#define QUEUE         64 // messages either way
#define ONCE_MS       5000

struct query_client {
    zsock_t *sock; // DEALER
    int wake_fd;
    uint64_t id; // of the last request
};

struct series_taker {
    query_client_series_fn *fn;
    void *arg;
    struct query_client_note *note;
};

static int s_send(query_client_t *self, struct query_request *q);
static int s_wait(query_client_t *self, short events, int64_t deadline_ms);
static int s_take(const struct query_request *q, zmq_msg_t *msg, query_reply_fn *fn, void *arg,
                  struct buf *why);
static int s_refusal(const struct query_reply *reply, struct buf *why);

int
query_client_open(query_client_t **ret, const char *collector, const struct curve *curve,
                  int wake_fd)
{
    static const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = QUEUE,
        .recv_hwm = SOCK_NO_LIMIT,
        .max_bytes = QUERY_REPLY_MAX,
        .immediate = true,
        .heartbeat = true,
    };
    query_client_t *self = xcalloc(1, sizeof *self);
    char endpoint[ENDPOINT_SIZE];
    int rc;

    self->wake_fd = wake_fd;
    rc = sock_endpoint(endpoint, sizeof endpoint, collector, SOCK_QUERY);
    if (rc == 0)
        rc = sock_new(&self->sock, &spec, curve);
    if (rc == 0)
        rc = sock_connect(self->sock, endpoint);
    if (rc < 0) {
        query_client_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
query_client_close(query_client_t **self_p)
{
    query_client_t *self = *self_p;

    if (self == NULL)
        return;
    zsock_destroy(&self->sock);
    free(self);
    *self_p = NULL;
}

int
query_client_ask(query_client_t *self, struct query_request *q, int timeout_ms, query_reply_fn *fn,
                 void *arg, struct buf *why)
{
    const int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    zmq_msg_t msg;
    int rc;

    zmq_msg_init(&msg);
    // Nobody is connected at first: the request leaves when somebody is.
    while ((rc = s_send(self, q)) == -EAGAIN) {
        rc = s_wait(self, ZMQ_POLLOUT, deadline_ms);
        if (rc < 0)
            goto out;
    }
    // 1: further replies follow. The deadline is for the whole answer.
    for (rc = rc < 0 ? rc : 1; rc == 1;) {
        rc = s_wait(self, ZMQ_POLLIN, deadline_ms);
        if (rc == 0)
            rc = sock_recv(self->sock, &msg);
        if (rc == 1)
            rc = s_take(q, &msg, fn, arg, why);
        else if (rc == 0)
            rc = 1;
    }
out:
    zmq_msg_close(&msg);
    return rc;
}

static int
s_take_series(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct series_taker *taker = arg;
    int rc = 0;

    if (taker->note != NULL) {
        buf_clear(&taker->note->lacks);
        buf_bytes(&taker->note->lacks, reply->text, reply->text_len);
        taker->note->upto = reply->upto;
    }
    for (uint32_t i = 0; i < reply->n && rc >= 0; i++) {
        struct query_series series;

        rc = query_take_series(r, &series);
        if (rc < 0)
            return rc;
        rc = taker->fn(taker->arg, &series);
        query_series_release(&series);
    }
    return rc;
}

int
query_client_series(query_client_t *self, struct query_request *q, int timeout_ms,
                    query_client_series_fn *fn, void *arg, struct buf *why,
                    struct query_client_note *note)
{
    struct series_taker taker = { fn, arg, note };

    return query_client_ask(self, q, timeout_ms, s_take_series, &taker, why);
}

static int
s_take_numbers(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    int rc = 0;

    for (uint32_t i = 0; i < reply->n && rc == 0; i++)
        rc = query_take_number(r, arg);
    return rc;
}

int
query_client_numbers(query_client_t *self, int timeout_ms, struct query_numbers *ret,
                     struct buf *why)
{
    struct query_request q = { .type = QUERY_STATUS };

    *ret = (struct query_numbers){ 0 };
    return query_client_ask(self, &q, timeout_ms, s_take_numbers, ret, why);
}

int
query_client_whole(query_client_t *self, int timeout_ms, bool *ret, struct buf *why)
{
    struct query_numbers numbers;
    const int rc = query_client_numbers(self, timeout_ms, &numbers, why);

    *ret = numbers.value[STATUS_REPLAYING] == 0;
    return rc == ERR_RANGE ? 0 : rc; // an older one does not know the question
}

int
query_client_once(const char *command, const char *collector, const struct curve *curve,
                  int wake_fd, struct query_request *q, query_reply_fn *fn, void *arg)
{
    query_client_t *client = NULL;
    struct buf why = { 0 };
    int rc = query_client_open(&client, collector, curve, wake_fd);

    if (rc == 0)
        rc = query_client_ask(client, q, ONCE_MS, fn, arg, &why);
    query_client_close(&client);
    if (rc < 0 && rc != -EINTR)
        fprintf(stderr, "zpulse %s: %s: %s\n", command, collector, query_client_problem(rc, &why));
    buf_release(&why);
    return rc;
}

int
query_client_exit(int rc)
{
    switch (rc) {
    case 0:
        return OPTION_EXIT_OK;
    case -ETIMEDOUT:
        return OPTION_EXIT_UNAVAILABLE;
    case -EAGAIN:
        return OPTION_EXIT_TRY_AGAIN;
    default:
        return OPTION_EXIT_FAILED;
    }
}

const char *
query_client_problem(int rc, struct buf *why)
{
    if (why->len > 0)
        return buf_cstr(why);
    if (rc == -ETIMEDOUT)
        return "no collector answers there, or none that has our keys";
    if (rc == ERR_RANGE)
        return "not on this machine: without keys only loopback and ipc";
    return err_str(rc);
}

int
query_client_tell(query_client_t *self, struct query_request *q)
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    while (sock_recv(self->sock, &msg) == 1)
        continue;
    zmq_msg_close(&msg);
    return s_send(self, q);
}

static int
s_send(query_client_t *self, struct query_request *q)
{
    uint8_t *bytes = xmalloc(QUERY_REQUEST_MAX);
    ptrdiff_t n;

    q->id = ++self->id;
    n = query_put_request(bytes, QUERY_REQUEST_MAX, q);
    if (n >= 0)
        n = sock_send(self->sock, bytes, (size_t) n, false);
    free(bytes);
    return (int) n;
}

static int
s_wait(query_client_t *self, short events, int64_t deadline_ms)
{
    zmq_pollitem_t items[2] = {
        { .socket = sock_raw(self->sock), .events = events },
        { .fd = self->wake_fd, .events = ZMQ_POLLIN },
    };

    for (;;) {
        const int64_t left_ms = deadline_ms - clock_mono_ms();
        const int rc = zmq_poll(items, self->wake_fd >= 0 ? 2 : 1, left_ms > 0 ? left_ms : 0);

        if (rc == -1 && errno == EINTR)
            continue;
        if (rc == -1)
            return -errno;
        if (self->wake_fd >= 0 && (items[1].revents & ZMQ_POLLIN) != 0)
            return -EINTR;
        if (rc == 0)
            return -ETIMEDOUT;
        return 0;
    }
}

// 1 if further replies are to come, or this one belonged to an earlier question; 0 after the last.
static int
s_take(const struct query_request *q, zmq_msg_t *msg, query_reply_fn *fn, void *arg,
       struct buf *why)
{
    struct query_reply reply;
    struct rbuf r;
    int rc = query_take_reply(&reply, &r, zmq_msg_data(msg), zmq_msg_size(msg));

    if (rc < 0)
        return rc;
    if (reply.id != q->id)
        return 1; // to a question that was given up, or only told
    if (reply.status != QUERY_OK)
        return s_refusal(&reply, why);
    rc = fn != NULL ? fn(arg, &reply, &r) : 0;
    if (rc < 0)
        return rc;
    return (reply.flags & QUERY_MORE) != 0 ? 1 : 0;
}

static int
s_refusal(const struct query_reply *reply, struct buf *why)
{
    buf_clear(why);
    buf_bytes(why, reply->text, reply->text_len);
    switch (reply->status) {
    case QUERY_UNKNOWN:
        return ERR_UNKNOWN;
    case QUERY_TOO_LARGE:
        return ERR_LIMIT;
    case QUERY_BUSY:
        return -EAGAIN;
    default:
        return ERR_RANGE;
    }
}

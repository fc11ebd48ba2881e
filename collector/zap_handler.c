// zap_handler - see the header.

#include "collector/zap_handler.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/zap_request.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define ENDPOINT     "inproc://zeromq.zap.01"
#define REQUEST_MOST 4096 // bytes of a part
#define TURN_MOST    256  // requests before it is looked whether to stop
#define LOG_EVERY_MS 1000

struct zap_handler {
    zsock_t *sock; // the thread's, while it runs
    zap_decide_fn *decide;
    void *arg;
    int stop_fd;  // written by stop
    int ended_fd; // written by the thread
    bool running;
    pthread_t thread;
    atomic_uint_fast64_t admitted, unknown, refused, malformed;
};

// A message of the socket, part by part.
struct envelope {
    zmq_msg_t routing; // ROUTER's
    zmq_msg_t parts[ZAP_PARTS_MOST];
    size_t n; // of parts; those past the most are read and counted only
};

static void *s_run(void *arg);
static int s_serve(zap_handler_t *self);
static int s_take(zap_handler_t *self, struct envelope *e);
static void s_close(struct envelope *e);
static int s_answer(zap_handler_t *self, struct envelope *e);
static int s_send(zap_handler_t *self, struct envelope *e, const struct zap_part *parts);
static int s_decide(zap_handler_t *self, const struct zap_request *request);

int
zap_handler_start(zap_handler_t **ret, zap_decide_fn *decide, void *arg)
{
    // Inside the process, so there is no peer to be told apart. libzmq asks by one connection a
    // session: what waits is bounded by those.
    static const struct sock_spec spec = {
        .type = ZMQ_ROUTER, .send_hwm = 1000, .recv_hwm = SOCK_NO_LIMIT, .max_bytes = REQUEST_MOST
    };
    zap_handler_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->decide = decide;
    self->arg = arg;
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->stop_fd == -1 || self->ended_fd == -1 ? -errno : 0;
    rc = rc < 0 ? rc : sock_new(&self->sock, &spec, NULL);
    rc = rc < 0 ? rc : sock_bind(self->sock, ENDPOINT);
    if (rc == 0) {
        rc = -pthread_create(&self->thread, NULL, s_run, self);
        self->running = rc == 0;
    }
    if (rc < 0) {
        zap_handler_stop(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
zap_handler_stop(zap_handler_t **self_p)
{
    zap_handler_t *self = *self_p;
    const uint64_t one = 1;

    if (self == NULL)
        return;
    if (self->running) {
        (void) !write(self->stop_fd, &one, sizeof one);
        pthread_join(self->thread, NULL);
    }
    // Its end alone would give the address free at some later time.
    if (self->running)
        (void) zmq_unbind(sock_raw(self->sock), ENDPOINT);
    zsock_destroy(&self->sock);
    if (self->stop_fd != -1)
        close(self->stop_fd);
    if (self->ended_fd != -1)
        close(self->ended_fd);
    free(self);
    *self_p = NULL;
}

int
zap_handler_ended_fd(const zap_handler_t *self)
{
    return self->ended_fd;
}

void
zap_handler_counts(const zap_handler_t *self, struct zap_counts *ret)
{
    ret->admitted = atomic_load(&self->admitted);
    ret->unknown = atomic_load(&self->unknown);
    ret->refused = atomic_load(&self->refused);
    ret->malformed = atomic_load(&self->malformed);
}

static void *
s_run(void *arg)
{
    zap_handler_t *self = arg;
    const uint64_t one = 1;
    const int rc = s_serve(self);

    if (rc < 0) {
        log_error("who comes in is not decided any more: all doors are shut", "error=%s",
                  log_quote(strerror(-rc)));
        (void) !write(self->ended_fd, &one, sizeof one);
    }
    return NULL;
}

// Until it is stopped (0) or its socket fails.
static int
s_serve(zap_handler_t *self)
{
    zmq_pollitem_t items[] = {
        { .socket = sock_raw(self->sock), .events = ZMQ_POLLIN },
        { .fd = self->stop_fd, .events = ZMQ_POLLIN },
    };

    for (;;) {
        struct envelope e = { .n = 0 };
        int rc;

        if (sock_poll(items, 2, -1) == -1 && errno != EINTR)
            return -errno;
        if ((items[1].revents & ZMQ_POLLIN) != 0)
            return 0;
        rc = 1;
        for (unsigned n = 0; rc == 1 && n < TURN_MOST; n++) {
            rc = s_take(self, &e);
            if (rc == 1) {
                const int sent = s_answer(self, &e);

                s_close(&e);
                rc = sent < 0 ? sent : 1;
            }
        }
        if (rc < 0)
            return rc;
    }
}

// 1, and *e to be closed; 0: there is none; or -errno.
static int
s_take(zap_handler_t *self, struct envelope *e)
{
    bool more;
    int rc;

    e->n = 0;
    zmq_msg_init(&e->routing);
    rc = sock_recv(self->sock, &e->routing);
    if (rc != 1)
        return rc;
    for (more = zmq_msg_more(&e->routing) != 0; more;) {
        zmq_msg_t spare = { 0 };
        zmq_msg_t *part = e->n < ZAP_PARTS_MOST ? &e->parts[e->n] : &spare;

        zmq_msg_init(part);
        rc = sock_recv(self->sock, part);
        more = rc == 1 && zmq_msg_more(part) != 0;
        if (part == &spare)
            zmq_msg_close(part);
        e->n++;
        if (rc != 1) {
            s_close(e);
            return rc < 0 ? rc : -EPROTO; // parts of a message come together
        }
    }
    return 1;
}

static void
s_close(struct envelope *e)
{
    zmq_msg_close(&e->routing);
    for (size_t i = 0; i < e->n && i < ZAP_PARTS_MOST; i++)
        zmq_msg_close(&e->parts[i]);
    e->n = 0;
}

// 0, or the socket's failure.
static int
s_answer(zap_handler_t *self, struct envelope *e)
{
    static _Thread_local int64_t logged_ms;
    struct zap_part parts[ZAP_PARTS_MOST], answer[ZAP_ANSWER_MOST];
    struct zap_request request;
    char user[KEY_TEXT_SIZE] = "";
    int code = 400;

    for (size_t i = 0; i < e->n && i < ZAP_PARTS_MOST; i++)
        parts[i] = (struct zap_part){ zmq_msg_data(&e->parts[i]), zmq_msg_size(&e->parts[i]) };
    if (zap_request_take(&request, parts, e->n <= ZAP_PARTS_MOST ? e->n : 0) == 0) {
        code = s_decide(self, &request);
        key_to_text(user, request.key);
    } else {
        atomic_fetch_add(&self->malformed, 1);
        if (log_allow(&logged_ms, LOG_EVERY_MS))
            log_warn("a request for admission that is none, refused", "parts=%zu", e->n);
        if (request.id.len == 0)
            return 0; // there is nothing by which it could be answered
    }
    zap_answer_put(answer, &request.id, code, user);
    return s_send(self, e, answer);
}

static int
s_decide(zap_handler_t *self, const struct zap_request *request)
{
    const int code = self->decide(self->arg, request->door, request->key);

    atomic_fetch_add(code == 200   ? &self->admitted
                     : code == 300 ? &self->unknown
                                   : &self->refused,
                     1);
    return code;
}

static int
s_send(zap_handler_t *self, struct envelope *e, const struct zap_part *parts)
{
    int rc = sock_send(self->sock, zmq_msg_data(&e->routing), zmq_msg_size(&e->routing), true);

    for (size_t i = 0; i < ZAP_ANSWER_MOST && rc == 0; i++)
        rc = sock_send(self->sock, parts[i].at, parts[i].len, i + 1 < ZAP_ANSWER_MOST);
    // A connection that has gone, or takes nothing, is not let in: that is all.
    return rc == -EAGAIN || rc == -EHOSTUNREACH ? 0 : rc;
}

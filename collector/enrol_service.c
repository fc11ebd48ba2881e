// enrol_service - see the header.

#include "collector/enrol_service.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "collector/enrol_answer.h"
#include "collector/routed.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/curve.h"
#include "shared/net/selfstat.h"

#define LINGER_MS    200
#define PEER_HWM     16
#define LOG_EVERY_MS 10000

struct enrol_service {
    zsock_t *sock; // the thread's, while it runs
    int stop_fd;
    bool running;
    pthread_t thread;
    enrol_answerer_t *answerer;
    atomic_uint_fast64_t nameless, bad;
    int64_t bad_said_ms;
    uint8_t out[ENROL_MAX]; // the answer
};

static void *s_run(void *arg);
static int s_serve(enrol_service_t *self);
static void s_answer(enrol_service_t *self, const struct route *from, zmq_msg_t *body);
static void s_bad(enrol_service_t *self, const char *what, int rc);

int
enrol_service_start(enrol_service_t **ret, const struct enrol_service_options *options)
{
    static const struct sock_spec spec = {
        .type = ZMQ_ROUTER,
        .send_hwm = PEER_HWM,
        .recv_hwm = PEER_HWM,
        .max_bytes = ENROL_REQUEST_MOST,
        .linger_ms = LINGER_MS,
        .mandatory = true,
    };
    const struct curve curve = { .own = options->own, .door = SOCK_ENROL };
    enrol_service_t *self = xcalloc(1, sizeof *self);
    uint8_t server[KEY_BYTES];
    int rc = key_from_text(server, options->own->public_text, KEY_TEXT_LEN);

    assert(rc == 0); // a pair of ours
    self->answerer = enrol_answerer_new(options->roster, server, options->collector);
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->stop_fd == -1 ? -errno : 0;
    rc = rc < 0 ? rc : sock_new(&self->sock, &spec, &curve);
    rc = rc < 0 ? rc : sock_bind(self->sock, options->endpoint);
    if (rc == 0) {
        rc = -pthread_create(&self->thread, NULL, s_run, self);
        self->running = rc == 0;
    }
    if (rc < 0) {
        enrol_service_stop(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
enrol_service_stop(enrol_service_t **self_p)
{
    enrol_service_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->running) {
        (void) !eventfd_write(self->stop_fd, 1);
        pthread_join(self->thread, NULL);
    }
    zsock_destroy(&self->sock);
    if (self->stop_fd != -1)
        close(self->stop_fd);
    enrol_answerer_destroy(&self->answerer);
    free(self);
    *self_p = NULL;
}

uint64_t
enrol_service_nameless(const enrol_service_t *self)
{
    return atomic_load(&self->nameless);
}

uint64_t
enrol_service_bad(const enrol_service_t *self)
{
    return atomic_load(&self->bad);
}

static void *
s_run(void *arg)
{
    const int rc = s_serve(arg);

    // Enrolled keys are served all the same.
    if (rc < 0)
        log_error("nobody can be enrolled any more", "error=%s", log_quote(strerror(-rc)));
    return NULL;
}

static int
s_serve(enrol_service_t *self)
{
    zmq_pollitem_t items[] = {
        { .socket = sock_raw(self->sock), .events = ZMQ_POLLIN },
        { .fd = self->stop_fd, .events = ZMQ_POLLIN },
    };
    zmq_msg_t body;

    zmq_msg_init(&body);
    for (;;) {
        struct route from;
        int rc;

        if (sock_poll(items, 2, -1) == -1 && errno != EINTR) {
            rc = -errno;
            zmq_msg_close(&body);
            return rc;
        }
        if ((items[1].revents & ZMQ_POLLIN) != 0)
            break;
        // One a turn: each may have waited for the disk, and it may be time to stop.
        rc = routed_recv(self->sock, &from, &body);
        if (rc == 1)
            s_answer(self, &from, &body);
        else if (rc < 0)
            s_bad(self, "no question", rc);
    }
    zmq_msg_close(&body);
    return 0;
}

static void
s_answer(enrol_service_t *self, const struct route *from, zmq_msg_t *body)
{
    const struct enrol_asker asker = { .user = curve_user(body), .address = curve_peer(body) };
    ptrdiff_t n;

    if (asker.user == NULL) {
        atomic_fetch_add(&self->nameless, 1);
        selfstat_add(STAT_NAMELESS, 1);
        s_bad(self, "came past ZAP", ERR_UNKNOWN);
        return;
    }
    n = enrol_answer(self->answerer, self->out, zmq_msg_data(body), zmq_msg_size(body), &asker,
                     clock_real_ms());
    if (n < 0)
        s_bad(self, "no question", (int) n);
    else
        (void) routed_send(self->sock, from, self->out, (size_t) n);
    explicit_bzero(self->out, sizeof self->out); // a token may have been in it
}

static void
s_bad(enrol_service_t *self, const char *what, int rc)
{
    atomic_fetch_add(&self->bad, 1);
    if (log_allow(&self->bad_said_ms, LOG_EVERY_MS))
        log_warn("message at the enrolment socket dropped", "what=%s error=%s", log_quote(what),
                 log_quote(err_str(rc)));
}

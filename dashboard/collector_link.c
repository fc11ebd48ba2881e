// collector_link - the thread that talks with the collector, for all the others.

#include "dashboard/collector_link.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/known_hosts.h"
#include "dashboard/live_views.h"
#include "dashboard/question_table.h"
#include "dashboard/view.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/base/ring.h"
#include "shared/base/xalloc.h"
#include "shared/net/sock.h"

#define ANSWER_MS      10000 // a request without an answer ends after
#define WINDOW_MS      5000  // so does the window of a view; it is asked again before
#define PING_MS        2000  // between two lists of all hosts
#define UP_MS          5000  // without an answer the collector is held for gone
#define CHECK_MS       250   // how often deadlines are looked at
#define WAITING_MAX    1024  // requests that nobody has begun with
#define LIVE_A_TURN    256   // messages of a socket before the others have their turn
#define REPLIES_A_TURN 32

struct collector_link {
    struct collector_link_options opt;
    zsock_t *live;  // SUB
    zsock_t *query; // DEALER
    ring_t *asked;  // struct link_request
    int wake_fd;    // a snapshot is wanted, or stopping
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    atomic_bool up;
    // What follows belongs to the thread.
    known_hosts_t *hosts;
    live_views_t *views;
    question_table_t *questions;
    uint64_t epoch; // of the collector, 0 before it answered
    int64_t answered_ms;
    int64_t ping_ms; // when to ask for the hosts
    bool ping_waits; // no collector is connected: as soon as one is
    int64_t now_ms;
    struct buf text; // selectors of a whole view
    const char *selectors[QUERY_SELECTORS_MAX];
    size_t n_selectors;
};

static int s_open(collector_link_t *self);
static int s_connect(zsock_t **ret, const struct sock_spec *spec, const char *collector,
                     enum sock_port port);
static void *s_run(void *arg);
static void s_take_live(collector_link_t *self);
static void s_live_message(collector_link_t *self, zmq_msg_t *topic, zmq_msg_t *body);
static void s_host_event(collector_link_t *self, const void *at, size_t n);
static void s_take_replies(collector_link_t *self);
static void s_reply(collector_link_t *self, const void *at, size_t n);
static void s_finish(collector_link_t *self, struct question *q, const struct query_reply *last);
static void s_take_hosts(collector_link_t *self, const struct question *q, uint64_t epoch);
static void s_take_window(collector_link_t *self, const struct question *q,
                          const struct query_reply *last);
static void s_give(struct question *q, const struct query_reply *last);
static void s_take_requests(collector_link_t *self);
static void s_begin(collector_link_t *self, struct link_request *request);
static void s_resolved(collector_link_t *self, struct link_request *request,
                       const struct host_info *info);
static void s_forward(collector_link_t *self, struct link_request *request);
static bool s_send(collector_link_t *self, struct query_request *q, enum question_use use,
                   struct link_request *request, int64_t deadline_ms);
static void s_unavailable(struct link_request *request);
static void s_check(collector_link_t *self);
static void s_ping(collector_link_t *self);
static void s_set_up(collector_link_t *self, bool up);
static void s_end_all(collector_link_t *self);
static void s_subscribe(void *arg, uint64_t host, bool on);
static void s_ask_table(void *arg, uint64_t host);
static void s_ask_window(void *arg, uint64_t host, struct live_ask ask);
static void s_published(void *arg);

int
collector_link_start(collector_link_t **ret, const struct collector_link_options *opt)
{
    const struct live_views_io io = { .subscribe = s_subscribe,
                                      .ask_table = s_ask_table,
                                      .ask_window = s_ask_window,
                                      .published = s_published };
    collector_link_t *self = xcalloc(1, sizeof *self);
    struct live_views_io bound = io;
    int rc;

    self->opt = *opt;
    self->wake_fd = -1;
    self->questions = question_table_new();
    self->hosts = known_hosts_new();
    bound.arg = self;
    self->views = live_views_new(opt->boot, &bound);
    self->n_selectors = view_selectors(NULL, &self->text, self->selectors, QUERY_SELECTORS_MAX);
    rc = s_open(self);
    if (rc < 0)
        goto fail;
    rc = -pthread_create(&self->thread, NULL, s_run, self);
    if (rc != 0)
        goto fail;
    pthread_setname_np(self->thread, "link");
    self->running = true;
    *ret = self;
    return 0;

fail:
    collector_link_destroy(&self);
    return rc;
}

void
collector_link_stop(collector_link_t *self)
{
    if (self == NULL || !self->running)
        return;
    atomic_store(&self->stopping, true);
    collector_link_wake(self);
    pthread_join(self->thread, NULL);
    self->running = false;
    s_end_all(self);
}

void
collector_link_destroy(collector_link_t **self_p)
{
    collector_link_t *self = *self_p;

    if (self == NULL)
        return;
    collector_link_stop(self);
    live_views_destroy(&self->views);
    known_hosts_destroy(&self->hosts);
    question_table_destroy(&self->questions);
    zsock_destroy(&self->live);
    zsock_destroy(&self->query);
    ring_destroy(&self->asked);
    if (self->wake_fd != -1)
        close(self->wake_fd);
    buf_release(&self->text);
    free(self);
    *self_p = NULL;
}

bool
collector_link_ask(collector_link_t *self, struct link_request *request)
{
    return ring_push(self->asked, request);
}

void
collector_link_wake(collector_link_t *self)
{
    const uint64_t one = 1;

    while (write(self->wake_fd, &one, sizeof one) == -1 && errno == EINTR)
        ;
}

bool
collector_link_is_up(collector_link_t *self)
{
    return atomic_load_explicit(&self->up, memory_order_relaxed);
}

static int
s_open(collector_link_t *self)
{
    // SUB is read at every turn, so heartbeats can cut no connection that is well.
    const struct sock_spec live = { .type = ZMQ_SUB,
                                    .send_hwm = 1000,
                                    .recv_hwm = 10000,
                                    .max_bytes = LIVE_MAX,
                                    .heartbeat = true };
    // A question that cannot be sent now is answered with "unavailable" now.
    const struct sock_spec query = { .type = ZMQ_DEALER,
                                     .send_hwm = 1000,
                                     .recv_hwm = 1000,
                                     .max_bytes = QUERY_REPLY_MAX,
                                     .immediate = true };
    int rc;

    rc = ring_new(&self->asked, WAITING_MAX);
    if (rc < 0)
        return rc;
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wake_fd == -1)
        return -errno;
    rc = s_connect(&self->query, &query, self->opt.collector, SOCK_QUERY);
    if (rc < 0)
        return rc;
    rc = s_connect(&self->live, &live, self->opt.collector, SOCK_LIVE);
    if (rc == 0)
        zsock_set_subscribe(self->live, LIVE_EVENTS_TOPIC);
    return rc;
}

static int
s_connect(zsock_t **ret, const struct sock_spec *spec, const char *collector, enum sock_port port)
{
    char endpoint[256];
    int rc = sock_endpoint(endpoint, sizeof endpoint, collector, port);

    if (rc == 0)
        rc = sock_new(ret, spec);
    if (rc == 0)
        rc = sock_connect(*ret, endpoint);
    return rc;
}

static void *
s_run(void *arg)
{
    collector_link_t *self = arg;
    int64_t check_ms = 0;

    while (!atomic_load(&self->stopping)) {
        zmq_pollitem_t items[] = {
            { .socket = sock_raw(self->query),
              .events = (short) (ZMQ_POLLIN | (self->ping_waits ? ZMQ_POLLOUT : 0)) },
            { .socket = sock_raw(self->live), .events = ZMQ_POLLIN },
            { .fd = ring_fd(self->asked), .events = ZMQ_POLLIN },
            { .fd = self->wake_fd, .events = ZMQ_POLLIN },
        };
        uint64_t woken;

        if (zmq_poll(items, 4, CHECK_MS) == -1 && errno != EINTR)
            break; // the context has ended
        self->now_ms = clock_mono_ms();
        if ((items[0].revents & ZMQ_POLLOUT) != 0)
            s_ping(self);
        if ((items[0].revents & ZMQ_POLLIN) != 0)
            s_take_replies(self);
        if (items[2].revents != 0)
            s_take_requests(self);
        if (items[1].revents != 0)
            s_take_live(self);
        if (items[3].revents != 0 && read(self->wake_fd, &woken, sizeof woken) > 0)
            live_views_check(self->views, self->now_ms);
        if (self->now_ms >= check_ms) {
            s_check(self);
            check_ms = self->now_ms + CHECK_MS;
        }
    }
    return NULL;
}

static void
s_take_live(collector_link_t *self)
{
    for (int i = 0; i < LIVE_A_TURN; i++) {
        zmq_msg_t topic, body;
        bool more;

        zmq_msg_init(&topic);
        zmq_msg_init(&body);
        if (sock_recv(self->live, &topic) <= 0) {
            zmq_msg_close(&topic);
            zmq_msg_close(&body);
            return;
        }
        // Parts of one message come together, so the second is there.
        more = zmq_msg_more(&topic) && sock_recv(self->live, &body) > 0;
        if (more && !zmq_msg_more(&body))
            s_live_message(self, &topic, &body);
        else
            selfstat_add(STAT_LINK_MALFORMED, 1);
        while (more && zmq_msg_more(&body))
            more = sock_recv(self->live, &body) > 0;
        zmq_msg_close(&topic);
        zmq_msg_close(&body);
    }
}

static void
s_live_message(collector_link_t *self, zmq_msg_t *topic, zmq_msg_t *body)
{
    uint64_t host;
    char kind;

    if (zmq_msg_size(topic) == strlen(LIVE_EVENTS_TOPIC) &&
        memcmp(zmq_msg_data(topic), LIVE_EVENTS_TOPIC, strlen(LIVE_EVENTS_TOPIC)) == 0) {
        s_host_event(self, zmq_msg_data(body), zmq_msg_size(body));
        return;
    }
    if (live_topic_take(&host, &kind, zmq_msg_data(topic), zmq_msg_size(topic)) != 0)
        selfstat_add(STAT_LINK_MALFORMED, 1);
    else if (kind == 'm')
        live_views_message(self->views, host, zmq_msg_data(body), zmq_msg_size(body), self->now_ms);
}

static void
s_host_event(collector_link_t *self, const void *at, size_t n)
{
    struct live_header h;
    struct host_info info = { 0 };
    struct rbuf r;

    if (live_take(&h, &r, at, n) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    if (h.type != LIVE_HOST)
        return;
    if (h.epoch != self->epoch)
        self->ping_ms = self->now_ms; // a new collector: what else does it know?
    if (live_take_host(&r, &info) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    live_views_host(self->views, &info, self->now_ms);
    known_hosts_set_epoch(self->hosts, h.epoch);
    known_hosts_put(self->hosts, &info);
    host_info_release(&info);
}

static void
s_take_replies(collector_link_t *self)
{
    for (int i = 0; i < REPLIES_A_TURN; i++) {
        zmq_msg_t msg;

        zmq_msg_init(&msg);
        if (sock_recv(self->query, &msg) <= 0) {
            zmq_msg_close(&msg);
            return;
        }
        s_reply(self, zmq_msg_data(&msg), zmq_msg_size(&msg));
        zmq_msg_close(&msg);
    }
}

static void
s_reply(collector_link_t *self, const void *at, size_t n)
{
    struct query_reply reply;
    struct question done;
    struct rbuf r;

    if (query_take_reply(&reply, &r, at, n) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    self->answered_ms = self->now_ms;
    s_set_up(self, true);
    if (reply.epoch != self->epoch) {
        if (self->epoch != 0)
            log_info("the collector was restarted", NULL);
        self->epoch = reply.epoch;
        self->ping_ms = self->now_ms;
    }
    if (question_table_take(self->questions, &reply, at, n, &done)) {
        s_finish(self, &done, &reply);
        question_release(&done);
    }
}

// All replies have come; `last` is the header of the last one.
static void
s_finish(collector_link_t *self, struct question *q, const struct query_reply *last)
{
    switch (q->use) {
    case USE_PING:
        s_take_hosts(self, q, last->epoch);
        break;
    case USE_RESOLVE:
        s_take_hosts(self, q, last->epoch);
        s_resolved(self, q->request, known_hosts_find(self->hosts, q->request->host));
        break;
    case USE_REQUEST:
        s_give(q, last);
        break;
    case USE_WINDOW:
        if (last->status == QUERY_OK)
            s_take_window(self, q, last);
        break;
    }
}

static void
s_take_hosts(collector_link_t *self, const struct question *q, uint64_t epoch)
{
    struct host_info *hosts;
    size_t n;

    if (link_hosts_take(&hosts, &n, q->replies, q->n_replies) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    known_hosts_set_epoch(self->hosts, epoch);
    for (size_t i = 0; i < n; i++) {
        const uint64_t host = hosts[i].host;

        if (known_hosts_put(self->hosts, &hosts[i]))
            live_views_host(self->views, known_hosts_get(self->hosts, host), self->now_ms);
    }
    link_hosts_free(hosts, n);
}

static void
s_take_window(collector_link_t *self, const struct question *q, const struct query_reply *last)
{
    struct live_answer answer = { .epoch = last->epoch, .upto = last->upto };
    struct query_series *series;

    // A window in part would be a hole that nobody knows of: it is asked again.
    if (link_series_take(&series, &answer.n, q->replies, q->n_replies) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    answer.series = series;
    live_views_answer(self->views, q->host, &answer, self->now_ms);
    link_series_free(series, answer.n);
}

static void
s_give(struct question *q, const struct query_reply *last)
{
    char error[LINK_ERROR_SIZE] = "";
    enum link_status status;

    switch (last->status) {
    case QUERY_OK:
        status = q->bytes <= QUESTION_BYTES_MAX ? LINK_OK : LINK_REFUSED;
        break;
    case QUERY_UNKNOWN:
        status = LINK_UNKNOWN_HOST;
        break;
    case QUERY_BUSY:
        status = LINK_UNAVAILABLE;
        break;
    default:
        status = LINK_REFUSED;
        break;
    }
    if (status == LINK_OK) {
        q->request->replies = q->replies;
        q->request->n_replies = q->n_replies;
        q->replies = NULL;
        q->n_replies = 0;
    } else if (last->status == QUERY_OK) {
        snprintf(error, sizeof error, "the answer is too large: ask for less");
    } else if (last->text_len > 0) {
        snprintf(error, sizeof error, "%.*s", (int) last->text_len, last->text);
    }
    link_request_end(q->request, status, error);
}

static void
s_take_requests(collector_link_t *self)
{
    struct link_request *request;

    ring_ack(self->asked);
    while ((request = ring_pop(self->asked)) != NULL)
        s_begin(self, request);
}

static void
s_begin(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = QUERY_HOSTS };

    if (request->ask == LINK_HOSTS) {
        if (!s_send(self, &q, USE_REQUEST, request, ANSWER_MS))
            s_unavailable(request);
    } else if (request->ask == LINK_LAST) {
        s_forward(self, request);
    } else {
        const struct host_info *info = known_hosts_find(self->hosts, request->host);

        // A host we have not heard of may be new.
        if (info != NULL)
            s_resolved(self, request, info);
        else if (!s_send(self, &q, USE_RESOLVE, request, ANSWER_MS))
            s_unavailable(request);
    }
}

// The host of a WATCH or SELECT is known, or it is known that there is none.
static void
s_resolved(collector_link_t *self, struct link_request *request, const struct host_info *info)
{
    if (info == NULL) {
        link_request_end(request, LINK_UNKNOWN_HOST, "");
        return;
    }
    host_info_copy(&request->info, info);
    if (request->ask == LINK_SELECT) {
        s_forward(self, request);
    } else if (!collector_link_is_up(self)) {
        s_unavailable(request);
    } else {
        request->ring = live_views_watch(self->views, info, self->now_ms);
        link_request_end(request, LINK_OK, "");
    }
}

static void
s_forward(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = request->ask == LINK_LAST ? QUERY_LAST : QUERY_SELECT,
                               .host = request->info.host,
                               .start_ms = request->start_ms,
                               .end_ms = request->end_ms,
                               .n_selectors = (uint32_t) request->n_selectors };

    if (request->ask == LINK_SELECT)
        q.start_ms -= 2 * (int64_t) request->info.interval_ms;
    memcpy(q.selectors, request->selectors, request->n_selectors * sizeof q.selectors[0]);
    if (!s_send(self, &q, USE_REQUEST, request, ANSWER_MS))
        s_unavailable(request);
}

// False if it cannot be sent now. `request` may be NULL.
static bool
s_send(collector_link_t *self, struct query_request *q, enum question_use use,
       struct link_request *request, int64_t deadline_ms)
{
    struct question question = {
        .use = use, .request = request, .host = q->host, .deadline_ms = self->now_ms + deadline_ms
    };
    uint8_t bytes[QUERY_REQUEST_MAX];
    ptrdiff_t n;

    q->id = question.id = question_table_id(self->questions);
    n = query_put_request(bytes, sizeof bytes, q);
    if (n < 0 || question_table_full(self->questions) ||
        sock_send(self->query, bytes, (size_t) n, false) != 0)
        return false;
    if (q->type != QUERY_TABLE) // its answer is the table, on the live socket
        question_table_put(self->questions, &question);
    return true;
}

static void
s_unavailable(struct link_request *request)
{
    link_request_end(request, LINK_UNAVAILABLE, "the collector is not there");
}

static void
s_check(collector_link_t *self)
{
    struct question late;

    while (question_table_late(self->questions, self->now_ms, &late)) {
        selfstat_add(STAT_LINK_TIMEOUTS, 1);
        question_release(&late);
        if (late.request != NULL)
            link_request_end(late.request, LINK_UNAVAILABLE,
                             "the collector did not answer within 10 s");
    }
    if (self->now_ms >= self->ping_ms)
        s_ping(self);
    if (self->now_ms - self->answered_ms >= UP_MS)
        s_set_up(self, false);
    live_views_check(self->views, self->now_ms);
}

static void
s_ping(collector_link_t *self)
{
    struct query_request q = { .type = QUERY_HOSTS };

    self->ping_waits = !s_send(self, &q, USE_PING, NULL, PING_MS);
    self->ping_ms = self->now_ms + PING_MS;
}

static void
s_set_up(collector_link_t *self, bool up)
{
    if (atomic_exchange_explicit(&self->up, up, memory_order_relaxed) == up)
        return;
    selfstat_set(STAT_LINK_UP, up);
    if (up)
        log_info("the collector answers", "endpoint=%s", log_quote(self->opt.collector));
    else
        log_warn("the collector does not answer, retrying", "endpoint=%s",
                 log_quote(self->opt.collector));
}

// After the thread has ended.
static void
s_end_all(collector_link_t *self)
{
    struct link_request *request;
    struct question q;

    while (question_table_late(self->questions, INT64_MAX, &q)) {
        question_release(&q);
        if (q.request != NULL)
            link_request_end(q.request, LINK_UNAVAILABLE, "the dashboard is stopping");
    }
    while ((request = ring_pop(self->asked)) != NULL)
        link_request_end(request, LINK_UNAVAILABLE, "the dashboard is stopping");
}

static void
s_subscribe(void *arg, uint64_t host, bool on)
{
    collector_link_t *self = arg;
    char topic[LIVE_TOPIC_SIZE];

    live_topic(topic, 'm', host);
    if (on)
        zsock_set_subscribe(self->live, topic);
    else
        zsock_set_unsubscribe(self->live, topic);
}

static void
s_ask_table(void *arg, uint64_t host)
{
    struct query_request q = { .type = QUERY_TABLE, .host = host };

    s_send(arg, &q, USE_WINDOW, NULL, 0);
}

static void
s_ask_window(void *arg, uint64_t host, struct live_ask ask)
{
    collector_link_t *self = arg;
    struct query_request q = { .type = QUERY_SELECT,
                               .host = host,
                               .start_ms = ask.start_ms,
                               .end_ms = ask.end_ms,
                               .n_selectors = (uint32_t) self->n_selectors };

    // The answer to an earlier ask is for an earlier state of the view.
    question_table_drop_window(self->questions, host);
    memcpy(q.selectors, self->selectors, self->n_selectors * sizeof q.selectors[0]);
    s_send(self, &q, USE_WINDOW, NULL, WINDOW_MS);
}

static void
s_published(void *arg)
{
    collector_link_t *self = arg;

    self->opt.published(self->opt.arg);
}

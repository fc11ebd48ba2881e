// collector_link - the thread that talks with the collector, for all the others.

#include "dashboard/collector_link.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dashboard/collector_link_inner.h"
#include "dashboard/dashboard_stat.h"
#include "dashboard/view.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/curve.h"
#include "shared/net/key_watch.h"
#include "shared/net/sock.h"

#define UP_MS          5000 // without an answer the collector is held for gone
#define CHECK_MS       250  // how often deadlines are looked at
#define WAITING_MAX    1024 // requests that nobody has begun with
#define LIVE_A_TURN    256  // messages of a socket before the others have their turn
#define REPLIES_A_TURN 32

static int s_open(collector_link_t *self);
static int s_connect(const collector_link_t *self, zsock_t **ret, const struct sock_spec *spec,
                     enum sock_port port);
static int s_renew(const collector_link_t *self, zsock_t *sock, enum sock_port port);
static void *s_run(void *arg);
static void s_take_live(collector_link_t *self);
static void s_live_message(collector_link_t *self, zmq_msg_t *topic, zmq_msg_t *body);
static void s_rows(collector_link_t *self, uint64_t host, char kind, zmq_msg_t *body);
static void s_host_event(collector_link_t *self, const void *at, size_t n);
static void s_filled(collector_link_t *self, struct rbuf *r);
static void s_note(collector_link_t *self, struct rbuf *r);
static void s_take_replies(collector_link_t *self);
static void s_take_requests(collector_link_t *self);
static void s_check(collector_link_t *self);
static void s_end_all(collector_link_t *self);
static void s_subscribe(void *arg, uint64_t host, bool on);
static void s_subscribe_all(void *arg, char kind, bool on);
static void s_published(void *arg);

int
collector_link_start(collector_link_t **ret, const struct collector_link_options *opt)
{
    collector_link_t *self = xcalloc(1, sizeof *self);
    const struct live_views_io io = { .arg = self,
                                      .subscribe = s_subscribe,
                                      .ask_table = link_ask_table,
                                      .ask_window = link_ask_window,
                                      .published = s_published };
    const struct feed_io feed = { .arg = self,
                                  .subscribe = s_subscribe_all,
                                  .ask_table = link_ask_table,
                                  .published = s_published };
    int rc;

    self->opt = *opt;
    self->wake_fd = -1;
    self->questions = question_table_new();
    self->hosts = known_hosts_new();
    self->views = live_views_new(opt->boot, &io);
    self->feed = feed_new(&feed);
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
    feed_destroy(&self->feed);
    known_hosts_destroy(&self->hosts);
    question_table_destroy(&self->questions);
    zsock_destroy(&self->live);
    zsock_destroy(&self->query);
    ring_destroy(&self->asked);
    if (self->wake_fd != -1)
        close(self->wake_fd);
    buf_release(&self->text);
    fact_table_unref(&self->facts);
    free(self->polls);
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
    // SUB is read at every turn, so heartbeats can cut no connection that is well. Of both the
    // other end has heartbeats: see SOCK_NO_LIMIT.
    const struct sock_spec live = { .type = ZMQ_SUB,
                                    .send_hwm = 1000,
                                    .recv_hwm = SOCK_NO_LIMIT,
                                    .max_bytes = LIVE_MAX,
                                    .heartbeat = true };
    // A question that cannot be sent now is answered with "unavailable" now.
    const struct sock_spec query = { .type = ZMQ_DEALER,
                                     .send_hwm = 1000,
                                     .recv_hwm = SOCK_NO_LIMIT,
                                     .max_bytes = QUERY_REPLY_MAX,
                                     .immediate = true };
    int rc;

    rc = ring_new(&self->asked, WAITING_MAX);
    if (rc < 0)
        return rc;
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wake_fd == -1)
        return -errno;
    rc = s_connect(self, &self->query, &query, SOCK_QUERY);
    if (rc < 0)
        return rc;
    rc = s_connect(self, &self->live, &live, SOCK_LIVE);
    if (rc == 0)
        zsock_set_subscribe(self->live, LIVE_EVENTS_TOPIC);
    return rc;
}

static int
s_connect(const collector_link_t *self, zsock_t **ret, const struct sock_spec *spec,
          enum sock_port port)
{
    char endpoint[256];
    int rc = sock_endpoint(endpoint, sizeof endpoint, self->opt.collector, port);

    if (rc == 0)
        rc = sock_new(ret, spec, self->opt.curve);
    if (rc == 0)
        rc = sock_connect(*ret, endpoint);
    return rc;
}

// A socket's subscriptions outlive its connection, and its options are those of the next one. What
// was asked by the old one ends as unavailable.
static int
s_renew(const collector_link_t *self, zsock_t *sock, enum sock_port port)
{
    char endpoint[256];
    int rc = sock_endpoint(endpoint, sizeof endpoint, self->opt.collector, port);

    rc = rc < 0 ? rc : curve_apply(sock, self->opt.curve);
    if (rc == 0 && zmq_disconnect(sock_raw(sock), endpoint) == -1)
        rc = -errno;
    return rc < 0 ? rc : sock_connect(sock, endpoint);
}

static void
s_look_at_keys(collector_link_t *self)
{
    int rc;

    if (self->opt.watch == NULL || !key_watch_turn(self->opt.watch, self->now_ms))
        return;
    rc = s_renew(self, self->query, SOCK_QUERY);
    rc = rc < 0 ? rc : s_renew(self, self->live, SOCK_LIVE);
    if (rc < 0)
        log_error("the collector cannot be asked by the new key: start the dashboard anew",
                  "error=%s", log_quote(err_str(rc)));
    else
        key_watch_say(self->opt.watch);
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
            link_ping(self);
        if ((items[0].revents & ZMQ_POLLIN) != 0)
            s_take_replies(self);
        if (items[2].revents != 0)
            s_take_requests(self);
        if (items[1].revents != 0) {
            s_take_live(self);
            feed_flush(self->feed);
        }
        if (items[3].revents != 0 && read(self->wake_fd, &woken, sizeof woken) > 0)
            live_views_check(self->views, self->now_ms);
        if (self->n_polls > 0)
            link_poll_check(self, self->now_ms);
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
    else
        s_rows(self, host, kind, body);
}

static void
s_rows(collector_link_t *self, uint64_t host, char kind, zmq_msg_t *body)
{
    const struct host_info *info = known_hosts_get(self->hosts, host);
    const struct feed_message m = { .host = host,
                                    .kind = kind,
                                    .at = zmq_msg_data(body),
                                    .n = zmq_msg_size(body),
                                    .interval_ms = info != NULL ? info->interval_ms : 0 };

    live_views_message(self->views, host, kind, m.at, m.n, self->now_ms);
    feed_take(self->feed, &m, self->now_ms);
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
    if (h.type == LIVE_FILLED) {
        s_filled(self, &r);
        return;
    }
    if (h.type == LIVE_EVENT) {
        s_note(self, &r);
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
s_filled(collector_link_t *self, struct rbuf *r)
{
    struct live_filled filled;

    if (live_take_filled(r, &filled) == 0)
        live_views_filled(self->views, &filled, self->now_ms);
    else
        selfstat_add(STAT_LINK_MALFORMED, 1);
}

static void
s_note(collector_link_t *self, struct rbuf *r)
{
    struct host_event note;

    if (live_take_event(r, &note) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    live_views_note(self->views, &note);
    host_event_release(&note);
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
        link_take_reply(self, zmq_msg_data(&msg), zmq_msg_size(&msg));
        zmq_msg_close(&msg);
    }
}

static void
s_take_requests(collector_link_t *self)
{
    struct link_request *request;

    ring_ack(self->asked);
    while ((request = ring_pop(self->asked)) != NULL)
        link_begin(self, request);
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
                             "the collector did not answer in time");
    }
    s_look_at_keys(self);
    if (self->now_ms >= self->ping_ms)
        link_ping(self);
    if (self->now_ms - self->answered_ms >= UP_MS)
        link_set_up(self, false);
    live_views_check(self->views, self->now_ms);
    feed_check(self->feed);
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
    link_poll_check(self, INT64_MAX);
    while ((request = ring_pop(self->asked)) != NULL)
        link_request_end(request, LINK_UNAVAILABLE, "the dashboard is stopping");
}

// Applications first: when the host's own table comes, both subscriptions stand.
static void
s_subscribe(void *arg, uint64_t host, bool on)
{
    collector_link_t *self = arg;
    const char kinds[] = { LIVE_APP_ROWS, LIVE_HOST_ROWS };

    for (size_t i = 0; i < sizeof kinds; i++) {
        char topic[LIVE_TOPIC_SIZE];

        live_topic(topic, kinds[i], host);
        if (on)
            zsock_set_subscribe(self->live, topic);
        else
            zsock_set_unsubscribe(self->live, topic);
    }
}

// A topic's first two bytes: of every host.
static void
s_subscribe_all(void *arg, char kind, bool on)
{
    collector_link_t *self = arg;
    const char topics[] = { kind, '/', '\0' };

    if (on)
        zsock_set_subscribe(self->live, topics);
    else
        zsock_set_unsubscribe(self->live, topics);
}

static void
s_published(void *arg)
{
    collector_link_t *self = arg;

    self->opt.published(self->opt.arg);
}

// link_question - what the link asks the collector, and what becomes of the answers.

#include <stdio.h>

#include "dashboard/collector_link_inner.h"
#include "dashboard/dashboard_stat.h"
#include "dashboard/view.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/rbuf.h"
#include "shared/net/sock.h"

#define ANSWER_MS    10000 // a request without an answer ends after
#define WINDOW_MS    5000  // so does the window of a view; it is asked again before
#define LATEST_MS    2000  // for counters: who scrapes them waits little more
#define PING_MS      2000  // between two lists of all hosts
#define FACTS_MS     10000 // facts are asked again when they are older
#define FACTS_NEW_MS 1000  // likewise, where some host has not told them yet
// They are told with most ticks, the slowest some times an hour.
#define FACTS_BACK_MS (30 * 60 * 1000)

static void s_finish(collector_link_t *self, struct question *q, const struct query_reply *last);
static void s_take_hosts(collector_link_t *self, const struct question *q, uint64_t epoch);
static void s_take_facts(collector_link_t *self, const struct question *q);
static void s_take_window(collector_link_t *self, const struct question *q,
                          const struct query_reply *last);
static void s_give(struct question *q, const struct query_reply *last);
static void s_ask_hosts(collector_link_t *self, struct link_request *request);
static void s_ask_facts(collector_link_t *self, struct link_request *request);
static void s_feed(collector_link_t *self, struct link_request *request);
static void s_resolved(collector_link_t *self, struct link_request *request,
                       const struct host_info *info);
static void s_forward(collector_link_t *self, struct link_request *request);
static bool s_send(collector_link_t *self, struct query_request *q, enum question_use use,
                   struct link_request *request, int64_t deadline_ms);
static void s_unavailable(struct link_request *request);

void
link_begin(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = QUERY_HOSTS };

    if (request->ask == LINK_HOSTS) {
        s_ask_hosts(self, request);
    } else if (request->ask == LINK_FACTS) {
        s_ask_facts(self, request);
    } else if (request->ask == LINK_FEED) {
        s_feed(self, request);
    } else if (request->ask == LINK_LAST || request->ask == LINK_AWAY ||
               ((request->ask == LINK_LEDGER || request->ask == LINK_EVENTS) &&
                request->host == NULL)) {
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

void
link_take_reply(collector_link_t *self, const void *at, size_t n)
{
    struct query_reply reply;
    struct question done;
    struct rbuf r;

    if (query_take_reply(&reply, &r, at, n) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    self->answered_ms = self->now_ms;
    link_set_up(self, true);
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

void
link_ping(collector_link_t *self)
{
    struct query_request q = { .type = QUERY_HOSTS };

    self->ping_waits = !s_send(self, &q, USE_PING, NULL, PING_MS);
    self->ping_ms = self->now_ms + PING_MS;
    if (self->ping_waits)
        link_set_up(self, false);
}

void
link_set_up(collector_link_t *self, bool up)
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

void
link_ask_table(void *arg, uint64_t host)
{
    struct query_request q = { .type = QUERY_TABLE, .host = host };

    s_send(arg, &q, USE_WINDOW, NULL, 0);
}

void
link_ask_window(void *arg, uint64_t host, struct live_ask ask)
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
s_ask_hosts(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = QUERY_HOSTS };

    if (!s_send(self, &q, USE_REQUEST, request, ANSWER_MS))
        s_unavailable(request);
}

static void
s_feed(collector_link_t *self, struct link_request *request)
{
    if (!collector_link_is_up(self)) {
        s_unavailable(request);
        return;
    }
    request->ring = feed_watch(self->feed, request->with_hosts);
    link_request_end(request, LINK_OK, "");
}

// First the facts, if those we have are old.
static void
s_ask_facts(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = QUERY_LAST,
                               .start_ms = clock_real_ms() - FACTS_BACK_MS,
                               .end_ms = INT64_MAX };

    const bool all = self->facts != NULL &&
                     fact_table_count(self->facts) >= known_hosts_count(self->hosts);

    while (host_facts_selectors[q.n_selectors] != NULL) {
        q.selectors[q.n_selectors] = host_facts_selectors[q.n_selectors];
        q.n_selectors++;
    }
    if (self->facts != NULL && self->now_ms - self->facts_ms < (all ? FACTS_MS : FACTS_NEW_MS))
        s_ask_hosts(self, request);
    else if (!s_send(self, &q, USE_FACTS, request, ANSWER_MS))
        s_unavailable(request);
}

// The host that is asked about is known, or it is known that there is none.
static void
s_resolved(collector_link_t *self, struct link_request *request, const struct host_info *info)
{
    if (info == NULL) {
        link_request_end(request, LINK_UNKNOWN_HOST, "");
        return;
    }
    host_info_copy(&request->info, info);
    if (request->ask == LINK_SELECT || request->ask == LINK_LEDGER || request->ask == LINK_EVENTS) {
        s_forward(self, request);
    } else if (!collector_link_is_up(self)) {
        s_unavailable(request);
    } else {
        request->ring = live_views_watch(self->views, info, self->now_ms);
        if (request->ask == LINK_POLL)
            link_poll_begin(self, request);
        else
            link_request_end(request, LINK_OK, "");
    }
}

static void
s_forward(collector_link_t *self, struct link_request *request)
{
    struct query_request q = { .type = request->ask == LINK_LAST     ? QUERY_LAST
                                       : request->ask == LINK_LEDGER ? QUERY_LEDGER
                                       : request->ask == LINK_EVENTS ? QUERY_EVENTS
                                       : request->ask == LINK_AWAY   ? QUERY_AWAY
                                                                     : QUERY_SELECT,
                               .host = request->info.host,
                               .start_ms = request->start_ms,
                               .end_ms = request->end_ms,
                               .n_selectors = (uint32_t) request->n_selectors };

    if (request->ask == LINK_SELECT)
        q.start_ms -= view_back_ms(request->info.interval_ms > 0 ? request->info.interval_ms
                                                                 : 1000);
    memcpy(q.selectors, request->selectors, request->n_selectors * sizeof q.selectors[0]);
    if (!s_send(self, &q, USE_REQUEST, request, request->ask == LINK_LAST ? LATEST_MS : ANSWER_MS))
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

// All replies have come; `last` is the header of the last one.
static void
s_finish(collector_link_t *self, struct question *q, const struct query_reply *last)
{
    switch (q->use) {
    case USE_PING:
        s_take_hosts(self, q, last->epoch);
        break;
    case USE_RESOLVE:
        // Who is too busy to list its hosts has not said that this one is not among them.
        if (last->status != QUERY_OK) {
            link_request_end(q->request, LINK_UNAVAILABLE, "the collector is busy; try again");
            break;
        }
        s_take_hosts(self, q, last->epoch);
        s_resolved(self, q->request, known_hosts_find(self->hosts, q->request->host));
        break;
    case USE_FACTS:
        // Without them there are still the hosts.
        if (last->status == QUERY_OK)
            s_take_facts(self, q);
        s_ask_hosts(self, q->request);
        break;
    case USE_REQUEST:
        if (q->request->ask == LINK_FACTS && self->facts != NULL)
            q->request->facts = fact_table_ref(self->facts);
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
s_take_facts(collector_link_t *self, const struct question *q)
{
    struct query_series *series;
    size_t n;

    if (link_series_take(&series, &n, q->replies, q->n_replies) != 0) {
        selfstat_add(STAT_LINK_MALFORMED, 1);
        return;
    }
    fact_table_unref(&self->facts);
    self->facts = fact_table_new(series, n);
    self->facts_ms = self->now_ms;
    link_series_free(series, n);
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

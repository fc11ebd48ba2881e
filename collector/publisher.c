// publisher - see the header.

#include "collector/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/fill_list.h"
#include "collector/subscription_set.h"
#include "collector/topic.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/live.h"

#define SAY_AGAIN_MS 10000
// Of a series in a TABLE besides its text: id, kind, counts and lengths of up to 64 labels.
#define TABLE_SERIES_COST 400u

struct publisher {
    struct publisher_options is;
    map_t *topics; // host -> struct topics
    struct subscription_set subscriptions;
    size_t due_topics;    // topics with `due`
    size_t due_at;        // where the walk over topics stands
    bool hosts_due;       // every host is to be sent on e/
    uint64_t *hosts_left; // the ids of those, while it goes on
    size_t n_hosts_left;
    struct fill_list fills; // told lately
    struct buf body;        // of the message at hand
    int64_t ignored_said_ms;
    int64_t table_said_ms;
};

static void s_note(publisher_t *self, const uint8_t *at, size_t n);
static void s_make_due(publisher_t *self, const char *text, size_t n);
static void s_set_due(publisher_t *self, struct topic *topic, bool due);
static void s_start_hosts(publisher_t *self);
static unsigned s_flush_hosts(publisher_t *self, unsigned budget);
static unsigned s_flush_topics(publisher_t *self, unsigned budget);
static void s_send_filled(publisher_t *self, const struct live_filled *filled, int64_t now_ms);
static unsigned s_flush_tables(publisher_t *self, struct topics *topics);
static struct topics *s_topics(publisher_t *self, uint64_t host);
static struct topic *s_topic(publisher_t *self, char kind, uint64_t host);
static bool s_watched(publisher_t *self, struct topic *topic);
static void s_send_table(publisher_t *self, struct topic *topic);
static uint32_t s_read_table(publisher_t *self, struct topic *topic, struct live_series **ret);
static struct live_header s_header(const publisher_t *self, uint8_t type,
                                   const struct topic *topic);
static void s_send(publisher_t *self, const char *topic, enum collector_stat count);

publisher_t *
publisher_new(const struct publisher_options *options)
{
    publisher_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->topics = map_new();
    subscription_set_init(&self->subscriptions);
    return self;
}

void
publisher_destroy(publisher_t **self_p)
{
    publisher_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->topics, &at, &entry))
        topics_free(entry.value);
    map_destroy(&self->topics);
    subscription_set_release(&self->subscriptions);
    free(self->hosts_left);
    buf_release(&self->body);
    free(self);
    *self_p = NULL;
}

bool
publisher_read(publisher_t *self, unsigned budget)
{
    zmq_msg_t msg;
    unsigned done = 0;

    zmq_msg_init(&msg);
    while (done < budget && sock_recv(self->is.xpub, &msg) == 1) {
        // One part each; what a subscriber sends upstream in more parts, or to no purpose, is
        // read past.
        s_note(self, zmq_msg_data(&msg), zmq_msg_size(&msg));
        done++;
    }
    zmq_msg_close(&msg);
    return done == budget;
}

bool
publisher_flush(publisher_t *self, unsigned budget)
{
    if (self->hosts_due)
        s_start_hosts(self);
    budget -= s_flush_hosts(self, budget);
    s_flush_topics(self, budget);
    return self->n_hosts_left > 0 || self->due_topics > 0;
}

// The set of series is kept up to date though nobody watches, so that the table of the next
// subscription is whole.
void
publisher_series(publisher_t *self, char kind, const struct store_row *row)
{
    struct topic *topic = s_topic(self, kind, row->host);

    if (topic_admit(topic, row))
        topic->generation++;
}

void
publisher_row(publisher_t *self, char kind, const struct store_row *row, uint64_t number)
{
    struct topic *topic = s_topic(self, kind, row->host);
    struct live_header header;
    const bool watched = s_watched(self, topic);

    if (watched && (topic->due || topic->told != topic->generation))
        s_send_table(self, topic); // it carries pubseq and number of the row before
    topic->pubseq++;
    topic->number = number;
    if (!watched)
        return;
    header = s_header(self, LIVE_ROW, topic);
    header.time_ms = row->time_ms;
    buf_clear(&self->body);
    live_put_row(&self->body, &header, row->series, row->values, row->n);
    s_send(self, topic->name, STAT_PUBLISHED_ROW);
}

bool
publisher_watches(publisher_t *self, char kind, uint64_t host)
{
    return s_watched(self, s_topic(self, kind, host));
}

void
publisher_pass(publisher_t *self, char kind, uint64_t host, uint32_t rows, uint64_t number)
{
    struct topic *topic = s_topic(self, kind, host);

    topic->pubseq += rows;
    topic->number = number;
}

void
publisher_host(publisher_t *self, const struct host_info *info)
{
    struct live_header header = s_header(self, LIVE_HOST, NULL);

    if (!subscription_set_covers(&self->subscriptions, LIVE_EVENTS_TOPIC))
        return;
    header.time_ms = info->since_ms;
    buf_clear(&self->body);
    live_put_host(&self->body, &header, info);
    s_send(self, LIVE_EVENTS_TOPIC, STAT_PUBLISHED_HOST);
}

void
publisher_filled(publisher_t *self, const struct live_filled *filled, int64_t now_ms)
{
    fill_list_add(&self->fills, filled, clock_mono_ms());
    s_send_filled(self, filled, now_ms);
}

static void
s_send_filled(publisher_t *self, const struct live_filled *filled, int64_t now_ms)
{
    struct live_header header = s_header(self, LIVE_FILLED, NULL);

    if (!subscription_set_covers(&self->subscriptions, LIVE_EVENTS_TOPIC))
        return;
    header.time_ms = now_ms;
    buf_clear(&self->body);
    live_put_filled(&self->body, &header, filled);
    s_send(self, LIVE_EVENTS_TOPIC, STAT_PUBLISHED_FILLED);
}

void
publisher_event(publisher_t *self, const struct host_event *of, const struct record *record)
{
    struct live_header header = s_header(self, LIVE_EVENT, NULL);

    if (!subscription_set_covers(&self->subscriptions, LIVE_EVENTS_TOPIC))
        return;
    header.time_ms = of->time_ms;
    buf_clear(&self->body);
    live_put_event(&self->body, &header, of, record->body, record->body_len);
    s_send(self, LIVE_EVENTS_TOPIC, STAT_PUBLISHED_EVENT);
}

void
publisher_reset(publisher_t *self, uint64_t host)
{
    struct topics *topics = map_get_u64(self->topics, host);

    for (unsigned i = 0; topics != NULL && i < TOPICS; i++) {
        topics->at[i].n_ids = 0;
        topics->at[i].generation++;
    }
}

void
publisher_ask_table(publisher_t *self, uint64_t host)
{
    struct topics *topics = s_topics(self, host);

    for (unsigned i = 0; i < TOPICS; i++)
        s_set_due(self, &topics->at[i], true);
}

void
publisher_forget(publisher_t *self, uint64_t host)
{
    struct topics *topics = map_remove_u64(self->topics, host);

    if (topics == NULL)
        return;
    for (unsigned i = 0; i < TOPICS; i++)
        s_set_due(self, &topics->at[i], false);
    topics_free(topics);
}

// XPUB tells of each subscriber: first byte 1 to join, 0 to leave, then the beginning of the
// topics that are meant.
static void
s_note(publisher_t *self, const uint8_t *at, size_t n)
{
    const char *text = (const char *) at + 1;

    if (n == 0 || at[0] > 1)
        return;
    n--;
    if (at[0] == 0) {
        subscription_set_leave(&self->subscriptions, text, n);
    } else if (subscription_set_join(&self->subscriptions, text, n)) {
        s_make_due(self, text, n);
    } else {
        selfstat_add(STAT_SUBSCRIPTIONS_IGNORED, 1);
        if (log_allow(&self->ignored_said_ms, SAY_AGAIN_MS))
            log_warn("subscription ignored: too long, or too many", "bytes=%zu most=%d open=%zu", n,
                     SUBSCRIPTION_MAX, map_count(self->subscriptions.texts));
    }
    selfstat_set(STAT_SUBSCRIPTIONS, (int64_t) self->subscriptions.open);
}

// A subscription brings the tables, or the hosts, of what it covers: all topics that begin with it.
static void
s_make_due(publisher_t *self, const char *text, size_t n)
{
    struct map_entry entry;
    uint64_t host;
    char kind;
    size_t at = 0;

    if (n <= strlen(LIVE_EVENTS_TOPIC) && memcmp(text, LIVE_EVENTS_TOPIC, n) == 0)
        self->hosts_due = true;
    if (live_topic_take(&host, &kind, text, n) == 0) {
        if (host_table_find(self->is.hosts, host) != NULL)
            s_set_due(self, s_topic(self, kind, host), true);
        return;
    }
    while (map_next(self->topics, &at, &entry)) {
        struct topics *topics = entry.value;

        for (unsigned i = 0; n < LIVE_TOPIC_SIZE && i < TOPICS; i++)
            if (memcmp(text, topics->at[i].name, n) == 0)
                s_set_due(self, &topics->at[i], true);
    }
}

static void
s_set_due(publisher_t *self, struct topic *topic, bool due)
{
    if (topic->due && !due)
        self->due_topics--;
    if (!topic->due && due)
        self->due_topics++;
    topic->due = due;
}

// Notes who is to be told of; those who come later tell of themselves. What was filled lately is
// told at once: there is little of it.
static void
s_start_hosts(publisher_t *self)
{
    const struct host *host;
    size_t at = 0;

    self->hosts_due = false;
    self->n_hosts_left = 0;
    self->hosts_left = xrealloc(self->hosts_left, host_table_count(self->is.hosts) + 1,
                                sizeof *self->hosts_left);
    while ((host = host_table_next(self->is.hosts, &at)) != NULL)
        if (host_table_is_listed(self->is.hosts, host))
            self->hosts_left[self->n_hosts_left++] = host->info.host;
    fill_list_trim(&self->fills, clock_mono_ms());
    for (size_t i = 0; i < self->fills.n; i++)
        s_send_filled(self, &self->fills.at[i].filled, clock_real_ms());
}

static unsigned
s_flush_hosts(publisher_t *self, unsigned budget)
{
    unsigned done = 0;

    for (; done < budget && self->n_hosts_left > 0; done++) {
        const struct host *host = host_table_find(self->is.hosts,
                                                  self->hosts_left[--self->n_hosts_left]);

        if (host != NULL)
            publisher_host(self, &host->info);
    }
    return done;
}

// The walk goes on where it stopped. A topic that is added meanwhile can move others: the walk
// then starts over while anything is due.
static unsigned
s_flush_topics(publisher_t *self, unsigned budget)
{
    struct map_entry entry;
    unsigned done = 0;

    while (done < budget && self->due_topics > 0) {
        if (map_next(self->topics, &self->due_at, &entry))
            done += s_flush_tables(self, entry.value);
        else
            self->due_at = 0;
    }
    return done;
}

// A host's tables that are due; their number.
static unsigned
s_flush_tables(publisher_t *self, struct topics *topics)
{
    unsigned done = 0;

    for (unsigned i = 0; i < TOPICS; i++) {
        struct topic *topic = &topics->at[i];

        if (!topic->due)
            continue;
        if (s_watched(self, topic))
            s_send_table(self, topic);
        s_set_due(self, topic, false);
        done++;
    }
    return done;
}

static struct topics *
s_topics(publisher_t *self, uint64_t host)
{
    struct topics *topics = map_get_u64(self->topics, host);

    if (topics == NULL) {
        topics = topics_new(host);
        map_put_u64(self->topics, host, topics);
    }
    return topics;
}

static struct topic *
s_topic(publisher_t *self, char kind, uint64_t host)
{
    return &s_topics(self, host)->at[kind == LIVE_APP_ROWS ? TOPIC_APPS : TOPIC_HOST];
}

// Remembered until the set of subscriptions changes, since it is asked at every row.
static bool
s_watched(publisher_t *self, struct topic *topic)
{
    if (topic->checked != self->subscriptions.changes) {
        topic->watched = subscription_set_covers(&self->subscriptions, topic->name);
        topic->checked = self->subscriptions.changes;
    }
    return topic->watched;
}

// To all who watch the topic: XPUB can not speak to one of them.
static void
s_send_table(publisher_t *self, struct topic *topic)
{
    struct live_header header = s_header(self, LIVE_TABLE, topic);
    struct live_series *series;
    uint32_t n = s_read_table(self, topic, &series);

    header.time_ms = clock_real_ms();
    buf_clear(&self->body);
    live_put_table(&self->body, &header, series, n);
    live_series_free(series, n);
    s_send(self, topic->name, STAT_PUBLISHED_TABLE);
    topic->told = topic->generation;
    s_set_due(self, topic, false);
}

// The set with its labels, as the store has them; what the store gave up leaves the set.
static uint32_t
s_read_table(publisher_t *self, struct topic *topic, struct live_series **ret)
{
    struct store_select all = { .host = topic->host, .labels_only = true };
    struct live_series *series = xcalloc(topic->n_ids + 1, sizeof *series);
    struct store_series is;
    store_cursor_t *cursor = NULL;
    size_t bytes = 0;
    uint32_t n = 0;
    uint32_t at = 0;
    bool whole = true;

    if (topic->n_ids == 0) // as with hosts that have no applications
        goto out;
    if (store_open(self->is.store, &all, &cursor) < 0)
        goto out;
    while (store_next(cursor, &is) == 1) { // ids rise
        while (at < topic->n_ids && topic->ids[at] < is.id)
            at++;
        if (at == topic->n_ids || topic->ids[at] != is.id)
            continue;
        bytes += TABLE_SERIES_COST;
        for (size_t i = 0; i < is.labels->count; i++)
            bytes += strlen(is.labels->at[i].name) + strlen(is.labels->at[i].value);
        if (bytes > LIVE_MAX) {
            if (log_allow(&self->table_said_ms, SAY_AGAIN_MS))
                log_warn("a host has more labels than one table holds: the rest is not live",
                         "topic=%s series=%u of=%u", topic->name, n, topic->n_ids);
            whole = false;
            break;
        }
        series[n].id = is.id;
        series[n].kind = is.kind;
        label_set_copy(&series[n++].labels, is.labels);
    }
    if (whole) {
        for (uint32_t i = 0; i < n; i++)
            topic->ids[i] = series[i].id;
        topic->n_ids = n;
    }
    store_close(&cursor);
out:
    *ret = series;
    return n;
}

static struct live_header
s_header(const publisher_t *self, uint8_t type, const struct topic *topic)
{
    return (struct live_header){
        .type = type,
        .collector = self->is.collector,
        .epoch = self->is.epoch,
        .pubseq = topic != NULL ? topic->pubseq : 0,
        .number = topic != NULL ? topic->number : 0,
        .generation = topic != NULL ? topic->generation : 0,
    };
}

// XPUB never blocks: who is too far behind misses it.
static void
s_send(publisher_t *self, const char *topic, enum collector_stat count)
{
    if (sock_send(self->is.xpub, topic, strlen(topic), true) == 0 &&
        sock_send(self->is.xpub, self->body.at, self->body.len, false) == 0)
        selfstat_add(count, 1);
}

// live_lines - see live_lines.h. A table a topic: which ids match, and how each is spelt.

#include "collector/ctl/live_lines.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/live.h"

#define ASK_AGAIN_MS 1000 // by the rows' own time
#define NAME_SIZE    (LIVE_TOPIC_SIZE - 1)

struct line {
    uint32_t id;
    char *text; // node_load1{instance="x",job="node"}
};

// What rows of one topic are read with.
struct topic {
    uint64_t epoch; // of the collector: ids of another one mean something else
    uint32_t generation;
    int64_t asked_ms; // time of the row that last asked for a table; 0: none did
    uint32_t n;
    struct line *lines; // those that match, ids rising
};

struct live_lines {
    const matchers_t *matchers;
    map_t *topics;       // "m/<host>" and "a/<host>" -> struct topic
    struct live_row row; // memory kept from row to row
};

static void s_topic_free(struct topic *topic);
static int s_take_table(live_lines_t *self, const void *name, const struct live_header *h,
                        struct rbuf *r);
static int s_want_table(live_lines_t *self, const void *name, int64_t time_ms);
static int s_take_row(live_lines_t *self, struct buf *out, unsigned most, const void *name,
                      const struct live_header *h, struct rbuf *r);
static void s_put_line(struct buf *out, int64_t time_ms, const char *series, double value);

live_lines_t *
live_lines_new(const matchers_t *matchers)
{
    live_lines_t *self = xcalloc(1, sizeof *self);

    self->matchers = matchers;
    self->topics = map_new();
    return self;
}

void
live_lines_destroy(live_lines_t **self_p)
{
    live_lines_t *self = *self_p;
    struct map_entry entry;

    if (self == NULL)
        return;
    for (size_t at = 0; map_next(self->topics, &at, &entry);)
        s_topic_free(entry.value);
    map_destroy(&self->topics);
    live_row_release(&self->row);
    free(self);
    *self_p = NULL;
}

static void
s_topic_free(struct topic *topic)
{
    if (topic == NULL)
        return;
    for (uint32_t i = 0; i < topic->n; i++)
        free(topic->lines[i].text);
    free(topic->lines);
    free(topic);
}

int
live_lines_take(live_lines_t *self, struct buf *out, unsigned most, uint64_t *host_ret,
                const void *topic, size_t topic_len, const void *body, size_t body_len)
{
    struct live_header h;
    struct rbuf r;
    char kind;
    int rc = live_topic_take(host_ret, &kind, topic, topic_len);

    if (rc != 0)
        return rc;
    rc = live_take(&h, &r, body, body_len);
    if (rc != 0)
        return rc;
    if (h.type == LIVE_TABLE)
        return s_take_table(self, topic, &h, &r);
    if (h.type == LIVE_ROW)
        return s_take_row(self, out, most, topic, &h, &r);
    return 0; // of a newer minor version
}

// `name` is the topic's, here and below: NAME_SIZE bytes.
static int
s_take_table(live_lines_t *self, const void *name, const struct live_header *h, struct rbuf *r)
{
    struct live_series *series = NULL;
    struct topic *topic;
    uint32_t n = 0;
    int rc = live_take_table(r, &series, &n);

    if (rc < 0)
        return rc;
    topic = xcalloc(1, sizeof *topic);
    topic->epoch = h->epoch;
    topic->generation = h->generation;
    topic->lines = xcalloc(n > 0 ? n : 1, sizeof *topic->lines);
    for (uint32_t i = 0; i < n; i++) {
        struct buf text = { 0 };

        if (self->matchers != NULL && !matchers_match(self->matchers, &series[i].labels))
            continue;
        label_set_text(&text, &series[i].labels);
        topic->lines[topic->n].id = series[i].id;
        topic->lines[topic->n].text = xstrdup(buf_cstr(&text));
        topic->n++;
        buf_release(&text);
    }
    live_series_free(series, n);
    s_topic_free(map_put(self->topics, name, NAME_SIZE, topic));
    return 0;
}

// Ids of row and table both rise: one walk through both.
static int
s_take_row(live_lines_t *self, struct buf *out, unsigned most, const void *name,
           const struct live_header *h, struct rbuf *r)
{
    const struct topic *topic = map_get(self->topics, name, NAME_SIZE);
    unsigned n = 0;
    int rc;

    if (topic == NULL || topic->epoch != h->epoch || topic->generation != h->generation)
        return s_want_table(self, name, h->time_ms);
    rc = live_take_row(r, &self->row);
    if (rc < 0)
        return rc;
    most = most < INT_MAX ? most : INT_MAX;
    for (uint32_t i = 0, k = 0; i < self->row.n && k < topic->n && n < most;) {
        if (self->row.ids[i] < topic->lines[k].id) {
            i++;
        } else if (self->row.ids[i] > topic->lines[k].id) {
            k++;
        } else {
            s_put_line(out, h->time_ms, topic->lines[k].text, self->row.values[i]);
            n++;
            i++;
            k++;
        }
    }
    return (int) n;
}

// ERR_NEED_KEY, or 0 where the answer to the last question may still be on its way.
static int
s_want_table(live_lines_t *self, const void *name, int64_t time_ms)
{
    struct topic *topic = map_get(self->topics, name, NAME_SIZE);

    if (topic == NULL) {
        topic = xcalloc(1, sizeof *topic);
        map_put(self->topics, name, NAME_SIZE, topic);
    }
    if (topic->asked_ms != 0 && time_ms >= topic->asked_ms &&
        (uint64_t) time_ms - (uint64_t) topic->asked_ms < ASK_AGAIN_MS)
        return 0;
    topic->asked_ms = time_ms;
    return ERR_NEED_KEY;
}

static void
s_put_line(struct buf *out, int64_t time_ms, const char *series, double value)
{
    const time_t seconds = (time_t) (time_ms >= 0 ? time_ms / 1000 : 0);
    const int ms = (int) (time_ms >= 0 ? time_ms % 1000 : 0);
    char stamp[32] = "-";
    struct tm tm;

    // A time past year 2^31 has no calendar.
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "%s.%03dZ %s ", stamp, ms, series);
    if (sample_is_stale(value))
        buf_str(out, "stale"); // the series has ended
    else
        buf_double(out, value);
    buf_byte(out, '\n');
}

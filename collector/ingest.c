// ingest - frames into rows, rows into the store and on to who watches.
//
// Some 500 lines, one thing: what a frame means depends on host, stream, slot and store at once.

#include "collector/ingest.h"

#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/row_builder.h"
#include "collector/row_list.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/frame.h"
#include "shared/wire/lane.h"
#include "shared/wire/live.h"

#define SAY_AGAIN_MS 10000
// A stream with series that the store had no room for asks again this often.
#define RETRY_MS 60000

// One host's end of the wire.
struct source {
    uint64_t host;
    char *name;        // becomes `instance`
    uint64_t nonce;    // of the agent's start
    uint32_t n_series; // defined slots of its streams
    uint32_t n_streams;
    struct stream *streams[CONTROL_STREAMS_MAX];
};

// Where rows go: a row of the wire is at most one of each.
enum kind { KIND_APPS, KIND_HOST, KINDS };
static const char s_topics[KINDS] = { [KIND_APPS] = LIVE_APP_ROWS, [KIND_HOST] = LIVE_HOST_ROWS };

// A slot's.
struct series {
    series_id id;   // 0: none
    enum kind kind; // once and for all, by its labels
};

struct stream {
    ingest_t *ingest;
    struct source *source;
    uint64_t id;
    lane_t *lane;          // NULL before the first frame and after END
    uint64_t next;         // once ended
    bool ended;            // END has come
    bool refused;          // its IDENT names another host
    bool wants_table;      // has series that have no id
    struct series *series; // by slot
    uint32_t n_slots;      // allocated, all set
    uint64_t evicted;      // of the store, when `series` were last looked through
    int64_t asked_ms;      // monotonic, of the last NAK; 0: never
    int64_t retry_ms;      // monotonic, when to ask for series the store refused; 0: none
};

struct ingest {
    struct ingest_options is;
    map_t *sources;                  // host -> source
    map_t *streams;                  // id -> stream
    struct host_time now;            // of the frame at hand
    uint8_t flags;                   // of the frame at hand
    struct row_builder build[KINDS]; // of the block at hand
    struct row_list rows;            // of the frame at hand; marked with their kind
    int64_t said_ms[STAT_COUNT];     // when a reason was last logged
};

static void s_refuse(ingest_t *self, enum collector_stat reason, int rc, uint64_t stream);
static bool s_identity_fits(const struct stream *stream, const struct record *record);
static void s_open_lane(struct stream *stream);
static void s_accept(struct stream *stream, const struct frame_prefix *prefix,
                     const struct record *record);
static void s_count(const struct lane_counters *before, const struct lane_counters *after);
static void s_ask(struct stream *stream);
static int s_define(void *arg, const struct slot_def *def);
static void s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values,
                  uint32_t n);
static enum kind s_kind(const struct label_set *labels);
static void s_give_all(ingest_t *self, const struct source *source);
static void s_give(ingest_t *self, enum kind kind, const struct store_row *row);
static void s_gap(void *arg, uint64_t from, const struct gap *gap);
static void s_drop_evicted(struct stream *stream);
static void s_build(struct stream *stream, const uint32_t *slots, const double *values, uint32_t n);
static struct source *s_source(ingest_t *self, const struct host *host);
static bool s_named(const struct hello_stream *streams, uint32_t n, uint64_t id);
static void s_add_stream(ingest_t *self, struct source *source, uint64_t id);
static void s_remove_stream(ingest_t *self, struct source *source, uint32_t at);
static void s_close_lane(struct stream *stream);
static void s_free_source(ingest_t *self, struct source *source);

ingest_t *
ingest_new(const struct ingest_options *options)
{
    ingest_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->sources = map_new();
    self->streams = map_new();
    return self;
}

void
ingest_destroy(ingest_t **self_p)
{
    ingest_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->sources, &at, &entry))
        s_free_source(self, entry.value);
    map_destroy(&self->sources);
    map_destroy(&self->streams);
    for (unsigned i = 0; i < KINDS; i++)
        row_builder_release(&self->build[i]);
    row_list_release(&self->rows);
    free(self);
    *self_p = NULL;
}

void
ingest_frame(ingest_t *self, const void *at, size_t n, struct host_time now)
{
    struct frame_prefix prefix;
    struct record record;
    struct stream *stream;
    int rc = frame_take(&prefix, &record, at, n);

    self->now = now;
    selfstat_add(STAT_FRAMES, 1);
    selfstat_add(STAT_BYTES, n);
    if (rc < 0) {
        s_refuse(self, rc == ERR_VERSION ? STAT_REFUSED_VERSION : STAT_REFUSED_FORMAT, rc, 0);
        return;
    }
    stream = map_get_u64(self->streams, record.stream);
    if (stream == NULL) {
        s_refuse(self, STAT_REFUSED_STREAM, ERR_UNKNOWN, record.stream);
        return;
    }
    if (stream->ended) {
        selfstat_add(STAT_LANE_DUPLICATES, 1);
        return;
    }
    if (stream->refused || !s_identity_fits(stream, &record)) {
        stream->refused = true;
        s_refuse(self, STAT_REFUSED_IDENTITY, ERR_UNKNOWN, record.stream);
        return;
    }
    self->flags = prefix.flags;
    s_accept(stream, &prefix, &record);
}

void
ingest_hello(ingest_t *self, const struct host *host, const struct hello_stream *streams,
             uint32_t n)
{
    struct source *source = s_source(self, host);

    // An agent that was started anew, or renamed, defines its series anew.
    if (source->nonce != host->nonce || strcmp(source->name, host->info.name) != 0) {
        while (source->n_streams > 0)
            s_remove_stream(self, source, source->n_streams - 1);
        free(source->name);
        source->name = xstrdup(host->info.name);
        source->nonce = host->nonce;
        publisher_reset(self->is.publisher, source->host);
    }
    for (uint32_t i = source->n_streams; i-- > 0;) {
        if (!s_named(streams, n, source->streams[i]->id))
            s_remove_stream(self, source, i);
    }
    for (uint32_t i = 0; i < n; i++)
        s_add_stream(self, source, streams[i].stream);
    selfstat_set(STAT_STREAMS, (int64_t) map_count(self->streams));
}

uint64_t
ingest_next(const ingest_t *self, uint64_t host, uint64_t id)
{
    const struct stream *stream = map_get_u64(self->streams, id);

    if (stream == NULL || stream->source->host != host)
        return 0;
    return stream->lane != NULL ? lane_next(stream->lane) : stream->next;
}

void
ingest_forget(ingest_t *self, uint64_t host)
{
    struct source *source = map_remove_u64(self->sources, host);

    if (source != NULL)
        s_free_source(self, source);
    selfstat_set(STAT_STREAMS, (int64_t) map_count(self->streams));
}

static void
s_refuse(ingest_t *self, enum collector_stat reason, int rc, uint64_t stream)
{
    selfstat_add(reason, 1);
    if (log_allow(&self->said_ms[reason], SAY_AGAIN_MS))
        log_warn("frame dropped", "stream=%016llx error=%s", (unsigned long long) stream,
                 log_quote(reason == STAT_REFUSED_STREAM     ? "no HELLO has named its stream"
                           : reason == STAT_REFUSED_IDENTITY ? "it names another host"
                                                             : err_str(rc)));
}

// What is not readable as an identity is the lane's affair.
static bool
s_identity_fits(const struct stream *stream, const struct record *record)
{
    struct identity id;
    struct rbuf r;

    if (record->type != RECORD_IDENT)
        return true;
    rbuf_init(&r, record->body, record->body_len);
    return identity_take(&r, &id) < 0 || id.host == stream->source->host;
}

// At the first frame: a HELLO may name 33 streams, and most never send.
static void
s_open_lane(struct stream *stream)
{
    struct lane_handler handler = { .arg = stream, .define = s_define, .row = s_row, .gap = s_gap };

    stream->lane = lane_new(stream->id, &handler);
}

// The lane calls back into s_define, s_row and s_gap below.
static void
s_accept(struct stream *stream, const struct frame_prefix *prefix, const struct record *record)
{
    struct lane_counters before;
    int rc;

    if (stream->lane == NULL)
        s_open_lane(stream);
    s_drop_evicted(stream);
    before = *lane_counters(stream->lane);
    rc = lane_accept(stream->lane, prefix, record);
    s_give_all(stream->ingest, stream->source);
    s_count(&before, lane_counters(stream->lane));
    if (rc == ERR_NEED_KEY || rc == ERR_FORMAT || stream->wants_table) {
        s_ask(stream);
    } else if (stream->retry_ms != 0 && stream->ingest->now.mono_ms >= stream->retry_ms) {
        stream->retry_ms = 0;
        s_ask(stream);
    }
    if (lane_ended(stream->lane)) {
        stream->next = lane_next(stream->lane);
        stream->ended = true;
        s_close_lane(stream);
    }
}

// Lanes come and go, the counters of the program only rise: so differences are added.
static void
s_count(const struct lane_counters *before, const struct lane_counters *after)
{
    selfstat_add(STAT_LANE_DUPLICATES, after->duplicates - before->duplicates);
    selfstat_add(STAT_LANE_HOLES, after->holes - before->holes);
    selfstat_add(STAT_LANE_UNREADABLE, after->unreadable - before->unreadable);
    selfstat_add(STAT_LANE_MALFORMED, after->malformed - before->malformed);
    selfstat_add(STAT_LANE_UNKNOWN, after->unknown - before->unknown);
    selfstat_add(STAT_SAMPLES_SERIES, after->refused - before->refused);
}

// For TABLE and KEY of the stream.
static void
s_ask(struct stream *stream)
{
    ingest_t *self = stream->ingest;
    struct nak nak = { .reason = NAK_KEY, .stream = stream->id, .next = lane_next(stream->lane) };

    if (stream->asked_ms != 0 && self->now.mono_ms - stream->asked_ms < INGEST_NAK_MS)
        return;
    stream->asked_ms = self->now.mono_ms;
    self->is.nak(self->is.arg, stream->source->host, &nak);
}

// A series of the store for this slot. Refused ones are counted by the lane, sample by sample. What
// the store had no room for is tried again after a while; the agent's own limit is final.
static int
s_define(void *arg, const struct slot_def *def)
{
    struct stream *stream = arg;
    ingest_t *self = stream->ingest;
    struct source *source = stream->source;
    struct label_set labels;
    series_id id = 0;
    int rc;

    stream->wants_table = false; // this is the answer, whatever becomes of it
    if (def->slot >= stream->n_slots) {
        uint32_t n = def->slot < 64 ? 128 : def->slot * 2; // slots are below BODY_SLOTS_MAX

        stream->series = xrealloc(stream->series, n, sizeof *stream->series);
        memset(stream->series + stream->n_slots, 0, (n - stream->n_slots) * sizeof *stream->series);
        stream->n_slots = n;
    }
    if (stream->series[def->slot].id != 0) { // said again, as at each TABLE
        stream->series[def->slot].id = 0;
        source->n_series--;
    }
    if (source->n_series >= self->is.most_series)
        return ERR_LIMIT;
    rc = label_set_with(&labels, &def->labels, "instance", source->name);
    if (rc < 0)
        return rc;
    rc = store_series(self->is.store, source->host, &labels, def->kind, &id);
    label_set_release(&labels);
    if (rc < 0) {
        stream->retry_ms = self->now.mono_ms + RETRY_MS;
        return rc;
    }
    stream->series[def->slot] = (struct series){ .id = id, .kind = s_kind(&def->labels) };
    source->n_series++;
    return 0;
}

static enum kind
s_kind(const struct label_set *labels)
{
    const char *job = label_set_get(labels, "job");

    return job != NULL && strcmp(job, "app") == 0 ? KIND_APPS : KIND_HOST;
}

static void
s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    struct stream *stream = arg;
    ingest_t *self = stream->ingest;

    if (time_ms > self->now.real_ms + INGEST_FUTURE_MS) {
        selfstat_add(STAT_SAMPLES_FUTURE, n);
        if (log_allow(&self->said_ms[STAT_SAMPLES_FUTURE], SAY_AGAIN_MS))
            log_warn("samples refused: their time is more than 10 minutes ahead of ours",
                     "host=%s ahead_ms=%lld", log_quote(stream->source->name),
                     (long long) (time_ms - self->now.real_ms));
        return;
    }
    s_build(stream, slots, values, n);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct store_row row = { .time_ms = time_ms };

        row_builder_finish(&self->build[kind], &row);
        row_list_add(&self->rows, (int) kind, &row);
    }
}

// The rows of a frame. The publisher is told of all their series ahead: a new application's first
// row needs a table, and 256 new ones in a frame need one, not 256.
static void
s_give_all(ingest_t *self, const struct source *source)
{
    const bool live = (self->flags & FRAME_BACKLOG) == 0;
    struct store_row row;

    for (uint32_t i = 0; i < self->rows.n && live; i++) {
        const int kind = row_list_get(&self->rows, i, source->host, &row);

        publisher_series(self->is.publisher, s_topics[kind], &row);
    }
    for (uint32_t i = 0; i < self->rows.n; i++) {
        const int kind = row_list_get(&self->rows, i, source->host, &row);

        s_give(self, (enum kind) kind, &row);
    }
    row_list_clear(&self->rows);
}

// Stored first, then published: who asks after hearing of a row finds it.
static void
s_give(ingest_t *self, enum kind kind, const struct store_row *row)
{
    const uint64_t number = store_append(self->is.store, row);

    selfstat_add(STAT_ROWS, 1);
    selfstat_add(STAT_SAMPLES, row->n);
    if (kind == KIND_APPS)
        selfstat_add(STAT_SAMPLES_APPS, row->n);
    host_table_sample(self->is.hosts, row->host, row->time_ms);
    if ((self->flags & FRAME_BACKLOG) == 0)
        publisher_row(self->is.publisher, s_topics[kind], row, number);
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    const struct stream *stream = arg;

    log_debug("records are missing", "host=%s stream=%016llx from=%llu to=%llu cause=%u",
              log_quote(stream->source->name), (unsigned long long) stream->id,
              (unsigned long long) from, (unsigned long long) gap->to, gap->cause);
}

// The store gave up series since we last looked: those of ours among them are made again at the
// next TABLE, which is asked for.
static void
s_drop_evicted(struct stream *stream)
{
    store_t *store = stream->ingest->is.store;
    struct store_stat stat;

    store_stat(store, &stat);
    if (stat.series_evicted == stream->evicted)
        return;
    stream->evicted = stat.series_evicted;
    for (uint32_t slot = 0; slot < stream->n_slots; slot++) {
        if (stream->series[slot].id != 0 && !store_alive(store, stream->series[slot].id)) {
            stream->series[slot].id = 0;
            stream->source->n_series--;
        }
    }
}

// Slots into the store's ids. A slot without one was defined, but the store gave it up.
static void
s_build(struct stream *stream, const uint32_t *slots, const double *values, uint32_t n)
{
    struct row_builder *rows = stream->ingest->build;
    uint32_t missing = 0;

    for (unsigned i = 0; i < KINDS; i++)
        row_builder_begin(&rows[i]);
    for (uint32_t i = 0; i < n; i++) {
        const struct series series = slots[i] < stream->n_slots ? stream->series[slots[i]]
                                                                : (struct series){ 0 };

        if (series.id != 0)
            row_builder_add(&rows[series.kind], series.id, values[i]);
        else
            missing++;
    }
    stream->wants_table = stream->wants_table || missing > 0;
    selfstat_add(STAT_SAMPLES_EVICTED, missing);
}

static struct source *
s_source(ingest_t *self, const struct host *host)
{
    struct source *source = map_get_u64(self->sources, host->info.host);

    if (source == NULL) {
        source = xcalloc(1, sizeof *source);
        source->host = host->info.host;
        source->name = xstrdup(host->info.name);
        source->nonce = host->nonce;
        map_put_u64(self->sources, source->host, source);
    }
    return source;
}

static bool
s_named(const struct hello_stream *streams, uint32_t n, uint64_t id)
{
    for (uint32_t i = 0; i < n; i++) {
        if (streams[i].stream == id)
            return true;
    }
    return false;
}

static void
s_add_stream(ingest_t *self, struct source *source, uint64_t id)
{
    struct stream *stream = map_get_u64(self->streams, id);

    if (stream != NULL && stream->source != source)
        log_warn("a stream of another host was named: it stays that one's",
                 "host=%s stream=%016llx", log_quote(source->name), (unsigned long long) id);
    if (stream != NULL)
        return;
    stream = xcalloc(1, sizeof *stream);
    stream->ingest = self;
    stream->source = source;
    stream->id = id;
    map_put_u64(self->streams, id, stream);
    source->streams[source->n_streams++] = stream;
}

static void
s_remove_stream(ingest_t *self, struct source *source, uint32_t at)
{
    struct stream *stream = source->streams[at];

    source->streams[at] = source->streams[--source->n_streams];
    map_remove_u64(self->streams, stream->id);
    s_close_lane(stream);
    free(stream);
}

// What is left of the stream is its name, and `next` if it has ended.
static void
s_close_lane(struct stream *stream)
{
    for (uint32_t slot = 0; slot < stream->n_slots; slot++)
        stream->source->n_series -= stream->series[slot].id != 0;
    lane_destroy(&stream->lane);
    free(stream->series);
    stream->series = NULL;
    stream->n_slots = 0;
}

static void
s_free_source(ingest_t *self, struct source *source)
{
    while (source->n_streams > 0)
        s_remove_stream(self, source, source->n_streams - 1);
    free(source->name);
    free(source);
}

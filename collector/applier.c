// applier - see the header.
//
// Some 520 lines, one thing: what the lanes of a host call back into shares the record at hand.

#include "collector/applier.h"

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
#include "shared/wire/lane.h"
#include "shared/wire/live.h"

#define SAY_AGAIN_MS 10000
// A stream with series that the store had no room for asks again this often.
#define RETRY_MS 60000

// One host's end of the wire.
struct source {
    uint64_t host;
    char *name;        // becomes `instance`; NULL: nobody has said it yet
    uint64_t nonce;    // of the agent's start, as last heard; 0: not yet
    uint32_t n_series; // defined slots of its streams
    uint32_t n_streams;
    uint32_t size; // allocated
    struct stream **streams;
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
    applier_t *applier;
    struct source *source;
    uint64_t id;
    lane_t *lane;
    bool wants_table;      // has series that have no id
    struct series *series; // by slot
    uint32_t n_slots;      // allocated, all set
    uint64_t evicted;      // of the store, when `series` were last looked through
    int64_t retry_ms;      // monotonic, when to ask for series the store refused; 0: none
};

struct applier {
    store_t *store;
    event_log_t *events;
    uint32_t most_series;            // of one host
    struct applier_live live;        // all NULL while quiet
    map_t *sources;                  // host -> source
    map_t *streams;                  // id -> stream
    struct host_time now;            // of the record at hand
    uint8_t flags;                   // of the record at hand
    int64_t t0_ms;                   // of the record at hand
    uint64_t given;                  // samples of the record at hand that the store was given
    struct applier_fate fate;        // of the others
    struct row_builder build[KINDS]; // of the block at hand
    struct row_list rows;            // of the record at hand; marked with their kind
    int64_t said_ms[STAT_COUNT];     // when a reason was last logged
};

static uint64_t s_fate(applier_t *self, uint64_t refused);
static struct source *s_source(applier_t *self, uint64_t host);
static struct stream *s_stream(applier_t *self, struct source *source, uint64_t id);
static void s_open_lane(struct stream *stream);
static void s_accept(struct stream *stream, const struct record *record);
static void s_count(const struct lane_counters *before, const struct lane_counters *after);
static int s_define(void *arg, const struct slot_def *def);
static enum kind s_kind(const struct label_set *labels);
static void s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values,
                  uint32_t n);
static void s_give_all(applier_t *self, const struct source *source);
static void s_give(applier_t *self, enum kind kind, const struct store_row *row);
static void s_gap(void *arg, uint64_t from, const struct gap *gap);
static void s_event(void *arg, const struct record *record);
static void s_drop_evicted(struct stream *stream);
static void s_build(struct stream *stream, const uint32_t *slots, const double *values, uint32_t n);
static void s_remove_stream(applier_t *self, struct source *source, uint32_t at);
static void s_remove_streams(applier_t *self, struct source *source);

applier_t *
applier_new(store_t *store, event_log_t *events, uint32_t most_series)
{
    applier_t *self = xcalloc(1, sizeof *self);

    self->store = store;
    self->events = events;
    self->most_series = most_series;
    self->sources = map_new();
    self->streams = map_new();
    return self;
}

void
applier_destroy(applier_t **self_p)
{
    applier_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->sources, &at, &entry)) {
        struct source *source = entry.value;

        s_remove_streams(self, source);
        free(source->streams);
        free(source->name);
        free(source);
    }
    map_destroy(&self->sources);
    map_destroy(&self->streams);
    for (unsigned i = 0; i < KINDS; i++)
        row_builder_release(&self->build[i]);
    row_list_release(&self->rows);
    free(self);
    *self_p = NULL;
}

void
applier_attach(applier_t *self, const struct applier_live *live)
{
    self->live = *live;
}

void
applier_name(applier_t *self, uint64_t host, const char *name)
{
    struct source *source = s_source(self, host);

    if (source->name != NULL && strcmp(source->name, name) == 0)
        return;
    s_remove_streams(self, source);
    free(source->name);
    source->name = xstrdup(name);
}

void
applier_hello(applier_t *self, const struct host *host, const uint64_t *streams, uint32_t n)
{
    struct source *source = s_source(self, host->info.host);
    const bool renamed = source->name == NULL || strcmp(source->name, host->info.name) != 0;

    applier_name(self, host->info.host, host->info.name);
    // What an agent's topics carry begins anew with it.
    if (renamed || source->nonce != host->nonce)
        publisher_reset(self->live.publisher, source->host);
    source->nonce = host->nonce;
    for (uint32_t i = source->n_streams; i-- > 0;) {
        bool named = false;

        for (uint32_t j = 0; j < n && !named; j++)
            named = streams[j] == source->streams[i]->id;
        if (!named)
            s_remove_stream(self, source, i);
    }
}

uint64_t
applier_record(applier_t *self, uint64_t host, uint8_t flags, const struct record *record,
               struct host_time now)
{
    const bool repeat = (flags & FRAME_REPEAT) != 0;
    struct source *source = s_source(self, host);
    struct stream *stream = source->name == NULL ? NULL : s_stream(self, source, record->stream);

    self->now = now;
    self->flags = flags;
    self->t0_ms = record->t0_ms;
    self->given = 0;
    self->fate = (struct applier_fate){ 0 };
    if (stream != NULL)
        s_accept(stream, record);
    if (repeat || self->given > record->count)
        return 0;
    return s_fate(self, record->count - self->given);
}

// So many were not stored; what is not counted by cause could not be read.
static uint64_t
s_fate(applier_t *self, uint64_t refused)
{
    uint64_t *by_cause = self->fate.refused;
    const uint64_t known = by_cause[REFUSED_FUTURE] + by_cause[REFUSED_LIMIT];

    by_cause[REFUSED_UNREADABLE] = refused > known ? refused - known : 0;
    return refused;
}

void
applier_fate(const applier_t *self, struct applier_fate *ret)
{
    *ret = self->fate;
}

void
applier_forget(applier_t *self, uint64_t host)
{
    struct source *source = map_remove_u64(self->sources, host);

    event_log_forget(self->events, host);
    if (source == NULL)
        return;
    s_remove_streams(self, source);
    free(source->streams);
    free(source->name);
    free(source);
}

static struct source *
s_source(applier_t *self, uint64_t host)
{
    struct source *source = map_get_u64(self->sources, host);

    if (source == NULL) {
        source = xcalloc(1, sizeof *source);
        source->host = host;
        map_put_u64(self->sources, host, source);
    }
    return source;
}

// NULL if it is another host's.
static struct stream *
s_stream(applier_t *self, struct source *source, uint64_t id)
{
    struct stream *stream = map_get_u64(self->streams, id);

    if (stream != NULL)
        return stream->source == source ? stream : NULL;
    stream = xcalloc(1, sizeof *stream);
    stream->applier = self;
    stream->source = source;
    stream->id = id;
    s_open_lane(stream);
    map_put_u64(self->streams, id, stream);
    if (source->n_streams == source->size) {
        source->size = source->size == 0 ? 4 : 2 * source->size;
        source->streams = xrealloc(source->streams, source->size, sizeof(struct stream *));
    }
    source->streams[source->n_streams++] = stream;
    return stream;
}

// At the first frame: a HELLO may name 33 streams, and most never send.
static void
s_open_lane(struct stream *stream)
{
    struct lane_handler handler = {
        .arg = stream, .define = s_define, .row = s_row, .gap = s_gap, .event = s_event
    };

    stream->lane = lane_new(stream->id, &handler);
}

// The lane calls back into s_define, s_row, s_gap and s_event below. Acceptance was decided before:
// it is told a base that makes no hole of what another collector has.
static void
s_accept(struct stream *stream, const struct record *record)
{
    applier_t *self = stream->applier;
    const struct frame_prefix prefix = { .flags = self->flags, .base = record->seq };
    struct lane_counters before;
    struct store_stat stored;
    uint64_t conflicts;
    bool ask;
    int rc;

    s_drop_evicted(stream);
    before = *lane_counters(stream->lane);
    rc = lane_accept(stream->lane, &prefix, record);
    store_stat(self->store, &stored);
    conflicts = stored.conflicts;
    s_give_all(self, stream->source);
    store_stat(self->store, &stored);
    self->fate.conflicts = stored.conflicts - conflicts;
    self->fate.refused[REFUSED_LIMIT] += lane_counters(stream->lane)->refused - before.refused;
    s_count(&before, lane_counters(stream->lane));
    ask = rc == ERR_NEED_KEY || rc == ERR_FORMAT || stream->wants_table;
    if (!ask && stream->retry_ms != 0 && self->now.mono_ms >= stream->retry_ms) {
        stream->retry_ms = 0;
        ask = true;
    }
    if (ask && self->live.ask != NULL)
        self->live.ask(self->live.arg, stream->source->host, stream->id);
    if (lane_ended(stream->lane)) {
        struct source *source = stream->source;

        for (uint32_t i = source->n_streams; i-- > 0;)
            if (source->streams[i] == stream)
                s_remove_stream(self, source, i);
    }
}

// Whether who watches shall see the record at hand.
static bool
s_is_live(const applier_t *self)
{
    return self->live.publisher != NULL && (self->flags & FRAME_BACKLOG) == 0;
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

// A series of the store for this slot. Refused ones are counted by the lane, sample by sample. What
// the store had no room for is tried again after a while; the agent's own limit is final.
static int
s_define(void *arg, const struct slot_def *def)
{
    struct stream *stream = arg;
    applier_t *self = stream->applier;
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
    if (source->n_series >= self->most_series)
        return ERR_LIMIT;
    rc = label_set_with(&labels, &def->labels, "instance", source->name);
    if (rc < 0)
        return rc;
    rc = store_series(self->store, source->host, &labels, def->kind, &id);
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
    applier_t *self = stream->applier;

    if (time_ms > self->now.real_ms + APPLIER_FUTURE_MS) {
        selfstat_add(STAT_SAMPLES_FUTURE, n);
        self->fate.refused[REFUSED_FUTURE] += n;
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

// The rows of a record. The publisher is told of all their series ahead: a new application's first
// row needs a table, and 256 new ones in a frame need one, not 256.
static void
s_give_all(applier_t *self, const struct source *source)
{
    const bool live = s_is_live(self);
    struct store_row row;

    for (uint32_t i = 0; i < self->rows.n && live; i++) {
        const int kind = row_list_get(&self->rows, i, source->host, &row);

        publisher_series(self->live.publisher, s_topics[kind], &row);
    }
    for (uint32_t i = 0; i < self->rows.n; i++) {
        const int kind = row_list_get(&self->rows, i, source->host, &row);

        s_give(self, (enum kind) kind, &row);
    }
    row_list_clear(&self->rows);
}

// Stored first, then published: who asks after hearing of a row finds it.
static void
s_give(applier_t *self, enum kind kind, const struct store_row *row)
{
    const uint64_t number = store_append(self->store, row);

    selfstat_add(STAT_ROWS, 1);
    selfstat_add(STAT_SAMPLES, row->n);
    if (kind == KIND_APPS)
        selfstat_add(STAT_SAMPLES_APPS, row->n);
    self->given += row->n;
    if (self->live.hosts != NULL)
        // An application's clock may be ahead; what the host has last said of itself is not.
        host_table_sample(self->live.hosts, row->host,
                          row->time_ms < self->t0_ms ? row->time_ms : self->t0_ms);
    if (s_is_live(self))
        publisher_row(self->live.publisher, s_topics[kind], row, number);
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    const struct stream *stream = arg;

    log_debug("records are missing", "host=%s stream=%016llx from=%llu to=%llu cause=%u",
              log_quote(stream->source->name), (unsigned long long) stream->id,
              (unsigned long long) from, (unsigned long long) gap->to, gap->cause);
}

// Kept first, then published, as rows are.
static void
s_event(void *arg, const struct record *record)
{
    const struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct host_event event;
    const int rc = event_log_take(self->events, &event, stream->source->host, record,
                                  self->now.real_ms);

    selfstat_add(STAT_EVENTS, rc == 1);
    selfstat_add(STAT_EVENTS_WORDLESS, rc < 0);
    if (rc == 1 && s_is_live(self))
        publisher_event(self->live.publisher, &event, record);
}

// The store gave up series since we last looked: those of ours among them are made again at the
// next TABLE, which is asked for.
static void
s_drop_evicted(struct stream *stream)
{
    store_t *store = stream->applier->store;
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
    struct row_builder *rows = stream->applier->build;
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
    stream->applier->fate.refused[REFUSED_LIMIT] += missing;
}

static void
s_remove_stream(applier_t *self, struct source *source, uint32_t at)
{
    struct stream *stream = source->streams[at];

    source->streams[at] = source->streams[--source->n_streams];
    map_remove_u64(self->streams, stream->id);
    for (uint32_t slot = 0; slot < stream->n_slots; slot++)
        source->n_series -= stream->series[slot].id != 0;
    lane_destroy(&stream->lane);
    free(stream->series);
    free(stream);
}

static void
s_remove_streams(applier_t *self, struct source *source)
{
    while (source->n_streams > 0)
        s_remove_stream(self, source, source->n_streams - 1);
}

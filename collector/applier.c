// applier - hosts, their streams, and what becomes of each record. See the header.

#include "collector/applier.h"

#include <stdlib.h>
#include <string.h>

#include "collector/applier_inner.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/import_host.h"

static void s_leave_name(applier_t *self, struct source *source);
static uint64_t s_fate(applier_t *self, uint64_t refused);
static void s_publish_anew(applier_t *self, struct source *source);
static struct source *s_source(applier_t *self, uint64_t host);
static struct stream *s_stream(applier_t *self, uint64_t host, uint64_t id);
static struct stream *s_add_stream(applier_t *self, struct source *source, uint64_t id);
static void s_accept(struct stream *stream, const struct record *record);
static void s_count(const struct lane_counters *before, const struct lane_counters *after);
static void s_remove_stream(applier_t *self, struct source *source, uint32_t at);
static void s_remove_streams(applier_t *self, struct source *source);

applier_t *
applier_new(local_store_t *store, event_log_t *events, const struct applier_limits *most)
{
    applier_t *self = xcalloc(1, sizeof *self);

    self->local = store;
    self->store = local_store_face(store);
    self->events = events;
    self->most = *most;
    self->sources = map_new();
    self->streams = map_new();
    self->names = map_new();
    self->metrics = metric_names_new();
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
    map_destroy(&self->names);
    for (unsigned i = 0; i < KINDS; i++)
        row_builder_release(&self->build[i]);
    row_list_release(&self->rows);
    metric_names_destroy(&self->metrics);
    free(self->held);
    free(self->decided);
    free(self->part.blocks);
    free(self->part.slots);
    free(self->part.cells);
    free(self->part.keep);
    row_room_release(&self->room);
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
    s_leave_name(self, source);
    source->name = xstrdup(name);
    source->imported = source->host == import_host_id(name, strlen(name));
    if (!source->imported)
        map_put(self->names, name, strlen(name), source);
}

// It is free for others, unless one of them has it already.
static void
s_leave_name(applier_t *self, struct source *source)
{
    if (source->name == NULL)
        return;
    if (map_get(self->names, source->name, strlen(source->name)) == source)
        map_remove(self->names, source->name, strlen(source->name));
    free(source->name);
    source->name = NULL;
}

uint64_t
applier_into(const applier_t *self, uint64_t host)
{
    const struct source *source = map_get_u64(self->sources, host);
    const struct source *agent;

    if (source == NULL || source->name == NULL || !source->imported)
        return host;
    // Streams of one instance stand together.
    if (source->n_streams > 0)
        return source->streams[0]->host;
    agent = map_get(self->names, source->name, strlen(source->name));
    return agent != NULL ? agent->host : host;
}

void
applier_hello(applier_t *self, const struct host *host, const uint64_t *streams, uint32_t n)
{
    struct source *source = s_source(self, host->info.host);
    const bool renamed = source->name == NULL || strcmp(source->name, host->info.name) != 0;

    applier_name(self, host->info.host, host->info.name);
    for (uint32_t i = source->n_streams; i-- > 0;) {
        bool named = false;

        for (uint32_t j = 0; j < n && !named; j++)
            named = streams[j] == source->streams[i]->id;
        if (!named)
            s_remove_stream(self, source, i);
    }
    // What an agent's topics carry begins anew with it.
    if (renamed || source->nonce != host->nonce)
        s_publish_anew(self, source);
    source->nonce = host->nonce;
}

// Streams that go on have told the publisher of their series once, and would not again: rows that
// waited for the replay are read before the HELLO that came ahead of them.
static void
s_publish_anew(applier_t *self, struct source *source)
{
    publisher_reset(self->live.publisher, source->host);
    for (uint32_t i = 0; i < source->n_streams; i++) {
        struct stream *stream = source->streams[i];

        stream->n_new = 0;
        for (uint32_t slot = 0; slot < stream->n_slots; slot++) {
            stream->series[slot].admitted = false;
            stream->n_new += stream->series[slot].id != 0;
        }
    }
}

void
applier_lanes(applier_t *self, const lane_table_t *lanes)
{
    self->lanes = lanes;
}

bool
applier_next_decided(applier_t *self, struct journal_id *ret,
                     const struct slot_decisions **decided_ret)
{
    while (self->n_decided > 0) {
        const struct journal_id id = self->decided[--self->n_decided];
        struct stream *stream = map_get_u64(self->streams, id.stream);

        if (stream == NULL || !stream->to_tell) // it ended meanwhile, and has no more records
            continue;
        stream->to_tell = false;
        *ret = id;
        *decided_ret = &stream->decided;
        return true;
    }
    return false;
}

void
applier_share(applier_t *self, struct record_share share)
{
    self->share = share;
}

void
applier_segment(applier_t *self, uint64_t segment)
{
    self->segment = segment;
}

uint64_t
applier_record(applier_t *self, uint64_t host, uint8_t flags, const struct record *record,
               struct host_time now)
{
    const bool repeat = (flags & FRAME_REPEAT) != 0;
    struct stream *stream = s_stream(self, host, record->stream);

    self->now = now;
    self->flags = flags;
    self->record = record;
    self->taken = (struct applier_taken){ 0 };
    self->fate = (struct applier_fate){ 0 };
    if (stream != NULL)
        s_accept(stream, record);
    self->share = (struct record_share){ 0 };
    if (repeat || self->taken.given > record->count)
        return 0;
    return s_fate(self, record->count - self->taken.given);
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

uint64_t
applier_slot_bytes(const applier_t *self, uint64_t host)
{
    const struct source *source = map_get_u64(self->sources, host);
    uint64_t bytes = 0;

    for (uint32_t i = 0; source != NULL && i < source->n_streams; i++) {
        const struct stream *stream = source->streams[i];

        bytes += lane_bytes(stream->lane) + store_lane_bytes(stream->into) +
                 stream->n_slots * sizeof *stream->series;
    }
    return bytes;
}

void
applier_forget(applier_t *self, uint64_t host)
{
    struct source *source = map_remove_u64(self->sources, host);

    event_log_forget(self->events, host);
    if (source == NULL)
        return;
    s_remove_streams(self, source);
    s_leave_name(self, source);
    free(source->streams);
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

// NULL if it is another host's, or nobody has said what the host is called.
static struct stream *
s_stream(applier_t *self, uint64_t host, uint64_t id)
{
    struct stream *stream = map_get_u64(self->streams, id);

    if (stream != NULL)
        return stream->source->host == host ? stream : NULL;
    return s_add_stream(self, s_source(self, host), id);
}

static struct stream *
s_add_stream(applier_t *self, struct source *source, uint64_t id)
{
    const struct lane_entry *lane = NULL;
    struct stream *stream;

    if (source->name == NULL)
        return NULL;
    stream = xcalloc(1, sizeof *stream);
    stream->applier = self;
    stream->source = source;
    stream->id = id;
    stream->host = applier_into(self, source->host);
    // At the first frame: a HELLO may name 33 streams, and most never send.
    stream->lane = applier_lane_new(stream);
    stream->into = store_lane_open(self->local, stream->host, id);
    if (self->lanes != NULL)
        lane = lane_table_find(self->lanes, source->host, id);
    if (lane != NULL && lane->decided.below > 0) {
        slot_decisions_copy(&stream->decided, &lane->decided);
        stream->decided_before = lane->decided.below;
        agent_minutes_restore(&source->minutes, lane->decided.minute, lane->decided.made);
    }
    map_put_u64(self->streams, id, stream);
    if (source->n_streams == source->size) {
        source->size = source->size == 0 ? 4 : 2 * source->size;
        source->streams = xrealloc(source->streams, source->size, sizeof(struct stream *));
    }
    source->streams[source->n_streams++] = stream;
    return stream;
}

// Acceptance was decided before: the lane is told a base that makes no hole of what another
// collector has.
static void
s_accept(struct stream *stream, const struct record *record)
{
    applier_t *self = stream->applier;
    const struct frame_prefix prefix = { .flags = self->flags, .base = record->seq };
    const struct lane_counters before = *lane_counters(stream->lane);
    uint64_t refused;
    bool ask;
    int rc;

    self->taken.seen = before.samples;
    rc = lane_accept(stream->lane, &prefix, record);
    refused = lane_counters(stream->lane)->refused - before.refused;
    self->fate.refused[REFUSED_LIMIT] += refused;
    // What no slot was named for is rows without the room.
    if (refused > self->taken.by_slot)
        applier_refused(stream, LIMIT_ROOM, 0, refused - self->taken.by_slot);
    if (self->taken.shared)
        applier_part_end(stream, rc != ERR_FORMAT);
    applier_refused(stream, 0, 0, 0);
    // What the journal can not say again was read when it came, or told then.
    if (self->live.hosts != NULL)
        s_count(&before, lane_counters(stream->lane));
    if (self->taken.begun && rc != ERR_FORMAT) {
        applier_give(stream);
    } else {
        store_lane_abandon(stream->into);
        self->taken.given = 0;
        row_list_clear(&self->rows);
    }
    ask = rc == ERR_NEED_KEY || rc == ERR_FORMAT;
    if (!ask && stream->retry_ms != 0 && self->now.mono_ms >= stream->retry_ms) {
        stream->retry_ms = 0;
        stream->retried_ms = self->now.mono_ms;
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

static void
s_remove_stream(applier_t *self, struct source *source, uint32_t at)
{
    struct stream *stream = source->streams[at];

    source->streams[at] = source->streams[--source->n_streams];
    map_remove_u64(self->streams, stream->id);
    for (uint32_t slot = 0; slot < stream->n_slots; slot++)
        if (stream->series[slot].id != 0)
            applier_unhold(stream, stream->series[slot].id);
    source->n_slots -= stream->room;
    // There is room again for those that had none.
    for (uint32_t i = 0; i < source->n_streams && stream->room > 0; i++)
        if (source->streams[i]->retry_ms != 0)
            source->streams[i]->retry_ms = INT64_MIN;
    lane_destroy(&stream->lane);
    store_lane_close(&stream->into);
    free(stream->series);
    slot_refusals_release(&stream->decided.refusals);
    free(stream);
}

static void
s_remove_streams(applier_t *self, struct source *source)
{
    while (source->n_streams > 0)
        s_remove_stream(self, source, source->n_streams - 1);
}

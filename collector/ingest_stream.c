// ingest_stream - see the header.

#include "collector/ingest_stream.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"

#define SIZE_FIRST 1024u // bytes of a record, before one was seen
#define SIZE_LEAST 128u
#define SIZE_FADES 64u // records until a large one counts for a third

// Streams, each once, in no order that matters.
struct list {
    struct stream **items;
    size_t n, size;
};

struct ingest_streams {
    struct ingest *ingest;
    map_t *sources; // host -> source
    map_t *streams; // id -> stream
    struct list due;
    struct list refused;
};

static struct source *s_source(ingest_streams_t *self, const struct host *host);
static bool s_named(const struct hello_stream *streams, uint32_t n, uint64_t id);
static void s_add_stream(ingest_streams_t *self, struct source *source, uint64_t id,
                         const lane_table_t *lanes);
static void s_remove_stream(ingest_streams_t *self, struct source *source, uint32_t at);
static void s_free_source(ingest_streams_t *self, struct source *source);
static void s_push(struct list *list, struct stream *stream);
static void s_drop(struct list *list, const struct stream *stream);
static struct stream *s_pop(struct list *list);

ingest_streams_t *
ingest_streams_new(struct ingest *ingest)
{
    ingest_streams_t *self = xcalloc(1, sizeof *self);

    self->ingest = ingest;
    self->sources = map_new();
    self->streams = map_new();
    return self;
}

void
ingest_streams_destroy(ingest_streams_t **self_p)
{
    ingest_streams_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->sources, &at, &entry))
        s_free_source(self, entry.value);
    map_destroy(&self->sources);
    map_destroy(&self->streams);
    free(self->due.items);
    free(self->refused.items);
    free(self);
    *self_p = NULL;
}

void
ingest_streams_hello(ingest_streams_t *self, const struct host *host,
                     const struct hello_stream *streams, uint32_t n, const lane_table_t *lanes)
{
    struct source *source = s_source(self, host);

    source->imported = host->imported;
    if (strcmp(source->name, host->info.name) != 0) {
        free(source->name);
        source->name = xstrdup(host->info.name);
        source->said = false;
    }
    for (uint32_t i = source->n_streams; i-- > 0;) {
        if (!s_named(streams, n, source->streams[i]->id))
            s_remove_stream(self, source, i);
    }
    for (uint32_t i = 0; i < n; i++)
        s_add_stream(self, source, streams[i].stream, lanes);
}

void
ingest_streams_forget(ingest_streams_t *self, uint64_t host)
{
    struct source *source = map_remove_u64(self->sources, host);

    if (source != NULL)
        s_free_source(self, source);
}

void
ingest_streams_tell_one(const ingest_streams_t *self, applier_t *applier, const struct host *host)
{
    const struct source *source = map_get_u64(self->sources, host->info.host);
    uint64_t ids[CONTROL_STREAMS_MAX];

    if (source == NULL)
        return;
    for (uint32_t i = 0; i < source->n_streams; i++)
        ids[i] = source->streams[i]->id;
    applier_hello(applier, host, ids, source->n_streams);
}

void
ingest_streams_tell(const ingest_streams_t *self, applier_t *applier, const host_table_t *hosts)
{
    const struct host *host;
    size_t at = 0;

    while ((host = host_table_next(hosts, &at)) != NULL)
        ingest_streams_tell_one(self, applier, host);
}

struct stream *
ingest_streams_find(const ingest_streams_t *self, uint64_t id)
{
    return map_get_u64(self->streams, id);
}

struct source *
ingest_streams_source(const ingest_streams_t *self, uint64_t host)
{
    return map_get_u64(self->sources, host);
}

size_t
ingest_streams_count(const ingest_streams_t *self)
{
    return map_count(self->streams);
}

struct stream *
ingest_streams_next(const ingest_streams_t *self, size_t *at)
{
    struct map_entry entry;

    return map_next(self->streams, at, &entry) ? entry.value : NULL;
}

void
ingest_streams_due(ingest_streams_t *self, struct stream *stream)
{
    if (!stream->due)
        s_push(&self->due, stream);
    stream->due = true;
}

struct stream *
ingest_streams_next_due(ingest_streams_t *self)
{
    struct stream *stream = s_pop(&self->due);

    if (stream != NULL)
        stream->due = false;
    return stream;
}

void
ingest_streams_refused(ingest_streams_t *self, struct stream *stream)
{
    if (!stream->told)
        s_push(&self->refused, stream);
    stream->told = true;
}

struct stream *
ingest_streams_next_refused(ingest_streams_t *self)
{
    struct stream *stream = s_pop(&self->refused);

    if (stream != NULL)
        stream->told = false;
    return stream;
}

// What is not readable as an identity is the applier's affair. Who said HELLO as an agent speaks of
// its own host alone, so none of its frames is an import's; and the other way round.
bool
ingest_stream_fits(const struct stream *stream, const struct frame_prefix *prefix,
                   const struct record *record)
{
    struct identity id;
    struct rbuf r;

    if (((prefix->flags & FRAME_IMPORT) != 0) != stream->source->imported)
        return false;
    if (record->type != RECORD_IDENT)
        return true;
    rbuf_init(&r, record->body, record->body_len);
    return identity_take(&r, &id) < 0 || id.host == stream->source->host;
}

struct lane_entry *
ingest_stream_lane(struct stream *stream, const lane_table_t *lanes)
{
    if (stream->lane == NULL)
        stream->lane = lane_table_find(lanes, stream->source->host, stream->id);
    return stream->lane;
}

void
ingest_streams_forgotten(ingest_streams_t *self)
{
    struct stream *stream;
    size_t at = 0;

    while ((stream = ingest_streams_next(self, &at)) != NULL)
        stream->lane = NULL;
}

// A KEY is larger than a DELTA, and comes seldom: what it said fades slowly.
void
ingest_stream_sized(struct stream *stream, size_t bytes)
{
    const uint32_t faded = stream->size - stream->size / SIZE_FADES;

    stream->size = bytes > faded ? (uint32_t) bytes : faded;
}

uint64_t
ingest_stream_credit(struct stream *stream, uint64_t next, uint64_t bytes)
{
    uint32_t size = stream->size == 0 ? SIZE_FIRST : stream->size;

    size = size < SIZE_LEAST ? SIZE_LEAST : size;
    if (stream->limit < next)
        stream->limit = next;
    if (bytes > 0 && stream->limit < next + bytes / size + 1)
        stream->limit = next + bytes / size + 1;
    return stream->limit;
}

static struct source *
s_source(ingest_streams_t *self, const struct host *host)
{
    struct source *source = map_get_u64(self->sources, host->info.host);

    if (source == NULL) {
        source = xcalloc(1, sizeof *source);
        source->host = host->info.host;
        source->name = xstrdup(host->info.name);
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
s_add_stream(ingest_streams_t *self, struct source *source, uint64_t id, const lane_table_t *lanes)
{
    const struct lane_entry *lane = lane_table_find(lanes, source->host, id);
    struct stream *stream = map_get_u64(self->streams, id);

    if (stream != NULL && stream->source != source)
        log_warn("a stream of another host was named: it stays that one's",
                 "host=%s stream=%016llx", log_quote(source->name), (unsigned long long) id);
    if (stream != NULL)
        return;
    stream = xcalloc(1, sizeof *stream);
    stream->ingest = self->ingest;
    stream->source = source;
    stream->id = id;
    stream->tabled = UINT64_MAX;
    stream->next = lane == NULL ? 0 : lane->next;
    stream->ended = lane != NULL && lane->ended;
    map_put_u64(self->streams, id, stream);
    source->streams[source->n_streams++] = stream;
}

static void
s_remove_stream(ingest_streams_t *self, struct source *source, uint32_t at)
{
    struct stream *stream = source->streams[at];

    source->streams[at] = source->streams[--source->n_streams];
    map_remove_u64(self->streams, stream->id);
    s_drop(&self->due, stream);
    s_drop(&self->refused, stream);
    free(stream);
}

static void
s_free_source(ingest_streams_t *self, struct source *source)
{
    while (source->n_streams > 0)
        s_remove_stream(self, source, source->n_streams - 1);
    free(source->name);
    free(source);
}

static void
s_push(struct list *list, struct stream *stream)
{
    if (list->n == list->size) {
        list->size = list->size == 0 ? 16 : 2 * list->size;
        list->items = xrealloc(list->items, list->size, sizeof(struct stream *));
    }
    list->items[list->n++] = stream;
}

static void
s_drop(struct list *list, const struct stream *stream)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i] == stream)
            list->items[i--] = list->items[--list->n];
}

static struct stream *
s_pop(struct list *list)
{
    return list->n == 0 ? NULL : list->items[--list->n];
}

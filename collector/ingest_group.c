// ingest_group - see the header.

#include "collector/ingest_group.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define PROBE_BYTES (64u * 1024u)
#define KIND_PROBE  0xffu // of an entry that nobody reads

static void s_keep(map_t **stood, const struct journal_entry *stands);
static void s_forget(map_t **stood);
static void s_stands(struct ingest_group *self, const struct journal_entry *stands);

void
ingest_group_release(struct ingest_group *self)
{
    journal_group_free(self->open);
    journal_group_free(self->spare);
    self->open = self->spare = NULL;
    s_forget(&self->stood);
    s_forget(&self->stood_at_disk);
}

void
ingest_group_add(struct ingest_group *self, struct source *source, const struct journal_item *item,
                 const void *at, size_t len)
{
    // How the host is called goes ahead of the first of its records that says so.
    if (item->kept && source != NULL && !source->said) {
        const char *name = lane_table_name(self->lanes, item->host);

        source->said = true;
        if (name == NULL || strcmp(name, source->name) != 0) {
            struct journal_item host = *item;
            struct buf body = { 0 };

            host.kind = JOURNAL_HOST;
            host.flags = 0;
            journal_name_put(&body, source->name);
            journal_group_add(self->open, &host, body.at, body.len);
            self->held += body.len;
            buf_release(&body);
        }
    }
    journal_group_add(self->open, item, at, len);
    self->held += len;
}

void
ingest_group_add_share(struct ingest_group *self, struct source *source,
                       const struct journal_item *item, struct record_share share, const void *at,
                       size_t len)
{
    struct journal_item some = *item;
    struct buf body = { 0 };

    if (share.limit == 0) {
        ingest_group_add(self, source, item, at, len);
        return;
    }
    some.flags |= JOURNAL_SHARE;
    journal_share_put(&body, &share);
    buf_bytes(&body, at, len);
    ingest_group_add(self, source, &some, body.at, body.len);
    buf_release(&body);
}

void
ingest_group_before(struct ingest_group *self, uint64_t host, int64_t now_ms, uint64_t samples)
{
    const struct journal_item item = {
        .host = host, .received_ms = now_ms, .kind = JOURNAL_BEFORE, .kept = true
    };
    struct buf body = { 0 };

    journal_before_put(&body, samples);
    ingest_group_add(self, ingest_streams_source(self->streams, host), &item, body.at, body.len);
    buf_release(&body);
}

void
ingest_group_stands(struct ingest_group *self, const struct journal_entry *stands, bool full)
{
    self->stood_waits = full;
    s_keep(&self->stood, stands);
    if (!full)
        s_stands(self, stands);
}

// Of each stream the last: what the files have only grows.
static void
s_keep(map_t **stood, const struct journal_entry *stands)
{
    if (*stood == NULL)
        *stood = map_new();
    free(map_put_u64(*stood, stands->stream, xmemdup(stands, sizeof *stands)));
}

static void
s_forget(map_t **stood)
{
    struct map_entry entry;
    size_t at = 0;

    while (*stood != NULL && map_next(*stood, &at, &entry))
        free(entry.value);
    map_destroy(stood);
}

void
ingest_group_stands_again(struct ingest_group *self)
{
    struct map_entry entry;
    size_t at = 0;

    self->stood_waits = false;
    while (self->stood != NULL && map_next(self->stood, &at, &entry))
        s_stands(self, entry.value);
}

void
ingest_group_came(struct ingest_group *self, bool taken)
{
    struct map_entry entry;
    size_t at = 0;

    self->stood_waits = !taken;
    // One that was said since is the newer one.
    while (!taken && self->stood_at_disk != NULL && map_next(self->stood_at_disk, &at, &entry)) {
        const struct journal_entry *stands = entry.value;

        if (self->stood == NULL || map_get_u64(self->stood, stands->stream) == NULL)
            s_keep(&self->stood, stands);
    }
    s_forget(&self->stood_at_disk);
}

static void
s_stands(struct ingest_group *self, const struct journal_entry *stands)
{
    const struct journal_item item = { .host = stands->host,
                                       .received_ms = stands->received_ms,
                                       .kind = JOURNAL_STANDS,
                                       .kept = true };
    struct buf body = { 0 };

    journal_stands_put(&body, stands->stream, stands->next, stands->samples);
    ingest_group_add(self, ingest_streams_source(self->streams, stands->host), &item, body.at,
                     body.len);
    buf_release(&body);
}

void
ingest_group_refused(struct ingest_group *self, int64_t now_ms)
{
    struct stream *stream;

    while ((stream = ingest_streams_next_refused(self->streams)) != NULL) {
        const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);
        struct journal_item item = { .host = stream->source->host,
                                     .received_ms = now_ms,
                                     .kind = JOURNAL_REFUSED,
                                     .kept = true };
        struct buf body = { 0 };

        if (lane != NULL && lane->refused > 0) {
            journal_refused_put(&body, stream->id, lane->refused, lane->next);
            ingest_group_add(self, stream->source, &item, body.at, body.len);
        }
        if (lane != NULL && stream->decided) {
            item.kind = JOURNAL_LIMITS;
            buf_clear(&body);
            journal_limits_put(&body, stream->id, &lane->decided);
            ingest_group_add(self, stream->source, &item, body.at, body.len);
        }
        stream->decided = false;
        buf_release(&body);
    }
}

void
ingest_group_probe(struct ingest_group *self)
{
    const struct journal_item item = { .kind = KIND_PROBE, .kept = true };
    void *zeros = xcalloc(1, PROBE_BYTES);

    ingest_group_add(self, NULL, &item, zeros, PROBE_BYTES);
    free(zeros);
}

uint64_t
ingest_group_share(const struct ingest_group *self, uint64_t most, uint64_t agents)
{
    uint64_t share;

    if (self->held > most / 4 * 3)
        return 0;
    share = (most - self->held) / (agents > 0 ? agents : 1);
    return share < INGEST_SHARE_LEAST ? INGEST_SHARE_LEAST : share;
}

void
ingest_group_submit(struct ingest_group *self)
{
    self->busy = true;
    assert(self->stood_at_disk == NULL);
    if (!self->stood_waits) {
        self->stood_at_disk = self->stood;
        self->stood = NULL;
    }
    journal_submit(self->journal, &self->open);
    self->open = self->spare != NULL ? self->spare : journal_group_new();
    self->spare = NULL;
}

void
ingest_group_drop(struct ingest_group *self)
{
    self->held -= self->open->bytes.len;
    journal_group_clear(self->open);
}

void
ingest_group_done(struct ingest_group *self, struct journal_group *group)
{
    self->held -= group->bytes.len;
    journal_group_clear(group);
    if (self->spare == NULL)
        self->spare = group;
    else
        journal_group_free(group);
}

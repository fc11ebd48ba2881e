// ingest_group - see the header.

#include "collector/ingest_group.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define PROBE_BYTES (64u * 1024u)
#define KIND_PROBE  0xffu // of an entry that nobody reads

static void s_stands(struct ingest_group *self, const struct journal_entry *stands);

void
ingest_group_release(struct ingest_group *self)
{
    journal_group_free(self->open);
    journal_group_free(self->spare);
    self->open = self->spare = NULL;
    free(self->stood);
    self->stood = NULL;
    self->n_stood = 0;
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
    uint32_t i = 0;

    while (i < self->n_stood && self->stood[i].stream != stands->stream)
        i++;
    if (i == self->n_stood)
        self->stood = xrealloc(self->stood, ++self->n_stood, sizeof *self->stood);
    self->stood[i] = *stands;
    if (!full)
        s_stands(self, stands);
}

void
ingest_group_stands_again(struct ingest_group *self)
{
    for (uint32_t i = 0; i < self->n_stood; i++)
        s_stands(self, &self->stood[i]);
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

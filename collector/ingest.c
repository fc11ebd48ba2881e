// ingest - see the header.
//
// Some 600 lines, one thing: the way of a record from the wire to the applier, there and back.
//
// A stream's `next` here is what was staged; what is committed stands in `lanes`, a copy of the
// journal's own table that is kept by the same entries. Who asks is always told the latter.

#include "collector/ingest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/ingest_stream.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/body.h"

#define SAY_AGAIN_MS 10000
#define PROBE_BYTES  (64u * 1024u) // of what is written to see whether the disk has room again
#define KIND_PROBE   0xffu         // of an entry that nobody reads

struct ingest {
    struct ingest_options is;
    lane_table_t *lanes;            // what is committed
    ingest_streams_t *streams;      // what HELLOs named
    struct journal_group *open;     // being gathered
    struct journal_group *spare;    // for the next one
    bool busy;                      // a group is at the disk
    uint64_t held;                  // bytes of groups: gathered, at the disk and waiting
    struct journal_group **waiting; // committed, to be applied after the replay
    size_t n_waiting;
    bool replaying;
    bool full;                   // the journal has no room
    int64_t full_at_ms;          // monotonic, when to try it again
    int failed;                  // its final error, or 0
    struct host_time now;        // of the frame at hand
    int64_t said_ms[STAT_COUNT]; // when a reason was last logged
};

static void s_refuse(ingest_t *self, enum collector_stat reason, int rc, uint64_t stream);
static bool s_identity_fits(const struct stream *stream, const struct record *record);
static void s_repeat(struct stream *stream, const struct record *record, uint8_t flags,
                     const uint8_t *at, size_t len);
static void s_stage(struct stream *stream, const struct frame_prefix *prefix,
                    const struct record *record, const uint8_t *at, size_t len);
static void s_nak(struct stream *stream, uint8_t reason, int64_t *last_ms, int64_t every_ms);
static void s_add(ingest_t *self, const struct journal_item *item, const void *at, size_t len);
static void s_say_refused(ingest_t *self);
static void s_submit(ingest_t *self);
static void s_probe(ingest_t *self);
static void s_book(ingest_t *self, struct journal_group *group);
static void s_take_back(ingest_t *self);
static void s_has_room(ingest_t *self);
static void s_acks(ingest_t *self);
static uint64_t s_limit(ingest_t *self, struct stream *stream, uint64_t next);
static void s_apply(ingest_t *self, struct journal_group *group);
static void s_done(ingest_t *self, struct journal_group *group);
static void s_note_fate(ingest_t *self, const struct journal_entry *entry, uint64_t refused);
static bool s_entry(struct journal_entry *ret, const struct journal_group *group, uint32_t i);

ingest_t *
ingest_new(const struct ingest_options *options)
{
    ingest_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->lanes = lane_table_new();
    lane_table_copy(self->lanes, journal_lanes(options->journal));
    self->streams = ingest_streams_new(self);
    self->open = journal_group_new();
    self->replaying = true;
    return self;
}

void
ingest_destroy(ingest_t **self_p)
{
    ingest_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n_waiting; i++)
        journal_group_free(self->waiting[i]);
    free(self->waiting);
    journal_group_free(self->open);
    journal_group_free(self->spare);
    ingest_streams_destroy(&self->streams);
    lane_table_destroy(&self->lanes);
    free(self);
    *self_p = NULL;
}

void
ingest_frame(ingest_t *self, const void *at, size_t n, struct host_time now)
{
    struct frame_prefix prefix;
    struct record record;
    struct stream *stream;
    const int rc = frame_take(&prefix, &record, at, n);

    self->now = now;
    selfstat_add(STAT_FRAMES, 1);
    selfstat_add(STAT_BYTES, n);
    if (rc < 0) {
        s_refuse(self, rc == ERR_VERSION ? STAT_REFUSED_VERSION : STAT_REFUSED_FORMAT, rc, 0);
        return;
    }
    stream = ingest_streams_find(self->streams, record.stream);
    if (stream == NULL) {
        s_refuse(self, STAT_REFUSED_STREAM, ERR_UNKNOWN, record.stream);
        return;
    }
    if (stream->refused || !s_identity_fits(stream, &record)) {
        stream->refused = true;
        s_refuse(self, STAT_REFUSED_IDENTITY, ERR_UNKNOWN, record.stream);
        return;
    }
    if (self->full || self->failed != 0) {
        s_refuse(self, STAT_FRAMES_NO_STORAGE, -ENOSPC, record.stream);
        return;
    }
    if (self->held + n > self->is.receive_bytes) {
        s_refuse(self, STAT_FRAMES_NO_ROOM, ERR_LIMIT, record.stream);
        return;
    }
    at = (const uint8_t *) at + FRAME_PREFIX_SIZE;
    n -= FRAME_PREFIX_SIZE;
    if ((prefix.flags & FRAME_REPEAT) != 0)
        s_repeat(stream, &record, prefix.flags, at, n);
    else
        s_stage(stream, &prefix, &record, at, n);
}

void
ingest_flush(ingest_t *self, struct host_time now)
{
    self->now = now;
    if (self->full && !self->busy && now.mono_ms >= self->full_at_ms)
        s_probe(self);
    if (!self->busy && self->open->n > 0 && self->failed == 0) {
        s_say_refused(self);
        s_submit(self);
    }
    // Of what had come before: when nothing is on its way that would answer them.
    if (!self->busy)
        s_acks(self);
}

int
ingest_committed(ingest_t *self, struct host_time now)
{
    struct journal_group *group;

    self->now = now;
    journal_ack(self->is.journal);
    while ((group = journal_take(self->is.journal)) != NULL) {
        self->busy = false;
        self->failed = group->rc == -ENOSPC ? 0 : group->rc;
        if (self->failed != 0) {
            s_done(self, group);
            break;
        }
        s_book(self, group);
        if (group->rc == -ENOSPC)
            s_take_back(self);
        else if (self->full)
            s_has_room(self);
        s_acks(self);
        if (self->replaying) {
            self->waiting = xrealloc(self->waiting, self->n_waiting + 1, sizeof(void *));
            self->waiting[self->n_waiting++] = group;
        } else {
            s_apply(self, group);
        }
    }
    return self->failed;
}

bool
ingest_busy(const ingest_t *self)
{
    return self->busy || (self->open->n > 0 && self->failed == 0);
}

void
ingest_replayed(ingest_t *self, struct host_time now)
{
    assert(self->replaying);
    self->now = now;
    self->replaying = false;
    // HELLOs came meanwhile, and the applier knows of none.
    ingest_streams_tell(self->streams, self->is.applier, self->is.hosts);
    for (size_t i = 0; i < self->n_waiting; i++)
        s_apply(self, self->waiting[i]);
    free(self->waiting);
    self->waiting = NULL;
    self->n_waiting = 0;
}

bool
ingest_is_replaying(const ingest_t *self)
{
    return self->replaying;
}

void
ingest_hello(ingest_t *self, const struct host *host, const struct hello_stream *streams,
             uint32_t n)
{
    ingest_streams_hello(self->streams, host, streams, n, self->lanes);
    if (!self->replaying)
        ingest_streams_tell_one(self->streams, self->is.applier, host);
    selfstat_set(STAT_STREAMS, (int64_t) ingest_streams_count(self->streams));
}

struct welcome_stream
ingest_welcome(ingest_t *self, uint64_t host, uint64_t id)
{
    const struct lane_entry *lane = lane_table_find(self->lanes, host, id);
    struct stream *stream = ingest_streams_find(self->streams, id);
    struct welcome_stream ret = { .stream = id };

    if (lane != NULL) {
        ret.next = lane->next;
        ret.crc = lane->crc;
    }
    if (stream != NULL && stream->source->host == host)
        ret.limit = self->full ? ret.next : s_limit(self, stream, ret.next);
    return ret;
}

void
ingest_forget(ingest_t *self, uint64_t host)
{
    ingest_streams_forget(self->streams, host);
    if (!self->replaying)
        applier_forget(self->is.applier, host);
    selfstat_set(STAT_STREAMS, (int64_t) ingest_streams_count(self->streams));
}

const struct lane_host *
ingest_count(const ingest_t *self, uint64_t host)
{
    return lane_table_host(self->lanes, host);
}

void
ingest_before(ingest_t *self, uint64_t host, uint64_t samples)
{
    const struct journal_item item = {
        .host = host, .received_ms = self->now.real_ms, .kind = JOURNAL_BEFORE, .kept = true
    };
    struct buf body = { 0 };

    if (self->full || self->failed != 0)
        return; // measured again when its agent comes again
    journal_before_put(&body, samples);
    s_add(self, &item, body.at, body.len);
    buf_release(&body);
}

void
ingest_ask(void *arg, uint64_t host, uint64_t id)
{
    struct stream *stream = ingest_streams_find(((ingest_t *) arg)->streams, id);

    if (stream != NULL && stream->source->host == host)
        s_nak(stream, NAK_KEY, &stream->key_ms, INGEST_NAK_MS);
}

static void
s_refuse(ingest_t *self, enum collector_stat reason, int rc, uint64_t stream)
{
    selfstat_add(reason, 1);
    if (log_allow(&self->said_ms[reason], SAY_AGAIN_MS))
        log_warn("frame dropped", "stream=%016llx error=%s", (unsigned long long) stream,
                 log_quote(reason == STAT_REFUSED_STREAM      ? "no HELLO has named its stream"
                           : reason == STAT_REFUSED_IDENTITY  ? "it names another host"
                           : reason == STAT_FRAMES_NO_STORAGE ? "the journal can not be written"
                           : reason == STAT_FRAMES_NO_ROOM    ? "the memory for frames is used up"
                                                              : err_str(rc)));
}

// What is not readable as an identity is the applier's affair.
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

// Sets the decoder of the applier, in its place among the others. It belongs in the journal only
// where that alone would not do to read what comes.
static void
s_repeat(struct stream *stream, const struct record *record, uint8_t flags, const uint8_t *at,
         size_t len)
{
    ingest_t *self = stream->ingest;
    const struct lane_entry *lane = lane_table_find(self->lanes, stream->source->host, stream->id);
    struct journal_item item = { .host = stream->source->host,
                                 .received_ms = self->now.real_ms,
                                 .kind = JOURNAL_RECORD,
                                 .flags = flags };

    if (stream->ended)
        return;
    // As lane.c has it: definitions made for repeating alone have no place in the run.
    if (record->seq == stream->chain ||
        (record->type != RECORD_TABLE && record->type != RECORD_DEF))
        stream->chain = record->seq + 1;
    if (record->type == RECORD_TABLE)
        item.kept = lane == NULL || lane->n_defs == 0;
    else
        item.kept = lane == NULL || !lane_entry_is_whole(lane);
    s_add(self, &item, at, len);
}

static void
s_stage(struct stream *stream, const struct frame_prefix *prefix, const struct record *record,
        const uint8_t *at, size_t len)
{
    ingest_t *self = stream->ingest;
    const struct journal_item item = { .host = stream->source->host,
                                       .received_ms = self->now.real_ms,
                                       .kind = JOURNAL_RECORD,
                                       .flags = prefix->flags,
                                       .kept = true };
    uint64_t next = stream->next;
    struct gap gap;
    struct rbuf r;

    // A base past the record is nonsense, and must not carry `next` with it.
    if (prefix->base > next)
        next = prefix->base < record->seq ? prefix->base : record->seq;
    if (record->seq < next || stream->ended || record->seq == UINT64_MAX) {
        selfstat_add(STAT_LANE_DUPLICATES, 1);
        host_ledger_duplicate(self->is.ledger, stream->source->host);
        ingest_streams_due(self->streams, stream);
        // Right behind what was repeated, it leads the decoder to what is new, as repeats do: its
        // sender was told an older `next` than ours.
        if (record->seq == stream->chain && record->seq < stream->next)
            s_repeat(stream, record, prefix->flags | FRAME_REPEAT, at, len);
        return;
    }
    if (record->seq > next) {
        selfstat_add(STAT_FRAMES_AHEAD, 1);
        s_nak(stream, NAK_NEXT, &stream->next_ms, INGEST_NEXT_MS);
        return;
    }
    stream->next = record->seq + 1;
    stream->ended = record->type == RECORD_END;
    rbuf_init(&r, record->body, record->body_len);
    if (record->type == RECORD_GAP && gap_take(&r, &gap) == 0 && gap.to >= record->seq &&
        gap.to != UINT64_MAX)
        stream->next = gap.to + 1;
    stream->chain = stream->next;
    ingest_stream_sized(stream, len);
    s_add(self, &item, at, len);
}

// `next` of NEXT and STORAGE is where to go on; that of KEY only says how far we are.
static void
s_nak(struct stream *stream, uint8_t reason, int64_t *last_ms, int64_t every_ms)
{
    ingest_t *self = stream->ingest;
    const struct lane_entry *lane = lane_table_find(self->lanes, stream->source->host, stream->id);
    struct nak nak = { .reason = reason, .stream = stream->id, .next = stream->next };

    if (*last_ms != 0 && self->now.mono_ms - *last_ms < every_ms)
        return;
    *last_ms = self->now.mono_ms;
    if (reason == NAK_STORAGE)
        nak.next = lane == NULL ? 0 : lane->next;
    self->is.nak(self->is.arg, stream->source->host, &nak);
}

static void
s_add(ingest_t *self, const struct journal_item *item, const void *at, size_t len)
{
    struct source *source = ingest_streams_source(self->streams, item->host);

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

// What the applier has refused since, of streams that are in this group.
static void
s_say_refused(ingest_t *self)
{
    struct stream *stream;

    while ((stream = ingest_streams_next_refused(self->streams)) != NULL) {
        const struct lane_entry *lane = lane_table_find(self->lanes, stream->source->host,
                                                        stream->id);
        const struct journal_item item = { .host = stream->source->host,
                                           .received_ms = self->now.real_ms,
                                           .kind = JOURNAL_REFUSED,
                                           .kept = true };
        struct buf body = { 0 };

        if (lane != NULL) {
            journal_refused_put(&body, stream->id, lane->refused);
            s_add(self, &item, body.at, body.len);
        }
        buf_release(&body);
    }
}

static void
s_submit(ingest_t *self)
{
    self->busy = true;
    journal_submit(self->is.journal, &self->open);
    self->open = self->spare != NULL ? self->spare : journal_group_new();
    self->spare = NULL;
}

// An entry of no meaning that needs as much room as a large record.
static void
s_probe(ingest_t *self)
{
    const struct journal_item item = { .kind = KIND_PROBE, .kept = true };
    void *zeros = xcalloc(1, PROBE_BYTES);

    s_add(self, &item, zeros, PROBE_BYTES);
    free(zeros);
}

// Entry i of a group. False for what is no entry of ours.
static bool
s_entry(struct journal_entry *ret, const struct journal_group *group, uint32_t i)
{
    const struct journal_item *item = &group->items[i];

    *ret = (struct journal_entry){ .kind = item->kind,
                                   .flags = item->flags,
                                   .host = item->host,
                                   .received_ms = item->received_ms };
    return journal_entry_take_body(ret, group->bytes.at + item->at, item->len) == 0;
}

// What is durable now.
static void
s_book(ingest_t *self, struct journal_group *group)
{
    struct journal_entry entry;

    for (uint32_t i = 0; i < group->done; i++) {
        struct stream *stream;
        uint64_t elsewhere;

        if (!group->items[i].kept || !s_entry(&entry, group, i))
            continue;
        elsewhere = entry.kind != JOURNAL_RECORD
                        ? 0
                        : lane_table_add(self->lanes, entry.host, entry.record.stream)->elsewhere;
        // The applier's count is ours already, and newer.
        if (entry.kind != JOURNAL_REFUSED)
            lane_table_book(self->lanes, &entry, group->items[i].place);
        if (entry.kind != JOURNAL_RECORD || (entry.flags & FRAME_REPEAT) != 0)
            continue;
        selfstat_add(STAT_SAMPLES_ELSEWHERE,
                     lane_table_find(self->lanes, entry.host, entry.record.stream)->elsewhere -
                         elsewhere);
        stream = ingest_streams_find(self->streams, entry.record.stream);
        if (stream != NULL)
            ingest_streams_due(self->streams, stream);
    }
    lane_table_trim(self->lanes, group->oldest);
    for (uint32_t i = 0; i < group->n_asks; i++)
        ingest_ask(self, group->asks[i].host, group->asks[i].stream);
}

// The disk is full: what it did not take, and all that was staged behind that, never came.
static void
s_take_back(ingest_t *self)
{
    struct stream *stream;
    size_t at = 0;

    if (!self->full && log_allow(&self->said_ms[STAT_JOURNAL_FULL], SAY_AGAIN_MS))
        log_error("the journal's disk is full: nothing is taken until it has room", "again_ms=%d",
                  INGEST_FULL_MS);
    self->held -= self->open->bytes.len;
    journal_group_clear(self->open);
    while ((stream = ingest_streams_next(self->streams, &at)) != NULL) {
        const struct lane_entry *lane = lane_table_find(self->lanes, stream->source->host,
                                                        stream->id);
        int64_t never_ms = 0;

        stream->next = lane == NULL ? 0 : lane->next;
        stream->ended = lane != NULL && lane->ended;
        stream->limit = stream->next;
        stream->source->said = false;
        if (!self->full)
            s_nak(stream, NAK_STORAGE, &never_ms, 0);
    }
    self->full = true;
    self->full_at_ms = self->now.mono_ms + INGEST_FULL_MS;
}

// All are told how far they may send again.
static void
s_has_room(ingest_t *self)
{
    struct stream *stream;
    size_t at = 0;

    self->full = false;
    log_info("the journal's disk has room again", NULL);
    while ((stream = ingest_streams_next(self->streams, &at)) != NULL)
        ingest_streams_due(self->streams, stream);
}

static void
s_acks(ingest_t *self)
{
    struct stream *stream;

    while ((stream = ingest_streams_next_due(self->streams)) != NULL) {
        const struct lane_entry *lane = lane_table_find(self->lanes, stream->source->host,
                                                        stream->id);
        struct ack ack = { .stream = stream->id };

        if (lane != NULL) {
            ack.next = lane->next;
            ack.stored = lane->taken > lane->refused ? lane->taken - lane->refused : 0;
            ack.elsewhere = lane->elsewhere;
            ack.refused = lane->refused;
        }
        ack.limit = s_limit(self, stream, ack.next);
        self->is.ack(self->is.arg, stream->source->host, &ack);
    }
}

// Credit: of the memory that is free, this agent's share.
static uint64_t
s_limit(ingest_t *self, struct stream *stream, uint64_t next)
{
    const uint64_t living = host_table_in_state(self->is.hosts, HOST_UP) +
                            host_table_in_state(self->is.hosts, HOST_LATE);
    const uint64_t most = self->is.receive_bytes;
    uint64_t share = 0;

    if (!self->full && self->held <= most / 4 * 3) {
        share = (most - self->held) / (living > 0 ? living : 1);
        share = share < INGEST_SHARE_LEAST ? INGEST_SHARE_LEAST : share;
    }
    return ingest_stream_credit(stream, next, share);
}

// Of the records that are durable, in their order.
static void
s_apply(ingest_t *self, struct journal_group *group)
{
    struct journal_entry entry;

    for (uint32_t i = 0; i < group->done; i++) {
        struct lane_entry *lane;
        struct stream *stream;
        uint64_t refused;

        if (group->items[i].kind != JOURNAL_RECORD || !s_entry(&entry, group, i))
            continue;
        refused = applier_record(
            self->is.applier, entry.host, entry.flags, &entry.record,
            (struct host_time){ .mono_ms = self->now.mono_ms, .real_ms = entry.received_ms });
        if ((entry.flags & FRAME_REPEAT) != 0)
            continue;
        lane = lane_table_add(self->lanes, entry.host, entry.record.stream);
        lane_table_refuse(self->lanes, lane, refused);
        s_note_fate(self, &entry, refused);
        stream = ingest_streams_find(self->streams, entry.record.stream);
        if (refused > 0 && stream != NULL)
            ingest_streams_refused(self->streams, stream);
        if (entry.record.type == RECORD_END && lane->backlog)
            self->is.filled(self->is.arg, entry.host, lane->from_ms, lane->to_ms);
    }
    s_done(self, group);
}

// For the host's ledger: what it lost, and what we did not keep.
static void
s_note_fate(ingest_t *self, const struct journal_entry *entry, uint64_t refused)
{
    const struct record *record = &entry->record;
    struct applier_fate fate;
    struct gap gap;
    struct rbuf r;

    applier_fate(self->is.applier, &fate);
    if (refused > 0 || fate.conflicts > 0)
        host_ledger_fate(self->is.ledger, entry->host, fate.refused, fate.conflicts);
    if (record->count > 0)
        host_ledger_gap_ends(self->is.ledger, entry->host, record->stream, record->t0_ms);
    rbuf_init(&r, record->body, record->body_len);
    if (record->type == RECORD_GAP && gap_take(&r, &gap) == 0 && gap.cause > 0)
        host_ledger_gap(self->is.ledger, entry->host, record->stream, record->t0_ms, gap.samples,
                        (uint8_t) (gap.cause - 1));
}

// The memory is kept for a group to come.
static void
s_done(ingest_t *self, struct journal_group *group)
{
    self->held -= group->bytes.len;
    journal_group_clear(group);
    if (self->spare == NULL)
        self->spare = group;
    else
        journal_group_free(group);
}

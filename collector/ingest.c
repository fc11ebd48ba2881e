// ingest - see the header. Past 500 lines: the way of a frame stands in one place.
//
// What is gathered for the journal is ingest_group's; what becomes of it then, ingest_fate's.
//
// A stream's `next` here is what was staged; what is committed stands in `lanes`, a copy of the
// journal's own table that is kept by the same entries. Who asks is always told the latter.

#include "collector/ingest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/gate.h"
#include "collector/ingest_fate.h"
#include "collector/ingest_group.h"
#include "collector/ingest_stream.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/body.h"

#define SAY_AGAIN_MS 10000
#define CATCH_UP_NS  5000000 // of a turn, for what waited for the replay

struct ingest {
    struct ingest_options is;
    struct agent_limits agent;
    lane_table_t *lanes;            // what is committed
    ingest_streams_t *streams;      // what HELLOs named
    struct ingest_fate fate;        // what becomes of what is committed
    struct ingest_group gathered;   // what is on its way to the journal
    struct journal_group **waiting; // committed, to be applied after the replay, oldest first
    size_t n_waiting;
    size_t applied; // of these; they are gone
    bool replaying;
    bool full;                   // the journal has no room
    int64_t full_at_ms;          // monotonic, when to try it again
    int failed;                  // its final error, or 0
    struct host_time now;        // of the frame at hand
    int64_t said_ms[STAT_COUNT]; // when a reason was last logged
};

static void s_refuse(ingest_t *self, enum collector_stat reason, int rc, uint64_t stream);
static void s_repeat(struct stream *stream, const struct record *record, uint8_t flags,
                     const uint8_t *at, size_t len);
static void s_stage(struct stream *stream, const struct frame_prefix *prefix,
                    const struct record *record, const uint8_t *at, size_t len);
static void s_nak(struct stream *stream, uint8_t reason, int64_t *last_ms, int64_t every_ms);
static void s_take_back(ingest_t *self);
static void s_has_room(ingest_t *self);
static void s_acks(ingest_t *self);
static uint64_t s_limit(ingest_t *self, struct stream *stream, uint64_t next);

ingest_t *
ingest_new(const struct ingest_options *options)
{
    ingest_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->agent = options->agent != NULL ? *options->agent : agent_limits_default;
    self->lanes = lane_table_new();
    lane_table_copy(self->lanes, journal_lanes(options->journal));
    self->streams = ingest_streams_new(self);
    self->fate = (struct ingest_fate){ .applied = journal_end(options->journal).segment,
                                       .lanes = self->lanes,
                                       .streams = self->streams,
                                       .applier = options->applier,
                                       .ledger = options->ledger,
                                       .arg = options->arg,
                                       .filled = options->filled };
    ingest_fate_begin(&self->fate);
    self->gathered = (struct ingest_group){ .journal = options->journal,
                                            .lanes = self->lanes,
                                            .streams = self->streams,
                                            .open = journal_group_new() };
    self->replaying = true;
    return self;
}

void
ingest_destroy(ingest_t **self_p)
{
    ingest_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = self->applied; i < self->n_waiting; i++)
        journal_group_free(self->waiting[i]);
    free(self->waiting);
    ingest_group_release(&self->gathered);
    ingest_streams_destroy(&self->streams);
    lane_table_destroy(&self->lanes);
    free(self);
    *self_p = NULL;
}

uint32_t
ingest_max_frame(const ingest_t *self, const struct host *host)
{
    return host->imported ? FRAME_MAX : self->agent.frame_bytes;
}

void
ingest_frame(ingest_t *self, const void *at, size_t n, struct host_time now)
{
    ingest_frame_of(self, &(struct roster_member){ .role = GATE_ANYBODY }, at, n, now);
}

void
ingest_frame_of(ingest_t *self, const struct roster_member *sender, const void *at, size_t n,
                struct host_time now)
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
    prefix.flags &= FRAME_FLAGS_KNOWN; // others would be taken for the journal's
    stream = ingest_streams_find(self->streams, record.stream);
    if (stream == NULL) {
        s_refuse(self, STAT_REFUSED_STREAM, ERR_UNKNOWN, record.stream);
        return;
    }
    // Not the stream's fault, which goes on for who it is of.
    if (!gate_speaks_for(sender, stream->source->name, stream->source->imported)) {
        s_refuse(self, STAT_REFUSED_IDENTITY, ERR_UNKNOWN, record.stream);
        return;
    }
    if (stream->refused || !ingest_stream_fits(stream, &prefix, &record)) {
        stream->refused = true;
        s_refuse(self, STAT_REFUSED_IDENTITY, ERR_UNKNOWN, record.stream);
        return;
    }
    if (stream->source->imported) // whatever it says: never live
        prefix.flags |= FRAME_BACKLOG;
    if (self->full || self->failed != 0) {
        s_refuse(self, STAT_FRAMES_NO_STORAGE, -ENOSPC, record.stream);
        return;
    }
    if (self->gathered.held + n > self->is.receive_bytes) {
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
    if (self->full && !self->gathered.busy && now.mono_ms >= self->full_at_ms)
        ingest_group_probe(&self->gathered);
    if (!self->gathered.busy && self->gathered.open->n > 0 && self->failed == 0) {
        // It tells of all that is booked, so all of that must have been applied.
        if (!ingest_is_behind(self))
            ingest_group_refused(&self->gathered, now.real_ms);
        ingest_group_submit(&self->gathered);
    }
    // Of what had come before: when nothing is on its way that would answer them.
    if (!self->gathered.busy)
        s_acks(self);
}

int
ingest_committed(ingest_t *self, struct host_time now)
{
    struct journal_group *group;

    self->now = now;
    journal_ack(self->is.journal);
    while ((group = journal_take(self->is.journal)) != NULL) {
        self->gathered.busy = false;
        ingest_group_came(&self->gathered, group->rc == 0);
        self->failed = group->rc == -ENOSPC ? 0 : group->rc;
        if (self->failed != 0) {
            ingest_group_done(&self->gathered, group);
            break;
        }
        ingest_fate_book(&self->fate, group);
        for (uint32_t i = 0; i < group->n_asks; i++)
            ingest_ask(self, group->asks[i].host, group->asks[i].stream);
        if (group->rc == -ENOSPC)
            s_take_back(self);
        else if (self->full)
            s_has_room(self);
        s_acks(self);
        if (ingest_is_behind(self)) {
            self->waiting = xrealloc(self->waiting, self->n_waiting + 1, sizeof(void *));
            self->waiting[self->n_waiting++] = group;
        } else {
            ingest_fate_apply(&self->fate, group, now.mono_ms);
            ingest_group_done(&self->gathered, group);
        }
    }
    return self->failed;
}

bool
ingest_busy(const ingest_t *self)
{
    return self->gathered.busy || (self->gathered.open->n > 0 && self->failed == 0);
}

void
ingest_refused_before(ingest_t *self, const lane_table_t *lanes)
{
    ingest_fate_refused_before(&self->fate, lanes);
}

void
ingest_replayed(ingest_t *self)
{
    const struct host *host;
    size_t at = 0;

    assert(self->replaying);
    self->replaying = false;
    applier_lanes(self->is.applier, self->lanes);
    ingest_fate_decided(&self->fate);
    ingest_fate_tell(&self->fate);
    // HELLOs came meanwhile, and the applier knows of none. Streams that are not named any more may
    // have records among what waits.
    while (self->n_waiting > 0 && (host = host_table_next(self->is.hosts, &at)) != NULL)
        applier_name(self->is.applier, host->info.host, host->info.name);
    if (self->n_waiting == 0)
        ingest_streams_tell(self->streams, self->is.applier, self->is.hosts);
}

bool
ingest_catch_up(ingest_t *self, struct host_time now)
{
    const int64_t until_ns = clock_mono_ns() + CATCH_UP_NS;

    if (self->replaying || self->n_waiting == 0)
        return false;
    self->now = now;
    while (self->applied < self->n_waiting && clock_mono_ns() < until_ns) {
        struct journal_group *group = self->waiting[self->applied++];

        ingest_fate_apply(&self->fate, group, now.mono_ms);
        ingest_group_done(&self->gathered, group);
    }
    if (self->applied < self->n_waiting)
        return true;
    free(self->waiting);
    self->waiting = NULL;
    self->n_waiting = self->applied = 0;
    ingest_streams_tell(self->streams, self->is.applier, self->is.hosts);
    return false;
}

bool
ingest_owes_ack(const ingest_t *self, uint64_t host)
{
    const struct source *source = ingest_streams_source(self->streams, host);

    for (uint32_t i = 0; source != NULL && i < source->n_streams; i++) {
        struct stream *stream = source->streams[i];
        const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);

        if (stream->due || stream->next > (lane != NULL ? lane->next : 0))
            return true;
    }
    return false;
}

bool
ingest_is_behind(const ingest_t *self)
{
    return self->replaying || self->n_waiting > 0;
}

uint64_t
ingest_applied(const ingest_t *self)
{
    return self->fate.applied;
}

void
ingest_hello(ingest_t *self, const struct host *host, const struct hello_stream *streams,
             uint32_t n)
{
    ingest_streams_hello(self->streams, host, streams, n, self->lanes);
    if (!ingest_is_behind(self))
        ingest_streams_tell_one(self->streams, self->is.applier, host);
    else if (!self->replaying)
        applier_name(self->is.applier, host->info.host, host->info.name);
    selfstat_set(STAT_STREAMS, (int64_t) ingest_streams_count(self->streams));
}

uint64_t
ingest_next(const ingest_t *self, uint64_t host, uint64_t id)
{
    const struct lane_entry *lane = lane_table_find(self->lanes, host, id);

    return lane != NULL ? lane->next : 0;
}

// It is true whatever becomes of the entry, so it is booked at once, and told where there is room.
void
ingest_stands(ingest_t *self, uint64_t host, uint64_t id, uint64_t next, uint64_t total)
{
    const struct journal_entry entry = { .kind = JOURNAL_STANDS,
                                         .host = host,
                                         .received_ms = self->now.real_ms,
                                         .stream = id,
                                         .samples = total,
                                         .next = next };
    struct stream *stream = ingest_streams_find(self->streams, id);

    if (self->failed != 0 || stream == NULL || stream->source->host != host ||
        ingest_next(self, host, id) >= next)
        return;
    lane_table_book(self->lanes, &entry, (struct segment_place){ 0 });
    if (stream->next < next)
        stream->next = next;
    ingest_group_stands(&self->gathered, &entry, self->full);
}

struct welcome_stream
ingest_welcome(ingest_t *self, uint64_t host, uint64_t id)
{
    const struct lane_entry *lane = lane_table_find(self->lanes, host, id);
    struct stream *stream = ingest_streams_find(self->streams, id);
    struct welcome_stream ret = { .stream = id };

    if (lane != NULL)
        ret = (struct welcome_stream){ id, lane->next, lane->crc, .total = lane->total };
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

uint64_t
ingest_into(const ingest_t *self, uint64_t host)
{
    return self->replaying ? host : applier_into(self->is.applier, host);
}

const struct lane_host *
ingest_count(const ingest_t *self, uint64_t host)
{
    return lane_table_host(self->lanes, host);
}

void
ingest_before(ingest_t *self, uint64_t host, uint64_t samples)
{
    if (self->full || self->failed != 0)
        return; // measured again when its agent comes again
    ingest_group_before(&self->gathered, host, self->now.real_ms, samples);
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
        log_warn(
            "frame dropped", "stream=%016llx error=%s", (unsigned long long) stream,
            log_quote(
                reason == STAT_REFUSED_STREAM ? "no HELLO has named its stream"
                : reason == STAT_REFUSED_IDENTITY
                    ? "it names another host than its HELLO, or is an import's and that was none"
                : reason == STAT_FRAMES_NO_STORAGE ? "the journal can not be written"
                : reason == STAT_FRAMES_NO_ROOM    ? "the memory for frames is used up"
                                                   : err_str(rc)));
}

// Sets the decoder of the applier, in its place among the others. It belongs in the journal only
// where that alone would not do to read what comes.
static void
s_repeat(struct stream *stream, const struct record *record, uint8_t flags, const uint8_t *at,
         size_t len)
{
    ingest_t *self = stream->ingest;
    const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);
    struct journal_item item = { .host = stream->source->host,
                                 .received_ms = self->now.real_ms,
                                 .kind = JOURNAL_RECORD,
                                 .flags = flags };
    struct record_share share = { 0 };

    if (stream->ended)
        return;
    // As lane.c has it: definitions made for repeating alone have no place in the run.
    if (record->seq == stream->chain ||
        (record->type != RECORD_TABLE && record->type != RECORD_DEF))
        stream->chain = record->seq + 1;
    if (record->type == RECORD_TABLE) {
        // Where records are missing, or will be as this one says, definitions are.
        item.kept = lane == NULL || lane->n_defs == 0 || lane->torn || record->seq > lane->next;
        stream->tabled = item.kept ? record->seq : UINT64_MAX;
    } else {
        // A large TABLE goes on in DEFs, and lacks those behind it.
        item.kept = lane == NULL || !lane_entry_is_whole(lane) ||
                    (record->type == RECORD_DEF && record->seq >= stream->tabled);
    }
    // Its values are not stored: they cost no budget. What it names first is decided by it.
    if (record->type == RECORD_TABLE || record->type == RECORD_DEF)
        share = agent_rate_take(&stream->source->rate, &self->agent, flags, record,
                                FRAME_PREFIX_SIZE + len, self->now);
    ingest_group_add_share(&self->gathered, stream->source, &item, share, at, len);
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
    struct record_share share;
    struct gap gap;
    struct rbuf r;

    // A base past the record is nonsense, and must not carry `next` with it.
    if (prefix->base > next)
        next = prefix->base < record->seq ? prefix->base : record->seq;
    if (record->seq < next || stream->ended || record->seq == UINT64_MAX) {
        selfstat_add(STAT_LANE_DUPLICATES, 1);
        host_ledger_duplicate(self->is.ledger, stream->source->host);
        ingest_streams_due(self->streams, stream);
        // Right behind what was repeated, it leads the decoder to what is new: its sender was told
        // an older `next` than ours. And the TABLE that was repeated lacks what it defines.
        if (record->seq < stream->next &&
            (record->seq == stream->chain || record->type == RECORD_DEF))
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
    share = agent_rate_take(&stream->source->rate, &self->agent, prefix->flags, record,
                            FRAME_PREFIX_SIZE + len, self->now);
    ingest_group_add_share(&self->gathered, stream->source, &item, share, at, len);
}

// `next` of NEXT and STORAGE is where to go on; that of KEY only says how far we are.
static void
s_nak(struct stream *stream, uint8_t reason, int64_t *last_ms, int64_t every_ms)
{
    ingest_t *self = stream->ingest;
    const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);
    struct nak nak = { .reason = reason, .stream = stream->id, .next = stream->next };

    if (*last_ms != 0 && self->now.mono_ms - *last_ms < every_ms)
        return;
    *last_ms = self->now.mono_ms;
    if (reason == NAK_STORAGE)
        nak.next = lane == NULL ? 0 : lane->next;
    self->is.nak(self->is.arg, stream->source->host, &nak);
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
    ingest_group_drop(&self->gathered);
    while ((stream = ingest_streams_next(self->streams, &at)) != NULL) {
        const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);
        int64_t never_ms = 0;

        stream->next = lane == NULL ? 0 : lane->next;
        stream->ended = lane != NULL && lane->ended;
        stream->limit = stream->next;
        stream->source->said = false;
        // It comes again, and what was decided of it is to be said again.
        stream->source->rate = (struct agent_rate){ 0 };
        stream->decided = lane != NULL && lane->decided.below > 0;
        if (stream->decided)
            ingest_streams_refused(self->streams, stream);
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
    ingest_group_stands_again(&self->gathered); // ahead of what comes behind it
    while ((stream = ingest_streams_next(self->streams, &at)) != NULL)
        ingest_streams_due(self->streams, stream);
}

static void
s_acks(ingest_t *self)
{
    struct stream *stream;

    while ((stream = ingest_streams_next_due(self->streams)) != NULL) {
        const struct lane_entry *lane = ingest_stream_lane(stream, self->lanes);
        struct ack ack = { .stream = stream->id };

        if (lane != NULL) {
            ack.next = lane->next;
            ack.stored = lane->taken > lane->refused ? lane->taken - lane->refused : 0;
            ack.elsewhere = lane->elsewhere;
            ack.refused = lane->refused;
            ack.total = lane->total;
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
    const uint64_t share = ingest_group_share(&self->gathered, self->is.receive_bytes, living);

    return ingest_stream_credit(stream, next, self->full ? 0 : share);
}

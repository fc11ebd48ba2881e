// ingest_fate - see the header.

#include "collector/ingest_fate.h"

#include "collector/collector_stat.h"
#include "collector/fill_list.h"
#include "shared/base/rbuf.h"
#include "shared/net/selfstat.h"
#include "shared/wire/body.h"

static void s_book_record(const struct ingest_fate *self, const struct journal_entry *entry,
                          struct journal_item *item);
static struct stream *s_stream(const struct ingest_fate *self, const struct journal_entry *entry);
static struct lane_entry *s_lane(const struct ingest_fate *self, struct stream *stream,
                                 const struct journal_entry *entry);
static bool s_entry(struct journal_entry *ret, const struct journal_group *group, uint32_t i);
static void s_note(const struct ingest_fate *self, const struct journal_entry *entry,
                   uint64_t refused);

void
ingest_fate_book(struct ingest_fate *self, struct journal_group *group)
{
    struct journal_entry entry;

    for (uint32_t i = 0; i < group->done; i++) {
        struct journal_item *item = &group->items[i];

        if (!item->kept || !s_entry(&entry, group, i))
            continue;
        if (entry.kind == JOURNAL_RECORD && (entry.flags & FRAME_REPEAT) == 0)
            s_book_record(self, &entry, item);
        // What the applier counted and decided is ours already, and newer.
        else if (entry.kind != JOURNAL_REFUSED && entry.kind != JOURNAL_LIMITS)
            lane_table_book(self->lanes, &entry, item->place);
    }
    // What is booked stands in the newest segment, so nothing else makes places in old ones.
    if (group->oldest > self->trimmed) {
        lane_table_trim(self->lanes, group->oldest);
        self->trimmed = group->oldest;
    }
    if (group->expired_ms != 0) {
        lane_table_expire(self->lanes, group->expired_ms);
        ingest_streams_forgotten(self->streams);
    }
}

void
ingest_fate_begin(struct ingest_fate *self)
{
    const struct lane_entry *lane;
    size_t at = 0;

    self->unsaid_ms = INT64_MAX;
    while ((lane = lane_table_next(self->lanes, &at)) != NULL)
        if (self->unsaid_ms == INT64_MAX || lane->heard_ms - FILL_LIST_MS > self->unsaid_ms)
            self->unsaid_ms = lane->heard_ms - FILL_LIST_MS;
}

void
ingest_fate_tell(const struct ingest_fate *self)
{
    const struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(self->lanes, &at)) != NULL)
        if (lane->ended && lane->backlog && lane->heard_ms >= self->unsaid_ms)
            self->filled(self->arg, applier_into(self->applier, lane->host), lane->from_ms,
                         lane->to_ms);
}

static void
s_book_record(const struct ingest_fate *self, const struct journal_entry *entry,
              struct journal_item *item)
{
    struct stream *stream = s_stream(self, entry);
    struct lane_entry *lane = s_lane(self, stream, entry);
    const uint64_t elsewhere = lane->elsewhere;

    item->twice = entry->record.seq < lane->next;
    lane_table_book_record(self->lanes, lane, entry, item->place);
    selfstat_add(STAT_SAMPLES_ELSEWHERE, lane->elsewhere - elsewhere);
    if (stream != NULL)
        ingest_streams_due(self->streams, stream);
}

// The record's stream, where its host still names it.
static struct stream *
s_stream(const struct ingest_fate *self, const struct journal_entry *entry)
{
    struct stream *stream = ingest_streams_find(self->streams, entry->record.stream);

    return stream != NULL && stream->source->host == entry->host ? stream : NULL;
}

// The record's lane, made if it is new.
static struct lane_entry *
s_lane(const struct ingest_fate *self, struct stream *stream, const struct journal_entry *entry)
{
    struct lane_entry *lane = stream == NULL ? NULL : ingest_stream_lane(stream, self->lanes);

    return lane != NULL ? lane : lane_table_add(self->lanes, entry->host, entry->record.stream);
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

void
ingest_fate_apply(struct ingest_fate *self, const struct journal_group *group, int64_t mono_ms)
{
    struct journal_entry entry;

    for (uint32_t i = 0; i < group->done; i++) {
        struct lane_entry *lane;
        struct stream *stream;
        uint64_t refused;
        bool known;

        if (group->items[i].kind != JOURNAL_RECORD || group->items[i].twice ||
            !s_entry(&entry, group, i))
            continue;
        stream = s_stream(self, &entry);
        // A host that was forgotten meanwhile is not begun anew.
        known = stream != NULL || ingest_streams_source(self->streams, entry.host) != NULL;
        if (group->items[i].kept)
            self->applied = group->items[i].place.segment;
        applier_segment(self->applier, group->items[i].place.segment);
        applier_share(self->applier, entry.share);
        refused = !known ? entry.record.count
                         : applier_record(self->applier, entry.host, entry.flags, &entry.record,
                                          (struct host_time){ .mono_ms = mono_ms,
                                                              .real_ms = entry.received_ms });
        ingest_fate_decided(self);
        if ((entry.flags & FRAME_REPEAT) != 0)
            continue;
        lane = s_lane(self, stream, &entry);
        lane_table_refuse(self->lanes, lane, refused);
        if (known)
            s_note(self, &entry, refused);
        if (refused > 0 && stream != NULL)
            ingest_streams_refused(self->streams, stream);
        if (entry.record.type == RECORD_END && lane->backlog)
            self->filled(self->arg, applier_into(self->applier, entry.host), lane->from_ms,
                         lane->to_ms);
    }
}

void
ingest_fate_decided(const struct ingest_fate *self)
{
    const struct slot_decisions *decided;
    struct journal_id id;

    while (applier_next_decided(self->applier, &id, &decided)) {
        struct stream *stream = ingest_streams_find(self->streams, id.stream);

        lane_entry_decide(lane_table_add(self->lanes, id.host, id.stream), decided);
        if (stream == NULL)
            continue;
        stream->decided = true;
        ingest_streams_refused(self->streams, stream);
    }
}

// For the host's ledger: what it lost, and what we did not keep.
static void
s_note(const struct ingest_fate *self, const struct journal_entry *entry, uint64_t refused)
{
    const struct record *record = &entry->record;
    struct applier_fate fate;
    struct gap gap;
    struct rbuf r;

    applier_fate(self->applier, &fate);
    if (refused > 0)
        host_ledger_fate(self->ledger, entry->host, fate.refused);
    if (record->count > 0)
        host_ledger_gap_ends(self->ledger, entry->host, record->stream, record->t0_ms);
    rbuf_init(&r, record->body, record->body_len);
    if (record->type == RECORD_GAP && gap_take(&r, &gap) == 0 && gap.cause > 0)
        host_ledger_gap(self->ledger, entry->host, record->stream, record->t0_ms, gap.samples,
                        (uint8_t) (gap.cause - 1));
}

void
ingest_fate_refused_before(const struct ingest_fate *self, const lane_table_t *was)
{
    const struct lane_entry *then;
    size_t at = 0;

    while ((then = lane_table_next(was, &at)) != NULL) {
        struct lane_entry *lane = lane_table_find(self->lanes, then->host, then->stream);
        struct stream *stream = ingest_streams_find(self->streams, then->stream);

        if (lane == NULL || lane->refused >= then->refused)
            continue;
        lane_table_refuse(self->lanes, lane, then->refused - lane->refused);
        if (stream != NULL)
            ingest_streams_refused(self->streams, stream);
    }
}

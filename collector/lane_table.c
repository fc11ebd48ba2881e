// lane_table - see the header.

#include "collector/lane_table.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"

#define OPEN_MS (30 * INT64_C(86400000)) // a stream without END is known for so much longer

struct lane_key {
    uint64_t host, stream;
};

struct lane_table {
    map_t *lanes; // struct lane_key -> struct lane_entry
    map_t *hosts; // host -> struct lane_host
};

static void s_clear(lane_table_t *self);
static struct lane_host *s_host_of(lane_table_t *self, struct lane_entry *lane);
static void s_book_record(struct lane_entry *lane, const struct journal_entry *e,
                          struct segment_place place);
static void s_book_chain(struct lane_entry *lane, const struct journal_entry *e,
                         struct segment_place place);
static void s_book_basis(struct lane_entry *lane, const struct journal_entry *e,
                         struct segment_place place);
static void s_book_limits(struct lane_entry *lane, const struct journal_entry *e);
static void s_lane_free(struct lane_entry *lane);
static void s_book_stands(lane_table_t *self, struct lane_entry *lane,
                          const struct journal_entry *e);
static void s_host_free(struct lane_host *host);
static void s_forget(lane_table_t *self, struct lane_entry *lane);

lane_table_t *
lane_table_new(void)
{
    lane_table_t *self = xcalloc(1, sizeof *self);

    self->lanes = map_new();
    self->hosts = map_new();
    return self;
}

void
lane_table_destroy(lane_table_t **self_p)
{
    lane_table_t *self = *self_p;

    if (self == NULL)
        return;
    s_clear(self);
    free(self);
    *self_p = NULL;
}

static void
s_clear(lane_table_t *self)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->lanes, &at, &entry))
        s_lane_free(entry.value);
    at = 0;
    while (map_next(self->hosts, &at, &entry))
        s_host_free(entry.value);
    map_destroy(&self->lanes);
    map_destroy(&self->hosts);
}

void
lane_table_copy(lane_table_t *self, const lane_table_t *from)
{
    const struct lane_entry *lane;
    const struct lane_host *host;
    uint64_t id;
    size_t at = 0;

    s_clear(self);
    self->lanes = map_new();
    self->hosts = map_new();
    while ((lane = lane_table_next(from, &at)) != NULL) {
        struct lane_entry *copy = lane_table_add(self, lane->host, lane->stream);

        *copy = *lane;
        copy->of = NULL;
        copy->defs_size = lane->n_defs;
        copy->defs = lane->n_defs == 0 ? NULL
                                       : xmemdup(lane->defs, lane->n_defs * sizeof *copy->defs);
        copy->decided = (struct slot_decisions){ 0 };
        slot_decisions_copy(&copy->decided, &lane->decided);
    }
    at = 0;
    while ((host = lane_table_next_host(from, &at, &id)) != NULL) {
        struct lane_host *copy = lane_table_add_host(self, id);

        *copy = *host;
        copy->name = host->name == NULL ? NULL : xstrdup(host->name);
    }
}

void
lane_table_book(lane_table_t *self, const struct journal_entry *e, struct segment_place place)
{
    struct lane_host *host;
    struct lane_entry *lane;

    switch (e->kind) {
    case JOURNAL_RECORD:
        lane = lane_table_add(self, e->host, e->record.stream);
        lane_table_book_record(self, lane, e, place);
        break;
    case JOURNAL_BEFORE:
        host = lane_table_add_host(self, e->host);
        host->before = e->samples;
        host->settled = true;
        break;
    case JOURNAL_HOST:
        lane_table_set_name(self, e->host, e->name, e->name_len);
        break;
    case JOURNAL_BASIS:
        s_book_basis(lane_table_add(self, e->host, e->stream), e, place);
        break;
    case JOURNAL_REFUSED:
        lane = lane_table_add(self, e->host, e->stream);
        lane_table_refuse(self, lane, e->samples - lane->refused);
        lane->refused_next = e->next;
        break;
    case JOURNAL_LIMITS:
        s_book_limits(lane_table_add(self, e->host, e->stream), e);
        break;
    case JOURNAL_STANDS:
        s_book_stands(self, lane_table_add(self, e->host, e->stream), e);
        break;
    default:
        break;
    }
}

void
lane_table_book_record(lane_table_t *self, struct lane_entry *lane, const struct journal_entry *e,
                       struct segment_place place)
{
    struct lane_host *host = s_host_of(self, lane);

    host->taken -= lane->taken;
    host->elsewhere -= lane->elsewhere;
    s_book_record(lane, e, place);
    host->taken += lane->taken;
    host->elsewhere += lane->elsewhere;
}

// The records up to `next` are in the store and not here, as if they had been, but for reading on.
static void
s_book_stands(lane_table_t *self, struct lane_entry *lane, const struct journal_entry *e)
{
    if (e->next <= lane->next)
        return;
    if (e->samples > lane->total) {
        s_host_of(self, lane)->taken += e->samples - lane->total;
        lane->taken += e->samples - lane->total;
        lane->total = e->samples;
    }
    lane->next = lane->chain = e->next;
    lane->key.segment = 0;
    lane->crc = 0;
    lane->torn = true;
    lane->heard_ms = e->received_ms;
    lane->stale = false;
}

// A host outlives all of its streams.
static struct lane_host *
s_host_of(lane_table_t *self, struct lane_entry *lane)
{
    if (lane->of == NULL)
        lane->of = lane_table_add_host(self, lane->host);
    return lane->of;
}

static void
s_book_record(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    const struct record *record = &e->record;
    struct gap gap = { 0 };
    struct rbuf r;

    if ((e->flags & FRAME_REPEAT) != 0) {
        s_book_chain(lane, e, place);
        return;
    }
    if (record->seq < lane->next || record->seq == UINT64_MAX)
        return;
    lane->torn = lane->torn || record->seq > lane->next;
    if (record->seq > lane->next && record->total > lane->total)
        lane->elsewhere += record->total - lane->total;
    s_book_chain(lane, e, place);
    lane->next = record->seq + 1;
    lane->total = record->total + record->count;
    lane->taken += record->count;
    lane->crc = e->crc;
    lane->heard_ms = e->received_ms;
    lane->stale = false;
    lane->ended = lane->ended || record->type == RECORD_END;
    rbuf_init(&r, record->body, record->body_len);
    if (record->type == RECORD_GAP && gap_take(&r, &gap) == 0 && gap.to >= record->seq &&
        gap.to != UINT64_MAX) {
        lane->next = gap.to + 1;
        lane->chain = lane->next;
        lane->total += gap.samples;
        lane->crc = 0; // the sender makes another one of it where neighbours are merged
        lane->torn = true;
    }
    // Of an import a record's time is that of its oldest sample, and END's that of the newest.
    if ((e->flags & FRAME_BACKLOG) == 0 ||
        (record->count == 0 && ((e->flags & FRAME_IMPORT) == 0 || record->type != RECORD_END)))
        return;
    if (!lane->backlog || record->t0_ms < lane->from_ms)
        lane->from_ms = record->t0_ms;
    if (!lane->backlog || record->t0_ms > lane->to_ms)
        lane->to_ms = record->t0_ms;
    lane->backlog = true;
}

// What can be read from the journal alone, as the lane that decodes it will see it.
static void
s_book_chain(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    const struct record *record = &e->record;
    const bool repeat = (e->flags & FRAME_REPEAT) != 0;

    if (record->type == RECORD_TABLE) {
        lane->n_defs = 0;
        lane->torn = false;
    }
    if (record->type == RECORD_TABLE || record->type == RECORD_DEF) {
        lane_entry_add_def(lane, place);
        if (repeat &&
            record->seq != lane->chain) // made for repeating alone: of no place in the run
            return;
    }
    if (record->type == RECORD_KEY)
        lane->key = place;
    else if (record->seq != lane->chain || record->type == RECORD_GAP)
        lane->key.segment = 0;
    lane->chain = record->seq + 1;
}

static void
s_book_basis(struct lane_entry *lane, const struct journal_entry *e, struct segment_place place)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < lane->n_defs; i++)
        if (lane->defs[i].segment >= e->below)
            lane->defs[kept++] = lane->defs[i];
    lane->n_defs = kept;
    lane_entry_add_def(lane, place);
}

static void
s_book_limits(struct lane_entry *lane, const struct journal_entry *e)
{
    struct slot_decisions decided = { 0 };
    struct rbuf r;

    rbuf_init(&r, e->bytes, e->len);
    if (slot_decisions_take(&r, &decided) == 0)
        lane_entry_decide(lane, &decided);
    slot_refusals_release(&decided.refusals);
}

static void
s_lane_free(struct lane_entry *lane)
{
    free(lane->defs);
    slot_refusals_release(&lane->decided.refusals);
    free(lane);
}

static void
s_host_free(struct lane_host *host)
{
    if (host == NULL)
        return;
    free(host->name);
    free(host);
}

// The sum of the host's streams moves with the stream's.
void
lane_table_refuse(lane_table_t *self, struct lane_entry *lane, uint64_t samples)
{
    lane->refused += samples;
    if (samples > 0)
        s_host_of(self, lane)->refused += samples;
}

void
lane_table_trim(lane_table_t *self, uint64_t oldest)
{
    struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(self, &at)) != NULL) {
        uint32_t kept = 0;

        if (lane->key.segment < oldest)
            lane->key.segment = 0;
        for (uint32_t i = 0; i < lane->n_defs; i++)
            if (lane->defs[i].segment >= oldest)
                lane->defs[kept++] = lane->defs[i];
        lane->n_defs = kept;
    }
}

void
lane_table_expire(lane_table_t *self, int64_t before_ms)
{
    const size_t n = lane_table_count(self);
    struct lane_entry **gone = xcalloc(n + 1, sizeof(struct lane_entry *));
    map_t *hosts = map_new();
    struct lane_entry *lane;
    size_t at = 0, n_gone = 0;

    while ((lane = lane_table_next(self, &at)) != NULL) {
        const bool old = lane->heard_ms < (lane->ended ? before_ms : before_ms - OPEN_MS);

        if (old && lane->stale)
            gone[n_gone++] = lane;
        else
            map_put_u64(hosts, lane->host, lane);
        lane->stale = old;
    }
    for (size_t i = 0; i < n_gone; i++) {
        const uint64_t host = gone[i]->host;

        s_forget(self, gone[i]);
        if (map_get_u64(hosts, host) == NULL)
            s_host_free(map_remove_u64(self->hosts, host));
    }
    map_destroy(&hosts);
    free(gone);
}

static void
s_forget(lane_table_t *self, struct lane_entry *lane)
{
    const struct lane_key key = { lane->host, lane->stream };

    map_remove(self->lanes, &key, sizeof key);
    s_lane_free(lane);
}

struct lane_entry *
lane_table_find(const lane_table_t *self, uint64_t host, uint64_t stream)
{
    const struct lane_key key = { host, stream };

    return map_get(self->lanes, &key, sizeof key);
}

struct lane_entry *
lane_table_add(lane_table_t *self, uint64_t host, uint64_t stream)
{
    const struct lane_key key = { host, stream };
    struct lane_entry *lane = map_get(self->lanes, &key, sizeof key);

    if (lane == NULL) {
        lane = xcalloc(1, sizeof *lane);
        lane->host = host;
        lane->stream = stream;
        map_put(self->lanes, &key, sizeof key, lane);
    }
    return lane;
}

const char *
lane_table_name(const lane_table_t *self, uint64_t host)
{
    const struct lane_host *entry = map_get_u64(self->hosts, host);

    return entry == NULL ? NULL : entry->name;
}

const struct lane_host *
lane_table_host(const lane_table_t *self, uint64_t host)
{
    return map_get_u64(self->hosts, host);
}

struct lane_host *
lane_table_add_host(lane_table_t *self, uint64_t id)
{
    struct lane_host *host = map_get_u64(self->hosts, id);

    if (host == NULL) {
        host = xcalloc(1, sizeof *host);
        map_put_u64(self->hosts, id, host);
    }
    return host;
}

void
lane_table_set_name(lane_table_t *self, uint64_t host, const char *name, size_t len)
{
    struct lane_host *entry = lane_table_add_host(self, host);

    free(entry->name);
    entry->name = xstrndup(name, len);
}

size_t
lane_table_count(const lane_table_t *self)
{
    return map_count(self->lanes);
}

struct lane_entry *
lane_table_next(const lane_table_t *self, size_t *at)
{
    struct map_entry entry;

    return map_next(self->lanes, at, &entry) ? entry.value : NULL;
}

const struct lane_host *
lane_table_next_host(const lane_table_t *self, size_t *at, uint64_t *host_ret)
{
    struct map_entry entry;

    if (!map_next(self->hosts, at, &entry))
        return NULL;
    memcpy(host_ret, entry.key, sizeof *host_ret);
    return entry.value;
}

void
lane_entry_add_def(struct lane_entry *lane, struct segment_place place)
{
    if (lane->n_defs == lane->defs_size) {
        lane->defs_size = lane->defs_size == 0 ? 4 : 2 * lane->defs_size;
        lane->defs = xrealloc(lane->defs, lane->defs_size, sizeof *lane->defs);
    }
    lane->defs[lane->n_defs++] = place;
}

void
lane_entry_decide(struct lane_entry *lane, const struct slot_decisions *decided)
{
    slot_decisions_copy(&lane->decided, decided);
}

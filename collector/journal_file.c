// journal_file - see the header.

#include "collector/journal_file.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/journal_carry.h"
#include "collector/journal_keep.h"
#include "collector/journal_scan.h"
#include "collector/lane_checkpoint.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define DEFS_GATHER 64u // places of one lane's definitions: then they are written together
#define ALIVE_MS    (5 * 60 * 1000)      // who was silent longer holds nothing
#define GROUP_KEEP  (4u * 1024u * 1024u) // memory of a group that stays for the next one

struct journal_file {
    struct journal_options is; // dir is ours
    char *dir;
    segment_log_t *log;
    uint64_t segment;    // that the newest entry stands in
    uint64_t checkpoint; // in which the newest whole one begins; 0: there is none
    lane_table_t *lanes;
    struct journal_keep keep;
    _Atomic uint64_t let_go; // records below this segment are not needed
    atomic_bool hold;        // nothing is taken
};

static int s_append(journal_file_t *self, uint8_t kind, uint8_t flags, uint64_t host,
                    int64_t received_ms, const void *body, size_t len, struct segment_place *place);
static int s_rolled(journal_file_t *self, struct journal_group *group);
static int s_checkpoint(journal_file_t *self);
static int s_trim(journal_file_t *self, struct journal_group *group);
static uint64_t s_below(journal_file_t *self, struct journal_group *group);
static uint64_t s_held(const journal_file_t *self, uint64_t below, struct journal_group *group);
static int s_carry(journal_file_t *self, uint64_t below, uint32_t least);
static int s_has_room(journal_file_t *self, struct journal_group *group);
static int s_basis(void *arg, const struct journal_id *id, const struct buf *basis);

struct journal_group *
journal_group_new(void)
{
    return xcalloc(1, sizeof(struct journal_group));
}

void
journal_group_free(struct journal_group *group)
{
    if (group == NULL)
        return;
    buf_release(&group->bytes);
    free(group->items);
    free(group->asks);
    free(group);
}

void
journal_group_clear(struct journal_group *group)
{
    if (group->bytes.size > GROUP_KEEP)
        buf_release(&group->bytes);
    buf_clear(&group->bytes);
    free(group->asks);
    group->asks = NULL;
    group->n_asks = 0;
    group->n = 0;
    group->expired_ms = 0;
    group->done = 0;
    group->rc = 0;
}

void
journal_group_add(struct journal_group *group, const struct journal_item *item, const void *bytes,
                  size_t len)
{
    if (group->n == group->size) {
        group->size = group->size == 0 ? 64 : 2 * group->size;
        group->items = xrealloc(group->items, group->size, sizeof *group->items);
    }
    if (group->n == 0)
        group->made_ns = clock_mono_ns();
    group->items[group->n] = *item;
    group->items[group->n].at = (uint32_t) group->bytes.len;
    group->items[group->n++].len = (uint32_t) len;
    buf_bytes(&group->bytes, bytes, len);
}

int
journal_file_open(journal_file_t **ret, struct journal_found *found,
                  const struct journal_options *opt)
{
    journal_file_t *self = xcalloc(1, sizeof *self);
    struct segment_log_found log_found = { 0 };
    int rc;

    *found = (struct journal_found){ 0 };
    self->is = *opt;
    self->dir = xstrdup(opt->dir);
    self->is.dir = self->dir;
    self->lanes = lane_table_new();
    rc = segment_log_open(&self->log, &log_found,
                          &(struct segment_log_options){ .dir = opt->dir,
                                                         .owner = opt->owner,
                                                         .segment_bytes = opt->segment_bytes,
                                                         .spares = opt->spares });
    if (rc < 0)
        goto fail;
    found->torn_bytes = log_found.torn_bytes;
    found->foreign = log_found.foreign;
    found->damaged_bytes = log_found.damaged_bytes;
    self->segment = segment_log_newest(self->log);
    if (self->segment != 0) // else the disk had no room for a first one
        rc = journal_scan(self->lanes, &self->keep, found,
                          &(struct journal_scan_options){ .dir = opt->dir,
                                                          .owner = opt->owner,
                                                          .oldest = segment_log_oldest(self->log),
                                                          .end = segment_log_end(self->log) });
    if (rc < 0)
        goto fail;
    self->checkpoint = found->checkpoint;
    lane_table_trim(self->lanes, segment_log_oldest(self->log));
    found->segments = self->segment == 0 ? 0 : self->segment - segment_log_oldest(self->log) + 1;
    found->lanes = lane_table_count(self->lanes);
    *ret = self;
    return 0;

fail:
    journal_file_close(&self);
    return rc;
}

void
journal_file_close(journal_file_t **self_p)
{
    journal_file_t *self = *self_p;

    if (self == NULL)
        return;
    segment_log_close(&self->log);
    lane_table_destroy(&self->lanes);
    journal_keep_release(&self->keep);
    free(self->dir);
    free(self);
    *self_p = NULL;
}

const lane_table_t *
journal_file_lanes(const journal_file_t *self)
{
    return self->lanes;
}

struct segment_place
journal_file_end(const journal_file_t *self)
{
    return segment_log_end(self->log);
}

uint64_t
journal_file_oldest(const journal_file_t *self)
{
    return segment_log_oldest(self->log);
}

uint64_t
journal_file_bytes(const journal_file_t *self)
{
    return segment_log_bytes(self->log);
}

void
journal_file_commit(journal_file_t *self, struct journal_group *group)
{
    uint32_t i = 0;
    int rc = s_has_room(self, group);

    for (; i < group->n && rc == 0; i++) {
        struct journal_item *item = &group->items[i];

        if (!item->kept)
            continue;
        rc = s_append(self, item->kind, item->flags, item->host, item->received_ms,
                      group->bytes.at + item->at, item->len, &item->place);
        if (rc < 0)
            break;
        if (item->place.segment != self->segment) {
            self->segment = item->place.segment;
            rc = s_rolled(self, group);
        }
    }
    if (rc == -ENOSPC) {
        // What is young enough to go makes room; if nothing is, the disk must.
        const int trimmed = s_trim(self, group);

        rc = trimmed < 0 && trimmed != -ENOSPC ? trimmed : rc;
    }
    if (rc == 0 || rc == -ENOSPC) {
        const int synced = segment_log_sync(self->log);

        // What stays in memory for want of room may still come to the disk, and then stands there
        // twice: the second one is passed over by all who read.
        i = synced < 0 ? 0 : i;
        rc = synced < 0 ? synced : rc;
    }
    group->rc = rc;
    group->done = rc == 0 || rc == -ENOSPC ? i : 0;
    group->oldest = segment_log_oldest(self->log);
}

// One entry, booked in the lane table as an open will read it.
static int
s_append(journal_file_t *self, uint8_t kind, uint8_t flags, uint64_t host, int64_t received_ms,
         const void *body, size_t len, struct segment_place *place)
{
    uint8_t head[JOURNAL_HEAD_BYTES];
    const struct segment_payload payload = { head, sizeof head, body, len };
    struct journal_entry entry = {
        .kind = kind, .flags = flags, .host = host, .received_ms = received_ms
    };
    int rc;

    journal_head_put(head, kind, flags, host, received_ms);
    rc = segment_log_append(self->log, &payload, place);
    if (rc < 0 || kind == JOURNAL_CHECKPOINT)
        return rc;
    // Parsed from the body alone: the two pieces are one only in the file.
    if (journal_entry_take_body(&entry, body, len) < 0)
        return 0; // not ours to judge
    lane_table_book(self->lanes, &entry, *place);
    journal_keep_begin(&self->keep, place->segment);
    if (kind == JOURNAL_RECORD)
        journal_keep_need(&self->keep,
                          lane_table_add(self->lanes, host, entry.record.stream)->key.segment,
                          place->segment);
    return 0;
}

// A segment was begun by the entry just appended. ENOSPC is not for us: the entry is in, and what
// could not be done now is done at the next one.
static int
s_rolled(journal_file_t *self, struct journal_group *group)
{
    int rc;

    group->expired_ms = self->is.now_ms() - JOURNAL_ENDED_MS;
    lane_table_expire(self->lanes, group->expired_ms);
    rc = s_carry(self, self->segment, DEFS_GATHER);
    rc = rc < 0 ? rc : s_checkpoint(self);
    rc = rc < 0 ? rc : s_trim(self, group);
    return rc == -ENOSPC ? 0 : rc;
}

static int
s_emit(void *arg, const struct buf *items, uint8_t flags)
{
    journal_file_t *self = arg;
    struct segment_place place;

    return s_append(self, JOURNAL_CHECKPOINT, flags, 0, self->is.now_ms(), items->at, items->len,
                    &place);
}

static int
s_checkpoint(journal_file_t *self)
{
    const uint64_t begins = segment_log_newest(self->log);
    struct buf first = { 0 };
    int rc;

    for (uint32_t i = 0; i < self->keep.n; i++)
        lane_checkpoint_put_segment(&first, self->keep.segments[i].number,
                                    self->keep.segments[i].needed_by);
    rc = lane_checkpoint_save(self->lanes, &first, s_emit, self);
    buf_release(&first);
    if (rc == 0)
        self->checkpoint = begins; // or the one behind: no less will do
    self->segment = segment_log_newest(self->log);
    return rc;
}

// Lets go what is not needed. What must outlive it is durable elsewhere first: definitions, and all
// of the lane table, without which streams would be taken for new.
static int
s_trim(journal_file_t *self, struct journal_group *group)
{
    uint64_t below = s_below(self, group);
    int rc = 0;

    if (below > self->checkpoint)
        rc = s_checkpoint(self);
    if (rc < 0 && rc != -ENOSPC)
        return rc;
    below = below < self->checkpoint ? below : self->checkpoint;
    if (below <= segment_log_oldest(self->log))
        return rc;
    rc = s_carry(self, below, 1);
    rc = rc < 0 ? rc : segment_log_sync(self->log);
    if (rc < 0)
        return rc;
    // A file that can't be removed is tried again at the next segment.
    (void) segment_log_trim(self->log, below);
    lane_table_trim(self->lanes, segment_log_oldest(self->log));
    journal_keep_trim(&self->keep, segment_log_oldest(self->log));
    return 0;
}

static uint64_t
s_below(journal_file_t *self, struct journal_group *group)
{
    const uint64_t newest = segment_log_newest(self->log);
    uint64_t below = journal_keep_lowest(&self->keep, atomic_load(&self->let_go));
    const uint64_t held = s_held(self, below, group);

    if ((newest - held) * self->is.segment_bytes <= self->is.hold_bytes)
        below = held;
    return below < segment_log_oldest(self->log) ? segment_log_oldest(self->log) : below;
}

// The lowest segment with a KEY that a living stream is read from, `below` at most. Streams whose
// KEY stands far back are asked for another one: also where what they said last still needs it, or
// one with a row a minute would hold all that others say in two hours.
static uint64_t
s_held(const journal_file_t *self, uint64_t below, struct journal_group *group)
{
    const int64_t alive_ms = self->is.now_ms() - ALIVE_MS;
    const uint64_t newest = segment_log_newest(self->log);
    const struct lane_entry *lane;
    uint64_t held = below;
    size_t at = 0;

    while ((lane = lane_table_next(self->lanes, &at)) != NULL) {
        if (lane->ended || lane->key.segment == 0 || lane->heard_ms < alive_ms)
            continue;
        held = lane->key.segment < held ? lane->key.segment : held;
        if ((newest - lane->key.segment) * self->is.segment_bytes < self->is.hold_bytes / 2)
            continue;
        group->asks = xrealloc(group->asks, group->n_asks + 1, sizeof *group->asks);
        group->asks[group->n_asks++] = (struct journal_id){ lane->host, lane->stream };
    }
    return held;
}

// Nothing that is needed goes: where that is all there may be, what comes must wait.
static int
s_has_room(journal_file_t *self, struct journal_group *group)
{
    int rc;

    if (atomic_load(&self->hold))
        return -ENOSPC;
    if (segment_log_bytes(self->log) <= self->is.bytes_most)
        return 0;
    rc = s_trim(self, group);
    if (rc < 0)
        return rc;
    return segment_log_bytes(self->log) > self->is.bytes_most ? -ENOSPC : 0;
}

void
journal_file_hold(journal_file_t *self, bool on)
{
    atomic_store(&self->hold, on);
}

void
journal_file_let_go(journal_file_t *self, uint64_t below)
{
    atomic_store(&self->let_go, below);
}

// Writes anew the definitions that stand below `below`, of lanes that have `least` places or more.
static int
s_carry(journal_file_t *self, uint64_t below, uint32_t least)
{
    const int rc = segment_log_flush(self->log);

    if (rc < 0)
        return rc;
    return journal_carry(self->lanes,
                         &(struct journal_carry_options){ .dir = self->dir,
                                                          .owner = self->is.owner,
                                                          .until = segment_log_end(self->log),
                                                          .below = below,
                                                          .least = least,
                                                          .arg = self,
                                                          .basis = s_basis });
}

static int
s_basis(void *arg, const struct journal_id *id, const struct buf *basis)
{
    journal_file_t *self = arg;
    struct segment_place place;

    return s_append(self, JOURNAL_BASIS, 0, id->host, self->is.now_ms(), basis->at, basis->len,
                    &place);
}

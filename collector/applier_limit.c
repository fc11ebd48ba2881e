// applier_limit - what of an agent's series and samples is let in.
//
// A slot is decided at its first definition and never again: what was decided is told, to be
// journaled, and a replay asks that first. What had not reached the disk at a crash is decided
// anew, out of the same counts; nothing of it had been acknowledged as refused. What there was no
// room for was not decided: others may have taken the agent's share by the time there is. A record
// of which only some samples may come is shared out by itself alone, by its share, which stands
// with it: so a replay lets in the same ones. First come blocks that have a series which the record
// had not yet, in their order, cells by rising slot: the host's own, defined first, and each
// application's newest number. Then the rest: more numbers of the same series, which is what a
// flood is made of.

#include <stdlib.h>
#include <string.h>

#include "collector/applier_inner.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

static uint8_t s_judge(struct stream *stream, const struct slot_def *def, series_id id);
static void s_refuse(struct stream *stream, uint8_t limit, const struct slot_def *def);
static void s_tell(struct stream *stream);
static void s_log(struct stream *stream, uint8_t limit, const struct slot_def *def);
static void s_share(struct stream *stream);
static uint64_t s_keep(struct stream *stream, struct part_block *block, uint64_t left);
static void s_give(struct stream *stream, const struct part_block *block);

void
applier_retry(struct stream *stream)
{
    const int64_t asked_ms = stream->applier->now.mono_ms - stream->retried_ms;
    int64_t wait_ms = 2 * stream->retry_wait_ms;

    if (stream->retry_ms != 0)
        return;
    // There was room when it asked last: this is another want, not the same one still.
    if (asked_ms > APPLIER_RETRY_MS && asked_ms > stream->retry_wait_ms)
        wait_ms = 0;
    wait_ms = wait_ms < APPLIER_RETRY_MS ? APPLIER_RETRY_MS : wait_ms;
    stream->retry_wait_ms = wait_ms > APPLIER_RETRY_MOST_MS ? APPLIER_RETRY_MOST_MS : wait_ms;
    stream->retry_ms = stream->applier->now.mono_ms + stream->retry_wait_ms;
}

uint8_t
applier_decide(struct stream *stream, const struct slot_def *def, const struct label_set *whole,
               series_id *known_ret)
{
    const struct series *slot = &stream->series[def->slot];
    struct slot_decisions *all = &stream->decided;
    const uint8_t was = slot_refusals_find(&all->refusals, def->slot);
    // A slot that was passed over is not, though newer ones are.
    const bool is_decided = slot->decided ||
                            (def->slot < stream->decided_before && was != SLOT_UNDECIDED &&
                             !slot_refusals_are_full(&all->refusals));
    uint8_t limit;

    *known_ret = 0;
    if (was != 0 && was != SLOT_UNDECIDED)
        return was;
    if (slot->decided && slot->limit != 0) // where there was no room to keep that
        return slot->limit;
    // As it was decided before: the store may have to make it again.
    if (is_decided && slot->id == 0)
        return 0;
    *known_ret = store_find(stream->applier->store, stream->host, whole);
    // Said again. What has another series now was never decided.
    if (is_decided && *known_ret == slot->id)
        return 0;
    if (def->slot > all->below)
        slot_refusals_skip(&all->refusals, all->below, def->slot - 1);
    if (def->slot >= all->below)
        all->below = def->slot + 1;
    limit = s_judge(stream, def, *known_ret);
    if (limit == 0)
        slot_refusals_settle(&all->refusals, def->slot);
    else
        s_refuse(stream, limit, def);
    s_tell(stream);
    return limit;
}

void
applier_undecide(struct stream *stream, uint32_t slot)
{
    slot_refusals_add(&stream->decided.refusals, slot, SLOT_UNDECIDED);
    s_tell(stream);
}

static void
s_refuse(struct stream *stream, uint8_t limit, const struct slot_def *def)
{
    slot_refusals_add(&stream->decided.refusals, def->slot, limit);
    if (stream->applier->live.ledger != NULL)
        host_ledger_limit(stream->applier->live.ledger, stream->source->host,
                          &(struct refusal){ .limit = limit,
                                             .metric = label_set_metric(&def->labels),
                                             .labels = &def->labels });
    s_log(stream, limit, def);
}

// `id` is 0 of a series that nobody knows.
static uint8_t
s_judge(struct stream *stream, const struct slot_def *def, series_id id)
{
    applier_t *self = stream->applier;
    struct source *source = stream->source;
    const struct agent_limits *most = &self->most.agent;
    const bool imported = (self->flags & FRAME_IMPORT) != 0; // an operator asked for it

    if (!imported && self->share.limit == LIMIT_FRAME_BYTES)
        return LIMIT_FRAME_BYTES;
    if (!imported && agent_limit_labels(most, &def->labels))
        return LIMIT_LABEL_BYTES;
    if (imported)
        return LIMIT_NONE;
    if (id != 0 && id < self->held_size && self->held[id] > 0)
        return self->held[id] < UINT16_MAX ? LIMIT_NONE : LIMIT_SERIES;
    if (source->n_series >= most->series)
        return LIMIT_SERIES;
    // What waits for room in the store took its place in a minute when it was asked for first.
    if (id != 0 || stream->series[def->slot].limit == LIMIT_ROOM)
        return LIMIT_NONE;
    return agent_minutes_take(&source->minutes, most->new_series, self->record->t0_ms,
                              &stream->decided.minute, &stream->decided.made)
               ? LIMIT_NONE
               : LIMIT_NEW_SERIES;
}

static void
s_tell(struct stream *stream)
{
    applier_t *self = stream->applier;

    if (stream->to_tell)
        return;
    stream->to_tell = true;
    if (self->n_decided == self->decided_size) {
        self->decided_size = self->decided_size == 0 ? 16 : 2 * self->decided_size;
        self->decided = xrealloc(self->decided, self->decided_size, sizeof *self->decided);
    }
    self->decided[self->n_decided++] = (struct journal_id){ stream->source->host, stream->id };
}

static void
s_log(struct stream *stream, uint8_t limit, const struct slot_def *def)
{
    applier_t *self = stream->applier;

    if (log_allow(&self->said_ms[STAT_SAMPLES_SERIES], APPLIER_SAY_AGAIN_MS))
        log_warn("series refused: their agent is over a limit",
                 "host=%s limit=%s metric=%s series=%u", log_quote(stream->source->name),
                 refused_limit_str(limit), log_quote(label_set_metric(&def->labels)),
                 stream->source->n_series);
}

void
applier_hold(struct stream *stream, series_id id)
{
    applier_t *self = stream->applier;

    // An import shares ids with the agent of its instance, whose count is not its own.
    if (stream->source->imported)
        return;
    if (id >= self->held_size) {
        const uint32_t size = id < 512 ? 1024 : id < UINT32_MAX / 2 ? 2 * id : UINT32_MAX;

        self->held = xrealloc(self->held, size, sizeof *self->held);
        memset(self->held + self->held_size, 0, (size - self->held_size) * sizeof *self->held);
        self->held_size = size;
    }
    stream->source->n_series += self->held[id]++ == 0;
}

void
applier_unhold(struct stream *stream, series_id id)
{
    if (!stream->source->imported)
        stream->source->n_series -= --stream->applier->held[id] == 0;
}

void
applier_refused(struct stream *stream, uint8_t limit, uint16_t metric, uint64_t samples)
{
    applier_t *self = stream->applier;
    struct applier_taken *taken = &self->taken;

    if (limit != taken->limit || metric != taken->metric) {
        if (taken->n_refused > 0 && taken->limit != 0 && taken->limit < REFUSED_LIMITS &&
            self->live.ledger != NULL)
            host_ledger_limit(
                self->live.ledger, stream->source->host,
                &(struct refusal){ .limit = taken->limit,
                                   .metric = metric_names_get(self->metrics, taken->metric),
                                   .samples = taken->n_refused });
        taken->n_refused = 0;
        taken->limit = limit;
        taken->metric = metric;
    }
    taken->n_refused += samples;
}

void
applier_part_add(struct stream *stream, int64_t time_ms, const struct row_block *block)
{
    struct part *part = &stream->applier->part;
    struct part_block *add;

    if (!stream->applier->taken.shared)
        part->n_blocks = part->n_keep = 0, part->n_cells = 0;
    stream->applier->taken.shared = true;
    if (part->n_blocks == part->blocks_size) {
        part->blocks_size = part->blocks_size == 0 ? 16 : 2 * part->blocks_size;
        part->blocks = xrealloc(part->blocks, part->blocks_size, sizeof *part->blocks);
    }
    if (part->n_cells + block->n > part->cells_size) {
        part->cells_size = 2 * (part->n_cells + block->n);
        part->slots = xrealloc(part->slots, part->cells_size, sizeof *part->slots);
        part->cells = xrealloc(part->cells, part->cells_size, sizeof *part->cells);
    }
    add = &part->blocks[part->n_blocks++];
    *add = (struct part_block){ .time_ms = time_ms,
                                .nth = lane_block(stream->lane),
                                .sparse = block->sparse,
                                .n = block->n,
                                .at = part->n_cells };
    memcpy(part->slots + add->at, block->slots, block->n * sizeof *part->slots);
    memcpy(part->cells + add->at, block->cells, block->n * sizeof *part->cells);
    part->n_cells += block->n;
    for (uint32_t i = 0; i < block->n; i++) {
        struct series *series;

        if (lane_form(stream->lane, block->slots[i]) == NULL)
            continue;
        series = &stream->series[block->slots[i]];
        add->fresh = add->fresh || !series->seen;
        series->seen = true;
    }
}

void
applier_part_end(struct stream *stream, bool is_whole)
{
    const struct part *part = &stream->applier->part;

    for (size_t i = 0; i < part->n_cells; i++)
        if (lane_form(stream->lane, part->slots[i]) != NULL)
            stream->series[part->slots[i]].seen = false;
    if (is_whole)
        s_share(stream);
}

static void
s_share(struct stream *stream)
{
    applier_t *self = stream->applier;
    struct part *part = &self->part;
    uint64_t left = self->share.samples;

    part->n_keep = part->n_blocks == 0 ? 0 : part->blocks[part->n_blocks - 1].nth + 1;
    if (part->n_keep > part->keep_size) {
        part->keep_size = 2 * part->n_keep;
        part->keep = xrealloc(part->keep, part->keep_size, sizeof *part->keep);
    }
    memset(part->keep, 0xff, part->n_keep * sizeof *part->keep); // OPEN_WHOLE: nothing to be cut
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < part->n_blocks; i++)
            if (part->blocks[i].fresh == (round == 0))
                left -= s_keep(stream, &part->blocks[i], left);
    for (uint32_t i = 0; i < part->n_blocks; i++)
        s_give(stream, &part->blocks[i]);
}

// Of the block the first cells, until `left` of them are series'. How many these are.
static uint64_t
s_keep(struct stream *stream, struct part_block *block, uint64_t left)
{
    struct part *part = &stream->applier->part;
    const uint32_t *slots = part->slots + block->at;
    uint32_t most = 0;

    for (uint32_t i = 0; i < block->n; i++) {
        const uint32_t slot = slots[i];

        if (lane_form(stream->lane, slot) == NULL)
            continue;
        if (block->given == left) {
            applier_refused(stream, stream->applier->share.limit, stream->series[slot].metric, 1);
            block->refused++;
            continue;
        }
        block->given++;
        most = i + 1;
    }
    if (block->refused > 0) {
        block->n = most;
        part->keep[block->nth] = most == 0 ? 0 : slots[most - 1] + 1;
    }
    return block->given;
}

static void
s_give(struct stream *stream, const struct part_block *block)
{
    applier_t *self = stream->applier;
    const struct row_block kept = { .offset_ms = block->time_ms - self->record->t0_ms,
                                    .sparse = block->sparse,
                                    .n = block->n,
                                    .slots = self->part.slots + block->at,
                                    .cells = self->part.cells + block->at };

    selfstat_add(STAT_SAMPLES_OVER, block->refused);
    self->fate.refused[REFUSED_LIMIT] += block->refused;
    if (block->given > 0)
        applier_block(stream, block->time_ms, &kept, block->given);
}

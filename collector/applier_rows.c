// applier_rows - what a stream's lane calls back into, and where the values of a record go.
//
// Values stay as they came: the store keeps the body. They become doubles only where somebody
// watches the host.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/applier_inner.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

static const char s_topics[KINDS] = { [KIND_APPS] = LIVE_APP_ROWS, [KIND_HOST] = LIVE_HOST_ROWS };

static bool s_room(void *arg, uint32_t slots);
static void s_refused(void *arg, uint32_t slot);
static void s_table(void *arg);
static int s_define(void *arg, const struct slot_def *def);
static void s_values(void *arg, const struct row_state *before, bool apart);
static void s_block(void *arg, int64_t time_ms, const struct row_block *block);
static void s_gap(void *arg, uint64_t from, const struct gap *gap);
static void s_event(void *arg, const struct record *record);

lane_t *
applier_lane_new(struct stream *stream)
{
    return lane_new(stream->id, &(struct lane_handler){ .arg = stream,
                                                        .room = s_room,
                                                        .table = s_table,
                                                        .define = s_define,
                                                        .refused = s_refused,
                                                        .values = s_values,
                                                        .block = s_block,
                                                        .block_room = &stream->applier->room,
                                                        .gap = s_gap,
                                                        .event = s_event });
}

static enum kind
s_kind(const struct label_set *labels)
{
    const char *job = label_set_get(labels, "job");

    return job != NULL && strcmp(job, "app") == 0 ? KIND_APPS : KIND_HOST;
}

// Memory for so many slots of the stream, out of what its host may have. What another stream of
// the host gives back is taken at the next asking.
static bool
s_room(void *arg, uint32_t slots)
{
    struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct source *source = stream->source;
    const uint64_t most = self->most.slot_bytes / APPLIER_SLOT_BYTES;
    const uint32_t room = slots > APPLIER_SLOTS_LEAST ? slots : APPLIER_SLOTS_LEAST;

    if ((uint64_t) source->n_slots - stream->room + room <= most) {
        source->n_slots += room - stream->room;
        stream->room = room;
        return true;
    }
    applier_retry(stream);
    if (log_allow(&self->said_ms[STAT_SAMPLES_SERIES], APPLIER_SAY_AGAIN_MS))
        log_warn("rows refused: the streams of a host name more slots than it may have",
                 "host=%s stream=%016llx slots=%u of_others=%u most=%llu", log_quote(source->name),
                 (unsigned long long) stream->id, slots, source->n_slots - stream->room,
                 (unsigned long long) most);
    return false;
}

static struct series *
s_slot(struct stream *stream, uint32_t slot)
{
    if (slot >= stream->n_slots) {
        const uint32_t n = slot < APPLIER_SLOTS_LEAST ? 2 * APPLIER_SLOTS_LEAST : slot * 2;

        stream->series = xrealloc(stream->series, n, sizeof *stream->series);
        memset(stream->series + stream->n_slots, 0, (n - stream->n_slots) * sizeof *stream->series);
        stream->n_slots = n;
    }
    return &stream->series[slot];
}

static void
s_set_slot(struct stream *stream, struct series *slot, struct series series)
{
    // The new one first: a series that is said again is held all the time.
    if (series.id != 0)
        applier_hold(stream, series.id);
    if (slot->id != 0) {
        applier_unhold(stream, slot->id);
        stream->n_apps -= slot->kind == KIND_APPS;
        stream->n_new -= !slot->admitted;
    }
    if (series.id != 0) {
        stream->n_apps += series.kind == KIND_APPS;
        stream->n_new += !series.admitted;
    }
    *slot = series;
}

// The series' labels with `instance`: ours to add, or said already, and then that of its stream.
static int
s_whole(struct label_set *ret, const struct stream *stream, const struct slot_def *def)
{
    const char *said = label_set_get(&def->labels, "instance");

    if (said != NULL && strcmp(said, stream->source->name) != 0)
        return ERR_RANGE;
    return label_set_with(ret, &def->labels, "instance", stream->source->name);
}

// A series of the store for this slot. Refused ones are counted by the lane, sample by sample. What
// the store had no room for is tried again after a while; the agent's own limits are final.
static int
s_define(void *arg, const struct slot_def *def)
{
    struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct series *slot = s_slot(stream, def->slot);
    struct series series = { .kind = (uint8_t) s_kind(&def->labels) };
    struct label_set labels;
    int rc = s_whole(&labels, stream, def);

    series.metric = metric_names_put(self->metrics, label_set_metric(&def->labels));
    if (rc == 0) {
        series.limit = applier_decide(stream, def, &labels, &series.id);
        if (series.limit != 0)
            rc = ERR_LIMIT;
        else if (series.id == 0)
            rc = store_series(self->store, stream->host, &labels, def->kind, &series.id);
        label_set_release(&labels);
        if (rc < 0 && series.limit == 0) {
            series.limit = LIMIT_ROOM;
            applier_undecide(stream, def->slot);
            applier_retry(stream);
        }
    }
    if (rc < 0)
        series.id = 0;
    series.decided = series.limit != LIMIT_ROOM;
    series.admitted = series.id != 0 && series.id == slot->id && slot->admitted;
    s_set_slot(stream, slot, series);
    store_lane_define(stream->into, def->slot, series.id, def->form, lane_next(stream->lane));
    return rc;
}

static void
s_refused(void *arg, uint32_t slot)
{
    struct stream *stream = arg;
    const struct series *series = s_slot(stream, slot);

    stream->applier->taken.by_slot++;
    applier_refused(stream, series->limit, series->metric, 1);
}

static void
s_table(void *arg)
{
    struct stream *stream = arg;

    store_lane_table(stream->into, lane_next(stream->lane));
}

// Whether a row of the stream may be one of that kind.
static bool
s_has(const struct stream *stream, enum kind kind)
{
    return kind == KIND_APPS ? stream->n_apps > 0 : stream->n_apps < stream->n_slots;
}

static void
s_values(void *arg, const struct row_state *before, bool apart)
{
    struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct applier_taken *taken = &self->taken;

    taken->begun = true;
    taken->width = before->slots;
    taken->first_ms = INT64_MAX;
    taken->last_ms = INT64_MIN;
    taken->live = self->live.publisher != NULL && (self->flags & FRAME_BACKLOG) == 0;
    for (enum kind kind = 0; kind < KINDS; kind++)
        taken->watched[kind] = taken->live && s_has(stream, kind) &&
                               publisher_watches(self->live.publisher, s_topics[kind],
                                                 stream->source->host);
    store_lane_before(stream->into,
                      (struct store_place){ self->record->seq, self->segment,
                                            self->record->total + self->record->count },
                      self->record->type == RECORD_KEY ? NULL : before, apart);
}

static double
s_value(const struct stream *stream, uint32_t slot, const struct cell *cell)
{
    return cell->state == CELL_INTEGER ? metric_value(*lane_form(stream->lane, slot), cell->m)
                                       : sample_from_bits(cell->bits);
}

// The publisher is told of all series of a record ahead of its rows: a new application's first row
// needs a table, and 256 new ones in a record need one, not 256. It is told once of each.
static void
s_admit(struct stream *stream, const struct row_block *block)
{
    applier_t *self = stream->applier;
    struct store_row row = { .host = stream->source->host };

    for (enum kind kind = 0; kind < KINDS; kind++)
        row_builder_begin(&self->build[kind]);
    for (uint32_t i = 0; i < block->n; i++) {
        struct series *series = s_slot(stream, block->slots[i]);

        if (series->id == 0 || series->admitted || lane_form(stream->lane, block->slots[i]) == NULL)
            continue;
        row_builder_add(&self->build[series->kind], series->id, 0);
        series->admitted = true;
        stream->n_new--;
    }
    for (enum kind kind = 0; kind < KINDS; kind++) {
        row_builder_finish(&self->build[kind], &row);
        if (row.n > 0)
            publisher_series(self->live.publisher, s_topics[kind], &row);
    }
}

// The block as rows for who watches.
static void
s_build(struct stream *stream, int64_t time_ms, const struct row_block *block)
{
    applier_t *self = stream->applier;

    for (enum kind kind = 0; kind < KINDS; kind++)
        row_builder_begin(&self->build[kind]);
    for (uint32_t i = 0; i < block->n; i++) {
        const struct series *series = s_slot(stream, block->slots[i]);

        if (series->id != 0 && lane_form(stream->lane, block->slots[i]) != NULL)
            row_builder_add(&self->build[series->kind], series->id,
                            s_value(stream, block->slots[i], &block->cells[i]));
    }
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct store_row row = { .time_ms = time_ms };

        row_builder_finish(&self->build[kind], &row);
        row_list_add(&self->rows, (int) kind, &row);
    }
}

static uint64_t
s_count_apps(const struct stream *stream, const struct row_block *block)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < block->n && stream->n_apps > 0; i++) {
        const uint32_t slot = block->slots[i];

        n += slot < stream->n_slots && stream->series[slot].id != 0 &&
             stream->series[slot].kind == KIND_APPS && lane_form(stream->lane, slot) != NULL;
    }
    return n;
}

static void
s_block(void *arg, int64_t time_ms, const struct row_block *block)
{
    struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct applier_taken *taken = &self->taken;
    const uint64_t samples = lane_counters(stream->lane)->samples;
    const uint64_t n = samples - taken->seen;

    taken->seen = samples;
    if (time_ms > self->now.real_ms + APPLIER_FUTURE_MS) {
        taken->bounded = true;
        selfstat_add(STAT_SAMPLES_FUTURE, n);
        self->fate.refused[REFUSED_FUTURE] += n;
        if (log_allow(&self->said_ms[STAT_SAMPLES_FUTURE], APPLIER_SAY_AGAIN_MS))
            log_warn("samples refused: their time is more than 10 minutes ahead of ours",
                     "host=%s ahead_ms=%lld", log_quote(stream->source->name),
                     (long long) (time_ms - self->now.real_ms));
        return;
    }
    if (self->share.limit != 0)
        applier_part_add(stream, time_ms, block);
    else
        applier_block(stream, time_ms, block, n);
}

void
applier_block(struct stream *stream, int64_t time_ms, const struct row_block *block, uint64_t n)
{
    applier_t *self = stream->applier;
    struct applier_taken *taken = &self->taken;
    const uint64_t apps = s_count_apps(stream, block);

    taken->rows[KIND_APPS] += apps > 0;
    taken->rows[KIND_HOST] += n > apps;
    taken->given += n;
    taken->apps += apps;
    taken->first_ms = time_ms < taken->first_ms ? time_ms : taken->first_ms;
    taken->last_ms = time_ms > taken->last_ms ? time_ms : taken->last_ms;
    if (taken->live && stream->n_new > 0)
        s_admit(stream, block);
    if (taken->watched[KIND_APPS] || taken->watched[KIND_HOST])
        s_build(stream, time_ms, block);
    if (self->live.hosts != NULL)
        // An application's clock may be ahead; what the host has last said of itself is not.
        host_table_sample(self->live.hosts, stream->source->host,
                          time_ms < self->record->t0_ms ? time_ms : self->record->t0_ms);
}

// Stored first, then published: who asks after hearing of a row finds it.
void
applier_give(struct stream *stream)
{
    applier_t *self = stream->applier;
    const struct record *record = self->record;
    const struct applier_taken *taken = &self->taken;
    const struct open_record open = {
        .key = record->type == RECORD_KEY,
        .seq = record->seq,
        .t0_ms = record->t0_ms,
        .until_ms = taken->bounded ? self->now.real_ms + APPLIER_FUTURE_MS : INT64_MAX,
        .width = taken->width,
        .samples = (uint32_t) taken->given,
        .first_ms = taken->first_ms,
        .last_ms = taken->last_ms,
        .body = record->body,
        .body_len = record->body_len,
        .keep = self->part.keep,
        .n_keep = taken->shared ? self->part.n_keep : 0,
    };
    const uint32_t rows = taken->rows[KIND_APPS] + taken->rows[KIND_HOST];
    const uint64_t first = store_lane_append(stream->into, &open, rows);
    struct store_row row;

    selfstat_add(STAT_ROWS, rows);
    selfstat_add(STAT_SAMPLES, taken->given);
    selfstat_add(STAT_SAMPLES_APPS, taken->apps);
    for (uint32_t i = 0; i < self->rows.n; i++) {
        const enum kind kind = (enum kind) row_list_get(&self->rows, i, stream->source->host, &row);

        publisher_row(self->live.publisher, s_topics[kind], &row, first + i);
    }
    for (enum kind kind = 0; kind < KINDS && taken->live && self->rows.n == 0; kind++)
        if (taken->rows[kind] > 0)
            publisher_pass(self->live.publisher, s_topics[kind], stream->source->host,
                           taken->rows[kind], first + rows - 1);
    row_list_clear(&self->rows);
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    const struct stream *stream = arg;

    log_debug("records are missing", "host=%s stream=%016llx from=%llu to=%llu cause=%u",
              log_quote(stream->source->name), (unsigned long long) stream->id,
              (unsigned long long) from, (unsigned long long) gap->to, gap->cause);
}

// Kept first, then published, as rows are.
static void
s_event(void *arg, const struct record *record)
{
    const struct stream *stream = arg;
    applier_t *self = stream->applier;
    struct host_event event;
    const int rc = event_log_take(self->events, &event, stream->source->host, record,
                                  self->now.real_ms);

    if (rc == 1)
        local_store_event(self->local,
                          &(struct event_row){ .host = event.host,
                                               .stream = event.stream,
                                               .seq = event.seq,
                                               .time_ms = event.time_ms,
                                               .body = record->body,
                                               .len = record->body_len },
                          self->segment);
    selfstat_add(STAT_EVENTS, rc == 1);
    selfstat_add(STAT_EVENTS_WORDLESS, rc < 0);
    if (rc == 1 && self->live.publisher != NULL && (self->flags & FRAME_BACKLOG) == 0)
        publisher_event(self->live.publisher, &event, record);
}

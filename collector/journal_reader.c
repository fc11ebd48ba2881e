// journal_reader - see the header.

#include "collector/journal_reader.h"

#include <stdlib.h>
#include <string.h>

#include "collector/applier.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/wire/lane.h"

struct decoder {
    struct reader *reader;
    uint64_t host;
    uint64_t stream;
    lane_t *lane;
    struct journal_series **series; // by slot; NULL: none
    uint32_t n_slots;               // allocated, all set
};

struct reader {
    const struct journal_read *is;
    struct journal_told *told;
    map_t *names;      // host -> char *
    map_t *decoders;   // stream -> decoder
    int64_t latest_ms; // of samples of the record at hand: not further ahead of our clock
    uint32_t size;     // allocated, both
    const struct journal_series **series; // of the row at hand
    double *values;
};

static void s_host(void *arg, uint64_t host, const char *name);
static void s_record(void *arg, const struct journal_entry *entry);
static struct decoder *s_decoder(struct reader *self, uint64_t host, uint64_t stream);
static int s_define(void *arg, const struct slot_def *def);
static void s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values,
                  uint32_t n);
static void s_gap(void *arg, uint64_t from, const struct gap *gap);
static void s_free(struct decoder *decoder);

int
journal_read(const struct journal_read *read, struct journal_told *ret)
{
    struct reader self = { .is = read, .told = ret, .names = map_new(), .decoders = map_new() };
    struct map_entry entry;
    size_t at = 0;
    int rc;

    *ret = (struct journal_told){ 0 };
    rc = journal_walk(&(struct journal_walk){ .dir = read->dir,
                                              .owner = read->owner,
                                              .end = read->end,
                                              .lanes = read->lanes,
                                              .since_ms = read->from_ms - APPLIER_FUTURE_MS,
                                              .stop = read->stop,
                                              .arg = &self,
                                              .host = s_host,
                                              .record = s_record },
                      &ret->walked);
    while (map_next(self.decoders, &at, &entry)) {
        const struct decoder *decoder = entry.value;

        ret->unreadable += lane_counters(decoder->lane)->unreadable;
        s_free(entry.value);
    }
    at = 0;
    while (map_next(self.names, &at, &entry))
        free(entry.value);
    map_destroy(&self.decoders);
    map_destroy(&self.names);
    free(self.series);
    free(self.values);
    return rc;
}

static void
s_host(void *arg, uint64_t host, const char *name)
{
    struct reader *self = arg;

    free(map_put_u64(self->names, host, xstrdup(name)));
}

// Kept after END too: the same stream's records in a damaged journal may be told in any order.
static void
s_record(void *arg, const struct journal_entry *entry)
{
    struct reader *self = arg;
    struct decoder *decoder = s_decoder(self, entry->host, entry->record.stream);
    const struct frame_prefix prefix = { .flags = entry->flags, .base = entry->record.seq };

    self->latest_ms = entry->received_ms + APPLIER_FUTURE_MS;
    if (decoder->host == entry->host)
        (void) lane_accept(decoder->lane, &prefix, &entry->record);
}

static struct decoder *
s_decoder(struct reader *self, uint64_t host, uint64_t stream)
{
    struct decoder *decoder = map_get_u64(self->decoders, stream);

    if (decoder != NULL)
        return decoder;
    decoder = xcalloc(1, sizeof *decoder);
    decoder->reader = self;
    decoder->host = host;
    decoder->stream = stream;
    decoder->lane = lane_new(
        stream,
        &(struct lane_handler){ .arg = decoder, .define = s_define, .row = s_row, .gap = s_gap });
    map_put_u64(self->decoders, stream, decoder);
    return decoder;
}

static void
s_forget_series(struct decoder *decoder, uint32_t slot)
{
    if (decoder->series[slot] == NULL)
        return;
    label_set_release(&decoder->series[slot]->labels);
    free(decoder->series[slot]);
    decoder->series[slot] = NULL;
}

static int
s_define(void *arg, const struct slot_def *def)
{
    struct decoder *decoder = arg;
    const char *name = map_get_u64(decoder->reader->names, decoder->host);
    struct journal_series series = { .kind = def->kind };
    int rc;

    if (def->slot >= decoder->n_slots) {
        const uint32_t n = def->slot < 64 ? 128 : def->slot * 2; // slots are below BODY_SLOTS_MAX

        decoder->series = xrealloc(decoder->series, n, sizeof(struct journal_series *));
        memset(decoder->series + decoder->n_slots, 0,
               (n - decoder->n_slots) * sizeof(struct journal_series *));
        decoder->n_slots = n;
    }
    rc = label_set_with(&series.labels, &def->labels, "instance", name != NULL ? name : "");
    if (rc < 0)
        return rc;
    s_forget_series(decoder, def->slot);
    decoder->series[def->slot] = xmemdup(&series, sizeof series);
    return 0;
}

static void
s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    struct decoder *decoder = arg;
    struct reader *self = decoder->reader;
    struct journal_row row = { .host = decoder->host,
                               .stream = decoder->stream,
                               .time_ms = time_ms };

    if (time_ms < self->is->from_ms || time_ms > self->is->to_ms || time_ms > self->latest_ms)
        return;
    if (n > self->size) {
        self->size = n;
        self->series = xrealloc(self->series, n, sizeof(struct journal_series *));
        self->values = xrealloc(self->values, n, sizeof *self->values);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i] >= decoder->n_slots || decoder->series[slots[i]] == NULL)
            continue;
        self->series[row.n] = decoder->series[slots[i]];
        self->values[row.n++] = values[i];
    }
    row.series = self->series;
    row.values = self->values;
    self->told->samples += row.n;
    if (row.n > 0)
        self->is->row(self->is->arg, &row);
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    (void) from;
    (void) gap;
}

static void
s_free(struct decoder *decoder)
{
    for (uint32_t slot = 0; slot < decoder->n_slots; slot++)
        s_forget_series(decoder, slot);
    lane_destroy(&decoder->lane);
    free(decoder->series);
    free(decoder);
}

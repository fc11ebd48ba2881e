// journal_reader - see the header.
//
// Most of what a walk gives may be outside of the range: before it, where much came at once, or
// after it. Such records are not decoded but put off, each as {flags, when it came, length,
// record}; the next KEY makes them needless, and a record of the range is read behind them.

#include "collector/journal_reader.h"

#include <stdlib.h>
#include <string.h>

#include "collector/applier.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/wire/lane.h"

#define PUT_OFF_BYTES (256u * 1024u)

struct decoder {
    struct reader *reader;
    uint64_t host;
    uint64_t stream;
    lane_t *lane;
    struct journal_series **series; // by slot; NULL: none
    uint32_t n_slots;               // allocated, all set
    uint32_t n_wanted;              // of the series
    struct buf put_off;             // records since a KEY that have nothing of the range, see below
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
    int rc; // of is->row
};

static void s_begin(struct reader *self, struct journal_walk *walk);
static void s_end(struct reader *self);
static bool s_host(void *arg, uint64_t host, const char *name);
static bool s_record(void *arg, const struct journal_entry *entry);
static bool s_stream(void *arg, uint64_t host, uint64_t stream);
static bool s_put_off(struct decoder *decoder, const struct journal_entry *entry);
static void s_catch_up(struct decoder *decoder);
static void s_accept(struct decoder *decoder, uint8_t flags, int64_t received_ms,
                     const struct record *record);
static struct decoder *s_decoder(struct reader *self, uint64_t host, uint64_t stream);
static int s_define(void *arg, const struct slot_def *def);
static void s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values,
                  uint32_t n);
static void s_gap(void *arg, uint64_t from, const struct gap *gap);
static void s_free(struct decoder *decoder);

int
journal_read(const struct journal_read *read, struct journal_told *ret)
{
    struct reader self = { .is = read, .told = ret };
    struct journal_walk walk;
    int rc;

    *ret = (struct journal_told){ 0 };
    s_begin(&self, &walk);
    rc = journal_walk(&walk, &ret->walked);
    s_end(&self);
    return self.rc < 0 ? self.rc : rc;
}

int
journal_read_series(const struct journal_read *read)
{
    struct journal_told told = { 0 };
    struct reader self = { .is = read, .told = &told };
    struct journal_walk walk;
    int rc;

    s_begin(&self, &walk);
    rc = journal_walk_definitions(&walk);
    s_end(&self);
    return rc;
}

// A sample may be older than its coming by any time, and younger by a little.
static void
s_begin(struct reader *self, struct journal_walk *walk)
{
    const struct journal_read *is = self->is;

    self->names = map_new();
    self->decoders = map_new();
    *walk = (struct journal_walk){ .dir = is->dir,
                                   .owner = is->owner,
                                   .end = is->end,
                                   .lanes = is->lanes,
                                   .since_ms = is->from_ms > INT64_MIN + APPLIER_FUTURE_MS
                                                   ? is->from_ms - APPLIER_FUTURE_MS
                                                   : INT64_MIN,
                                   .keep = is->keep,
                                   .to_ms = is->to_ms,
                                   .most_bytes = is->most_bytes,
                                   .stop = is->stop,
                                   .until_ms = is->until_ms,
                                   .arg = self,
                                   .host = s_host,
                                   .record = s_record,
                                   .stream = s_stream };
}

static void
s_end(struct reader *self)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->decoders, &at, &entry)) {
        const struct decoder *decoder = entry.value;

        self->told->unreadable += lane_counters(decoder->lane)->unreadable;
        s_free(entry.value);
    }
    at = 0;
    while (map_next(self->names, &at, &entry))
        free(entry.value);
    map_destroy(&self->decoders);
    map_destroy(&self->names);
    free(self->series);
    free(self->values);
}

static bool
s_host(void *arg, uint64_t host, const char *name)
{
    struct reader *self = arg;

    free(map_put_u64(self->names, host, xstrdup(name)));
    return self->is->host == NULL || self->is->host(self->is->arg, host, name);
}

static bool
s_stream(void *arg, uint64_t host, uint64_t stream)
{
    const struct decoder *decoder = map_get_u64(((struct reader *) arg)->decoders, stream);

    return decoder != NULL && decoder->host == host && decoder->n_wanted > 0;
}

// Kept after END too: the same stream's records in a damaged journal may be told in any order.
// Definitions are looked at in any case: those that were told first may have been damaged.
static bool
s_record(void *arg, const struct journal_entry *entry)
{
    struct reader *self = arg;
    const struct record *record = &entry->record;
    struct decoder *decoder;

    if (record->type != RECORD_TABLE && record->type != RECORD_DEF &&
        !s_stream(self, entry->host, record->stream))
        return true;
    decoder = s_decoder(self, entry->host, record->stream);
    if (decoder->host != entry->host || s_put_off(decoder, entry))
        return true;
    s_catch_up(decoder);
    s_accept(decoder, entry->flags, entry->received_ms, record);
    return self->rc == 0;
}

// Whether it may have samples of the range. Those with times of their own stand first, the oldest
// ahead; how new the newest is only its decoder sees.
static bool
s_concerns(const struct reader *self, const struct record *record)
{
    const int64_t least_ms = journal_record_least_ms(record);

    if (least_ms > self->is->to_ms)
        return false;
    return record->t0_ms >= self->is->from_ms || !journal_record_is_row(record);
}

static bool
s_put_off(struct decoder *decoder, const struct journal_entry *entry)
{
    const struct record *record = &entry->record;
    const uint32_t len = (uint32_t) entry->len;

    if ((record->type != RECORD_KEY && record->type != RECORD_DELTA) ||
        s_concerns(decoder->reader, record))
        return false;
    if (record->type == RECORD_KEY)
        buf_clear(&decoder->put_off);
    if (decoder->put_off.len + len > PUT_OFF_BYTES)
        return false;
    buf_byte(&decoder->put_off, entry->flags);
    buf_bytes(&decoder->put_off, &entry->received_ms, sizeof entry->received_ms);
    buf_bytes(&decoder->put_off, &len, sizeof len);
    buf_bytes(&decoder->put_off, entry->bytes, len);
    return true;
}

static void
s_catch_up(struct decoder *decoder)
{
    const uint8_t *at = decoder->put_off.at;
    const uint8_t *end = at + decoder->put_off.len;

    while (at != end) {
        const uint8_t flags = *at++;
        struct record record;
        int64_t received_ms;
        uint32_t len;
        size_t used;

        memcpy(&received_ms, at, sizeof received_ms);
        at += sizeof received_ms;
        memcpy(&len, at, sizeof len);
        at += sizeof len;
        if (frame_take_record(&record, at, len, &used) == 0) // as it was when it was put off
            s_accept(decoder, flags, received_ms, &record);
        at += len;
    }
    buf_clear(&decoder->put_off);
}

static void
s_accept(struct decoder *decoder, uint8_t flags, int64_t received_ms, const struct record *record)
{
    const struct frame_prefix prefix = { .flags = flags, .base = record->seq };

    decoder->reader->latest_ms = received_ms + APPLIER_FUTURE_MS;
    (void) lane_accept(decoder->lane, &prefix, record);
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
    decoder->n_wanted--;
}

static int
s_define(void *arg, const struct slot_def *def)
{
    struct decoder *decoder = arg;
    const struct journal_read *is = decoder->reader->is;
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
    if (is->series != NULL && !is->series(is->arg, decoder->host, &series)) {
        label_set_release(&series.labels);
        return ERR_UNKNOWN; // its values are passed over
    }
    decoder->series[def->slot] = xmemdup(&series, sizeof series);
    decoder->n_wanted++;
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

    if (time_ms < self->is->from_ms || time_ms > self->is->to_ms || time_ms > self->latest_ms ||
        self->rc < 0)
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
        self->rc = self->is->row(self->is->arg, &row);
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
    buf_release(&decoder->put_off);
    free(decoder->series);
    free(decoder);
}

// outbox - see the header.
//
//      row -> stream_writer -+-> spool -- written, read --+
//                            +-> delivery <---------------+
//                                   |  ^ WELCOME, ACK, NAK
//                                   v  |
//                                 frames
//
// The parts do not know each other; what one says to another passes through the functions here.

#include "agent/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/own_series.h"
#include "agent/spool.h"
#include "agent/spool_report.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define LOST_LOG_MS 60000

struct outbox {
    struct outbox_options opt;
    outbox_send_fn *send;
    void *send_arg;
    stream_writer_t *writer;
    bool ended; // the last words are said: repeats alone are made
    spool_t *spool;
    delivery_t *delivery;
    bool key_due;            // the next record of values is to be a KEY
    struct spool_note note;  // of the ledger, what is ours to count; how large a message may be
    struct spool_note noted; // as the spool was told last
    uint64_t lost_unsaid;    // samples
    int64_t lost_log_ms;
    struct spool_report report;
};

static int s_open_spool(outbox_t *self, struct spool_book *book);
static void s_open_delivery(outbox_t *self, const struct spool_book *book);
static void s_count_down(outbox_t *self, const struct spool_book *book);
static void s_open_stream(outbox_t *self);
static void s_keep(void *arg, const struct record *record, uint32_t slots);
static void s_roll(outbox_t *self, int64_t time_ms);
static void s_note(outbox_t *self);

int
outbox_open(outbox_t **ret, const struct outbox_options *opt, outbox_send_fn *send, void *arg)
{
    outbox_t *self = xcalloc(1, sizeof *self);
    struct spool_book *book = xcalloc(1, sizeof *book);
    int rc;

    self->opt = *opt;
    self->send = send;
    self->send_arg = arg;
    rc = s_open_spool(self, book);
    if (rc == 0) {
        s_open_delivery(self, book);
        s_count_down(self, book);
        s_open_stream(self);
        *ret = self;
    } else {
        outbox_close(&self);
    }
    free(book);
    return rc;
}

static int
s_open_spool(outbox_t *self, struct spool_book *book)
{
    struct spool_files_found found;
    struct buf dir = { 0 };
    int rc;

    buf_printf(&dir, "%s/spool", self->opt.data);
    rc = spool_open(&self->spool,
                    &(const struct spool_options){ .dir = buf_cstr(&dir),
                                                   .bytes_most = self->opt.spool_bytes,
                                                   .age_most_ms = self->opt.spool_age_ms,
                                                   .sync_ms = self->opt.spool_sync_ms,
                                                   .close_ms = self->opt.spool_close_ms,
                                                   .now_ms = clock_real_ms },
                    book, &found);
    if (rc < 0)
        spool_report_refused(buf_cstr(&dir), rc);
    else
        spool_report_found(book, &found);
    buf_release(&dir);
    return rc;
}

// ---- what delivery asks for

static bool
s_send(void *arg, const void *frame, size_t n)
{
    const outbox_t *self = arg;

    return self->send(self->send_arg, frame, n);
}

static void
s_want(void *arg, uint64_t stream, uint64_t from, uint64_t total, size_t bytes, bool repeat)
{
    spool_read(((outbox_t *) arg)->spool, stream, from, total, bytes, repeat);
}

static void
s_acked(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    spool_acked(((outbox_t *) arg)->spool, stream, next, total, collector);
}

static void
s_ahead(void *arg, const struct record *record, uint32_t slots)
{
    (void) slots;
    delivery_table(((outbox_t *) arg)->delivery, record);
}

static void
s_table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    outbox_t *self = arg;

    stream_writer_table(self->writer, self->opt.table, slots, ahead_of, s_ahead, self);
}

static void
s_key(void *arg)
{
    ((outbox_t *) arg)->key_due = true;
}

static void
s_close_live(void *arg)
{
    outbox_t *self = arg;

    if (self->ended)
        return;
    stream_writer_end(self->writer, clock_real_ms());
    stream_writer_destroy(&self->writer);
    s_open_stream(self);
}

static uint64_t
s_forked(void *arg, uint64_t stream)
{
    const uint64_t as = random_u64();
    char from[STR_HEX64_SIZE], to[STR_HEX64_SIZE];

    (void) arg;
    log_warn("the collector has records of a stream that this agent never made: what is not "
             "acknowledged goes on in another; is this host a copy?",
             "stream=%s as=%s", str_hex64_put(from, stream), str_hex64_put(to, as));
    return as;
}

static void
s_open_delivery(outbox_t *self, const struct spool_book *book)
{
    const struct delivery_options opt = { .memory = (size_t) self->opt.memory,
                                          .backlog_rate = self->opt.backlog_rate };
    const struct delivery_handler handler = { .arg = self,
                                              .send = s_send,
                                              .want = s_want,
                                              .acked = s_acked,
                                              .table = s_table,
                                              .key = s_key,
                                              .close_live = s_close_live,
                                              .forked = s_forked };
    const struct delivery_sums sums = { .elsewhere = book->ledger.elsewhere,
                                        .refused = book->ledger.refused,
                                        .collector_lost = book->ledger.lost[LOST_COLLECTOR] };

    self->note.elsewhere = sums.elsewhere;
    self->note.refused = sums.refused;
    self->note.collector_lost = sums.collector_lost;
    memcpy(self->note.missed, book->ledger.missed, sizeof self->note.missed);
    self->note.frame_bytes = book->frame_bytes; // 0: the least that any collector takes
    self->noted = self->note;
    self->delivery = delivery_new(&opt, &handler, &sums);
    for (size_t i = 0; i < book->n_streams; i++) {
        const struct spool_stream *st = &book->streams[i];
        struct delivery_found found = {
            .stream = st->stream,
            .base = st->base,
            .head = st->head + 1, // behind the END
            .head_total = st->head_total,
        };

        if (st->ended && st->base > st->head)
            continue; // only its files are left
        for (unsigned k = 0; k < st->n_acked && k < DELIVERY_COLLECTORS; k++) {
            found.acked_here[k].collector = st->acked[k].collector;
            found.acked_here[k].next = st->acked[k].next;
        }
        if (!st->ended)
            spool_end(self->spool, st->stream);
        delivery_found(self->delivery, &found);
    }
}

// Ticks that fell between the last record and now.
static void
s_count_down(outbox_t *self, const struct spool_book *book)
{
    int64_t last_ms = book->last_ms;
    int64_t ms;

    for (size_t i = 0; i < book->n_streams; i++)
        last_ms = book->streams[i].last_ms > last_ms ? book->streams[i].last_ms : last_ms;
    ms = clock_real_ms() - last_ms;
    if (last_ms > 0 && ms > self->opt.id.interval_ms)
        outbox_missed(self, MISSED_DOWN, (uint64_t) (ms / self->opt.id.interval_ms));
}

bool
outbox_close(outbox_t **self_p)
{
    outbox_t *self = *self_p;
    bool clean = true;

    if (self == NULL)
        return true;
    if (self->delivery != NULL)
        s_note(self);
    if (spool_close(&self->spool) < 0) {
        log_error("the disk of the spool does not answer; the end does not wait for it", NULL);
        clean = false;
    }
    stream_writer_destroy(&self->writer);
    delivery_destroy(&self->delivery);
    free(self);
    *self_p = NULL;
    return clean;
}

// ---- what is made

static void
s_open_stream(outbox_t *self)
{
    const struct stream_writer_options opt = {
        .stream = random_u64(),
        .id = self->opt.id,
        .now_ms = clock_real_ms(),
        .phase = self->opt.key_phase < 0 ? (unsigned) (random_u64() % STREAM_KEY_EVERY)
                                         : (unsigned) self->opt.key_phase,
    };

    self->key_due = false; // it begins with one
    delivery_open(self->delivery, opt.stream);
    self->writer = stream_writer_new(&opt, s_keep, self);
}

static void
s_keep(void *arg, const struct record *record, uint32_t slots)
{
    outbox_t *self = arg;

    // What the spool refuses goes from memory; it tells by itself when that was not enough.
    (void) spool_append(self->spool, record);
    if (!delivery_produced(self->delivery, record, slots, clock_mono_ms()))
        self->key_due = true;
    selfstat_add(AGENT_SAMPLES, record->count);
}

static void
s_spool_table(void *arg, const struct record *record, uint32_t slots)
{
    (void) slots;
    (void) spool_table(((outbox_t *) arg)->spool, record);
}

void
outbox_bound(outbox_t *self, uint32_t frame_bytes)
{
    self->note.frame_bytes = frame_bytes;
}

// A segment can be read alone: it begins with a TABLE, and the KEY that comes next. What a stream
// is refused for its size stays so while it lasts: another begins, where HELLO can name one more.
static void
s_roll(outbox_t *self, int64_t time_ms)
{
    const uint32_t most = (uint32_t) self->note.frame_bytes;

    if (!stream_writer_fits(self->writer, most) &&
        delivery_stat(self->delivery).backlog < DELIVERY_BACKLOG_MOST) {
        log_info("smaller messages are taken: another stream begins", "frame_bytes=%" PRIu32, most);
        s_close_live(self);
    }
    stream_writer_bound(self->writer, most);
    if (spool_wants_segment(self->spool)) {
        const struct record ahead_of = { .stream = stream_writer_stream(self->writer),
                                         .seq = stream_writer_next(self->writer),
                                         .total = stream_writer_total(self->writer),
                                         .t0_ms = time_ms };

        stream_writer_table(self->writer, self->opt.table, stream_writer_slots(self->writer),
                            &ahead_of, s_spool_table, self);
        self->key_due = true;
    }
    if (self->key_due)
        stream_writer_key_due(self->writer);
    self->key_due = false;
}

void
outbox_row(outbox_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    s_roll(self, time_ms);
    stream_writer_row(self->writer, self->opt.table, time_ms, blocks, n_blocks);
    s_note(self);
}

void
outbox_apps(outbox_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks)
{
    if (n_blocks == 0)
        return;
    s_roll(self, time_ms);
    stream_writer_apps(self->writer, self->opt.table, time_ms, blocks, n_blocks);
}

// It tells of no slots, so it can stand at the end of a segment as well as in the next one.
void
outbox_event(outbox_t *self, const struct host_event *event)
{
    stream_writer_event(self->writer, event->time_ms, event);
}

void
outbox_end(outbox_t *self)
{
    self->ended = true;
    stream_writer_end(self->writer, clock_real_ms());
}

// ---- turns

static void
s_written(void *arg, uint64_t stream, uint64_t next)
{
    delivery_written(((outbox_t *) arg)->delivery, stream, next);
}

static void
s_read(void *arg, const struct record *record, bool repeat)
{
    delivery_read(((outbox_t *) arg)->delivery, record->stream, record, repeat);
}

static void
s_read_done(void *arg, uint64_t stream, uint64_t next, bool end, int rc)
{
    outbox_t *self = arg;

    (void) next;
    (void) end;
    if (rc < 0 && rc != ERR_UNKNOWN && log_allow(&self->lost_log_ms, LOST_LOG_MS))
        log_error("the spool can not be read; tried again", "error=%s", log_quote(err_str(rc)));
    delivery_read_end(self->delivery, stream, rc == ERR_UNKNOWN, clock_mono_ms());
}

static void
s_lost(void *arg, const struct spool_gap *gap)
{
    outbox_t *self = arg;

    self->lost_unsaid += gap->samples;
    if (!log_allow(&self->lost_log_ms, LOST_LOG_MS))
        return;
    log_warn("samples are lost that no collector has", "cause=%s samples=%" PRIu64,
             lost_cause_str(gap->cause), self->lost_unsaid);
    self->lost_unsaid = 0;
}

int
outbox_fd(const outbox_t *self)
{
    return spool_fd(self->spool);
}

void
outbox_turn(outbox_t *self)
{
    const struct spool_handler handler = {
        .arg = self, .written = s_written, .read = s_read, .read_done = s_read_done, .lost = s_lost
    };

    spool_turn(self->spool, &handler);
}

bool
outbox_send(outbox_t *self, unsigned budget)
{
    const bool taken = delivery_turn(self->delivery, clock_mono_ms(), budget);

    spool_give(self->spool);
    return taken;
}

bool
outbox_has(const outbox_t *self)
{
    return delivery_has(self->delivery, clock_mono_ms());
}

bool
outbox_waits(const outbox_t *self)
{
    return delivery_stat(self->delivery).waiting > 0;
}

int64_t
outbox_wait_ms(const outbox_t *self)
{
    return delivery_wait_ms(self->delivery, clock_mono_ms());
}

delivery_t *
outbox_delivery(outbox_t *self)
{
    return self->delivery;
}

// ---- the ledger

void
outbox_missed(outbox_t *self, enum missed_cause cause, uint64_t ticks)
{
    self->note.missed[cause] += ticks;
}

// Tells the spool what has changed of what is ours to count.
static void
s_note(outbox_t *self)
{
    const struct delivery_sums sums = delivery_sums(self->delivery);

    self->note.elsewhere = sums.elsewhere;
    self->note.refused = sums.refused;
    self->note.collector_lost = sums.collector_lost;
    if (memcmp(&self->note, &self->noted, sizeof self->note) == 0)
        return;
    self->noted = self->note;
    spool_note(self->spool, &self->note);
}

struct ledger
outbox_ledger(outbox_t *self)
{
    struct ledger ledger;

    s_note(self);
    ledger = spool_stat(self->spool).ledger;
    ledger.elsewhere = self->note.elsewhere;
    ledger.refused = self->note.refused;
    memcpy(ledger.missed, self->note.missed, sizeof ledger.missed);
    return ledger;
}

void
outbox_count(outbox_t *self)
{
    const struct delivery_stat stat = delivery_stat(self->delivery);
    const struct spool_stat spool = spool_stat(self->spool);
    const struct ledger ledger = outbox_ledger(self);

    selfstat_set(AGENT_MEMORY_BYTES, (int64_t) stat.bytes);
    selfstat_set(AGENT_MEMORY_RECORDS, (int64_t) stat.waiting);
    selfstat_set(AGENT_PRODUCED, (int64_t) ledger.produced);
    selfstat_set(AGENT_PENDING, (int64_t) ledger.pending);
    selfstat_set(AGENT_ACKED, (int64_t) ledger.acked);
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        selfstat_set(AGENT_LOST + i, (int64_t) ledger.lost[i]);
    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        selfstat_set(AGENT_MISSED + i, (int64_t) ledger.missed[i]);
    selfstat_set(AGENT_SPOOL_BYTES, (int64_t) spool.files.bytes);
    selfstat_set(AGENT_SPOOL_FULL, spool.files.full);
    selfstat_set(AGENT_SPOOL_BROKEN, spool.files.failed != 0);
    spool_report_disk(&self->report, &spool.files);
    selfstat_set(AGENT_UNSPOOLED, (int64_t) stat.unspooled);
    selfstat_set(AGENT_BACKLOG_STREAMS, (int64_t) stat.backlog);
    selfstat_set(AGENT_REWINDS, (int64_t) stat.rewinds);
    selfstat_set(AGENT_FORKS, (int64_t) stat.forks);
}

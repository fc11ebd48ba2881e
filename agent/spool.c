// spool - see the header.
//
// Two rings: orders to the thread, events back. A ring that is full of orders is a disk that does
// not keep up: records are refused. Orders that must not be refused (acknowledgements, ends, reads)
// wait in `held` on main's side, in order, until there is room. Acknowledgements wait there too for
// the record that comes after them in the same turn, so that the thread wakes once for both.

#include "agent/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_thread.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define RETRY_MS     2000           // from a refusal to the next try
#define MARGIN_BYTES (512u * 1024u) // of a segment: for the records of one tick

struct spool {
    struct spool_options opt;
    spool_thread_t *thread;
    struct spool_order *held, **held_end; // waiting for room in the ring
    uint64_t stream;                      // being written; 0: none
    uint64_t head, head_total;            // of it: behind the last record appended or refused
    uint64_t written;                     // of it: as the thread has told
    uint64_t taken;                       // of it: behind the last record that was not refused
    uint64_t tables;                      // TABLEs taken, of any stream
    uint32_t segment_used;                // bytes of records given to the newest segment
    bool refusing;                        // until a TABLE is taken
    int64_t refused_ms;                   // since when, or since the last try; CLOCK_MONOTONIC
    int64_t waiting_since_ms;             // the oldest record not written; CLOCK_MONOTONIC
    uint64_t refused;
};

static void s_send(spool_t *self, struct spool_order *order);
static void s_send_held(spool_t *self);
static bool s_send_record(spool_t *self, enum spool_order_kind kind, const struct record *record);
static bool s_refuse(spool_t *self);
static void s_take_event(spool_t *self, const struct spool_event *event,
                         const struct spool_handler *handler);

int
spool_open(spool_t **ret, const struct spool_options *opt, struct spool_book *book,
           struct spool_files_found *found)
{
    spool_t *self = xcalloc(1, sizeof *self);
    int rc;

    assert(opt->bytes_most >= SPOOL_BYTES_LEAST || opt->segment_bytes != 0);
    self->opt = *opt;
    self->opt.dir = NULL; // not kept
    if (self->opt.segment_bytes == 0)
        self->opt.segment_bytes = SPOOL_SEGMENT_BYTES;
    if (self->opt.close_ms == 0)
        self->opt.close_ms = SPOOL_CLOSE_MS;
    self->held_end = &self->held;
    rc = spool_thread_start(&self->thread,
                            &(const struct spool_files_options){
                                .dir = opt->dir,
                                .bytes_most = opt->bytes_most,
                                .age_most_ms = opt->age_most_ms,
                                .segment_bytes = self->opt.segment_bytes,
                            },
                            opt->sync_ms, opt->now_ms, book, found);
    if (rc < 0) {
        free(self);
        return rc;
    }
    *ret = self;
    return 0;
}

int
spool_close(spool_t **self_p)
{
    spool_t *self = *self_p;
    const int64_t deadline_ms = clock_mono_ms() + (self != NULL ? self->opt.close_ms : 0);
    struct spool_order *order;
    int rc;

    if (self == NULL)
        return 0;
    // What was refused at the end has no TABLE to tell of it.
    order = xcalloc(1, sizeof *order);
    order->kind = SPOOL_STOP;
    order->stream = self->stream;
    order->seq = self->head;
    order->total = self->head_total;
    s_send(self, order);
    for (s_send_held(self); self->held != NULL && clock_mono_ms() < deadline_ms; s_send_held(self))
        spool_thread_wait(self->thread, 1);
    rc = spool_thread_stop(&self->thread, deadline_ms);
    while ((order = self->held) != NULL) {
        self->held = order->next;
        free(order);
    }
    free(self);
    *self_p = NULL;
    return rc;
}

int
spool_fd(const spool_t *self)
{
    return spool_thread_fd(self->thread);
}

void
spool_turn(spool_t *self, const struct spool_handler *handler)
{
    struct spool_event *event;

    spool_thread_ack(self->thread);
    while ((event = spool_thread_event(self->thread)) != NULL) {
        s_take_event(self, event, handler);
        free(event);
    }
    s_send_held(self);
}

static void
s_take_event(spool_t *self, const struct spool_event *event, const struct spool_handler *handler)
{
    struct record record;
    size_t used;

    switch (event->kind) {
    case SPOOL_WRITTEN:
        if (event->stream == self->stream && event->seq > self->written) {
            self->written = event->seq;
            // Nearly right: the oldest of those that wait is younger than this.
            self->waiting_since_ms = clock_mono_ms();
        }
        if (handler->written != NULL)
            handler->written(handler->arg, event->stream, event->seq);
        break;
    case SPOOL_READ:
        // It was a record on the other side of the ring.
        if (frame_take_record(&record, event->bytes, event->len, &used) == 0 &&
            handler->read != NULL)
            handler->read(handler->arg, &record, event->flag);
        break;
    case SPOOL_READ_DONE:
        if (handler->read_done != NULL)
            handler->read_done(handler->arg, event->stream, event->seq, event->flag, event->rc);
        break;
    case SPOOL_LOST:
        if (handler->lost != NULL)
            handler->lost(handler->arg, &event->gap);
        break;
    case SPOOL_REFUSING:
        // The thread takes no more, for want of room or of a record before it. A TABLE that is on
        // its way may change that.
        if (event->stream == self->stream && event->seq == self->tables) {
            (void) s_refuse(self);
            self->taken = self->written;
        }
        break;
    default:
        abort();
    }
}

bool
spool_append(spool_t *self, const struct record *record)
{
    const bool begins = record->stream != self->stream;

    if (begins) {
        self->stream = record->stream;
        self->head = self->head_total = self->written = self->taken = 0;
        self->segment_used = 0;
        self->refusing = false;
    }
    self->head = record->seq + 1;
    self->head_total = record->total + record->count;
    if (record->type == RECORD_END) {
        // Not refused: it is small, and the stream's last.
        struct spool_order *order = spool_order_record(SPOOL_APPEND, record);

        s_send(self, order);
        self->taken = self->head;
        return true;
    }
    if (self->refusing || !s_send_record(self, SPOOL_APPEND, record))
        return s_refuse(self);
    if (self->taken <= self->written)
        self->waiting_since_ms = clock_mono_ms();
    self->taken = self->head;
    return true;
}

bool
spool_table(spool_t *self, const struct record *record)
{
    if (record->stream != self->stream)
        return false;
    if (record->type == RECORD_TABLE)
        self->refusing = false;
    if (self->refusing || !s_send_record(self, SPOOL_TABLE, record))
        return s_refuse(self);
    if (record->type == RECORD_TABLE) {
        self->segment_used = 0;
        self->tables++;
    }
    return true;
}

bool
spool_wants_segment(spool_t *self)
{
    const uint32_t margin = self->opt.segment_bytes / 4 < MARGIN_BYTES ? self->opt.segment_bytes / 4
                                                                       : MARGIN_BYTES;

    if (self->stream == 0)
        return false;
    if (self->refusing) {
        if (clock_mono_ms() - self->refused_ms < RETRY_MS ||
            spool_thread_queued(self->thread) > SPOOL_QUEUE_BYTES / 2)
            return false;
        self->refused_ms = clock_mono_ms();
        return true;
    }
    return self->segment_used > self->opt.segment_bytes - margin;
}

// False, always. Nothing more until a TABLE.
static bool
s_refuse(spool_t *self)
{
    if (!self->refusing)
        self->refused_ms = clock_mono_ms();
    self->refusing = true;
    self->refused++;
    return false;
}

static bool
s_send_record(spool_t *self, enum spool_order_kind kind, const struct record *record)
{
    struct spool_order *order;
    uint32_t bytes;

    s_send_held(self);
    // Behind what still waits it would come too late to be refused.
    if (self->held != NULL || spool_thread_queued(self->thread) > SPOOL_QUEUE_BYTES)
        return false;
    order = spool_order_record(kind, record);
    bytes = (uint32_t) order->len + SPOOL_RECORD_OVERHEAD;
    if (!spool_thread_push(self->thread, order)) {
        free(order);
        return false;
    }
    self->segment_used += bytes;
    return true;
}

// Takes it.
static void
s_hold(spool_t *self, struct spool_order *order)
{
    *self->held_end = order;
    self->held_end = &order->next;
}

// Takes it.
static void
s_send(spool_t *self, struct spool_order *order)
{
    s_hold(self, order);
    s_send_held(self);
}

static void
s_send_held(spool_t *self)
{
    struct spool_order *order;

    while ((order = self->held) != NULL) {
        struct spool_order *next = order->next;

        if (!spool_thread_push(self->thread, order))
            return;
        self->held = next;
        if (next == NULL)
            self->held_end = &self->held;
    }
}

void
spool_end(spool_t *self, uint64_t stream)
{
    struct spool_order *order = xcalloc(1, sizeof *order);

    order->kind = SPOOL_END;
    order->stream = stream;
    if (stream == self->stream) {
        order->seq = self->head; // with what was refused
        order->total = self->head_total;
        self->stream = 0;
        self->refusing = false;
    }
    s_send(self, order);
}

void
spool_acked(spool_t *self, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector)
{
    struct spool_order *order = xcalloc(1, sizeof *order);

    order->kind = SPOOL_ACKED;
    order->stream = stream;
    order->seq = next;
    order->total = total;
    order->collector = collector;
    s_hold(self, order);
}

void
spool_give(spool_t *self)
{
    s_send_held(self);
}

void
spool_read(spool_t *self, uint64_t stream, uint64_t from, uint64_t total, size_t bytes, bool repeat)
{
    struct spool_order *order = xcalloc(1, sizeof *order);

    order->kind = SPOOL_ASK;
    order->stream = stream;
    order->seq = from;
    order->total = total;
    order->bytes_most = bytes;
    order->repeat = repeat;
    s_send(self, order);
}

void
spool_note(spool_t *self, const struct spool_note *note)
{
    struct spool_order *order = xcalloc(1, sizeof *order);

    order->kind = SPOOL_NOTE;
    order->note = *note;
    s_send(self, order);
}

int64_t
spool_waiting_ms(const spool_t *self)
{
    return self->taken > self->written && self->stream != 0
               ? clock_mono_ms() - self->waiting_since_ms
               : 0;
}

struct spool_stat
spool_stat(spool_t *self)
{
    struct spool_stat stat;

    spool_thread_stat(self->thread, &stat);
    stat.refused = self->refused;
    stat.queued_bytes = spool_thread_queued(self->thread);
    return stat;
}

// spool_thread - see the header.
//
// A turn: all orders at hand, one flush for them, then what is due: the book once between two syncs
// (half way, so that after a power cut it mostly knows of more than the segments have), the sync,
// the limits. What is nearly due is done with the rest, so that an agent of one record a second
// wakes this thread once a second.

#include "agent/spool_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/ring.h"
#include "shared/base/xalloc.h"

#define ORDERS_MOST  8192            // in the ring
#define EVENTS_MOST  8192            // in the ring; more wait in `held`
#define BATCH_BYTES  (1024u * 1024u) // of records, between two flushes
#define HELD_WAIT_MS 10              // until the ring is tried again
#define LIMIT_SYNCS  2               // age and size are looked at each so many times sync_ms
#define NEVER        INT64_MAX

// Who frees it: main, or the thread itself when main has gone without it.
enum end { RUNNING, ENDED, ABANDONED };

struct spool_thread {
    pthread_t thread;
    ring_t *orders, *events;
    int done_fd;            // raised when the thread has ended
    atomic_int end;         // enum end
    atomic_size_t queued;   // bytes of records in orders
    pthread_mutex_t lock;   // of `stat`
    struct spool_stat stat; // as of the last turn
    // All below is the thread's.
    spool_files_t *files;
    int64_t (*now_ms)(void);
    int64_t sync_ms;
    int64_t sync_due, book_due, limit_due; // CLOCK_MONOTONIC, ms; NEVER
    bool book_told;                        // written since the last sync
    int64_t sync_ms_most;                  // longest sync
    struct spool_event *held, **held_end;  // events of this turn; or without room in the ring
    uint64_t stream, written;              // as told last
    uint64_t tables;                       // TABLEs seen
    bool told_refusing;                    // since the last TABLE
    bool stopping;
    int book_rc; // of its last write
};

static void *s_run(void *arg);
static size_t s_orders(spool_thread_t *self, bool *more_ret);
static void s_apply(spool_thread_t *self, struct spool_order *order);
static void s_read(spool_thread_t *self, const struct spool_order *order);
static void s_took(spool_thread_t *self, uint64_t stream, int rc);
static void s_flush(spool_thread_t *self);
static void s_do_due(spool_thread_t *self);
static void s_give_record(void *arg, const struct record *record, bool repeat);
static void s_give_lost(void *arg, const struct spool_gap *gap);
static void s_send(spool_thread_t *self, struct spool_event *event);
static void s_send_held(spool_thread_t *self);
static void s_publish(spool_thread_t *self);
static int s_timeout(const spool_thread_t *self, bool more);
static void s_free(spool_thread_t *self);

int
spool_thread_start(spool_thread_t **ret, const struct spool_files_options *opt, int64_t sync_ms,
                   int64_t (*now_ms)(void), struct spool_book *book,
                   struct spool_files_found *found)
{
    spool_thread_t *self = xcalloc(1, sizeof *self);
    const struct spool_files_handler handler = { s_give_record, s_give_lost, self };
    sigset_t all, old;
    int rc;

    pthread_mutex_init(&self->lock, NULL);
    self->now_ms = now_ms;
    self->sync_ms = sync_ms;
    self->sync_due = self->book_due = NEVER;
    self->held_end = &self->held;
    self->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->done_fd == -1 ? -errno : ring_new(&self->orders, ORDERS_MOST);
    if (rc == 0)
        rc = ring_new(&self->events, EVENTS_MOST);
    if (rc == 0)
        rc = spool_files_open(&self->files, found, opt, &handler, now_ms());
    if (rc < 0)
        goto fail;
    *book = *spool_files_book(self->files);
    self->limit_due = clock_mono_ms() + LIMIT_SYNCS * sync_ms;
    s_publish(self);
    // Signals are main's affair.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = -pthread_create(&self->thread, NULL, s_run, self);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc < 0)
        goto fail;
    (void) pthread_setname_np(self->thread, "spool");
    *ret = self;
    return 0;

fail:
    s_free(self);
    return rc;
}

static void
s_free(spool_thread_t *self)
{
    struct spool_event *event;
    struct spool_order *order;

    spool_files_close(&self->files);
    while (self->orders != NULL && (order = ring_pop(self->orders)) != NULL)
        free(order);
    while (self->events != NULL && (event = ring_pop(self->events)) != NULL)
        free(event);
    while ((event = self->held) != NULL) {
        self->held = event->next;
        free(event);
    }
    ring_destroy(&self->orders);
    ring_destroy(&self->events);
    if (self->done_fd != -1)
        close(self->done_fd);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

int
spool_thread_stop(spool_thread_t **self_p, int64_t deadline_ms)
{
    spool_thread_t *self = *self_p;
    struct pollfd done = { .fd = self->done_fd, .events = POLLIN };
    int n;

    *self_p = NULL;
    do {
        const int64_t left = deadline_ms - clock_mono_ms();

        n = poll(&done, 1, left > 0 ? (int) left : 0);
    } while (n == -1 && errno == EINTR);
    if (n != 1) {
        // In a call that does not return. The kernel has what was written.
        const pthread_t thread = self->thread;

        if (atomic_exchange(&self->end, ABANDONED) == RUNNING) {
            pthread_detach(thread);
            return -ETIMEDOUT;
        }
    }
    pthread_join(self->thread, NULL);
    s_free(self);
    return 0;
}

struct spool_order *
spool_order_record(enum spool_order_kind kind, const struct record *record)
{
    const size_t most = FRAME_RECORD_HEADER + (size_t) record->body_len;
    struct spool_order *order = xcalloc(1, sizeof *order + most);
    const ptrdiff_t n = frame_put_record(order->bytes, most, record);

    order->kind = kind;
    order->stream = record->stream;
    order->len = n > 0 ? (size_t) n : 0;
    return order;
}

bool
spool_thread_push(spool_thread_t *self, struct spool_order *order)
{
    const size_t len = order->len;

    atomic_fetch_add(&self->queued, len);
    if (ring_push(self->orders, order))
        return true;
    atomic_fetch_sub(&self->queued, len);
    return false;
}

size_t
spool_thread_queued(const spool_thread_t *self)
{
    return atomic_load(&self->queued);
}

int
spool_thread_fd(const spool_thread_t *self)
{
    return ring_fd(self->events);
}

void
spool_thread_ack(spool_thread_t *self)
{
    ring_ack(self->events);
}

struct spool_event *
spool_thread_event(spool_thread_t *self)
{
    return ring_pop(self->events);
}

void
spool_thread_wait(spool_thread_t *self, int ms)
{
    struct pollfd event = { .fd = ring_fd(self->events), .events = POLLIN };

    (void) poll(&event, 1, ms);
}

void
spool_thread_stat(spool_thread_t *self, struct spool_stat *ret)
{
    pthread_mutex_lock(&self->lock);
    *ret = self->stat;
    pthread_mutex_unlock(&self->lock);
}

static void *
s_run(void *arg)
{
    spool_thread_t *self = arg;
    bool more = false;

    while (!self->stopping) {
        struct pollfd in = { .fd = ring_fd(self->orders), .events = POLLIN };
        size_t bytes;

        (void) poll(&in, 1, s_timeout(self, more));
        ring_ack(self->orders);
        bytes = s_orders(self, &more);
        s_flush(self);
        s_do_due(self);
        // First the numbers: who is told of a loss finds it counted.
        s_publish(self);
        atomic_fetch_sub(&self->queued, bytes);
        s_send_held(self);
    }
    (void) spool_files_sync(self->files);
    (void) spool_files_write_book(self->files);
    s_publish(self);
    (void) !eventfd_write(self->done_fd, 1);
    if (atomic_exchange(&self->end, ENDED) == ABANDONED)
        s_free(self);
    return NULL;
}

// Orders until there is none, or enough for one flush. Bytes of records in them.
static size_t
s_orders(spool_thread_t *self, bool *more_ret)
{
    size_t bytes = 0;

    *more_ret = true;
    while (bytes < BATCH_BYTES && !self->stopping) {
        struct spool_order *order = ring_pop(self->orders);

        if (order == NULL) {
            *more_ret = false;
            break;
        }
        bytes += order->len;
        s_apply(self, order);
        free(order);
    }
    return bytes;
}

static void
s_apply(spool_thread_t *self, struct spool_order *order)
{
    struct record record = { .type = 0 };
    size_t used;

    // Main made it a moment ago.
    if (order->len > 0 && frame_take_record(&record, order->bytes, order->len, &used) < 0)
        return;
    switch (order->kind) {
    case SPOOL_APPEND:
        s_took(self, record.stream, spool_files_append(self->files, &record));
        if (record.type == RECORD_END) {
            struct spool_event *event = xcalloc(1, sizeof *event);

            *event = (struct spool_event){ .kind = SPOOL_WRITTEN,
                                           .stream = record.stream,
                                           .seq = record.seq + 1 };
            s_send(self, event);
        }
        break;
    case SPOOL_TABLE:
        if (record.type == RECORD_TABLE) {
            self->tables++;
            self->told_refusing = false;
        }
        s_took(self, record.stream, spool_files_table(self->files, &record));
        break;
    case SPOOL_END:
        if (order->seq > 0)
            spool_files_head(self->files, order->seq, order->total);
        spool_files_end(self->files, order->stream);
        break;
    case SPOOL_ACKED:
        spool_files_acked(self->files, order->stream, order->seq, order->total, order->collector);
        break;
    case SPOOL_ASK:
        s_read(self, order);
        break;
    case SPOOL_NOTE:
        spool_files_note(self->files, &order->note);
        break;
    case SPOOL_STOP:
        if (order->stream != 0)
            spool_files_head(self->files, order->seq, order->total);
        self->stopping = true;
        break;
    default:
        abort();
    }
}

// Main is told once that all is refused, until it sends a TABLE.
static void
s_took(spool_thread_t *self, uint64_t stream, int rc)
{
    struct spool_event *event;

    if (stream != self->stream) {
        self->stream = stream;
        self->written = 0;
        self->told_refusing = false;
    }
    if (rc == 0 || self->told_refusing)
        return;
    self->told_refusing = true;
    event = xcalloc(1, sizeof *event);
    event->kind = SPOOL_REFUSING;
    event->stream = stream;
    event->seq = self->tables;
    s_send(self, event);
}

static void
s_read(spool_thread_t *self, const struct spool_order *order)
{
    struct spool_event *done = xcalloc(1, sizeof *done);

    done->kind = SPOOL_READ_DONE;
    done->stream = order->stream;
    done->seq = order->seq;
    done->rc = spool_files_read(self->files, order->stream, order->seq, order->total,
                                order->bytes_most, order->repeat, &done->seq, &done->flag);
    s_send(self, done);
}

static void
s_give_record(void *arg, const struct record *record, bool repeat)
{
    const size_t most = FRAME_RECORD_HEADER + (size_t) record->body_len;
    struct spool_event *event = xcalloc(1, sizeof *event + most);

    event->kind = SPOOL_READ;
    event->stream = record->stream;
    event->flag = repeat;
    event->len = (size_t) frame_put_record(event->bytes, most, record);
    s_send(arg, event);
}

static void
s_give_lost(void *arg, const struct spool_gap *gap)
{
    struct spool_event *event = xcalloc(1, sizeof *event);

    event->kind = SPOOL_LOST;
    event->stream = gap->stream;
    event->gap = *gap;
    s_send(arg, event);
}

// Takes it. It goes at the end of the turn, or when the ring has room.
static void
s_send(spool_thread_t *self, struct spool_event *event)
{
    event->next = NULL;
    *self->held_end = event;
    self->held_end = &event->next;
}

static void
s_send_held(spool_thread_t *self)
{
    struct spool_event *event;

    while ((event = self->held) != NULL) {
        struct spool_event *next = event->next;

        if (!ring_push(self->events, event))
            return;
        self->held = next;
        if (next == NULL)
            self->held_end = &self->held;
    }
}

// What was appended survives the process now: main may send it.
static void
s_flush(spool_thread_t *self)
{
    const struct spool_stream *st;
    const struct spool_book *book = spool_files_book(self->files);
    const int rc = spool_files_flush(self->files);
    struct spool_event *event;

    if (rc < 0) {
        if (self->stream != 0)
            s_took(self, self->stream, rc);
        return;
    }
    st = book->n_streams > 0 ? &book->streams[book->n_streams - 1] : NULL;
    if (st == NULL || st->stream != self->stream || st->ended || st->head <= self->written)
        return;
    self->written = st->head;
    event = xcalloc(1, sizeof *event);
    event->kind = SPOOL_WRITTEN;
    event->stream = st->stream;
    event->seq = st->head;
    s_send(self, event);
}

static void
s_do_due(spool_thread_t *self)
{
    const struct spool_files_stat stat = spool_files_stat(self->files);
    const int64_t now = clock_mono_ms(), soon = now + self->sync_ms / 4;

    if (stat.unsynced > 0 && self->sync_due == NEVER)
        self->sync_due = now + self->sync_ms;
    if (stat.book_changed && self->book_due == NEVER &&
        !(self->book_told && self->sync_due != NEVER))
        self->book_due = now + self->sync_ms / 2;
    if (soon >= self->book_due && self->book_due != NEVER) {
        const int rc = spool_files_write_book(self->files);

        if (rc < 0 && self->book_rc == 0)
            log_error("the spool's book can't be written, tried again", "error=%s retry_ms=%lld",
                      log_quote(err_str(rc)), (long long) self->sync_ms);
        self->book_rc = rc;
        self->book_due = NEVER;
        self->book_told = rc == 0;
    }
    if (soon >= self->sync_due && self->sync_due != NEVER) {
        (void) spool_files_sync(self->files);
        if (clock_mono_ms() - now > self->sync_ms_most)
            self->sync_ms_most = clock_mono_ms() - now;
        self->sync_due = NEVER;
        self->book_told = false;
    }
    if (soon >= self->limit_due) {
        spool_files_limit(self->files, self->now_ms());
        self->limit_due = now + LIMIT_SYNCS * self->sync_ms;
    }
}

static void
s_publish(spool_thread_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->stat.ledger = spool_files_book(self->files)->ledger;
    self->stat.files = spool_files_stat(self->files);
    self->stat.sync_ms_most = self->sync_ms_most;
    pthread_mutex_unlock(&self->lock);
}

static int
s_timeout(const spool_thread_t *self, bool more)
{
    const int64_t now = clock_mono_ms();
    int64_t due = self->limit_due;

    if (more)
        return 0;
    if (self->held != NULL)
        return HELD_WAIT_MS;
    if (self->sync_due < due)
        due = self->sync_due;
    if (self->book_due < due)
        due = self->book_due;
    return due > now ? (int) (due - now) : 0;
}

// spool_files - see the header. What it means for the ledger is in spool_ledger.c.

#include "agent/spool_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/spool_state.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

static int s_put(spool_files_t *self, enum spool_kind kind, const struct record *record);
static int s_new_segment(spool_files_t *self, const struct record *record, bool alone);
static struct spool_stream *s_begin_stream(spool_files_t *self, uint64_t stream);
static void s_end(spool_files_t *self, struct spool_stream *st, int64_t time_ms);
static bool s_give_up(spool_files_t *self, enum lost_cause cause);
static bool s_drop(spool_files_t *self, size_t i);

int
spool_files_open(spool_files_t **ret, struct spool_files_found *found,
                 const struct spool_files_options *opt, const struct spool_files_handler *handler,
                 int64_t now_ms)
{
    spool_files_t *self = xcalloc(1, sizeof *self);
    const struct segment_log_options log = { .dir = opt->dir,
                                             .owner = SPOOL_OWNER,
                                             .segment_bytes = opt->segment_bytes,
                                             .spares = SPOOL_SPARES,
                                             .holes = true };
    struct segment_log_found log_found;
    int rc;

    *found = (struct spool_files_found){ 0 };
    self->opt = *opt;
    self->opt.dir = xstrdup(opt->dir);
    self->book = xcalloc(1, sizeof *self->book);
    self->book_file.fd = -1;
    self->dir_fd = -1;
    rc = segment_log_open(&self->log, &log_found, &log);
    if (rc < 0)
        goto fail;
    found->torn_bytes = log_found.torn_bytes;
    found->damaged_bytes = log_found.damaged_bytes;
    self->dir_fd = open(opt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = self->dir_fd == -1 ? -errno : spool_recover(self, found);
    if (rc < 0)
        goto fail;
    spool_files_limit(self, now_ms);
    (void) spool_files_write_book(self);
    // Only now: what was lost before is in the book that the caller will read.
    self->handler = *handler;
    *ret = self;
    return 0;

fail:
    spool_files_close(&self);
    return rc;
}

void
spool_files_close(spool_files_t **self_p)
{
    spool_files_t *self = *self_p;

    if (self == NULL)
        return;
    spool_reader_close(self);
    segment_log_close(&self->log);
    spool_book_close(&self->book_file);
    if (self->dir_fd != -1)
        close(self->dir_fd);
    buf_release(&self->scratch);
    free(self->segments);
    free(self->book);
    free((void *) (uintptr_t) self->opt.dir);
    free(self);
    *self_p = NULL;
}

const struct spool_book *
spool_files_book(const spool_files_t *self)
{
    return self->book;
}

int
spool_files_append(spool_files_t *self, const struct record *record)
{
    struct spool_stream *st = spool_book_stream(self->book, record->stream);
    int rc;

    if (record->stream != self->writing) {
        if (st != NULL) // one that was closed is not taken up again
            return -EAGAIN;
        st = s_begin_stream(self, record->stream);
    }
    if (record->seq < st->head)
        return 0;
    if (record->type == RECORD_END) {
        spool_skip(self, st, record->seq, record->total);
        s_end(self, st, record->t0_ms);
        return 0;
    }
    if (record->seq > st->head && !self->refusing)
        (void) spool_refuse(self, 0);
    if (self->refusing)
        return self->failed != 0 ? self->failed : -EAGAIN;
    rc = s_put(self, SPOOL_RECORD, record);
    if (rc < 0)
        return rc;
    st = spool_book_stream(self->book, record->stream); // others may have gone, and moved it
    spool_advance(self, st, record->seq + 1, record->total + record->count);
    self->book->last_ms = st->last_ms = record->t0_ms;
    return 0;
}

int
spool_files_table(spool_files_t *self, const struct record *record)
{
    struct spool_stream *st = spool_book_stream(self->book, record->stream);
    int rc;

    if (st == NULL || record->stream != self->writing || record->seq < st->head)
        return -EAGAIN;
    if (record->type != RECORD_TABLE)
        return self->refusing ? -EAGAIN : s_put(self, SPOOL_ASIDE, record);
    rc = s_new_segment(self, record, true);
    if (rc < 0)
        return spool_refuse(self, rc);
    st = spool_book_stream(self->book, record->stream); // others may have gone, and moved it
    spool_skip(self, st, record->seq, record->total);
    self->refusing = self->full = false;
    return s_put(self, SPOOL_ASIDE, record);
}

void
spool_files_head(spool_files_t *self, uint64_t next, uint64_t total)
{
    struct spool_stream *st = spool_book_stream(self->book, self->writing);

    if (st != NULL)
        spool_skip(self, st, next, total);
}

void
spool_files_end(spool_files_t *self, uint64_t stream)
{
    struct spool_stream *st = spool_book_stream(self->book, stream);

    if (st != NULL && !st->ended)
        s_end(self, st, st->last_ms);
}

// A record, into the segment of its stream, or a new one that can't be read alone.
static int
s_put(spool_files_t *self, enum spool_kind kind, const struct record *record)
{
    const uint8_t byte = (uint8_t) kind;
    struct segment_payload payload = { .head = &byte, .head_len = 1 };
    ptrdiff_t n;
    struct spool_segment *seg = self->n_segments > 0 ? &self->segments[self->n_segments - 1] : NULL;
    struct segment_place place;
    int rc = 0;

    buf_clear(&self->scratch);
    buf_reserve(&self->scratch, FRAME_RECORD_HEADER + record->body_len);
    n = frame_put_record(self->scratch.at, self->scratch.size, record);
    assert(n > 0); // main makes no larger ones
    payload.body = self->scratch.at;
    payload.body_len = (size_t) n;
    if (seg == NULL || seg->stream != record->stream ||
        seg->number != segment_log_newest(self->log) || segment_log_room(self->log) < 1 + n)
        rc = s_new_segment(self, record, record->seq == 0);
    while (rc == 0 && (rc = segment_log_append(self->log, &payload, &place)) == -ENOSPC &&
           s_give_up(self, LOST_DISK_FULL))
        rc = 0;
    if (rc < 0)
        return spool_refuse(self, rc);
    seg = &self->segments[self->n_segments - 1];
    seg->last_ms = record->t0_ms;
    if (kind == SPOOL_RECORD) {
        seg->next_seq = record->seq + 1;
        seg->next_total = record->total + record->count;
    }
    self->appended++;
    return 0;
}

// The newest segment is closed, and another one begun for this record.
static int
s_new_segment(spool_files_t *self, const struct record *record, bool alone)
{
    int rc;

    if (self->failed != 0)
        return self->failed;
    while ((rc = segment_log_roll(self->log)) == -ENOSPC && s_give_up(self, LOST_DISK_FULL))
        ;
    if (rc < 0)
        return rc;
    self->synced = self->appended;
    spool_add_segment(self, &(const struct spool_segment){
                                .number = segment_log_newest(self->log),
                                .stream = record->stream,
                                .first_seq = record->seq,
                                .first_total = record->total,
                                .next_seq = record->seq,
                                .next_total = record->total,
                                .first_ms = record->t0_ms,
                                .last_ms = record->t0_ms,
                                .alone = alone,
                            });
    // The one before may have waited for this.
    spool_trim(self);
    return 0;
}

void
spool_add_segment(spool_files_t *self, const struct spool_segment *seg)
{
    if (self->n_segments == self->segments_size) {
        self->segments_size = self->segments_size > 0 ? 2 * self->segments_size : 16;
        self->segments = xrealloc(self->segments, self->segments_size, sizeof *self->segments);
    }
    self->segments[self->n_segments++] = *seg;
}

// From here on only a TABLE is taken: a DELTA behind a hole could not be read.
int
spool_refuse(spool_files_t *self, int rc)
{
    self->refusing = true;
    self->full = rc == -ENOSPC;
    if (rc < 0 && rc != -ENOSPC && rc != -EAGAIN)
        self->failed = rc;
    return self->failed != 0 ? self->failed : -EAGAIN;
}

// The stream that is written from now on.
static struct spool_stream *
s_begin_stream(spool_files_t *self, uint64_t stream)
{
    struct spool_stream *st;

    while ((st = spool_book_add_stream(self->book, stream)) == NULL) {
        // More than there can be segments: the oldest has only gaps, which nobody took.
        self->forgotten++;
        while (self->n_segments > 0 && self->segments[0].stream == self->book->streams[0].stream &&
               s_give_up(self, LOST_SPOOL_BYTES))
            ;
        spool_book_remove_stream(self->book, self->book->streams[0].stream);
    }
    self->writing = stream;
    self->refusing = self->full = self->failed != 0;
    self->book_changed = true;
    return st;
}

// Durable at once: sent, an END must be the same after a crash.
static void
s_end(spool_files_t *self, struct spool_stream *st, int64_t time_ms)
{
    st->ended = true;
    self->book->last_ms = st->last_ms = time_ms;
    if (self->writing == st->stream) {
        self->writing = 0;
        self->refusing = self->full = false;
    }
    self->book_changed = true;
    (void) spool_files_sync(self);
    (void) spool_files_write_book(self);
}

// Segments of which nothing is needed any more go: all is acknowledged, and the next record can be
// read without them. So do streams.
void
spool_trim(spool_files_t *self)
{
    for (size_t i = 0; i < self->n_segments;) {
        const struct spool_segment *seg = &self->segments[i], *after = NULL;
        const struct spool_stream *st = spool_book_stream(self->book, seg->stream);

        for (size_t k = i + 1; k < self->n_segments && after == NULL; k++)
            if (self->segments[k].stream == seg->stream)
                after = &self->segments[k];
        if (st != NULL && !(st->ended && st->base > st->head) &&
            !(after != NULL && after->alone && after->first_seq <= st->base))
            i++;
        else if (!s_drop(self, i))
            i++;
    }
    for (size_t i = 0; i < self->book->n_streams;) {
        const struct spool_stream st = self->book->streams[i];
        bool held = !st.ended || st.base <= st.head;

        for (size_t k = 0; k < self->n_segments && !held; k++)
            held = self->segments[k].stream == st.stream;
        if (held)
            i++;
        else
            spool_book_remove_stream(self->book, st.stream);
        self->book_changed = self->book_changed || !held;
    }
}

// The oldest segment that is not being written goes, with what it holds. False: there is none.
static bool
s_give_up(spool_files_t *self, enum lost_cause cause)
{
    const struct spool_segment *seg = &self->segments[0];
    const struct spool_stream *st;

    if (self->n_segments == 0 || seg->number == segment_log_newest(self->log))
        return false;
    st = spool_book_stream(self->book, seg->stream);
    if (st != NULL && seg->next_seq > seg->first_seq)
        spool_lose(self, st,
                   &(const struct spool_range){ .from = seg->first_seq,
                                                .to = seg->next_seq - 1,
                                                .total = seg->first_total,
                                                .total_end = seg->next_total,
                                                .t0_ms = seg->first_ms },
                   cause);
    return s_drop(self, 0);
}

// False: it could not be removed, or is being written.
static bool
s_drop(spool_files_t *self, size_t i)
{
    const uint64_t number = self->segments[i].number;
    int rc;

    if (number == segment_log_newest(self->log))
        return false;
    if (self->reader.segment == number)
        spool_reader_close(self);
    // First the book: after a crash it must explain why the segment is not there. And it may know
    // of no record that is not in its own: that would be told as lost.
    (void) segment_log_flush(self->log);
    (void) spool_files_write_book(self);
    rc = segment_log_drop(self->log, number);
    if (rc < 0 && rc != ERR_UNKNOWN)
        return false;
    self->n_segments--;
    memmove(&self->segments[i], &self->segments[i + 1],
            (self->n_segments - i) * sizeof self->segments[0]);
    return true;
}

void
spool_files_limit(spool_files_t *self, int64_t now_ms)
{
    while (segment_log_bytes(self->log) > self->opt.bytes_most && s_give_up(self, LOST_SPOOL_BYTES))
        ;
    while (self->n_segments > 0 && self->segments[0].last_ms < now_ms - self->opt.age_most_ms &&
           s_give_up(self, LOST_SPOOL_AGE))
        ;
    spool_trim(self);
}

int
spool_files_flush(spool_files_t *self)
{
    int rc;

    while ((rc = segment_log_flush(self->log)) == -ENOSPC && s_give_up(self, LOST_DISK_FULL))
        ;
    if (rc < 0)
        (void) spool_refuse(self, rc);
    return rc;
}

int
spool_files_sync(spool_files_t *self)
{
    int rc = spool_files_flush(self);

    if (rc == 0)
        rc = segment_log_sync(self->log);
    if (rc == 0)
        self->synced = self->appended;
    else
        (void) spool_refuse(self, rc);
    return rc;
}

int
spool_files_write_book(spool_files_t *self)
{
    int rc;

    if (!self->book_changed)
        return 0;
    if (self->book_file.fd == -1) {
        // There was no room for it at the open.
        struct spool_book *old = xcalloc(1, sizeof *old);
        bool damaged;

        rc = spool_book_open(&self->book_file, self->dir_fd, SPOOL_BOOK_NAME, old, &damaged);
        free(old);
        if (rc < 0)
            return rc;
    }
    rc = spool_book_write(&self->book_file, self->book);
    if (rc == 0)
        self->book_changed = false;
    return rc;
}

struct spool_files_stat
spool_files_stat(const spool_files_t *self)
{
    const uint32_t room = segment_log_room(self->log);

    return (struct spool_files_stat){
        .bytes = segment_log_bytes(self->log),
        .room = room > 0 ? room - 1 : 0,
        .refusing = self->refusing,
        .full = self->full,
        .failed = self->failed,
        .unreadable = self->unreadable,
        .forgotten = self->forgotten,
        .unsynced = self->appended - self->synced,
        .book_changed = self->book_changed,
    };
}

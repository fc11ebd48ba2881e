// segment_log - see the header.
//
// What is appended gathers in `pending` and goes to the file in one write. The newest segment is
// open, or closed: its END was appended, and the next one could not begin yet. Closing syncs it, so
// all before the newest segment is durable.

#include "shared/base/segment_log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/random.h"
#include "shared/base/xalloc.h"

#define PENDING_BYTES (256u * 1024u)             // gathered at most before it is written
#define OVERHEAD      (2 * SEGMENT_RECORD_BYTES) // of a payload: what is ahead of it, and the END

struct segment_log {
    struct segment_files files;
    uint64_t owner;
    bool holes;         // in the numbers are allowed
    uint64_t newest;    // number; 0: there is none
    int fd;             // of the newest; -1: it can't be written to
    uint64_t salt;      // of its life
    uint32_t room;      // bytes that are certain to fit into its file
    uint32_t flushed;   // bytes of it that the kernel has
    uint32_t synced;    // bytes of it that the disk has
    bool closed;        // its END was appended; or it can't be written to
    struct buf pending; // what comes behind `flushed`
    int failed;         // the error that was final, or 0
};

static int s_start(segment_log_t *self, struct segment_log_found *found);
static int s_take_newest(segment_log_t *self, struct segment_log_found *found);
static int s_recover(segment_log_t *self, const struct buf *file, struct segment_log_found *found);
static int s_seal(segment_log_t *self, uint32_t place, uint32_t synced);
static int s_wipe(segment_log_t *self, uint32_t end, uint32_t trace);
static int s_begin(segment_log_t *self);
static int s_next_segment(segment_log_t *self);
static int s_write(int fd, const uint8_t *at, size_t n, uint32_t place, size_t *done_ret);
static int s_fail(segment_log_t *self, int rc);

int
segment_log_open(segment_log_t **ret, struct segment_log_found *found,
                 const struct segment_log_options *opt)
{
    segment_log_t *self = xcalloc(1, sizeof *self);
    int rc;

    assert(opt->segment_bytes >= SEGMENT_BYTES_LEAST && opt->segment_bytes <= SEGMENT_BYTES_MOST);
    assert(opt->spares <= SEGMENT_SPARES_MAX);
    *found = (struct segment_log_found){ 0 };
    self->owner = opt->owner;
    self->holes = opt->holes;
    self->fd = -1;
    rc = segment_files_open(&self->files, opt->dir, opt->segment_bytes, opt->spares);
    if (rc == 0 && flock(self->files.dir_fd, LOCK_EX | LOCK_NB) == -1)
        rc = errno == EWOULDBLOCK ? ERR_LOCKED : -errno;
    if (rc == 0)
        rc = s_start(self, found);
    if (rc < 0) {
        self->failed = rc; // nothing is flushed
        segment_log_close(&self);
        return rc;
    }
    (void) segment_files_refill(&self->files);
    *ret = self;
    return 0;
}

void
segment_log_close(segment_log_t **self_p)
{
    segment_log_t *self = *self_p;

    if (self == NULL)
        return;
    (void) segment_log_flush(self);
    if (self->fd != -1)
        close(self->fd);
    segment_files_release(&self->files);
    buf_release(&self->pending);
    free(self);
    *self_p = NULL;
}

// Where the log goes on.
static int
s_start(segment_log_t *self, struct segment_log_found *found)
{
    const struct segment_files *files = &self->files;
    int rc = 0;

    found->foreign = files->foreign;
    self->closed = true;
    if (files->n > 0) {
        self->newest = files->at[files->n - 1].number;
        if (!self->holes && self->newest - files->at[0].number + 1 != files->n)
            return ERR_FORMAT;
        rc = s_take_newest(self, found);
    }
    if (rc == 0 && self->closed)
        rc = s_begin(self);
    return rc == -ENOSPC ? 0 : rc;
}

static int
s_take_newest(segment_log_t *self, struct segment_log_found *found)
{
    struct segment_header header;
    struct buf file = { 0 };
    ptrdiff_t n;
    int rc = segment_files_fd(&self->files, self->newest, &self->fd);

    if (rc < 0)
        return rc;
    n = file_read_fd(&file, self->fd, SEGMENT_BYTES_MOST);
    rc = n < 0 ? (int) n : segment_header_take(&header, file.at, file.len);
    if (rc == 0 && header.owner != self->owner)
        rc = ERR_UNKNOWN;
    if (rc == ERR_FORMAT || (rc == 0 && header.number != self->newest)) {
        // A number is given to readable headers only: this one was damaged.
        found->damaged_bytes = file.len;
        close(self->fd);
        self->fd = -1;
        rc = 0;
    } else if (rc == 0) {
        self->salt = header.salt;
        rc = s_recover(self, &file, found);
    }
    buf_release(&file);
    return rc;
}

// A process that was killed leaves a file that is whole, but perhaps not durable: whatever is found
// is made so before anything may go behind it.
static int
s_recover(segment_log_t *self, const struct buf *file, struct segment_log_found *found)
{
    struct segment_scan scan;

    segment_scan(&scan, file->at, file->len, self->salt);
    if (scan.damaged) {
        found->damaged_bytes = scan.resume - scan.end;
        // What can be read behind the damage stays, and nothing is ever put between.
        return s_seal(self, scan.tail, scan.synced);
    }
    if (scan.ended)
        return s_seal(self, scan.end, scan.synced);
    found->torn_bytes = scan.trace - scan.end;
    return s_wipe(self, scan.end, scan.trace);
}

// Closes the file at hand at `place`, for good. The END says again what is known to have been
// durable: it may be the only one left to say so.
static int
s_seal(segment_log_t *self, uint32_t place, uint32_t synced)
{
    uint8_t end[SEGMENT_RECORD_BYTES];
    size_t done;
    int rc;

    segment_end_put(end, self->salt, place, synced);
    rc = s_write(self->fd, end, sizeof end, place, &done);
    if (rc == 0 && fdatasync(self->fd) == -1)
        rc = -errno;
    self->flushed = self->synced = place + SEGMENT_RECORD_BYTES;
    return rc;
}

// What stands behind `end` must never be read again, not even once new records end just there: it
// becomes zeros, and the whole of the file durable. The file keeps its room: on a full disk there
// is no other.
static int
s_wipe(segment_log_t *self, uint32_t end, uint32_t trace)
{
    static const uint8_t zeros[SEGMENT_BYTES_LEAST];
    uint32_t place = end;
    size_t done;
    int rc = 0;

    for (; place < trace && rc == 0; place += (uint32_t) done)
        rc = s_write(self->fd, zeros, trace - place < sizeof zeros ? trace - place : sizeof zeros,
                     place, &done);
    if (rc == 0)
        rc = segment_no_room(-posix_fallocate(self->fd, 0, (off_t) self->files.segment_bytes));
    // Without room for the rest, the next record goes into another segment.
    self->room = rc == 0 ? self->files.segment_bytes : end;
    if (rc != 0 && rc != -ENOSPC)
        return rc;
    if (fdatasync(self->fd) == -1)
        return -errno;
    self->flushed = self->synced = end;
    self->closed = false;
    return 0;
}

// The next segment; the one at hand is closed and durable, or there is none.
static int
s_begin(segment_log_t *self)
{
    const struct segment_header header = { self->owner, self->newest + 1, random_u64(),
                                           clock_real_ms() };
    int fd;
    const int rc = segment_files_begin(&self->files, &header, &fd);

    if (rc < 0)
        return rc;
    if (self->fd != -1)
        close(self->fd);
    self->fd = fd;
    self->salt = header.salt;
    self->newest = header.number;
    self->room = self->files.segment_bytes;
    self->flushed = self->synced = SEGMENT_HEADER_BYTES;
    self->closed = false;
    return 0;
}

static uint32_t
s_place(const segment_log_t *self)
{
    return self->flushed + (uint32_t) self->pending.len;
}

int
segment_log_append(segment_log_t *self, const struct segment_payload *payload,
                   struct segment_place *ret)
{
    const size_t len = payload->head_len + payload->body_len;
    uint8_t head[SEGMENT_RECORD_BYTES];
    int rc = self->failed;

    assert(len <= SEGMENT_RECORD_MAX &&
           SEGMENT_HEADER_BYTES + len + OVERHEAD <= self->files.segment_bytes);
    if (rc == 0 && (self->closed || s_place(self) + len + OVERHEAD > self->room))
        rc = s_next_segment(self);
    // Before, not after: an append that fails has changed nothing.
    if (rc == 0 && self->pending.len + SEGMENT_RECORD_BYTES + len > PENDING_BYTES)
        rc = segment_log_flush(self);
    if (rc < 0)
        return rc;
    *ret = (struct segment_place){ self->newest, s_place(self) };
    segment_record_put(head, self->salt, ret->offset, self->synced, payload);
    buf_bytes(&self->pending, head, sizeof head);
    buf_bytes(&self->pending, payload->head, payload->head_len);
    if (payload->body_len > 0)
        buf_bytes(&self->pending, payload->body, payload->body_len);
    return 0;
}

uint32_t
segment_log_room(const segment_log_t *self)
{
    const uint32_t used = s_place(self) + OVERHEAD;

    return self->closed || used > self->room ? 0 : self->room - used;
}

int
segment_log_roll(segment_log_t *self)
{
    if (self->failed != 0)
        return self->failed;
    if (!self->closed && s_place(self) == SEGMENT_HEADER_BYTES)
        return 0;
    return s_next_segment(self);
}

// Closes the newest segment and begins the next. Asks for its room first, so that a full disk
// leaves everything as it was.
static int
s_next_segment(segment_log_t *self)
{
    const uint64_t left = self->newest;
    uint32_t place;
    int rc = segment_files_ready(&self->files);

    if (rc == -ENOSPC)
        return rc;
    if (rc < 0)
        return s_fail(self, rc);
    if (!self->closed) {
        uint8_t end[SEGMENT_RECORD_BYTES];

        segment_end_put(end, self->salt, s_place(self), self->synced);
        buf_bytes(&self->pending, end, sizeof end);
        self->closed = true;
    }
    rc = segment_log_sync(self);
    if (rc < 0)
        return rc;
    place = self->flushed;
    rc = s_begin(self);
    if (rc < 0)
        return rc == -ENOSPC ? rc : s_fail(self, rc);
    // While spares are wanting, the room is worth more to a log that may need it again.
    if (segment_files_refill(&self->files) && place > 0 && place < self->files.segment_bytes / 2)
        segment_files_shrink(&self->files, left, place);
    return 0;
}

// All of it, or as much as *done_ret says and an error.
static int
s_write(int fd, const uint8_t *at, size_t n, uint32_t place, size_t *done_ret)
{
    *done_ret = 0;
    while (*done_ret < n) {
        const ssize_t wrote = pwrite(fd, at + *done_ret, n - *done_ret,
                                     (off_t) (place + *done_ret));

        if (wrote == -1 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote == -1 ? segment_no_room(-errno) : -EIO;
        *done_ret += (size_t) wrote;
    }
    return 0;
}

int
segment_log_flush(segment_log_t *self)
{
    size_t done;
    int rc;

    if (self->failed != 0)
        return self->failed;
    if (self->pending.len == 0)
        return 0;
    rc = s_write(self->fd, self->pending.at, self->pending.len, self->flushed, &done);
    // A file system that gave room away (it copies what it writes) may say so here: what is not
    // written is kept.
    if (rc < 0)
        return rc == -ENOSPC ? rc : s_fail(self, rc);
    self->flushed += (uint32_t) done;
    buf_clear(&self->pending);
    return 0;
}

int
segment_log_sync(segment_log_t *self)
{
    const int rc = segment_log_flush(self);

    if (rc < 0)
        return rc;
    if (self->synced == self->flushed)
        return 0;
    if (fdatasync(self->fd) == -1)
        return s_fail(self, -errno);
    self->synced = self->flushed;
    return 0;
}

static int
s_fail(segment_log_t *self, int rc)
{
    self->failed = rc;
    return rc;
}

int
segment_log_trim(segment_log_t *self, uint64_t below)
{
    while (self->files.n > 1 && self->files.at[0].number < below) {
        const int rc = segment_files_drop(&self->files, self->files.at[0].number);

        if (rc < 0)
            return rc;
    }
    return 0;
}

int
segment_log_drop(segment_log_t *self, uint64_t number)
{
    if (number == self->newest || (!self->holes && number != segment_log_oldest(self)))
        return ERR_RANGE;
    return segment_files_drop(&self->files, number);
}

uint64_t
segment_log_oldest(const segment_log_t *self)
{
    return self->files.n > 0 ? self->files.at[0].number : 0;
}

uint64_t
segment_log_newest(const segment_log_t *self)
{
    return self->newest;
}

const struct segment_file *
segment_log_files(const segment_log_t *self, size_t *n_ret)
{
    *n_ret = self->files.n;
    return self->files.at;
}

struct segment_place
segment_log_end(const segment_log_t *self)
{
    return (struct segment_place){ self->newest, self->flushed };
}

uint64_t
segment_log_bytes(const segment_log_t *self)
{
    return segment_files_bytes(&self->files);
}

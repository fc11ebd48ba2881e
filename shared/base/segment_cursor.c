// segment_cursor - see the header.
//
// The file at hand is read in pieces. `window` holds its bytes from `start` on; what was given out
// goes when the next piece comes.

#include "shared/base/segment_cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/segment_files.h"
#include "shared/base/xalloc.h"

// Of what is read at once: little first, since many want but the first record of each segment.
#define PIECE_FIRST (32u * 1024u)
#define PIECE_BYTES (256u * 1024u)

struct segment_cursor {
    int dir_fd;
    uint64_t owner;
    bool holes;       // a missing segment is passed over
    uint64_t segment; // at hand
    int fd;           // of it; -1: not yet opened
    uint64_t salt;
    uint32_t offset;   // of the next record
    uint32_t start;    // place of the window's first byte; never behind `offset`
    struct buf window; // the file's bytes from there
    uint32_t piece;    // bytes to be read next
    bool whole;        // the window ends with the file itself
};

static void s_next_file(segment_cursor_t *self);
static int s_open_file(segment_cursor_t *self, struct segment_place until);
static int s_take_header(segment_cursor_t *self);
static int s_missing(segment_cursor_t *self, struct segment_place until);
static int s_pass_file(segment_cursor_t *self, struct segment_entry *entry);
static int s_more(segment_cursor_t *self, uint64_t limit);
static bool s_alive(const segment_cursor_t *self);
static int s_damage(segment_cursor_t *self, uint64_t limit, struct segment_entry *entry);

int
segment_cursor_open(segment_cursor_t **ret, const char *dir, uint64_t owner,
                    struct segment_place from)
{
    segment_cursor_t *self;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1)
        return -errno;
    self = xcalloc(1, sizeof *self);
    self->dir_fd = fd;
    self->owner = owner;
    self->segment = from.segment > 0 ? from.segment : 1;
    self->offset = from.offset;
    self->fd = -1;
    *ret = self;
    return 0;
}

void
segment_cursor_pass_holes(segment_cursor_t *self)
{
    self->holes = true;
}

static void
s_close_file(segment_cursor_t *self)
{
    if (self->fd != -1)
        close(self->fd);
    self->fd = -1;
    self->whole = false;
    buf_clear(&self->window);
}

void
segment_cursor_close(segment_cursor_t **self_p)
{
    segment_cursor_t *self = *self_p;

    if (self == NULL)
        return;
    s_close_file(self);
    close(self->dir_fd);
    buf_release(&self->window);
    free(self);
    *self_p = NULL;
}

// Place behind the last byte that is known.
static uint64_t
s_known(const segment_cursor_t *self)
{
    return self->start + (uint64_t) self->window.len;
}

int
segment_cursor_next(segment_cursor_t *self, struct segment_place until, struct segment_entry *entry)
{
    for (;;) {
        // Behind this place of the file at hand its owner may be writing.
        const uint64_t limit = self->segment == until.segment ? until.offset : UINT64_MAX;
        struct segment_record record;
        enum segment_found found;
        int rc = 0;

        if (self->segment > until.segment || self->offset >= limit)
            return 0;
        if (self->fd == -1) {
            rc = s_open_file(self, until);
            if (rc == ERR_FORMAT)
                return s_pass_file(self, entry);
            if (rc < 0)
                return rc;
            continue; // it may be another one
        }
        found = SEGMENT_SHORT;
        if (self->window.at != NULL && self->offset <= s_known(self))
            found = segment_read(&record, self->window.at + (self->offset - self->start),
                                 (size_t) (s_known(self) - self->offset),
                                 self->whole || s_known(self) >= limit, self->salt, self->offset);
        else if (self->whole)
            found = SEGMENT_NONE;
        if (found == SEGMENT_SHORT) {
            rc = s_more(self, limit);
        } else if (found == SEGMENT_RECORD) {
            *entry = (struct segment_entry){ .place = { self->segment, self->offset },
                                             .at = record.at,
                                             .len = record.len };
            self->offset = record.next;
            return 1;
        } else if (found == SEGMENT_ENDED) {
            s_next_file(self);
        } else if (s_alive(self)) {
            return s_damage(self, limit, entry);
        } else {
            rc = s_missing(self, until);
        }
        if (rc < 0)
            return rc;
    }
}

static void
s_next_file(segment_cursor_t *self)
{
    s_close_file(self);
    self->segment++;
    self->offset = 0;
}

// 0; ERR_FORMAT: the file at hand has no header; or an error, and it is not open.
static int
s_open_file(segment_cursor_t *self, struct segment_place until)
{
    char name[SEGMENT_NAME_SIZE];
    int rc;

    segment_name(name, self->segment);
    self->fd = openat(self->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (self->fd == -1)
        return errno == ENOENT ? s_missing(self, until) : -errno;
    self->piece = PIECE_FIRST;
    rc = s_take_header(self);
    // One that was trimmed and begun anew between the open and the read is no damage.
    if (rc == ERR_FORMAT && !s_alive(self))
        return s_missing(self, until);
    if (rc < 0 && rc != ERR_FORMAT)
        s_close_file(self);
    return rc;
}

static int
s_take_header(segment_cursor_t *self)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    struct segment_header header;
    ssize_t n;
    int rc;

    do
        n = pread(self->fd, bytes, sizeof bytes, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -errno;
    rc = segment_header_take(&header, bytes, (size_t) n);
    if (rc < 0)
        return rc;
    if (header.owner != self->owner || header.number != self->segment)
        return ERR_FORMAT;
    self->salt = header.salt;
    if (self->offset == 0)
        self->offset = SEGMENT_HEADER_BYTES;
    self->start = self->offset;
    return 0;
}

// The segment at hand is not there any more.
static int
s_missing(segment_cursor_t *self, struct segment_place until)
{
    uint64_t number;
    int rc;

    s_close_file(self);
    if (!self->holes)
        return ERR_CLOSED;
    rc = segment_files_after(self->dir_fd, self->segment + 1, &number);
    if (rc < 0 && rc != ERR_UNKNOWN)
        return rc;
    // Without any, those up to `until` are done with.
    self->segment = rc == 0 && number <= until.segment ? number : until.segment + 1;
    self->offset = 0;
    return 0;
}

// A file without a readable header: all of it is damage.
static int
s_pass_file(segment_cursor_t *self, struct segment_entry *entry)
{
    struct stat st = { 0 };

    (void) fstat(self->fd, &st);
    *entry = (struct segment_entry){ .place = { self->segment, 0 }, .len = (uint32_t) st.st_size };
    s_next_file(self);
    return ERR_FORMAT;
}

// One piece more, but never past `limit`. What lies before `offset` goes.
static int
s_more(segment_cursor_t *self, uint64_t limit)
{
    uint64_t known, want;
    ssize_t n;

    if (self->offset > self->start) {
        const uint64_t gone = self->offset - self->start;
        const size_t left = gone < self->window.len ? self->window.len - (size_t) gone : 0;

        if (left > 0 && self->window.at != NULL)
            memmove(self->window.at, self->window.at + gone, left);
        self->window.len = left;
        self->start = self->offset;
    }
    known = s_known(self);
    want = limit > known ? limit - known : 0;
    if (want > self->piece)
        want = self->piece;
    buf_reserve(&self->window, (size_t) want);
    if (want == self->piece && self->piece < PIECE_BYTES)
        self->piece *= 2;
    do
        n = pread(self->fd, self->window.at + self->window.len, (size_t) want, (off_t) known);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -errno;
    self->window.len += (size_t) n;
    self->whole = (uint64_t) n < want || want == 0;
    return 0;
}

// Whether the file that we hold is still the segment at hand: trimmed, it has lost its name, and
// may live again under another.
static bool
s_alive(const segment_cursor_t *self)
{
    char name[SEGMENT_NAME_SIZE];
    struct stat ours, named;

    segment_name(name, self->segment);
    return fstat(self->fd, &ours) == 0 &&
           fstatat(self->dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

// From here to the next readable place, or to the end of what may be read.
static int
s_damage(segment_cursor_t *self, uint64_t limit, struct segment_entry *entry)
{
    uint32_t next, from = self->offset;
    int rc = 0;

    while (!self->whole && s_known(self) < limit && rc == 0)
        rc = s_more(self, limit);
    if (rc < 0)
        return rc;
    *entry = (struct segment_entry){ .place = { self->segment, from } };
    // Behind the end of the file there is nothing to be passed over.
    if (from < s_known(self)) {
        const size_t gone = from - self->start + 1u;

        entry->len = (uint32_t) (s_known(self) - from);
        if (segment_search(&next, self->window.at + gone, self->window.len - gone, self->salt,
                           from + 1)) {
            entry->len = next - from;
            self->offset = next;
            return ERR_FORMAT;
        }
    }
    if (limit != UINT64_MAX)
        self->offset = (uint32_t) limit;
    else
        s_next_file(self);
    return ERR_FORMAT;
}

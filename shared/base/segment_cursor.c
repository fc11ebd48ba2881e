// segment_cursor - see the header.
//
// The file at hand is read in pieces: `window` holds a run of its bytes from its first byte on, and
// grows as far as it is read. Segments are small (megabytes), so the run is kept whole.

#include "shared/base/segment_cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define PIECE_BYTES (256u * 1024u)
#define NAME_SIZE   32

struct segment_cursor {
    int dir_fd;
    uint64_t owner;
    uint64_t segment; // at hand
    int fd;           // of it; -1: not yet opened
    uint64_t salt;
    uint32_t offset;   // of the next record
    struct buf window; // the file's bytes so far
    bool whole;        // the window ends with the file itself
};

static void s_next_file(segment_cursor_t *self);
static int s_open_file(segment_cursor_t *self, uint64_t limit);
static int s_pass_file(segment_cursor_t *self, struct segment_entry *entry);
static int s_more(segment_cursor_t *self, uint64_t limit);
static int s_check_life(const segment_cursor_t *self);
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
    self->segment = from.segment;
    self->offset = from.offset;
    self->fd = -1;
    *ret = self;
    return 0;
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
        if (self->fd == -1)
            rc = s_open_file(self, limit);
        if (rc == ERR_FORMAT)
            return s_pass_file(self, entry);
        if (rc < 0 || self->offset >= limit)
            return rc;
        found = segment_read(&record, self->window.at, self->window.len,
                             self->whole || self->window.len >= limit, self->salt, self->offset);
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
        } else {
            rc = s_check_life(self);
            return rc < 0 ? rc : s_damage(self, limit, entry);
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

static int
s_open_file(segment_cursor_t *self, uint64_t limit)
{
    struct segment_header header;
    char name[NAME_SIZE];
    int rc;

    snprintf(name, sizeof name, "%016" PRIx64 ".seg", self->segment);
    self->fd = openat(self->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (self->fd == -1)
        return errno == ENOENT ? ERR_CLOSED : -errno;
    rc = s_more(self, limit);
    if (rc == 0)
        rc = segment_header_take(&header, self->window.at, self->window.len);
    if (rc == 0 && (header.owner != self->owner || header.number != self->segment))
        rc = ERR_CLOSED; // trimmed and begun anew between the open and the read
    if (rc < 0) {
        if (rc != ERR_FORMAT)
            s_close_file(self);
        return rc;
    }
    self->salt = header.salt;
    if (self->offset == 0)
        self->offset = SEGMENT_HEADER_BYTES;
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

// One piece more, but never past `limit`.
static int
s_more(segment_cursor_t *self, uint64_t limit)
{
    const uint64_t left = limit - self->window.len;
    const size_t want = left < PIECE_BYTES ? (size_t) left : PIECE_BYTES;
    ssize_t n;

    buf_reserve(&self->window, PIECE_BYTES);
    do
        n = pread(self->fd, self->window.at + self->window.len, want, (off_t) self->window.len);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -errno;
    self->window.len += (size_t) n;
    self->whole = (size_t) n < want;
    return 0;
}

// A segment that was trimmed may live again under another number, in the file that we still hold.
static int
s_check_life(const segment_cursor_t *self)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    struct segment_header header;

    if (pread(self->fd, bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes ||
        segment_header_take(&header, bytes, sizeof bytes) < 0 || header.salt != self->salt)
        return ERR_CLOSED;
    return 0;
}

// From here to the next readable place, or to the end of what may be read.
static int
s_damage(segment_cursor_t *self, uint64_t limit, struct segment_entry *entry)
{
    uint32_t next;
    int rc = 0;

    while (!self->whole && self->window.len < limit && rc == 0)
        rc = s_more(self, limit);
    if (rc < 0)
        return rc;
    *entry = (struct segment_entry){ .place = { self->segment, self->offset } };
    if (segment_search(&next, self->window.at, self->window.len, self->salt, self->offset + 1)) {
        entry->len = next - self->offset;
        self->offset = next;
        return ERR_FORMAT;
    }
    entry->len = (uint32_t) self->window.len - self->offset;
    if (limit != UINT64_MAX)
        self->offset = (uint32_t) limit;
    else
        s_next_file(self);
    return ERR_FORMAT;
}

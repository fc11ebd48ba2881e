// segment_log - see the header.
//
// What is appended gathers in `pending` and goes to the file in one write. A record that does not
// fit closes its segment: the segment is synced, and the next one begins in a spare. The header of
// a new life is durable before the file has its number, so a number always names a readable header.

#include "shared/base/segment_log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define SPARES_MAX    8
#define PENDING_BYTES (256u * 1024u) // gathered at most before it is written
#define NAME_SIZE     32

struct segment_log {
    int dir_fd;
    uint64_t owner;
    uint32_t segment_bytes;
    unsigned spares_wanted;
    bool spares[SPARES_MAX]; // spare.N is there
    uint64_t oldest, newest;
    int fd;             // of the newest
    uint64_t salt;      // of its life
    uint32_t flushed;   // bytes of it that the kernel has
    uint32_t synced;    // bytes of it that the disk has
    struct buf pending; // what comes behind `flushed`
    int failed;         // the error that was final, or 0
};

static int s_find(segment_log_t *self, struct segment_log_found *found);
static int s_take_newest(segment_log_t *self, struct segment_log_found *found);
static int s_recover(segment_log_t *self, const struct buf *file, uint64_t salt,
                     struct segment_log_found *found);
static int s_leave(segment_log_t *self, uint32_t tail);
static int s_cut(segment_log_t *self, uint32_t end);
static int s_begin(segment_log_t *self, uint64_t number);
static int s_get_spare(segment_log_t *self);
static int s_make_spare(segment_log_t *self, unsigned n);
static void s_refill(segment_log_t *self);
static int s_roll(segment_log_t *self);
static int s_fail(segment_log_t *self, int rc);

static void
s_name(char out[NAME_SIZE], uint64_t number)
{
    snprintf(out, NAME_SIZE, "%016" PRIx64 ".seg", number);
}

static void
s_spare_name(char out[NAME_SIZE], unsigned n)
{
    snprintf(out, NAME_SIZE, "spare.%u", n);
}

int
segment_log_open(segment_log_t **ret, struct segment_log_found *found,
                 const struct segment_log_options *opt)
{
    segment_log_t *self = xcalloc(1, sizeof *self);
    int rc;

    assert(opt->segment_bytes >= SEGMENT_BYTES_LEAST && opt->segment_bytes <= SEGMENT_BYTES_MOST);
    assert(opt->spares <= SPARES_MAX);
    *found = (struct segment_log_found){ 0 };
    self->owner = opt->owner;
    self->segment_bytes = opt->segment_bytes;
    self->spares_wanted = opt->spares;
    self->fd = -1;
    if (mkdir(opt->dir, 0750) == -1 && errno != EEXIST) {
        rc = -errno;
        self->dir_fd = -1;
        goto fail;
    }
    self->dir_fd = open(opt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = self->dir_fd == -1 ? -errno : s_find(self, found);
    if (rc == 0)
        rc = self->newest == 0 ? s_begin(self, 1) : s_take_newest(self, found);
    if (rc < 0)
        goto fail;
    if (self->oldest == 0)
        self->oldest = self->newest;
    s_refill(self);
    *ret = self;
    return 0;

fail:
    self->failed = rc; // nothing is flushed
    segment_log_close(&self);
    return rc;
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
    if (self->dir_fd != -1)
        close(self->dir_fd);
    buf_release(&self->pending);
    free(self);
    *self_p = NULL;
}

// Which numbers and spares there are. Numbers rise by one without a hole, or the log is not whole.
static int
s_find(segment_log_t *self, struct segment_log_found *found)
{
    DIR *dir = fdopendir(openat(self->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    uint64_t n = 0;

    if (dir == NULL)
        return -errno;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        uint64_t number, spare;

        if (strlen(e->d_name) == 20 && strcmp(e->d_name + 16, ".seg") == 0 &&
            str_hex64(&number, e->d_name, 16) == 0 && number > 0) {
            n++;
            if (self->oldest == 0 || number < self->oldest)
                self->oldest = number;
            if (number > self->newest)
                self->newest = number;
        } else if (str_starts(e->d_name, "spare.") &&
                   str_u64(&spare, e->d_name + 6, strlen(e->d_name + 6)) == 0 &&
                   spare < SPARES_MAX) {
            self->spares[spare] = true;
        } else if (e->d_name[0] != '.') {
            found->foreign++;
        }
    }
    closedir(dir);
    return n == 0 || self->newest - self->oldest + 1 == n ? 0 : ERR_FORMAT;
}

static int
s_take_newest(segment_log_t *self, struct segment_log_found *found)
{
    struct segment_header header;
    struct buf file = { 0 };
    char name[NAME_SIZE];
    ptrdiff_t n;
    int rc;

    s_name(name, self->newest);
    self->fd = openat(self->dir_fd, name, O_RDWR | O_CLOEXEC);
    if (self->fd == -1)
        return -errno;
    n = file_read_fd(&file, self->fd, SEGMENT_BYTES_MOST);
    rc = n < 0 ? (int) n : segment_header_take(&header, file.at, file.len);
    if (rc == 0 && header.owner != self->owner)
        rc = ERR_UNKNOWN;
    if (rc == ERR_FORMAT || (rc == 0 && header.number != self->newest)) {
        found->damaged_bytes = file.len;
        rc = s_begin(self, self->newest + 1);
    } else if (rc == 0) {
        rc = s_recover(self, &file, header.salt, found);
    }
    buf_release(&file);
    return rc;
}

// Closes the file at hand behind `tail`, and begins another.
static int
s_leave(segment_log_t *self, uint32_t tail)
{
    uint8_t end[SEGMENT_RECORD_BYTES];

    segment_end_put(end, self->salt, tail, 0);
    if (pwrite(self->fd, end, sizeof end, (off_t) tail) != (ssize_t) sizeof end ||
        fdatasync(self->fd) == -1)
        return errno != 0 ? -errno : -EIO;
    return s_begin(self, self->newest + 1);
}

static int
s_recover(segment_log_t *self, const struct buf *file, uint64_t salt,
          struct segment_log_found *found)
{
    struct segment_scan scan;

    segment_scan(&scan, file->at, file->len, salt);
    self->salt = salt;
    if (scan.damaged) {
        found->damaged_bytes = scan.resume - scan.end;
        // What can be read behind the damage stays, and nothing is ever put between.
        return s_leave(self, scan.tail);
    }
    if (scan.ended)
        return s_begin(self, self->newest + 1);
    for (size_t i = scan.end; i < file->len; i++)
        if (file->at[i] != 0)
            found->torn_bytes = i + 1 - scan.end;
    return s_cut(self, scan.end);
}

// What stands behind `end` must never be read again, not even once new records end just there: the
// rest of the file becomes zeros, and the whole of it durable.
static int
s_cut(segment_log_t *self, uint32_t end)
{
    int rc = 0;

    if (ftruncate(self->fd, (off_t) end) == -1)
        return -errno;
    rc = -posix_fallocate(self->fd, 0, (off_t) self->segment_bytes);
    // A disk that is full leaves a file without room; the next append asks for a new segment.
    if (rc != 0 && rc != -ENOSPC)
        return rc;
    if (fdatasync(self->fd) == -1)
        return -errno;
    self->flushed = self->synced = end;
    return 0;
}

// A new segment of this number, from a spare.
static int
s_begin(segment_log_t *self, uint64_t number)
{
    const struct segment_header header = { self->owner, number, random_u64(), clock_real_ms() };
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    char spare[NAME_SIZE], name[NAME_SIZE];
    const int n = s_get_spare(self);
    int fd, rc = 0;

    if (n < 0)
        return n;
    s_spare_name(spare, (unsigned) n);
    s_name(name, number);
    segment_header_put(bytes, &header);
    fd = openat(self->dir_fd, spare, O_RDWR | O_CLOEXEC);
    if (fd == -1)
        return -errno;
    // One of a time with other settings has another size.
    rc = -posix_fallocate(fd, 0, (off_t) self->segment_bytes);
    errno = 0;
    if (rc == 0 &&
        (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes || fdatasync(fd) == -1 ||
         renameat(self->dir_fd, spare, self->dir_fd, name) == -1 || fsync(self->dir_fd) == -1))
        rc = errno != 0 ? -errno : -EIO;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    self->spares[n] = false;
    if (self->fd != -1)
        close(self->fd);
    self->fd = fd;
    self->salt = header.salt;
    self->newest = number;
    self->flushed = self->synced = SEGMENT_HEADER_BYTES;
    return 0;
}

// The number of a spare that is there, made if need be; or -errno.
static int
s_get_spare(segment_log_t *self)
{
    int rc;

    for (unsigned n = 0; n < SPARES_MAX; n++)
        if (self->spares[n])
            return (int) n;
    rc = s_make_spare(self, 0);
    return rc < 0 ? rc : 0;
}

// Beside its name first, so that a spare is always of full size.
static int
s_make_spare(segment_log_t *self, unsigned n)
{
    char name[NAME_SIZE];
    const int fd = openat(self->dir_fd, ".spare", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int rc;

    if (fd == -1)
        return -errno;
    s_spare_name(name, n);
    rc = -posix_fallocate(fd, 0, (off_t) self->segment_bytes);
    if (rc == 0 && fsync(fd) == -1)
        rc = -errno;
    close(fd);
    if (rc == 0 && renameat(self->dir_fd, ".spare", self->dir_fd, name) == -1)
        rc = -errno;
    if (rc < 0)
        unlinkat(self->dir_fd, ".spare", 0);
    else
        self->spares[n] = true;
    return rc;
}

// As many as are wanted, as far as the disk has room: it is tried again at each new segment.
static void
s_refill(segment_log_t *self)
{
    for (unsigned n = 0; n < self->spares_wanted; n++)
        if (!self->spares[n] && s_make_spare(self, n) < 0)
            return;
}

int
segment_log_append(segment_log_t *self, const struct segment_payload *payload,
                   struct segment_place *ret)
{
    const size_t need = SEGMENT_RECORD_BYTES + payload->head_len + payload->body_len;
    uint8_t head[SEGMENT_RECORD_BYTES];
    uint32_t place;
    int rc;

    assert(payload->head_len + payload->body_len <= SEGMENT_RECORD_MAX &&
           SEGMENT_HEADER_BYTES + need + SEGMENT_RECORD_BYTES <= self->segment_bytes);
    if (self->failed != 0)
        return self->failed;
    if (self->flushed + self->pending.len + need + SEGMENT_RECORD_BYTES > self->segment_bytes) {
        rc = s_roll(self);
        if (rc < 0)
            return rc;
    }
    place = self->flushed + (uint32_t) self->pending.len;
    segment_record_put(head, self->salt, place, self->synced, payload);
    buf_bytes(&self->pending, head, sizeof head);
    buf_bytes(&self->pending, payload->head, payload->head_len);
    if (payload->body_len > 0)
        buf_bytes(&self->pending, payload->body, payload->body_len);
    *ret = (struct segment_place){ self->newest, place };
    return self->pending.len >= PENDING_BYTES ? segment_log_flush(self) : 0;
}

// Closes the newest segment and begins the next. Asks for its room first, so that a full disk
// leaves everything as it was.
static int
s_roll(segment_log_t *self)
{
    const uint32_t place = self->flushed + (uint32_t) self->pending.len;
    uint8_t end[SEGMENT_RECORD_BYTES];
    int rc = s_get_spare(self);

    if (rc == -ENOSPC)
        return rc;
    if (rc < 0)
        return s_fail(self, rc);
    segment_end_put(end, self->salt, place, self->synced);
    buf_bytes(&self->pending, end, sizeof end);
    rc = segment_log_sync(self);
    if (rc < 0)
        return rc;
    rc = s_begin(self, self->newest + 1);
    if (rc < 0)
        return s_fail(self, rc);
    s_refill(self);
    return 0;
}

int
segment_log_flush(segment_log_t *self)
{
    size_t done = 0;

    if (self->failed != 0)
        return self->failed;
    while (done < self->pending.len) {
        const ssize_t n = pwrite(self->fd, self->pending.at + done, self->pending.len - done,
                                 (off_t) (self->flushed + done));

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return s_fail(self, n == -1 ? -errno : -EIO);
        done += (size_t) n;
    }
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
    for (; self->oldest < below && self->oldest < self->newest; self->oldest++) {
        char name[NAME_SIZE], spare[NAME_SIZE];
        unsigned n = 0;
        int rc;

        s_name(name, self->oldest);
        while (n < self->spares_wanted && self->spares[n])
            n++;
        s_spare_name(spare, n);
        rc = n < self->spares_wanted ? renameat(self->dir_fd, name, self->dir_fd, spare)
                                     : unlinkat(self->dir_fd, name, 0);
        if (rc == -1 && errno != ENOENT)
            return -errno;
        if (rc == 0 && n < self->spares_wanted)
            self->spares[n] = true;
    }
    return 0;
}

uint64_t
segment_log_oldest(const segment_log_t *self)
{
    return self->oldest;
}

uint64_t
segment_log_newest(const segment_log_t *self)
{
    return self->newest;
}

struct segment_place
segment_log_end(const segment_log_t *self)
{
    return (struct segment_place){ self->newest, self->flushed };
}

uint64_t
segment_log_bytes(const segment_log_t *self)
{
    uint64_t files = self->newest - self->oldest + 1;

    for (unsigned n = 0; n < SPARES_MAX; n++)
        files += self->spares[n];
    return files * self->segment_bytes;
}

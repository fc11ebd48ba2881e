// roster_log - see the header.

#include "collector/roster_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"

#define FILE_NAME "roster"
#define FILE_MODE 0600
#define MAGIC     "ZPROSTER"
#define MAGIC_LEN 8

struct roster_log {
    struct buf path;
    int fd;
    size_t len;   // bytes that are durable
    size_t count; // records among them
    int broken;   // 0, or the failure after which nothing is known
};

static int s_read(roster_log_t *self, size_t *torn, roster_log_fn *fn, void *arg);
static int s_load(roster_log_t *self, const struct buf *text, size_t *torn, roster_log_fn *fn,
                  void *arg);
static bool s_is_tail(const uint8_t *at, size_t n, ptrdiff_t why);
static int s_write(roster_log_t *self, const uint8_t *at, size_t n);

int
roster_log_open(roster_log_t **ret, size_t *torn, const char *dir, roster_log_fn *fn, void *arg)
{
    roster_log_t *self = xcalloc(1, sizeof *self);
    int rc;

    *torn = 0;
    buf_printf(&self->path, "%s/" FILE_NAME, dir);
    self->fd = open(buf_cstr(&self->path), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    rc = self->fd == -1 ? -errno : 0;
    if (rc == -ENOENT) {
        rc = file_write_atomic(buf_cstr(&self->path), MAGIC, MAGIC_LEN, FILE_MODE);
        self->fd = rc < 0 ? -1
                          : open(buf_cstr(&self->path), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
        if (rc == 0 && self->fd == -1)
            rc = -errno;
    }
    rc = rc < 0 ? rc : s_read(self, torn, fn, arg);
    if (rc < 0) {
        roster_log_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
roster_log_close(roster_log_t **self_p)
{
    roster_log_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->fd != -1)
        close(self->fd);
    buf_release(&self->path);
    free(self);
    *self_p = NULL;
}

int
roster_log_append(roster_log_t *self, const struct roster_record *record)
{
    uint8_t bytes[ROSTER_RECORD_MOST];
    const size_t n = roster_record_put(bytes, record);
    int rc = self->broken;

    if (rc == 0 && self->len + n > ROSTER_LOG_MOST)
        return ERR_LIMIT;
    if (rc == 0)
        rc = s_write(self, bytes, n);
    // What a full disk has taken of it is taken back; then it is as if nothing had been.
    if ((rc == -ENOSPC || rc == -EDQUOT) && ftruncate(self->fd, (off_t) self->len) == 0)
        return rc;
    if (rc == 0 && fdatasync(self->fd) == -1)
        rc = -errno;
    if (rc < 0) {
        self->broken = rc;
        return rc;
    }
    self->len += n;
    self->count++;
    return 0;
}

size_t
roster_log_count(const roster_log_t *self)
{
    return self->count;
}

int
roster_log_replace(roster_log_t *self, const struct buf *records, size_t n)
{
    struct buf all = { 0 };
    int rc, fd;

    buf_bytes(&all, MAGIC, MAGIC_LEN);
    buf_bytes(&all, records->at, records->len);
    rc = file_write_atomic(buf_cstr(&self->path), all.at, all.len, FILE_MODE);
    if (rc == 0) {
        fd = open(buf_cstr(&self->path), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
        if (fd == -1) {
            // The old file has no name any more: what would be appended to it would be lost.
            self->broken = rc = -errno;
        } else {
            close(self->fd);
            self->fd = fd;
            self->len = all.len;
            self->count = n;
            self->broken = 0;
        }
    }
    buf_release(&all);
    return rc;
}

static int
s_read(roster_log_t *self, size_t *torn, roster_log_fn *fn, void *arg)
{
    struct buf text = { 0 };
    struct stat st;
    ptrdiff_t n;
    int rc;

    // Whoever may write it may let anybody in.
    if (fstat(self->fd, &st) == -1)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return -EPERM;
    n = file_read_fd(&text, self->fd, ROSTER_LOG_MOST);
    rc = n < 0 ? (int) n : s_load(self, &text, torn, fn, arg);
    buf_release(&text);
    // Cut off, so that what comes next stands behind what is whole.
    if (rc == 0 && *torn > 0 &&
        (ftruncate(self->fd, (off_t) self->len) == -1 || fdatasync(self->fd) == -1))
        rc = -errno;
    return rc;
}

static int
s_load(roster_log_t *self, const struct buf *text, size_t *torn, roster_log_fn *fn, void *arg)
{
    if (text->len < MAGIC_LEN || memcmp(text->at, MAGIC, MAGIC_LEN) != 0)
        return ERR_FORMAT;
    self->len = MAGIC_LEN;
    while (self->len < text->len) {
        const uint8_t *at = text->at + self->len;
        const size_t left = text->len - self->len;
        struct roster_record record;
        const ptrdiff_t n = roster_record_take(&record, at, left);

        if (n < 0 && !s_is_tail(at, left, n)) {
            *torn = self->len;
            return ERR_FORMAT;
        }
        if (n < 0) {
            *torn = left;
            return 0;
        }
        fn(arg, &record);
        self->len += (size_t) n;
        self->count++;
    }
    return 0;
}

// What one append that was cut off can have left: a piece of a record, or zeros, at the end. It was
// one record at most, since each is synced before the next; and behind it nothing is whole.
static bool
s_is_tail(const uint8_t *at, size_t n, ptrdiff_t why)
{
    struct roster_record record;
    bool zeros = true;

    for (size_t i = 0; i < n; i++)
        zeros = zeros && at[i] == 0;
    if (zeros)
        return true;
    if (n > ROSTER_RECORD_MOST)
        return false;
    for (size_t i = 1; i < n; i++) {
        if (roster_record_take(&record, at + i, n - i) > 0)
            return false;
    }
    // A record of the right length with a wrong crc was whole once, unless its end is not there
    // yet: blocks that were not written read as zeros.
    return why == ERR_LIMIT || at[n - 1] == 0;
}

static int
s_write(roster_log_t *self, const uint8_t *at, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(self->fd, at, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        at += done;
        n -= (size_t) done;
    }
    return 0;
}

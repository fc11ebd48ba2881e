// import_source - see the header.

#include "collector/ctl/import_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/fnv.h"
#include "shared/base/xalloc.h"
#include "shared/net/service.h"

#define BLOCK (64u * 1024u)

struct import_source {
    int fd;
    int signals;
    uint64_t hash;  // of what was read at first
    uint64_t bytes; // likewise
    uint64_t again; // hash of what was read since
    uint64_t taken; // bytes of it
    uint64_t line;
    uint64_t done;
    bool ended;  // the file is, at `have`
    size_t from; // of the next line, in `at`
    size_t have;
    size_t size; // allocated
    char *at;
};

static int s_first(import_source_t *self, const char *path);
static int s_spool(import_source_t *self, int from);

int
import_source_open(import_source_t **ret, const char *path, int signals)
{
    import_source_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->fd = -1;
    self->signals = signals;
    self->size = BLOCK;
    self->at = xmalloc(self->size);
    rc = s_first(self, path);
    rc = rc < 0 ? rc : import_source_rewind(self);
    if (rc < 0) {
        import_source_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
import_source_close(import_source_t **self_p)
{
    import_source_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->fd != -1)
        close(self->fd);
    free(self->at);
    free(self);
    *self_p = NULL;
}

static bool
s_stopped(const import_source_t *self)
{
    enum service_event event;
    bool stop = false;

    while (self->signals >= 0 && (event = service_next(self->signals)) != SERVICE_NONE)
        stop = stop || event == SERVICE_STOP || event == SERVICE_RELOAD;
    return stop;
}

// Bytes read, 0 at the end, or -errno. A pipe may have nothing for long.
static ssize_t
s_read(const import_source_t *self, int fd, bool waits)
{
    for (;;) {
        struct pollfd items[2] = { { .fd = fd, .events = POLLIN },
                                   { .fd = self->signals, .events = POLLIN } };
        ssize_t n;

        if (waits && poll(items, 2, -1) == -1 && errno != EINTR)
            return -errno;
        if (s_stopped(self))
            return -EINTR;
        if (waits && items[0].revents == 0)
            continue;
        n = read(fd, self->at, BLOCK);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

static int
s_write(int fd, const char *at, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, at, n);

        if (done == -1 && errno != EINTR)
            return -errno;
        at += done > 0 ? done : 0;
        n -= done > 0 ? (size_t) done : 0;
    }
    return 0;
}

// All of it, for its hash, and into self->fd where it is another one.
static int
s_read_all(import_source_t *self, int from)
{
    const bool copies = from != self->fd;
    ssize_t n;
    int rc = 0;

    self->hash = FNV_BEGIN;
    while (rc == 0 && (n = s_read(self, from, copies)) != 0) {
        if (n < 0)
            return (int) n;
        self->hash = fnv_add(self->hash, self->at, (size_t) n);
        self->bytes += (uint64_t) n;
        if (copies)
            rc = s_write(self->fd, self->at, (size_t) n);
    }
    return rc;
}

static int
s_first(import_source_t *self, const char *path)
{
    const bool standard = strcmp(path, "-") == 0;
    const int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat is;

    if (fd == -1)
        return -errno;
    if (fstat(fd, &is) == -1 || S_ISDIR(is.st_mode)) {
        close(fd);
        return S_ISDIR(is.st_mode) ? -EISDIR : -EIO;
    }
    // Standard input may be a file of which something was read already: then its rest is meant.
    if (!S_ISREG(is.st_mode) || (standard && lseek(fd, 0, SEEK_CUR) != 0))
        return s_spool(self, fd);
    self->fd = fd;
    return s_read_all(self, fd);
}

static int
s_spool(import_source_t *self, int from)
{
    const char *dir = getenv("TMPDIR");
    int rc;

    self->fd = open(dir != NULL && dir[0] != '\0' ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC,
                    0600);
    rc = self->fd == -1 ? -errno : s_read_all(self, from);
    close(from);
    return rc;
}

uint64_t
import_source_hash(const import_source_t *self)
{
    return self->hash;
}

uint64_t
import_source_bytes(const import_source_t *self)
{
    return self->bytes;
}

int
import_source_rewind(import_source_t *self)
{
    if (lseek(self->fd, 0, SEEK_SET) == -1)
        return -errno;
    self->again = FNV_BEGIN;
    self->taken = self->line = self->done = 0;
    self->from = self->have = 0;
    self->ended = false;
    return 0;
}

// More behind what is there. What stands before the next line is let go of.
static int
s_fill(import_source_t *self)
{
    ssize_t n;

    memmove(self->at, self->at + self->from, self->have - self->from);
    self->have -= self->from;
    self->from = 0;
    if (self->size - self->have < BLOCK) {
        self->size = 2 * self->size;
        self->at = xrealloc(self->at, self->size, 1);
    }
    do
        n = read(self->fd, self->at + self->have, BLOCK);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -errno;
    self->again = fnv_add(self->again, self->at + self->have, (size_t) n);
    self->taken += (uint64_t) n;
    self->have += (size_t) n;
    self->ended = n == 0;
    return 0;
}

int
import_source_next(import_source_t *self, const char **line_ret, size_t *n_ret)
{
    size_t looked = self->from;
    const char *end = NULL;

    for (;;) {
        int rc;

        if (self->have > looked)
            end = memchr(self->at + looked, '\n', self->have - looked);
        if (end != NULL)
            break;
        if (self->ended && self->have == self->from)
            return 0;
        looked = self->have - self->from; // where it will go on, behind what s_fill moves
        if (looked > IMPORT_LINE_MAX)
            rc = ERR_LIMIT;
        else
            rc = self->ended ? ERR_FORMAT : s_fill(self);
        if (rc < 0) {
            self->line++;
            return rc;
        }
    }
    *line_ret = self->at + self->from;
    *n_ret = (size_t) (end - *line_ret);
    self->from += *n_ret + 1;
    self->done += *n_ret + 1;
    self->line++;
    return *n_ret > IMPORT_LINE_MAX ? ERR_LIMIT : 1;
}

uint64_t
import_source_line(const import_source_t *self)
{
    return self->line;
}

uint64_t
import_source_done(const import_source_t *self)
{
    return self->done;
}

int
import_source_check(const import_source_t *self)
{
    return self->again == self->hash && self->taken == self->bytes ? 0 : ERR_CLOSED;
}

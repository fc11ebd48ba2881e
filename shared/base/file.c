// file - whole files in, whole files out.

#include "shared/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define READ_LEAST 4096 // room for one read, bytes; also what /proc gives at once
#define DIR_MODE   0750

static int s_write_new(const char *path, const void *at, size_t n, mode_t mode);
static int s_write_all(int fd, const void *at, size_t n);
static int s_sync_folder(const char *path);

// A read of /proc may end anywhere before its end, so only a read of nothing is the end. The
// buf keeps its size, so reading a file again is normally two calls.
ptrdiff_t
file_read_fd(struct buf *into, int fd, size_t most)
{
    return file_read_short(into, fd, most, 0);
}

ptrdiff_t
file_read_short(struct buf *into, int fd, size_t most, size_t whole)
{
    buf_clear(into);
    for (;;) {
        ssize_t n;

        if (into->size - into->len < READ_LEAST)
            buf_reserve(into, into->size > READ_LEAST ? into->size : READ_LEAST);
        n = pread(fd, into->at + into->len, into->size - into->len, (off_t) into->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return (ptrdiff_t) into->len;
        into->len += (size_t) n;
        if (into->len > most)
            return ERR_LIMIT;
        if (into->len < whole)
            return (ptrdiff_t) into->len;
    }
}

ptrdiff_t
file_read_head(struct buf *into, int fd, size_t n)
{
    ssize_t got;

    buf_clear(into);
    buf_reserve(into, n);
    do
        got = pread(fd, into->at, n, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    into->len = (size_t) got;
    return got;
}

ptrdiff_t
file_read(struct buf *into, int dir_fd, const char *path, size_t most)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ptrdiff_t n;

    if (fd == -1)
        return -errno;
    n = file_read_fd(into, fd, most);
    close(fd);
    return n;
}

int
file_write_atomic(const char *path, const void *at, size_t n, unsigned mode)
{
    char beside[PATH_MAX];
    int rc = snprintf(beside, sizeof beside, "%s.new", path);

    if (rc < 0 || (size_t) rc >= sizeof beside)
        return -ENAMETOOLONG;
    // What a crash may have left there, or someone put there to be written through.
    if (unlink(beside) == -1 && errno != ENOENT)
        return -errno;
    rc = s_write_new(beside, at, n, (mode_t) mode);
    if (rc < 0)
        return rc;
    if (rename(beside, path) == -1) {
        rc = -errno;
        unlink(beside);
        return rc;
    }
    return s_sync_folder(path);
}

// mkdir at each prefix: to look first would race with who else makes or removes them.
int
file_make_dirs(const char *path)
{
    char *copy = xstrdup(path);
    struct stat st;
    int rc = 0;

    for (char *c = copy; rc == 0 && *c != '\0'; c++) {
        // At each end of a name, but not at the root's.
        if (*c != '/' && (c[1] == '/' || c[1] == '\0')) {
            char next = c[1];

            c[1] = '\0';
            if (mkdir(copy, DIR_MODE) == -1 && errno != EEXIST)
                rc = -errno;
            c[1] = next;
        }
    }
    if (rc == 0 && stat(path, &st) == -1)
        rc = -errno;
    if (rc == 0 && !S_ISDIR(st.st_mode))
        rc = -ENOTDIR;
    free(copy);
    return rc;
}

// A file that was not there before; one that fails half-way is taken away again.
static int
s_write_new(const char *path, const void *at, size_t n, mode_t mode)
{
    // Nobody else may open it before it has its mode: it may be a key.
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & S_IRWXU);
    int rc;

    if (fd == -1)
        return -errno;
    rc = s_write_all(fd, at, n);
    if (rc == 0 && fchmod(fd, mode) == -1)
        rc = -errno;
    if (rc == 0 && fsync(fd) == -1)
        rc = -errno;
    if (close(fd) == -1 && rc == 0)
        rc = -errno;
    if (rc < 0)
        unlink(path);
    return rc;
}

static int
s_write_all(int fd, const void *at, size_t n)
{
    const char *next = at;

    while (n > 0) {
        ssize_t done = write(fd, next, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        next += done;
        n -= (size_t) done;
    }
    return 0;
}

// The rename itself lasts only once the folder is on the disk.
static int
s_sync_folder(const char *path)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd == -1 || fsync(fd) == -1 ? -errno : 0;

    if (fd != -1)
        close(fd);
    free(copy);
    return rc;
}

// segment_files - see the header.

#include "shared/base/segment_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define DIR_MODE     0750
#define FILE_MODE    0640
#define NUMBER_LEN   16u
#define SPARE_PREFIX "spare."
#define IN_MAKING    ".spare"

enum kind { KIND_OTHER, KIND_SEGMENT, KIND_SPARE, KIND_HIDDEN };

static enum kind s_kind(uint64_t *ret, const char *name);
static int s_find(struct segment_files *self);
static void s_note(struct segment_files *self, uint64_t number, uint64_t bytes);
static int s_compare(const void *a, const void *b);
static int s_make_spare(struct segment_files *self, unsigned n);
static int s_rename(int dir_fd, const char *from, const char *to);
static int s_write_header(const struct segment_files *self, int fd,
                          const struct segment_header *header);

void
segment_name(char out[SEGMENT_NAME_SIZE], uint64_t number)
{
    snprintf(out, SEGMENT_NAME_SIZE, "%016" PRIx64 ".seg", number);
}

static void
s_spare_name(char out[SEGMENT_NAME_SIZE], unsigned n)
{
    snprintf(out, SEGMENT_NAME_SIZE, SPARE_PREFIX "%u", n);
}

int
segment_no_room(int rc)
{
    return rc == -EDQUOT || rc == -EFBIG ? -ENOSPC : rc;
}

int
segment_files_open(struct segment_files *self, const char *dir, uint32_t segment_bytes,
                   unsigned spares)
{
    int rc;

    *self = (struct segment_files){ .dir_fd = -1,
                                    .segment_bytes = segment_bytes,
                                    .spares_wanted = spares };
    if (mkdir(dir, DIR_MODE) == -1 && errno != EEXIST)
        return -errno;
    self->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd == -1)
        return -errno;
    rc = s_find(self);
    if (self->n > 0)
        qsort(self->at, self->n, sizeof *self->at, s_compare);
    return rc;
}

void
segment_files_release(struct segment_files *self)
{
    if (self->dir_fd != -1)
        close(self->dir_fd);
    free(self->at);
    *self = (struct segment_files){ .dir_fd = -1 };
}

// What a name in the folder says, and its number.
static enum kind
s_kind(uint64_t *ret, const char *name)
{
    const size_t len = strlen(name);
    const size_t prefix = strlen(SPARE_PREFIX);

    if (len == NUMBER_LEN + 4 && strcmp(name + NUMBER_LEN, ".seg") == 0 &&
        str_hex64(ret, name, NUMBER_LEN) == 0 && *ret > 0 && *ret <= SEGMENT_NUMBER_MAX)
        return KIND_SEGMENT;
    if (len == prefix + 1 && str_starts(name, SPARE_PREFIX) &&
        str_u64(ret, name + prefix, 1) == 0 && *ret < SEGMENT_SPARES_MAX)
        return KIND_SPARE;
    return name[0] == '.' ? KIND_HIDDEN : KIND_OTHER;
}

static DIR *
s_list(int dir_fd, int *rc)
{
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);

    *rc = dir == NULL ? -errno : 0;
    if (dir == NULL && fd != -1)
        close(fd);
    return dir;
}

static int
s_find(struct segment_files *self)
{
    int rc;
    DIR *dir = s_list(self->dir_fd, &rc);

    if (dir == NULL)
        return rc;
    // A list cut short would let a number be given twice.
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;) {
        struct stat st;
        uint64_t n;

        switch (s_kind(&n, e->d_name)) {
        case KIND_SEGMENT:
            if (fstatat(self->dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                s_note(self, n, (uint64_t) st.st_size);
            else
                rc = -errno;
            break;
        case KIND_SPARE:
            self->spares[n] = true;
            break;
        case KIND_OTHER:
            self->foreign++;
            break;
        case KIND_HIDDEN:
            break;
        }
    }
    if (errno != 0)
        rc = -errno;
    closedir(dir);
    return rc;
}

static void
s_note(struct segment_files *self, uint64_t number, uint64_t bytes)
{
    if (self->n == self->size) {
        self->size = self->size > 0 ? 2 * self->size : SEGMENT_SPARES_MAX;
        self->at = xrealloc(self->at, self->size, sizeof *self->at);
    }
    self->at[self->n++] = (struct segment_file){ number, bytes };
}

static int
s_compare(const void *a, const void *b)
{
    const struct segment_file *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

int
segment_files_after(int dir_fd, uint64_t number, uint64_t *ret)
{
    int rc;
    DIR *dir = s_list(dir_fd, &rc);
    bool found = false;

    if (dir == NULL)
        return rc;
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;) {
        uint64_t n;

        if (s_kind(&n, e->d_name) == KIND_SEGMENT && n >= number && (!found || n < *ret)) {
            *ret = n;
            found = true;
        }
    }
    rc = errno != 0 ? -errno : found ? 0 : ERR_UNKNOWN;
    closedir(dir);
    return rc;
}

int
segment_files_ready(struct segment_files *self)
{
    for (unsigned n = 0; n < SEGMENT_SPARES_MAX; n++)
        if (self->spares[n])
            return 0;
    return s_make_spare(self, 0);
}

bool
segment_files_refill(struct segment_files *self)
{
    for (unsigned n = 0; n < self->spares_wanted; n++)
        if (!self->spares[n] && s_make_spare(self, n) < 0)
            return false;
    return true;
}

// Beside its name first, so that a spare is always of full size.
static int
s_make_spare(struct segment_files *self, unsigned n)
{
    char name[SEGMENT_NAME_SIZE];
    const int fd = openat(self->dir_fd, IN_MAKING, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                          FILE_MODE);
    int rc;

    if (fd == -1)
        return segment_no_room(-errno);
    s_spare_name(name, n);
    rc = -posix_fallocate(fd, 0, (off_t) self->segment_bytes);
    if (rc == 0 && fsync(fd) == -1)
        rc = -errno;
    close(fd);
    if (rc == 0 && renameat(self->dir_fd, IN_MAKING, self->dir_fd, name) == -1)
        rc = -errno;
    if (rc < 0)
        unlinkat(self->dir_fd, IN_MAKING, 0);
    else
        self->spares[n] = true;
    return segment_no_room(rc);
}

int
segment_files_begin(struct segment_files *self, const struct segment_header *header, int *fd_ret)
{
    char spare[SEGMENT_NAME_SIZE], name[SEGMENT_NAME_SIZE];
    int fd, rc = segment_files_ready(self);
    unsigned n = 0;

    if (rc < 0)
        return rc;
    while (!self->spares[n])
        n++;
    s_spare_name(spare, n);
    segment_name(name, header->number);
    fd = openat(self->dir_fd, spare, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1) {
        // Somebody took it away; another is made the next time.
        self->spares[n] = errno != ENOENT && self->spares[n];
        return -errno;
    }
    // Its old number must be gone for good before its old header is.
    if (self->moved && fsync(self->dir_fd) == -1) {
        rc = -errno;
        close(fd);
        return rc;
    }
    self->moved = false;
    rc = s_write_header(self, fd, header);
    CRASH_POINT(SEGMENT_NAME);
    if (rc == 0)
        rc = s_rename(self->dir_fd, spare, name);
    if (rc < 0) {
        close(fd);
        return segment_no_room(rc);
    }
    CRASH_POINT(SEGMENT_NAMED);
    self->spares[n] = false;
    s_note(self, header->number, self->segment_bytes);
    // It has its number, but perhaps not after a crash: no way back.
    if (fsync(self->dir_fd) == -1) {
        close(fd);
        return -EIO;
    }
    *fd_ret = fd;
    return 0;
}

// Never over a file that is there.
static int
s_rename(int dir_fd, const char *from, const char *to)
{
    if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    // A file system that can't tell.
    if (faccessat(dir_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return renameat(dir_fd, from, dir_fd, to) == -1 ? -errno : 0;
}

// A spare of a time with other settings has another size: it gets the right one.
static int
s_write_header(const struct segment_files *self, int fd, const struct segment_header *header)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    struct stat st;
    int rc;

    if (fstat(fd, &st) == -1)
        return -errno;
    if (st.st_size > (off_t) self->segment_bytes && ftruncate(fd, self->segment_bytes) == -1)
        return -errno;
    rc = -posix_fallocate(fd, 0, (off_t) self->segment_bytes);
    if (rc < 0)
        return rc;
    segment_header_put(bytes, header);
    errno = EIO; // of a write that was short
    if (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes || fdatasync(fd) == -1)
        return -errno;
    return 0;
}

int
segment_files_fd(const struct segment_files *self, uint64_t number, int *fd_ret)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, number);
    *fd_ret = openat(self->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return *fd_ret == -1 ? -errno : 0;
}

static struct segment_file *
s_of(const struct segment_files *self, uint64_t number)
{
    for (size_t i = 0; i < self->n; i++)
        if (self->at[i].number == number)
            return &self->at[i];
    return NULL;
}

void
segment_files_shrink(struct segment_files *self, uint64_t number, uint32_t end)
{
    struct segment_file *file = s_of(self, number);
    int fd;

    if (file == NULL || file->bytes <= end || segment_files_fd(self, number, &fd) < 0)
        return;
    if (ftruncate(fd, (off_t) end) == 0)
        file->bytes = end;
    close(fd);
}

int
segment_files_drop(struct segment_files *self, uint64_t number)
{
    struct segment_file *file = s_of(self, number);
    char name[SEGMENT_NAME_SIZE], spare[SEGMENT_NAME_SIZE];
    unsigned n = 0;
    bool keep;
    int rc;

    if (file == NULL)
        return ERR_UNKNOWN;
    while (n < self->spares_wanted && self->spares[n])
        n++;
    // One that was cut would have to grow again first.
    keep = n < self->spares_wanted && file->bytes >= self->segment_bytes;
    segment_name(name, number);
    s_spare_name(spare, n);
    CRASH_POINT(SEGMENT_DROP);
    rc = keep ? renameat(self->dir_fd, name, self->dir_fd, spare) : unlinkat(self->dir_fd, name, 0);
    if (rc == -1 && errno != ENOENT)
        return -errno;
    CRASH_POINT(SEGMENT_DROPPED);
    if (rc == 0 && keep)
        self->spares[n] = self->moved = true;
    self->n--;
    memmove(file, file + 1, (size_t) (self->at + self->n - file) * sizeof *file);
    return 0;
}

uint64_t
segment_files_bytes(const struct segment_files *self)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < self->n; i++)
        bytes += self->at[i].bytes;
    for (unsigned n = 0; n < SEGMENT_SPARES_MAX; n++)
        bytes += self->spares[n] ? self->segment_bytes : 0;
    return bytes;
}

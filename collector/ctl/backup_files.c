// backup_files - see the header.

#include "collector/ctl/backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/str.h"

#define DEPTH_MAX   8           // folders in folders
#define FILE_MOST   (64u << 20) // a larger file is none of a collector's
#define FOLDER_MODE 0750
#define IN_MAKING   ".new"
#define CHUNK       (1024u * 1024u)

static int s_folder(struct backup *b, const char *from, const char *to, unsigned depth);
static int s_entry(struct backup *b, const char *from, const char *to, unsigned depth);
static int s_file(struct backup *b, const char *from, const char *to, const struct stat *st);
static bool s_is_other(const char *name, unsigned depth);
static bool s_ends(const char *text, const char *end);

int
backup_files(struct backup *b)
{
    return s_folder(b, b->from, b->to, 0);
}

uint64_t
backup_size(const char *dir)
{
    const struct dirent *entry;
    DIR *folder = opendir(dir);
    uint64_t bytes = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat st;

        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
            continue;
        if (S_ISREG(st.st_mode)) {
            bytes += (uint64_t) st.st_size;
        } else if (S_ISDIR(st.st_mode)) {
            struct buf path = { 0 };

            buf_printf(&path, "%s/%s", dir, entry->d_name);
            bytes += backup_size(buf_cstr(&path));
            buf_release(&path);
        }
    }
    if (folder != NULL)
        closedir(folder);
    return bytes;
}

int
backup_make_folder(const struct backup *b, const char *name)
{
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", b->to, name);
    rc = mkdir(buf_cstr(&path), FOLDER_MODE) == -1 ? -errno : 0;
    buf_release(&path);
    return rc;
}

int
backup_sync_folder(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc = fd == -1 || fsync(fd) == -1 ? -errno : 0;

    if (fd != -1)
        close(fd);
    return rc;
}

int
backup_write(struct backup *b, const char *path, const void *at, size_t n, uint64_t size,
             unsigned mode)
{
    // Nobody else may open it before it has its mode: it may be a key.
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t) mode & S_IRWXU);
    size_t done = 0;
    int rc = fd == -1 ? -errno : 0;

    while (rc == 0 && done < n) {
        const size_t most = n - done < CHUNK ? n - done : CHUNK;
        const ssize_t written = write(fd, (const char *) at + done, most);

        if (written == -1 && errno != EINTR)
            rc = -errno;
        if (written <= 0)
            continue;
        done += (size_t) written;
        if (b->go_on_fn != NULL && !b->go_on_fn(b->arg, (uint64_t) written))
            rc = -ECANCELED;
    }
    if (rc == 0 &&
        (ftruncate(fd, (off_t) size) == -1 || fchmod(fd, (mode_t) mode) == -1 || fsync(fd) == -1))
        rc = -errno;
    if (fd != -1 && close(fd) == -1 && rc == 0)
        rc = -errno;
    b->files += rc == 0;
    return rc;
}

static int
s_folder(struct backup *b, const char *from, const char *to, unsigned depth)
{
    const struct dirent *entry;
    DIR *folder = opendir(from);
    int rc = 0;

    if (folder == NULL)
        return -errno;
    while (rc == 0 && (errno = 0, entry = readdir(folder)) != NULL) {
        struct buf inner = { 0 };
        struct buf copy = { 0 };

        if (!s_is_other(entry->d_name, depth))
            continue;
        buf_printf(&inner, "%s/%s", from, entry->d_name);
        buf_printf(&copy, "%s/%s", to, entry->d_name);
        rc = s_entry(b, buf_cstr(&inner), buf_cstr(&copy), depth);
        buf_release(&inner);
        buf_release(&copy);
    }
    if (rc == 0)
        rc = -errno;
    closedir(folder);
    return rc < 0 ? rc : backup_sync_folder(to);
}

// What goes while it is looked at was not meant to stay.
static int
s_entry(struct backup *b, const char *from, const char *to, unsigned depth)
{
    struct stat st;

    if (lstat(from, &st) == -1)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISREG(st.st_mode))
        return s_file(b, from, to, &st);
    if (S_ISLNK(st.st_mode) || (S_ISDIR(st.st_mode) && depth == DEPTH_MAX)) {
        buf_printf(&b->notes, "%s: left out: %s\n", from,
                   S_ISLNK(st.st_mode) ? "a link is not followed" : "too deep in folders");
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return 0; // a socket: its owner makes it anew
    if (mkdir(to, (st.st_mode & 0777) | S_IRWXU) == -1)
        return -errno;
    return s_folder(b, from, to, depth + 1);
}

static int
s_file(struct backup *b, const char *from, const char *to, const struct stat *st)
{
    struct buf bytes = { 0 };
    const ptrdiff_t n = file_read(&bytes, AT_FDCWD, from, FILE_MOST);
    int rc = 0;

    if (n == ERR_LIMIT)
        buf_printf(&b->notes, "%s: left out: larger than any file of a collector\n", from);
    else if (n >= 0)
        rc = backup_write(b, to, bytes.at, bytes.len, bytes.len, st->st_mode & 0777);
    else if (n != -ENOENT)
        rc = (int) n;
    buf_release(&bytes);
    return rc;
}

static bool
s_is_other(const char *name, unsigned depth)
{
    static const char *const not_here[] = { "journal", "store", "lock" };

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || s_ends(name, IN_MAKING))
        return false;
    for (size_t i = 0; depth == 0 && i < sizeof not_here / sizeof not_here[0]; i++)
        if (strcmp(name, not_here[i]) == 0)
            return false;
    return true;
}

static bool
s_ends(const char *text, const char *end)
{
    const size_t n = strlen(text);

    return n >= strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

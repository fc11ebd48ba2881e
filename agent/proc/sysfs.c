// sysfs - see the header.

#include "agent/proc/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define NAMES_MAX 65536u

int
sysfs_number(int64_t *ret, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    bool minus;

    if (len > 0 && text[len - 1] == '\n')
        rest.end--;
    minus = rest.at < rest.end && *rest.at == '-';
    rest.at += minus ? 1 : 0;
    // No blanks: proc_text_int would take them.
    if (rest.at == rest.end || *rest.at < '0' || *rest.at > '9' || rest.end[-1] < '0' ||
        proc_text_int(&rest, ret) != 1 || rest.at != rest.end)
        return ERR_FORMAT;
    *ret = minus ? -*ret : *ret;
    return 0;
}

// One read: the kernel gives a value whole, and an error of the driver comes as that read's.
static ptrdiff_t
s_read(char *ret, size_t size, int root_fd, const char *path)
{
    const int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ptrdiff_t n;

    if (fd == -1)
        return -errno;
    n = read(fd, ret, size);
    if (n == -1)
        n = -errno;
    close(fd);
    return n;
}

ptrdiff_t
sysfs_text(char ret[SYSFS_TEXT_SIZE], int root_fd, const char *path)
{
    ptrdiff_t n = s_read(ret, SYSFS_TEXT_SIZE - 1, root_fd, path);

    if (n < 0)
        return n;
    while (n > 0 && ret[n - 1] == '\n')
        n--;
    ret[n] = '\0';
    return (ptrdiff_t) strlen(ret);
}

int
sysfs_ask(int root_fd, const char *path, union slow_value *ret)
{
    char text[64] = { 0 };
    const ptrdiff_t n = s_read(text, sizeof text, root_fd, path);

    if (n < 0)
        return (int) n;
    return sysfs_number(&ret->number, text, (size_t) n);
}

bool
sysfs_is_readable(int root_fd, const char *path)
{
    return faccessat(root_fd, path, R_OK, AT_EACCESS) == 0;
}

// The kernel resolves the links, and says of the descriptor where it has come to.
int
sysfs_target(struct buf *ret, int root_fd, const char *path)
{
    const int fd = openat(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char link[32], target[PATH_MAX];
    ssize_t n;
    int rc = 0;

    if (fd == -1)
        return -errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, target, sizeof target);
    if (n == -1)
        rc = -errno;
    else
        buf_bytes(ret, target, (size_t) n);
    close(fd);
    return rc;
}

static bool
s_is(int dir_fd, const struct dirent *entry, enum sysfs_kind kind)
{
    struct stat st;

    if (entry->d_name[0] == '.')
        return false;
    if (kind == SYSFS_FOLDERS)
        return entry->d_type != DT_REG;
    return (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) &&
           fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (st.st_mode & (S_IRUSR | S_IRGRP | S_IROTH)) != 0;
}

static int
s_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void
sysfs_list(struct sysfs_names *ret, int root_fd, const char *folder, enum sysfs_kind kind)
{
    const int fd = openat(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    *ret = (struct sysfs_names){ 0 };
    if (dir == NULL) {
        if (fd != -1)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL && ret->n < NAMES_MAX) {
        if (!s_is(fd, entry, kind))
            continue;
        if (ret->n == ret->size) {
            ret->size = ret->size == 0 ? 32 : ret->size * 2;
            ret->at = xrealloc(ret->at, ret->size, sizeof *ret->at);
        }
        ret->at[ret->n++] = xstrdup(entry->d_name);
    }
    closedir(dir);
    if (ret->n > 0)
        qsort(ret->at, ret->n, sizeof *ret->at, s_compare);
}

void
sysfs_names_release(struct sysfs_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->at[i]);
    free(names->at);
    *names = (struct sysfs_names){ 0 };
}

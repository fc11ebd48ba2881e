// backup_place - see the header.

#include "collector/ctl/backup_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctl/backup_files.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define FOLDER_MODE 0750
#define WALK_FDS    16

static int s_free(const char *dir);
static int s_inside(const char *dir, const char *data);
static int s_begin(struct backup_place *self);
static int s_remove(const char *path);
static int s_remove_one(const char *path, const struct stat *st, int type, struct FTW *walk);
static int s_sync_above(const char *path);

int
backup_place_open(struct backup_place *ret, const char *dir, const char *data)
{
    size_t n = strlen(dir);
    int rc;

    *ret = (struct backup_place){ .fd = -1 };
    while (n > 1 && dir[n - 1] == '/')
        n--;
    buf_printf(&ret->dir, "%.*s", (int) n, dir);
    buf_printf(&ret->part, "%.*s.part", (int) n, dir);
    rc = s_free(buf_cstr(&ret->dir));
    rc = rc < 0 ? rc : s_inside(buf_cstr(&ret->dir), data);
    return rc < 0 ? rc : s_begin(ret);
}

// An empty folder of this name gives way.
int
backup_place_finish(struct backup_place *self)
{
    int rc = backup_sync_folder(buf_cstr(&self->part));

    if (rc == 0 && rename(buf_cstr(&self->part), buf_cstr(&self->dir)) == -1)
        rc = errno == ENOTEMPTY ? -EEXIST : -errno;
    if (rc < 0)
        return rc;
    close(self->fd);
    self->fd = -1;
    return s_sync_above(buf_cstr(&self->dir));
}

void
backup_place_release(struct backup_place *self)
{
    if (self->fd != -1) {
        (void) s_remove(buf_cstr(&self->part));
        close(self->fd);
        self->fd = -1;
    }
    buf_release(&self->dir);
    buf_release(&self->part);
}

static int
s_free(const char *dir)
{
    const struct dirent *entry;
    DIR *folder = opendir(dir);
    int rc = 0;

    if (folder == NULL)
        return errno == ENOENT ? 0 : errno == ENOTDIR ? -EEXIST : -errno;
    while (rc == 0 && (errno = 0, entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = -EEXIST;
    if (rc == 0)
        rc = -errno;
    closedir(folder);
    return rc;
}

// It would be a part of itself.
static int
s_inside(const char *dir, const char *data)
{
    char *copy = xstrdup(dir);
    char above[PATH_MAX], top[PATH_MAX];
    const bool known = realpath(dirname(copy), above) != NULL && realpath(data, top) != NULL;
    const int rc = known ? 0 : -errno;
    const size_t n = known ? strlen(top) : 0;

    free(copy);
    if (rc < 0)
        return rc;
    return strncmp(above, top, n) == 0 && (above[n] == '/' || above[n] == '\0') ? ERR_RANGE : 0;
}

static int
s_begin(struct backup_place *self)
{
    const char *part = buf_cstr(&self->part);
    int fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int rc = 0;

    if (fd != -1) {
        rc = flock(fd, LOCK_EX | LOCK_NB) == -1 ? ERR_LOCKED : s_remove(part);
        close(fd);
    }
    if (rc == 0 && mkdir(part, FOLDER_MODE) == -1)
        rc = -errno;
    if (rc < 0)
        return rc;
    fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        close(fd);
        return ERR_LOCKED;
    }
    self->fd = fd;
    return 0;
}

static int
s_remove(const char *path)
{
    return nftw(path, s_remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS) == -1 ? -errno : 0;
}

static int
s_remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void) st;
    (void) type;
    (void) walk;
    return remove(path);
}

// The name lasts only once the folder above is on the disk.
static int
s_sync_above(const char *path)
{
    char *copy = xstrdup(path);
    const int rc = backup_sync_folder(dirname(copy));

    free(copy);
    return rc;
}

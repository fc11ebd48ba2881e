// sqlite_aside - see the header.

#include "collector/store/sqlite_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/crash_point.h"

#define MOST 100u

// The file itself goes last: what is beside it would be leftovers without it.
static const char *const s_beside[] = { "-journal", "-wal", "-shm", "" };

static int s_free_suffix(const char *path, char ret[16]);
static int s_sync_folder(const char *path);

int
sqlite_set_aside(const char *path)
{
    char suffix[16];
    int rc = s_free_suffix(path, suffix);

    for (size_t i = 0; i < sizeof s_beside / sizeof s_beside[0] && rc == 0; i++) {
        struct buf from = { 0 };
        struct buf to = { 0 };

        buf_printf(&from, "%s%s", path, s_beside[i]);
        buf_printf(&to, "%s%s%s", path, suffix, s_beside[i]);
        CRASH_POINT(ASIDE_RENAME);
        if (rename(buf_cstr(&from), buf_cstr(&to)) == -1 && errno != ENOENT)
            rc = -errno;
        buf_release(&from);
        buf_release(&to);
    }
    CRASH_POINT(ASIDE_RENAMED);
    return rc < 0 ? rc : s_sync_folder(path);
}

static int
s_free_suffix(const char *path, char ret[16])
{
    for (unsigned i = 0; i < MOST; i++) {
        struct buf name = { 0 };
        bool is_free;

        snprintf(ret, 16, i == 0 ? ".damaged" : ".damaged%u", i + 1);
        buf_printf(&name, "%s%s", path, ret);
        is_free = access(buf_cstr(&name), F_OK) == -1 && errno == ENOENT;
        buf_release(&name);
        if (is_free)
            return 0;
    }
    return -EEXIST;
}

static int
s_sync_folder(const char *path)
{
    const char *end = strrchr(path, '/');
    struct buf folder = { 0 };
    int fd, rc;

    buf_printf(&folder, "%.*s", end != NULL ? (int) (end - path) + 1 : 1, end != NULL ? path : ".");
    fd = open(buf_cstr(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd == -1 || fsync(fd) == -1 ? -errno : 0;
    if (fd != -1)
        close(fd);
    buf_release(&folder);
    return rc;
}

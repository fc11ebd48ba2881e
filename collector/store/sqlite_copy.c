// sqlite_copy - see the header.

#include "collector/store/sqlite_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store/sqlite_room.h"
#include "shared/base/err.h"

#define BUSY_MS    5000
#define STEP_PAGES 256 // 2 MiB

static int s_open_source(sqlite3 **ret, const char *path);
static int s_open_target(sqlite3 **ret, const char *path);
static int s_pages(sqlite3 *from, sqlite3 *to, sqlite_copy_fn *fn, void *arg);
static int s_sync(const char *path);

int
sqlite_copy(const char *from, const char *to, sqlite_copy_fn *fn, void *arg)
{
    sqlite3 *source = NULL;
    sqlite3 *target = NULL;
    int moved = 0;
    int rc = s_open_source(&source, from);

    rc = rc < 0 ? rc : s_open_target(&target, to);
    rc = rc < 0 ? rc : s_pages(source, target, fn, arg);
    // Retention removes files, a damaged one is set aside and begun anew: then database and log may
    // not have belonged together.
    if (rc == 0 &&
        sqlite3_file_control(source, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
        moved != 0)
        rc = -ENOENT;
    sqlite3_close(target);
    sqlite3_close(source);
    rc = rc < 0 ? rc : s_sync(to);
    if (rc == -ENOENT && target != NULL)
        unlink(to);
    return rc;
}

// What is read from here on is of one moment: the transaction stays open.
static int
s_open_source(sqlite3 **ret, const char *path)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (sqlite3_open_v2(path, ret, flags, NULL) != SQLITE_OK)
        return sqlite_room_error_of(*ret);
    sqlite3_busy_timeout(*ret, BUSY_MS);
    // The log is the writer's alone to write back, though we may be the last to close.
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_exec(*ret,
                     "PRAGMA query_only=1; PRAGMA mmap_size=0; BEGIN;"
                     "SELECT count(*) FROM sqlite_schema",
                     NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_room_error_of(*ret);
    return 0;
}

// Without a journal: it is whole at its end, or thrown away.
static int
s_open_target(sqlite3 **ret, const char *path)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_EXRESCODE;

    if (access(path, F_OK) == 0)
        return -EEXIST;
    if (sqlite3_open_v2(path, ret, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(*ret, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL) !=
            SQLITE_OK)
        return sqlite_room_error_of(*ret);
    return 0;
}

static int
s_pages(sqlite3 *from, sqlite3 *to, sqlite_copy_fn *fn, void *arg)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    sqlite3_stmt *size = NULL;
    uint64_t page = 0;
    int step = SQLITE_OK;
    int done = 0;
    int rc = 0;

    if (copy == NULL)
        return sqlite_room_error_of(to);
    if (sqlite3_prepare_v2(from, "PRAGMA page_size", -1, &size, NULL) == SQLITE_OK &&
        sqlite3_step(size) == SQLITE_ROW)
        page = (uint64_t) sqlite3_column_int64(size, 0);
    sqlite3_finalize(size);
    while (rc == 0 && step == SQLITE_OK) {
        const int before = done;

        step = sqlite3_backup_step(copy, STEP_PAGES);
        done = sqlite3_backup_pagecount(copy) - sqlite3_backup_remaining(copy);
        if (fn != NULL && !fn(arg, (uint64_t) (done - before) * page))
            rc = -ECANCELED;
    }
    // The error of a step is the target's from here on.
    if (sqlite3_backup_finish(copy) != SQLITE_OK && rc == 0)
        rc = sqlite_room_error_of(to);
    return rc;
}

static int
s_sync(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd == -1 ? -errno : 0;

    if (fd != -1 && fsync(fd) == -1)
        rc = -errno;
    if (fd != -1)
        close(fd);
    return rc;
}

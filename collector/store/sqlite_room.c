// sqlite_room - see the header.
//
// What is kept of SQLite's own ways: commits sync the log (synchronous=FULL), the log is written
// back only when we say so and only by the connection that writes (two connections doing that at
// once damaged files up to 3.51.2), files are never mapped (an I/O error would be a signal).

#include "collector/store/sqlite_room.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define BUSY_MS   5000
#define CACHE_KIB "2048"
#define SQL_MAX   4096

static int s_set_up(struct sqlite_room *self, bool write);
static int s_make(struct sqlite_room *self);
static int s_known(struct sqlite_room *self, bool write);
static int s_renew(struct sqlite_room *self);
static int s_write_all(struct sqlite_room *self, const char *sql);
static int s_number(struct sqlite_room *self, const char *sql, int64_t *ret);
static int s_committed(void *arg, sqlite3 *db, const char *name, int pages);

int
sqlite_room_open(struct sqlite_room *ret, const struct sqlite_room_kind *kind, const char *path,
                 bool write)
{
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    int rc;

    assert(kind->statements <= SQLITE_ROOM_STATEMENTS);
    *ret = (struct sqlite_room){ .kind = kind, .path = xstrdup(path) };
    rc = sqlite3_open_v2(path, &ret->db, flags, NULL) == SQLITE_OK ? s_set_up(ret, write)
                                                                   : sqlite_room_error(ret);
    if (rc < 0)
        sqlite_room_close(ret);
    return rc;
}

void
sqlite_room_close(struct sqlite_room *self)
{
    for (unsigned i = 0; i < SQLITE_ROOM_STATEMENTS; i++)
        sqlite3_finalize(self->prepared[i]);
    CRASH_POINT(ROOM_CLOSE);
    sqlite3_close(self->db);
    free(self->path);
    *self = (struct sqlite_room){ 0 };
}

int
sqlite_room_error(const struct sqlite_room *self)
{
    return sqlite_room_error_of(self->db);
}

int
sqlite_room_error_of(sqlite3 *db)
{
    const int code = db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(db);
    const int os = db == NULL ? 0 : sqlite3_system_errno(db);

    switch (code & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: // a number twice, a column that is NULL: not as we write it
    case SQLITE_ERROR:      // a table that is not there
        return ERR_FORMAT;
    case SQLITE_CANTOPEN:
        return os != 0 ? -os : -ENOENT;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_BUSY:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_INTERRUPT:
        return ERR_CLOSED;
    default:
        return os == ENOSPC || os == EDQUOT ? -ENOSPC : os != 0 ? -os : -EIO;
    }
}

int
sqlite_room_statement(struct sqlite_room *self, unsigned which, sqlite3_stmt **ret)
{
    assert(which < self->kind->statements);
    if (self->prepared[which] == NULL &&
        sqlite3_prepare_v3(self->db, self->kind->sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &self->prepared[which], NULL) != SQLITE_OK)
        return sqlite_room_error(self);
    *ret = self->prepared[which];
    return 0;
}

int
sqlite_room_done(struct sqlite_room *self, sqlite3_stmt *statement, int step, int rc)
{
    if (rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sqlite_room_error(self);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc;
}

int
sqlite_room_begin(struct sqlite_room *self)
{
    return sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : sqlite_room_error(self);
}

int
sqlite_room_end(struct sqlite_room *self, int rc)
{
    if (rc == 0 && sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        rc = sqlite_room_error(self);
    // Some errors have rolled back already.
    if (rc != 0 && sqlite3_get_autocommit(self->db) == 0)
        (void) sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int
sqlite_room_checkpoint(struct sqlite_room *self, bool whole)
{
    const int mode = whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int left = 0;
    int moved = 0;
    int rc;

    CRASH_POINT(CHECKPOINT);
    rc = sqlite3_wal_checkpoint_v2(self->db, NULL, mode, &left, &moved);
    CRASH_POINT(CHECKPOINTED);
    if (rc == SQLITE_BUSY)
        return 1;
    if (rc != SQLITE_OK)
        return sqlite_room_error(self);
    self->log_pages = left > moved ? left - moved : 0;
    return self->log_pages > 0;
}

int
sqlite_room_check(struct sqlite_room *self, char *why, size_t size)
{
    sqlite3_stmt *row = NULL;
    int rc = 0;

    why[0] = '\0';
    if (sqlite3_prepare_v2(self->db, "PRAGMA quick_check(1)", -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        rc = sqlite_room_error(self);
        snprintf(why, size, "%s", sqlite3_errmsg(self->db));
    } else if (strcmp((const char *) sqlite3_column_text(row, 0), "ok") != 0) {
        rc = ERR_FORMAT;
        snprintf(why, size, "%s", (const char *) sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    return rc;
}

bool
sqlite_room_moved(const struct sqlite_room *self)
{
    int moved = 0;

    return sqlite3_file_control(self->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

uint64_t
sqlite_room_bytes(const struct sqlite_room *self)
{
    struct stat file;
    char path[4096];
    uint64_t bytes = 0;

    if (stat(self->path, &file) == 0)
        bytes = (uint64_t) file.st_size;
    snprintf(path, sizeof path, "%s-wal", self->path);
    if (stat(path, &file) == 0)
        bytes += (uint64_t) file.st_size;
    return bytes;
}

static int
s_set_up(struct sqlite_room *self, bool write)
{
    int64_t tables = 0;
    int64_t id = 0;
    bool empty;
    int rc;

    sqlite3_busy_timeout(self->db, BUSY_MS);
    if (!write) {
        sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return s_known(self, write);
    }
    rc = s_number(self, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc == 0)
        rc = s_number(self, "PRAGMA application_id", &id);
    if (rc < 0)
        return rc;
    empty = tables == 0 && id == 0;
    // The size of pages is set before the first one is written.
    if (empty && sqlite3_exec(self->db, "PRAGMA page_size=8192", NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_room_error(self);
    if (sqlite3_exec(self->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0;"
                     "PRAGMA cache_size=-" CACHE_KIB,
                     NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_room_error(self);
    sqlite3_wal_hook(self->db, s_committed, self); // in place of its own checkpoints
    rc = empty ? s_make(self) : 0;
    return rc < 0 ? rc : s_known(self, write);
}

// Tables, id and version at once.
static int
s_make(struct sqlite_room *self)
{
    char sql[SQL_MAX];
    const int n = snprintf(sql, sizeof sql, "%s PRAGMA application_id=%d; PRAGMA user_version=%d;",
                           self->kind->schema, self->kind->application_id, self->kind->version);

    assert(n > 0 && n < SQL_MAX);
    return s_write_all(self, sql);
}

static int
s_renew(struct sqlite_room *self)
{
    char sql[SQL_MAX];
    const int n = snprintf(sql, sizeof sql, "%s PRAGMA user_version=%d;", self->kind->renew,
                           self->kind->version);
    int rc;

    assert(n > 0 && n < SQL_MAX);
    rc = s_write_all(self, sql);
    self->version = rc < 0 ? self->version : self->kind->version;
    return rc;
}

static int
s_write_all(struct sqlite_room *self, const char *sql)
{
    int rc = sqlite_room_begin(self);

    if (rc < 0)
        return rc;
    if (sqlite3_exec(self->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        rc = sqlite_room_error(self);
    rc = sqlite_room_end(self, rc);
    CRASH_POINT(ROOM_MADE);
    return rc;
}

static int
s_known(struct sqlite_room *self, bool write)
{
    int64_t id = 0;
    int rc = s_number(self, "PRAGMA application_id", &id);

    if (rc == 0)
        rc = s_number(self, "PRAGMA user_version", &self->version);
    if (rc < 0)
        return rc;
    if (id != self->kind->application_id)
        return ERR_UNKNOWN;
    if (self->version > self->kind->version)
        return ERR_VERSION;
    // Its header says that a newer SQLite alone may write to it: none of ours made it so.
    if (write && sqlite3_db_readonly(self->db, "main") == 1 && access(self->path, W_OK) == 0)
        return ERR_FORMAT;
    if (write && self->version < self->kind->version && self->kind->renew != NULL)
        return s_renew(self);
    if (!write && sqlite3_exec(self->db, "PRAGMA query_only=1; PRAGMA mmap_size=0", NULL, NULL,
                               NULL) != SQLITE_OK)
        return sqlite_room_error(self);
    return 0;
}

static int
s_number(struct sqlite_room *self, const char *sql, int64_t *ret)
{
    sqlite3_stmt *row = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(self->db, sql, -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW)
        rc = sqlite_room_error(self);
    else
        *ret = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return rc;
}

static int
s_committed(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void) db;
    (void) name;
    ((struct sqlite_room *) arg)->log_pages = pages;
    return SQLITE_OK;
}

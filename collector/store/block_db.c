// block_db - see the header.
//
// What is kept of SQLite's own ways: commits sync the log (synchronous=FULL), the log is written
// back only when we say so and only by the connection that writes (two connections doing that at
// once damaged files up to 3.51.2), files are never mapped (an I/O error would be a signal).

#include "collector/store/block_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define APPLICATION_ID 0x5a50424b // "ZPBK"
#define FORMAT_VERSION 1
#define BUSY_MS        5000
#define CACHE_KIB      "2048"

enum statement {
    PUT_TILE,
    PUT_MARK,
    GET_MARKS,
    GET_TILES,
    GET_TILES_OF_ALL,
    GET_STAT,
    STATEMENTS,
};

static const char *const s_sql[STATEMENTS] = {
    [PUT_TILE] = "INSERT INTO tile (number, host, first_ms, last_ms, rows, series, samples, bytes)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [PUT_MARK] = "INSERT INTO mark (stream, seq) VALUES (?1, ?2)"
                 " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq"
                 " WHERE excluded.seq > seq",
    [GET_MARKS] = "SELECT stream, seq FROM mark",
    [GET_TILES] = "SELECT number, host, first_ms, last_ms, rows, series, samples, bytes FROM tile"
                  " WHERE host = ?1 AND first_ms <= ?3 AND last_ms >= ?2 ORDER BY number",
    [GET_TILES_OF_ALL] = "SELECT number, host, first_ms, last_ms, rows, series, samples, bytes"
                         " FROM tile WHERE first_ms <= ?3 AND last_ms >= ?2 ORDER BY number",
    [GET_STAT] = "SELECT count(*), ifnull(sum(samples), 0), ifnull(sum(length(bytes)), 0),"
                 " min(first_ms), max(last_ms), ifnull(max(number), 0) FROM tile",
};

static const char s_schema[] =
    "CREATE TABLE tile (number INTEGER PRIMARY KEY, host INTEGER NOT NULL,"
    " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " series INTEGER NOT NULL, samples INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX tile_of_host ON tile (host, first_ms, last_ms);"
    // A seq is below 2^63: a stream would have to send a million records a second for 290,000
    // years.
    "CREATE TABLE mark (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL);";

struct block_db {
    sqlite3 *db;
    char *path;
    int log_pages; // as of the last commit
    sqlite3_stmt *statements[STATEMENTS];
};

static int s_error(const block_db_t *self);
static int s_set_up(block_db_t *self, enum block_db_mode mode);
static int s_known(block_db_t *self, enum block_db_mode mode);
static int s_number(block_db_t *self, const char *sql, int64_t *ret);
static int s_statement(block_db_t *self, enum statement which, sqlite3_stmt **ret);
static int s_put_tile(block_db_t *self, const struct block_tile *tile);
static int s_put_mark(block_db_t *self, const struct block_mark *mark);
static int s_done(block_db_t *self, sqlite3_stmt *statement, int rc);
static int s_committed(void *arg, sqlite3 *db, const char *name, int pages);

int
block_db_open(block_db_t **ret, const char *path, enum block_db_mode mode)
{
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (mode == BLOCK_DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                              : SQLITE_OPEN_READONLY);
    block_db_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->path = xstrdup(path);
    rc = sqlite3_open_v2(path, &self->db, flags, NULL) == SQLITE_OK ? s_set_up(self, mode)
                                                                    : s_error(self);
    if (rc < 0) {
        block_db_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
block_db_close(block_db_t **self_p)
{
    block_db_t *self = *self_p;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(self->statements[i]);
    sqlite3_close(self->db);
    free(self->path);
    free(self);
    *self_p = NULL;
}

int
block_db_write(block_db_t *self, const struct block_tile *tiles, size_t n_tiles,
               const struct block_mark *marks, size_t n_marks)
{
    int rc = sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return s_error(self);
    rc = 0;
    for (size_t i = 0; i < n_tiles && rc == 0; i++)
        rc = s_put_tile(self, &tiles[i]);
    for (size_t i = 0; i < n_marks && rc == 0; i++)
        rc = s_put_mark(self, &marks[i]);
    if (rc == 0 && sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        rc = s_error(self);
    // Some errors have rolled back already.
    if (rc < 0 && sqlite3_get_autocommit(self->db) == 0)
        (void) sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int
block_db_checkpoint(block_db_t *self, bool whole)
{
    const int mode = whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int left = 0;
    int moved = 0;
    const int rc = sqlite3_wal_checkpoint_v2(self->db, NULL, mode, &left, &moved);

    if (rc == SQLITE_BUSY)
        return 1;
    if (rc != SQLITE_OK)
        return s_error(self);
    self->log_pages = left > moved ? left - moved : 0;
    return self->log_pages > 0;
}

uint32_t
block_db_log_pages(const block_db_t *self)
{
    return (uint32_t) self->log_pages;
}

int
block_db_marks(block_db_t *self, int (*fn)(void *arg, const struct block_mark *mark), void *arg)
{
    sqlite3_stmt *statement = NULL;
    int rc = s_statement(self, GET_MARKS, &statement);
    int step;

    if (rc < 0)
        return rc;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW && rc == 0) {
        const struct block_mark mark = { .stream = (uint64_t) sqlite3_column_int64(statement, 0),
                                         .seq = (uint64_t) sqlite3_column_int64(statement, 1) };

        rc = fn(arg, &mark);
    }
    return rc != 0 ? s_done(self, statement, rc)
                   : s_done(self, statement, step == SQLITE_DONE ? 0 : s_error(self));
}

int
block_db_tiles(block_db_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
               int (*fn)(void *arg, const struct block_tile *tile), void *arg)
{
    sqlite3_stmt *row = NULL;
    int rc = s_statement(self, host != 0 ? GET_TILES : GET_TILES_OF_ALL, &row);
    int step;

    if (rc < 0)
        return rc;
    if (host != 0)
        sqlite3_bind_int64(row, 1, (int64_t) host);
    sqlite3_bind_int64(row, 2, first_ms);
    sqlite3_bind_int64(row, 3, last_ms);
    while ((step = sqlite3_step(row)) == SQLITE_ROW && rc == 0) {
        const struct block_tile tile = {
            .number = (uint64_t) sqlite3_column_int64(row, 0),
            .host = (uint64_t) sqlite3_column_int64(row, 1),
            .first_ms = sqlite3_column_int64(row, 2),
            .last_ms = sqlite3_column_int64(row, 3),
            .rows = (uint32_t) sqlite3_column_int64(row, 4),
            .series = (uint32_t) sqlite3_column_int64(row, 5),
            .samples = (uint64_t) sqlite3_column_int64(row, 6),
            .bytes = sqlite3_column_blob(row, 7),
            .len = (size_t) sqlite3_column_bytes(row, 7),
        };

        rc = tile.bytes != NULL ? fn(arg, &tile) : ERR_FORMAT;
    }
    return rc != 0 ? s_done(self, row, rc)
                   : s_done(self, row, step == SQLITE_DONE ? 0 : s_error(self));
}

int
block_db_stat(block_db_t *self, struct block_stat *ret)
{
    sqlite3_stmt *row = NULL;
    struct stat file;
    char path[4096];
    int rc = s_statement(self, GET_STAT, &row);

    *ret = (struct block_stat){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
    if (rc < 0)
        return rc;
    if (sqlite3_step(row) != SQLITE_ROW)
        return s_done(self, row, s_error(self));
    ret->tiles = (uint64_t) sqlite3_column_int64(row, 0);
    ret->samples = (uint64_t) sqlite3_column_int64(row, 1);
    ret->payload = (uint64_t) sqlite3_column_int64(row, 2);
    if (ret->tiles > 0) {
        ret->first_ms = sqlite3_column_int64(row, 3);
        ret->last_ms = sqlite3_column_int64(row, 4);
    }
    ret->number = (uint64_t) sqlite3_column_int64(row, 5);
    if (stat(self->path, &file) == 0)
        ret->bytes = (uint64_t) file.st_size;
    snprintf(path, sizeof path, "%s-wal", self->path);
    if (stat(path, &file) == 0)
        ret->bytes += (uint64_t) file.st_size;
    return s_done(self, row, 0);
}

int
block_db_check(block_db_t *self, char *why, size_t size)
{
    sqlite3_stmt *row = NULL;
    int rc = 0;

    why[0] = '\0';
    if (sqlite3_prepare_v2(self->db, "PRAGMA quick_check(1)", -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        rc = s_error(self);
        snprintf(why, size, "%s", sqlite3_errmsg(self->db));
    } else if (strcmp((const char *) sqlite3_column_text(row, 0), "ok") != 0) {
        rc = ERR_FORMAT;
        snprintf(why, size, "%s", (const char *) sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    return rc;
}

// What the last call on the connection met.
static int
s_error(const block_db_t *self)
{
    const int code = self->db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(self->db);
    const int os = self->db == NULL ? 0 : sqlite3_system_errno(self->db);

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
    default:
        return os == ENOSPC || os == EDQUOT ? -ENOSPC : os != 0 ? -os : -EIO;
    }
}

static int
s_set_up(block_db_t *self, enum block_db_mode mode)
{
    int64_t tables = 0;
    int64_t known = 0;
    int rc;

    sqlite3_busy_timeout(self->db, BUSY_MS);
    if (mode == BLOCK_DB_READ) {
        sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return s_known(self, mode);
    }
    rc = s_number(self, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc == 0)
        rc = s_number(self, "PRAGMA application_id", &known);
    if (rc < 0)
        return rc;
    // The size of pages is set before the first one is written.
    if (tables == 0 && known == 0 &&
        sqlite3_exec(self->db, "PRAGMA page_size=8192", NULL, NULL, NULL) != SQLITE_OK)
        return s_error(self);
    if (sqlite3_exec(self->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0;"
                     "PRAGMA cache_size=-" CACHE_KIB,
                     NULL, NULL, NULL) != SQLITE_OK)
        return s_error(self);
    sqlite3_wal_hook(self->db, s_committed, self); // in place of its own checkpoints
    if (tables == 0 && known == 0) {
        char sql[sizeof s_schema + 128];

        snprintf(sql, sizeof sql,
                 "BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                 s_schema, APPLICATION_ID, FORMAT_VERSION);
        if (sqlite3_exec(self->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
            rc = s_error(self);
            (void) sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
            return rc;
        }
    }
    return s_known(self, mode);
}

static int
s_known(block_db_t *self, enum block_db_mode mode)
{
    int64_t id = 0;
    int64_t version = 0;
    int rc = s_number(self, "PRAGMA application_id", &id);

    if (rc == 0)
        rc = s_number(self, "PRAGMA user_version", &version);
    if (rc < 0)
        return rc;
    if (id != APPLICATION_ID)
        return ERR_UNKNOWN;
    if (version > FORMAT_VERSION)
        return ERR_VERSION;
    if (mode == BLOCK_DB_READ && sqlite3_exec(self->db, "PRAGMA query_only=1; PRAGMA mmap_size=0",
                                              NULL, NULL, NULL) != SQLITE_OK)
        return s_error(self);
    return 0;
}

static int
s_number(block_db_t *self, const char *sql, int64_t *ret)
{
    sqlite3_stmt *row = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(self->db, sql, -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW)
        rc = s_error(self);
    else
        *ret = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return rc;
}

// Prepared once a connection.
static int
s_statement(block_db_t *self, enum statement which, sqlite3_stmt **ret)
{
    if (self->statements[which] == NULL &&
        sqlite3_prepare_v3(self->db, s_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &self->statements[which], NULL) != SQLITE_OK)
        return s_error(self);
    *ret = self->statements[which];
    return 0;
}

// The statement is ready to be used again; rc.
static int
s_done(block_db_t *self, sqlite3_stmt *statement, int rc)
{
    (void) self;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc;
}

static int
s_put_tile(block_db_t *self, const struct block_tile *tile)
{
    sqlite3_stmt *put = NULL;
    int rc = s_statement(self, PUT_TILE, &put);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) tile->number);
    sqlite3_bind_int64(put, 2, (int64_t) tile->host);
    sqlite3_bind_int64(put, 3, tile->first_ms);
    sqlite3_bind_int64(put, 4, tile->last_ms);
    sqlite3_bind_int64(put, 5, tile->rows);
    sqlite3_bind_int64(put, 6, tile->series);
    sqlite3_bind_int64(put, 7, (int64_t) tile->samples);
    sqlite3_bind_blob64(put, 8, tile->bytes, tile->len, SQLITE_STATIC);
    rc = sqlite3_step(put);
    return s_done(self, put, rc == SQLITE_DONE ? 0 : s_error(self));
}

static int
s_put_mark(block_db_t *self, const struct block_mark *mark)
{
    sqlite3_stmt *put = NULL;
    int rc = s_statement(self, PUT_MARK, &put);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) mark->stream);
    sqlite3_bind_int64(put, 2, (int64_t) mark->seq);
    rc = sqlite3_step(put);
    return s_done(self, put, rc == SQLITE_DONE ? 0 : s_error(self));
}

static int
s_committed(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void) db;
    (void) name;
    ((block_db_t *) arg)->log_pages = pages;
    return SQLITE_OK;
}

// block_db - see the header.

#include "collector/store/block_db.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/sqlite_room.h"
#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define APPLICATION_ID 0x5a50424b // "ZPBK"
#define FORMAT_VERSION 2
#define STOP_EACH      10000 // steps of SQLite's machine, some ms

enum statement {
    PUT_TILE,
    PUT_MARK,
    DOUBT_TOTALS,
    GET_MARKS,
    GET_MARKS_1,
    GET_TILES,
    GET_TILES_OF_ALL,
    GET_ROWS,
    GET_STAT,
    GET_FIRST,
    GET_LOWEST,
    GET_HOSTS,
    GET_VERSION,
    CHECK_ALL,
    STATEMENTS,
};

// Of the host's tiles in the window; the index has them all.
#define NUMBERS "SELECT number FROM tile WHERE host = ?1 AND first_ms <= ?3 AND last_ms >= ?2"

static const char *const s_sql[STATEMENTS] = {
    [PUT_TILE] = "INSERT INTO tile (number, host, first_ms, last_ms, rows, series, samples, bytes)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [PUT_MARK] = "INSERT INTO mark (stream, seq, total) VALUES (?1, ?2, ?3)"
                 " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, total = excluded.total"
                 " WHERE excluded.seq > seq",
    [DOUBT_TOTALS] = "UPDATE mark SET total = 0",
    [GET_MARKS] = "SELECT stream, seq, total FROM mark",
    [GET_MARKS_1] = "SELECT stream, seq, 0 FROM mark",
    // The numbers are sorted, and not the tiles with them, which would go through a file.
    [GET_TILES] = "SELECT number, host, first_ms, last_ms, rows, series, samples, bytes FROM tile"
                  " WHERE number IN (" NUMBERS ") ORDER BY number",
    [GET_TILES_OF_ALL] = "SELECT number, host, first_ms, last_ms, rows, series, samples, bytes"
                         " FROM tile WHERE first_ms <= ?3 AND last_ms >= ?2 ORDER BY number",
    [GET_ROWS] = "SELECT number, host, first_ms, last_ms, rows, series, samples, length(bytes)"
                 " FROM tile WHERE number IN (" NUMBERS ") ORDER BY number",
    [GET_STAT] = "SELECT count(*), ifnull(sum(samples), 0), ifnull(sum(length(bytes)), 0),"
                 " min(first_ms), max(last_ms), ifnull(max(number), 0) FROM tile",
    [GET_FIRST] = "SELECT min(first_ms) FROM tile WHERE host = ?1",
    [GET_LOWEST] = "SELECT min(number) FROM tile",
    [GET_HOSTS] = "SELECT host, min(first_ms), max(last_ms), sum(samples) FROM tile GROUP BY host"
                  " ORDER BY host",
    [GET_VERSION] = "PRAGMA data_version",
    [CHECK_ALL] = "PRAGMA integrity_check(1)",
};

// What version 1 had not.
#define TOTAL " total INTEGER NOT NULL DEFAULT 0"

static const char s_schema[] =
    "CREATE TABLE tile (number INTEGER PRIMARY KEY, host INTEGER NOT NULL,"
    " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " series INTEGER NOT NULL, samples INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX tile_of_host ON tile (host, first_ms, last_ms);"
    // A seq is below 2^63: a stream would have to send a million records a second for 290,000
    // years.
    "CREATE TABLE mark (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL," TOTAL ");";

static const struct sqlite_room_kind s_kind = { .application_id = APPLICATION_ID,
                                                .version = FORMAT_VERSION,
                                                .schema = s_schema,
                                                .renew = "ALTER TABLE mark ADD COLUMN" TOTAL ";",
                                                .sql = s_sql,
                                                .statements = STATEMENTS };

struct block_db {
    struct sqlite_room room;
};

// Where the bytes of tiles are read from, one after the other.
struct opened {
    sqlite3_blob *blob; // NULL: none was yet
    size_t size;        // allocated
    uint8_t *bytes;
};

static struct block_tile s_row(sqlite3_stmt *row);
static int s_tile_wanted(block_db_t *self, struct opened *opened, struct block_tile *tile,
                         block_wants_fn *wants, void *arg);
static int s_put_tile(block_db_t *self, const struct block_tile *tile);
static int s_put_mark(block_db_t *self, const struct block_mark *mark);

int
block_db_open(block_db_t **ret, const char *path, enum block_db_mode mode)
{
    block_db_t *self = xcalloc(1, sizeof *self);
    const int rc = sqlite_room_open(&self->room, &s_kind, path, mode == BLOCK_DB_WRITE);

    if (rc < 0) {
        free(self);
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
    sqlite_room_close(&self->room);
    free(self);
    *self_p = NULL;
}

int
block_db_write(block_db_t *self, const struct block_tile *tiles, size_t n_tiles,
               const struct block_mark *marks, size_t n_marks)
{
    int rc = sqlite_room_begin(&self->room);

    if (rc < 0)
        return rc;
    CRASH_POINT(TILE_INSERT);
    for (size_t i = 0; i < n_tiles && rc == 0; i++)
        rc = s_put_tile(self, &tiles[i]);
    CRASH_POINT(MARK_INSERT);
    for (size_t i = 0; i < n_marks && rc == 0; i++)
        rc = s_put_mark(self, &marks[i]);
    CRASH_POINT(BLOCK_COMMIT);
    rc = sqlite_room_end(&self->room, rc);
    CRASH_POINT(BLOCK_COMMITTED);
    return rc;
}

int
block_db_doubt_totals(block_db_t *self)
{
    sqlite3_stmt *statement = NULL;
    const int rc = sqlite_room_statement(&self->room, DOUBT_TOTALS, &statement);

    return rc < 0 ? rc : sqlite_room_done(&self->room, statement, sqlite3_step(statement), 0);
}

int
block_db_checkpoint(block_db_t *self, bool whole)
{
    return sqlite_room_checkpoint(&self->room, whole);
}

uint32_t
block_db_log_pages(const block_db_t *self)
{
    return (uint32_t) self->room.log_pages;
}

bool
block_db_moved(const block_db_t *self)
{
    return sqlite_room_moved(&self->room);
}

int
block_db_marks(block_db_t *self, int (*fn)(void *arg, const struct block_mark *mark), void *arg)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite_room_statement(&self->room, self->room.version < 2 ? GET_MARKS_1 : GET_MARKS,
                                   &statement);
    int step = SQLITE_DONE;

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct block_mark mark = { .stream = (uint64_t) sqlite3_column_int64(statement, 0),
                                         .seq = (uint64_t) sqlite3_column_int64(statement, 1),
                                         .total = (uint64_t) sqlite3_column_int64(statement, 2) };

        rc = fn(arg, &mark);
    }
    return sqlite_room_done(&self->room, statement, step, rc);
}

int
block_db_tiles(block_db_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
               int (*fn)(void *arg, const struct block_tile *tile), void *arg)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, host != 0 ? GET_TILES : GET_TILES_OF_ALL, &row);
    int step = SQLITE_DONE;

    if (rc < 0)
        return rc;
    if (host != 0)
        sqlite3_bind_int64(row, 1, (int64_t) host);
    sqlite3_bind_int64(row, 2, first_ms);
    sqlite3_bind_int64(row, 3, last_ms);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        struct block_tile tile = s_row(row);

        tile.bytes = sqlite3_column_blob(row, 7);
        tile.len = (size_t) sqlite3_column_bytes(row, 7);
        rc = tile.bytes != NULL ? fn(arg, &tile) : ERR_FORMAT;
    }
    return sqlite_room_done(&self->room, row, step, rc);
}

int
block_db_tiles_wanted(block_db_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                      block_wants_fn *wants, int (*fn)(void *arg, const struct block_tile *tile),
                      void *arg)
{
    struct opened opened = { 0 };
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, GET_ROWS, &row);
    int step = SQLITE_DONE;

    if (rc < 0)
        return rc;
    assert(host != 0);
    sqlite3_bind_int64(row, 1, (int64_t) host);
    sqlite3_bind_int64(row, 2, first_ms);
    sqlite3_bind_int64(row, 3, last_ms);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        struct block_tile tile = s_row(row);

        tile.len = (size_t) sqlite3_column_int64(row, 7);
        rc = s_tile_wanted(self, &opened, &tile, wants, arg);
        rc = rc == 1 ? fn(arg, &tile) : rc;
    }
    // Closing a blob leaves no trace of the error that ended the steps.
    rc = sqlite_room_done(&self->room, row, step, rc);
    sqlite3_blob_close(opened.blob);
    free(opened.bytes);
    return rc;
}

int
block_db_stat(block_db_t *self, struct block_stat *ret)
{
    sqlite3_stmt *row = NULL;
    int step;
    int rc = sqlite_room_statement(&self->room, GET_STAT, &row);

    *ret = (struct block_stat){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
    if (rc < 0)
        return rc;
    step = sqlite3_step(row);
    if (step != SQLITE_ROW)
        return sqlite_room_done(&self->room, row, step, 0);
    ret->tiles = (uint64_t) sqlite3_column_int64(row, 0);
    ret->samples = (uint64_t) sqlite3_column_int64(row, 1);
    ret->payload = (uint64_t) sqlite3_column_int64(row, 2);
    if (ret->tiles > 0) {
        ret->first_ms = sqlite3_column_int64(row, 3);
        ret->last_ms = sqlite3_column_int64(row, 4);
    }
    ret->number = (uint64_t) sqlite3_column_int64(row, 5);
    ret->bytes = sqlite_room_bytes(&self->room);
    return sqlite_room_done(&self->room, row, step, 0);
}

int
block_db_first(block_db_t *self, uint64_t host, int64_t *ret)
{
    sqlite3_stmt *row = NULL;
    int step;
    int rc = sqlite_room_statement(&self->room, GET_FIRST, &row);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(row, 1, (int64_t) host);
    step = sqlite3_step(row);
    if (step == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL) {
        *ret = sqlite3_column_int64(row, 0);
        rc = 1;
    }
    return sqlite_room_done(&self->room, row, step, rc == 1 ? 0 : rc) < 0
               ? sqlite_room_error(&self->room)
               : rc;
}

int
block_db_is_merged(block_db_t *self)
{
    sqlite3_stmt *row = NULL;
    bool is_merged = false;
    int rc = sqlite_room_statement(&self->room, GET_LOWEST, &row);
    int step;

    if (rc < 0)
        return rc;
    step = sqlite3_step(row);
    if (step == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL)
        is_merged = (uint64_t) sqlite3_column_int64(row, 0) < BLOCK_MERGED_BELOW;
    rc = sqlite_room_done(&self->room, row, step, 0);
    return rc < 0 ? rc : is_merged;
}

int
block_db_hosts(block_db_t *self, int (*fn)(void *arg, const struct block_host *host), void *arg)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, GET_HOSTS, &row);
    int step = SQLITE_DONE;

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        const struct block_host host = { .host = (uint64_t) sqlite3_column_int64(row, 0),
                                         .first_ms = sqlite3_column_int64(row, 1),
                                         .last_ms = sqlite3_column_int64(row, 2),
                                         .samples = (uint64_t) sqlite3_column_int64(row, 3) };

        rc = fn(arg, &host);
    }
    return sqlite_room_done(&self->room, row, step, rc);
}

int
block_db_version(block_db_t *self, int64_t *ret)
{
    sqlite3_stmt *row = NULL;
    const int rc = sqlite_room_statement(&self->room, GET_VERSION, &row);
    int step;

    if (rc < 0)
        return rc;
    step = sqlite3_step(row);
    if (step == SQLITE_ROW)
        *ret = sqlite3_column_int64(row, 0);
    return sqlite_room_done(&self->room, row, step, 0);
}

static int
s_is_stopped(void *arg)
{
    return atomic_load((atomic_bool *) arg);
}

int
block_db_check_all(block_db_t *self, atomic_bool *stop)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, CHECK_ALL, &row);
    int step;

    if (rc < 0)
        return rc;
    // An interrupt before the first step would be forgotten.
    sqlite3_progress_handler(self->room.db, STOP_EACH, s_is_stopped, stop);
    step = sqlite3_step(row);
    sqlite3_progress_handler(self->room.db, 0, NULL, NULL);
    if (step == SQLITE_ROW && strcmp((const char *) sqlite3_column_text(row, 0), "ok") != 0)
        rc = ERR_FORMAT;
    return sqlite_room_done(&self->room, row, step, rc);
}

int
block_db_check(block_db_t *self, char *why, size_t size)
{
    return sqlite_room_check(&self->room, why, size);
}

void
block_db_interrupt(block_db_t *self)
{
    sqlite3_interrupt(self->room.db);
}

// All of it but the bytes.
static struct block_tile
s_row(sqlite3_stmt *row)
{
    return (struct block_tile){ .number = (uint64_t) sqlite3_column_int64(row, 0),
                                .host = (uint64_t) sqlite3_column_int64(row, 1),
                                .first_ms = sqlite3_column_int64(row, 2),
                                .last_ms = sqlite3_column_int64(row, 3),
                                .rows = (uint32_t) sqlite3_column_int64(row, 4),
                                .series = (uint32_t) sqlite3_column_int64(row, 5),
                                .samples = (uint64_t) sqlite3_column_int64(row, 6) };
}

// 1: it is wanted, and its bytes are there.
static int
s_tile_wanted(block_db_t *self, struct opened *opened, struct block_tile *tile,
              block_wants_fn *wants, void *arg)
{
    const sqlite3_int64 number = (sqlite3_int64) tile->number;
    const size_t first = tile->len < BLOCK_FIRST_BYTES ? tile->len : BLOCK_FIRST_BYTES;
    int rc = opened->blob == NULL ? sqlite3_blob_open(self->room.db, "main", "tile", "bytes",
                                                      number, 0, &opened->blob)
                                  : sqlite3_blob_reopen(opened->blob, number);

    if (rc != SQLITE_OK)
        return sqlite_room_error(&self->room);
    // What is text, or of no length, is none of ours.
    if (tile->len == 0 || (size_t) sqlite3_blob_bytes(opened->blob) != tile->len)
        return ERR_FORMAT;
    if (tile->len > opened->size) {
        opened->size = tile->len;
        opened->bytes = xrealloc(opened->bytes, opened->size, 1);
    }
    if (sqlite3_blob_read(opened->blob, opened->bytes, (int) first, 0) != SQLITE_OK)
        return sqlite_room_error(&self->room);
    rc = wants(arg, tile, opened->bytes, first);
    if (rc != 1)
        return rc;
    if (tile->len > first && sqlite3_blob_read(opened->blob, opened->bytes + first,
                                               (int) (tile->len - first), (int) first) != SQLITE_OK)
        return sqlite_room_error(&self->room);
    tile->bytes = opened->bytes;
    return 1;
}

static int
s_put_tile(block_db_t *self, const struct block_tile *tile)
{
    sqlite3_stmt *put = NULL;
    const int rc = sqlite_room_statement(&self->room, PUT_TILE, &put);

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
    return sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
}

static int
s_put_mark(block_db_t *self, const struct block_mark *mark)
{
    sqlite3_stmt *put = NULL;
    const int rc = sqlite_room_statement(&self->room, PUT_MARK, &put);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) mark->stream);
    sqlite3_bind_int64(put, 2, (int64_t) mark->seq);
    sqlite3_bind_int64(put, 3, (int64_t) mark->total);
    return sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
}

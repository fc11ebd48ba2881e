// event_db - see the header.
//
// Where there is no more room the oldest goes with each that comes, one by one: so this file and a
// list in memory that does the same hold the same events.

#include "collector/store/event_db.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "collector/store/sqlite_room.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"

#define APPLICATION_ID 0x5a504556 // "ZPEV"
#define FORMAT_VERSION 1
#define LOG_PAGES      256 // 2 MiB, then it is checkpointed

enum statement {
    PUT,
    GET,
    COUNT,
    OLDEST_OF_HOST,
    OLDEST,
    REMOVE,
    EXPIRE,
    STATEMENTS,
};

static const char *const s_sql[STATEMENTS] = {
    [PUT] = "INSERT INTO event (host, stream, seq, time_ms, body, crc)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (host, stream, seq) DO NOTHING",
    [GET] = "SELECT host, stream, seq, time_ms, body, crc FROM event ORDER BY number",
    [COUNT] = "SELECT host, length(body) FROM event",
    [OLDEST_OF_HOST] = "SELECT number, host, length(body) FROM event INDEXED BY event_host"
                       " WHERE host = ?1 ORDER BY number LIMIT 1",
    [OLDEST] = "SELECT number, host, length(body) FROM event ORDER BY number LIMIT 1",
    [REMOVE] = "DELETE FROM event WHERE number = ?1",
    [EXPIRE] = "DELETE FROM event WHERE time_ms < ?1",
};

static const char s_schema[] =
    "CREATE TABLE event (number INTEGER PRIMARY KEY, host INTEGER NOT NULL,"
    " stream INTEGER NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
    " body BLOB NOT NULL, crc INTEGER NOT NULL, UNIQUE (host, stream, seq));"
    "CREATE INDEX event_host ON event (host);";

static const struct sqlite_room_kind s_kind = { .application_id = APPLICATION_ID,
                                                .version = FORMAT_VERSION,
                                                .schema = s_schema,
                                                .sql = s_sql,
                                                .statements = STATEMENTS };

struct tally {
    uint64_t rows;
    uint64_t bytes;
};

struct event_db {
    struct sqlite_room room;
    struct event_limits most;
    bool counted; // the two below are those of the file
    struct tally all;
    map_t *hosts; // host -> its struct tally
};

static int s_count(event_db_t *self);
static void s_clear(event_db_t *self);
static void s_add(event_db_t *self, uint64_t host, uint64_t len);
static int s_put(event_db_t *self, const struct event_row *row);
static int s_make_room(event_db_t *self, uint64_t host);
static int s_take(sqlite3_stmt *at, struct event_row *ret);
static uint32_t s_crc(const struct event_row *row);

static int
s_open(event_db_t **ret, const char *path, const struct event_limits *most, bool write)
{
    event_db_t *self = xcalloc(1, sizeof *self);
    const int rc = sqlite_room_open(&self->room, &s_kind, path, write);

    if (rc < 0) {
        free(self);
        return rc;
    }
    self->most = *most;
    self->hosts = map_new();
    *ret = self;
    return 0;
}

int
event_db_open(event_db_t **ret, const char *path, const struct event_limits *most)
{
    return s_open(ret, path, most, true);
}

int
event_db_open_read(event_db_t **ret, const char *path)
{
    return s_open(ret, path, &(struct event_limits){ 0 }, false);
}

int
event_db_check(event_db_t *self, char *why, size_t size)
{
    return sqlite_room_check(&self->room, why, size);
}

void
event_db_close(event_db_t **self_p)
{
    event_db_t *self = *self_p;

    if (self == NULL)
        return;
    s_clear(self);
    map_destroy(&self->hosts);
    sqlite_room_close(&self->room);
    free(self);
    *self_p = NULL;
}

int
event_db_put(event_db_t *self, const struct event_row *rows, size_t n)
{
    int rc = self->counted ? 0 : s_count(self);

    rc = rc < 0 ? rc : sqlite_room_begin(&self->room);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = s_put(self, &rows[i]);
    rc = sqlite_room_end(&self->room, rc);
    self->counted = rc == 0;
    return rc;
}

int
event_db_each(event_db_t *self, int (*fn)(void *arg, const struct event_row *row), void *arg)
{
    sqlite3_stmt *at = NULL;
    int step = SQLITE_DONE;
    bool damaged = false;
    int rc = sqlite_room_statement(&self->room, GET, &at);

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(at)) == SQLITE_ROW) {
        struct event_row row;

        if (s_take(at, &row) == 0)
            rc = fn(arg, &row);
        else
            damaged = true;
    }
    rc = sqlite_room_done(&self->room, at, step, rc);
    return rc == 0 && damaged ? ERR_FORMAT : rc;
}

int
event_db_expire(event_db_t *self, int64_t before_ms)
{
    sqlite3_stmt *at = NULL;
    int rc = sqlite_room_statement(&self->room, EXPIRE, &at);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(at, 1, before_ms);
    rc = sqlite_room_done(&self->room, at, sqlite3_step(at), 0);
    if (rc < 0)
        return rc;
    rc = sqlite3_changes(self->room.db);
    self->counted = self->counted && rc == 0;
    return rc;
}

int
event_db_tidy(event_db_t *self)
{
    int rc;

    if (self->room.log_pages <= LOG_PAGES)
        return 0;
    rc = sqlite_room_checkpoint(&self->room, false);
    return rc == -ENOSPC || rc > 0 ? 0 : rc;
}

// What a damaged length makes of the sums goes with the file, once its row is read.
static int
s_count(event_db_t *self)
{
    sqlite3_stmt *at = NULL;
    int step = SQLITE_DONE;
    int rc = sqlite_room_statement(&self->room, COUNT, &at);

    s_clear(self);
    if (rc < 0)
        return rc;
    while ((step = sqlite3_step(at)) == SQLITE_ROW)
        s_add(self, (uint64_t) sqlite3_column_int64(at, 0), (uint64_t) sqlite3_column_int64(at, 1));
    return sqlite_room_done(&self->room, at, step, 0);
}

static void
s_clear(event_db_t *self)
{
    struct map_entry host;

    for (size_t at = 0; map_next(self->hosts, &at, &host);)
        free(host.value);
    map_destroy(&self->hosts);
    self->hosts = map_new();
    self->all = (struct tally){ 0 };
}

static void
s_add(event_db_t *self, uint64_t host, uint64_t len)
{
    struct tally *of = map_get_u64(self->hosts, host);

    if (of == NULL) {
        of = xcalloc(1, sizeof *of);
        map_put_u64(self->hosts, host, of);
    }
    of->rows++;
    of->bytes += EVENT_DB_ROW_BYTES + len;
    self->all.rows++;
    self->all.bytes += EVENT_DB_ROW_BYTES + len;
}

static int
s_put(event_db_t *self, const struct event_row *row)
{
    sqlite3_stmt *put = NULL;
    int rc = sqlite_room_statement(&self->room, PUT, &put);

    assert(row->len > 0);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) row->host);
    sqlite3_bind_int64(put, 2, (int64_t) row->stream);
    sqlite3_bind_int64(put, 3, (int64_t) row->seq);
    sqlite3_bind_int64(put, 4, row->time_ms);
    sqlite3_bind_blob64(put, 5, row->body, row->len, SQLITE_STATIC);
    sqlite3_bind_int64(put, 6, s_crc(row));
    rc = sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
    if (rc < 0 || sqlite3_changes(self->room.db) == 0)
        return rc;
    s_add(self, row->host, row->len);
    return s_make_room(self, row->host);
}

static bool
s_is_above(const struct tally *is, uint64_t rows, uint64_t bytes)
{
    return (rows != 0 && is->rows > rows) || (bytes != 0 && is->bytes > bytes);
}

// The oldest, of the host alone or of all.
static int
s_drop(event_db_t *self, enum statement which, uint64_t host)
{
    sqlite3_stmt *find = NULL;
    sqlite3_stmt *remove = NULL;
    struct tally *of;
    int64_t number = 0;
    uint64_t bytes = EVENT_DB_ROW_BYTES;
    int step;
    int rc = sqlite_room_statement(&self->room, which, &find);

    rc = rc < 0 ? rc : sqlite_room_statement(&self->room, REMOVE, &remove);
    if (rc < 0)
        return rc;
    if (which == OLDEST_OF_HOST)
        sqlite3_bind_int64(find, 1, (int64_t) host);
    step = sqlite3_step(find);
    if (step == SQLITE_ROW) {
        number = sqlite3_column_int64(find, 0);
        host = (uint64_t) sqlite3_column_int64(find, 1);
        bytes += (uint64_t) sqlite3_column_int64(find, 2);
    } else if (step == SQLITE_DONE) {
        rc = ERR_FORMAT; // counted, and not to be found
    }
    rc = sqlite_room_done(&self->room, find, step, rc);
    of = map_get_u64(self->hosts, host);
    if (rc == 0 && (of == NULL || of->rows == 0 || of->bytes < bytes))
        rc = ERR_FORMAT;
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(remove, 1, number);
    rc = sqlite_room_done(&self->room, remove, sqlite3_step(remove), 0);
    of->rows--;
    of->bytes -= bytes;
    self->all.rows--;
    self->all.bytes -= bytes;
    return rc;
}

// The one that came last may be what goes: where it is above a limit all by itself.
static int
s_make_room(event_db_t *self, uint64_t host)
{
    const struct tally *of = map_get_u64(self->hosts, host);
    int rc = 0;

    while (rc == 0 && s_is_above(of, self->most.host_rows, self->most.host_bytes))
        rc = s_drop(self, OLDEST_OF_HOST, host);
    while (rc == 0 && s_is_above(&self->all, self->most.rows, self->most.bytes))
        rc = s_drop(self, OLDEST, 0);
    return rc;
}

static int
s_take(sqlite3_stmt *at, struct event_row *ret)
{
    *ret = (struct event_row){ .host = (uint64_t) sqlite3_column_int64(at, 0),
                               .stream = (uint64_t) sqlite3_column_int64(at, 1),
                               .seq = (uint64_t) sqlite3_column_int64(at, 2),
                               .time_ms = sqlite3_column_int64(at, 3),
                               .body = sqlite3_column_blob(at, 4),
                               .len = (size_t) sqlite3_column_bytes(at, 4) };
    return ret->body != NULL && sqlite3_column_int64(at, 5) == s_crc(ret) ? 0 : ERR_FORMAT;
}

// Of the numbers, lowest byte first, and the body.
static uint32_t
s_crc(const struct event_row *row)
{
    uint8_t numbers[32];
    struct wbuf w;

    wbuf_init(&w, numbers, sizeof numbers);
    wbuf_u64(&w, row->host);
    wbuf_u64(&w, row->stream);
    wbuf_u64(&w, row->seq);
    wbuf_u64(&w, (uint64_t) row->time_ms);
    return crc32c(crc32c(0, numbers, sizeof numbers), row->body, row->len);
}

// meta_db - see the header.

#include "collector/store/meta_db.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/sqlite_room.h"
#include "shared/base/crash_point.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"

#define APPLICATION_ID 0x5a504d54 // "ZPMT"
#define FORMAT_VERSION 1
#define SET_MAX        (2u * LABEL_BYTES_MAX) // of labels as label_set_put writes them

enum statement {
    PUT_SERIES,
    PUT_HOST,
    PUT_NUMBER,
    GET_SERIES,
    GET_HOSTS,
    GET_NUMBER,
    STATEMENTS,
};

static const char *const s_sql[STATEMENTS] = {
    [PUT_SERIES] = "INSERT INTO series (id, host, kind, labels, crc) VALUES (?1, ?2, ?3, ?4, ?5)",
    [PUT_HOST] = "INSERT OR REPLACE INTO host (id, name, crc) VALUES (?1, ?2, ?3)",
    [PUT_NUMBER] = "INSERT OR REPLACE INTO number (name, value, crc) VALUES (?1, ?2, ?3)",
    [GET_SERIES] = "SELECT id, host, kind, labels, crc FROM series ORDER BY id",
    // A host's id is any of 64 bits: negative ones are above the others.
    [GET_HOSTS] = "SELECT id, name, crc FROM host ORDER BY id < 0, id",
    [GET_NUMBER] = "SELECT value, crc FROM number WHERE name = ?1",
};

static const char s_schema[] =
    "CREATE TABLE series (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " labels BLOB NOT NULL, crc INTEGER NOT NULL);"
    "CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL, crc INTEGER NOT NULL);"
    "CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL)"
    " WITHOUT ROWID;";

static const struct sqlite_room_kind s_kind = { .application_id = APPLICATION_ID,
                                                .version = FORMAT_VERSION,
                                                .schema = s_schema,
                                                .sql = s_sql,
                                                .statements = STATEMENTS };

static const char *const s_names[META_NUMBERS] = {
    [META_NEXT_TILE] = "next_tile",
    [META_NEXT_SERIES] = "next_series",
    [META_OLDEST_SEGMENT] = "oldest_segment",
};

struct meta_db {
    struct sqlite_room room;
    uint8_t set[SET_MAX]; // labels on their way
};

static int s_put_series(meta_db_t *self, const struct meta_series *series);
static int s_put_host(meta_db_t *self, const struct meta_host *host);
static int s_put_number(meta_db_t *self, const struct meta_value *value);
static int s_take_series(sqlite3_stmt *row, struct meta_series *ret, struct label_set *labels);
static uint32_t s_crc(uint64_t a, uint64_t b, const void *at, size_t n);

static int
s_open(meta_db_t **ret, const char *path, bool write)
{
    meta_db_t *self = xcalloc(1, sizeof *self);
    const int rc = sqlite_room_open(&self->room, &s_kind, path, write);

    if (rc < 0) {
        free(self);
        return rc;
    }
    *ret = self;
    return 0;
}

int
meta_db_open(meta_db_t **ret, const char *path)
{
    return s_open(ret, path, true);
}

int
meta_db_open_read(meta_db_t **ret, const char *path)
{
    return s_open(ret, path, false);
}

void
meta_db_close(meta_db_t **self_p)
{
    meta_db_t *self = *self_p;

    if (self == NULL)
        return;
    sqlite_room_close(&self->room);
    free(self);
    *self_p = NULL;
}

int
meta_db_write(meta_db_t *self, const struct meta_batch *batch)
{
    int rc = sqlite_room_begin(&self->room);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < batch->n_series && rc == 0; i++)
        rc = s_put_series(self, &batch->series[i]);
    for (size_t i = 0; i < batch->n_hosts && rc == 0; i++)
        rc = s_put_host(self, &batch->hosts[i]);
    for (size_t i = 0; i < batch->n_values && rc == 0; i++)
        rc = s_put_number(self, &batch->values[i]);
    CRASH_POINT(META_COMMIT);
    rc = sqlite_room_end(&self->room, rc);
    CRASH_POINT(META_COMMITTED);
    return rc;
}

int
meta_db_series(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series), void *arg)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = sqlite_room_statement(&self->room, GET_SERIES, &row);

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        struct meta_series series;
        struct label_set labels = { 0 };

        rc = s_take_series(row, &series, &labels);
        if (rc == 0)
            rc = fn(arg, &series);
        label_set_release(&labels);
    }
    return sqlite_room_done(&self->room, row, step, rc);
}

int
meta_db_hosts(meta_db_t *self, int (*fn)(void *arg, const struct meta_host *host), void *arg)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = sqlite_room_statement(&self->room, GET_HOSTS, &row);

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        const struct meta_host host = { .id = (uint64_t) sqlite3_column_int64(row, 0),
                                        .name = (const char *) sqlite3_column_text(row, 1) };
        const int len = sqlite3_column_bytes(row, 1);

        rc = host.name != NULL && strlen(host.name) == (size_t) len &&
                     sqlite3_column_int64(row, 2) == s_crc(host.id, 0, host.name, (size_t) len)
                 ? fn(arg, &host)
                 : ERR_FORMAT;
    }
    return sqlite_room_done(&self->room, row, step, rc);
}

int
meta_db_number(meta_db_t *self, enum meta_number which, uint64_t *ret)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, GET_NUMBER, &row);
    int step;

    assert(which < META_NUMBERS);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(row, 1, s_names[which], -1, SQLITE_STATIC);
    step = sqlite3_step(row);
    *ret = step == SQLITE_ROW ? (uint64_t) sqlite3_column_int64(row, 0) : 0;
    if (step == SQLITE_ROW &&
        sqlite3_column_int64(row, 1) != s_crc(*ret, 0, s_names[which], strlen(s_names[which])))
        rc = ERR_FORMAT;
    return sqlite_room_done(&self->room, row, step, rc);
}

int
meta_db_checkpoint(meta_db_t *self, bool whole)
{
    return sqlite_room_checkpoint(&self->room, whole);
}

uint32_t
meta_db_log_pages(const meta_db_t *self)
{
    return (uint32_t) self->room.log_pages;
}

int
meta_db_check(meta_db_t *self, char *why, size_t size)
{
    return sqlite_room_check(&self->room, why, size);
}

static int
s_put_series(meta_db_t *self, const struct meta_series *series)
{
    struct wbuf w;
    ptrdiff_t len;
    sqlite3_stmt *put = NULL;
    const int rc = sqlite_room_statement(&self->room, PUT_SERIES, &put);

    assert(series->id != 0);
    if (rc < 0)
        return rc;
    wbuf_init(&w, self->set, sizeof self->set);
    label_set_put(&w, series->labels);
    len = wbuf_finish(&w);
    if (len < 0)
        return (int) len;
    sqlite3_bind_int64(put, 1, series->id);
    sqlite3_bind_int64(put, 2, (int64_t) series->host);
    sqlite3_bind_int64(put, 3, series->kind);
    sqlite3_bind_blob64(put, 4, self->set, (uint64_t) len, SQLITE_STATIC);
    sqlite3_bind_int64(
        put, 5,
        s_crc((uint64_t) series->id << 8 | series->kind, series->host, self->set, (size_t) len));
    return sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
}

static int
s_put_host(meta_db_t *self, const struct meta_host *host)
{
    sqlite3_stmt *put = NULL;
    const int rc = sqlite_room_statement(&self->room, PUT_HOST, &put);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) host->id);
    sqlite3_bind_text(put, 2, host->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, s_crc(host->id, 0, host->name, strlen(host->name)));
    return sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
}

static int
s_put_number(meta_db_t *self, const struct meta_value *value)
{
    sqlite3_stmt *put = NULL;
    const int rc = sqlite_room_statement(&self->room, PUT_NUMBER, &put);
    const char *name;

    assert(value->which < META_NUMBERS);
    name = s_names[value->which];
    if (rc < 0)
        return rc;
    sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, (int64_t) value->value);
    sqlite3_bind_int64(put, 3, s_crc(value->value, 0, name, strlen(name)));
    return sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
}

static int
s_take_series(sqlite3_stmt *row, struct meta_series *ret, struct label_set *labels)
{
    const int64_t id = sqlite3_column_int64(row, 0);
    const int64_t kind = sqlite3_column_int64(row, 2);
    const void *at = sqlite3_column_blob(row, 3);
    const size_t len = (size_t) sqlite3_column_bytes(row, 3);
    struct rbuf r;

    if (id < 1 || id > UINT32_MAX || kind < 0 || kind > METRIC_KIND_MAX || at == NULL)
        return ERR_FORMAT;
    *ret = (struct meta_series){ .id = (series_id) id,
                                 .host = (uint64_t) sqlite3_column_int64(row, 1),
                                 .kind = (enum metric_kind) kind,
                                 .labels = labels };
    if (sqlite3_column_int64(row, 4) != s_crc((uint64_t) (id << 8 | kind), ret->host, at, len))
        return ERR_FORMAT;
    rbuf_init(&r, at, len);
    (void) label_set_take(&r, labels); // says so in r
    return rbuf_finish(&r);
}

// Of both numbers, lowest byte first, and the bytes.
static uint32_t
s_crc(uint64_t a, uint64_t b, const void *at, size_t n)
{
    uint8_t numbers[16];
    struct wbuf w;

    wbuf_init(&w, numbers, sizeof numbers);
    wbuf_u64(&w, a);
    wbuf_u64(&w, b);
    return crc32c(crc32c(0, numbers, sizeof numbers), at, n);
}

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
#define FORMAT_VERSION 2

enum statement {
    PUT_RUN,
    PUT_NUMBER,
    GET_SERIES,
    GET_RUNS,
    GET_NEWEST,
    GET_NUMBER,
    STATEMENTS,
};

#define NEWEST_SQL \
    "SELECT max((SELECT ifnull(max(id), 0) FROM series), (SELECT ifnull(max(last), 0) FROM run))"

static const char *const s_sql[STATEMENTS] = {
    [PUT_RUN] = "INSERT INTO run (last, n, host, series, crc) VALUES (?1, ?2, ?3, ?4, ?5)",
    [PUT_NUMBER] = "INSERT OR REPLACE INTO number (name, value, crc) VALUES (?1, ?2, ?3)",
    [GET_SERIES] = "SELECT id, host, kind, labels, crc FROM series ORDER BY id",
    [GET_RUNS] = "SELECT last, n, host, series, crc FROM run ORDER BY last",
    [GET_NEWEST] = NEWEST_SQL,
    [GET_NUMBER] = "SELECT value, crc FROM number WHERE name = ?1",
};

#define RUNS                                                                                 \
    "CREATE TABLE run (last INTEGER PRIMARY KEY, n INTEGER NOT NULL, host INTEGER NOT NULL," \
    " series BLOB NOT NULL, crc INTEGER NOT NULL);"

// Version 1 had a row for each series; those that it wrote stay as they are. Files made by earlier
// programs also have a table of hosts and other numbers, which nobody asks for.
static const char s_schema[] =
    "CREATE TABLE series (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " labels BLOB NOT NULL, crc INTEGER NOT NULL);"
    "CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL)"
    " WITHOUT ROWID;" RUNS;

static const struct sqlite_room_kind s_kind = { .application_id = APPLICATION_ID,
                                                .version = FORMAT_VERSION,
                                                .schema = s_schema,
                                                .renew = RUNS,
                                                .sql = s_sql,
                                                .statements = STATEMENTS };

static const char *const s_names[META_NUMBERS] = {
    [META_NEXT_TILE] = "next_tile",
};

struct meta_db {
    struct sqlite_room room;
    series_id newest;      // that is there, or on its way
    struct series_run run; // on its way
};

static int s_get_newest(meta_db_t *self);
static int s_put_series(meta_db_t *self, const struct meta_series *series, size_t n);
static int s_put_run(meta_db_t *self);
static int s_each_alone(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series),
                        void *arg);
static int s_each_of_runs(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series),
                          void *arg);
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
    buf_release(&self->run.bytes);
    free(self);
    *self_p = NULL;
}

int
meta_db_write(meta_db_t *self, const struct meta_batch *batch)
{
    int rc = sqlite_room_begin(&self->room);

    if (rc < 0)
        return rc;
    rc = s_put_series(self, batch->series, batch->n_series);
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
    const int rc = s_each_alone(self, fn, arg);

    // A reader may look at a file that nobody has written to since version 1.
    return rc != 0 || self->room.version == 1 ? rc : s_each_of_runs(self, fn, arg);
}

// As version 1 has them.
static int
s_each_alone(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series), void *arg)
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

static int
s_each_of_runs(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series), void *arg)
{
    sqlite3_stmt *row = NULL;
    int64_t before = 0;
    int step = SQLITE_DONE;
    int rc = sqlite_room_statement(&self->room, GET_RUNS, &row);

    if (rc < 0)
        return rc;
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t last = sqlite3_column_int64(row, 0);
        const int64_t n = sqlite3_column_int64(row, 1);
        const uint64_t host = (uint64_t) sqlite3_column_int64(row, 2);
        const void *at = sqlite3_column_blob(row, 3);
        const size_t len = (size_t) sqlite3_column_bytes(row, 3);

        if (last > UINT32_MAX || n < 1 || n > last - before || at == NULL ||
            sqlite3_column_int64(row, 4) !=
                s_crc((uint64_t) last << 32 | (uint64_t) n, host, at, len))
            rc = ERR_FORMAT;
        else
            rc = series_run_read(host, (series_id) (last - n + 1), (uint32_t) n, at, len, fn, arg);
        before = last;
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

// Of the file, not of what a try wrote that was undone.
static int
s_get_newest(meta_db_t *self)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite_room_statement(&self->room, GET_NEWEST, &row);
    int step;

    if (rc < 0)
        return rc;
    step = sqlite3_step(row);
    self->newest = step == SQLITE_ROW ? (series_id) sqlite3_column_int64(row, 0) : 0;
    return sqlite_room_done(&self->room, row, step, 0);
}

static int
s_put_series(meta_db_t *self, const struct meta_series *series, size_t n)
{
    int rc = n > 0 ? s_get_newest(self) : 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        if (series[i].id <= self->newest)
            rc = ERR_FORMAT;
        else if (!series_run_takes(&self->run, &series[i]))
            rc = s_put_run(self);
        series_run_add(&self->run, &series[i]);
        self->newest = series[i].id;
    }
    if (rc == 0 && n > 0)
        rc = s_put_run(self);
    series_run_clear(&self->run);
    return rc;
}

static int
s_put_run(meta_db_t *self)
{
    struct series_run *run = &self->run;
    const uint64_t last = run->first + (run->n - 1);
    sqlite3_stmt *put = NULL;
    int rc = sqlite_room_statement(&self->room, PUT_RUN, &put);

    if (rc < 0)
        return rc;
    sqlite3_bind_int64(put, 1, (int64_t) last);
    sqlite3_bind_int64(put, 2, run->n);
    sqlite3_bind_int64(put, 3, (int64_t) run->host);
    sqlite3_bind_blob64(put, 4, run->bytes.at, run->bytes.len, SQLITE_STATIC);
    sqlite3_bind_int64(put, 5,
                       s_crc(last << 32 | run->n, run->host, run->bytes.at, run->bytes.len));
    rc = sqlite_room_done(&self->room, put, sqlite3_step(put), 0);
    series_run_clear(run);
    return rc;
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

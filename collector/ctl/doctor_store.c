// doctor_store - the store's folder: each block file, each tile in it, and meta.db last: what a
// collector writes meanwhile, it writes there first.

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctl/doctor_files.h"
#include "collector/store/block_db.h"
#include "collector/store/block_name.h"
#include "collector/store/event_db.h"
#include "collector/store/meta_db.h"
#include "collector/store/tile.h"
#include "shared/base/err.h"
#include "shared/net/service.h"

#define META     "meta.db"
#define EVENTS   "events.db"
#define WHY_SIZE 200
#define RESTORE                                                                              \
    "move it away, and bring it back from a backup; what it holds may be read by sqlite3's " \
    ".recover"

// One file being looked at.
struct look {
    struct doctor_reading *r;
    struct doctor_file *file;
    uint64_t bad; // tiles that do not read
    uint64_t odd; // tiles of which the row says something else
    int rc;       // -EINTR
};

static int s_block(struct doctor_reading *r, const char *dir, const struct block_name *name);
static int s_tile(void *arg, const struct block_tile *tile);
static bool s_agrees(const struct block_tile *row, const struct tile *tile);
static int s_mark(void *arg, const struct block_mark *mark);
static void s_amiss(struct look *look, int rc, const char *why);
static int s_events(struct doctor_reading *r, const char *dir);
static int s_event(void *arg, const struct event_row *row);
static int s_meta(struct doctor_reading *r, const char *dir, bool needed);
static int s_series(void *arg, const struct meta_series *series);
static void s_set_aside(struct doctor_reading *r, const char *dir);
static uint64_t s_bytes(const char *path);

int
doctor_store_read(struct doctor_reading *r, const char *dir)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, dir);
    int rc = 0;

    if (n == -ENOENT)
        return 0; // nothing was ever sealed
    if (n < 0)
        return (int) n;
    for (ptrdiff_t i = 0; i < n && rc == 0; i++)
        rc = s_block(r, dir, &list[i]);
    free(list);
    rc = rc < 0 ? rc : s_events(r, dir);
    rc = rc < 0 ? rc : s_meta(r, dir, n > 0);
    s_set_aside(r, dir);
    return rc;
}

static int
s_block(struct doctor_reading *r, const char *dir, const struct block_name *name)
{
    struct look look = { .r = r };
    struct buf path = { 0 };
    struct block_stat stat;
    block_db_t *db = NULL;
    char text[BLOCK_NAME_SIZE], why[WHY_SIZE] = "";
    int rc;

    block_name_text(text, name);
    buf_printf(&path, "%s/%s", dir, text);
    look.file = doctor_files_add(r, text);
    look.file->bytes = s_bytes(buf_cstr(&path));
    rc = block_db_open(&db, buf_cstr(&path), BLOCK_DB_READ);
    rc = rc < 0 ? rc : block_db_check(db, why, sizeof why);
    rc = rc < 0 ? rc : block_db_stat(db, &stat);
    if (rc == 0) {
        look.file->tiles = stat.tiles;
        look.file->samples = stat.samples;
        look.file->payload = stat.payload;
        look.file->first_ms = stat.first_ms;
        look.file->last_ms = stat.last_ms;
        rc = block_db_is_merged(db);
        look.file->merged = rc == 1;
    }
    rc = rc < 0 ? rc : block_db_marks(db, s_mark, &look);
    rc = rc < 0 ? rc : block_db_tiles(db, 0, INT64_MIN, INT64_MAX, s_tile, &look);
    block_db_close(&db);
    buf_release(&path);
    if (rc < 0 && look.rc == 0)
        s_amiss(&look, rc, why);
    if (look.bad > 0 || look.odd > 0) {
        look.file->is = "damaged";
        findings_add(r->findings, RESTORE,
                     "%s: of %" PRIu64 " tiles %" PRIu64 " do not read, and %" PRIu64
                     " are not what their row says",
                     look.file->name, look.file->tiles, look.bad, look.odd);
    }
    return look.rc;
}

static int
s_tile(void *arg, const struct block_tile *row)
{
    struct look *look = arg;
    struct tile_column column;
    struct tile_cursor cursor;
    struct tile tile;

    if (look->r->signals != -1 && service_next(look->r->signals) == SERVICE_STOP) {
        look->rc = -EINTR;
        return look->rc;
    }
    if (tile_open(&tile, row->bytes, row->len) < 0) {
        look->bad++;
        return 0;
    }
    look->odd += !s_agrees(row, &tile);
    tile_cursor_init(&cursor, &tile);
    while (tile_cursor_next(&cursor, &column) == 1)
        map_put_u64(look->r->used, column.series, look->r);
    return 0;
}

static bool
s_agrees(const struct block_tile *row, const struct tile *tile)
{
    return row->host == tile->host && row->first_ms == tile->first_ms &&
           row->last_ms == tile->last_ms && row->rows == tile->rows && row->series == tile->columns;
}

static int
s_mark(void *arg, const struct block_mark *mark)
{
    (void) mark;
    ((struct look *) arg)->file->marks++;
    return 0;
}

// What stands in the way of reading a file; one that went meanwhile was too old to be kept.
static void
s_amiss(struct look *look, int rc, const char *why)
{
    const char *name = look->file->name;

    if (rc == -ENOENT) {
        look->file->is = "gone";
    } else if (rc == ERR_VERSION) {
        look->file->is = "newer";
        findings_add(look->r->findings, "install the version that wrote it",
                     "%s: written by a newer version", name);
    } else if (rc == ERR_UNKNOWN) {
        look->file->is = "foreign";
        findings_add(look->r->findings, "move it away", "%s: another program's", name);
    } else if (rc == ERR_FORMAT) {
        look->file->is = "damaged";
        findings_add(look->r->findings, RESTORE, "%s: damaged%s%.*s", name,
                     why[0] != '\0' ? ": " : "", WHY_SIZE, why);
    } else {
        look->file->is = "unread";
        findings_add(look->r->findings, "run it as the collector's user; look at the disk",
                     "%s: can not be read: %s", name, err_str(rc));
    }
}

static int
s_events(struct doctor_reading *r, const char *dir)
{
    struct look look = { .r = r };
    struct buf path = { 0 };
    event_db_t *events = NULL;
    char why[WHY_SIZE] = "";
    int rc;

    buf_printf(&path, "%s/" EVENTS, dir);
    rc = event_db_open_read(&events, buf_cstr(&path));
    if (rc != -ENOENT) {
        look.file = doctor_files_add(r, EVENTS);
        look.file->bytes = s_bytes(buf_cstr(&path));
        rc = rc < 0 ? rc : event_db_check(events, why, sizeof why);
        rc = rc < 0 ? rc : event_db_each(events, s_event, &look);
        if (rc < 0)
            s_amiss(&look, rc, why);
    }
    event_db_close(&events);
    buf_release(&path);
    return 0;
}

static int
s_event(void *arg, const struct event_row *row)
{
    (void) row;
    ((struct look *) arg)->file->tiles++;
    return 0;
}

static int
s_meta(struct doctor_reading *r, const char *dir, bool needed)
{
    struct look look = { .r = r };
    struct buf path = { 0 };
    meta_db_t *meta = NULL;
    char why[WHY_SIZE] = "";
    int rc;

    buf_printf(&path, "%s/" META, dir);
    rc = meta_db_open_read(&meta, buf_cstr(&path));
    if (rc == -ENOENT && !needed) {
        buf_release(&path);
        return 0;
    }
    look.file = doctor_files_add(r, META);
    look.file->bytes = s_bytes(buf_cstr(&path));
    rc = rc < 0 ? rc : meta_db_check(meta, why, sizeof why);
    rc = rc < 0 ? rc : meta_db_series(meta, s_series, &look);
    meta_db_close(&meta);
    buf_release(&path);
    if (rc == -ENOENT)
        look.file->is = "missing";
    if (rc == -ENOENT)
        findings_add(r->findings, "bring it back from a backup: no tile can be read without it",
                     META ": missing");
    else if (rc < 0)
        s_amiss(&look, rc, why);
    if (rc == 0 && map_count(r->used) > 0)
        findings_add(r->findings, RESTORE, META ": lacks %zu series that tiles have",
                     map_count(r->used));
    return 0;
}

// What is left in `used` is not known.
static int
s_series(void *arg, const struct meta_series *series)
{
    struct look *look = arg;

    look->file->tiles++;
    (void) map_remove_u64(look->r->used, series->id);
    return 0;
}

static void
s_set_aside(struct doctor_reading *r, const char *dir)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *at = strstr(entry->d_name, ".damaged");
        struct doctor_file *file;
        struct buf path = { 0 };

        if (at == NULL || strchr(at, '-') != NULL)
            continue;
        buf_printf(&path, "%s/%s", dir, entry->d_name);
        file = doctor_files_add(r, entry->d_name);
        file->is = "set aside";
        file->bytes = s_bytes(buf_cstr(&path));
        findings_add(r->findings,
                     "its samples are missing: bring the day back from a backup, and remove it",
                     "%s: was set aside as damaged", entry->d_name);
        buf_release(&path);
    }
    if (folder != NULL)
        closedir(folder);
}

static uint64_t
s_bytes(const char *path)
{
    struct buf log = { 0 };
    struct stat st;
    uint64_t bytes = 0;

    buf_printf(&log, "%s-wal", path);
    if (stat(path, &st) == 0)
        bytes = (uint64_t) st.st_size;
    if (stat(buf_cstr(&log), &st) == 0)
        bytes += (uint64_t) st.st_size;
    buf_release(&log);
    return bytes;
}

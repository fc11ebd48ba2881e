// block_files - see the header. Names that come and go: block_folder.c.

#include "collector/store/block_files.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/block_files_inner.h"
#include "collector/store/sealed_tile.h"
#include "shared/base/clock.h"
#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define LOG_PAGES_MAX 1024u // 8 MiB; then what is committed is moved into the file

static bool s_next(struct block_name *ret, bool *last_ret, const struct block_tile *tiles, size_t n,
                   const bool *written);
static int s_write_file(block_files_t *self, const struct block_name *name,
                        const struct block_tile *tiles, size_t n_tiles,
                        const struct block_mark *marks, size_t n_marks);
static int s_newest(const block_files_t *self, uint8_t class, struct block_name *ret);
static int s_take(block_files_t *self, const struct block_name *name, struct block_open **ret);
static int s_open(block_files_t *self, const struct block_name *name, block_db_t **ret);
static int s_make(block_files_t *self, const struct block_name *name);
static int s_close_idle(block_files_t *self, struct block_open *file);
static int s_close_left(block_files_t *self);
static int s_empty_log(block_files_t *self, const struct block_name *name);

int
block_files_write(block_files_t *self, uint8_t class, const struct block_tile *tiles,
                  size_t n_tiles, const struct block_mark *marks, size_t n_marks, bool *written)
{
    struct block_tile *of = xcalloc(n_tiles + 1, sizeof *of); // of one file
    struct block_mark *early = xcalloc(n_marks + 1, sizeof *early);
    struct block_name name = { .class = class }, newest = { .partition = INT64_MIN };
    bool said = n_marks == 0; // by the newest file
    int rc = s_newest(self, class, &newest);

    assert(class < BLOCK_CLASSES);
    said = said || rc == 0; // the first file of all is the newest
    rc = rc < 0 ? rc : 0;
    // What is said of all files is true once the last of them has its tiles.
    for (size_t i = 0; i < n_marks; i++)
        early[i] = (struct block_mark){ .stream = marks[i].stream, .seq = marks[i].seq };
    for (size_t i = 0; i < n_tiles && rc == 0; i++) {
        const int64_t at = partition_of(tiles[i].first_ms);

        assert(at == partition_of(tiles[i].last_ms));
        if (at < BLOCK_PARTITION_MIN || at > BLOCK_PARTITION_MAX)
            rc = ERR_RANGE;
    }
    for (bool last = false; rc == 0 && !last && s_next(&name, &last, tiles, n_tiles, written);) {
        const bool is_newest = last && name.partition >= newest.partition;
        size_t n = 0;

        for (size_t i = 0; i < n_tiles; i++)
            if (!written[i] && partition_of(tiles[i].first_ms) == name.partition)
                of[n++] = tiles[i];
        rc = s_write_file(self, &name, of, n, is_newest ? marks : early, n_marks);
        said = said || is_newest;
        for (size_t i = 0; i < n_tiles && rc == 0; i++)
            if (partition_of(tiles[i].first_ms) == name.partition)
                written[i] = true;
    }
    if (rc == 0 && !said)
        rc = s_write_file(self, &newest, NULL, 0, marks, n_marks);
    free(early);
    free(of);
    return rc;
}

// The earliest day of a tile that is not written, and whether it is the last one. False: there is
// none.
static bool
s_next(struct block_name *ret, bool *last_ret, const struct block_tile *tiles, size_t n,
       const bool *written)
{
    int64_t latest = INT64_MIN;

    ret->partition = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        const int64_t at = partition_of(tiles[i].first_ms);

        if (written[i])
            continue;
        ret->partition = at < ret->partition ? at : ret->partition;
        latest = at > latest ? at : latest;
    }
    *last_ret = ret->partition == latest;
    return latest != INT64_MIN;
}

void
block_files_checkpointed(const block_files_t *self, int64_t *at_ms_ret, int64_t *took_us_ret)
{
    *at_ms_ret = self->checkpoint_ms;
    *took_us_ret = self->checkpoint_us;
}

int
block_files_tick(block_files_t *self, int64_t now_ms)
{
    struct block_doubt doubts[BLOCK_DOUBTS];
    size_t n = 0;
    int rc = 0;

    self->now_ms = now_ms;
    pthread_mutex_lock(&self->names);
    for (size_t i = 0; i < self->doubted; i++)
        if (!self->doubts[i].told)
            doubts[n++] = self->doubts[i];
    pthread_mutex_unlock(&self->names);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = block_files_look(self, &doubts[i]);
        rc = rc == -ENOSPC ? 0 : rc; // opening it takes some: at another tick
    }
    // From behind: the last one takes the place of one that is closed.
    for (size_t i = self->opened; i-- > 0 && rc == 0;)
        if (now_ms - self->open[i].written_ms >= BLOCK_FILES_IDLE_MS)
            rc = s_close_idle(self, &self->open[i]);
    return rc == 0 && !self->logs_gone ? s_close_left(self) : rc;
}

int
block_files_let_go(block_files_t *self, const struct block_name *name)
{
    struct block_open *file = block_files_find(self, name);
    int rc = 0;

    if (file != NULL)
        rc = s_close_idle(self, file);
    else if (block_files_log(self, name) > 0)
        rc = s_empty_log(self, name);
    if (rc < 0)
        return rc;
    return block_files_find(self, name) != NULL || block_files_log(self, name) > 0;
}

uint64_t
block_files_log(const block_files_t *self, const struct block_name *name)
{
    char path[BLOCK_PATH_SIZE];
    struct stat log;

    block_files_path(self, name, "-wal", path);
    return stat(path, &log) == 0 ? (uint64_t) log.st_size : 0;
}

static int
s_write_file(block_files_t *self, const struct block_name *name, const struct block_tile *tiles,
             size_t n_tiles, const struct block_mark *marks, size_t n_marks)
{
    struct block_open *file = NULL;
    int rc = s_take(self, name, &file);

    if (rc == 0)
        rc = block_db_write(file->db, tiles, n_tiles, marks, n_marks);
    // Damage, or a number twice; the second would be ours, and no reason to part with a file.
    if (rc == ERR_FORMAT && file != NULL) {
        rc = block_files_look(self, &(struct block_doubt){ .name = *name, .rc = rc });
        if (rc == 0)
            rc = block_files_find(self, name) != NULL ? ERR_FORMAT : s_take(self, name, &file);
        if (rc == 0)
            rc = block_db_write(file->db, tiles, n_tiles, marks, n_marks);
    }
    if (rc < 0)
        return rc;
    file->written_ms = self->now_ms;
    if (block_db_log_pages(file->db) > LOG_PAGES_MAX) {
        const int64_t from_ns = clock_mono_ns();

        rc = block_db_checkpoint(file->db, false);
        self->checkpoint_ms = clock_real_ms();
        self->checkpoint_us = (clock_mono_ns() - from_ns) / 1000;
        // What is committed is in the log, and stays there while there is no room.
        if (rc < 0 && rc != -ENOSPC && rc != ERR_FORMAT)
            return rc;
        if (rc == ERR_FORMAT)
            block_files_doubt(self, name, rc);
    }
    return 0;
}

// 1 and the name, or 0: there is none; or -errno.
static int
s_newest(const block_files_t *self, uint8_t class, struct block_name *ret)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->dir);
    int rc = n < 0 ? (int) n : 0;

    for (ptrdiff_t i = n; i-- > 0 && rc == 0;)
        if (list[i].class == class) {
            *ret = list[i];
            rc = 1;
        }
    free(list);
    return rc;
}

// The connection that writes; the one that was used least recently makes room for it.
static int
s_take(block_files_t *self, const struct block_name *name, struct block_open **ret)
{
    struct block_open *file = block_files_find(self, name);
    block_db_t *db = NULL;
    int rc = 0;

    if (file == NULL && self->opened == BLOCK_FILES_OPEN) {
        size_t oldest = 0;

        for (size_t i = 1; i < self->opened; i++)
            if (self->open[i].used < self->open[oldest].used)
                oldest = i;
        rc = block_files_shut(self, &self->open[oldest]);
    }
    if (file == NULL && rc == 0)
        rc = s_open(self, name, &db);
    if (rc < 0)
        return rc;
    if (file == NULL) {
        file = &self->open[self->opened++];
        *file = (struct block_open){ .name = *name, .db = db, .written_ms = self->now_ms };
    }
    file->used = ++self->uses;
    *ret = file;
    return 0;
}

static int
s_open(block_files_t *self, const struct block_name *name, block_db_t **ret)
{
    char path[BLOCK_PATH_SIZE];
    int rc;

    block_files_path(self, name, "", path);
    if (access(path, F_OK) == 0) {
        rc = block_db_open(ret, path, BLOCK_DB_WRITE);
        if (rc != ERR_FORMAT && rc != ERR_UNKNOWN)
            return rc;
        rc = block_files_set_aside(self, name, err_str(rc));
        if (rc < 0)
            return rc;
    } else if (errno != ENOENT) {
        return -errno;
    }
    rc = s_make(self, name);
    return rc < 0 ? rc : block_db_open(ret, path, BLOCK_DB_WRITE);
}

// Under another name first: a file that has its own name is whole, whenever the power fails.
static int
s_make(block_files_t *self, const struct block_name *name)
{
    char path[BLOCK_PATH_SIZE];
    char made[BLOCK_PATH_SIZE];
    block_db_t *db = NULL;
    int rc;

    block_files_path(self, name, "", path);
    block_files_path(self, name, ".new", made);
    rc = block_files_unlink(self, name, ".new");
    if (rc == 0)
        rc = block_db_open(&db, made, BLOCK_DB_WRITE);
    if (rc == 0)
        rc = block_db_checkpoint(db, true);
    block_db_close(&db); // its log is empty and goes
    if (rc == 1)         // nobody else reads it
        rc = -EBUSY;
    if (rc == 0) {
        CRASH_POINT(BLOCK_NAME);
        pthread_mutex_lock(&self->names);
        // A log that lost its file would be taken for that of the new one.
        rc = block_files_unlink(self, name, "");
        if (rc == 0 && rename(made, path) == -1)
            rc = -errno;
        pthread_mutex_unlock(&self->names);
    }
    if (rc < 0) {
        (void) block_files_unlink(self, name, ".new");
        return rc;
    }
    CRASH_POINT(BLOCK_NAMED);
    return block_files_sync(self);
}

// A reader in the way: at another tick.
static int
s_close_idle(block_files_t *self, struct block_open *file)
{
    int rc = block_db_checkpoint(file->db, false);

    if (rc == 0)
        rc = block_db_checkpoint(file->db, true);
    if (rc == ERR_FORMAT)
        block_files_doubt(self, &file->name, rc);
    if (rc == 1 || rc == -ENOSPC || rc == ERR_FORMAT)
        return 0;
    return rc < 0 ? rc : block_files_shut(self, file);
}

// A log that was left behind goes into its file: by a kill, or where a reader was in the way. One a
// tick.
static int
s_close_left(block_files_t *self)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->dir);
    ptrdiff_t i = 0;
    int rc = n < 0 ? (int) n : 0;

    while (i < n &&
           (block_files_find(self, &list[i]) != NULL || block_files_log(self, &list[i]) == 0))
        i++;
    self->logs_gone = n >= 0 && i == n;
    if (i < n)
        rc = s_empty_log(self, &list[i]);
    free(list);
    return rc;
}

static int
s_empty_log(block_files_t *self, const struct block_name *name)
{
    char path[BLOCK_PATH_SIZE];
    block_db_t *db = NULL;
    int rc;

    block_files_path(self, name, "", path);
    rc = block_db_open(&db, path, BLOCK_DB_WRITE);
    if (rc == 0)
        rc = block_db_checkpoint(db, false);
    if (rc == 0)
        rc = block_db_checkpoint(db, true);
    block_db_close(&db);
    if (rc == ERR_FORMAT || rc == ERR_UNKNOWN || rc == ERR_VERSION)
        block_files_doubt(self, name, rc);
    // As it is, it says no less: no reason to look at it again and again.
    self->logs_gone = rc != 0;
    return rc < 0 && rc != -ENOSPC && rc != ERR_FORMAT && rc != ERR_UNKNOWN && rc != ERR_VERSION
               ? rc
               : 0;
}

// block_merge - see the header.
//
// With the store's thread, a file goes through
//
//   ASKED    let go of it, so that its log is empty      -> GRANTED, or DENIED
//   READY    give its name to the new one                -> DONE, or DENIED
//
// and this thread waits meanwhile. What happened to the file in between is SQLite's to know: the
// number of its version, and whether the name is still that file's.

#include "collector/store/block_merge.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "collector/store/block_files_inner.h"
#include "collector/store/merged_file.h"
#include "collector/store/sealed_tile.h"
#include "shared/base/clock.h"
#include "shared/base/cond.h"
#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define ROOM_SHARE 2u // there is room for the file so many times, or it is not begun

enum step { NONE, ASKED, GRANTED, READY, DONE, DENIED };

struct block_merge {
    struct block_merge_options is;
    pthread_t thread;
    bool running;
    // This thread's, between steps:
    struct block_name name; // of the file at hand
    block_db_t *source;     // it; NULL: none
    int64_t version;        // of the source, when it was granted
    struct block_stat had;  // likewise
    struct block_name *bad; // files that are not tried again; `n_bad` of them
    size_t n_bad;
    uint64_t moved; // bytes of tiles, since the last pause
    int said;       // the last error that was told of a try that will be made again
    // Under the lock:
    pthread_mutex_t lock;
    pthread_cond_t changed; // `step` or `stopping`
    atomic_bool stopping;   // read without it as well
    enum step step;
    block_db_t *at; // being read; NULL: none
    struct block_merge_stat stat;
};

static void *s_run(void *arg);

int
block_merge_start(block_merge_t **ret, const struct block_merge_options *options)
{
    block_merge_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->is = *options;
    atomic_fetch_add(&options->files->readers, 1);
    pthread_mutex_init(&self->lock, NULL);
    cond_init(&self->changed);
    rc = -pthread_create(&self->thread, NULL, s_run, self);
    self->running = rc == 0;
    if (rc < 0) {
        block_merge_stop(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
block_merge_stop(block_merge_t **self_p)
{
    block_merge_t *self = *self_p;

    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    if (self->at != NULL)
        block_db_interrupt(self->at);
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (self->running)
        pthread_join(self->thread, NULL);
    atomic_fetch_sub(&self->is.files->readers, 1);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self->bad);
    free(self);
    *self_p = NULL;
}

struct block_merge_stat
block_merge_stat(block_merge_t *self)
{
    struct block_merge_stat stat;

    pthread_mutex_lock(&self->lock);
    stat = self->stat;
    pthread_mutex_unlock(&self->lock);
    return stat;
}

// --- the store's thread

bool
block_merge_waits(block_merge_t *self)
{
    bool waits;

    pthread_mutex_lock(&self->lock);
    waits = self->step == ASKED || self->step == READY;
    pthread_mutex_unlock(&self->lock);
    return waits;
}

// The source is ours as long as the other thread waits. 0: it is as it was when it was read.
static int
s_is_other(block_merge_t *self, uint64_t first_number)
{
    int64_t version = 0;

    return block_db_version(self->source, &version) < 0 || version != self->version ||
           block_db_moved(self->source) || block_files_find(self->is.files, &self->name) != NULL ||
           block_files_log(self->is.files, &self->name) > 0 || self->had.number >= first_number;
}

int
block_merge_step(block_merge_t *self, uint64_t first_number)
{
    int rc = 1;

    pthread_mutex_lock(&self->lock);
    if (self->step == ASKED) {
        rc = block_files_let_go(self->is.files, &self->name);
        self->step = rc == 0 ? GRANTED : DENIED;
    } else if (self->step == READY) {
        if (s_is_other(self, first_number) == 0)
            rc = block_files_replace(self->is.files, &self->name, BLOCK_FILES_MERGED);
        self->step = rc == 0 ? DONE : DENIED;
    }
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return rc < 0 ? rc : 0;
}

// --- its own

// True once it is to end.
static bool
s_pause(block_merge_t *self, int64_t ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;
    bool stopping;
    int rc = 0;

    pthread_mutex_lock(&self->lock);
    while (!self->stopping && rc != ETIMEDOUT)
        rc = cond_wait_until(&self->changed, &self->lock, until_ms);
    stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

// 0; -EAGAIN: the store's thread denies it; or ERR_CLOSED.
static int
s_ask(block_merge_t *self, enum step step)
{
    int rc;

    pthread_mutex_lock(&self->lock);
    self->step = step;
    while (!self->stopping && self->step == step)
        pthread_cond_wait(&self->changed, &self->lock);
    rc = self->step == step ? ERR_CLOSED : self->step == DENIED ? -EAGAIN : 0;
    self->step = NONE;
    pthread_mutex_unlock(&self->lock);
    return rc;
}

// Not more a second than is allowed. 0 or ERR_CLOSED.
static int
s_moved(void *arg, uint64_t bytes)
{
    block_merge_t *self = arg;
    const uint64_t moved = self->moved + bytes;

    self->moved = moved;
    if (moved < self->is.bytes_per_s / 16)
        return atomic_load(&self->stopping) ? ERR_CLOSED : 0;
    self->moved = 0;
    return s_pause(self, (int64_t) (moved * 1000 / self->is.bytes_per_s)) ? ERR_CLOSED : 0;
}

// --- files

// Opened under the lock of names, as a reader does.
static int
s_open(block_merge_t *self)
{
    char path[BLOCK_PATH_SIZE];
    bool stopping;
    int rc;

    block_files_path(self->is.files, &self->name, "", path);
    pthread_mutex_lock(&self->is.files->names);
    rc = block_db_open(&self->source, path, BLOCK_DB_READ);
    pthread_mutex_unlock(&self->is.files->names);
    pthread_mutex_lock(&self->lock);
    self->at = self->source;
    stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping ? ERR_CLOSED : rc;
}

static void
s_close(block_merge_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->at = NULL;
    pthread_mutex_unlock(&self->lock);
    block_db_close(&self->source);
}

static void
s_unlink(block_merge_t *self)
{
    pthread_mutex_lock(&self->is.files->names);
    (void) block_files_unlink(self->is.files, &self->name, BLOCK_FILES_MERGED);
    pthread_mutex_unlock(&self->is.files->names);
}

// The new file beside the old one.
static int
s_make(block_merge_t *self)
{
    char path[BLOCK_PATH_SIZE];

    block_files_path(self->is.files, &self->name, BLOCK_FILES_MERGED, path);
    s_unlink(self);
    return merged_file_make(path, &(struct merged_file_options){ .source = self->source,
                                                                 .had = &self->had,
                                                                 .class = self->name.class,
                                                                 .samples = self->is.samples,
                                                                 .moved_fn = s_moved,
                                                                 .arg = self });
}

static int
s_has_room(const block_merge_t *self)
{
    struct statvfs fs;
    char path[BLOCK_PATH_SIZE];

    block_files_path(self->is.files, &self->name, "", path);
    if (statvfs(path, &fs) == -1)
        return -errno;
    return (uint64_t) fs.f_bavail * fs.f_frsize / ROOM_SHARE >= self->had.bytes ? 0 : -ENOSPC;
}

static void
s_tell(const block_merge_t *self, int64_t from_ms)
{
    char name[BLOCK_NAME_SIZE];
    char path[BLOCK_PATH_SIZE];
    struct stat now = { 0 };

    block_name_text(name, &self->name);
    block_files_path(self->is.files, &self->name, "", path);
    (void) stat(path, &now);
    log_info("a day of the store was merged",
             "file=%s tiles=%llu bytes=%llu bytes_before=%llu seconds=%.1f", log_quote(name),
             (unsigned long long) self->had.tiles, (unsigned long long) now.st_size,
             (unsigned long long) self->had.bytes, (double) (clock_mono_ms() - from_ms) / 1000);
}

// 0; 1: there is nothing to be done; -EAGAIN: it is in use; or an error.
static int
s_merge(block_merge_t *self)
{
    const int64_t from_ms = clock_mono_ms();
    int rc = s_open(self);

    rc = rc < 0 ? rc : block_db_is_merged(self->source);
    if (rc == 0)
        rc = s_ask(self, ASKED);
    rc = rc != 0 ? rc : block_db_version(self->source, &self->version);
    rc = rc != 0 ? rc : block_db_stat(self->source, &self->had);
    if (rc == 0 && self->had.tiles == 0)
        rc = 1;
    rc = rc != 0 ? rc : s_has_room(self);
    rc = rc != 0 ? rc : block_db_check_all(self->source, &self->stopping);
    if (rc == 0) {
        rc = s_make(self);
        if (rc == 0) {
            CRASH_POINT(MERGE_MADE);
            rc = s_ask(self, READY);
        }
        if (rc == 0)
            s_tell(self, from_ms);
        else
            s_unlink(self);
    } else if (rc == ERR_FORMAT && (self->source == NULL || !block_db_moved(self->source))) {
        block_files_doubt(self->is.files, &self->name, rc);
    }
    s_close(self);
    return rc;
}

static void
s_give_up(block_merge_t *self, int rc)
{
    const bool again = rc != ERR_FORMAT && rc != ERR_LIMIT && rc != ERR_VERSION &&
                       rc != ERR_UNKNOWN && rc != -E2BIG;
    char name[BLOCK_NAME_SIZE];

    if (!again) {
        self->bad = xrealloc(self->bad, self->n_bad + 1, sizeof *self->bad);
        self->bad[self->n_bad++] = self->name;
    } else if (rc == self->said) {
        return;
    } else {
        self->said = rc;
    }
    block_name_text(name, &self->name);
    log_warn("a day of the store is not merged and stays as it is", "file=%s error=%s next=%s",
             log_quote(name), log_quote(err_str(rc)),
             again ? "\"it is tried again\"" : "\"it is left alone until the next start\"");
}

// Long enough over, and long enough not written.
static bool
s_is_due(const block_merge_t *self, const struct block_name *name)
{
    const int64_t before_ms = clock_real_ms() - self->is.age_ms;
    char path[BLOCK_PATH_SIZE];
    struct stat file;

    for (size_t i = 0; i < self->n_bad; i++)
        if (block_name_compare(&self->bad[i], name) == 0)
            return false;
    block_files_path(self->is.files, name, "", path);
    if ((name->partition + 1) * PARTITION_MS > before_ms || stat(path, &file) == -1 ||
        file.st_mtim.tv_sec * INT64_C(1000) > before_ms)
        return false;
    // What is not in the file yet is in its log.
    block_files_path(self->is.files, name, "-wal", path);
    return stat(path, &file) == -1 || file.st_size == 0 ||
           file.st_mtim.tv_sec * INT64_C(1000) <= before_ms;
}

// At all files, oldest first. 0 or ERR_CLOSED.
static int
s_look(block_merge_t *self)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->is.files->dir);
    int rc = 0;

    for (ptrdiff_t i = 0; i < n && rc != ERR_CLOSED; i++) {
        if (!s_is_due(self, &list[i]))
            continue;
        self->name = list[i];
        rc = s_merge(self);
        if (rc < 0 && rc != -ENOENT && rc != ERR_CLOSED && rc != -EAGAIN)
            s_give_up(self, rc);
        if (rc == 0)
            self->said = 0;
        pthread_mutex_lock(&self->lock);
        self->stat.merged += rc == 0;
        self->stat.given_up += rc < 0;
        pthread_mutex_unlock(&self->lock);
    }
    free(list);
    pthread_mutex_lock(&self->lock);
    self->stat.looks++;
    pthread_mutex_unlock(&self->lock);
    return rc;
}

static void *
s_run(void *arg)
{
    block_merge_t *self = arg;

    pthread_setname_np(pthread_self(), "merge");
    while (!s_pause(self, self->is.look_ms) && s_look(self) != ERR_CLOSED)
        ;
    return NULL;
}

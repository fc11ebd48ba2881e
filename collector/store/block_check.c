// block_check - see the header.

#include "collector/store/block_check.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "collector/store/block_files_inner.h"
#include "collector/store/tile.h"
#include "shared/base/clock.h"
#include "shared/base/cond.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define TILES_AT_A_TIME 16u // then a pause
#define PAUSE_MS        5

struct block_check {
    struct block_check_options is;
    pthread_t thread;
    pthread_mutex_t lock; // over all that follows
    pthread_cond_t ended; // `stopping` was set
    bool running;
    bool stopping;
    block_db_t *at; // being looked at; NULL: none
    struct block_check_stat stat;
};

struct look {
    block_check_t *check;
    const struct block_name *name;
    unsigned tiles; // since the last pause
};

static void *s_run(void *arg);

int
block_check_start(block_check_t **ret, const struct block_check_options *options)
{
    block_check_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->is = *options;
    atomic_fetch_add(&options->files->readers, 1);
    pthread_mutex_init(&self->lock, NULL);
    cond_init(&self->ended);
    rc = -pthread_create(&self->thread, NULL, s_run, self);
    self->running = rc == 0;
    if (rc < 0) {
        block_check_stop(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
block_check_stop(block_check_t **self_p)
{
    block_check_t *self = *self_p;

    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    if (self->at != NULL)
        block_db_interrupt(self->at);
    pthread_cond_signal(&self->ended);
    pthread_mutex_unlock(&self->lock);
    if (self->running)
        pthread_join(self->thread, NULL);
    atomic_fetch_sub(&self->is.files->readers, 1);
    pthread_cond_destroy(&self->ended);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

struct block_check_stat
block_check_stat(block_check_t *self)
{
    struct block_check_stat stat;

    pthread_mutex_lock(&self->lock);
    stat = self->stat;
    pthread_mutex_unlock(&self->lock);
    return stat;
}

// True once it is to end.
static bool
s_pause(block_check_t *self, int64_t ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;
    bool stopping;
    int rc = 0;

    pthread_mutex_lock(&self->lock);
    while (!self->stopping && rc != ETIMEDOUT)
        rc = cond_wait_until(&self->ended, &self->lock, until_ms);
    stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

static int
s_tile(void *arg, const struct block_tile *is)
{
    struct look *look = arg;
    struct tile tile;

    if (tile_open(&tile, is->bytes, is->len) == ERR_FORMAT) {
        char name[BLOCK_NAME_SIZE];

        block_name_text(name, look->name);
        log_error("a tile of the store is damaged: questions lack its samples",
                  "file=%s tile=%llu host=%016llx samples=%llu", log_quote(name),
                  (unsigned long long) is->number, (unsigned long long) is->host,
                  (unsigned long long) is->samples);
        pthread_mutex_lock(&look->check->lock);
        look->check->stat.damaged_tiles++;
        pthread_mutex_unlock(&look->check->lock);
    }
    if (++look->tiles < TILES_AT_A_TIME)
        return 0;
    look->tiles = 0;
    return s_pause(look->check, PAUSE_MS) ? ERR_CLOSED : 0;
}

// Opened under the lock of names: what belongs together is opened together.
static int
s_open(block_check_t *self, const struct block_name *name, block_db_t **ret)
{
    char path[BLOCK_PATH_SIZE];
    int rc;

    block_files_path(self->is.files, name, "", path);
    pthread_mutex_lock(&self->is.files->names);
    rc = block_db_open(ret, path, BLOCK_DB_READ);
    pthread_mutex_unlock(&self->is.files->names);
    return rc;
}

static void
s_look(block_check_t *self, const struct block_name *name)
{
    struct look look = { .check = self, .name = name };
    block_db_t *db = NULL;
    char why[200];
    int rc = s_open(self, name, &db);

    pthread_mutex_lock(&self->lock);
    self->at = db;
    if (self->stopping)
        rc = ERR_CLOSED;
    pthread_mutex_unlock(&self->lock);
    if (rc == 0)
        rc = block_db_check(db, why, sizeof why);
    if (rc == 0)
        rc = block_db_tiles(db, 0, INT64_MIN, INT64_MAX, s_tile, &look);
    pthread_mutex_lock(&self->lock);
    self->at = NULL;
    self->stat.files++;
    if ((rc == ERR_FORMAT || rc == ERR_UNKNOWN) && !self->stopping) {
        self->stat.damaged_files++;
        if (db == NULL || !block_db_moved(db))
            block_files_doubt(self->is.files, name, rc);
    }
    pthread_mutex_unlock(&self->lock);
    block_db_close(&db);
}

// The one after `last`, or the first one. Their number; 0: there is none, or the folder can't be
// read.
static size_t
s_next(const block_check_t *self, const struct block_name *last, struct block_name *ret)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->is.files->dir);
    ptrdiff_t i = 0;

    while (i < n && block_name_compare(&list[i], last) <= 0)
        i++;
    if (n > 0)
        *ret = list[i < n ? i : 0];
    free(list);
    return n > 0 ? (size_t) n : 0;
}

static void *
s_run(void *arg)
{
    block_check_t *self = arg;
    struct block_name last = { .partition = INT64_MIN };
    int64_t wait_ms = self->is.least_ms;

    pthread_setname_np(pthread_self(), "check");
    while (!s_pause(self, wait_ms)) {
        struct block_name name;
        const size_t n = s_next(self, &last, &name);

        wait_ms = self->is.least_ms;
        if (n == 0)
            continue;
        s_look(self, &name);
        last = name;
        if (self->is.round_ms / (int64_t) n > wait_ms)
            wait_ms = self->is.round_ms / (int64_t) n;
    }
    return NULL;
}

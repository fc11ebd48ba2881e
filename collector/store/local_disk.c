// local_disk - see the header.

#include "collector/store/local_disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/block_check.h"
#include "collector/store/block_merge.h"
#include "collector/store/meta_db.h"
#include "collector/store/sealed_tile.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define META_NAME    "meta.db"
#define SERIES_BATCH 10000u // written together
// Numbers of tiles that are promised ahead, so that few writes have to say so.
#define TILES_AHEAD    65536u
#define LOG_PAGES      256u // of meta.db: 2 MiB, then it is checkpointed
#define READERS        2u   // kept open for the next question
#define MERGE_LEAST_MS 1000 // between two looks for what may be merged
// No stream is 0: this mark says up to which id the file may have series.
#define SERIES_MARK 0u

struct local_disk {
    struct local_disk_config is; // dir is ours
    char *dir;
    block_files_t *files;
    block_check_t *check;
    block_merge_t *merge; // NULL: nothing is merged
    meta_db_t *meta;
    map_t *marks; // stream -> stream_marks
    size_t n_stands;
    size_t stands_size;        // allocated
    struct block_mark *stands; // of the newest file, streams rising once it is loaded
    bool had_files;            // at the open
    _Atomic int64_t oldest_ms;
    uint64_t next_tile;   // at the open
    uint64_t promised;    // tiles: meta.db says that none has this number
    series_id written;    // newest that is in meta.db
    int64_t tick_ms;      // monotonic, when next due
    int64_t expire_ms;    // likewise
    pthread_mutex_t lock; // over the readers
    size_t n_readers;
    block_reader_t *readers[READERS];
};

struct loading {
    local_disk_t *disk;
    label_index_t *index;
    bool (*wanted)(void *arg, uint64_t stream);
    void *arg;
    uint64_t newest;    // id of a series that a file may have samples of
    int64_t newest_day; // that has a file
};

static int s_start_merge(local_disk_t *self);
static int s_open_meta(local_disk_t *self);
static int s_promise(local_disk_t *self, label_index_t *index, uint64_t next_tile);

static void
s_told(void *arg, const char *name, const char *reason)
{
    (void) arg;
    log_error("a file of the store is set aside: questions about its day lack what it held",
              "file=%s error=%s", log_quote(name), log_quote(reason));
}

int
local_disk_open(local_disk_t **ret, const struct local_disk_config *config)
{
    local_disk_t *self = xcalloc(1, sizeof *self);
    struct block_name *names = NULL;
    ptrdiff_t n = 0;
    int rc;

    self->is = *config;
    self->dir = xstrdup(config->dir);
    self->is.dir = self->dir;
    self->marks = map_new();
    pthread_mutex_init(&self->lock, NULL);
    rc = block_files_open(&self->files,
                          &(struct block_files_config){ .dir = self->dir, .told_fn = s_told });
    if (rc == 0)
        n = block_name_list(&names, self->dir);
    self->had_files = n > 0;
    atomic_init(&self->oldest_ms, n > 0 ? names[0].partition * PARTITION_MS : INT64_MAX);
    free(names);
    rc = rc < 0 ? rc : n < 0 ? (int) n : s_open_meta(self);
    // Ids would be given anew, and tiles be read as other series'.
    if (rc == 0 && self->had_files && self->next_tile == 1)
        rc = ERR_UNKNOWN;
    if (rc == 0)
        rc = block_check_start(&self->check,
                               &(struct block_check_options){ .files = self->files,
                                                              .round_ms = BLOCK_CHECK_ROUND_MS,
                                                              .least_ms = BLOCK_CHECK_LEAST_MS });
    if (rc == 0 && self->is.merge_ms > 0)
        rc = s_start_merge(self);
    if (rc < 0) {
        local_disk_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

// It looks as often as it may find something new, within reason.
static int
s_start_merge(local_disk_t *self)
{
    struct block_merge_options options = { .files = self->files,
                                           .age_ms = self->is.merge_ms,
                                           .look_ms = self->is.merge_ms,
                                           .bytes_per_s = BLOCK_MERGE_BYTES_PER_S,
                                           .samples = BLOCK_MERGE_SAMPLES };

    if (options.look_ms < MERGE_LEAST_MS)
        options.look_ms = MERGE_LEAST_MS;
    if (options.look_ms > BLOCK_MERGE_LOOK_MS)
        options.look_ms = BLOCK_MERGE_LOOK_MS;
    return block_merge_start(&self->merge, &options);
}

static int
s_open_meta(local_disk_t *self)
{
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/" META_NAME, self->dir);
    rc = meta_db_open(&self->meta, buf_cstr(&path));
    buf_release(&path);
    if (rc == 0)
        rc = meta_db_number(self->meta, META_NEXT_TILE, &self->next_tile);
    if (self->next_tile == 0)
        self->next_tile = 1;
    self->promised = self->next_tile;
    return rc;
}

void
local_disk_close(local_disk_t **self_p)
{
    local_disk_t *self = *self_p;
    struct map_entry entry;

    if (self == NULL)
        return;
    block_merge_stop(&self->merge);
    block_check_stop(&self->check);
    while (self->n_readers > 0)
        block_reader_destroy(&self->readers[--self->n_readers]);
    block_files_close(&self->files);
    meta_db_close(&self->meta);
    for (size_t at = 0; map_next(self->marks, &at, &entry);) {
        free(((struct stream_marks *) entry.value)->at);
        free(entry.value);
    }
    map_destroy(&self->marks);
    free(self->stands);
    pthread_mutex_destroy(&self->lock);
    free(self->dir);
    free(self);
    *self_p = NULL;
}

static int
s_series(void *arg, const struct meta_series *series)
{
    struct loading *loading = arg;

    if (series->id <= loading->disk->written) // by a try that found no room
        return 0;
    loading->disk->written = series->id;
    return label_index_restore(loading->index, series->id, series->host, series->labels,
                               series->kind);
}

// A backup copies the newest file first, and the others have by then what its marks say; of marks
// of older files that is not so.
static void
s_add_stands(local_disk_t *self, const struct block_mark *mark)
{
    if (mark->total == 0)
        return;
    if (self->n_stands == self->stands_size) {
        self->stands_size = self->stands_size == 0 ? 64 : 2 * self->stands_size;
        self->stands = xrealloc(self->stands, self->stands_size, sizeof *self->stands);
    }
    self->stands[self->n_stands++] = *mark;
}

static int
s_by_stream(const void *a, const void *b)
{
    const struct block_mark *x = a;
    const struct block_mark *y = b;

    return (x->stream > y->stream) - (x->stream < y->stream);
}

static int64_t
s_newest_day(const local_disk_t *self)
{
    struct block_name *names = NULL;
    const ptrdiff_t n = block_name_list(&names, self->dir);
    const int64_t day = n > 0 ? names[n - 1].partition : INT64_MIN;

    free(names);
    return day;
}

static int
s_mark(void *arg, const struct block_name *file, const struct block_mark *mark)
{
    struct loading *loading = arg;
    struct stream_marks *marks;

    if (mark->stream == SERIES_MARK && mark->seq > loading->newest)
        loading->newest = mark->seq;
    if (mark->stream != SERIES_MARK && file->partition == loading->newest_day)
        s_add_stands(loading->disk, mark);
    if (mark->stream == SERIES_MARK || !loading->wanted(loading->arg, mark->stream))
        return 0;
    marks = map_get_u64(loading->disk->marks, mark->stream);
    if (marks == NULL) {
        marks = xcalloc(1, sizeof *marks);
        map_put_u64(loading->disk->marks, mark->stream, marks);
    }
    if (marks->n == marks->size) {
        marks->size = marks->size == 0 ? 2 : 2 * marks->size;
        marks->at = xrealloc(marks->at, marks->size, sizeof *marks->at);
    }
    marks->at[marks->n++] = (struct stream_mark){ file->partition, mark->seq };
    return 0;
}

int
local_disk_load(local_disk_t *self, label_index_t *index,
                bool (*wanted)(void *arg, uint64_t stream), void *arg)
{
    struct loading loading = { .disk = self, .index = index, .wanted = wanted, .arg = arg };
    int rc = meta_db_series(self->meta, s_series, &loading);

    if (rc == 0) {
        block_reader_t *reader = local_disk_reader(self);

        self->n_stands = 0; // of a try before
        loading.newest_day = s_newest_day(self);
        rc = block_reader_marks(reader, s_mark, &loading);
        if (self->n_stands > 0)
            qsort(self->stands, self->n_stands, sizeof *self->stands, s_by_stream);
        local_disk_give_back(self, reader);
    }
    // meta.db is older than its files: ids would be given anew, and tiles read as other series'.
    return rc == 0 && loading.newest > self->written ? ERR_UNKNOWN : rc;
}

const struct stream_marks *
local_disk_marks(const local_disk_t *self, uint64_t stream)
{
    return map_get_u64(self->marks, stream);
}

const struct block_mark *
local_disk_stands(const local_disk_t *self, uint64_t stream)
{
    size_t at = 0;

    for (size_t end = self->n_stands; at < end;) {
        const size_t middle = at + (end - at) / 2;

        if (self->stands[middle].stream < stream)
            at = middle + 1;
        else
            end = middle;
    }
    return at < self->n_stands && self->stands[at].stream == stream ? &self->stands[at] : NULL;
}

bool
stream_marks_between(const struct stream_marks *marks, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < marks->n; i++)
        if (marks->at[i].seq > from && marks->at[i].seq <= to)
            return true;
    return false;
}

bool
stream_marks_cover(const struct stream_marks *marks, int64_t partition, uint64_t seq)
{
    for (uint32_t i = 0; i < marks->n; i++)
        if (marks->at[i].partition == partition && marks->at[i].seq >= seq)
            return true;
    return false;
}

uint64_t
local_disk_next_tile(const local_disk_t *self)
{
    return self->next_tile;
}

int64_t
local_disk_oldest_ms(const local_disk_t *self)
{
    return atomic_load(&self->oldest_ms);
}

bool
local_disk_had_files(const local_disk_t *self)
{
    return self->had_files;
}

int
local_disk_write(local_disk_t *self, label_index_t *index, uint64_t next_tile,
                 const struct block_tile *tiles, size_t n_tiles, const struct block_mark *marks,
                 size_t n_marks, bool *written)
{
    int rc = s_promise(self, index, next_tile);
    struct block_mark *all;

    if (rc < 0)
        return rc;
    all = xcalloc(n_marks + 1, sizeof *all);
    for (size_t i = 0; i < n_marks; i++)
        all[i] = marks[i];
    all[n_marks] = (struct block_mark){ .stream = SERIES_MARK, .seq = self->written };
    for (size_t i = 0; i < n_tiles; i++)
        if (tiles[i].first_ms < atomic_load(&self->oldest_ms))
            atomic_store(&self->oldest_ms, tiles[i].first_ms);
    rc = block_files_write(self->files, 0, tiles, n_tiles, all, n_marks + (n_tiles > 0), written);
    free(all);
    return rc;
}

// What meta.db must say before the tiles are there.
static int
s_promise(local_disk_t *self, label_index_t *index, uint64_t next_tile)
{
    const series_id newest = label_index_stat(index).newest;
    const struct meta_value promise = { META_NEXT_TILE, next_tile + TILES_AHEAD };
    int rc = 0;

    while (rc == 0 && (self->written < newest || self->promised < next_tile)) {
        const uint32_t left = newest - self->written;
        const uint32_t n = left < SERIES_BATCH ? left : SERIES_BATCH;
        struct label_series *series = xcalloc(n + 1, sizeof *series);
        struct meta_series *rows = xcalloc(n + 1, sizeof *rows);
        struct meta_batch batch = { .series = rows };

        for (series_id id = self->written + 1; id <= self->written + n; id++) {
            struct label_series *is = &series[batch.n_series];

            if (label_index_get(index, id, is) == 0)
                rows[batch.n_series++] = (struct meta_series){ id, is->host, is->kind,
                                                               &is->labels };
        }
        if (self->promised < next_tile) {
            batch.values = &promise;
            batch.n_values = 1;
        }
        rc = meta_db_write(self->meta, &batch);
        if (rc == 0) {
            self->written += n;
            self->promised = batch.n_values > 0 ? promise.value : self->promised;
        }
        for (size_t i = 0; i < batch.n_series; i++)
            label_set_release(&series[i].labels);
        free(series);
        free(rows);
    }
    if (rc == 0 && meta_db_log_pages(self->meta) > LOG_PAGES) {
        rc = meta_db_checkpoint(self->meta, false);
        rc = rc == -ENOSPC || rc > 0 ? 0 : rc; // what is committed stays in the log
    }
    return rc;
}

void
local_disk_checkpointed(const local_disk_t *self, int64_t *at_ms_ret, int64_t *took_us_ret)
{
    block_files_checkpointed(self->files, at_ms_ret, took_us_ret);
}

// After files went: no sample is older than the first day that has one.
static int
s_find_oldest(local_disk_t *self)
{
    struct block_name *names = NULL;
    const ptrdiff_t n = block_name_list(&names, self->dir);
    const int64_t day_ms = n > 0 ? names[0].partition * PARTITION_MS : INT64_MAX;

    free(names);
    if (n >= 0 && day_ms > atomic_load(&self->oldest_ms))
        atomic_store(&self->oldest_ms, day_ms);
    return n < 0 ? (int) n : 0;
}

int
local_disk_tick(local_disk_t *self, int64_t mono_ms, int64_t real_ms)
{
    int rc = 0;

    if (mono_ms >= self->tick_ms) {
        rc = block_files_tick(self->files, mono_ms);
        self->tick_ms = mono_ms + LOCAL_DISK_TICK_MS;
    }
    if (rc == 0 && mono_ms >= self->expire_ms) {
        rc = block_files_expire(
            self->files,
            &(struct block_limits){ .age_ms = { self->is.keep_ms }, .bytes = self->is.keep_bytes },
            real_ms);
        if (rc > 0)
            log_info("files of the store went, by age or size", "files=%d", rc);
        if (rc > 0)
            rc = s_find_oldest(self);
        self->expire_ms = mono_ms + LOCAL_DISK_EXPIRE_MS;
    }
    return rc < 0 ? rc : 0;
}

bool
local_disk_merge_waits(local_disk_t *self)
{
    return self->merge != NULL && block_merge_waits(self->merge);
}

int
local_disk_merge(local_disk_t *self, uint64_t first_number)
{
    const int rc = block_merge_step(self->merge, first_number);

    // The old file keeps its place on the disk for as long as somebody has it open.
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n_readers; i++)
        block_reader_tidy(self->readers[i]);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

block_reader_t *
local_disk_reader(local_disk_t *self)
{
    block_reader_t *reader = NULL;

    pthread_mutex_lock(&self->lock);
    if (self->n_readers > 0)
        reader = self->readers[--self->n_readers];
    pthread_mutex_unlock(&self->lock);
    return reader != NULL ? reader : block_reader_new(self->files);
}

void
local_disk_give_back(local_disk_t *self, block_reader_t *reader)
{
    bool kept;

    block_reader_tidy(reader);
    pthread_mutex_lock(&self->lock);
    kept = self->n_readers < READERS;
    if (kept)
        self->readers[self->n_readers++] = reader;
    pthread_mutex_unlock(&self->lock);
    if (!kept)
        block_reader_destroy(&reader);
}

// block_reader - reads block files for one thread: see block_files.h.
//
// A file that was unlinked or set aside is read on by who has it open; its name is looked at before
// each read, so that a new file of that name is not missed.

#include <errno.h>
#include <stdlib.h>

#include "collector/store/block_files.h"
#include "collector/store/block_files_inner.h"
#include "collector/store/sealed_tile.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// A file that this reader has open.
struct read_file {
    struct block_name name;
    block_db_t *db;
    uint64_t used; // rises with each use
};

struct block_reader {
    block_files_t *files;
    struct read_file open[BLOCK_READER_OPEN]; // `opened` of them
    size_t opened;
    uint64_t uses;  // counts
    uint32_t lacks; // files that the call at hand, or before, could not read
};

// What is asked of each file, and the caller's function, whose word is told from the file's.
struct request {
    uint64_t host;
    int64_t first_ms, last_ms;
    block_wants_fn *wants_fn; // NULL: all tiles are
    int (*tile_fn)(void *arg, const struct block_tile *tile);
    int (*mark_fn)(void *arg, const struct block_name *file, const struct block_mark *mark);
    void *arg;
    const struct block_name *file; // at hand
    struct block_stat *stat;       // sums
    int64_t first;                 // of the host
    int rc;                        // not 0: what the function returned
};

typedef int read_fn(block_db_t *db, struct request *request);

static int s_each(block_reader_t *self, struct request *request, read_fn *read);
static int s_file(block_reader_t *self, struct request *request, read_fn *read);
static int s_take(block_reader_t *self, const struct block_name *name, struct read_file **ret);
static void s_shut(block_reader_t *self, struct read_file *file);
static int s_tiles(block_db_t *db, struct request *request);
static int s_wants(void *arg, const struct block_tile *tile, const uint8_t *first, size_t n);
static int s_tile(void *arg, const struct block_tile *tile);
static int s_marks(block_db_t *db, struct request *request);
static int s_mark(void *arg, const struct block_mark *mark);
static int s_stat(block_db_t *db, struct request *request);
static int s_first(block_db_t *db, struct request *request);

block_reader_t *
block_reader_new(block_files_t *files)
{
    block_reader_t *self = xcalloc(1, sizeof *self);

    self->files = files;
    atomic_fetch_add(&files->readers, 1);
    return self;
}

void
block_reader_destroy(block_reader_t **self_p)
{
    block_reader_t *self = *self_p;

    if (self == NULL)
        return;
    while (self->opened > 0)
        s_shut(self, &self->open[0]);
    atomic_fetch_sub(&self->files->readers, 1);
    free(self);
    *self_p = NULL;
}

void
block_reader_tidy(block_reader_t *self)
{
    for (size_t i = self->opened; i-- > 0;)
        if (block_db_moved(self->open[i].db))
            s_shut(self, &self->open[i]);
}

int
block_reader_tiles(block_reader_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                   int (*fn)(void *arg, const struct block_tile *tile), void *arg)
{
    struct request request = {
        .host = host, .first_ms = first_ms, .last_ms = last_ms, .tile_fn = fn, .arg = arg
    };

    return s_each(self, &request, s_tiles);
}

int
block_reader_tiles_wanted(block_reader_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                          block_wants_fn *wants,
                          int (*fn)(void *arg, const struct block_tile *tile), void *arg)
{
    struct request request = { .host = host,
                               .first_ms = first_ms,
                               .last_ms = last_ms,
                               .wants_fn = wants,
                               .tile_fn = fn,
                               .arg = arg };

    return s_each(self, &request, s_tiles);
}

uint32_t
block_reader_lacks(const block_reader_t *self)
{
    return self->lacks;
}

int
block_reader_marks(block_reader_t *self,
                   int (*fn)(void *arg, const struct block_name *file,
                             const struct block_mark *mark),
                   void *arg)
{
    struct request request = {
        .first_ms = INT64_MIN, .last_ms = INT64_MAX, .mark_fn = fn, .arg = arg
    };

    return s_each(self, &request, s_marks);
}

int
block_reader_first(block_reader_t *self, uint64_t host, int64_t *ret)
{
    struct request request = {
        .host = host, .first_ms = INT64_MIN, .last_ms = INT64_MAX, .first = INT64_MAX
    };
    const int rc = s_each(self, &request, s_first);

    if (rc < 0)
        return rc;
    *ret = request.first;
    return request.first != INT64_MAX;
}

int
block_reader_stat(block_reader_t *self, struct block_stat *ret)
{
    struct request request = { .first_ms = INT64_MIN, .last_ms = INT64_MAX, .stat = ret };

    *ret = (struct block_stat){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
    return s_each(self, &request, s_stat);
}

// All files that have part in the window.
static int
s_each(block_reader_t *self, struct request *request, read_fn *read)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->files->dir);
    int rc = n < 0 ? (int) n : 0;

    self->lacks = 0;
    block_reader_tidy(self);
    for (ptrdiff_t i = 0; i < n && rc == 0; i++) {
        if (list[i].partition < partition_of(request->first_ms) ||
            list[i].partition > partition_of(request->last_ms))
            continue;
        request->file = &list[i];
        rc = s_file(self, request, read);
    }
    free(list);
    return rc;
}

static int
s_file(block_reader_t *self, struct request *request, read_fn *read)
{
    struct read_file *file = NULL;
    int rc = s_take(self, request->file, &file);

    if (rc == 0)
        rc = read(file->db, request);
    if (request->rc != 0)
        return request->rc;
    switch (rc) {
    case -ENOENT: // went since it was listed
        return 0;
    case ERR_FORMAT:
    case ERR_UNKNOWN:
    case ERR_VERSION:
        self->lacks++;
        // The name may be another file's by now.
        if (file == NULL || !block_db_moved(file->db))
            block_files_doubt(self->files, request->file, rc);
        if (file != NULL)
            s_shut(self, file);
        return 0;
    default:
        return rc;
    }
}

// The one that was used least recently makes room.
static int
s_take(block_reader_t *self, const struct block_name *name, struct read_file **ret)
{
    char path[BLOCK_PATH_SIZE];
    struct read_file *file = self->open;
    block_db_t *db = NULL;
    int rc;

    while (file < self->open + self->opened && block_name_compare(&file->name, name) != 0)
        file++;
    if (file == self->open + self->opened) {
        block_files_path(self->files, name, "", path);
        pthread_mutex_lock(&self->files->names);
        rc = block_db_open(&db, path, BLOCK_DB_READ);
        pthread_mutex_unlock(&self->files->names);
        if (rc < 0)
            return rc;
        if (self->opened == BLOCK_READER_OPEN) {
            size_t oldest = 0;

            for (size_t i = 1; i < self->opened; i++)
                if (self->open[i].used < self->open[oldest].used)
                    oldest = i;
            s_shut(self, &self->open[oldest]);
        }
        file = &self->open[self->opened++];
        *file = (struct read_file){ .name = *name, .db = db };
    }
    file->used = ++self->uses;
    *ret = file;
    return 0;
}

static void
s_shut(block_reader_t *self, struct read_file *file)
{
    block_db_close(&file->db);
    *file = self->open[--self->opened];
}

static int
s_tiles(block_db_t *db, struct request *request)
{
    if (request->wants_fn == NULL)
        return block_db_tiles(db, request->host, request->first_ms, request->last_ms, s_tile,
                              request);
    return block_db_tiles_wanted(db, request->host, request->first_ms, request->last_ms, s_wants,
                                 s_tile, request);
}

static int
s_wants(void *arg, const struct block_tile *tile, const uint8_t *first, size_t n)
{
    struct request *request = arg;
    const int rc = request->wants_fn(request->arg, tile, first, n);

    request->rc = rc < 0 ? rc : request->rc;
    return rc;
}

static int
s_tile(void *arg, const struct block_tile *tile)
{
    struct request *request = arg;

    request->rc = request->tile_fn(request->arg, tile);
    return request->rc;
}

static int
s_marks(block_db_t *db, struct request *request)
{
    return block_db_marks(db, s_mark, request);
}

static int
s_mark(void *arg, const struct block_mark *mark)
{
    struct request *request = arg;

    request->rc = request->mark_fn(request->arg, request->file, mark);
    return request->rc;
}

static int
s_stat(block_db_t *db, struct request *request)
{
    struct block_stat *sum = request->stat;
    struct block_stat one;
    const int rc = block_db_stat(db, &one);

    if (rc < 0)
        return rc;
    sum->tiles += one.tiles;
    sum->samples += one.samples;
    sum->payload += one.payload;
    sum->bytes += one.bytes;
    sum->first_ms = one.first_ms < sum->first_ms ? one.first_ms : sum->first_ms;
    sum->last_ms = one.last_ms > sum->last_ms ? one.last_ms : sum->last_ms;
    sum->number = one.number > sum->number ? one.number : sum->number;
    return 0;
}

// Files come by day: the first that has it has it all.
static int
s_first(block_db_t *db, struct request *request)
{
    int64_t first;
    const int rc = request->first == INT64_MAX ? block_db_first(db, request->host, &first) : 0;

    if (rc == 1)
        request->first = first;
    return rc < 0 ? rc : 0;
}

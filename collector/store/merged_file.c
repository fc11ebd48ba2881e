// merged_file - see the header.
//
// Windows of time of one host do not overlap, and together they are all of it: so each sample is in
// one of them.

#include "collector/store/merged_file.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/store/sealed_tile.h"
#include "collector/store/tile.h"
#include "collector/store/tile_merge.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define BATCH_TILES 64u        // written together,
#define BATCH_BYTES (4u << 20) // or once they are so many bytes
#define LOG_PAGES   1024u      // 8 MiB, then they are moved into the file

struct work {
    const struct merged_file_options *is;
    block_db_t *target;
    struct host_list {
        struct block_host *at;
        size_t n, size; // allocated
    } hosts;
    struct mark_list {
        struct block_mark *at;
        size_t n, size; // allocated
    } marks;
    struct id_list {
        series_id *at;
        uint32_t n, size;  // allocated
    } ids;                 // of the tiles of the window at hand
    tile_gather_t *gather; // likewise
    tile_merge_t *tiles;
    uint64_t tile_samples;                  // in a tile, about
    uint64_t host;                          // at hand
    struct sealed_tile *batch[BATCH_TILES]; // `n_batch` of them, held
    size_t n_batch;
    uint64_t batch_bytes;
    uint64_t number;  // of the tile that was made last
    uint64_t samples; // of all that were made
};

// --- reading

static int
s_add_host(void *arg, const struct block_host *host)
{
    struct host_list *list = arg;

    if (list->n == list->size) {
        list->size = list->size == 0 ? 64 : 2 * list->size;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
    list->at[list->n++] = *host;
    return 0;
}

static int
s_add_mark(void *arg, const struct block_mark *mark)
{
    struct mark_list *list = arg;

    if (list->n == list->size) {
        list->size = list->size == 0 ? 64 : 2 * list->size;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
    list->at[list->n++] = *mark;
    return 0;
}

// Which series a tile has; what does not read, or is not what its row says, ends it all.
static int
s_add_ids(void *arg, const struct block_tile *is)
{
    struct work *w = arg;
    struct tile_column column;
    struct tile_cursor cursor;
    struct tile tile;
    int rc = tile_open(&tile, is->bytes, is->len);

    if (rc == 0 && (tile.host != is->host || tile.class != w->is->class ||
                    tile.first_ms != is->first_ms || tile.last_ms != is->last_ms))
        rc = ERR_FORMAT;
    if (rc < 0)
        return rc;
    if (w->ids.n + tile.columns > w->ids.size) {
        w->ids.size = 2 * (w->ids.n + tile.columns);
        w->ids.at = xrealloc(w->ids.at, w->ids.size, sizeof *w->ids.at);
    }
    tile_cursor_init(&cursor, &tile);
    while ((rc = tile_cursor_next(&cursor, &column)) == 1) {
        if (column.series > UINT32_MAX)
            return ERR_FORMAT;
        w->ids.at[w->ids.n++] = (series_id) column.series;
    }
    return rc;
}

static int
s_by_id(const void *a, const void *b)
{
    const series_id x = *(const series_id *) a;
    const series_id y = *(const series_id *) b;

    return (x > y) - (x < y);
}

static int
s_gather(void *arg, const struct block_tile *tile)
{
    struct work *w = arg;
    const int rc = tile_gather_tile(w->gather, tile->bytes, tile->len);

    return rc < 0 ? rc : w->is->moved_fn(w->is->arg, tile->len);
}

// --- writing

static int
s_flush(struct work *w)
{
    struct block_tile tiles[BATCH_TILES];
    int rc;

    for (size_t i = 0; i < w->n_batch; i++)
        tiles[i] = w->batch[i]->is;
    rc = block_db_write(w->target, tiles, w->n_batch, NULL, 0);
    if (rc == 0 && block_db_log_pages(w->target) > LOG_PAGES)
        rc = block_db_checkpoint(w->target, false);
    while (w->n_batch > 0)
        sealed_tile_drop(w->batch[--w->n_batch]);
    w->batch_bytes = 0;
    return rc < 0 ? rc : 0;
}

static int
s_put(void *arg, const struct block_tile *is)
{
    struct work *w = arg;
    struct block_tile tile = *is;
    int rc = 0;

    tile.number = ++w->number;
    if (tile.number >= BLOCK_MERGED_BELOW)
        return ERR_LIMIT;
    w->samples += tile.samples;
    w->batch[w->n_batch++] = sealed_tile_new(&tile);
    w->batch_bytes += tile.len;
    if (w->n_batch == BATCH_TILES || w->batch_bytes >= BATCH_BYTES)
        rc = s_flush(w);
    return rc < 0 ? rc : w->is->moved_fn(w->is->arg, tile.len);
}

// All of the host in this time. ERR_LIMIT: it is too much at once.
static int
s_window(struct work *w, int64_t start_ms, int64_t end_ms)
{
    block_db_t *source = w->is->source;
    uint32_t n = 0;
    int rc;

    w->ids.n = 0;
    rc = block_db_tiles(source, w->host, start_ms, end_ms, s_add_ids, w);
    if (rc < 0 || w->ids.n == 0)
        return rc;
    qsort(w->ids.at, w->ids.n, sizeof *w->ids.at, s_by_id);
    for (uint32_t i = 0; i < w->ids.n; i++)
        if (n == 0 || w->ids.at[i] != w->ids.at[n - 1])
            w->ids.at[n++] = w->ids.at[i];
    w->gather = tile_gather_new(&(struct tile_gather_options){
        .n = n, .ids = w->ids.at, .start_ms = start_ms, .end_ms = end_ms, .most = w->is->samples });
    rc = block_db_tiles(source, w->host, start_ms, end_ms, s_gather, w);
    // What is found to be too much is so before anything of it is put.
    if (rc == 0)
        rc = tile_merge_run(w->tiles, w->host, w->is->class, w->gather, w->ids.at, n,
                            w->tile_samples, s_put, w);
    else if (rc == ERR_LIMIT)
        rc = -E2BIG;
    tile_gather_destroy(&w->gather);
    return rc;
}

// Some time at a time, as much as has about what may be in memory: half of it where that is too
// much, and twice as much where it is little.
static int
s_host(struct work *w, const struct block_host *host)
{
    const double share = (double) w->is->samples * 7 / 8 / ((double) host->samples + 1);
    const int64_t day_ms = host->last_ms - host->first_ms + 1;
    int64_t step_ms = share < 1 ? (int64_t) ((double) day_ms * share) + 1 : day_ms;
    int rc = 0;

    w->host = host->host;
    for (int64_t at = host->first_ms; at <= host->last_ms && rc == 0;) {
        const int64_t left_ms = host->last_ms - at;
        const uint64_t before = w->samples;

        rc = s_window(w, at, left_ms < step_ms ? host->last_ms : at + step_ms - 1);
        if (rc == -E2BIG && step_ms > 1) {
            step_ms = (step_ms + 1) / 2;
            rc = 0;
            continue;
        }
        at += step_ms;
        if (w->samples - before < w->is->samples / 4 && step_ms < day_ms)
            step_ms *= 2;
    }
    return rc;
}

// All of the source, and its marks: whole and on the disk.
static int
s_copy(struct work *w)
{
    struct block_stat has;
    int rc = block_db_hosts(w->is->source, s_add_host, &w->hosts);

    rc = rc < 0 ? rc : block_db_marks(w->is->source, s_add_mark, &w->marks);
    w->tile_samples = w->is->had->samples / (BLOCK_MERGED_BELOW / 2);
    if (w->tile_samples < TILE_MERGE_SAMPLES)
        w->tile_samples = TILE_MERGE_SAMPLES;
    for (size_t i = 0; i < w->hosts.n && rc == 0; i++)
        rc = s_host(w, &w->hosts.at[i]);
    rc = rc < 0 ? rc : s_flush(w);
    rc = rc < 0 ? rc : block_db_write(w->target, NULL, 0, w->marks.at, w->marks.n);
    rc = rc < 0 ? rc : block_db_stat(w->target, &has);
    // Rows without a value are not copied: they may have been the first or the last.
    if (rc == 0 && (has.samples != w->samples || has.tiles != w->number ||
                    has.first_ms < w->is->had->first_ms || has.last_ms > w->is->had->last_ms))
        rc = ERR_FORMAT;
    rc = rc < 0 ? rc : block_db_checkpoint(w->target, true);
    return rc == 1 ? -EBUSY : rc; // nobody else reads it
}

int
merged_file_make(const char *path, const struct merged_file_options *options)
{
    struct work w = { .is = options };
    int rc = block_db_open(&w.target, path, BLOCK_DB_WRITE);

    if (rc == 0) {
        w.tiles = tile_merge_new();
        rc = s_copy(&w);
    }
    tile_merge_destroy(&w.tiles);
    block_db_close(&w.target); // its log is empty and goes
    while (w.n_batch > 0)
        sealed_tile_drop(w.batch[--w.n_batch]);
    free(w.hosts.at);
    free(w.marks.at);
    free(w.ids.at);
    return rc;
}

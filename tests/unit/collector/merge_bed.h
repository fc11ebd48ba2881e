// merge_bed - block files whose tiles read, merged step by step, and what a question gets of them.

#ifndef TESTS_UNIT_COLLECTOR_MERGE_BED_H
#define TESTS_UNIT_COLLECTOR_MERGE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "collector/store/block_files.h"
#include "collector/store/block_merge.h"
#include "collector/store/sealed_tile.h"
#include "collector/store/tile.h"
#include "collector/store/tile_gather.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"

#define MERGE_DAY         INT64_C(20000) // 2024-10-04
#define MERGE_HOSTS       3u
#define MERGE_SERIES      40u // of each host, ids from 1 on
#define MERGE_STREAM      9u
#define MERGE_DEADLINE_MS 120000
#define MERGE_NUMBER(n)   ((uint64_t) (n) *BLOCK_MERGED_BELOW) // of the n-th open tile
#define MERGE_OLD_MS      (-3650 * PARTITION_MS) // as an age: every day is over for so long

// What a tile is made of; its values follow from `value` and from where they stand.
struct merge_tile {
    uint64_t number;
    uint64_t host;
    int64_t first_ms, step_ms;
    uint32_t rows;
    series_id first_id, n_ids;
    int64_t value;
    bool bare; // its first row and its last one have no value
};

static inline struct sealed_tile *
merge_tile_new(const struct merge_tile *what)
{
    tile_writer_t *w = tile_writer_new();
    int64_t times[TILE_ROWS_MAX];
    double values[TILE_ROWS_MAX];
    uint64_t present[COLUMN_WORDS(TILE_ROWS_MAX)];
    struct block_tile is = { .number = what->number,
                             .host = what->host,
                             .first_ms = what->first_ms,
                             .last_ms = what->first_ms + (what->rows - 1) * what->step_ms,
                             .rows = what->rows,
                             .series = what->n_ids,
                             .samples = (uint64_t) (what->rows - (what->bare ? 2 : 0)) *
                                        what->n_ids };
    struct sealed_tile *tile;

    for (uint32_t i = 0; i < what->rows; i++)
        times[i] = what->first_ms + i * what->step_ms;
    memset(present, 0xff, sizeof present);
    if (what->bare) {
        present[0] &= ~UINT64_C(1);
        present[(what->rows - 1) / 64] &= ~(UINT64_C(1) << (what->rows - 1) % 64);
    }
    tile_writer_begin(w, what->host, 0, times, what->rows);
    for (series_id id = what->first_id; id < what->first_id + what->n_ids; id++) {
        for (uint32_t i = 0; i < what->rows; i++)
            values[i] = (double) (what->value + (times[i] / 1000 * id) % 91) / 10;
        tile_writer_add_doubles(w, id, values, what->bare ? present : NULL);
    }
    is.bytes = tile_writer_finish(w, &is.len);
    tile = sealed_tile_new(&is);
    tile_writer_destroy(&w);
    return tile;
}

// Into their day's file, with a mark of the stream.
static inline void
merge_put_all(block_files_t *files, const struct merge_tile *what, size_t n)
{
    struct sealed_tile **made = xcalloc(n, sizeof(struct sealed_tile *));
    struct block_tile *tiles = xcalloc(n, sizeof *tiles);
    const uint64_t number = what[n - 1].number;
    const struct block_mark mark = { MERGE_STREAM, number >> 20, 7 * number };
    bool *written = xcalloc(n, sizeof *written);

    for (size_t i = 0; i < n; i++) {
        made[i] = merge_tile_new(&what[i]);
        tiles[i] = made[i]->is;
    }
    assert_int_equal(block_files_write(files, 0, tiles, n, &mark, 1, written), 0);
    for (size_t i = 0; i < n; i++)
        sealed_tile_drop(made[i]);
    free(written);
    free(tiles);
    free(made);
}

static inline void
merge_put(block_files_t *files, const struct merge_tile *what)
{
    merge_put_all(files, what, 1);
}

// A day as it comes: many short tiles of each host, narrow ones over the same time, and some that
// say again, otherwise or not, what was there.
#define MERGE_TILES 96u
static inline void
merge_put_day(block_files_t *files, int64_t day, uint64_t n)
{
    struct merge_tile of[MERGE_TILES];
    size_t at = 0;

    for (uint32_t i = 0; i < 8; i++)
        for (uint64_t host = 1; host <= MERGE_HOSTS; host++) {
            const int64_t from_ms = day * PARTITION_MS + i * 128000;
            const series_id half = MERGE_SERIES / 2;

            of[at++] = (struct merge_tile){ .host = host, from_ms, 1000, 128, 1, half, 0 };
            of[at++] = (struct merge_tile){ .host = host, from_ms, 1000, 128, half + 1, 1, 0 };
            of[at++] = (struct merge_tile){ .host = host, from_ms, 1000, 128, half + 2, 1, 1 };
            of[at++] = (struct merge_tile){ .host = host, from_ms + 60000, 500, 200, 5, 10, i % 2 };
        }
    assert_int_equal(at, MERGE_TILES);
    for (size_t i = 0; i < at; i++)
        of[i].number = MERGE_NUMBER(n + i);
    merge_put_all(files, of, at);
}

static inline int
merge_gather(void *gather, const struct block_tile *tile)
{
    return tile_gather_tile(gather, tile->bytes, tile->len);
}

static inline int
merge_tell_mark(void *arg, const struct block_name *file, const struct block_mark *mark)
{
    buf_printf(arg, "%lld %llu %llu %llu;", (long long) file->partition,
               (unsigned long long) mark->stream, (unsigned long long) mark->seq,
               (unsigned long long) mark->total);
    return 0;
}

// All samples as a question gets them, and behind them all marks. Bytes of the samples.
static inline size_t
merge_tell(struct buf *out, block_reader_t *reader)
{
    series_id ids[MERGE_SERIES];
    size_t len;

    for (series_id i = 0; i < MERGE_SERIES; i++)
        ids[i] = i + 1;
    buf_clear(out);
    for (uint64_t host = 1; host <= MERGE_HOSTS; host++) {
        tile_gather_t *gather = tile_gather_new(&(struct tile_gather_options){
            .n = MERGE_SERIES, .ids = ids, INT64_MIN, INT64_MAX, .most = 1u << 22 });

        assert_int_equal(
            block_reader_tiles(reader, host, INT64_MIN, INT64_MAX, merge_gather, gather), 0);
        assert_int_equal(block_reader_lacks(reader), 0);
        for (uint32_t i = 0; i < MERGE_SERIES; i++) {
            uint32_t n;
            const struct sample *samples = tile_gather_samples(gather, i, &n);

            buf_printf(out, "%llu.%u:%u;", (unsigned long long) host, i, n);
            buf_bytes(out, samples, n * sizeof *samples);
        }
        tile_gather_destroy(&gather);
    }
    len = out->len;
    assert_int_equal(block_reader_marks(reader, merge_tell_mark, out), 0);
    return len;
}

static inline block_merge_t *
merge_start(block_files_t *files, int64_t age_ms)
{
    block_merge_t *merge = NULL;

    assert_int_equal(
        block_merge_start(&merge, &(struct block_merge_options){ .files = files,
                                                                 .age_ms = age_ms,
                                                                 .look_ms = 1,
                                                                 .bytes_per_s = 1u << 30,
                                                                 .samples = 5000 }),
        0);
    return merge;
}

// Until it waits for the store's thread; false: it has looked at all files so many times instead.
static inline bool
merge_wait(block_merge_t *merge, uint64_t looks)
{
    const int64_t until_ms = clock_mono_ms() + MERGE_DEADLINE_MS;

    while (clock_mono_ms() < until_ms) {
        // In this order: with the next look it may wait again.
        if (block_merge_stat(merge).looks >= looks)
            return false;
        if (block_merge_waits(merge))
            return true;
        poll(NULL, 0, 1);
    }
    fail_msg("the merge came to no end");
    return false;
}

// All that can be merged now.
static inline struct block_merge_stat
merge_all(block_files_t *files, int64_t age_ms, uint64_t first_number)
{
    block_merge_t *merge = merge_start(files, age_ms);
    struct block_merge_stat stat;

    while (merge_wait(merge, 1))
        assert_int_equal(block_merge_step(merge, first_number), 0);
    stat = block_merge_stat(merge);
    block_merge_stop(&merge);
    return stat;
}

#endif

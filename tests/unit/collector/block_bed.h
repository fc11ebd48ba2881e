// block_bed - a folder of block files, and tiles that say what they should be, for tests.

#ifndef TESTS_UNIT_COLLECTOR_BLOCK_BED_H
#define TESTS_UNIT_COLLECTOR_BLOCK_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/block_files.h"
#include "collector/store/sealed_tile.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"

#define DAY     INT64_C(20454) // 2026-01-01
#define HOSTS   5u
#define LEN_MAX 3000u
#define ALL     INT64_MIN, INT64_MAX

struct bed {
    char dir[64];
    block_files_t *files;
    block_reader_t *reader;
    unsigned told;    // files that were set aside or left out
    char name[64];    // of the last one
    char reason[256]; // likewise
};

static inline void
bed_told(void *arg, const char *name, const char *reason)
{
    struct bed *bed = arg;

    bed->told++;
    snprintf(bed->name, sizeof bed->name, "%s", name);
    snprintf(bed->reason, sizeof bed->reason, "%s", reason);
}

static inline int
bed_open(struct bed *bed)
{
    const struct block_files_config config = { .dir = bed->dir, .told_fn = bed_told, .arg = bed };
    const int rc = block_files_open(&bed->files, &config);

    if (rc == 0)
        bed->reader = block_reader_new(bed->files);
    return rc;
}

static inline void
bed_close(struct bed *bed)
{
    block_reader_destroy(&bed->reader);
    block_files_close(&bed->files);
}

static inline void
bed_path(const struct bed *bed, char ret[160], const char *name)
{
    snprintf(ret, 160, "%s/%s", bed->dir, name);
}

static inline bool
bed_has(const struct bed *bed, const char *name)
{
    char path[160];

    bed_path(bed, path, name);
    return access(path, F_OK) == 0;
}

// The tile of this number in this day: what it is follows from the two.
static inline struct block_tile
bed_tile(uint64_t number, int64_t day, uint8_t bytes[LEN_MAX])
{
    uint64_t seed = number;
    const size_t len = 1 + seeded_below(&seed, LEN_MAX - 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t) seeded_next(&seed);
    return (struct block_tile){ .number = number,
                                .host = 1 + number % HOSTS,
                                .first_ms = day * PARTITION_MS + (int64_t) number % 1000 * 1000,
                                .last_ms = day * PARTITION_MS + (int64_t) number % 1000 * 1000 +
                                           500,
                                .rows = 128,
                                .series = 50,
                                .samples = 6400 + number,
                                .bytes = bytes,
                                .len = len };
}

// One tile a day, `days` days from `day` on, numbers from `number` on, and a mark of stream 9.
static inline int
bed_write(struct bed *bed, uint8_t class, uint64_t number, int64_t day, unsigned days)
{
    uint8_t(*bytes)[LEN_MAX] = malloc(days * sizeof *bytes);
    struct block_tile *tiles = calloc(days, sizeof *tiles);
    bool *written = calloc(days, sizeof *written);
    const struct block_mark mark = { .stream = 9, .seq = number + days };
    int rc;

    for (unsigned i = 0; i < days; i++)
        tiles[i] = bed_tile(number + i, day + i, bytes[i]);
    rc = block_files_write(bed->files, class, tiles, days, &mark, 1, written);
    for (unsigned i = 0; i < days && rc == 0; i++)
        assert_true(written[i]);
    free(bytes);
    free(tiles);
    free(written);
    return rc;
}

struct bed_seen {
    uint64_t n;
    uint64_t last;     // number
    int64_t partition; // of that one
};

static inline int
bed_see(void *arg, const struct block_tile *tile)
{
    struct bed_seen *seen = arg;
    uint8_t bytes[LEN_MAX];
    const int64_t day = partition_of(tile->first_ms);
    const struct block_tile should_be = bed_tile(tile->number, day, bytes);

    assert_true(seen->n == 0 || day > seen->partition ||
                (day == seen->partition && tile->number > seen->last));
    assert_int_equal(tile->host, should_be.host);
    assert_int_equal(tile->first_ms, should_be.first_ms);
    assert_int_equal(tile->last_ms, should_be.last_ms);
    assert_int_equal(tile->samples, should_be.samples);
    assert_int_equal(tile->len, should_be.len);
    assert_memory_equal(tile->bytes, bytes, tile->len);
    *seen = (struct bed_seen){ .n = seen->n + 1, .last = tile->number, .partition = day };
    return 0;
}

static inline uint64_t
bed_count(struct bed *bed, uint64_t host, int64_t first_ms, int64_t last_ms)
{
    struct bed_seen seen = { 0 };

    assert_int_equal(block_reader_tiles(bed->reader, host, first_ms, last_ms, bed_see, &seen), 0);
    return seen.n;
}

#endif

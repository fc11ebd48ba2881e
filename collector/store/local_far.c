// local_far - see the header.

#include "collector/store/local_far.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/store/tile_series.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"

#define CLOCK_EACH 16u // tiles between two looks at the clock

struct reading {
    struct local_far *far;
    int (*fn)(void *arg, const struct block_tile *tile);
    void *arg;
    uint32_t at;    // next of memory's tiles
    uint32_t n;     // of these, which have what is asked for
    unsigned ticks; // since the clock was looked at
};

static int
s_by_turn(const struct block_tile *a, const struct block_tile *b)
{
    const int64_t x = partition_of(a->first_ms);
    const int64_t y = partition_of(b->first_ms);

    if (x != y)
        return x < y ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int
s_compare(const void *a, const void *b)
{
    return s_by_turn(&(*(struct sealed_tile *const *) a)->is,
                     &(*(struct sealed_tile *const *) b)->is);
}

// 0, or why it is to end.
static int
s_look_up(struct reading *r)
{
    const struct store_select *what = r->far->what;

    if (what->stop != NULL && atomic_load(what->stop))
        return ERR_CLOSED;
    if (what->until_ms != 0 && r->ticks++ % CLOCK_EACH == 0 && clock_mono_ms() > what->until_ms)
        return -ETIMEDOUT;
    return 0;
}

// A tile that can not be read lacks, and is no reason to answer nothing.
static int
s_take(struct reading *r, const struct block_tile *tile)
{
    const int rc = r->fn(r->arg, tile);

    if (rc != ERR_FORMAT && rc != ERR_VERSION)
        return rc;
    r->far->damaged++;
    return 0;
}

// Those of memory whose turn is before this one's; NULL: all that are left.
static int
s_take_memory(struct reading *r, const struct block_tile *before)
{
    const struct local_far *far = r->far;
    int rc = 0;

    while (rc == 0 && r->at < r->n &&
           (before == NULL || s_by_turn(&far->tiles[r->at]->is, before) < 0)) {
        rc = s_look_up(r);
        rc = rc < 0 ? rc : s_take(r, &far->tiles[r->at++]->is);
    }
    return rc;
}

// Whether memory had it when the question was begun: sealed, or still open.
static bool
s_is_known(const struct local_far *far, uint64_t number)
{
    uint32_t at = 0;

    for (uint32_t end = far->n_known; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (far->known[middle].number <= number)
            at = middle + 1;
        else
            end = middle;
    }
    if (at == 0)
        return false;
    at--;
    if (far->known[at].open != NULL)
        return far->known[at].number >> SEALER_NUMBERS_BITS == number >> SEALER_NUMBERS_BITS;
    return far->known[at].sealed != NULL && far->known[at].number == number;
}

static int
s_wants(void *arg, const struct block_tile *tile, const uint8_t *first, size_t n)
{
    struct reading *r = arg;
    const int rc = s_look_up(r);

    return rc < 0 ? rc
                  : !s_is_known(r->far, tile->number) &&
                        tile_series_has(first, n, r->far->ids, r->far->n_ids);
}

static int
s_tile(void *arg, const struct block_tile *tile)
{
    struct reading *r = arg;
    const int rc = s_take_memory(r, tile);

    return rc < 0 ? rc : s_take(r, tile);
}

static int
s_files(struct local_far *far, struct reading *reading)
{
    block_reader_t *reader = local_disk_reader(far->store->disk);
    const int rc = block_reader_tiles_wanted(reader, far->host, far->what->start_ms,
                                             far->what->end_ms, s_wants, s_tile, reading);

    far->damaged += block_reader_lacks(reader);
    local_disk_give_back(far->store->disk, reader);
    return rc;
}

// Those of memory that have one of the series come first. Their number.
static uint32_t
s_choose(struct local_far *far)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < far->n_tiles; i++) {
        struct sealed_tile *tile = far->tiles[i];

        if (!tile_series_has(tile->is.bytes, tile->is.len, far->ids, far->n_ids))
            continue;
        far->tiles[i] = far->tiles[n];
        far->tiles[n++] = tile;
    }
    return n;
}

int
local_far_tiles(struct local_far *far, int (*fn)(void *arg, const struct block_tile *tile),
                void *arg)
{
    struct reading reading = { .far = far, .fn = fn, .arg = arg, .n = s_choose(far) };
    int rc;

    if (reading.n > 0)
        qsort(far->tiles, reading.n, sizeof(struct sealed_tile *), s_compare);
    rc = far->memory_alone ? 0 : s_files(far, &reading);
    return rc < 0 ? rc : s_take_memory(&reading, NULL);
}

static int
s_gather(void *gather, const struct block_tile *tile)
{
    return tile_gather_tile(gather, tile->bytes, tile->len);
}

int
local_far_read(struct local_far *far, tile_gather_t *gather)
{
    return local_far_tiles(far, s_gather, gather);
}

int64_t
local_store_first_ms(local_store_t *self, uint64_t host)
{
    block_reader_t *reader;
    int64_t first_ms = INT64_MAX;

    if (self->disk == NULL)
        return INT64_MAX;
    reader = local_disk_reader(self->disk);
    if (block_reader_first(reader, host, &first_ms) != 1)
        first_ms = INT64_MAX;
    local_disk_give_back(self->disk, reader);
    return first_ms;
}

int
local_store_stands(local_store_t *self, uint64_t stream, uint64_t *seq_ret, uint64_t *total_ret)
{
    const struct block_mark *mark;

    if (self->disk == NULL)
        return 0;
    if (!atomic_load(&self->loaded))
        return -EAGAIN;
    mark = local_disk_stands(self->disk, stream);
    if (mark == NULL)
        return 0;
    *seq_ret = mark->seq;
    *total_ret = mark->total;
    return 1;
}

// tile_compare - which samples of a tile have another value in tiles of the same host that stand
// before it.
//
// In:     sealed tiles; the others in the order in which they stand: a sample is held against the
//         first of them that has its series and time, and not against those after it.
// Cost:   where no time is the same, that of reading both tiles' times; else that of the columns
//         that both have.
// Memory: a bit for each row and column of the tile, once a time is the same.
// Thread: one owner.

#ifndef COLLECTOR_STORE_TILE_COMPARE_H
#define COLLECTOR_STORE_TILE_COMPARE_H

#include "collector/store/block_db.h"

typedef struct tile_compare tile_compare_t;

// Values as bits of doubles; they are not the same.
struct tile_differs {
    uint64_t series;
    int64_t time_ms;
    uint64_t mine;
    uint64_t other;
};
typedef void tile_differs_fn(void *arg, const struct tile_differs *differs);

// The bytes are borrowed. One that can not be read differs from none.
tile_compare_t *tile_compare_new(const struct block_tile *mine);
void tile_compare_destroy(tile_compare_t **self_p);
// The next of the others.
void tile_compare_with(tile_compare_t *self, const struct block_tile *other, tile_differs_fn *fn,
                       void *arg);

#endif

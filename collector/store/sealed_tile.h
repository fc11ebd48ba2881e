// sealed_tile - a sealed tile in memory, counted: what the sealer makes, the store's thread writes
// down and readers hold meanwhile.
//
// Thread: any may hold and drop; what it says never changes.

#ifndef COLLECTOR_STORE_SEALED_TILE_H
#define COLLECTOR_STORE_SEALED_TILE_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/block_db.h"
#include "shared/base/xalloc.h"

#define PARTITION_MS INT64_C(86400000) // a tile lies inside one day of UTC

struct sealed_tile {
    atomic_uint holders;
    bool written;         // it is on the disk; the store's thread alone knows
    struct block_tile is; // its bytes are ours
    uint8_t bytes[];
};

// Number of the day that the time falls into, from 1970-01-01 on; below zero before that.
static inline int64_t
partition_of(int64_t time_ms)
{
    return time_ms / PARTITION_MS - (time_ms % PARTITION_MS < 0);
}

// Copies the bytes; one hold.
static inline struct sealed_tile *
sealed_tile_new(const struct block_tile *is)
{
    struct sealed_tile *tile = xmalloc(sizeof *tile + is->len);

    atomic_init(&tile->holders, 1);
    tile->written = false;
    tile->is = *is;
    memcpy(tile->bytes, is->bytes, is->len);
    tile->is.bytes = tile->bytes;
    return tile;
}

static inline struct sealed_tile *
sealed_tile_hold(struct sealed_tile *tile)
{
    atomic_fetch_add_explicit(&tile->holders, 1, memory_order_relaxed);
    return tile;
}

static inline void
sealed_tile_drop(struct sealed_tile *tile) // NULL is fine
{
    if (tile != NULL && atomic_fetch_sub_explicit(&tile->holders, 1, memory_order_acq_rel) == 1)
        free(tile);
}

#endif

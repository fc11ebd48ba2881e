// tile_gather - samples of chosen series of one host, out of many tiles, one tile after the other.
//
// In:     ids, rising; a window; tiles in the order in which their word counts.
// Out:    of each series its samples in the window, times rising, one a time: that of the tile that
//         was given first stands.
// Memory: 16 bytes a sample that is kept, and up to half as much for growing; no tile is held.
// Thread: one owner. Pure.

#ifndef COLLECTOR_STORE_TILE_GATHER_H
#define COLLECTOR_STORE_TILE_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "collector/store/store.h"

typedef struct tile_gather tile_gather_t;

struct tile_gather_options {
    uint32_t n;
    const series_id *ids; // borrowed for as long
    int64_t start_ms;     // inclusive
    int64_t end_ms;       // inclusive
    bool newest_only;     // of each series one sample
    uint64_t most;        // samples kept at a time
};

tile_gather_t *tile_gather_new(const struct tile_gather_options *options);
void tile_gather_destroy(tile_gather_t **self_p);
// 0; ERR_LIMIT: more than `most`; or as tile_open has it: the tile gave nothing.
int tile_gather_tile(tile_gather_t *self, const uint8_t *at, size_t len);
// Samples of series `i` of the ids, the gather's.
const struct sample *tile_gather_samples(const tile_gather_t *self, uint32_t i, uint32_t *n_ret);

#endif

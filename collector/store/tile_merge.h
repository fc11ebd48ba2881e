// tile_merge - samples of one host, gathered from many tiles, into few long ones.
//
// In:     a tile_gather that has read all tiles of some time, with the ids that it was asked for.
// Out:    tiles of TILE_MERGE_SAMPLES samples or so: up to TILE_ROWS_MAX rows, and as many series
//         as make that up, those together that have the same times. All that was gathered is in
//         them, each sample once.
// Memory: some bytes a series, and those of a tile.
// Thread: one owner. Pure.

#ifndef COLLECTOR_STORE_TILE_MERGE_H
#define COLLECTOR_STORE_TILE_MERGE_H

#include "collector/store/block_db.h"
#include "collector/store/tile_gather.h"

// 50 series of 1,024 rows: so one series is read quickly, and a row of the database is large enough
// to waste little of its pages.
#define TILE_MERGE_SAMPLES 51200u

typedef struct tile_merge tile_merge_t;

tile_merge_t *tile_merge_new(void);
void tile_merge_destroy(tile_merge_t **self_p);

// Calls `fn` for each tile, with its number left out and its bytes borrowed for the call; not 0
// ends it and is returned. `n` ids, those of the gather, rising; `samples` in a tile, about.
int tile_merge_run(tile_merge_t *self, uint64_t host, uint8_t class, const tile_gather_t *gather,
                   const series_id *ids, uint32_t n, uint64_t samples,
                   int (*fn)(void *arg, const struct block_tile *tile), void *arg);

#endif

// sealer - an open tile into sealed ones: rows become columns.
//
// In:     an open tile as it is now; it may go on meanwhile.
// Out:    tiles, each inside one partition, of at most TILE_ROWS_MAX rows: the rows of the host
//         together, and beside them the samples with times of their own, those series together
//         that have the same ones. Of two samples of one series and time the first is kept.
// Thread: a sealer has one owner; it keeps its memory for the next tile, 150 MiB at most.
// Cost:   8 to 14 ns a sample.

#ifndef COLLECTOR_STORE_SEALER_H
#define COLLECTOR_STORE_SEALER_H

#include "collector/store/open_tile.h"
#include "collector/store/sealed_tile.h"

// Tiles that one open tile may become; their numbers are its own, so many times, and on.
#define SEALER_NUMBERS_BITS 20u

typedef struct sealer sealer_t;

sealer_t *sealer_new(void);
void sealer_destroy(sealer_t **self_p);

// Gives each tile to `out`, numbers rising; a hold of it is the callee's. 0, or ERR_FORMAT: the
// open tile could not be read to its end, and what could be is given.
int sealer_run(sealer_t *self, open_tile_t *tile, void (*out)(void *arg, struct sealed_tile *tile),
               void *arg);

// The same of these series alone, ids rising: for a question, not to be kept.
int sealer_run_some(sealer_t *self, open_tile_t *tile, const series_id *ids, uint32_t n,
                    void (*out)(void *arg, struct sealed_tile *tile), void *arg);

// Samples of the tile that was sealed last whose series and time had another value in it.
uint64_t sealer_conflicts(const sealer_t *self);

#endif

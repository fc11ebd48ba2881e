// sealer - an open tile into sealed ones: rows become columns.
//
// In:     an open tile as it is now; it may go on meanwhile.
// Out:    tiles, each inside one partition, of at most TILE_ROWS_MAX rows: the rows of the host
//         together, and beside them the samples with times of their own, those series together
//         that have the same ones. Of samples of one series and time the first that came is kept.
// Thread: a sealer has one owner; it keeps its memory for the next tile, 150 MiB at most.
// Cost:   8 to 14 ns a sample.

#ifndef COLLECTOR_STORE_SEALER_H
#define COLLECTOR_STORE_SEALER_H

#include "collector/store/open_tile.h"
#include "collector/store/sealed_tile.h"

// Tiles that one open tile may become; their numbers are its own, so many times, and on.
#define SEALER_NUMBERS_BITS 20u
_Static_assert(BLOCK_MERGED_BELOW == UINT64_C(1) << SEALER_NUMBERS_BITS,
               "a merge has the numbers below those of the first open tile");

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

// Samples of days of which `fn` says so are left out of what is sealed from here on, and counted
// nowhere; NULL: of none.
void sealer_leave_out(sealer_t *self, bool (*fn)(void *arg, int64_t day), void *arg);

// Samples of the tile that was sealed last whose series and time had another value in it, each
// once.
uint64_t sealer_conflicts(const sealer_t *self);
// How many more (or fewer) these are where that time has the value `other` instead of `stands`,
// which is what this tile gave: then those that came after it are held against the other one. Of
// what came twice SEALER_AGAIN_MOST are remembered. Bits of doubles.
#define SEALER_AGAIN_MOST (1u << 18)
int64_t sealer_conflicts_with(sealer_t *self, series_id id, int64_t time_ms, uint64_t stands,
                              uint64_t other);
// Whether it was too much to be sealed at once: then its tiles may have samples of one series and
// time, of which the one of the lowest number stands and the others are not counted above.
bool sealer_went_on(const sealer_t *self);

#endif

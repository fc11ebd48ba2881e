// tile_compare - what two sealed tiles of a host say of the same samples.

#ifndef COLLECTOR_STORE_TILE_COMPARE_H
#define COLLECTOR_STORE_TILE_COMPARE_H

#include "collector/store/block_db.h"

// Samples of `a` whose series and time stand in `b` with another value. 0 where one of them can not
// be read. Cost: that of reading the columns that both have, where they share a time at all.
uint64_t tile_conflicts(const struct block_tile *a, const struct block_tile *b);

#endif

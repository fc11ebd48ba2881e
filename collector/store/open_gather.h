// open_gather - samples of chosen series out of an open tile, without sealing it.
//
// In:     an open tile, as it is now; ids, rising; a window.
// Out:    of each series its samples in the window, times rising, one a time: the first that came.
// Cost:   1 to 2 ns for each sample of the tile, wanted or not, where many are; where few are, the
//         others' bytes are passed over.
// Memory: 16 bytes a sample that is wanted, and up to as much for growing.
// Thread: one owner; the tile goes on meanwhile.

#ifndef COLLECTOR_STORE_OPEN_GATHER_H
#define COLLECTOR_STORE_OPEN_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/open_tile.h"
#include "shared/model/sample.h"

typedef struct open_gather open_gather_t;

struct open_gather_options {
    uint32_t n;
    const series_id *ids; // borrowed for the call
    int64_t start_ms;     // inclusive
    int64_t end_ms;       // inclusive
    bool newest_only;     // of each series one sample
};

// Reads the tile at once; a body that can not be read ends it there.
open_gather_t *open_gather_new(open_tile_t *tile, const struct open_gather_options *options);
void open_gather_destroy(open_gather_t **self_p);
// Samples of series `i` of the ids, the gather's.
const struct sample *open_gather_samples(const open_gather_t *self, uint32_t i, uint32_t *n_ret);

#endif

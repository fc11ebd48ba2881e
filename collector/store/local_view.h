// local_view - what memory has of one host, as one question reads it: series after series, their
// columns side by side.
//
// In:     the tiles of the host in the order in which they were begun; the ids that are wanted.
// Out:    of each of them its samples in the window, times rising, one a time: that of the tile
//         that was begun first stands.
// An open tile is read at once for all that is wanted; where that would be much, it is sealed for
// the question alone.
// Thread: one owner. Inner to the embedded store.

#ifndef COLLECTOR_STORE_LOCAL_VIEW_H
#define COLLECTOR_STORE_LOCAL_VIEW_H

#include "collector/store/open_tile.h"
#include "collector/store/sealed_tile.h"
#include "collector/store/sealer.h"

typedef struct local_view local_view_t;

local_view_t *local_view_new(const struct store_select *what); // borrowed
void local_view_destroy(local_view_t **self_p);

// Another host, of which these are wanted, rising: borrowed for as long.
void local_view_begin(local_view_t *self, const series_id *ids, uint32_t n);
// Both take the hold.
void local_view_sealed(local_view_t *self, struct sealed_tile *tile);
void local_view_open(local_view_t *self, open_tile_t *tile);
// Samples of id `i`, the view's until the next call. `i` rises from call to call.
const struct sample *local_view_read(local_view_t *self, uint32_t i, uint32_t *n_ret);

#endif

// tile_series - whether a tile has any of some series, by its head alone.
//
// A host's tiles share times where a file was imported series after series: of many that are in the
// window few have what is asked for, and the others are not to be read for that.
// Thread: any. Pure.

#ifndef COLLECTOR_STORE_TILE_SERIES_H
#define COLLECTOR_STORE_TILE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/label_index.h"

// Of the tile that begins with these bytes, and of these series, ids rising. True as well where
// that can't be told, since its head is damaged, or longer than that.
bool tile_series_has(const uint8_t *at, size_t len, const series_id *ids, uint32_t n);

#endif

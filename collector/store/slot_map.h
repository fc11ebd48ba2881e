// slot_map - which series each slot of a stream is, as of some record.
//
// A slot is never used twice in its stream, so a later map says all that an earlier one did, and
// a tile keeps its newest one alone. A slot may have no series at first (the store had no room for
// it) and one later, or be left out of a TABLE: its values count from `from_seq` on, up to
// `to_seq`. Value: counted, unchanging once it is shared. Thread: any may hold and drop.

#ifndef COLLECTOR_STORE_SLOT_MAP_H
#define COLLECTOR_STORE_SLOT_MAP_H

#include <stdatomic.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/model/metric.h"

struct slot_series {
    series_id id; // 0: none
    struct metric_form form;
    uint64_t from_seq; // values of records before it are not this series'
    uint64_t to_seq;   // nor of this one and later; UINT64_MAX: no end
};

struct slot_map {
    atomic_uint holders;
    uint32_t n;              // slots known; all above have no series
    struct slot_series at[]; // by slot
};

// A copy of `n` entries; one hold.
struct slot_map *slot_map_new(const struct slot_series *at, uint32_t n);
struct slot_map *slot_map_hold(struct slot_map *map);
void slot_map_drop(struct slot_map *map); // NULL is fine

// NULL where the value of that record belongs to no series.
static inline const struct slot_series *
slot_map_find(const struct slot_map *map, uint32_t slot, uint64_t seq)
{
    const struct slot_series *series = &map->at[slot];

    return slot < map->n && series->id != 0 && seq >= series->from_seq && seq < series->to_seq
               ? series
               : NULL;
}

#endif

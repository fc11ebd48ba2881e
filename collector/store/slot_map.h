// slot_map - which series each slot of a stream is, as of some record.
//
// A slot is never used twice in its stream, so a later map says all that an earlier one did, and
// a tile keeps its newest one alone. A slot may have no series at first (the store had no room for
// it) and one later, or be left out of a TABLE: its values count from `from_seq` on, up to
// `to_seq`.
// Slots stand in pieces, which a map and the one that came from it share: what a change costs is
// the piece that it is in.
// Value: counted, unchanging while more than one holds it; so are its pieces.
// Thread: any may hold and drop; the one who holds it alone may edit.

#ifndef COLLECTOR_STORE_SLOT_MAP_H
#define COLLECTOR_STORE_SLOT_MAP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/model/metric.h"

struct slot_series {
    series_id id; // 0: none
    struct metric_form form;
    uint64_t from_seq; // values of records before it are not this series'
    uint64_t to_seq;   // nor of this one and later; UINT64_MAX: no end
};

#define SLOT_PIECE \
    32u // slots: a small host's few pieces are nearly full, a large one has few of them

struct slot_piece {
    atomic_uint holders; // maps
    struct slot_series at[SLOT_PIECE];
};

struct slot_map {
    atomic_uint holders;
    uint32_t n;                 // slots known; all above have no series
    uint32_t size;              // of `pieces`, allocated
    struct slot_piece **pieces; // as many as `n` slots take
};

// A map of these; one hold.
struct slot_map *slot_map_new(const struct slot_series *at, uint32_t n);
struct slot_map *slot_map_hold(struct slot_map *map);
void slot_map_drop(struct slot_map *map); // NULL is fine
// A slot's entry, to be changed by who has that hold of *map (NULL: none yet). What others hold
// stays as it is: then the hold is one of a new map, with a piece of its own. A slot that was not
// known is no series', as are those before it.
struct slot_series *slot_map_edit(struct slot_map **map, uint32_t slot);
// Memory of it, pieces that it shares among it. NULL is fine.
size_t slot_map_bytes(const struct slot_map *map);

// Of a slot that is known.
static inline const struct slot_series *
slot_map_at(const struct slot_map *map, uint32_t slot)
{
    return &map->pieces[slot / SLOT_PIECE]->at[slot % SLOT_PIECE];
}

// NULL where the value of that record belongs to no series.
static inline const struct slot_series *
slot_map_find(const struct slot_map *map, uint32_t slot, uint64_t seq)
{
    const struct slot_series *series;

    if (slot >= map->n)
        return NULL;
    series = slot_map_at(map, slot);
    return series->id != 0 && seq >= series->from_seq && seq < series->to_seq ? series : NULL;
}

#endif

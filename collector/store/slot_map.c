// slot_map - see the header.

#include "collector/store/slot_map.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

struct slot_map *
slot_map_new(const struct slot_series *at, uint32_t n)
{
    struct slot_map *map = xmalloc(sizeof *map + n * sizeof map->at[0]);

    atomic_init(&map->holders, 1);
    map->n = n;
    if (n > 0)
        memcpy(map->at, at, n * sizeof map->at[0]);
    return map;
}

struct slot_map *
slot_map_hold(struct slot_map *map)
{
    atomic_fetch_add_explicit(&map->holders, 1, memory_order_relaxed);
    return map;
}

void
slot_map_drop(struct slot_map *map)
{
    if (map != NULL && atomic_fetch_sub_explicit(&map->holders, 1, memory_order_acq_rel) == 1)
        free(map);
}

// slot_map - see the header.

#include "collector/store/slot_map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

static struct slot_map *s_new(uint32_t size);
static struct slot_map *s_copy(const struct slot_map *map);
static void s_grow(struct slot_map *map, uint32_t n);
static struct slot_piece *s_piece_new(void);
static void s_piece_drop(struct slot_piece *piece);
static uint32_t s_pieces(uint32_t slots);
static bool s_drop(atomic_uint *holders);
static bool s_is_shared(atomic_uint *holders);

struct slot_map *
slot_map_new(const struct slot_series *at, uint32_t n)
{
    struct slot_map *map = s_new(s_pieces(n));

    s_grow(map, n);
    for (uint32_t slot = 0; slot < n; slot++)
        map->pieces[slot / SLOT_PIECE]->at[slot % SLOT_PIECE] = at[slot];
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
    if (map == NULL || !s_drop(&map->holders))
        return;
    for (uint32_t i = 0; i < s_pieces(map->n); i++)
        s_piece_drop(map->pieces[i]);
    free(map->pieces);
    free(map);
}

struct slot_series *
slot_map_edit(struct slot_map **map_p, uint32_t slot)
{
    struct slot_map *map = *map_p;
    struct slot_piece **piece;

    if (map == NULL)
        map = s_new(1);
    else if (s_is_shared(&map->holders))
        map = s_copy(map);
    if (map != *map_p)
        slot_map_drop(*map_p);
    *map_p = map;
    if (slot >= map->n)
        s_grow(map, slot + 1);
    piece = &map->pieces[slot / SLOT_PIECE];
    if (s_is_shared(&(*piece)->holders)) {
        struct slot_piece *copy = s_piece_new();

        memcpy(copy->at, (*piece)->at, sizeof copy->at);
        s_piece_drop(*piece);
        *piece = copy;
    }
    return &(*piece)->at[slot % SLOT_PIECE];
}

size_t
slot_map_bytes(const struct slot_map *map)
{
    return map == NULL ? 0
                       : sizeof *map + map->size * sizeof(struct slot_piece *) +
                             s_pieces(map->n) * sizeof(struct slot_piece);
}

static struct slot_map *
s_new(uint32_t size)
{
    struct slot_map *map = xcalloc(1, sizeof *map);

    atomic_init(&map->holders, 1);
    map->size = size;
    map->pieces = xcalloc(size > 0 ? size : 1, sizeof(struct slot_piece *));
    return map;
}

static struct slot_map *
s_copy(const struct slot_map *map)
{
    struct slot_map *copy = s_new(map->size);

    copy->n = map->n;
    for (uint32_t i = 0; i < s_pieces(map->n); i++) {
        copy->pieces[i] = map->pieces[i];
        atomic_fetch_add_explicit(&copy->pieces[i]->holders, 1, memory_order_relaxed);
    }
    return copy;
}

// Slots are defined one after the other: twice the room, so that few of them move it.
static void
s_grow(struct slot_map *map, uint32_t n)
{
    const uint32_t pieces = s_pieces(n);

    if (pieces > map->size) {
        map->size = pieces < 2 * map->size ? 2 * map->size : pieces;
        map->pieces = xrealloc(map->pieces, map->size, sizeof(struct slot_piece *));
    }
    for (uint32_t i = s_pieces(map->n); i < pieces; i++)
        map->pieces[i] = s_piece_new();
    map->n = n;
}

static struct slot_piece *
s_piece_new(void)
{
    struct slot_piece *piece = xcalloc(1, sizeof *piece);

    atomic_init(&piece->holders, 1);
    return piece;
}

static void
s_piece_drop(struct slot_piece *piece)
{
    if (s_drop(&piece->holders))
        free(piece);
}

static uint32_t
s_pieces(uint32_t slots)
{
    return slots / SLOT_PIECE + (slots % SLOT_PIECE != 0);
}

// True for the last one, who has seen all that the others did.
static bool
s_drop(atomic_uint *holders)
{
    return atomic_fetch_sub_explicit(holders, 1, memory_order_acq_rel) == 1;
}

// Nobody but a holder makes more of them: who holds it alone still does once he has read so.
static bool
s_is_shared(atomic_uint *holders)
{
    return atomic_load_explicit(holders, memory_order_acquire) > 1;
}

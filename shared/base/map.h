// map - a hash table from bytes to a pointer.
//
// Open addressing, a random seed per process, so that no peer can choose colliding keys.
// Keys are copied. Values are the caller's. Not for more than 2^31 entries.
// Thread: one owner.

#ifndef SHARED_BASE_MAP_H
#define SHARED_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct map map_t;

map_t *map_new(void);
// Frees keys and table, not the values. NULL is fine.
void map_destroy(map_t **self_p);

// The value under key, or NULL.
void *map_get(const map_t *self, const void *key, size_t len);
// Sets it; returns the value it replaces, or NULL. `value` is not NULL.
void *map_put(map_t *self, const void *key, size_t len, void *value);
// Takes it out; returns the value it had, or NULL.
void *map_remove(map_t *self, const void *key, size_t len);
size_t map_count(const map_t *self);

// The same for a 64-bit key.
void *map_get_u64(const map_t *self, uint64_t key);
void *map_put_u64(map_t *self, uint64_t key, void *value);
void *map_remove_u64(map_t *self, uint64_t key);

// All entries in no order: start with *at = 0; false at the end. The map must not change
// between calls.
struct map_entry {
    const void *key; // ours
    size_t len;
    void *value;
};
bool map_next(const map_t *self, size_t *at, struct map_entry *ret);

// The hash behind it, seeded per process: for other tables of ours.
uint64_t map_hash(const void *at, size_t len);

#endif

// label_inner - what the index of labels and its looks share.
//
// Series and pairs stand in blocks that never move, and what stands there never changes: who has
// an id, got under the lock, reads without it.

#ifndef COLLECTOR_STORE_LABEL_INNER_H
#define COLLECTOR_STORE_LABEL_INNER_H

#include <pthread.h>

#include "collector/store/label_index.h"
#include "shared/base/map.h"

// Ids that only rise.
struct label_list {
    uint32_t n;
    uint32_t size; // allocated
    uint32_t *at;
};

struct label_name {
    const char *text;        // the arena's
    struct label_list pairs; // numbers of its pairs, in the order in which they came
    uint32_t series;         // that have it
};

// One label with its value. Numbers count from 1.
struct label_pair {
    struct label_name *name;
    const char *value;        // the arena's
    struct label_list series; // that have it
};

struct label_entry {
    uint64_t host;
    uint32_t hash; // of the label set
    uint8_t kind;
    uint8_t n;             // pairs
    const uint32_t *pairs; // in the order of names; the arena's
};

#define LABEL_BLOCK_BITS 12u
#define LABEL_BLOCK      (1u << LABEL_BLOCK_BITS)
#define LABEL_BLOCKS_MAX (1u << (32 - LABEL_BLOCK_BITS))

struct label_arena {
    uint8_t **blocks;
    uint32_t n;
    size_t used; // of the last one
    size_t size; // likewise
};

// Of the hash table: who looks passes by others' places without reading what they are.
struct label_place {
    uint32_t hash; // of host and labels
    series_id id;  // 0: free
};

// What there was at a moment.
struct label_note {
    int64_t at_ms;
    series_id newest;
    uint32_t n_pairs;
};
#define LABEL_NOTES   61u // a ring: one each minute, so that the oldest is an hour old
#define LABEL_NOTE_MS 60000

struct label_index {
    pthread_rwlock_t lock; // over lists, maps, table and counters
    uint64_t most_bytes;
    uint64_t bytes;
    uint32_t n_series; // that are known; ids may have holes
    series_id newest;
    uint32_t n_pairs;
    struct label_entry *series[LABEL_BLOCKS_MAX]; // by id; host 0: none
    struct label_pair *pairs[LABEL_BLOCKS_MAX];   // by number
    struct label_arena arena;
    map_t *names;   // text -> label_name
    map_t *pair_of; // name NUL value -> label_pair's number, as a pointer
    map_t *hosts;   // host -> label_list
    struct label_list all;
    struct label_note notes[LABEL_NOTES];
    uint32_t n_notes;           // ever made
    struct label_note restored; // behind the last one that was restored; its time means nothing
    struct label_place *table;  // hash table, a power of two
    uint32_t mask;              // of it
};

static inline const struct label_entry *
label_entry(const struct label_index *self, series_id id)
{
    return &self->series[id >> LABEL_BLOCK_BITS][id % LABEL_BLOCK];
}

static inline const struct label_pair *
label_pair(const struct label_index *self, uint32_t number)
{
    return &self->pairs[number >> LABEL_BLOCK_BITS][number % LABEL_BLOCK];
}

// Under the lock. NULL, or 0, where it is not there.
struct label_name *label_find_name(const struct label_index *self, const char *name);
uint32_t label_find_pair(const struct label_index *self, const char *name, const char *value);
// What there was before "lately".
struct label_note label_before(const struct label_index *self);

#endif

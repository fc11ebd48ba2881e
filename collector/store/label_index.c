// label_index - see the header.

#include "collector/store/label_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/label_inner.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// Blocks of text, doubling in between.
#define ARENA_LEAST (16u * 1024u)
#define ARENA_MOST  (1024u * 1024u)
#define TABLE_LEAST 1024u
// A map's entry with its key, about.
#define ENTRY_COST 48u

static int s_add(label_index_t *self, struct label_place *place, series_id id, uint64_t host,
                 const struct label_set *labels, enum metric_kind kind);
static uint32_t s_hash(uint64_t host, uint32_t labels);
static struct label_place *s_place(const label_index_t *self, uint64_t host,
                                   const struct label_set *labels);
static uint32_t s_pair(label_index_t *self, const struct label *label);
static void *s_keep(label_index_t *self, const void *at, size_t len, size_t align);
static void s_append(label_index_t *self, struct label_list *list, uint32_t number);
static void s_grow_table(label_index_t *self);

label_index_t *
label_index_new(uint64_t most_bytes)
{
    label_index_t *self = xcalloc(1, sizeof *self);

    pthread_rwlock_init(&self->lock, NULL);
    self->most_bytes = most_bytes;
    self->names = map_new();
    self->pair_of = map_new();
    self->hosts = map_new();
    self->table = xcalloc(TABLE_LEAST, sizeof *self->table);
    self->mask = TABLE_LEAST - 1;
    self->bytes = TABLE_LEAST * sizeof *self->table;
    return self;
}

void
label_index_destroy(label_index_t **self_p)
{
    label_index_t *self = *self_p;
    struct map_entry entry;

    if (self == NULL)
        return;
    for (size_t at = 0; map_next(self->names, &at, &entry);) {
        free(((struct label_name *) entry.value)->pairs.at);
        free(entry.value);
    }
    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        free(((struct label_list *) entry.value)->at);
        free(entry.value);
    }
    for (uint32_t number = 1; number <= self->n_pairs; number++)
        free(label_pair(self, number)->series.at);
    for (uint32_t i = 0; i < LABEL_BLOCKS_MAX; i++) {
        free(self->series[i]);
        free(self->pairs[i]);
    }
    for (uint32_t i = 0; i < self->arena.n; i++)
        free(self->arena.blocks[i]);
    free(self->arena.blocks);
    map_destroy(&self->names);
    map_destroy(&self->pair_of);
    map_destroy(&self->hosts);
    free(self->all.at);
    free(self->table);
    pthread_rwlock_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

int
label_index_add(label_index_t *self, uint64_t host, const struct label_set *labels,
                enum metric_kind kind, series_id *ret)
{
    // Only this thread changes anything, so it looks without the lock.
    struct label_place *place = s_place(self, host, labels);
    int rc;

    *ret = place->id;
    if (*ret != 0)
        return 0;
    if (self->newest == UINT32_MAX || self->bytes >= self->most_bytes)
        return ERR_LIMIT;
    pthread_rwlock_wrlock(&self->lock);
    *ret = self->newest + 1;
    rc = s_add(self, place, *ret, host, labels, kind);
    pthread_rwlock_unlock(&self->lock);
    return rc;
}

series_id
label_index_find(const label_index_t *self, uint64_t host, const struct label_set *labels)
{
    return s_place(self, host, labels)->id;
}

int
label_index_restore(label_index_t *self, series_id id, uint64_t host,
                    const struct label_set *labels, enum metric_kind kind)
{
    struct label_place *place = s_place(self, host, labels);
    int rc;

    if (id <= self->newest || place->id != 0)
        return ERR_RANGE;
    pthread_rwlock_wrlock(&self->lock);
    rc = s_add(self, place, id, host, labels, kind);
    self->restored = (struct label_note){ .newest = self->newest, .n_pairs = self->n_pairs };
    pthread_rwlock_unlock(&self->lock);
    return rc;
}

int
label_index_get(label_index_t *self, series_id id, struct label_series *ret)
{
    const struct label_entry *entry;
    struct label at[LABEL_SET_MAX];
    series_id newest;

    pthread_rwlock_rdlock(&self->lock);
    newest = self->newest;
    pthread_rwlock_unlock(&self->lock);
    if (id == 0 || id > newest || self->series[id >> LABEL_BLOCK_BITS] == NULL)
        return ERR_UNKNOWN;
    entry = label_entry(self, id);
    if (entry->host == 0)
        return ERR_UNKNOWN;
    ret->host = entry->host;
    ret->kind = entry->kind;
    for (uint32_t i = 0; i < entry->n; i++) {
        const struct label_pair *pair = label_pair(self, entry->pairs[i]);

        at[i] = (struct label){ .name = pair->name->text, .value = pair->value };
    }
    label_set_known(&ret->labels, at, entry->n);
    return 0;
}

uint64_t
label_index_host(const label_index_t *self, series_id id)
{
    return label_entry(self, id)->host;
}

struct label_index_stat
label_index_stat(label_index_t *self)
{
    struct label_index_stat stat;
    struct label_note before;

    pthread_rwlock_rdlock(&self->lock);
    before = label_before(self);
    stat = (struct label_index_stat){ .series = self->n_series,
                                      .pairs = self->n_pairs,
                                      .bytes = self->bytes,
                                      .newest = self->newest,
                                      .restored = self->restored.newest,
                                      .series_made = self->newest - before.newest,
                                      .pairs_made = self->n_pairs - before.n_pairs };
    pthread_rwlock_unlock(&self->lock);
    return stat;
}

struct label_name *
label_find_name(const struct label_index *self, const char *name)
{
    return map_get(self->names, name, strlen(name));
}

// Names hold no NUL, so the two texts with one between them are one key.
static size_t
s_pair_key(char *key, const char *name, const char *value)
{
    const size_t name_len = strlen(name);
    const size_t value_len = strlen(value);

    memcpy(key, name, name_len + 1);
    memcpy(key + name_len + 1, value, value_len);
    return name_len + 1 + value_len;
}

uint32_t
label_find_pair(const struct label_index *self, const char *name, const char *value)
{
    char key[LABEL_NAME_MAX + LABEL_VALUE_MAX + 2];

    if (strlen(name) > LABEL_NAME_MAX || strlen(value) > LABEL_VALUE_MAX)
        return 0;
    return (uint32_t) (uintptr_t) map_get(self->pair_of, key, s_pair_key(key, name, value));
}

static bool
s_is(const label_index_t *self, series_id id, uint64_t host, const struct label_set *labels)
{
    const struct label_entry *entry = label_entry(self, id);

    if (entry->hash != labels->hash || entry->host != host || entry->n != labels->count)
        return false;
    for (uint32_t i = 0; i < entry->n; i++) {
        const struct label_pair *pair = label_pair(self, entry->pairs[i]);

        if (strcmp(pair->value, labels->at[i].value) != 0 ||
            strcmp(pair->name->text, labels->at[i].name) != 0)
            return false;
    }
    return true;
}

static uint32_t
s_hash(uint64_t host, uint32_t labels)
{
    uint64_t h = (host ^ labels) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t) (h >> 32) ^ labels;
}

// Where the series stands in the table, or the free place where it would.
static struct label_place *
s_place(const label_index_t *self, uint64_t host, const struct label_set *labels)
{
    const uint32_t hash = s_hash(host, labels->hash);
    struct label_place *place;

    for (uint32_t at = hash & self->mask;; at = (at + 1) & self->mask) {
        place = &self->table[at];
        if (place->id == 0 || (place->hash == hash && s_is(self, place->id, host, labels)))
            return place;
    }
}

// `place` is the free one of its labels.
static int
s_add(label_index_t *self, struct label_place *place, series_id id, uint64_t host,
      const struct label_set *labels, enum metric_kind kind)
{
    struct label_entry **block = &self->series[id >> LABEL_BLOCK_BITS];
    struct label_list *of_host = map_get_u64(self->hosts, host);
    uint32_t pairs[LABEL_SET_MAX];
    struct label_entry *entry;

    assert(host != 0 && labels->count <= LABEL_SET_MAX);
    if (4 * (uint64_t) (self->n_series + 1) > 3 * (uint64_t) self->mask) {
        s_grow_table(self);
        place = s_place(self, host, labels);
    }
    if (*block == NULL)
        *block = xcalloc(LABEL_BLOCK, sizeof **block);
    self->bytes += sizeof **block;
    if (of_host == NULL) {
        of_host = xcalloc(1, sizeof *of_host);
        map_put_u64(self->hosts, host, of_host);
        self->bytes += ENTRY_COST + sizeof *of_host;
    }
    for (size_t i = 0; i < labels->count; i++) {
        struct label_pair *pair;

        pairs[i] = s_pair(self, &labels->at[i]);
        pair = &self->pairs[pairs[i] >> LABEL_BLOCK_BITS][pairs[i] % LABEL_BLOCK];
        s_append(self, &pair->series, id);
        pair->name->series++;
    }
    s_append(self, of_host, id);
    s_append(self, &self->all, id);
    entry = &(*block)[id % LABEL_BLOCK];
    *entry = (struct label_entry){
        .host = host,
        .hash = labels->hash,
        .kind = (uint8_t) kind,
        .n = (uint8_t) labels->count,
        .pairs = s_keep(self, pairs, labels->count * sizeof pairs[0], sizeof pairs[0]),
    };
    *place = (struct label_place){ s_hash(host, labels->hash), id };
    self->n_series++;
    self->newest = id;
    return 0;
}

// The pair's number, made if it is new.
static uint32_t
s_pair(label_index_t *self, const struct label *label)
{
    char key[LABEL_NAME_MAX + LABEL_VALUE_MAX + 2];
    const size_t len = s_pair_key(key, label->name, label->value);
    uint32_t number = (uint32_t) (uintptr_t) map_get(self->pair_of, key, len);
    struct label_name *name;
    struct label_pair **block;

    if (number != 0)
        return number;
    name = label_find_name(self, label->name);
    if (name == NULL) {
        const size_t name_len = strlen(label->name);

        name = xcalloc(1, sizeof *name);
        name->text = s_keep(self, label->name, name_len + 1, 1);
        map_put(self->names, name->text, name_len, name);
        self->bytes += ENTRY_COST + sizeof *name + name_len;
    }
    number = ++self->n_pairs;
    block = &self->pairs[number >> LABEL_BLOCK_BITS];
    if (*block == NULL)
        *block = xcalloc(LABEL_BLOCK, sizeof **block);
    self->bytes += sizeof **block;
    (*block)[number % LABEL_BLOCK] = (struct label_pair){
        .name = name,
        .value = s_keep(self, label->value, strlen(label->value) + 1, 1),
    };
    s_append(self, &name->pairs, number);
    map_put(self->pair_of, key, len, (void *) (uintptr_t) number);
    self->bytes += ENTRY_COST + len;
    return number;
}

// A copy that stays where it is.
static void *
s_keep(label_index_t *self, const void *at, size_t len, size_t align)
{
    struct label_arena *arena = &self->arena;
    size_t from = (arena->used + align - 1) / align * align;
    uint8_t *kept;

    if (arena->n == 0 || from + len > arena->size) {
        arena->size = arena->n == 0              ? ARENA_LEAST
                      : arena->size < ARENA_MOST ? 2 * arena->size
                                                 : ARENA_MOST;
        arena->size = len > arena->size ? len : arena->size;
        arena->blocks = xrealloc(arena->blocks, arena->n + 1, sizeof *arena->blocks);
        arena->blocks[arena->n++] = xmalloc(arena->size);
        self->bytes += arena->size;
        from = 0;
    }
    kept = arena->blocks[arena->n - 1] + from;
    if (len > 0)
        memcpy(kept, at, len);
    arena->used = from + len;
    return kept;
}

static void
s_append(label_index_t *self, struct label_list *list, uint32_t number)
{
    if (list->n == list->size) {
        const uint32_t size = list->size == 0 ? 2 : list->size + list->size / 2;

        list->at = xrealloc(list->at, size, sizeof *list->at);
        self->bytes += (size - list->size) * sizeof *list->at;
        list->size = size;
    }
    list->at[list->n++] = number;
}

static void
s_grow_table(label_index_t *self)
{
    const uint32_t size = 2 * (self->mask + 1);
    struct label_place *old = self->table;

    self->table = xcalloc(size, sizeof *self->table);
    self->bytes += size / 2 * sizeof *self->table;
    self->mask = size - 1;
    for (uint32_t i = 0; i < size / 2; i++) {
        uint32_t at = old[i].hash & self->mask;

        if (old[i].id == 0)
            continue;
        while (self->table[at].id != 0)
            at = (at + 1) & self->mask;
        self->table[at] = old[i];
    }
    free(old);
}

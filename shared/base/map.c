// map - a hash table from bytes to a pointer.
//
// A power of two of slots, probed in a line; at most three quarters are used. An entry that is
// taken out pulls those behind it back, so there are no tombstones and a table that lives for
// months stays as fast as a new one. Keys of up to eight bytes stand in the slot itself.

#include "shared/base/map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/random.h"
#include "shared/base/xalloc.h"

#define LEAST_SLOTS 16
#define INLINE_MAX  sizeof(uint64_t)

struct slot {
    uint32_t hash; // low half of map_hash
    uint32_t len;  // of the key, bytes
    union {
        uint8_t small[INLINE_MAX];
        uint8_t *large; // ours
    } key;
    void *value; // NULL: the slot is free
};

struct map {
    struct slot *slots;
    size_t mask;  // slots - 1
    size_t count; // of entries
};

// SipHash's key, made once: equal bytes hash alike in every table of the process.
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed[2];

static struct slot *s_find(const map_t *self, uint32_t hash, const void *key, size_t len);
static const void *s_key(const struct slot *slot);
static void s_grow(map_t *self);
static void s_make_seed(void);
static void s_round(uint64_t v[4]);
static uint64_t s_word(const uint8_t *at, size_t n);

map_t *
map_new(void)
{
    map_t *self = xcalloc(1, sizeof *self);

    self->slots = xcalloc(LEAST_SLOTS, sizeof *self->slots);
    self->mask = LEAST_SLOTS - 1;
    return self;
}

void
map_destroy(map_t **self_p)
{
    map_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i <= self->mask; i++)
        if (self->slots[i].value != NULL && self->slots[i].len > INLINE_MAX)
            free(self->slots[i].key.large);
    free(self->slots);
    free(self);
    *self_p = NULL;
}

void *
map_get(const map_t *self, const void *key, size_t len)
{
    return s_find(self, (uint32_t) map_hash(key, len), key, len)->value;
}

void *
map_put(map_t *self, const void *key, size_t len, void *value)
{
    uint32_t hash = (uint32_t) map_hash(key, len);
    struct slot *slot = s_find(self, hash, key, len);
    void *old = slot->value;

    assert(value != NULL && len <= UINT32_MAX);
    if (old == NULL) {
        if (self->count + 1 > (self->mask + 1) / 4 * 3) {
            s_grow(self);
            slot = s_find(self, hash, key, len);
        }
        slot->hash = hash;
        slot->len = (uint32_t) len;
        if (len > INLINE_MAX)
            slot->key.large = xmemdup(key, len);
        else if (len > 0)
            memcpy(slot->key.small, key, len);
        self->count++;
    }
    slot->value = value;
    return old;
}

void *
map_remove(map_t *self, const void *key, size_t len)
{
    struct slot *slot = s_find(self, (uint32_t) map_hash(key, len), key, len);
    size_t hole = (size_t) (slot - self->slots);
    void *old = slot->value;

    if (old == NULL)
        return NULL;
    if (slot->len > INLINE_MAX)
        free(slot->key.large);
    for (size_t at = (hole + 1) & self->mask; self->slots[at].value != NULL;
         at = (at + 1) & self->mask) {
        size_t home = self->slots[at].hash & self->mask;

        // It may move back only if its home is not between the hole and where it stands.
        if (((at - home) & self->mask) >= ((at - hole) & self->mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = (struct slot){ 0 };
    self->count--;
    return old;
}

size_t
map_count(const map_t *self)
{
    return self->count;
}

void *
map_get_u64(const map_t *self, uint64_t key)
{
    return map_get(self, &key, sizeof key);
}

void *
map_put_u64(map_t *self, uint64_t key, void *value)
{
    return map_put(self, &key, sizeof key, value);
}

void *
map_remove_u64(map_t *self, uint64_t key)
{
    return map_remove(self, &key, sizeof key);
}

bool
map_next(const map_t *self, size_t *at, struct map_entry *ret)
{
    while (*at <= self->mask) {
        const struct slot *slot = &self->slots[(*at)++];

        if (slot->value == NULL)
            continue;
        *ret = (struct map_entry){ .key = s_key(slot), .len = slot->len, .value = slot->value };
        return true;
    }
    return false;
}

// SipHash-1-3 (Aumasson and Bernstein): cheap on short keys, and made so that who does not know
// the seed cannot choose keys that collide.
uint64_t
map_hash(const void *at, size_t len)
{
    const uint8_t *bytes = at;
    size_t whole = len & ~(size_t) 7;
    uint64_t v[4];
    uint64_t last;

    pthread_once(&seed_once, s_make_seed);
    v[0] = seed[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = seed[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = seed[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = seed[1] ^ UINT64_C(0x7465646279746573);
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = s_word(bytes + i, 8);

        v[3] ^= word;
        s_round(v);
        v[0] ^= word;
    }
    last = (uint64_t) len << 56 | (len > whole ? s_word(bytes + whole, len - whole) : 0);
    v[3] ^= last;
    s_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        s_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

// The slot of that key, or the free one where it would go.
static struct slot *
s_find(const map_t *self, uint32_t hash, const void *key, size_t len)
{
    for (size_t i = hash & self->mask;; i = (i + 1) & self->mask) {
        struct slot *slot = &self->slots[i];

        if (slot->value == NULL)
            return slot;
        if (slot->hash == hash && slot->len == len &&
            (len == 0 || memcmp(s_key(slot), key, len) == 0))
            return slot;
    }
}

static const void *
s_key(const struct slot *slot)
{
    return slot->len > INLINE_MAX ? slot->key.large : slot->key.small;
}

// Twice the slots. The hashes are kept, so no key is read.
static void
s_grow(map_t *self)
{
    struct slot *old = self->slots;
    size_t n = self->mask + 1;

    self->slots = xcalloc(n * 2, sizeof *self->slots);
    self->mask = n * 2 - 1;
    for (size_t i = 0; i < n; i++) {
        size_t to = old[i].hash & self->mask;

        if (old[i].value == NULL)
            continue;
        while (self->slots[to].value != NULL)
            to = (to + 1) & self->mask;
        self->slots[to] = old[i];
    }
    free(old);
}

static void
s_make_seed(void)
{
    seed[0] = random_u64();
    seed[1] = random_u64();
}

static inline uint64_t
s_rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static inline void
s_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = s_rotate(v[1], 13) ^ v[0];
    v[0] = s_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = s_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = s_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = s_rotate(v[1], 17) ^ v[2];
    v[2] = s_rotate(v[2], 32);
}

// Up to eight bytes, in the machine's order: hashes never leave the process.
static inline uint64_t
s_word(const uint8_t *at, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, at, n);
    return word;
}

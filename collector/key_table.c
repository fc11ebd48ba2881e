// key_table - see the header. Entries stand in an array in the order of their serials; two maps
// find them by key, and the newest of a name.

#include "collector/key_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

struct held {
    struct key_entry entry;
    struct held *older; // of the same name
    char *name;
};

struct key_table {
    struct held **at; // by serial
    size_t n;
    size_t size;
    size_t most;
    uint64_t serial; // of the last one
    map_t *by_key;
    map_t *by_name; // the newest of each
};

static struct held *s_find(const key_table_t *self, const uint8_t key[ENROL_KEY_BYTES]);
static bool s_name_lives(const key_table_t *self, const char *name, int64_t now_ms);
static bool s_room(const key_table_t *self, int64_t now_ms);
static void s_make_room(key_table_t *self, int64_t now_ms);
static struct key_entry *s_put(key_table_t *self, const struct key_entry *entry, int64_t now_ms);
static void s_forget(key_table_t *self, size_t i);

key_table_t *
key_table_new(size_t most)
{
    key_table_t *self = xcalloc(1, sizeof *self);

    assert(most > 0);
    self->most = most;
    self->by_key = map_new();
    self->by_name = map_new();
    return self;
}

void
key_table_destroy(key_table_t **self_p)
{
    key_table_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        free(self->at[i]->name);
        free(self->at[i]);
    }
    free(self->at);
    map_destroy(&self->by_key);
    map_destroy(&self->by_name);
    free(self);
    *self_p = NULL;
}

int
key_table_may_add(const key_table_t *self, const struct key_entry *entry, int64_t now_ms)
{
    if (s_find(self, entry->key) != NULL)
        return -EEXIST;
    if (s_name_lives(self, entry->name, now_ms))
        return -EADDRINUSE;
    return s_room(self, now_ms) ? 0 : ERR_LIMIT;
}

int
key_table_add(key_table_t *self, const struct key_entry *entry, int64_t now_ms)
{
    const int rc = key_table_may_add(self, entry, now_ms);

    if (rc == 0)
        s_put(self, entry, now_ms);
    return rc;
}

int
key_table_may_rotate(const key_table_t *self, const uint8_t old[ENROL_KEY_BYTES],
                     const uint8_t fresh[ENROL_KEY_BYTES])
{
    const struct held *held = s_find(self, old);

    if (held == NULL || held->entry.state != KEY_VALID)
        return ERR_UNKNOWN;
    return s_find(self, fresh) != NULL ? -EEXIST : 0;
}

int
key_table_rotate(key_table_t *self, const uint8_t old[ENROL_KEY_BYTES],
                 const uint8_t fresh[ENROL_KEY_BYTES], int64_t now_ms, int64_t until_ms)
{
    struct held *before = s_find(self, old);
    struct key_entry entry;
    int rc = key_table_may_rotate(self, old, fresh);

    if (rc < 0)
        return rc;
    entry = before->entry;
    memcpy(entry.key, fresh, sizeof entry.key);
    memset(entry.token, 0, sizeof entry.token);
    entry.since_ms = now_ms;
    for (struct held *held = map_get(self->by_name, entry.name, strlen(entry.name)); held != NULL;
         held = held->older) {
        if (held->entry.state == KEY_RETIRING && held->entry.until_ms > now_ms)
            held->entry.until_ms = now_ms;
    }
    before->entry.state = KEY_RETIRING;
    before->entry.until_ms = until_ms;
    s_put(self, &entry, now_ms);
    return 0;
}

void
key_table_restore(key_table_t *self, const struct key_entry *entry)
{
    struct key_entry *put;

    if (s_find(self, entry->key) != NULL)
        return;
    put = s_put(self, entry, entry->since_ms);
    put->state = entry->state;
    put->until_ms = entry->until_ms;
}

size_t
key_table_revoke(key_table_t *self, const char *name, int64_t now_ms)
{
    size_t n = 0;

    for (struct held *held = map_get(self->by_name, name, strlen(name)); held != NULL;
         held = held->older) {
        if (!key_entry_lives(&held->entry, now_ms))
            continue;
        held->entry.state = KEY_REVOKED;
        held->entry.until_ms = 0;
        n++;
    }
    return n;
}

const struct key_entry *
key_table_get(const key_table_t *self, const uint8_t key[ENROL_KEY_BYTES])
{
    const struct held *held = s_find(self, key);

    return held != NULL ? &held->entry : NULL;
}

void
key_table_seen(key_table_t *self, const uint8_t key[ENROL_KEY_BYTES], int64_t now_ms)
{
    struct held *held = s_find(self, key);

    if (held != NULL)
        held->entry.seen_ms = now_ms;
}

const struct key_entry *
key_table_next(const key_table_t *self, uint64_t after)
{
    size_t low = 0, high = self->n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (self->at[middle]->entry.serial > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low < self->n ? &self->at[low]->entry : NULL;
}

size_t
key_table_readers_gone(const key_table_t *self, int64_t now_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < self->n; i++)
        n += self->at[i]->entry.role != ROLE_AGENT && !key_entry_lives(&self->at[i]->entry, now_ms);
    return n;
}

size_t
key_table_count(const key_table_t *self)
{
    return self->n;
}

enum key_state
key_entry_state(const struct key_entry *entry, int64_t now_ms)
{
    if (entry->state == KEY_RETIRING && now_ms >= entry->until_ms)
        return KEY_RETIRED;
    return entry->state;
}

bool
key_entry_lives(const struct key_entry *entry, int64_t now_ms)
{
    const enum key_state state = key_entry_state(entry, now_ms);

    return state == KEY_VALID || state == KEY_RETIRING;
}

static struct held *
s_find(const key_table_t *self, const uint8_t key[ENROL_KEY_BYTES])
{
    return map_get(self->by_key, key, ENROL_KEY_BYTES);
}

static bool
s_name_lives(const key_table_t *self, const char *name, int64_t now_ms)
{
    for (const struct held *held = map_get(self->by_name, name, strlen(name)); held != NULL;
         held = held->older) {
        if (key_entry_lives(&held->entry, now_ms))
            return true;
    }
    return false;
}

static bool
s_room(const key_table_t *self, int64_t now_ms)
{
    if (self->n < self->most)
        return true;
    for (size_t i = 0; i < self->n; i++) {
        if (!key_entry_lives(&self->at[i]->entry, now_ms))
            return true;
    }
    return false;
}

static void
s_make_room(key_table_t *self, int64_t now_ms)
{
    for (size_t i = 0; self->n >= self->most && i < self->n; i++) {
        if (!key_entry_lives(&self->at[i]->entry, now_ms)) {
            s_forget(self, i);
            return;
        }
    }
}

static struct key_entry *
s_put(key_table_t *self, const struct key_entry *entry, int64_t now_ms)
{
    struct held *held = xcalloc(1, sizeof *held);

    held->entry = *entry;
    held->name = xstrdup(entry->name);
    held->entry.name = held->name;
    held->entry.state = KEY_VALID;
    held->entry.until_ms = 0;
    held->entry.seen_ms = 0;
    held->entry.serial = ++self->serial;
    s_make_room(self, now_ms);
    if (self->n == self->size) {
        self->size = self->size > 0 ? 2 * self->size : 16;
        self->at = xrealloc(self->at, self->size, sizeof(void *));
    }
    self->at[self->n++] = held;
    map_put(self->by_key, held->entry.key, ENROL_KEY_BYTES, held);
    held->older = map_put(self->by_name, held->name, strlen(held->name), held);
    return &held->entry;
}

static void
s_forget(key_table_t *self, size_t i)
{
    struct held *held = self->at[i];
    struct held *newest = map_get(self->by_name, held->name, strlen(held->name));

    if (newest == held && held->older == NULL)
        map_remove(self->by_name, held->name, strlen(held->name));
    else if (newest == held)
        map_put(self->by_name, held->name, strlen(held->name), held->older);
    for (struct held *other = newest; other != NULL; other = other->older) {
        if (other->older == held)
            other->older = held->older;
    }
    map_remove(self->by_key, held->entry.key, ENROL_KEY_BYTES);
    memmove(&self->at[i], &self->at[i + 1], (self->n - i - 1) * sizeof(void *));
    self->n--;
    free(held->name);
    free(held);
}

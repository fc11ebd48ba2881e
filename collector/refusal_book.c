// refusal_book - see the header. Entries stand in the order in which they were first made: a few
// hundred, looked through once for a HELLO.

#include "collector/refusal_book.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/base/xalloc.h"

struct refusal_book {
    pthread_mutex_t lock;
    size_t n;
    struct query_away at[REFUSAL_BOOK_MOST];
};

static void s_drop(refusal_book_t *self, size_t i);
static void s_make_room(refusal_book_t *self, int64_t now_ms);
static bool s_same(const struct query_away *a, const struct query_away *b);

refusal_book_t *
refusal_book_new(void)
{
    refusal_book_t *self = xcalloc(1, sizeof *self);

    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
refusal_book_destroy(refusal_book_t **self_p)
{
    if (*self_p == NULL)
        return;
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void
refusal_text(char *into, size_t size, const char *at, size_t len)
{
    size_t n = 0, more;

    while (n < len && (more = str_utf8_len(at + n, len - n)) > 0 && n + more < size)
        n += more;
    memcpy(into, at, n);
    into[n] = '\0';
}

void
refusal_book_add(refusal_book_t *self, const struct query_away *refused, int64_t now_ms)
{
    struct query_away *entry = NULL;

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n && entry == NULL; i++)
        entry = s_same(&self->at[i], refused) ? &self->at[i] : NULL;
    if (entry == NULL) {
        s_make_room(self, now_ms);
        entry = &self->at[self->n++];
        *entry = *refused;
        entry->first_ms = now_ms;
        entry->times = 0;
    }
    // It may have moved, or been started anew.
    if (refused->address[0] != '\0') // a door that was shut does not say where from
        memcpy(entry->address, refused->address, sizeof entry->address);
    entry->nonce = refused->nonce;
    entry->last_ms = now_ms;
    entry->times++;
    pthread_mutex_unlock(&self->lock);
}

void
refusal_book_welcome(refusal_book_t *self, uint64_t host, uint64_t nonce, const char *name)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = self->n; i-- > 0;) {
        const struct query_away *entry = &self->at[i];

        if (entry->cause == AWAY_REVOKED ? strcmp(entry->name, name) == 0
                                         : entry->host == host && entry->nonce == nonce)
            s_drop(self, i);
    }
    pthread_mutex_unlock(&self->lock);
}

size_t
refusal_book_list(refusal_book_t *self, struct query_away *ret, int64_t now_ms)
{
    size_t n = 0;

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n; i++)
        if (now_ms - self->at[i].last_ms < REFUSAL_BOOK_MS)
            ret[n++] = self->at[i];
    pthread_mutex_unlock(&self->lock);
    return n;
}

static void
s_drop(refusal_book_t *self, size_t i)
{
    memmove(&self->at[i], &self->at[i + 1], (self->n - i - 1) * sizeof self->at[0]);
    self->n--;
}

static void
s_make_room(refusal_book_t *self, int64_t now_ms)
{
    size_t least = 0;

    for (size_t i = self->n; i-- > 0;)
        if (now_ms - self->at[i].last_ms >= REFUSAL_BOOK_MS)
            s_drop(self, i);
    if (self->n < REFUSAL_BOOK_MOST)
        return;
    for (size_t i = 1; i < self->n; i++)
        if (self->at[i].last_ms < self->at[least].last_ms)
            least = i;
    s_drop(self, least);
}

// An agent that is sent away for the same cause. The connections of a revoked key are one: a
// handshake tells no more than the key.
static bool
s_same(const struct query_away *a, const struct query_away *b)
{
    if (a->cause != b->cause || strcmp(a->name, b->name) != 0)
        return false;
    return a->cause == AWAY_REVOKED || a->host == b->host;
}

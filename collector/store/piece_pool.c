// piece_pool - see the header.

#include "collector/store/piece_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "shared/base/xalloc.h"

// Free pieces are kept up to this many; more go back to the allocator.
#define KEPT_MOST 4096u

struct piece_pool {
    pthread_mutex_t lock; // over all that follows
    struct piece *free;
    uint32_t n_free;
    uint64_t out; // pieces
};

piece_pool_t *
piece_pool_new(void)
{
    piece_pool_t *self = xcalloc(1, sizeof *self);

    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
piece_pool_destroy(piece_pool_t **self_p)
{
    piece_pool_t *self = *self_p;

    if (self == NULL)
        return;
    assert(self->out == 0);
    for (struct piece *piece = self->free, *next; piece != NULL; piece = next) {
        next = piece->next;
        free(piece);
    }
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

struct piece *
piece_pool_take(piece_pool_t *self)
{
    struct piece *piece;

    pthread_mutex_lock(&self->lock);
    self->out++;
    piece = self->free;
    if (piece != NULL) {
        self->free = piece->next;
        self->n_free--;
    }
    pthread_mutex_unlock(&self->lock);
    if (piece == NULL)
        piece = xmalloc(sizeof *piece);
    piece->next = NULL;
    return piece;
}

void
piece_pool_give(piece_pool_t *self, struct piece *chain)
{
    struct piece *surplus = NULL;

    pthread_mutex_lock(&self->lock);
    for (struct piece *next; chain != NULL; chain = next) {
        struct piece **to = self->n_free < KEPT_MOST ? &self->free : &surplus;

        next = chain->next;
        chain->next = *to;
        *to = chain;
        self->n_free += to == &self->free;
        self->out--;
    }
    pthread_mutex_unlock(&self->lock);
    for (struct piece *next; surplus != NULL; surplus = next) {
        next = surplus->next;
        free(surplus);
    }
}

uint64_t
piece_pool_bytes(piece_pool_t *self)
{
    uint64_t out;

    pthread_mutex_lock(&self->lock);
    out = self->out;
    pthread_mutex_unlock(&self->lock);
    return out * sizeof(struct piece);
}

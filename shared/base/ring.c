// ring - a bounded queue of pointers between two of our threads, with an eventfd.

#include "shared/base/ring.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/base/xalloc.h"

struct ring {
    pthread_mutex_t lock; // of all below but fd
    void **items;         // a circle of `size`
    size_t size;          // most it holds
    size_t first;         // index of the oldest
    size_t count;         // held now
    int fd;               // eventfd, raised when the ring stops being empty
};

int
ring_new(ring_t **ret, size_t most)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring_t *self;

    assert(most > 0);
    if (fd == -1)
        return -errno;
    self = xcalloc(1, sizeof *self);
    self->items = xcalloc(most, sizeof *self->items);
    self->size = most;
    self->fd = fd;
    pthread_mutex_init(&self->lock, NULL);
    *ret = self;
    return 0;
}

void
ring_destroy(ring_t **self_p)
{
    ring_t *self = *self_p;

    if (self == NULL)
        return;
    close(self->fd);
    pthread_mutex_destroy(&self->lock);
    free(self->items);
    free(self);
    *self_p = NULL;
}

bool
ring_push(ring_t *self, void *item)
{
    bool fits, was_empty;

    assert(item != NULL);
    pthread_mutex_lock(&self->lock);
    was_empty = self->count == 0;
    fits = self->count < self->size;
    if (fits)
        self->items[(self->first + self->count++) % self->size] = item;
    pthread_mutex_unlock(&self->lock);

    // While it was not empty the popper has yet to see NULL, so it will see this item too: one
    // wake a burst is enough. The write can fail only at 2^64 unread wakes.
    if (fits && was_empty)
        (void) !eventfd_write(self->fd, 1);
    return fits;
}

void *
ring_pop(ring_t *self)
{
    void *item = NULL;

    pthread_mutex_lock(&self->lock);
    if (self->count > 0) {
        item = self->items[self->first];
        self->first = (self->first + 1) % self->size;
        self->count--;
    }
    pthread_mutex_unlock(&self->lock);
    return item;
}

int
ring_fd(const ring_t *self)
{
    return self->fd;
}

void
ring_ack(ring_t *self)
{
    eventfd_t wakes;

    (void) !eventfd_read(self->fd, &wakes); // fails when it was not raised: that is fine
}

size_t
ring_count(ring_t *self)
{
    size_t count;

    pthread_mutex_lock(&self->lock);
    count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}

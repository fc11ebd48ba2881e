// ring - a bounded queue of pointers between two of our threads, with an eventfd.
//
// In:     pointers whose ownership moves with them.
// Out:    the same, in order.
// Thread: any may push, one pops. A mutex, so thread sanitizers see the hand-over.
// Loss:   none; a full ring refuses and the caller decides.

#ifndef SHARED_BASE_RING_H
#define SHARED_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ring ring_t;

// 0, or -errno of eventfd(2). Holds at most `most` pointers, 1 or more.
int ring_new(ring_t **ret, size_t most);
// The ring must be empty, or the caller has no use for what is in it.
void ring_destroy(ring_t **self_p);
// False if it is full: the pointer stays the caller's.
bool ring_push(ring_t *self, void *item);
// The oldest, or NULL if it is empty.
void *ring_pop(ring_t *self);
// Readable while it may hold something; level triggered. Clear it with ring_ack before popping
// until NULL.
int ring_fd(const ring_t *self);
void ring_ack(ring_t *self);
size_t ring_count(ring_t *self);

#endif

// head_ring - the newest samples of one series, oldest overwritten first.
//
// Times rise strictly; a time stands once. Sizes are steps, so that a ring is either one of the
// seven or not there: HEAD_RING_STEPS.
// Thread: one owner, or under the owner's lock.

#ifndef COLLECTOR_STORE_HEAD_RING_H
#define COLLECTOR_STORE_HEAD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/sample.h"

// Zero is a ring of no room. Holds memory: head_ring_release.
struct head_ring {
    struct sample *at; // `size` of them
    uint32_t size;     // head_ring_size(step)
    uint32_t first;    // place of the oldest
    uint32_t count;    // held
    bool lossy;        // it has given up samples
    int64_t lost_ms;   // if so, the latest time of them
};

enum head_put {
    HEAD_PUT_NEW,      // it stands now
    HEAD_PUT_SAME,     // it stood already
    HEAD_PUT_CONFLICT, // another value stands at this time, and goes on to
    HEAD_PUT_LATE,     // older than the oldest, and no room before it
};

#define HEAD_RING_STEPS 7u

// Samples of a ring of this step, 0 to HEAD_RING_STEPS - 1: 64 doubling to 2048, then an hour of
// seconds.
uint32_t head_ring_size(unsigned step);
size_t head_ring_bytes(unsigned step);

// The first time from which on it holds all that it was given.
int64_t head_ring_whole_ms(const struct head_ring *ring);
// To the size of `step`; the newest that fit stay.
void head_ring_resize(struct head_ring *ring, unsigned step);
void head_ring_release(struct head_ring *ring);
// In its place by time. A full ring gives up its oldest for a newer one. Cost: constant for the
// newest time, else a search and a shift of what is newer.
enum head_put head_ring_put(struct head_ring *ring, int64_t time_ms, double value);
// The i-th oldest, below count.
const struct sample *head_ring_get(const struct head_ring *ring, uint32_t i);
// How many are older than time_ms.
uint32_t head_ring_before(const struct head_ring *ring, int64_t time_ms);
// Copies `n` from the i-th oldest on.
void head_ring_copy(const struct head_ring *ring, uint32_t i, uint32_t n, struct sample *out);

#endif

// head_ring - the newest samples of one series, oldest overwritten first.

#include "collector/store/head_ring.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/base/xalloc.h"

static const uint32_t s_sizes[HEAD_RING_STEPS] = { 64, 128, 256, 512, 1024, 2048, 3600 };

static struct sample *s_at(const struct head_ring *ring, uint32_t i);
static enum head_put s_insert(struct head_ring *ring, int64_t time_ms, double value);
static enum head_put s_compare(double stands, double value);
static void s_lose(struct head_ring *ring, int64_t time_ms);

uint32_t
head_ring_size(unsigned step)
{
    assert(step < HEAD_RING_STEPS);
    return s_sizes[step];
}

size_t
head_ring_bytes(unsigned step)
{
    return head_ring_size(step) * sizeof(struct sample);
}

void
head_ring_resize(struct head_ring *ring, unsigned step)
{
    uint32_t size = head_ring_size(step);
    uint32_t keep = ring->count < size ? ring->count : size;
    struct sample *at = xmalloc(size * sizeof *at);

    if (keep < ring->count)
        s_lose(ring, s_at(ring, ring->count - keep - 1)->time_ms);
    head_ring_copy(ring, ring->count - keep, keep, at);
    free(ring->at);
    ring->at = at;
    ring->size = size;
    ring->first = 0;
    ring->count = keep;
}

int64_t
head_ring_whole_ms(const struct head_ring *ring)
{
    if (!ring->lossy)
        return INT64_MIN;
    return ring->lost_ms < INT64_MAX ? ring->lost_ms + 1 : INT64_MAX;
}

void
head_ring_release(struct head_ring *ring)
{
    free(ring->at);
    *ring = (struct head_ring){ 0 };
}

enum head_put
head_ring_put(struct head_ring *ring, int64_t time_ms, double value)
{
    assert(ring->size > 0);
    if (ring->count > 0 && s_at(ring, ring->count - 1)->time_ms >= time_ms)
        return s_insert(ring, time_ms, value);
    if (ring->count == ring->size) {
        s_lose(ring, s_at(ring, 0)->time_ms);
        ring->first = ring->first + 1 < ring->size ? ring->first + 1 : 0;
        ring->count--;
    }
    *s_at(ring, ring->count++) = (struct sample){ .time_ms = time_ms, .value = value };
    return HEAD_PUT_NEW;
}

const struct sample *
head_ring_get(const struct head_ring *ring, uint32_t i)
{
    assert(i < ring->count);
    return s_at(ring, i);
}

uint32_t
head_ring_before(const struct head_ring *ring, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = ring->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (s_at(ring, middle)->time_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
head_ring_copy(const struct head_ring *ring, uint32_t i, uint32_t n, struct sample *out)
{
    assert(i <= ring->count && n <= ring->count - i);
    for (uint32_t done = 0; done < n;) {
        const struct sample *from = s_at(ring, i + done);
        uint32_t run = ring->size - (uint32_t) (from - ring->at); // to the end of the memory

        if (run > n - done)
            run = n - done;
        memcpy(out + done, from, run * sizeof *out);
        done += run;
    }
}

// The i-th oldest: the memory is a circle that begins at `first`.
static struct sample *
s_at(const struct head_ring *ring, uint32_t i)
{
    uint32_t place = ring->first + i;

    return &ring->at[place < ring->size ? place : place - ring->size];
}

// A time that is not the newest: an agent whose clock was set back interleaves, and a backlog
// comes late. Rare, so what is newer is simply moved by one.
static enum head_put
s_insert(struct head_ring *ring, int64_t time_ms, double value)
{
    uint32_t place = head_ring_before(ring, time_ms);
    const struct sample *there = s_at(ring, place);

    if (there->time_ms == time_ms)
        return s_compare(there->value, value);
    if (ring->count == ring->size) {
        s_lose(ring, place == 0 ? time_ms : s_at(ring, 0)->time_ms);
        if (place == 0)
            return HEAD_PUT_LATE;
        ring->first = ring->first + 1 < ring->size ? ring->first + 1 : 0;
        ring->count--;
        place--;
    }
    for (uint32_t i = ring->count; i > place; i--)
        *s_at(ring, i) = *s_at(ring, i - 1);
    *s_at(ring, place) = (struct sample){ .time_ms = time_ms, .value = value };
    ring->count++;
    return HEAD_PUT_NEW;
}

static void
s_lose(struct head_ring *ring, int64_t time_ms)
{
    if (!ring->lossy || time_ms > ring->lost_ms)
        ring->lost_ms = time_ms;
    ring->lossy = true;
}

// By bits: a stale mark is equal to itself, though it is a NaN.
static enum head_put
s_compare(double stands, double value)
{
    return sample_bits(stands) == sample_bits(value) ? HEAD_PUT_SAME : HEAD_PUT_CONFLICT;
}

// app_pending - samples of applications that wait for the next tick.
//
// In:     a time, a slot and a cell each, in the order they came.
// Out:    at a tick, blocks by rising time, with no two samples of a slot at one time. What has a
//         time after the tick's goes as well: waiting for it here, it would be gone with the
//         process and in no ledger.
// Thread: one owner. Pure.
// Limits: none of its own; app_pending_count is for who has some. 40 bytes a sample.

#ifndef AGENT_APP_PENDING_H
#define AGENT_APP_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "agent/stream_writer.h"

typedef struct app_pending app_pending_t;

app_pending_t *app_pending_new(void);
void app_pending_destroy(app_pending_t **self_p);

// *charge_ret rises by one now, and falls by one when the sample is gone; it must live until then.
void app_pending_put(app_pending_t *self, int64_t time_ms, uint32_t slot, const struct cell *cell,
                     unsigned *charge_ret);
size_t app_pending_count(const app_pending_t *self);

// What became of those that were there at a take.
struct app_taken {
    const struct app_block *blocks; // of `self`, until the next take
    size_t n_blocks;
    unsigned conflicts; // dropped: an earlier one of that slot and time stands
    unsigned ahead;     // dropped: later than most_ms
};

// All samples; but those after most_ms are dropped: the clock has gone back since.
struct app_taken app_pending_take(app_pending_t *self, int64_t most_ms);

#endif

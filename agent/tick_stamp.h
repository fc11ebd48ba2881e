// tick_stamp - the times that ticks are stamped with: the wall clock's, and never one twice.
//
// In:     the clocks, as read at the tick.
// Out:    a stamp no other tick had; the step, where the wall clock has made one; how long the host
//         has slept, since that is no step: the clock that runs on in suspend tells.
// Limits: remembers the last TICK_STAMP_KEPT stamps exactly. A step back beyond them (more than an
//         hour at one tick a second) can only be kept apart by the ticks' phase, which the caller
//         moves on after each step back.
// Thread: one owner. Pure.

#ifndef AGENT_TICK_STAMP_H
#define AGENT_TICK_STAMP_H

#include <stdint.h>

#define TICK_STAMP_KEPT 4096u
// Slewing moves all clocks alike, so what is not a step is only the time that passes between
// reading them.
#define TICK_STAMP_STEP_MS 100

typedef struct tick_stamp tick_stamp_t;

struct tick_clocks {
    int64_t real_ms; // since the epoch
    int64_t mono_ms; // stands still in suspend
    int64_t boot_ms; // runs on in it
};

// What the clocks did since the tick before.
struct tick_jump {
    int64_t step_ms;  // by how far the wall clock has jumped; 0 if it has not
    int64_t slept_ms; // for how long the host was suspended; 0 if it was not
};

tick_stamp_t *tick_stamp_new(void);
void tick_stamp_destroy(tick_stamp_t **self_p);
int64_t tick_stamp_next(tick_stamp_t *self, struct tick_clocks now, struct tick_jump *ret);

#endif

// tick_stamp - the times that ticks are stamped with: the wall clock's, and never one twice.
//
// In:     the wall clock and the monotonic one, as read at the tick.
// Out:    a stamp no other tick had; the step, where the wall clock has made one.
// Limits: remembers the last TICK_STAMP_KEPT stamps exactly. A step back beyond them (more than an
//         hour at one tick a second) can only be kept apart by the ticks' phase, which the caller
//         moves on after each step back.
// Thread: one owner. Pure.

#ifndef AGENT_TICK_STAMP_H
#define AGENT_TICK_STAMP_H

#include <stdint.h>

#define TICK_STAMP_KEPT    4096u
#define TICK_STAMP_STEP_MS 500 // what the clocks may drift apart between two ticks is no step

typedef struct tick_stamp tick_stamp_t;

tick_stamp_t *tick_stamp_new(void);
void tick_stamp_destroy(tick_stamp_t **self_p);
// *step_ms_ret: how far the wall clock has jumped since the tick before, 0 if it has not.
int64_t tick_stamp_next(tick_stamp_t *self, int64_t real_ms, int64_t mono_ms, int64_t *step_ms_ret);

#endif

// clock_steps - what the agent tells of steps of the wall clock: an event each, and few of many.
//
// In:     steps as tick_stamp finds them; a clock that never steps.
// Out:    events of the kind "clock-step", see shared/wire/FORMAT.md.
// Limits: CLOCK_STEPS_BURST events at once, and one more every CLOCK_STEPS_EVERY_MS. Steps beyond
//         that are held and told together, as their sum and how many they were.
// Thread: one owner. Pure.
// Loss:   what is held when the process is killed.

#ifndef AGENT_CLOCK_STEPS_H
#define AGENT_CLOCK_STEPS_H

#include <stdint.h>

#include "shared/wire/host_event.h"

#define CLOCK_STEPS_BURST    8
#define CLOCK_STEPS_EVERY_MS 30000

typedef struct clock_steps clock_steps_t;

clock_steps_t *clock_steps_new(void);
void clock_steps_destroy(clock_steps_t **self_p);

// The wall clock has stepped by step_ms, not 0, and shows real_ms now.
void clock_steps_add(clock_steps_t *self, int64_t step_ms, int64_t real_ms);
// What is to be told now, ours until the next call; NULL: nothing.
const struct host_event *clock_steps_due(clock_steps_t *self, int64_t mono_ms);
// The same at the end, when nothing is held back any more.
const struct host_event *clock_steps_rest(clock_steps_t *self);

#endif

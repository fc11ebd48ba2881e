// tick_stamp - see the header.
//
// While the clock runs on, a stamp is above all before it and nothing is looked up. Only after a
// step back, until the clock has passed where it was, each stamp is compared with those that are
// kept.

#include "agent/tick_stamp.h"

#include <stdbool.h>
#include <stdlib.h>

#include "shared/base/xalloc.h"

struct tick_stamp {
    uint64_t n;                    // stamps given
    struct tick_clocks before;     // at the tick before
    int64_t highest;               // stamp ever given
    int64_t used[TICK_STAMP_KEPT]; // stamp i is at i % TICK_STAMP_KEPT
};

static bool s_was_used(const tick_stamp_t *self, int64_t stamp);

tick_stamp_t *
tick_stamp_new(void)
{
    return xcalloc(1, sizeof(tick_stamp_t));
}

void
tick_stamp_destroy(tick_stamp_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

int64_t
tick_stamp_next(tick_stamp_t *self, struct tick_clocks now, struct tick_jump *ret)
{
    const int64_t boot = now.boot_ms - self->before.boot_ms;
    const int64_t step = (now.real_ms - self->before.real_ms) - boot;
    const int64_t slept = boot - (now.mono_ms - self->before.mono_ms);
    int64_t stamp = now.real_ms;

    ret->step_ms = self->n > 0 && llabs(step) >= TICK_STAMP_STEP_MS ? step : 0;
    ret->slept_ms = self->n > 0 && slept >= TICK_STAMP_STEP_MS ? slept : 0;
    self->before = now;
    while (s_was_used(self, stamp))
        stamp++;
    self->used[self->n++ % TICK_STAMP_KEPT] = stamp;
    if (self->n == 1 || stamp > self->highest)
        self->highest = stamp;
    return stamp;
}

// Walks the list only while the clock is behind where it has been.
static bool
s_was_used(const tick_stamp_t *self, int64_t stamp)
{
    const uint64_t kept = self->n < TICK_STAMP_KEPT ? self->n : TICK_STAMP_KEPT;

    if (self->n == 0 || stamp > self->highest)
        return false;
    for (uint64_t i = 0; i < kept; i++)
        if (self->used[i] == stamp)
            return true;
    return false;
}

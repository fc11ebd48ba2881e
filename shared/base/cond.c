// cond - see the header.

#include "shared/base/cond.h"

#include <time.h>

void
cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t by;

    pthread_condattr_init(&by);
    pthread_condattr_setclock(&by, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &by);
    pthread_condattr_destroy(&by);
}

int
cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ms)
{
    const struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };

    return pthread_cond_timedwait(cond, lock, &at);
}

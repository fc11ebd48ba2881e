// cond - conditions whose deadlines are of the monotonic clock, as clock_mono_ms has it: a step of
// the wall clock neither ends a wait nor makes it longer.
//
// Source: pthread_condattr_setclock(3), pthread_cond_timedwait(3).

#ifndef SHARED_BASE_COND_H
#define SHARED_BASE_COND_H

#include <pthread.h>
#include <stdint.h>

void cond_init(pthread_cond_t *cond);
// Under the lock. 0, or ETIMEDOUT once it is that time; woken for nothing, it returns 0 as well.
int cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ms);

#endif

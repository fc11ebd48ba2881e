// ticker - when to sample: an absolute timer that does not drift, and the stamps of its ticks.
//
// In:     an interval, and a seed that spreads a fleet over it.
// Out:    a descriptor that is readable once a tick is due. Ticks that passed unseen are counted
//         and never made up.
// Source: timerfd_create(2), CLOCK_MONOTONIC.
// Thread: one owner.

#ifndef AGENT_TICKER_H
#define AGENT_TICKER_H

#include <stdint.h>

typedef struct ticker ticker_t;

// 0 and *ret, or -errno.
int ticker_open(ticker_t **ret, int64_t interval_ms, uint64_t seed);
void ticker_close(ticker_t **self_p);
int ticker_fd(const ticker_t *self);
// Ticks due since the last call: 0, 1, or more if some were missed.
uint64_t ticker_read(ticker_t *self);
// Moves all further ticks by `ms` within the interval: 0 or -errno.
int ticker_shift(ticker_t *self, int64_t ms);

// The first time after now_ns that is phase_ns beyond a multiple of interval_ns.
int64_t ticker_first_ns(int64_t now_ns, int64_t interval_ns, int64_t phase_ns);

#endif

// delivery_rate - how many bytes may go now, so that it is never more than so many a second.
//
// In:     the rate, the time, what was sent.
// Out:    whether something may be sent, and when. What is sent may be larger than what is left:
//         that is owed, and waited for.
// Bursts: what is used up is not given out again byte by byte: each record would be a commit of its
//         own to the collector. It is waited until a quarter of what can be saved is there.
// Limits: who had nothing to send has saved the bytes of an eighth of a second, at most
//         DELIVERY_RATE_SAVED_MOST: a low rate is a low rate from the first byte on.
// Thread: delivery's. Inner to it. Pure. A value: delivery_rate_init.

#ifndef AGENT_DELIVERY_RATE_H
#define AGENT_DELIVERY_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELIVERY_RATE_SAVED_MOST (128 * 1024)

struct delivery_rate {
    uint64_t per_s;  // bytes
    int64_t left;    // bytes that may go now; below zero: owed
    int64_t last_ms; // when they were counted; 0: never
    bool used_up;    // and not yet enough again
};

void delivery_rate_init(struct delivery_rate *self, uint64_t per_s);
void delivery_rate_turn(struct delivery_rate *self, int64_t now_ms);
bool delivery_rate_allows(const struct delivery_rate *self);
void delivery_rate_spend(struct delivery_rate *self, size_t bytes);
// Until it allows something, 1 or more.
int64_t delivery_rate_wait_ms(const struct delivery_rate *self);

#endif

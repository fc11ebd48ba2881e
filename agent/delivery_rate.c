// delivery_rate - see the header.

#include "agent/delivery_rate.h"

#define SAVED_SHARE 8u // of a second
#define BURST_SHARE 4  // of that

static int64_t
s_most(const struct delivery_rate *self)
{
    const uint64_t most = self->per_s / SAVED_SHARE;

    return most < DELIVERY_RATE_SAVED_MOST ? (int64_t) most + 1 : DELIVERY_RATE_SAVED_MOST;
}

void
delivery_rate_init(struct delivery_rate *self, uint64_t per_s)
{
    *self = (struct delivery_rate){ .per_s = per_s };
    self->left = s_most(self);
}

void
delivery_rate_turn(struct delivery_rate *self, int64_t now_ms)
{
    const int64_t ms = now_ms - self->last_ms;

    if (self->last_ms != 0 && ms > 0) {
        const double more = (double) self->per_s * (double) ms / 1000;
        const int64_t room = s_most(self) - self->left;

        self->left += more < (double) room ? (int64_t) more : room;
    }
    if (ms > 0 || self->last_ms == 0)
        self->last_ms = now_ms;
    if (self->left > s_most(self) / BURST_SHARE)
        self->used_up = false;
}

bool
delivery_rate_allows(const struct delivery_rate *self)
{
    return !self->used_up;
}

void
delivery_rate_spend(struct delivery_rate *self, size_t bytes)
{
    self->left -= (int64_t) bytes;
    self->used_up = self->left <= 0;
}

int64_t
delivery_rate_wait_ms(const struct delivery_rate *self)
{
    const int64_t lacks = s_most(self) / BURST_SHARE + 1 - self->left;

    return lacks > 0 ? 1 + (int64_t) ((double) lacks * 1000 / (double) self->per_s) : 1;
}

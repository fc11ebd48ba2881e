// agent_limit - see the header.

#include "collector/agent_limit.h"

#include <string.h>

#define MINUTE_MS 60000
#define AHEAD_MS  (10 * MINUTE_MS) // what is later is refused for its time, and moves no budget

static uint32_t s_minute(struct agent_minutes *self, int64_t minute);
static void s_refill(struct agent_budget *b, uint32_t rate, int64_t t0_ms, struct host_time now);

const struct agent_limits agent_limits_default = { .series = AGENT_SERIES,
                                                   .new_series = AGENT_NEW_SERIES,
                                                   .samples = AGENT_SAMPLES,
                                                   .label_bytes = AGENT_LABEL_BYTES,
                                                   .frame_bytes = AGENT_FRAME_BYTES };

bool
agent_limit_labels(const struct agent_limits *most, const struct label_set *labels)
{
    size_t bytes = 0;

    for (size_t i = 0; i < labels->count; i++)
        bytes += strlen(labels->at[i].name) + strlen(labels->at[i].value);
    return bytes > most->label_bytes;
}

bool
agent_minutes_take(struct agent_minutes *self, uint32_t most, int64_t time_ms, int64_t *minute_ret,
                   uint32_t *made_ret)
{
    const int64_t minute = time_ms / MINUTE_MS;
    const uint32_t at = s_minute(self, minute);

    *minute_ret = minute;
    *made_ret = self->at[at].made;
    if (self->at[at].made >= most)
        return false;
    *made_ret = ++self->at[at].made;
    return true;
}

void
agent_minutes_restore(struct agent_minutes *self, int64_t minute, uint32_t made)
{
    const uint32_t at = s_minute(self, minute);

    // Streams of one host say what they knew when: the latest of them knew most.
    if (made > self->at[at].made)
        self->at[at].made = made;
}

// The place of this minute, made anew in that of the one used longest ago.
static uint32_t
s_minute(struct agent_minutes *self, int64_t minute)
{
    uint32_t oldest = 0;

    self->turn++;
    for (uint32_t i = 0; i < AGENT_MINUTES; i++) {
        if (self->at[i].used != 0 && self->at[i].minute == minute) {
            self->at[i].used = self->turn;
            return i;
        }
        if (self->at[i].used < self->at[oldest].used)
            oldest = i;
    }
    self->at[oldest].minute = minute;
    self->at[oldest].made = 0;
    self->at[oldest].used = self->turn;
    return oldest;
}

struct record_share
agent_rate_take(struct agent_rate *self, const struct agent_limits *most, uint8_t flags,
                const struct record *record, size_t len, struct host_time now)
{
    const bool values = record->type == RECORD_KEY || record->type == RECORD_DELTA;
    const bool names = record->type == RECORD_TABLE || record->type == RECORD_DEF;
    struct agent_budget *b = (flags & FRAME_BACKLOG) != 0 ? &self->late : &self->live;
    struct record_share share = { 0 };

    // What an operator imports was asked for.
    if ((flags & FRAME_IMPORT) != 0 || (!values && !names))
        return share;
    if (len > most->frame_bytes)
        return (struct record_share){ .limit = LIMIT_FRAME_BYTES };
    if (!values || record->count == 0)
        return share;
    s_refill(b, most->samples, record->t0_ms, now);
    if (b->left >= (int64_t) record->count * 1000) {
        b->left -= (int64_t) record->count * 1000;
        return share;
    }
    share = (struct record_share){ LIMIT_SAMPLES, (uint32_t) (b->left / 1000) };
    b->left %= 1000;
    return share;
}

static void
s_refill(struct agent_budget *b, uint32_t rate, int64_t t0_ms, struct host_time now)
{
    const int64_t most = (int64_t) rate * AGENT_BURST_S * 1000;
    const bool sane = t0_ms <= now.real_ms + AHEAD_MS;
    // Differences of a stranger's times wrap, and are cut to what matters.
    uint64_t passed_ms = (uint64_t) now.mono_ms - (uint64_t) b->came_ms;

    if (!b->begun)
        passed_ms = AGENT_BURST_S * 1000;
    else if (sane && t0_ms > b->to_ms)
        passed_ms = (uint64_t) t0_ms - (uint64_t) b->to_ms;
    if (passed_ms > AGENT_BURST_S * 1000)
        passed_ms = AGENT_BURST_S * 1000;
    b->left += (int64_t) passed_ms * rate;
    if (b->left > most)
        b->left = most;
    if (sane && (!b->begun || t0_ms > b->to_ms))
        b->to_ms = t0_ms;
    b->begun = true;
    b->came_ms = now.mono_ms;
}

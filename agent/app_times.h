// app_times - when a series of an application had samples, and when it counts as silent.
//
// In:     the time of each sample, and the monotonic time at which it came.
// Out:    whether a time is taken; the next free one; whether it is silent.
// Limits: taken times are known exactly above the newest and among the last APP_TIMES_KEPT; a copy
//         of an older one is for the collector to see.
// Thread: one owner. Pure. A value: zero is a series without samples.

#ifndef AGENT_APP_TIMES_H
#define AGENT_APP_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#define APP_TIMES_KEPT      8u
#define APP_SILENCE_LEAST   5000   // ms
#define APP_SILENCE_MOST    300000 // ms
#define APP_SILENCE_OF      3      // of its own intervals
#define APP_ARRIVAL_MOST_MS 1000   // how far an arrival may be moved on

struct app_times {
    uint64_t n; // samples noted
    int64_t newest_ms;
    int64_t last_ms[APP_TIMES_KEPT]; // sample i is at i % APP_TIMES_KEPT
    int64_t arrival_ms;              // the last that was an arrival's; 0: none was
    int64_t heard_ms;                // monotonic, of the last sample
    int64_t interval_ms;             // its own, as far as is known; 0 before the second sample
    bool alive;                      // has had a sample since its last stale mark
};

// Whether the series has a sample at this time.
bool app_times_has(const struct app_times *t, int64_t time_ms);
// The first time from now on that an arrival may stand at. After a step back of the clock that is
// now, and not where the clock has been.
int64_t app_times_arrival(const struct app_times *t, int64_t now_ms);
void app_times_note(struct app_times *t, int64_t time_ms, bool is_arrival, int64_t mono_ms);
// It had samples and they have ceased; true until app_times_end.
bool app_times_is_silent(const struct app_times *t, int64_t mono_ms);
// The stale mark has this time.
void app_times_end(struct app_times *t, int64_t time_ms);

#endif

// app_series - the numbers of applications as series: who they are of, when, and until when.
//
// In:     messages as app_json read them, with the endpoint they came by.
// Out:    at each tick the samples since the one before, at their own times, as blocks for the
//         stream, and the first of an application at once; zpulse_agent_app_* counters.
// Names:  job="app"; app is the message's colour, "unnamed" where it has none, and the endpoint of
//         a bare number; color is there only where the message had one.
// Times:  the message's own, else that of its arrival, moved on by a millisecond where the series
//         has a sample then. A time given twice is a conflict: the first sample stands. More than
//         APP_AHEAD_MS ahead or APP_OLD_MS old is refused.
// Silence: 3 of its own intervals, but 5 s at least and 5 min at most, end a series by one stale
//         mark. It comes back in the slot it had.
// Limits: APP_MOST applications at once (one that was silent for an hour makes room), what app_json
//         allows of numbers each, APP_SLOTS_MOST series ever; APP_MESSAGES messages of an
//         application a second (a tick, where that is shorter), and APP_SAMPLES_SHARED samples of
//         all of them a tick, of which none needs more than APP_ASSURED messages' worth. What is
//         beyond is counted, and said with its name once a minute.
// Thread: one owner, the table's; own_series_init comes before.

#ifndef AGENT_APP_SERIES_H
#define AGENT_APP_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/app_json.h"
#include "agent/app_pending.h"
#include "agent/series_table.h"

#define APP_MOST           256
#define APP_SLOTS_MOST     8192u // so many, that the host's own series always find room
#define APP_MESSAGES       100   // a second, or a tick if that is shorter
#define APP_ASSURED        4     // messages a tick, whatever others send
#define APP_SAMPLES        2048  // that wait, of one application
#define APP_SAMPLES_SHARED 8192  // that wait; beyond, only messages that are assured are taken
#define APP_SAMPLES_MOST   24576 // that wait, whatever they are
#define APP_AHEAD_MS       600000
#define APP_OLD_MS         3600000

typedef struct app_series app_series_t;

// Both clocks, as read together.
struct app_now {
    int64_t real_ms;
    int64_t mono_ms;
};

// `table` is borrowed for as long as it lives. Ticks come each interval_ms.
app_series_t *app_series_new(series_table_t *table, int64_t interval_ms);
void app_series_destroy(app_series_t **self_p);

// Takes what the message says, or counts why not.
void app_series_put(app_series_t *self, const struct app_message *message, const char *endpoint,
                    struct app_now now);

// Between series_table_begin and series_table_end: the counters that have an application's name.
void app_series_sample(app_series_t *self);
// The agent has listened to nobody for so long, just now: what was sent is still to be read.
void app_series_hung(app_series_t *self, int64_t ms);
// The tick at tick_ms: marks of those that are silent, and new shares for all.
void app_series_tick(app_series_t *self, int64_t tick_ms, int64_t mono_ms);
// True from the first sample of an application that was silent or is new until the next take: what
// should not wait for its tick.
bool app_series_is_urgent(const app_series_t *self);
// All that waits, also what is ahead of now_ms. The blocks are valid until the next call.
const struct app_block *app_series_take(app_series_t *self, size_t *n_ret, int64_t now_ms);

#endif

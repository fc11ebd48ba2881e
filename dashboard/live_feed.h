// live_feed - one host's live numbers: subscription and history joined without a seam.
//
// In:     messages of the topics m/<host> and a/<host>; the answer to a SELECT of the last minutes;
//         a clock.
// Out:    a window of columns that ends with the newest row, and what is to be done now.
// Order:  table -> window -> live. Rows that come before `live` are kept. The window is asked for
//         after the table came (the subscription then stands), and says `upto`: kept rows at or
//         before it are dropped, by their number, the others follow, by their pubseq.
//         A hole in pubseq, an unknown table, a new epoch: back, and the window is asked again.
// Thread: one owner. Pure: no sockets, no clocks.
// Rows:   the host's ticks, m/; what a/ tells of applications waits for the next one. A host
//         without ticks has the rows of its applications.
// Loss:   a row older than the newest one is left out here (history has it); after several of them
//         in a row the host's clock was set back, and the window is asked as of then.

#ifndef DASHBOARD_LIVE_FEED_H
#define DASHBOARD_LIVE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/host_facts.h"
#include "dashboard/live_answer.h"
#include "dashboard/view.h"
#include "dashboard/view_window.h"

struct query_series;

#define LIVE_FEED_WINDOW_MS (5 * 60 * 1000)

typedef struct live_feed live_feed_t;

// What the caller is to do, as bits.
enum live_action {
    LIVE_ASK_TABLE = 1,  // ask the collector to publish the table again
    LIVE_ASK_WINDOW = 2, // send a SELECT as live_feed_ask says
    LIVE_SNAP = 4,       // the window is new as a whole: tell everybody
    LIVE_TICK = 8,       // one row more stands at its end
};

struct live_ask {
    int64_t start_ms;
    int64_t end_ms;
};

struct live_feed_counters {
    uint64_t rejoins;   // windows asked again after the first one
    uint64_t late;      // rows left out as older than the newest
    uint64_t malformed; // messages that could not be read
};

// The interval is the host's, 1 or more. now_ms is a clock that never steps, here and below.
live_feed_t *live_feed_new(int64_t interval_ms, int64_t now_ms);
void live_feed_destroy(live_feed_t **self_p);

// Each returns what is to be done: bits of enum live_action.
// kind: of the topic, LIVE_HOST_ROWS or LIVE_APP_ROWS.
unsigned live_feed_message(live_feed_t *self, char kind, const void *at, size_t n, int64_t now_ms);
unsigned live_feed_answer(live_feed_t *self, const struct live_answer *answer, int64_t now_ms);
// Some times a second: asks again what was not answered.
unsigned live_feed_check(live_feed_t *self, int64_t now_ms);
unsigned live_feed_set_interval(live_feed_t *self, int64_t interval_ms, int64_t now_ms);

// Rows up to `to_ms` came late and are stored now.
unsigned live_feed_filled(live_feed_t *self, int64_t to_ms, int64_t now_ms);

// The window to ask for. newest_ms is the stamp of the host's newest sample as far as is known.
struct live_ask live_feed_ask(const live_feed_t *self, int64_t newest_ms);
// False until the first window has come.
bool live_feed_joined(const live_feed_t *self);
// Ours; they hold until the next call that returns actions.
const struct view_window *live_feed_window(const live_feed_t *self);
size_t live_feed_columns(const live_feed_t *self, const struct view_column **ret);
// What the window told of the host.
const struct host_facts *live_feed_facts(const live_feed_t *self);
int64_t live_feed_interval(const live_feed_t *self);
const struct live_feed_counters *live_feed_counters(const live_feed_t *self);

#endif

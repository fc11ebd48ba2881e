// live_answer - the past of one host, as the collector answered: what a live feed asks of it.
//
// In:     series of the host, each with samples of rising times.
// Out:    facts, the newest time, and what of it waits for the next tick.
// Thread: the feed's. Pure.

#ifndef DASHBOARD_LIVE_ANSWER_H
#define DASHBOARD_LIVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dashboard/host_facts.h"
#include "dashboard/live_kept.h"
#include "dashboard/view.h"
#include "shared/wire/query_msg.h"

// The answer to the SELECT that live_feed_ask tells of.
struct live_answer {
    uint64_t epoch;
    uint64_t upto;
    const struct query_series *series;
    size_t n;
};

// A series of it that is told at each tick has samples.
bool live_answer_has_ticks(const struct live_answer *answer);
// In place of what *ret holds.
void live_answer_facts(const struct live_answer *answer, struct host_facts *ret);
// Time of the newest sample before `before_ms` of the series that are told at each tick, or of
// `any`; INT64_MIN where there is none.
int64_t live_answer_newest(const struct live_answer *answer, int64_t before_ms, bool any);
// Samples of applications after that time go to *ret: how many of them had no room.
unsigned live_answer_pending(const struct live_answer *answer, view_t *view, int64_t after_ms,
                             struct live_pending *ret);

#endif

// fill_list - times of hosts that came late and are whole since a moment ago: for subscribers who
// were not there when it was told, after a cut or a start of the collector.
//
// In:     what is told, as it is told.
// Out:    the same again, for FILL_LIST_MS; told twice it does nobody harm.
// Limits: FILL_LIST_MOST, the newest.
// Thread: one owner. Pure.

#ifndef COLLECTOR_FILL_LIST_H
#define COLLECTOR_FILL_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "shared/wire/live.h"

#define FILL_LIST_MOST 64u
#define FILL_LIST_MS   60000

// Zero is an empty list.
struct fill_list {
    struct fill {
        struct live_filled filled;
        int64_t told_ms;  // monotonic
    } at[FILL_LIST_MOST]; // oldest first
    size_t n;
};

void fill_list_add(struct fill_list *list, const struct live_filled *filled, int64_t mono_ms);
// Forgets what was told too long ago. How many there are then.
size_t fill_list_trim(struct fill_list *list, int64_t mono_ms);

#endif

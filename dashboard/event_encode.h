// event_encode - the events of a stream as bytes: server-sent events with JSON in one line.
//
// In:     the state of one view.
// Out:    a new event, one reference for the caller, ready for the socket. See API.md.
// Source: WHATWG HTML, "Server-sent events".

#ifndef DASHBOARD_EVENT_ENCODE_H
#define DASHBOARD_EVENT_ENCODE_H

#include <stdint.h>

#include "dashboard/event_ring.h"
#include "dashboard/host_facts.h"
#include "dashboard/view.h"
#include "dashboard/view_window.h"
#include "shared/base/json.h"
#include "shared/wire/live.h"

#define EVENT_RETRY    "retry: 2000\n\n" // begins every stream
#define EVENT_COMMENT  ":\n\n"           // heartbeat
#define EVENT_BOOT_MAX 16
// Silence until a heartbeat: of a view's stream, and of the feed, whose readers know 15 s.
#define EVENT_HEARTBEAT_MS      10000
#define EVENT_FEED_HEARTBEAT_MS 15000

// What the events of a view have in common.
struct event_view {
    const char *boot; // of the dashboard's process
    const struct host_info *host;
    const struct view_column *columns;
    size_t n_columns;
    int64_t interval_ms;
    const struct host_facts *facts; // NULL: nothing is known
};

struct event *event_encode_hello(const char *boot, int64_t now_ms, int64_t interval_ms,
                                 unsigned max_streams);
// The last row of the window is the one of now; a window without rows has t 0.
struct event *event_encode_snap(const struct event_view *v, uint64_t seq,
                                const struct view_window *window);
struct event *event_encode_tick(const struct event_view *v, uint64_t seq, int64_t time_ms,
                                const double *row);
struct event *event_encode_host(const struct event_view *v, uint64_t seq, int64_t time_ms);
struct event *event_encode_filled(const struct event_view *v, uint64_t seq,
                                  const struct live_filled *filled);
struct event *event_encode_note(const struct event_view *v, uint64_t seq,
                                const struct host_event *note);
// What a reader missed, in the order of the ring, none of it a snapshot: the ticks, at least one,
// as one event with the id of the last; then the rest as it is, without ids.
struct event *event_encode_fill(struct event *const *missed, size_t n);
struct event *event_encode_skip(uint64_t n);
struct event *event_encode_bye(const char *why, int64_t retry_ms);

// Columns as an array of objects.
void event_encode_columns(struct json *j, const struct view_column *columns, size_t n);
// A number of a column as the stream and history write it: rounded to what its unit means.
void event_encode_number(struct json *j, double value, enum view_unit unit);

#endif

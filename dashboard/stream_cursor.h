// stream_cursor - where one reader stands in the events of its view, and what it gets next.
//
// Order:  hello -> (resumed: what it missed, its ticks as one fill) or (a snapshot) -> in order ->
//         too slow: skip{n} and a snapshot -> events in order ...
// Thread: one owner. Pure but for the ring.
// Loss:   a reader that the ring has passed, that is CURSOR_BEHIND_MAX bytes behind, or that stood
//         still for too long, loses what lies between and is told how many events that were.

#ifndef DASHBOARD_STREAM_CURSOR_H
#define DASHBOARD_STREAM_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "dashboard/event_ring.h"

#define CURSOR_BEHIND_MAX (256u * 1024u)

struct stream_cursor {
    event_ring_t *ring;     // counted
    uint64_t next;          // the event it wants; 0 before the first snapshot
    bool joined;            // goes on from `next`; else waits for a snapshot
    bool plain;             // events alone: no hello, no snapshots, no word on what is left out
    struct event *ahead[2]; // of this reader alone, before anything of the ring
};

// Takes the reference on hello, and one of its own on the ring. `resume` is the number of the last
// event that the reader has, 0 for none.
// A snapshot among what it missed is where it resumes: what came before that is of no use.
void stream_cursor_init(struct stream_cursor *c, event_ring_t *ring, struct event *hello,
                        uint64_t resume);
// From what comes next on: a reader that is too slow goes on with what comes next then.
void stream_cursor_init_plain(struct stream_cursor *c, event_ring_t *ring);
void stream_cursor_release(struct stream_cursor *c);

enum cursor_step {
    CURSOR_EVENT, // *ret is to be sent: one reference for the caller
    CURSOR_NONE,  // nothing now; more when the ring gets an event or a snapshot
    CURSOR_ASK,   // the same, and nobody has asked the view's owner for a snapshot yet
};
// `stalled`: the reader took nothing for so long that events in between are of no use to it.
// *skipped_ret is how many were left out by this step.
enum cursor_step stream_cursor_next(struct stream_cursor *c, bool stalled, struct event **ret,
                                    uint64_t *skipped_ret);

#endif

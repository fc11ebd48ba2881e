// replay - after a start: what the disk's series and events are, and the journal into the store, in
// a thread of its own.
//
// In:     the store's files; the journal's up to where it ended at the start.
// Out:    rows, by an applier that nobody else may touch until replay_fd is readable. What the
//         store has on the disk already it tells by its marks.
// Thread: its own. replay_wait and replay_await_all may be called by any.
// Loss:   none that matters: what can't be read stays in the journal, is counted and logged.

#ifndef COLLECTOR_REPLAY_H
#define COLLECTOR_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/applier.h"
#include "collector/lane_table.h"

#define REPLAY_WAIT_MS 2000 // a question waits at most

typedef struct replay replay_t;

struct replay_options {
    const char *dir; // of the journal
    uint64_t owner;
    uint64_t oldest; // segment
    struct segment_place end;
    const lane_table_t *lanes; // copied
    local_store_t *store;      // to be loaded; NULL: it is not on a disk
    event_log_t *events;       // likewise, by what the store has
    applier_t *applier;        // borrowed until it is done
};

// 0 and *ret, or -errno.
int replay_start(replay_t **ret, const struct replay_options *options);
// Breaks off what it is at.
void replay_stop(replay_t **self_p);
// Readable once it is done, for ever.
int replay_fd(const replay_t *self);
// Whether it is done; if so, what it wrote is seen by the caller.
bool replay_is_done(const replay_t *self);
// Once it is done: whether all of the journal was read, but for what is damaged. If not, it must
// stay as it is.
bool replay_is_whole(const replay_t *self);
// Once it is done: what was known of streams at the start, with what of them has been refused since
// that was last journaled. Of refusals this is what a time too far ahead decides, as it did then;
// room in the store was another's. Until replay_stop.
const lane_table_t *replay_lanes(const replay_t *self);
// Once it is done: since when the store has something of the host that was known at the start, or
// of what was imported under its name; INT64_MAX: nothing on its disk.
int64_t replay_first_ms(const replay_t *self, uint64_t host);
// True once it is done; waits for that until this time of the monotonic clock.
bool replay_wait(replay_t *self, int64_t until_ms);
// What was journaled while it ran is in the store as well. Once, after it is done.
void replay_caught_up(replay_t *self);
// Likewise, for that: from then on a question lacks nothing that was acknowledged.
bool replay_await_all(replay_t *self, int64_t until_ms);

#endif

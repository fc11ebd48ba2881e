// segment_cursor - reads a segment log from some place on, oldest first.
//
// In:     the log's folder, and how far it may be read.
// Out:    payloads with their places. Damage is told once, where it begins, and passed over.
// Memory: a quarter of a mebibyte, and the longest record; around damage, the rest of its segment.
// Thread: one owner, which need not be the log's; it opens the files itself. A segment that was
//         trimmed meanwhile is told as such.

#ifndef SHARED_BASE_SEGMENT_CURSOR_H
#define SHARED_BASE_SEGMENT_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/segment_log.h"

typedef struct segment_cursor segment_cursor_t;

// From `from` on; an offset of 0 is the segment's first record. 0 and *ret, or -errno.
int segment_cursor_open(segment_cursor_t **ret, const char *dir, uint64_t owner,
                        struct segment_place from);
void segment_cursor_close(segment_cursor_t **self_p);
// For a log with holes: a segment that is not there (any more) is passed over.
void segment_cursor_pass_holes(segment_cursor_t *self);

struct segment_entry {
    struct segment_place place;
    const uint8_t *at; // the payload; ours until the next call
    uint32_t len;
};

// 1 and the next record before `until` (segment_log_end); 0: there is none yet. ERR_FORMAT: what
// stands at entry->place is damaged, entry->len bytes are passed over by the next call. ERR_CLOSED:
// the segment was trimmed; reading can't go on. Or -errno. `until` never goes back.
int segment_cursor_next(segment_cursor_t *self, struct segment_place until,
                        struct segment_entry *entry);

#endif

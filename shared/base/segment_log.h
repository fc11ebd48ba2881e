// segment_log - records appended to a folder of segments, durable when asked, forgotten from the
// old end.
//
// In:     payloads of at most SEGMENT_RECORD_MAX bytes.
// Out:    places; and by segment_cursor the payloads again, oldest first.
// Order:  append -> (flushed: survives the process) -> synced: survives the machine -> trimmed.
// Files:  NUMBER.seg (16 hex digits, rising by one), and spare.N: segments that are made, and hold
//         their disk space, ahead of their use. A segment that is forgotten becomes a spare again,
//         so a full disk stops a log only when it wants more segments than it ever had at once.
//         shared/base/segment.h describes every byte of a file.
// Loss:   what was not synced may be missing after a crash of the machine, from some record on: the
//         torn tail, cut off and told at the next open. What was durable and can't be read is
//         damage: it stays in the file, is told, and reading goes on behind it.
// Errors: a write or sync that fails is final: what is on the disk is then not known (the kernel
//         may have dropped it), so every later call returns the same error, and the program ends or
//         opens the log anew. A full disk (or quota) is none: -ENOSPC, and what was to be appended
//         or written is as it was; it may be tried again.
// Thread: one owner; cursors elsewhere read up to a place that the owner has told them.
// Source: P. Rebello et al., "Can Applications Recover from fsync Failures?" (USENIX ATC 2020).

#ifndef SHARED_BASE_SEGMENT_LOG_H
#define SHARED_BASE_SEGMENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/segment.h"
#include "shared/base/segment_files.h"

typedef struct segment_log segment_log_t;

struct segment_log_options {
    const char *dir;        // made where it is missing; the folder above it is there
    uint64_t owner;         // of the log: a folder with another's segments is refused
    uint32_t segment_bytes; // of a file; SEGMENT_BYTES_LEAST to SEGMENT_BYTES_MOST
    unsigned spares;        // kept ready, at most SEGMENT_SPARES_MAX
    bool holes;             // segments may be dropped in any order
};

struct segment_place {
    uint64_t segment;
    uint32_t offset; // of the record in its file
};

// What was found at the open.
struct segment_log_found {
    uint64_t torn_bytes;    // cut off the end of the newest segment
    uint64_t damaged_bytes; // of the newest segment, once durable and not readable
    uint64_t foreign;       // files that are no segments of this log; left alone
};

// 0 and *ret; ERR_LOCKED: a log has this folder; ERR_UNKNOWN: another owner's; ERR_VERSION;
// ERR_FORMAT: a segment in the middle is missing, and holes are not allowed; or -errno. Without
// room for a segment the log is open all the same, and append says so.
int segment_log_open(segment_log_t **ret, struct segment_log_found *found,
                     const struct segment_log_options *opt);
// Flushes; does not sync. NULL is fine.
void segment_log_close(segment_log_t **self_p);

// 0 and the record's place; -ENOSPC; or a final error. Begins a new segment where the newest has no
// room for it.
int segment_log_append(segment_log_t *self, const struct segment_payload *payload,
                       struct segment_place *ret);
// The longest payload that still goes into the newest segment.
uint32_t segment_log_room(const segment_log_t *self);
// Closes the newest segment, makes it durable and begins another: 0, -ENOSPC, or a final error. Of
// one that is closed before it is half full the rest is given back, unless spares are wanting. An
// empty one stays.
int segment_log_roll(segment_log_t *self);
// Hands to the kernel what was appended. 0, -ENOSPC, or a final error.
int segment_log_flush(segment_log_t *self);
// The same, and waits for the disk. 0, -ENOSPC, or a final error.
int segment_log_sync(segment_log_t *self);
// Forgets all segments below this number; the newest one stays. 0 or -errno of a file that could
// not be removed: it is tried again at the next call.
int segment_log_trim(segment_log_t *self, uint64_t below);
// Forgets one segment, not the newest: 0, ERR_UNKNOWN, ERR_RANGE (the newest; or not the oldest, of
// a log without holes), or -errno.
int segment_log_drop(segment_log_t *self, uint64_t number);

// Numbers of the oldest and newest segment; 0 while there was no room for one yet.
uint64_t segment_log_oldest(const segment_log_t *self);
uint64_t segment_log_newest(const segment_log_t *self);
// All of them, rising: `*n_ret` of them, the log's until the next call that changes it.
const struct segment_file *segment_log_files(const segment_log_t *self, size_t *n_ret);
// Behind the last record that was flushed: how far a cursor may read.
struct segment_place segment_log_end(const segment_log_t *self);
uint64_t segment_log_bytes(const segment_log_t *self); // on disk, spares too

#endif

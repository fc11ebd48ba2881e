// segment_log - records appended to a folder of segments, durable when asked, forgotten from the
// old end.
//
// In:     payloads of at most SEGMENT_RECORD_MAX bytes.
// Out:    places; and by segment_cursor the payloads again, oldest first.
// Order:  append -> (flushed: survives the process) -> synced: survives the machine -> trimmed.
// Files:  NUMBER.seg (16 hex digits, rising by one), and spare.N: segments that are made, and hold
//         their disk space, ahead of their use. A segment that is trimmed becomes a spare again, so
//         a full disk stops a log only when it wants more segments than it ever had at once.
// Loss:   what was not synced may be missing after a crash of the machine, from some record on: the
//         torn tail, cut off and told at the next open. What was durable and can't be read is
//         damage: it stays in the file, is told, and reading goes on behind it.
// Errors: a write or sync that fails is final: what is on the disk is then not known (the kernel
//         may have dropped it), so every later call returns the same error, and the program ends or
//         opens the log anew. A full disk is none: append returns -ENOSPC and may be tried again.
// Thread: one owner; cursors elsewhere read up to a place that the owner has told them.
// Source: P. Rebello et al., "Can Applications Recover from fsync Failures?" (USENIX ATC 2020).

#ifndef SHARED_BASE_SEGMENT_LOG_H
#define SHARED_BASE_SEGMENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/segment.h"

typedef struct segment_log segment_log_t;

struct segment_log_options {
    const char *dir;        // made where it is missing; the folder above it is there
    uint64_t owner;         // of the log: a folder with another's segments is refused
    uint32_t segment_bytes; // of a file; SEGMENT_BYTES_LEAST to SEGMENT_BYTES_MOST
    unsigned spares;        // kept ready, at most 8
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

// 0 and *ret; ERR_UNKNOWN: another owner's; ERR_VERSION; ERR_FORMAT: a segment in the middle has no
// readable header; or -errno (ENOSPC: not even one segment can be had).
int segment_log_open(segment_log_t **ret, struct segment_log_found *found,
                     const struct segment_log_options *opt);
// Flushes; does not sync. NULL is fine.
void segment_log_close(segment_log_t **self_p);

// 0 and the record's place; -ENOSPC: nothing was appended; or a final error.
int segment_log_append(segment_log_t *self, const struct segment_payload *payload,
                       struct segment_place *ret);
// Hands to the kernel what was appended. 0 or a final error.
int segment_log_flush(segment_log_t *self);
// The same, and waits for the disk. 0 or a final error.
int segment_log_sync(segment_log_t *self);
// Forgets all segments below this number; the newest one stays. 0 or -errno of a file that could
// not be removed: it is tried again at the next call.
int segment_log_trim(segment_log_t *self, uint64_t below);

// Numbers of the oldest and newest segment.
uint64_t segment_log_oldest(const segment_log_t *self);
uint64_t segment_log_newest(const segment_log_t *self);
// Behind the last record that was flushed: how far a cursor may read.
struct segment_place segment_log_end(const segment_log_t *self);
uint64_t segment_log_bytes(const segment_log_t *self); // on disk, spares too

#endif

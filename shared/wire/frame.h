// frame - one data message of an agent: a prefix made when sending, and a record made once.
//
// In:     records of one stream in order; or bytes of a stranger.
// Out:    one ZeroMQ part of at most FRAME_MAX bytes; or the fields, checked.
// Source: shared/wire/FORMAT.md describes every byte.
// The record is what a spool or journal keeps as it is: it does not say who sent it, nor when.

#ifndef SHARED_WIRE_FRAME_H
#define SHARED_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX           (256u * 1024u)
#define FRAME_PREFIX_SIZE   16u
#define FRAME_RECORD_HEADER 44u
#define FRAME_BODY_MAX      (FRAME_MAX - FRAME_PREFIX_SIZE - FRAME_RECORD_HEADER)
#define FRAME_VERSION_MAJOR 1
#define FRAME_VERSION_MINOR 0

enum frame_flag {
    FRAME_BACKLOG = 1 << 0, // sent late: store and count, never publish as live
    FRAME_REPEAT = 1 << 1,  // sets the receiver's decoder, is never staged
    FRAME_IMPORT = 1 << 2,  // an operator's, whole label sets
};
#define FRAME_FLAGS_KNOWN 7u

enum record_type {
    RECORD_IDENT = 1, // who writes this stream: its record 0
    RECORD_TABLE = 2, // all living slots
    RECORD_DEF = 3,   // new slots
    RECORD_KEY = 4,   // values, absolute
    RECORD_DELTA = 5, // values, against the record of values before it
    RECORD_GAP = 6,   // records that will never come
    RECORD_END = 7,   // the stream is closed
    RECORD_EVENT = 8, // something that happened on the host
};

struct frame_prefix {
    uint8_t flags; // enum frame_flag
    uint64_t base; // lowest seq of the stream not yet acknowledged
};

struct record {
    uint8_t type;        // enum record_type; unknown ones are kept and counted
    uint32_t count;      // samples in it (definitions for TABLE and DEF: 0)
    uint64_t stream;     // random, never 0
    uint64_t seq;        // from 0
    uint64_t total;      // samples of the stream before it
    int64_t t0_ms;       // since the epoch
    const uint8_t *body; // borrowed
    uint32_t body_len;   // 0 to FRAME_BODY_MAX
};

// Prefix into out[FRAME_PREFIX_SIZE].
void frame_put_prefix(uint8_t *out, const struct frame_prefix *prefix);
// Header and body of a record into `out` of `size`; the bytes used, or ERR_LIMIT.
ptrdiff_t frame_put_record(uint8_t *out, size_t size, const struct record *record);

// Whole frame. 0; ERR_FORMAT (not a frame, wrong length, flags or crc), ERR_LIMIT (larger than
// FRAME_MAX), ERR_VERSION (a newer major version). record->body points into `at`.
int frame_take(struct frame_prefix *prefix, struct record *record, const void *at, size_t n);
// A record alone, as kept in a file; *used_ret is its length. Errors as frame_take.
int frame_take_record(struct record *record, const void *at, size_t n, size_t *used_ret);
const char *record_type_str(uint8_t type);

#endif

// journal_entry - what stands in one record of the journal, as bytes.
//
// In:     what the collector accepted; or the bytes of a file.
// Out:    bytes; or fields, checked. Everything borrowed points into the bytes.
//
//      RECORD      u8 kind  u8 flags  u64 host  i64 received ms  a record of the wire, as it came
//      HOST        u8 kind  u8 flags  u64 host  i64 received ms  varint length, name
//      BASIS       u8 kind  u8 flags  u64 host  i64 received ms  u64 stream  u64 below  records
//      REFUSED     u8 kind  u8 flags  u64 host  i64 received ms  u64 stream  u64 samples
//      BEFORE      u8 kind  u8 flags  u64 host  i64 received ms  u64 samples
//      LIMITS      u8 kind  u8 flags  u64 host  i64 received ms  u64 stream  slot_decisions
//      STANDS      u8 kind  u8 flags  u64 host  i64 received ms  u64 stream  u64 next  u64 total
//      CHECKPOINT  u8 kind  u8 flags  u64 host  i64 received ms  items (lane_checkpoint)
//
// A RECORD with the flag JOURNAL_SHARE has u8 limit, u32 samples ahead of the record: so many of
// its samples are let in, and this limit of its agent refuses the rest.
// All integers are little endian. HOST says how the host is called from here on. BASIS repeats
// definitions of a stream that stood in segments below `below`. REFUSED is how many samples of the
// stream were acknowledged and not stored, in all. BEFORE is how many samples the host's agent had
// acknowledged by others, as it came to us. LIMITS is what was decided of the stream's slots, in
// all. STANDS says that the stream's records below `next` are in the store's files, which have more
// of it than the journal: it was put back from a backup. A kind that is not known is passed over, 7
// among them, which was in use once.
// Thread: pure.

#ifndef COLLECTOR_JOURNAL_ENTRY_H
#define COLLECTOR_JOURNAL_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "collector/slot_refusals.h"
#include "shared/base/buf.h"
#include "shared/wire/frame.h"

#define JOURNAL_HEAD_BYTES 18u

enum journal_kind {
    JOURNAL_RECORD = 1,
    JOURNAL_HOST = 2,
    JOURNAL_BASIS = 3,
    JOURNAL_REFUSED = 4,
    JOURNAL_CHECKPOINT = 5,
    JOURNAL_BEFORE = 6,
    JOURNAL_LIMITS = 8,
    JOURNAL_STANDS = 9,
};

// Of a RECORD, beside enum frame_flag, of which no stranger can set it.
#define JOURNAL_SHARE       0x80u
#define JOURNAL_SHARE_BYTES 5u

// Of a record, the samples that are let in.
struct record_share {
    uint8_t limit;    // enum refused_limit, of the others; 0: all are let in
    uint32_t samples; // at most
};

// Flags of a CHECKPOINT; those of a RECORD are enum frame_flag.
#define JOURNAL_FIRST 1u // of the entries of one checkpoint
#define JOURNAL_LAST  2u

// Whose stream.
struct journal_id {
    uint64_t host;
    uint64_t stream;
};

struct journal_entry {
    uint8_t kind; // enum journal_kind
    uint8_t flags;
    uint64_t host;
    int64_t received_ms;       // our clock, when it came
    struct record record;      // RECORD
    struct record_share share; // RECORD
    uint32_t crc;              // RECORD: the one in its header
    const char *name;          // HOST; not terminated
    size_t name_len;
    uint64_t stream;      // BASIS, REFUSED, LIMITS, STANDS
    uint64_t below;       // BASIS: segments that are no longer needed for it; 0: none
    uint64_t samples;     // REFUSED, BEFORE; STANDS: below `next`, as the sender counts; 0: unknown
    uint64_t next;        // REFUSED, STANDS: of the records below it
    const uint8_t *bytes; // BASIS: records, one after the other. CHECKPOINT: items. RECORD: it.
                          // LIMITS: slot_decisions, not checked
    size_t len;           // of them
};

// What stands ahead of every entry.
void journal_head_put(uint8_t out[JOURNAL_HEAD_BYTES], uint8_t kind, uint8_t flags, uint64_t host,
                      int64_t received_ms);
// What follows the head of these kinds, appended to a buf.
void journal_name_put(struct buf *out, const char *name);
void journal_basis_put(struct buf *out, uint64_t stream, uint64_t below);
void journal_refused_put(struct buf *out, uint64_t stream, uint64_t samples, uint64_t next);
void journal_stands_put(struct buf *out, uint64_t stream, uint64_t next, uint64_t total);
void journal_before_put(struct buf *out, uint64_t samples);
void journal_limits_put(struct buf *out, uint64_t stream, const struct slot_decisions *decisions);
// The record follows.
void journal_share_put(struct buf *out, const struct record_share *share);

// 0; ERR_FORMAT; or ERR_UNKNOWN: a kind of a later version.
int journal_entry_take(struct journal_entry *ret, const void *at, size_t n);
// The same where the head's fields are in *ret already, and `at` is what follows it.
int journal_entry_take_body(struct journal_entry *ret, const void *at, size_t n);
// The next record of a BASIS: 1, 0 at the end, or ERR_FORMAT. Moves entry->bytes on.
int journal_basis_next(struct journal_entry *entry, struct record *ret, const uint8_t **at_ret,
                       size_t *len_ret);

#endif

// spool_book - what the records of the spool do not say: what was acknowledged, what is lost, and
// how it adds up. A value, and the file that keeps it.
//
// File:   two slots, written in turn, so that one is always whole:
//             0 u32 magic "ZPBK"  4 u16 version  6 u16 frame_bytes, in KiB
//             8 u64 counter, rising by one a write
//             16 u32 n  20 u32 crc32c of bytes 0 to 19 and the n bytes behind
//             24 ledger (FORMAT.md, "Ledger")
//                varint streams, each: u64 stream, base, base_total, head, head_total, i64 last_ms,
//                    u8 ended, u8 collectors, each: u64 collector, next
//                varint gaps, each: u64 stream, from, to, total, samples, i64 t0_ms, u8 cause,
//                    u8 told
//                i64 last_ms
//         Little endian. The slot that is whole and has the higher counter holds. The file has its
//         full size from the start: a full disk does not stop it.
// Thread: one owner.

#ifndef AGENT_SPOOL_BOOK_H
#define AGENT_SPOOL_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/ledger.h"

#define SPOOL_STREAMS_MAX    288u // each has a segment or a gap
#define SPOOL_GAPS_MAX       512u
#define SPOOL_COLLECTORS_MAX 4u
#define SPOOL_COUNT_MAX      (UINT64_MAX / 4) // of seqs and samples of a stream; nobody gets there
#define SPOOL_BOOK_SLOT      (64u * 1024u)    // more than all of them can take

struct spool_acked {
    uint64_t collector; // id
    uint64_t next;      // highest that it has acknowledged
};

// A stream that is not wholly acknowledged, or is being written.
struct spool_stream {
    uint64_t stream;
    uint64_t base;       // lowest seq not acknowledged
    uint64_t base_total; // samples of the stream before it
    uint64_t head;       // seq behind the last record of samples, definitions or loss
    uint64_t head_total; // samples of the stream before it
    int64_t last_ms;     // time of the record before `head`; of the END, once there is one
    bool ended;          // an END stands at `head`
    uint8_t n_acked;
    struct spool_acked acked[SPOOL_COLLECTORS_MAX]; // latest first
};

// Records that will never come.
struct spool_gap {
    uint64_t stream;
    uint64_t from, to; // seqs, inclusive
    uint64_t total;    // samples of the stream before `from`
    uint64_t samples;  // in it
    int64_t t0_ms;     // time of its first record, or of the last one before it
    enum lost_cause cause;
    bool told; // handed out to be sent: it is not changed any more
};

struct spool_book {
    struct ledger ledger;
    struct spool_stream streams[SPOOL_STREAMS_MAX]; // oldest first
    size_t n_streams;
    struct spool_gap gaps[SPOOL_GAPS_MAX]; // rising by seq within a stream
    size_t n_gaps;
    int64_t last_ms; // time of the last record of all streams; 0: there was none
    // Of a message, as the collector takes it that was heard last; kept in KiB. 0: none was.
    uint32_t frame_bytes;
};

struct spool_stream *spool_book_stream(struct spool_book *book, uint64_t stream); // or NULL
// A new one at the end, zero but for its number. NULL: there are too many.
struct spool_stream *spool_book_add_stream(struct spool_book *book, uint64_t stream);
// Takes out the stream and its gaps.
void spool_book_remove_stream(struct spool_book *book, uint64_t stream);
// The gap that covers `seq`, or else the next one behind it; NULL if there is none.
struct spool_gap *spool_book_gap(struct spool_book *book, uint64_t stream, uint64_t seq);
// Books a gap that overlaps no other; neighbours become one. The ledger is the caller's affair.
// False: there is no room, and no two that could become one.
bool spool_book_add_gap(struct spool_book *book, const struct spool_gap *gap);
// The gap becomes two, the second one from `seq`, which is in it and not its first, and has `total`
// samples of the stream before it, as near as the gap allows. The second one; NULL: there is no
// room.
struct spool_gap *spool_book_split_gap(struct spool_book *book, struct spool_gap *gap, uint64_t seq,
                                       uint64_t total);
void spool_book_remove_gap(struct spool_book *book, struct spool_gap *gap);

// Bytes of one slot, or ERR_LIMIT; and back: 0 and the counter, or ERR_FORMAT, ERR_VERSION.
ptrdiff_t spool_book_put(uint8_t *out, size_t size, const struct spool_book *book,
                         uint64_t counter);
int spool_book_take(struct spool_book *book, uint64_t *counter_ret, const uint8_t *at, size_t n);

struct spool_book_file {
    int fd;           // -1: not open
    uint64_t counter; // of the last write
};

// Opens or makes the file, reads it: 1 if *book holds what was kept, 0 if there was nothing (the
// file is new, or neither slot is whole: *damaged_ret), or ERR_VERSION, -errno.
int spool_book_open(struct spool_book_file *file, int dir_fd, const char *name,
                    struct spool_book *book, bool *damaged_ret);
void spool_book_close(struct spool_book_file *file);
// Durable when it returns 0; or -errno.
int spool_book_write(struct spool_book_file *file, const struct spool_book *book);

#endif

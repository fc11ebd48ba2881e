// spool_files - the spool without its thread: records of all streams in one segment log, the book
// beside them, and what is given up when there is no room.
//
// In:     records of one stream after the other; acknowledgements.
// Out:    the records again, in order, with a GAP for what is lost and an END where a stream ended.
// Files:  DIR/NUMBER.seg, DIR/spare.N: shared/base/segment_log.h. A segment has one stream's
//         records, each behind one byte that says what it is (enum spool_kind). DIR/book:
//         spool_book.h. DIR/unreadable: what passed its checksum and is no record; kept to be
//         looked at, at most SPOOL_UNREADABLE_BYTES.
// Loss:   the oldest segments, for want of room or by age: booked as gaps, and the book durable,
//         before they go. Damage takes with it the DELTAs behind it, up to the next KEY, which
//         nobody could read. A record is never lost without being in the ledger.
// Thread: one owner; times are parameters. Calls wait for the disk.

#ifndef AGENT_SPOOL_FILES_H
#define AGENT_SPOOL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool_book.h"
#include "shared/wire/frame.h"

#define SPOOL_SEGMENT_BYTES    (4u * 1024u * 1024u)
#define SPOOL_SPARES           2u
#define SPOOL_BYTES_LEAST      (4u * SPOOL_SEGMENT_BYTES)
#define SPOOL_UNREADABLE_BYTES (1024u * 1024u)
#define SPOOL_TOTAL_UNKNOWN    UINT64_MAX

typedef struct spool_files spool_files_t;

struct spool_files_options {
    const char *dir;        // made where it is missing; the folder above it is there
    uint64_t bytes_most;    // on disk; SPOOL_BYTES_LEAST or more
    int64_t age_most_ms;    // of a record
    uint32_t segment_bytes; // SPOOL_SEGMENT_BYTES, but for tests
};

// What is called from within the functions below; pointers are borrowed for the call.
struct spool_files_handler {
    // Records asked for. `repeat`: what a decoder needs before them, also behind a GAP.
    void (*read)(void *arg, const struct record *record, bool repeat);
    // Samples that were pending are lost: exactly these, once.
    void (*lost)(void *arg, const struct spool_gap *gap);
    void *arg;
};

// What was found at the open, beside the streams.
struct spool_files_found {
    uint64_t torn_bytes;
    uint64_t damaged_bytes; // of the newest segment
    uint64_t unreadable;    // segments of which not one record can be read: dropped
    bool book_damaged;      // neither slot of it was whole
};

// 0 and *ret; or ERR_LOCKED, ERR_VERSION, ERR_UNKNOWN (not a spool), -errno. All streams found are
// in the book; none of them is being written.
int spool_files_open(spool_files_t **ret, struct spool_files_found *found,
                     const struct spool_files_options *opt,
                     const struct spool_files_handler *handler, int64_t now_ms);
// Neither flushes nor syncs: spool_files_sync first, unless it is to be as a kill leaves it.
void spool_files_close(spool_files_t **self_p);
const struct spool_book *spool_files_book(const spool_files_t *self);

// Appends a record of the stream being written, or the first of a new one. 0; -EAGAIN: not taken,
// since it does not follow what was taken, or there is no room: all is refused until the next
// spool_files_table. Or a final error of the segment log.
int spool_files_append(spool_files_t *self, const struct record *record);
// A TABLE, and the DEFs it goes on in: opens a segment. What was refused before is booked as lost,
// as far as it is not acknowledged. Errors as above.
int spool_files_table(spool_files_t *self, const struct record *record);
// The stream being written goes on at `next`, whatever was refused: for a last word before the end.
void spool_files_head(spool_files_t *self, uint64_t next, uint64_t total);
// An END stands behind the last record, with its time; durable when it returns. An END that is
// appended does the same, with a time of its own.
void spool_files_end(spool_files_t *self, uint64_t stream);
// All below `next` is acknowledged by the collector of this id; `total`: samples of the stream
// before `next`, or SPOOL_TOTAL_UNKNOWN: it is looked up.
void spool_files_acked(spool_files_t *self, uint64_t stream, uint64_t next, uint64_t total,
                       uint64_t collector);
// Gives records from `from` on to handler.read, until `bytes` of bodies and headers are given, or
// all: *next_ret is the first seq not given, *end_ret says that there is no more for now. With
// `repeat`, what a decoder needs goes ahead: the TABLE, then DEFs, then all records from the last
// KEY before `from` on, or all where there is none. `total`: samples of the stream before `from`,
// or SPOOL_TOTAL_UNKNOWN; where `from` is in a GAP, it is cut there, and nobody else may know. 0;
// ERR_UNKNOWN: no such stream; or -errno.
int spool_files_read(spool_files_t *self, uint64_t stream, uint64_t from, uint64_t total,
                     size_t bytes, bool repeat, uint64_t *next_ret, bool *end_ret);
// Gives up what is older or more than may be. To be called now and then, and after each segment.
void spool_files_limit(spool_files_t *self, int64_t now_ms);

// 0, -ENOSPC or a final error: what was appended survives the process.
int spool_files_flush(spool_files_t *self);
// The same and the machine.
int spool_files_sync(spool_files_t *self);
// The book becomes durable, if it changed. 0 or -errno; it is tried again at the next change.
int spool_files_write_book(spool_files_t *self);
// What others know: of the ledger, what they count, absolute, and never less than what the book had
// at the open; and how large a message may be.
struct spool_note {
    uint64_t elsewhere;
    uint64_t refused;
    uint64_t collector_lost; // these are not counted as acknowledged any more
    uint64_t missed[MISSED_CAUSES];
    uint64_t frame_bytes; // as the collector said last; 0: none has yet. Wide: compared as bytes
};
void spool_files_note(spool_files_t *self, const struct spool_note *note);

struct spool_files_stat {
    uint64_t bytes;      // on disk
    uint32_t room;       // bytes of record that still go into the newest segment
    bool refusing;       // until the next TABLE
    bool full;           // of room: of the disk
    int failed;          // the final error of the segment log, or 0
    uint64_t unreadable; // records put into DIR/unreadable
    uint64_t forgotten;  // gaps that had no place in the book: nobody will be told of them
    uint64_t unsynced;   // records that a power cut would take
    bool book_changed;   // since its last write
};
struct spool_files_stat spool_files_stat(const spool_files_t *self);

#endif

// spool - what the agent has made and no collector has acknowledged, on disk, by a thread of its
// own: sampling never waits for a disk.
//
// In:     every record of the stream being written, in order; acknowledgements; what is to be read.
// Out:    by spool_turn, when spool_fd is readable: how far records are written (such a record
//         survives the process), records asked for, what was lost.
// Thread: the functions here belong to one thread, and none of them waits, but for spool_open
//         (recovers, seconds for a damaged disk) and spool_close (at most its options' close_ms).
// Memory: at most SPOOL_QUEUE_BYTES of records on their way to the disk.
// Loss:   told in the ledger, by cause. A record that spool_append refuses is not spooled: it can
//         be sent from memory; if it is not acknowledged by the time of the next spool_table, it is
//         lost (LOST_QUEUE, or LOST_DISK_FULL).
// A disk that does not answer: spool_waiting_ms. Records go on being taken, up to the limit above.
// Streams: the one that was begun last is being written; it ends by an END that is appended, or by
//         spool_end. Streams found at the open are never written to again.

#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool_files.h"

#define SPOOL_QUEUE_BYTES (4u * 1024u * 1024u)
#define SPOOL_CLOSE_MS    500

typedef struct spool spool_t;

struct spool_options {
    const char *dir;         // made where it is missing; the folder above it is there
    uint64_t bytes_most;     // on disk; SPOOL_BYTES_LEAST or more
    int64_t age_most_ms;     // of a record
    int64_t sync_ms;         // from a record's writing to its being durable, at most
    int64_t (*now_ms)(void); // since the epoch; called by both threads
    uint32_t segment_bytes;  // 0: SPOOL_SEGMENT_BYTES
    int close_ms;            // that spool_close waits for the disk; 0: SPOOL_CLOSE_MS
};

// 0 and *ret, with the book in *book (streams that are not wholly acknowledged, oldest first; gaps;
// ledger) and what was found amiss in *found; or an error of spool_files_open.
int spool_open(spool_t **ret, const struct spool_options *opt, struct spool_book *book,
               struct spool_files_found *found);
// Writes all, makes it durable. 0; -ETIMEDOUT: the disk did not answer in time: the
// thread is left behind, and what it holds; the process should end. NULL is fine.
int spool_close(spool_t **self_p);

// What spool_turn calls. Pointers are borrowed for the call. Any may be NULL.
struct spool_handler {
    // All below `next` of the stream is written: it may be sent.
    void (*written)(void *arg, uint64_t stream, uint64_t next);
    // A record that was asked for. `repeat`: what a decoder needs ahead of those, also behind a
    // GAP.
    void (*read)(void *arg, const struct record *record, bool repeat);
    // One spool_read is answered: all below `next` was given. rc: 0; ERR_UNKNOWN: no such stream
    // (it is acknowledged, or given up); or -errno. `end`: there was no more to be had.
    void (*read_done)(void *arg, uint64_t stream, uint64_t next, bool end, int rc);
    // These samples were pending and are lost. The GAP in their place comes with the records.
    void (*lost)(void *arg, const struct spool_gap *gap);
    void *arg;
};
int spool_fd(const spool_t *self); // readable: spool_turn has something to do
void spool_turn(spool_t *self, const struct spool_handler *handler);

// False: it is not spooled, and none will be before a spool_table.
bool spool_append(spool_t *self, const struct record *record);
// A TABLE, which opens a segment, and the DEFs that it goes on in; all with the seq of the next
// record appended, which is a KEY or a DEF before one. False: not taken.
bool spool_table(spool_t *self, const struct record *record);
// Whether the next tick should begin with spool_table and a KEY: the segment is nearly full, or
// records are refused and may be taken again.
bool spool_wants_segment(spool_t *self);
// See spool_files_end, spool_files_acked.
void spool_end(spool_t *self, uint64_t stream);
void spool_acked(spool_t *self, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector);
// Acknowledgements go to the thread with what follows them, or now: call at the end of a turn.
void spool_give(spool_t *self);
// Asks for records from `from` on, about `bytes` of them, at least one if there is any. With
// `repeat`, those that a decoder needs come first. See spool_files_read.
void spool_read(spool_t *self, uint64_t stream, uint64_t from, uint64_t total, size_t bytes,
                bool repeat);
// See spool_files_note.
void spool_note(spool_t *self, const struct spool_note *note);

// How long the oldest record that is not written has been waiting; 0: none is.
int64_t spool_waiting_ms(const spool_t *self);
// As of the thread's last turn.
struct spool_stat {
    struct ledger ledger; // what is on its way to the thread is not in it
    struct spool_files_stat files;
    uint64_t refused;     // records that spool_append refused
    size_t queued_bytes;  // on their way to the disk
    int64_t sync_ms_most; // longest fdatasync
};
struct spool_stat spool_stat(spool_t *self);

#endif

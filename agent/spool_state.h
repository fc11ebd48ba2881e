// spool_state - what the parts of spool_files share. For spool_files.c, spool_ledger.c,
// spool_recover.c, spool_reader.c and nobody else.

#ifndef AGENT_SPOOL_STATE_H
#define AGENT_SPOOL_STATE_H

#include "agent/spool_files.h"
#include "shared/base/buf.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/segment_log.h"

#define SPOOL_OWNER     UINT64_C(0x6c6f6f70732d707a) // of the log: "zp-spool"
#define SPOOL_BOOK_NAME "book"

// The byte ahead of each record in a segment.
enum spool_kind {
    SPOOL_RECORD = 'r',
    SPOOL_ASIDE = 'a', // TABLE, or a DEF it goes on in: stands beside the run of records
};

// A segment of the log.
struct spool_segment {
    uint64_t number;
    uint64_t stream;
    uint64_t first_seq, first_total; // of its first record
    uint64_t next_seq, next_total;   // behind its last one, as far as is known
    int64_t first_ms;                // time of its first record
    int64_t last_ms;                 // time of its last record, or a little later
    bool alone;                      // can be read without the one before it
};

struct spool_files {
    struct spool_files_options opt;
    struct spool_files_handler handler;
    segment_log_t *log;
    int dir_fd;
    struct spool_book_file book_file;
    struct spool_book *book;
    bool book_changed;              // since it was written
    struct spool_segment *segments; // rising by number; ours
    size_t n_segments;
    size_t segments_size; // allocated
    uint64_t writing;     // the stream being written; 0: none
    bool refusing;        // all but a TABLE
    bool full;            // that is for want of room
    uint64_t appended;    // records, since the open
    uint64_t synced;      // of them, durable
    uint64_t unreadable;
    struct segment_place kept; // the last of them: read again, it is not put aside again
    uint64_t forgotten;
    int failed;         // the log's final error
    struct buf scratch; // one record
    struct {
        segment_cursor_t *cursor; // NULL: nothing is being read
        uint64_t stream;
        uint64_t next;       // seq that is wanted next
        uint64_t next_total; // samples of the stream before it
        uint64_t segment;    // being read
        bool unread;         // damage, and no KEY since: a DELTA is of use to nobody
        bool behind_gap;     // what is given next needs definitions ahead of it
    } reader;
};

void spool_add_segment(spool_files_t *self, const struct spool_segment *seg);
// From here on only a TABLE is taken: a DELTA behind a hole could not be read. `rc`: why, or 0. The
// error to be returned.
int spool_refuse(spool_files_t *self, int rc);
// Segments and streams of which nothing is needed any more go. Pointers into the book's streams
// hold no longer.
void spool_trim(spool_files_t *self);
// The stream has come to `head`: its samples up to there are pending.
void spool_advance(spool_files_t *self, struct spool_stream *st, uint64_t head, uint64_t total);
// What is missing before `seq` will not be appended any more: it is lost.
void spool_skip(spool_files_t *self, struct spool_stream *st, uint64_t seq, uint64_t total);
// The records from..to (inclusive) of a stream are lost, as far as they are neither acknowledged
// nor booked already. The totals are those before `from` and behind `to`.
struct spool_range {
    uint64_t from, to;
    uint64_t total, total_end;
    int64_t t0_ms;
};
void spool_lose(spool_files_t *self, const struct spool_stream *st, const struct spool_range *range,
                enum lost_cause cause);
// What a segment's record is: 0, or ERR_FORMAT.
int spool_take(struct record *record, enum spool_kind *kind_ret, const struct segment_entry *entry,
               uint64_t stream);
// Keeps bytes that are no record.
void spool_keep_unreadable(spool_files_t *self, const struct segment_entry *entry);
// Samples of the stream before record `seq`, by looking.
uint64_t spool_total_at(spool_files_t *self, const struct spool_stream *st, uint64_t seq);
void spool_reader_close(spool_files_t *self);
int spool_recover(spool_files_t *self, struct spool_files_found *found);

#endif

// stream_writer - the series table, tick by tick, as records of one stream.
//
// In:     the table after each series_table_end, and the tick's time; samples that came between
//         ticks, with their own times.
// Out:    records in seq order to a function: IDENT first, DEF ahead of a slot's first value, then
//         KEY or DELTA. TABLE on demand, for repeating: it takes no seq.
//         A tick is one record: samples of their own times first, the tick's row last. What does
//         not fit goes into more records before it. A row that is larger than a message may be goes
//         as samples of its time, in as many records as it needs.
// Thread: one owner. Pure: no sockets, files or clocks.
// Keys:   the first record of values, at least each 128th record, and when stream_writer_key_due
//         was called. `phase` spreads the KEYs of a fleet.

#ifndef AGENT_STREAM_WRITER_H
#define AGENT_STREAM_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/series_table.h"
#include "shared/wire/body.h"
#include "shared/wire/frame.h"
#include "shared/wire/host_event.h"

#define STREAM_KEY_EVERY   128u  // records
#define STREAM_FRAME_LEAST 4096u // bytes of a message: no collector of ours takes less

typedef struct stream_writer stream_writer_t;

struct stream_writer_options {
    uint64_t stream;    // random, never 0
    struct identity id; // of the agent; borrowed for stream_writer_new
    int64_t now_ms;     // time of the IDENT
    unsigned phase;     // any number
};

// `slots` is how many the stream had before this record: what a TABLE ahead of it must define.
// The record's body is borrowed for the call.
typedef void stream_writer_fn(void *arg, const struct record *record, uint32_t slots);

// Gives IDENT at once. `fn` is kept. Messages are of FRAME_MAX bytes at most.
stream_writer_t *stream_writer_new(const struct stream_writer_options *opt, stream_writer_fn *fn,
                                   void *arg);
void stream_writer_destroy(stream_writer_t **self_p);

// Samples of one time: one cell for each of `n` slots, 1 or more. All borrowed.
struct app_block {
    int64_t time_ms;          // since the epoch
    uint32_t n;               // slots
    const uint32_t *slots;    // rising
    const struct cell *cells; // beside them; none is absent
};

// The blocks, by rising time (equal ones may follow one another), then the row of the tick that
// ended last; nothing where the table has no series yet. No two samples of a slot have one time:
// that is the caller's care, and that a slot of a block is absent from the row.
void stream_writer_row(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
                       const struct app_block *blocks, size_t n_blocks);
// The blocks alone, between two ticks; nothing where there are none.
void stream_writer_apps(stream_writer_t *self, const series_table_t *table, int64_t time_ms,
                        const struct app_block *blocks, size_t n_blocks);
// Something that happened on the host, at time_ms: an EVENT, in its place among the records. Kind,
// text and fields within their limits.
void stream_writer_event(stream_writer_t *self, int64_t time_ms, const struct host_event *event);
// From here on messages of names and values are of so many bytes at most, between
// STREAM_FRAME_LEAST and FRAME_MAX; but for a definition that alone is larger.
void stream_writer_bound(stream_writer_t *self, uint32_t frame_bytes);
// Whether those so far were: what would be refused of them for its size, this bound would have
// parted.
bool stream_writer_fits(const stream_writer_t *self, uint32_t frame_bytes);
// The next record of values is a KEY.
void stream_writer_key_due(stream_writer_t *self);

// Gives the first `slots` slots to `fn` as a TABLE and, where one record does not hold them, DEFs,
// all with stream, seq, total and time of *ahead_of: the record they are to stand before.
void stream_writer_table(stream_writer_t *self, const series_table_t *table, uint32_t slots,
                         const struct record *ahead_of, stream_writer_fn *fn, void *arg);

// The last record, END: nothing may be given after it.
void stream_writer_end(stream_writer_t *self, int64_t time_ms);

uint64_t stream_writer_stream(const stream_writer_t *self);
uint64_t stream_writer_next(const stream_writer_t *self);  // seq of the next record
uint32_t stream_writer_slots(const stream_writer_t *self); // defined so far
uint64_t stream_writer_total(const stream_writer_t *self); // samples so far

#endif

// import_stream - the samples of one instance as records of one stream.
//
// In:     samples in the order of the file; when to make records of them.
// Out:    records in seq order: IDENT, DEF ahead of a slot's first value, KEY with samples at times
//         of their own, END. They follow from what came in alone, so that the same file makes the
//         same records, byte by byte, whoever imports it and how often.
// Samples that wait are put in order of time, so that those of one time travel together. Of two of
// one series and time the first stands.
// KEYs need nothing before them but definitions. A record that is too small for its width is a
// DELTA, which the format wants (FORMAT.md, "Values"): in effect it is the same.
// Memory: 24 bytes for a sample that waits, and the labels of all series.
// Thread: one owner. Pure.

#ifndef COLLECTOR_CTL_IMPORT_STREAM_H
#define COLLECTOR_CTL_IMPORT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "shared/model/label.h"
#include "shared/model/metric.h"
#include "shared/wire/body.h"
#include "shared/wire/frame.h"

// Part of what a stream's id is made of: to be raised with each change of what records are made.
#define IMPORT_STREAM_VERSION "1"

#define IMPORT_WAITING_MOST   32768u // samples, before records are made of them

typedef struct import_stream import_stream_t;

// `slots`: how many the stream had before the record. Its body is borrowed for the call.
typedef void import_record_fn(void *arg, const struct record *record, uint32_t slots);

// The identity's text is borrowed for as long as the stream lives.
import_stream_t *import_stream_new(uint64_t stream, const struct identity *id, import_record_fn *fn,
                                   void *arg);
void import_stream_destroy(import_stream_t **self_p);

// A slot for a series that has none yet; the labels are taken over.
uint32_t import_stream_slot(import_stream_t *self, struct label_set *labels, enum metric_kind kind);
// `decimals` as struct import_line has it.
void import_stream_add(import_stream_t *self, uint32_t slot, int64_t time_ms, double value,
                       uint8_t decimals);
size_t import_stream_waiting(const import_stream_t *self); // samples
// Records of all that waits.
void import_stream_flush(import_stream_t *self);
// That, and END: nothing comes after it.
void import_stream_end(import_stream_t *self);

// The first `slots` slots to `fn` as a TABLE and, where one record does not hold them, DEFs, with
// stream, seq, total and time of *ahead_of.
void import_stream_table(import_stream_t *self, uint32_t slots, const struct record *ahead_of,
                         import_record_fn *fn, void *arg);

uint64_t import_stream_total(const import_stream_t *self);     // samples in records so far
uint64_t import_stream_twice(const import_stream_t *self);     // came again with the same value
uint64_t import_stream_conflicts(const import_stream_t *self); // came again with another value

#endif

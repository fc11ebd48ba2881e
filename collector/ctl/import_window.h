// import_window - the records of one stream that are not yet acknowledged, and which goes next.
//
//      0 ...       base            place            limit     head
//      | acked     | in flight     | to be sent     | no      | not made
//
// In:     records in seq order, all from the first on, also those that the collector has already:
//         they are looked at and let go of; WELCOME, ACK and NAK of the stream.
// Out:    frames, flagged IMPORT and BACKLOG. Where sending begins, or begins again, a TABLE goes
//         first, and what the collector needs to read on: REPEAT.
// END is sent even if the collector has it: its ACK tells what became of all.
// Memory: records from the last KEY at or before base on. How many is the caller's business.
// Thread: one owner. Pure.
// Source: shared/wire/FORMAT.md, "Control" and "What a reader makes of a stream".

#ifndef COLLECTOR_CTL_IMPORT_WINDOW_H
#define COLLECTOR_CTL_IMPORT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/control.h"
#include "shared/wire/frame.h"

typedef struct import_window import_window_t;

// Gives a TABLE of `slots` slots ahead of that record, by import_window_table.
typedef void import_table_fn(void *arg, const struct record *ahead_of, uint32_t slots);

import_window_t *import_window_new(uint64_t stream, import_table_fn *table, void *arg);
void import_window_destroy(import_window_t **self_p);

// `slots` as import_stream gives it. 0, or ERR_CLOSED: the collector has another record of this
// number.
int import_window_push(import_window_t *self, const struct record *record, uint32_t slots);
void import_window_table(import_window_t *self, const struct record *record);

// `anew`: by a collector that has been started since, or by the first one. 0, or ERR_CLOSED: the
// collector has another record than ours, or no longer has what it had acknowledged.
int import_window_welcome(import_window_t *self, const struct welcome_stream *w, bool anew);
int import_window_ack(import_window_t *self, const struct ack *ack);
void import_window_nak(import_window_t *self, const struct nak *nak);
// Frames may have been lost: all that is not acknowledged is sent again.
void import_window_rewind(import_window_t *self);
// The collector is gone: nothing is sent before its WELCOME.
void import_window_gone(import_window_t *self);

// The next frame, ours until the next call; NULL if there is none now.
const uint8_t *import_window_next(import_window_t *self, size_t *len_ret);
void import_window_sent(import_window_t *self); // that one

size_t import_window_bytes(const import_window_t *self); // that are not acknowledged
bool import_window_flying(const import_window_t *self);  // something sent is not acknowledged
bool import_window_wants(const import_window_t *self);   // there is something to be sent, or flying
bool import_window_done(const import_window_t *self);    // END is, and what became of all is told
const struct ack *import_window_told(const import_window_t *self); // the last ACK
struct hello_stream import_window_hello(const import_window_t *self);
uint64_t import_window_fresh(const import_window_t *self); // samples that were sent, not repeated

#endif

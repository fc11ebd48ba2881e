// send_queue - the records that wait for the collector, and the last ones it was sent.
//
// In:     every record of the stream, in seq order.
// Out:    frames in the order to be sent: repeated ones first, then what waits.
// Keeps:  what was sent, back to the last KEY before the place of sending: so a collector that has
//         lost its state, or never had any, is given what it needs to read the very next record.
// Loss:   at most `most` bytes. Beyond, the oldest records up to the next KEY go, and one GAP
//         record tells how many and how many samples; it grows until it can be sent.
// Thread: one owner. Pure: no sockets and clocks.

#ifndef AGENT_SEND_QUEUE_H
#define AGENT_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/frame.h"

#define SEND_QUEUE_BYTES (4u * 1024u * 1024u)

typedef struct send_queue send_queue_t;

send_queue_t *send_queue_new(size_t most);
void send_queue_destroy(send_queue_t **self_p);

// Appends a record. False: make the next record of values a KEY, since this one was dropped, or the
// KEYs are too far apart in bytes. `slots` as stream_writer gives it.
bool send_queue_push(send_queue_t *self, const struct record *record, uint32_t slots);

// Where the stream goes on for a collector that wants it from `next` on: what was sent and is still
// kept is sent again from there, as BACKLOG, and everything before it as REPEAT. Drops repeats of
// an earlier call.
void send_queue_resume(send_queue_t *self, uint64_t next);
// REPEATs what was sent, back to the KEY, and leaves the place of sending: for a NAK.
void send_queue_again(send_queue_t *self);
// The record that is sent next, repeats included, as far as a TABLE ahead of it needs to be known,
// and in *slots_ret how many slots it must define. False where nothing is kept.
bool send_queue_head(const send_queue_t *self, struct record *ret, uint32_t *slots_ret);
// True after definitions were dropped: a TABLE must go ahead. send_queue_put_ahead answers it.
bool send_queue_table_due(const send_queue_t *self);
// A record to be sent before all others, as REPEAT.
void send_queue_put_ahead(send_queue_t *self, const struct record *record);

// The next frame, whole, the queue's until the next call; NULL if there is none.
const uint8_t *send_queue_next(send_queue_t *self, size_t *len_ret);
// That frame has been sent.
void send_queue_sent(send_queue_t *self);
bool send_queue_has(const send_queue_t *self); // send_queue_next would give one

struct send_queue_stat {
    uint64_t base;  // lowest seq held; the seq after the last one pushed if there is none
    uint64_t next;  // seq after the last one pushed
    size_t bytes;   // held, with what holding them costs
    size_t waiting; // records not yet sent
    uint64_t dropped_samples;
    uint64_t dropped_records;
};
struct send_queue_stat send_queue_stat(const send_queue_t *self);

#endif

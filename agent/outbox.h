// outbox - what the agent makes, from the series table until a collector has acknowledged it: the
// writer of the live stream, the spool, and delivery, tied together.
//
// In:     rows of the series table; the collector's words, by outbox_delivery.
// Out:    frames, through a function; the ledger.
// Order:  each record goes to the spool and to delivery; it is sent when the spool has written it,
//         or 100 ms later.
// Thread: one owner. The spool has a thread of its own; nothing here waits for it, but opening and
//         closing.
// Loss:   none that the ledger does not tell of.

#ifndef AGENT_OUTBOX_H
#define AGENT_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/delivery.h"
#include "agent/series_table.h"
#include "agent/stream_writer.h"
#include "shared/model/ledger.h"
#include "shared/wire/body.h"

typedef struct outbox outbox_t;

// Texts are borrowed for as long as the outbox lives, and the table too.
struct outbox_options {
    struct identity id;
    const series_table_t *table;
    const char *data;      // folder; the spool is in it
    uint64_t spool_bytes;  // on disk, at most
    int64_t spool_age_ms;  // of a record, at most
    int64_t spool_sync_ms; // that a power cut can take
    int spool_close_ms;    // that a hanging disk can hold up outbox_close; 0: SPOOL_CLOSE_MS
    uint64_t backlog_rate; // bytes a second
    uint64_t memory;       // bytes of the live stream, at most
    int key_phase;         // of each stream, as stream_writer's; below zero: at random
};

// Sends a frame at once; false if it is not taken.
typedef bool outbox_send_fn(void *arg, const void *frame, size_t n);

// 0 and *ret; or an error of spool_open, said in the log.
int outbox_open(outbox_t **ret, const struct outbox_options *opt, outbox_send_fn *send, void *arg);
// Makes all durable. False: the disk hangs, a thread is left behind, and the process must end.
bool outbox_close(outbox_t **self_p);

// As uplink_row, uplink_apps and uplink_event.
void outbox_row(outbox_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
void outbox_apps(outbox_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
void outbox_event(outbox_t *self, const struct host_event *event);
// END: no row follows.
void outbox_end(outbox_t *self);

int outbox_fd(const outbox_t *self); // readable: outbox_turn has something to do
void outbox_turn(outbox_t *self);
// As delivery_turn, delivery_has and delivery_wait_ms.
bool outbox_send(outbox_t *self, unsigned budget);
bool outbox_has(const outbox_t *self);
bool outbox_waits(const outbox_t *self); // records of the live stream are not all sent
int64_t outbox_wait_ms(const outbox_t *self);

// The collector takes messages of so many bytes: from the next row on none is larger, and where the
// live stream has larger ones, which it would refuse for as long as that lasts, another one begins.
// It is kept: what is made after a start, before a collector has told, is as the last one took it,
// and where none ever has, no larger than what any takes.
void outbox_bound(outbox_t *self, uint32_t frame_bytes);
// For what the collector says, and HELLO.
delivery_t *outbox_delivery(outbox_t *self);
// Ticks never taken, beside those that outbox_open has found.
void outbox_missed(outbox_t *self, enum missed_cause cause, uint64_t ticks);
// What is on its way to the spool's thread is not in it yet.
struct ledger outbox_ledger(outbox_t *self);
// Sets the counters of own_series.h that are the outbox's.
void outbox_count(outbox_t *self);

#endif

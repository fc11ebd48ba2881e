// ingest - frames off the wire into the journal, and from there on.
//
// In:     frames of streams that a HELLO has named; others are dropped.
// Order:  stage (by seq alone) -> journal -> committed -> ACK -> applier (head, then publish).
//         What is staged while a group is at the disk is the next group; nothing waits for a timer.
// Out:    ACK and NAK by callbacks; rows by the applier; at the END of a backlog stream the times
//         that it filled.
// Credit: a limit per stream, from `receive_bytes` over the agents that live, at least
//         INGEST_SHARE_LEAST each. It stays where it is while three quarters of these are in use.
// Replay: until ingest_replayed() what is committed is acknowledged and kept, in order, for later;
//         then ingest_catch_up() applies it.
// Thread: the reactor's; it never waits for the disk.
// Loss:   what is dropped is counted by reason, and logged at most each 10 s per reason; it was not
//         acknowledged, so it comes again. A full disk: what was staged is taken back (NAK), frames
//         are dropped, and the journal is tried again each second.

#ifndef COLLECTOR_INGEST_H
#define COLLECTOR_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/applier.h"
#include "collector/host_ledger.h"
#include "collector/host_table.h"
#include "collector/journal.h"
#include "collector/roster.h"
#include "shared/wire/control.h"

#define INGEST_NAK_MS  1000 // at most one for KEY for a stream in this time
#define INGEST_NEXT_MS 250  // likewise for NEXT: a round trip or two
#define INGEST_FULL_MS 1000 // between two tries of a journal that had no room

typedef struct ingest ingest_t;

struct ingest_options {
    journal_t *journal; // as it was started: its lanes are read here
    applier_t *applier;
    host_table_t *hosts;
    host_ledger_t *ledger;            // what comes of records is noted there
    const struct agent_limits *agent; // copied; NULL: agent_limits_default
    uint64_t receive_bytes;           // held in memory at most, from the wire until it is applied
    void *arg;
    void (*ack)(void *arg, uint64_t host, const struct ack *ack);
    void (*nak)(void *arg, uint64_t host, const struct nak *nak);
    void (*filled)(void *arg, uint64_t host, int64_t from_ms, int64_t to_ms);
};

ingest_t *ingest_new(const struct ingest_options *options);
void ingest_destroy(ingest_t **self_p);

// Bytes of the largest message whose values are let in, of this host.
uint32_t ingest_max_frame(const ingest_t *self, const struct host *host);
void ingest_frame(ingest_t *self, const void *at, size_t n, struct host_time now);
// The same, of this sender: it is taken only for a host of its own.
void ingest_frame_of(ingest_t *self, const struct roster_member *sender, const void *at, size_t n,
                     struct host_time now);
// After some frames: submits what is staged if the journal has time for it.
void ingest_flush(ingest_t *self, struct host_time now);
// What the journal has done: journal_fd is readable. 0, or its final error, after which nothing is
// accepted any more.
int ingest_committed(ingest_t *self, struct host_time now);
// True while something is on its way to the disk or staged.
bool ingest_busy(const ingest_t *self);
// Before ingest_replayed: what of the streams in the journal had been refused, as the replay says.
void ingest_refused_before(ingest_t *self, const lane_table_t *lanes);
// The store holds what the journal held at the start, and the applier is live.
void ingest_replayed(ingest_t *self);
// Each turn: applies some milliseconds of what waited for the replay, which may be all of
// receive_bytes: as one piece it would be seconds in which nobody is answered. True while there is
// more.
bool ingest_catch_up(ingest_t *self, struct host_time now);
// An ACK for the host will go, at the latest when what was staged of it is durable.
bool ingest_owes_ack(const ingest_t *self, uint64_t host);
// What is committed waits to be applied.
bool ingest_is_behind(const ingest_t *self);
// No record that is not applied yet stands in an earlier segment of the journal.
uint64_t ingest_applied(const ingest_t *self);

// The streams that the host's agent holds now; those it had before are left to the journal. A
// stream of another host stays that one's.
void ingest_hello(ingest_t *self, const struct host *host, const struct hello_stream *streams,
                  uint32_t n);
// Lowest seq of the stream that is not here.
uint64_t ingest_next(const ingest_t *self, uint64_t host, uint64_t stream);
// After ingest_hello: the store's files have all of the stream below `next`, `total` samples (0:
// not known), whatever the journal has. From here on it is told so.
void ingest_stands(ingest_t *self, uint64_t host, uint64_t stream, uint64_t next, uint64_t total);
// What WELCOME says of a stream; its limit is 0 where it is another host's.
struct welcome_stream ingest_welcome(ingest_t *self, uint64_t host, uint64_t stream);
void ingest_forget(ingest_t *self, uint64_t host);
// The host under which the store has the samples of that one: another than itself for an imported
// host alone.
uint64_t ingest_into(const ingest_t *self, uint64_t host);
// What is durable of the host, NULL if nothing. Until something else is called here.
const struct lane_host *ingest_count(const ingest_t *self, uint64_t host);
// Keeps host_ledger's `before` of the host.
void ingest_before(ingest_t *self, uint64_t host, uint64_t samples);

// For the applier: asks for TABLE and KEY, at most once in INGEST_NAK_MS.
void ingest_ask(void *ingest, uint64_t host, uint64_t stream);

#endif

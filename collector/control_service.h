// control_service - what the collector says to its agents, and hears.
//
// In:     HELLO, PING, BYE from DEALERs, on a ROUTER.
// Out:    WELCOME, PONG, ACK, NAK, GOAWAY; the host table kept by what was heard.
// Thread: the reactor's.
// Loss:   an answer whose peer is gone or full is dropped and counted: agents ask again.
// Bytes that are no message of ours are counted and logged at most each 10 s.

#ifndef COLLECTOR_CONTROL_SERVICE_H
#define COLLECTOR_CONTROL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "collector/ingest.h"
#include "collector/refusal_book.h"
#include "collector/roster.h"
#include "collector/store/local_store.h"
#include "shared/net/sock.h"

typedef struct control_service control_service_t;

struct control_service_options {
    zsock_t *router; // borrowed
    host_table_t *hosts;
    ingest_t *ingest;
    host_ledger_t *ledger;
    local_store_t *store; // what of streams is in its files; or NULL
    uint64_t collector;   // its id
    uint64_t epoch;
    roster_t *roster;        // or NULL: anybody may say what he likes of any host
    refusal_book_t *refused; // borrowed; where who is sent away is noted
};

control_service_t *control_service_new(const struct control_service_options *options);
void control_service_destroy(control_service_t **self_p);

// Answers at most `budget` messages; true if there may be more.
bool control_service_read(control_service_t *self, unsigned budget);
// To the host's agent: how far a stream is durable here, or what is missing of it. Nothing for a
// host that is not known.
void control_service_ack(control_service_t *self, uint64_t host, const struct ack *ack);
void control_service_nak(control_service_t *self, uint64_t host, const struct nak *nak);
// At the end of a turn, with its ACKs and frames behind us: PONGs that wait for no ACK.
void control_service_pongs(control_service_t *self, int64_t mono_ms);
// Each quarter of a second or so: cuts whom GOAWAY{REVOKED} has reached.
void control_service_tick(control_service_t *self, int64_t mono_ms);
// GOAWAY{SHUTDOWN} to all that live; the delays are spread over a second.
void control_service_shutdown(control_service_t *self);

#endif

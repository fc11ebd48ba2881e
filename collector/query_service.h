// query_service - questions off the ROUTER, to the worker, and the answers back.
//
// Thread: the reactor's; the workers answer in theirs. Questions about times that memory surely has
//         go to one, others to the other, so that these do not hold up those.
// Limits: QUERY_JOBS_MAX questions wait for a worker, more are QUERY_BUSY. An asker that does not
//         read has its replies kept, at most PENDING_BYTES_MAX and PENDING_MS without taking one,
//         and PENDING_CLIENTS_MAX askers; beyond that the rest of its answer is given up and
//         counted.
// ZMQ's POLLOUT does not say which peer can take more, so what is pending is tried each turn.

#ifndef COLLECTOR_QUERY_SERVICE_H
#define COLLECTOR_QUERY_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/host_ledger.h"
#include "collector/host_table.h"
#include "collector/ingest.h"
#include "collector/publisher.h"
#include "collector/query_worker.h"
#include "collector/refusal_book.h"
#include "collector/roster.h"
#include "shared/net/sock.h"

#define PENDING_BYTES_MAX   (64u * 1024u * 1024u)
#define PENDING_MS          10000
#define PENDING_CLIENTS_MAX 64

typedef struct query_service query_service_t;

struct query_service_options {
    zsock_t *router;         // borrowed
    roster_t *roster;        // or NULL: anybody may ask
    refusal_book_t *refused; // borrowed
    query_worker_t *worker;
    query_worker_t *far; // for questions that may wait for a disk; NULL: there is none
    store_t *store;      // that both ask
    publisher_t *publisher;
    const host_table_t *hosts;
    const ingest_t *ingest;
    const host_ledger_t *ledger;
    uint64_t collector; // its id
    uint64_t epoch;
};

query_service_t *query_service_new(const struct query_service_options *options);
void query_service_destroy(query_service_t **self_p);

// Takes at most `budget` questions; true if there may be more.
bool query_service_read(query_service_t *self, unsigned budget);
// Sends the workers' chunks, at most `budget`; true if there may be more.
bool query_service_reply(query_service_t *self, unsigned budget, int64_t mono_ms);
// Tries what is pending; true if something still is.
bool query_service_flush(query_service_t *self, int64_t mono_ms);

#endif

// ingest - frames into rows, rows into the store and on to who watches.
//
// In:     frames of streams that a HELLO has named; others are dropped.
// Out:    rows in the store, with `instance` added from the identity; rows published, unless they
//         carry BACKLOG; a NAK where a stream can not be read.
// Thread: the reactor's.
// Limits: series of one host; samples more than FUTURE_MS ahead of our clock are refused.
// Loss:   what is dropped is counted by reason, and logged at most each 10 s per reason.

#ifndef COLLECTOR_INGEST_H
#define COLLECTOR_INGEST_H

#include <stddef.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "collector/publisher.h"
#include "collector/store/store.h"
#include "shared/wire/control.h"

#define INGEST_SERIES_MAX 100000u
#define INGEST_FUTURE_MS  (10 * 60 * 1000)
#define INGEST_NAK_MS     1000 // at most one for a stream in this time

typedef struct ingest ingest_t;

struct ingest_options {
    store_t *store;
    host_table_t *hosts;
    publisher_t *publisher;
    uint32_t most_series; // of one host
    void *arg;            // for nak
    void (*nak)(void *arg, uint64_t host, const struct nak *nak);
};

ingest_t *ingest_new(const struct ingest_options *options);
void ingest_destroy(ingest_t **self_p);

void ingest_frame(ingest_t *self, const void *at, size_t n, struct host_time now);

// The streams that the host's agent holds now; those it had before are forgotten. A stream of
// another host stays that one's.
void ingest_hello(ingest_t *self, const struct host *host, const struct hello_stream *streams,
                  uint32_t n);
// Lowest seq wanted of this host's stream; 0 for one that is not known.
uint64_t ingest_next(const ingest_t *self, uint64_t host, uint64_t stream);
void ingest_forget(ingest_t *self, uint64_t host);

#endif

// query_worker - answers questions from the store and the log of events, in a thread of its own.
//
// In:     jobs through a bounded ring: a request, whose it is, and the hosts as they were.
// Out:    chunks through a bounded ring with a descriptor: encoded replies, ready to be sent.
// Thread: its own; query_worker_* are the reactor's to call.
// Limits: QUERY_SERIES_MAX and QUERY_SAMPLES_MAX of one answer, QUERY_MOST_MS of time; what the
//         store adds to these.
// Chunks of one answer are in order and all before those of the next.

#ifndef COLLECTOR_QUERY_WORKER_H
#define COLLECTOR_QUERY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/collector_status.h"
#include "collector/event_log.h"
#include "collector/host_table.h"
#include "collector/store/store.h"
#include "shared/base/buf.h"
#include "shared/wire/query_msg.h"

#define QUERY_JOBS_MAX    64
#define QUERY_CHUNKS_MAX  16
#define QUERY_CHUNK_BYTES (1024u * 1024u) // a reply is sent on once it is larger
#define QUERY_MOST_MS     5000

struct query_job {
    struct route from;
    struct buf bytes;             // the message that the request's text points into
    struct query_request request; // checked
    uint64_t imported;            // a second host of SELECT and SERIES, read beside it; 0: none
    struct host_info *hosts;      // for QUERY_HOSTS
    uint32_t n_hosts;
};
void query_job_free(struct query_job *job);

struct query_chunk {
    struct route to;
    struct buf bytes; // one reply
    bool last;        // of its answer
};
void query_chunk_free(struct query_chunk *chunk);

typedef struct query_worker query_worker_t;

struct query_worker_options {
    store_t *store;
    event_log_t *events;
    const struct collector_about *about; // borrowed; NULL: nothing is known
    uint64_t collector;                  // its id
    uint64_t epoch;
    // Whether the store is whole; waits for that until this time of the monotonic clock. NULL: it
    // is.
    bool (*whole)(void *arg, int64_t until_ms);
    void *arg;
    int64_t wait_ms; // of a question at most
};

// 0 and *ret, or -errno.
int query_worker_start(query_worker_t **ret, const struct query_worker_options *options);
// Breaks off what it is at.
void query_worker_stop(query_worker_t **self_p);

bool query_worker_is_full(query_worker_t *self);
// Takes the job. Not while it is full.
void query_worker_ask(query_worker_t *self, struct query_job *job);
// Readable while there may be chunks; query_worker_ack, then take until NULL.
int query_worker_fd(const query_worker_t *self);
void query_worker_ack(query_worker_t *self);
struct query_chunk *query_worker_take(query_worker_t *self);

#endif

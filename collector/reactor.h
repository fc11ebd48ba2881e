// reactor - one thread that owns the collector's sockets, and all that is known of agents.
//
// In:     control ROUTER, query ROUTER, XPUB's subscriptions, PULL; the query worker's chunks.
// Thread: its own, once started. All that can fail happens before.
// Budget: each turn every socket gets its share and no more, control first; frames at most
//         DATA_BUDGET and DATA_BUDGET_NS. So a flood of one kind delays another by a turn.

#ifndef COLLECTOR_REACTOR_H
#define COLLECTOR_REACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "collector/applier.h"
#include "collector/collector_status.h"
#include "collector/journal.h"
#include "collector/refusal_book.h"
#include "collector/replay.h"
#include "collector/roster.h"
#include "collector/store/local_store.h"

typedef struct reactor reactor_t;

struct reactor_options {
    const char *data_endpoint; // the others follow from it (sock_endpoint)
    local_store_t *local;      // borrowed, as all below
    store_t *store;            // the same by its face
    journal_t *journal;
    replay_t *replay;                    // of the same journal
    applier_t *applier;                  // the replay's until it is done, then ours
    event_log_t *events;                 // what the applier fills
    const struct agent_limits *agent;    // NULL: agent_limits_default
    uint64_t receive_bytes;              // of memory for what came and is not yet applied
    const struct collector_about *about; // for as long as the reactor
    const struct key_pair *own;          // of the collector, for reactor_start; NULL: plain
    roster_t *roster;                    // who belongs; NULL with `own`
    refusal_book_t *refused;             // who was sent away
    uint64_t collector;                  // its id
    uint64_t epoch;
    size_t most_agents;
};

#define REACTOR_ENDPOINT_SIZE 256

// 0 and *ret; ERR_RANGE (not loopback), ERR_FORMAT (no endpoint) or -errno (-EADDRINUSE ...), and
// failed[] names the endpoint, or is empty where it was about none.
int reactor_start(reactor_t **ret, const struct reactor_options *options,
                  char failed[REACTOR_ENDPOINT_SIZE]);
// Says goodbye to all agents, ends the thread, closes the sockets.
void reactor_stop(reactor_t **self_p);
// Readable once the thread has ended, on its own if nobody stopped it.
int reactor_ended_fd(const reactor_t *self);

#endif

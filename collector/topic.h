// topic - what is told of one host's rows of one kind: their set of series, and how far it is told.
//
// In:     rows, with their series rising.
// Out:    the set, the counts that stand in each message; all of it is the publisher's to send.
// A topic's set, generation and pubseq move together or not at all.
// Thread: the publisher's. Pure.

#ifndef COLLECTOR_TOPIC_H
#define COLLECTOR_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/wire/live.h"

// "m/<host>" or "a/<host>": what its rows are made of.
struct topic {
    uint64_t host;
    char name[LIVE_TOPIC_SIZE];
    uint32_t generation; // of the set below
    uint32_t told;       // generation of the last TABLE sent; 0: none
    uint64_t pubseq;     // rows so far
    uint64_t number;     // of the last of them, in the store
    bool due;            // a TABLE is to be sent
    bool watched;        // by a subscription, as of ...
    uint64_t checked;    // ... this state of the subscriptions
    uint32_t n_ids;      // series of the set
    uint32_t size;       // allocated
    series_id *ids;      // rising
};

// A host's, in the order in which they are told.
enum { TOPIC_APPS, TOPIC_HOST, TOPICS };
struct topics {
    struct topic at[TOPICS];
};

struct topics *topics_new(uint64_t host);
void topics_free(struct topics *topics);
// Takes the row's series into the set; true if one is new.
bool topic_admit(struct topic *topic, const struct store_row *row);

#endif

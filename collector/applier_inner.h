// applier_inner - what the applier's two halves share: hosts and their streams, and what the lane
// of a stream calls back into.

#ifndef COLLECTOR_APPLIER_INNER_H
#define COLLECTOR_APPLIER_INNER_H

#include "collector/applier.h"
#include "collector/collector_stat.h"
#include "collector/row_builder.h"
#include "collector/row_list.h"
#include "collector/store/store_lane.h"
#include "shared/base/map.h"
#include "shared/wire/lane.h"
#include "shared/wire/live.h"

// One host's end of the wire.
struct source {
    uint64_t host;
    char *name;        // becomes `instance`; NULL: nobody has said it yet
    uint64_t nonce;    // of the agent's start, as last heard; 0: not yet
    uint32_t n_series; // defined slots of its streams
    uint32_t n_slots;  // that its streams have memory for
    uint32_t n_streams;
    uint32_t size; // allocated
    struct stream **streams;
};

// Where rows go: a row of the wire is at most one of each.
enum kind { KIND_APPS, KIND_HOST, KINDS };

// A slot's.
struct series {
    series_id id;   // 0: none
    enum kind kind; // once and for all, by its labels
    bool admitted;  // the publisher knows it
};

struct stream {
    applier_t *applier;
    struct source *source;
    uint64_t id;
    uint64_t host; // under which it stands in the store
    lane_t *lane;
    store_lane_t *into;    // the store
    struct series *series; // by slot
    uint32_t room;         // slots that its lane was granted
    uint32_t n_slots;      // allocated, all set
    uint32_t n_apps;       // of them with a series of an application
    uint32_t n_new;        // of them with a series that the publisher does not know
    int64_t retry_ms;      // monotonic, when to ask for series the store refused; 0: none
};

// What its lane has told of the record at hand.
struct applier_taken {
    bool begun;           // it is one of values, and was read as far as it went
    bool live;            // who watches shall see it
    bool watched[KINDS];  // likewise, and somebody does
    uint32_t width;       // of its row
    uint32_t rows[KINDS]; // that are kept: a block is at most one of each kind
    uint64_t seen;        // samples that the lane has given, ever
    uint64_t given;       // of the record, to the store
    uint64_t apps;        // of these
    bool bounded;         // a block was refused: too far ahead
    int64_t first_ms;     // of the blocks that are kept
    int64_t last_ms;
};

struct applier {
    local_store_t *local;
    store_t *store;
    event_log_t *events;
    struct applier_limits most;      // of one host
    struct applier_live live;        // all NULL while quiet
    map_t *sources;                  // host -> source
    map_t *streams;                  // id -> stream
    map_t *names;                    // name -> source, of agents: the one that took it last
    struct host_time now;            // of the record at hand
    uint64_t segment;                // of the journal, that it stands in
    uint8_t flags;                   // of the record at hand
    const struct record *record;     // at hand
    struct applier_taken taken;      // of it
    struct applier_fate fate;        // of what was not given
    struct row_builder build[KINDS]; // of the block at hand
    struct row_list rows;            // of the record at hand, where it is watched; marked
    int64_t said_ms[STAT_COUNT];     // when a reason was last logged
};

#define APPLIER_SAY_AGAIN_MS 10000
// Memory of a slot at most: arrays that grow to twice what was needed, and those of the store.
#define APPLIER_SLOT_BYTES (2 * (LANE_SLOT_BYTES + sizeof(struct series)) + STORE_LANE_SLOT_BYTES)
// A stream's arrays are no shorter.
#define APPLIER_SLOTS_LEAST 64u
// A stream with series that the store had no room for asks again this often.
#define APPLIER_RETRY_MS 60000

// A stream's lane, whose callbacks stand with it.
lane_t *applier_lane_new(struct stream *stream);
// The record at hand, read and kept: its rows to the store and to who watches.
void applier_give(struct stream *stream);

#endif

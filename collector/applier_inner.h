// applier_inner - what the applier's two halves share: hosts and their streams, and what the lane
// of a stream calls back into.

#ifndef COLLECTOR_APPLIER_INNER_H
#define COLLECTOR_APPLIER_INNER_H

#include "collector/applier.h"
#include "collector/collector_stat.h"
#include "collector/metric_names.h"
#include "collector/row_builder.h"
#include "collector/row_list.h"
#include "collector/store/store_lane.h"
#include "shared/base/map.h"
#include "shared/wire/lane.h"
#include "shared/wire/live.h"

// One host's end of the wire.
struct source {
    uint64_t host;
    char *name;                   // becomes `instance`; NULL: nobody has said it yet
    bool imported;                // an operator's, not an agent's
    uint64_t nonce;               // of the agent's start, as last heard; 0: not yet
    uint32_t n_series;            // different ones that its streams have slots for
    struct agent_minutes minutes; // of its new series
    uint32_t n_slots;             // that its streams have memory for
    uint32_t n_streams;
    uint32_t size; // allocated
    struct stream **streams;
};

// Where rows go: a row of the wire is at most one of each.
enum kind { KIND_APPS, KIND_HOST, KINDS };

// A slot's.
struct series {
    series_id id;    // 0: none
    uint16_t metric; // of metric_names
    uint8_t kind;    // enum kind, once and for all, by its labels
    uint8_t limit;   // enum refused_limit that it was refused by; 0: none
    bool admitted;   // the publisher knows it
    bool seen;       // in the record that is being shared out
    bool decided;    // since the start: its limit is no more asked, but where there was no room
};

struct stream {
    applier_t *applier;
    struct source *source;
    uint64_t id;
    uint64_t host; // under which it stands in the store
    lane_t *lane;
    store_lane_t *into;            // the store
    struct series *series;         // by slot
    uint32_t room;                 // slots that its lane was granted
    uint32_t n_slots;              // allocated, all set
    uint32_t n_apps;               // of them with a series of an application
    uint32_t n_new;                // of them with a series that the publisher does not know
    int64_t retry_ms;              // monotonic, when to ask for series the store refused; 0: none
    int64_t retry_wait_ms;         // how long it waited the last time; 0: it never did
    int64_t retried_ms;            // monotonic, when it asked the last time
    struct slot_decisions decided; // of its slots
    uint32_t decided_before;       // slots below it were decided before the start
    bool to_tell;                  // of that something is new
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
    bool shared;   // its blocks wait in `part`
    uint8_t limit; // that refused the last samples, of this metric, and how many: not booked yet
    uint16_t metric;
    uint64_t n_refused;
    uint64_t by_slot; // samples refused for their slot's series
};

// A block of a record that is not let in whole.
struct part_block {
    int64_t time_ms;
    uint32_t nth; // of the record's
    bool sparse;
    bool fresh;       // it has a slot that no block before it had
    uint32_t n;       // cells, then those that are kept
    uint64_t given;   // of them series'
    uint64_t refused; // series' cells behind them
    size_t at;        // of its slots and cells
};

struct part {
    struct part_block *blocks; // all arrays are kept for the next one
    uint32_t n_blocks;
    uint32_t blocks_size;
    uint32_t *slots;
    struct cell *cells;
    size_t n_cells;
    size_t cells_size;
    uint32_t *keep; // as struct open_record has it
    uint32_t n_keep;
    uint32_t keep_size;
};

struct applier {
    local_store_t *local;
    store_t *store;
    event_log_t *events;
    struct applier_limits most;  // of one host
    struct applier_live live;    // all NULL while quiet
    map_t *sources;              // host -> source
    map_t *streams;              // id -> stream
    map_t *names;                // name -> source, of agents: the one that took it last
    struct host_time now;        // of the record at hand
    uint64_t segment;            // of the journal, that it stands in
    uint8_t flags;               // of the record at hand
    const struct record *record; // at hand
    struct applier_taken taken;  // of it
    struct applier_fate fate;    // of what was not given
    struct record_share share;   // of the record at hand
    struct part part;            // likewise, where it is not all
    const lane_table_t *lanes;   // NULL: nothing was decided before
    uint16_t *held;              // by series: slots that have it
    uint32_t held_size;
    metric_names_t *metrics;
    struct journal_id *decided; // streams with `to_tell`
    uint32_t n_decided;
    uint32_t decided_size;
    struct row_builder build[KINDS]; // of the block at hand
    struct row_room room;            // of the block that a lane reads
    struct row_list rows;            // of the record at hand, where it is watched; marked
    int64_t said_ms[STAT_COUNT];     // when a reason was last logged
};

#define APPLIER_SAY_AGAIN_MS 10000
// Memory of a slot at most: arrays that grow to twice what was needed, and those of the store.
#define APPLIER_SLOT_BYTES (2 * (LANE_SLOT_BYTES + sizeof(struct series)) + STORE_LANE_SLOT_BYTES)
// A stream's arrays are no shorter.
#define APPLIER_SLOTS_LEAST 64u
// A stream with series that the store had no room for asks again, each time after twice as long.
#define APPLIER_RETRY_MS      60000
#define APPLIER_RETRY_MOST_MS (60 * 60 * 1000)

// A stream's lane, whose callbacks stand with it.
lane_t *applier_lane_new(struct stream *stream);
// When to ask for what there was no room for.
void applier_retry(struct stream *stream);
// The limit that refuses the slot its series, 0 if none does: as it was decided before, or now.
// `whole` are the labels with `instance`; *known_ret is the series if the store was seen to have
// it, else 0.
uint8_t applier_decide(struct stream *stream, const struct slot_def *def,
                       const struct label_set *whole, series_id *known_ret);
// There was no room for it: it is to be decided as if it had never been, since others may come.
void applier_undecide(struct stream *stream, uint32_t slot);
// A series has one slot more, or less.
void applier_hold(struct stream *stream, series_id id);
void applier_unhold(struct stream *stream, series_id id);
// So many samples of the metric were refused by the limit; told when another one is, or with 0.
void applier_refused(struct stream *stream, uint8_t limit, uint16_t metric, uint64_t samples);
// A block of a record that is not let in whole: it waits for the others.
void applier_part_add(struct stream *stream, int64_t time_ms, const struct row_block *block);
// All have come: what is let in goes on to applier_block, unless the record broke off.
void applier_part_end(struct stream *stream, bool is_whole);
// `n` samples of a block that are let in.
void applier_block(struct stream *stream, int64_t time_ms, const struct row_block *block,
                   uint64_t n);
// The record at hand, read and kept: its rows to the store and to who watches.
void applier_give(struct stream *stream);

#endif

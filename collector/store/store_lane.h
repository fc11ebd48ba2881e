// store_lane - one stream's way into the embedded store: records as they came.
//
// In:     of each slot, which series it is; records of values in their order, each after the state
//         that it is against.
// Out:    rows that are in every answer from then on.
// Thread: a lane is one thread's; lanes of a store may be several threads'.
// Cost:   a nanosecond a sample and some 100 a record.
// Loss:   none.

#ifndef COLLECTOR_STORE_STORE_LANE_H
#define COLLECTOR_STORE_STORE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/local_store.h"
#include "collector/store/open_tile.h"
#include "collector/store/slot_map.h"

typedef struct store_lane store_lane_t;

// Of memory for each slot up to the highest that was defined, at most: its piece of the map, of
// which its tile may have one from before, and whether a TABLE has named it.
#define STORE_LANE_SLOT_BYTES (2 * (sizeof(struct slot_series) + 2) + 2)

store_lane_t *store_lane_open(local_store_t *store, uint64_t host, uint64_t stream);
// What it holds is sealed.
void store_lane_close(store_lane_t **self_p);

// A TABLE begins: slots that it does not define are nobody's from record `from_seq` on.
void store_lane_table(store_lane_t *self, uint64_t from_seq);
// From record `from_seq` on values of the slot are this series'; id 0: nobody's.
void store_lane_define(store_lane_t *self, uint32_t slot, series_id id, struct metric_form form,
                       uint64_t from_seq);
// Where a record of values comes from.
struct store_place {
    uint64_t seq;     // its own
    uint64_t segment; // of the journal, in which it stands; 0: in none
    uint64_t total;   // samples of the stream up to its end, as the sender counts; 0: not known
};
// Before each record of values. `before` is the state that a DELTA is against, NULL for a KEY;
// `apart`: that state is not the one that the record appended last has left.
void store_lane_before(store_lane_t *self, struct store_place place, const struct row_state *before,
                       bool apart);
// The record was not to be had after all.
void store_lane_abandon(store_lane_t *self);
// A record that has been read, of `rows` rows that count; the number of the first of them, as
// store_append gives it.
uint64_t store_lane_append(store_lane_t *self, const struct open_record *record, uint32_t rows);
// Memory that its slots take, without what waits to be sealed.
size_t store_lane_bytes(const store_lane_t *self);

#endif

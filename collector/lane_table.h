// lane_table - what the journal holds of each stream: how far, how much, and where.
//
// In:     entries of the journal, in its order, with their places; or a checkpoint.
// Out:    for each (host, stream) the marks below; a checkpoint that says all of it again.
// Thread: one owner. Pure: no files, no clocks.
//
// An entry in the journal was accepted when it came, so it is never judged here: a record above
// `next` says that what lies between is held by another collector, or was damaged on our disk.
// Limits: a stream is forgotten by lane_table_expire alone.

#ifndef COLLECTOR_LANE_TABLE_H
#define COLLECTOR_LANE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/journal_entry.h"
#include "shared/base/segment_log.h"

struct lane_host;

struct lane_entry {
    uint64_t host;
    uint64_t stream;
    struct lane_host *of;  // its host, once it was asked for; the table's. NULL: not yet
    uint64_t next;         // lowest seq not in the journal
    uint64_t total;        // samples before `next`, as the sender counts
    uint32_t crc;          // of record next - 1; 0: not known, or a GAP
    uint64_t taken;        // samples in the journal, or once in it
    uint64_t elsewhere;    // samples that another collector has
    uint64_t refused;      // of `taken`: not stored, as last said
    uint64_t refused_next; // and of the records below this one: what came later, a kill forgot
    bool ended;            // END is in the journal
    bool torn;             // records are missing since the last TABLE: definitions may be
    bool backlog;          // some of it came late, with the times below
    int64_t from_ms;       // t0 of the oldest record that came as backlog
    int64_t to_ms;         // of the newest one
    int64_t heard_ms;      // our clock, when the newest record came
    struct slot_decisions decided; // of its slots, by the limits of its agent; ours
    bool stale;                    // that was too long ago at the last lane_table_expire
    // Where reading can begin such that `next` is readable. Segment 0: nowhere, the sender's
    // repeats are wanted.
    struct segment_place key;
    uint64_t chain;             // seq that continues what can be read from there
    struct segment_place *defs; // where its definitions stand; ours
    uint32_t n_defs;
    uint32_t defs_size; // allocated
};

// What the journal holds, or once held, of all streams of a host, forgotten ones too; in samples.
struct lane_host {
    char *name;         // what it was called last; ours; NULL: not said
    uint64_t taken;     // as above, of all its streams
    uint64_t elsewhere; // likewise
    uint64_t refused;   // likewise
    bool settled;       // `before` is known
    uint64_t before;    // acknowledged in its agent's book, and never taken here
};

// Whether the journal alone tells how to read record `next`; if not, repeats belong in it.
static inline bool
lane_entry_is_whole(const struct lane_entry *lane)
{
    return lane->key.segment != 0 && lane->chain == lane->next;
}

typedef struct lane_table lane_table_t;

lane_table_t *lane_table_new(void);
void lane_table_destroy(lane_table_t **self_p);
// All of `from`, in place of what was there.
void lane_table_copy(lane_table_t *self, const lane_table_t *from);

// Books one entry that stands at `place`. CHECKPOINTs are for lane_checkpoint_load.
void lane_table_book(lane_table_t *self, const struct journal_entry *entry,
                     struct segment_place place);
// The same of a record, by who has found its stream's entry already.
void lane_table_book_record(lane_table_t *self, struct lane_entry *lane,
                            const struct journal_entry *entry, struct segment_place place);
// Segments below `oldest` are gone: places in them are forgotten.
void lane_table_trim(lane_table_t *self, uint64_t oldest);
// Forgets streams that ended and were last heard before `before_ms`, those without END 30 days
// later, and hosts without streams. Only what was so at the call before as well, and not heard
// since: a clock that jumped ahead makes all streams old, and those that live are heard again soon.
void lane_table_expire(lane_table_t *self, int64_t before_ms);

// NULL if it is not known.
struct lane_entry *lane_table_find(const lane_table_t *self, uint64_t host, uint64_t stream);
// Made where it is missing.
struct lane_entry *lane_table_add(lane_table_t *self, uint64_t host, uint64_t stream);
// What the host was called last, or NULL.
const char *lane_table_name(const lane_table_t *self, uint64_t host);
// NULL if nothing of it is known.
const struct lane_host *lane_table_host(const lane_table_t *self, uint64_t host);
// Made where it is missing.
struct lane_host *lane_table_add_host(lane_table_t *self, uint64_t host);
void lane_table_set_name(lane_table_t *self, uint64_t host, const char *name, size_t len);
// Of what was taken of the lane, so many samples more were not stored.
void lane_table_refuse(lane_table_t *self, struct lane_entry *lane, uint64_t samples);
// In place of what was decided before.
void lane_entry_decide(struct lane_entry *lane, const struct slot_decisions *decided);
size_t lane_table_count(const lane_table_t *self);
// All, in no order: start with *at = 0; NULL at the end. No change between calls.
struct lane_entry *lane_table_next(const lane_table_t *self, size_t *at);
// Likewise.
const struct lane_host *lane_table_next_host(const lane_table_t *self, size_t *at,
                                             uint64_t *host_ret);
// One more of its definitions stands there.
void lane_entry_add_def(struct lane_entry *lane, struct segment_place place);

#endif
